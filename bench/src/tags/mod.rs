//! Section "tags": a hit under tags beside one without, a put beside one without, and what a flush takes however
//! many entries it takes away.

mod flush;
mod puts;
mod reads;

use cache_core::Tag;
use cache_memory::{Cache, MemoryStore};
use tokio::runtime::Runtime;

use crate::args::Effort;
use crate::fixture::{CAPACITY, Fixture};
use crate::race::runtime;
use crate::verdict::Findings;

/// Operations of a contender in a round: some tens of milliseconds.
const OPERATIONS: u32 = 100_000;
/// So many tags are borne by a hundred entries each. Under two tags, the second one is the same for all.
const TAGS: usize = 1_000;

pub(crate) fn run(fixture: &Fixture, effort: Effort, findings: &mut Findings) {
    let runtime = runtime();
    let bench = Bench { fixture, runtime: &runtime, effort, names: Names::new() };
    reads::run(&bench, findings);
    puts::run(&bench);
    flush::run(effort, findings);
}

struct Bench<'a> {
    fixture: &'a Fixture,
    runtime: &'a Runtime,
    effort: Effort,
    names: Names,
}

/// The names of all tags.
struct Names(Vec<String>);

impl Names {
    fn new() -> Self {
        Self((0..TAGS).map(|n| format!("group:{n}")).collect())
    }

    /// The tag of the entry at `index`.
    fn of(&self, index: u32) -> [Tag<'_>; 1] {
        [tag(&self.0[index as usize % TAGS])]
    }

    /// The same and another one, which many have.
    fn two_of(&self, index: u32) -> [Tag<'_>; 2] {
        [tag(&self.0[index as usize % TAGS]), tag("all")]
    }
}

fn tag(name: &str) -> Tag<'_> {
    match Tag::new(name) {
        Ok(tag) => tag,
        Err(error) => panic!("it is a tag: {error}"),
    }
}

fn cache() -> Cache {
    Cache::new(MemoryStore::builder().max_entries(CAPACITY).build())
}
