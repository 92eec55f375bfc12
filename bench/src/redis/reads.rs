//! `get` of a hit, at several numbers of tasks in flight.

use std::hint::black_box;

use fred::bytes::Bytes;
use fred::prelude::KeysInterface;
use tokio::runtime::Runtime;

use super::{Bench, KEYS, decode, load};
use crate::fixture::User;
use crate::verdict::Findings;

pub(crate) fn run(runtime: &Runtime, bench: &Bench<'_>, findings: &mut Findings) {
    for (tasks, operations) in [(1, 10_000), (64, 100_000), (512, 200_000)] {
        let keys: Vec<_> = (0..KEYS).map(|index| bench.key(index)).collect();
        let names: Vec<_> = (0..KEYS).map(|index| bench.name(index)).collect();
        let (cache, client) = (bench.cache.clone(), bench.raw.clone());
        let (keys, names) = (std::sync::Arc::new(keys), std::sync::Arc::new(names));
        let rates = runtime.block_on(load::rounds(
            tasks,
            bench.effort.pick(operations, operations / 4),
            bench.effort,
            move |index| {
                let (cache, keys) = (cache.clone(), keys.clone());
                async move {
                    let found = cache.get::<User>(&keys[(index % KEYS) as usize]).await;
                    assert!(black_box(found).is_ok_and(|user| user.is_some()));
                }
            },
            move |index| {
                let (client, names) = (client.clone(), names.clone());
                async move {
                    let name = names[(index % KEYS) as usize].as_str();
                    let found: Result<Option<Bytes>, _> = client.get(name).await;
                    assert!(
                        black_box(found.map(|found| found.map(|bytes| decode(&bytes))))
                            .is_ok_and(|user| user.is_some())
                    );
                }
            },
        ));
        rates.report(&format!("get, {tasks} in flight"), ["fred + decode", "get"], 0.9, findings);
    }
}
