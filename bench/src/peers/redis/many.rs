//! `get_many` of a hundred.

use std::sync::Arc;

use super::contenders::{Contenders, Fred, Ours, RedisRs};
use super::contest::{Contest, Load};
use super::peer::{self, GetMany, GetsOfMany, Peer};
use super::standings::Plan;
use super::{Bench, Book};

const PLAN: Plan = Plan {
    id: "redis-get-many",
    title: "get_many of 100 hits, on a server",
    note: "A hundred users are read at once, in one MGET, and decoded; what is counted are calls, not users. \
           `cache`: `get_many`. `raw fred`, `raw redis-rs`: MGET by hand and bincode. \
           Not here: `cached` and `hitbox`, which read one key at a time and whose guides say nothing of reading \
           several; and `redis-rs` with TCP_NODELAY, which is told apart under `get`.",
    loads: &[
        Load { tasks: 1, operations: 600 },
        Load { tasks: 64, operations: 2_500 },
        Load { tasks: 512, operations: 5_000 },
    ],
};

pub(crate) fn run(bench: &Bench, contenders: &Contenders, book: &mut Book<'_>) {
    bench.empty_server();
    let contest = Contest::default()
        .with(Ours::NAME, gets(bench, &contenders.ours))
        .with(Fred::NAME, gets(bench, &contenders.fred))
        .with(RedisRs::NAME, gets(bench, &contenders.redis_rs));
    PLAN.run(bench, &contest, book);
}

fn gets<P: GetMany>(bench: &Bench, peer: &Arc<P>) -> GetsOfMany<P> {
    bench.runtime.block_on(peer::fill(peer, &bench.users));
    GetsOfMany { peer: Arc::clone(peer), users: Arc::clone(&bench.users) }
}
