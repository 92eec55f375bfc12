//! On a server, nobody else wants it: beside the two round trips that it takes at least.

use cache_lock::Locks;
use cache_redis::{Cache, RedisStore};
use fred::prelude::{Builder, Client, ClientLike, Config, KeysInterface};
use fred::types::{Expiration, SetOptions};
use tokio::runtime::Runtime;

use crate::args::Effort;
use crate::redis::load;
use crate::verdict::Findings;

pub(crate) fn run(runtime: &Runtime, url: &str, effort: Effort, findings: &mut Findings) {
    let (cache, raw) = runtime.block_on(clients(url));
    let rates = runtime.block_on(load::rounds(
        1,
        effort.pick(5_000, 1_000),
        effort,
        move |_| {
            let cache = cache.clone();
            async move {
                match cache.lock("report", "30s").acquire().await {
                    Ok(guard) => assert!(guard.release().await.is_ok()),
                    Err(error) => panic!("nobody else wants it: {error}"),
                }
            }
        },
        move |_| {
            let raw = raw.clone();
            async move {
                let (lease, only_if) = (Some(Expiration::PX(30_000)), Some(SetOptions::NX));
                let set: Result<Option<String>, _> =
                    raw.set("raw", "owner", lease, only_if, false).await;
                assert!(set.is_ok_and(|set| set.is_some()));
                let deleted: Result<i64, _> = raw.del("raw").await;
                assert!(deleted.is_ok_and(|deleted| deleted == 1));
            }
        },
    ));
    // Within 1.15 times its time.
    rates.report(
        "a lock on a server, taken and given back",
        ["SET NX PX + DEL", "acquire + release"],
        1.0 / 1.15,
        findings,
    );
}

async fn clients(url: &str) -> (Cache, Client) {
    let store = RedisStore::connect(url).await;
    let cache = Cache::new(store.unwrap_or_else(|error| panic!("the server is there: {error}")));
    let config = Config::from_url(url).unwrap_or_else(|error| panic!("a URL: {error}"));
    let raw = Builder::from_config(config).build();
    let raw = raw.unwrap_or_else(|error| panic!("a client can be built: {error}"));
    if let Err(error) = raw.init().await {
        panic!("the server is there: {error}");
    }
    (cache, raw)
}
