//! `remember` of what is there: the read of who would load if there were nothing.

use std::sync::Arc;

use super::contenders::{Cached, Contenders, Fred, Hitbox, Ours};
use super::contest::Contest;
use super::peer::{self, Gets, Peer, Remember, Remembers};
use super::standings::{ONE_AND_MANY, Plan};
use super::{Bench, Book};

const PLAN: Plan = Plan {
    id: "redis-remember",
    title: "remember of a hit, on a server",
    note: "A user is read from the cache, or would be loaded and stored; every read is a hit, and that nothing was \
           loaded is checked. \
           `cache`: `remember`, which would load once however many miss, and reads at the same time share an MGET. \
           `cached`: a function under `#[concurrent_cached]` with an `AsyncRedisCache`, where all who miss load. \
           `hitbox`: a function under `#[cached]` of `hitbox-fn` with the `BroadcastConcurrencyManager` and a \
           concurrency of 1, with which one loads. \
           `raw fred`: GET by hand and bincode, for comparison: whoever writes that loads by hand as well, and all who \
           miss do. \
           Not here: `raw redis-rs`, which has nothing for it either, and would do by hand what it does under `get`.",
    loads: &ONE_AND_MANY,
};

pub(crate) fn run(bench: &Bench, contenders: &Contenders, book: &mut Book<'_>) {
    let Contenders { ours, fred, cached, hitbox, .. } = contenders;
    bench.empty_server();
    bench.runtime.block_on(peer::fill(fred, &bench.users));
    let by_hand = Gets { peer: Arc::clone(fred), users: Arc::clone(&bench.users) };
    let contest = Contest::default()
        .with(Ours::NAME, remembers(bench, ours))
        .with(Fred::NAME, by_hand)
        .with(Cached::NAME, remembers(bench, cached))
        .with(Hitbox::NAME, remembers(bench, hitbox));
    let loads = || [ours.loads(), cached.loads(), hitbox.loads()];
    let before = loads();
    PLAN.run(bench, &contest, book).ahead_of(&[Cached::NAME, Hitbox::NAME], book);
    assert_eq!(loads(), before, "every read was a hit");
}

/// Of a contender that has loaded every user.
fn remembers<P: Remember>(bench: &Bench, peer: &Arc<P>) -> Remembers<P> {
    bench.runtime.block_on(peer::load(peer, &bench.users));
    Remembers { peer: Arc::clone(peer), users: Arc::clone(&bench.users) }
}
