//! What a read allocates beyond what the client beneath allocates for it.

use allocation_counter::measure;
use cache_redis::{Cache, RedisStore};
use fred::bytes::Bytes;
use fred::interfaces::{ClientLike, KeysInterface};
use fred::prelude::{Builder, Config};
use fred::types::Value;
use redis_servers::Server;

const READS: u64 = 2_000;

/// One for the future and one for the key, and none for the value: it is decoded where it was received.
const OURS: u64 = 2;

#[test]
fn a_read_allocates_its_future_and_its_key() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    let (cache, raw) = runtime.block_on(async {
        let cache = Cache::new(RedisStore::connect(&server.url()).await.unwrap());
        let config = Config::from_url(&server.url()).unwrap();
        let raw = Builder::from_config(config).build().unwrap();
        raw.init().await.unwrap();
        // Decoding it allocates nothing.
        cache.put("k", &(1_u64, 2_u64, 3_u64), "1h").await.unwrap();
        (cache, raw)
    });
    // Both with all that their connections do, on this one thread.
    let ours = || {
        runtime.block_on(async {
            for _ in 0..READS {
                let found = cache.get::<(u64, u64, u64)>("k").await;
                assert_eq!(found.unwrap(), Some((1, 2, 3)));
            }
        });
    };
    let raw = || {
        runtime.block_on(async {
            for _ in 0..READS {
                // A key that costs nothing.
                let key = Bytes::from_static(b"cache:k");
                assert!(raw.get::<Value, _>(key).await.unwrap().is_bytes());
            }
        });
    };
    ours();
    raw();
    let (ours, raw) = (measure(ours).count_total, measure(raw).count_total);
    println!("a read of ours {}, of the client {}", ours / READS, raw / READS);
    // A fiftieth is for what comes now and then, such as a buffer that the server's answers fill.
    assert!(ours <= raw + OURS * READS + READS / 50, "ours {ours}, raw {raw}");
}
