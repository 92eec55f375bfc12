//! `get_many` of a hundred keys, beside one MGET.

use std::hint::black_box;
use std::sync::Arc;

use fred::bytes::Bytes;
use fred::prelude::KeysInterface;
use tokio::runtime::Runtime;

use super::{Bench, KEYS, decode, load};
use crate::fixture::User;
use crate::verdict::Findings;

const MANY: u32 = 100;

pub(crate) fn run(runtime: &Runtime, bench: &Bench<'_>, findings: &mut Findings) {
    let keys: Arc<Vec<_>> = Arc::new((0..KEYS).map(|index| bench.key(index)).collect());
    let names: Arc<Vec<_>> = Arc::new((0..KEYS).map(|index| bench.name(index)).collect());
    let (cache, client) = (bench.cache.clone(), bench.raw.clone());
    let rates = runtime.block_on(load::rounds(
        1,
        bench.effort.pick(2_000, 500),
        bench.effort,
        move |index| {
            let (cache, keys) = (cache.clone(), keys.clone());
            async move {
                let start = (index % (KEYS - MANY)) as usize;
                let found = cache.get_many::<User>(&keys[start..start + MANY as usize]).await;
                assert!(black_box(found).is_ok_and(|users| users.iter().all(Option::is_some)));
            }
        },
        move |index| {
            let (client, names) = (client.clone(), names.clone());
            async move {
                let start = (index % (KEYS - MANY)) as usize;
                let asked: Vec<_> =
                    names[start..start + MANY as usize].iter().map(String::as_str).collect();
                let found: Result<Vec<Option<Bytes>>, _> = client.mget(asked).await;
                let users = found.map(|found| {
                    found
                        .into_iter()
                        .map(|bytes| bytes.map(|bytes| decode(&bytes)))
                        .collect::<Vec<_>>()
                });
                assert!(black_box(users).is_ok_and(|users| users.iter().all(Option::is_some)));
            }
        },
    ));
    // Within 1.2 times its time.
    rates.report("get_many of 100 keys", ["MGET + decode", "get_many"], 1.0 / 1.2, findings);
}
