//! What part of all reads is a hit, where there is room for a part of the keys only.

mod traces;

use std::sync::Arc;

use foyer_memory::{LfuConfig, S3FifoConfig};

use self::traces::Trace;
use super::Bench;
use super::contender::{
    Cached, Contender, Decoded, FoyerHandle, MiniMoka, MokaFuture, MokaSync, Quick,
};
use super::lineup::{CACHED, FOYER, MINI_MOKA, MOKA_FUTURE, MOKA_SYNC, QUICK};
use crate::fixture::{KEYS, User};
use crate::record::{Better, Group, OURS, Records, Unit};
use crate::spread::Spread;
use crate::table::Table;

/// The capacities, as parts of all keys.
const CAPACITIES: [(&str, u32); 3] =
    [("0.1 %", KEYS / 1_000), ("1 %", KEYS / 100), ("10 %", KEYS / 10)];

const FOYER_LFU: &str = "foyer, w-TinyLFU";
const FOYER_S3FIFO: &str = "foyer, S3-FIFO";

const HOW: &str = "\
Each cache is asked for a key, and on a miss the key is put, by one task. The sequence is the same for \
everyone; the figures are of several repeats, each with a sequence of its own (but for the loop, which is always the \
same) and with new caches, whose hashers may have seeds of their own. moka and mini-moka do what they put off after every put, \
as they would in a service whose requests come apart from each other: else they hold more than their \
capacity for a while. Capacities are parts of 100,000 keys; every cache was checked to hold no more than its \
own at the end. Shards are as they come, but for cached, which has one where by several it would hold more than it may, as \
its documentation says (on two processors at 0.1 %), and so is exact LRU there; foyer's default is LRU by eight shards, and two more of its \
policies are shown. cachet is left out: it is moka inside, and cannot be asked to do what it has put off. \
With and without the clock quick_cache is one and the same here.";

pub(super) fn run(bench: &Bench, records: &mut Records) {
    let length = bench.effort.pick(400_000, 100_000);
    for trace in Trace::ALL {
        let mut table = Table::new(["", CAPACITIES[0].0, CAPACITIES[1].0, CAPACITIES[2].0]);
        let by_capacity = CAPACITIES.map(|(_, capacity)| repeated(bench, trace, capacity, length));
        let id = format!("memory-ratio-{}", trace.id());
        println!("\nhits of {length} reads, % (p10–p90): {}", trace.title());
        records.group(Group {
            id: id.clone(),
            title: format!("hit ratio: {}", trace.title()),
            unit: Unit::Share,
            better: Better::Higher,
            note: format!("{} {length} reads. {HOW}", trace.what()),
        });
        for (at, (name, _)) in by_capacity[0].iter().enumerate() {
            let ratios = by_capacity.each_ref().map(|everyone| &everyone[at].1);
            let cells = ratios.map(|ratios| {
                format!("{:.2}", Spread::of(ratios.iter().map(|ratio| ratio * 100.0)))
            });
            table.row(std::iter::once((*name).to_owned()).chain(cells));
        }
        table.print();
        for ((case, _), ratios) in CAPACITIES.into_iter().zip(&by_capacity) {
            for (name, ratios) in ratios {
                records.add(&id, case, name, ratios.iter().copied());
            }
        }
    }
}

/// The ratios of everyone, repeat by repeat.
fn repeated(
    bench: &Bench,
    trace: Trace,
    capacity: u32,
    length: u32,
) -> Vec<(&'static str, Vec<f64>)> {
    let mut everyone: Vec<(_, Vec<_>)> = Vec::new();
    for repeat in 0..bench.effort.pick(5, 2) {
        let indices = trace.indices(capacity, length, repeat);
        for (at, (name, ratio)) in
            of_everyone(bench, capacity as usize, &indices).into_iter().enumerate()
        {
            match everyone.get_mut(at) {
                Some((_, ratios)) => ratios.push(ratio),
                None => everyone.push((name, vec![ratio])),
            }
        }
    }
    everyone
}

fn of_everyone(bench: &Bench, capacity: usize, indices: &[u32]) -> Vec<(&'static str, f64)> {
    type Value = Arc<User>;
    let foyer = FoyerHandle::<User>::with_eviction;
    bench.runtime.block_on(async {
        vec![
            (QUICK, ratio(bench, Quick::<Value>::new(capacity), capacity, indices).await),
            (MOKA_SYNC, ratio(bench, MokaSync::<Value>::new(capacity), capacity, indices).await),
            (
                MOKA_FUTURE,
                ratio(bench, MokaFuture::<Value>::new(capacity), capacity, indices).await,
            ),
            (MINI_MOKA, ratio(bench, MiniMoka::<Value>::new(capacity), capacity, indices).await),
            (FOYER, ratio(bench, FoyerHandle::<User>::new(capacity), capacity, indices).await),
            (
                FOYER_LFU,
                ratio(bench, foyer(capacity, LfuConfig::default().into()), capacity, indices).await,
            ),
            (
                FOYER_S3FIFO,
                ratio(bench, foyer(capacity, S3FifoConfig::default().into()), capacity, indices)
                    .await,
            ),
            (CACHED, ratio(bench, Cached::<Value>::of_exactly(capacity), capacity, indices).await),
            (OURS, ratio(bench, Decoded::new(capacity), capacity, indices).await),
        ]
    })
}

/// The hits of all reads.
async fn ratio<C: Contender>(bench: &Bench, cache: C, capacity: usize, indices: &[u32]) -> f64 {
    let keys = bench.ground.keys();
    let (mut hits, mut reads) = (0, 0);
    for index in indices {
        let key = &keys[*index as usize];
        reads += 1;
        if cache.get(key).await.is_some() {
            hits += 1;
        } else {
            cache.put(key, small((*index).into())).await;
            cache.settle().await;
        }
    }
    let mut held = 0;
    for key in keys {
        held += usize::from(cache.holds(key).await);
    }
    assert!(held <= capacity, "{held} entries are held by a cache of {capacity}");
    assert!(held > capacity * 3 / 4, "{held} entries are held by a cache of {capacity}");
    f64::from(hits) / f64::from(reads)
}

/// What is held is of no matter here.
fn small(id: u64) -> User {
    User { id, name: String::new(), email: String::new(), roles: Vec::new() }
}
