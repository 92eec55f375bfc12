//! `put` with a TTL.

use std::sync::Arc;

use redis_servers::redis::from_redis_value;

use super::contenders::{Cached, Contenders, Fred, Hitbox, Ours, RedisRs, RedisRsNoDelay};
use super::contest::Contest;
use super::peer::{self, Peer, Puts};
use super::standings::{ANY_NUMBER, Plan};
use super::users::USERS;
use super::{Bench, Book, TTL_SECONDS};

const PLAN: Plan = Plan {
    id: "redis-put",
    title: "put with a TTL, on a server",
    note: "A user is stored for an hour, in place of what was there. Each builds its key of an id, \
           encodes, and waits for the answer; each has one connection that all tasks share, on which \
           every one of these clients writes what many tasks ask for at once without waiting in between. \
           `cache`: `put`, a SET with a timeout and with bounds on what waits. From some eight in flight on they \
           share a script, which stores one after the other. \
           `raw fred`: SET by hand, with TCP_NODELAY as its README has it, without a timeout and without bounds. \
           `raw redis-rs`: SETEX by hand over its `ConnectionManager`, with a timeout. It leaves it to the \
           kernel to hold back what is written while something small is on its way, and to join it; beside it the same \
           with TCP_NODELAY. \
           `cached`: `async_cache_set_ref` of `AsyncRedisCache` (MessagePack), its cheapest way to store: \
           `async_cache_set` reads the old value as well. \
           `hitbox`: `CacheBackend::set` of its `RedisBackend` (bincode), which takes a value of its own, so that the \
           user is cloned, and sends HSET and PEXPIRE.",
    loads: &ANY_NUMBER,
};

pub(crate) fn run(bench: &Bench, contenders: &Contenders, book: &mut Book<'_>) {
    let Contenders { ours, fred, redis_rs, redis_rs_no_delay, cached, hitbox, .. } = contenders;
    stores_what_ends(bench, ours);
    stores_what_ends(bench, fred);
    stores_what_ends(bench, redis_rs);
    stores_what_ends(bench, redis_rs_no_delay);
    stores_what_ends(bench, cached);
    stores_what_ends(bench, hitbox);
    let contest = Contest::default()
        .with(Ours::NAME, puts(bench, ours))
        .with(Fred::NAME, puts(bench, fred))
        .with(RedisRs::NAME, puts(bench, redis_rs))
        .with(RedisRsNoDelay::NAME, puts(bench, redis_rs_no_delay))
        .with(Cached::NAME, puts(bench, cached))
        .with(Hitbox::NAME, puts(bench, hitbox));
    PLAN.run(bench, &contest, book).ahead_of(&[Cached::NAME, Hitbox::NAME], book);
}

fn puts<P: Peer>(bench: &Bench, peer: &Arc<P>) -> Puts<P> {
    Puts { peer: Arc::clone(peer), users: Arc::clone(&bench.users) }
}

/// One entry for each user, found whole, that ends when it should.
fn stores_what_ends<P: Peer>(bench: &Bench, peer: &Arc<P>) {
    const SAMPLES: usize = 20;
    let ask = |command: &[&str]| bench.server.ask(command);
    bench.empty_server();
    bench.runtime.block_on(peer::fill(peer, &bench.users));
    let count: Result<u32, _> = from_redis_value(ask(&["DBSIZE"]));
    assert_eq!(count.ok(), Some(USERS), "{} has an entry for each user", P::NAME);
    for _ in 0..SAMPLES {
        let Ok(key) = from_redis_value::<Vec<u8>>(ask(&["RANDOMKEY"])) else { continue };
        // A command of the operator's is text, and so are not all keys.
        let Ok(key) = String::from_utf8(key) else { continue };
        let left: Result<u64, _> = from_redis_value(ask(&["PTTL", &key]));
        let hour = TTL_SECONDS * 1_000 - 60_000..=TTL_SECONDS * 1_000;
        assert!(left.as_ref().is_ok_and(|left| hour.contains(left)), "{}: {left:?}", P::NAME);
    }
}
