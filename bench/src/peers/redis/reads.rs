//! `get` of what is there.

use std::sync::Arc;

use super::contenders::{Cached, Contenders, Fred, Hitbox, Ours, RedisRs, RedisRsNoDelay};
use super::contest::Contest;
use super::peer::{self, Gets, Peer};
use super::standings::{ANY_NUMBER, Plan};
use super::{Bench, Book};

const PLAN: Plan = Plan {
    id: "redis-get",
    title: "get of a hit, on a server",
    note: "One of 10,000 users is read and decoded into a value of its own; every read is a hit. Each \
           builds its key of an id and has one connection that all tasks share, on which every one \
           of these clients writes what many tasks ask for at once without waiting in between. \
           `cache`: `get`. With little company it is a GET; from some eight in flight on they share an MGET, which no other \
           contender does, and on a cluster neither do we. It has a timeout and bounds on what waits, and \
           refuses what was stored as another type. \
           `raw fred`: GET by hand and bincode, with TCP_NODELAY as its README has it, without a timeout and without \
           bounds. \
           `raw redis-rs`: GET by hand and bincode over its `ConnectionManager`, with a timeout. It leaves it to the \
           kernel to hold back what is written while something small is on its way, and to join it; beside it the same \
           with TCP_NODELAY. \
           `cached`: `async_cache_get` of `AsyncRedisCache`, GET and MessagePack, over the multiplexed connection that \
           it comes with and that does not come back when it breaks. \
           `hitbox`: `CacheBackend::get` of its `RedisBackend`: HMGET and PTTL, sent together, and bincode.",
    loads: &ANY_NUMBER,
};

pub(crate) fn run(bench: &Bench, contenders: &Contenders, book: &mut Book<'_>) {
    let Contenders { ours, fred, redis_rs, redis_rs_no_delay, cached, hitbox, .. } = contenders;
    bench.empty_server();
    let contest = Contest::default()
        .with(Ours::NAME, gets(bench, ours))
        .with(Fred::NAME, gets(bench, fred))
        .with(RedisRs::NAME, gets(bench, redis_rs))
        .with(RedisRsNoDelay::NAME, gets(bench, redis_rs_no_delay))
        .with(Cached::NAME, gets(bench, cached))
        .with(Hitbox::NAME, gets(bench, hitbox));
    let standings = PLAN.run(bench, &contest, book);
    standings.target(Fred::NAME, 0.95, book);
    standings.ahead_of(&[Cached::NAME, Hitbox::NAME], book);
}

/// Of a contender that has every user.
fn gets<P: Peer>(bench: &Bench, peer: &Arc<P>) -> Gets<P> {
    bench.runtime.block_on(peer::fill(peer, &bench.users));
    Gets { peer: Arc::clone(peer), users: Arc::clone(&bench.users) }
}
