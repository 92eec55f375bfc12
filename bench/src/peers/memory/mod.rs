//! Section "peers-memory": `Cache` on a `MemoryStore` beside other caches in memory.
//!
//! Every peer is set up as its own documentation has it, with its own hasher and number of shards, and
//! does what it can: what it cannot do (a lifetime, a single flight) it is not asked for, or is named in
//! the note of the group. What each of them is: `contender/`.

mod contender;
mod crew;
mod footprint;
mod ground;
mod herd;
mod latency;
mod lineup;
mod ratio;
mod throughput;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use self::crew::WORKERS;
use self::ground::Ground;
use self::lineup::{Lineup, Owned, Shared};
use crate::args::Effort;
use crate::fixture::Fixture;
use crate::heap;
use crate::record::Records;
use crate::verdict::Findings;

/// The lifetime that every entry is given by who can give one.
const TTL: Duration = Duration::from_hours(1);
/// The same, as our users write it.
const TTL_AS_TEXT: &str = "1h";

/// What the parts of this section begin with.
struct Bench {
    ground: Arc<Ground>,
    runtime: Runtime,
    effort: Effort,
}

pub(crate) fn run(
    fixture: &Fixture,
    effort: Effort,
    records: &mut Records,
    findings: &mut Findings,
) {
    // A section before this one may have counted, and nobody should pay for that here.
    heap::pause();
    let bench = Bench { ground: Arc::new(Ground::new(fixture)), runtime: runtime(), effort };
    {
        let shared = bench.runtime.block_on(Lineup::<Shared>::new(&bench.ground));
        throughput::hit_shared(&bench, &shared, records);
        throughput::scaling(&bench, &shared, records, findings);
        latency::hit(&bench, &shared, records);
        throughput::remember_shared(&bench, &shared, records);
        throughput::miss(&bench, &shared, records);
        throughput::mix(&bench, &shared, records);
        throughput::put(&bench, &shared, records);
        latency::put(&bench, &shared, records);
    }
    {
        let owned = bench.runtime.block_on(Lineup::<Owned>::new(&bench.ground));
        throughput::hit_owned(&bench, &owned, records);
        throughput::remember_owned(&bench, &owned, records);
    }
    ratio::run(&bench, records);
    herd::run(&bench, records, findings);
    footprint::run(&bench, records, findings);
}

/// A service on two processors.
fn runtime() -> Runtime {
    match Builder::new_multi_thread().worker_threads(WORKERS).enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("a runtime can be built: {error}"),
    }
}
