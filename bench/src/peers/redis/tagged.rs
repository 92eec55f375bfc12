//! `get` of what bears tags.

use std::sync::Arc;

use super::contenders::{Contenders, Fred, Ours, OursTagged, SetIndex};
use super::contest::Contest;
use super::peer::{self, Gets, Peer};
use super::standings::{ONE_AND_MANY, Plan};
use super::{Bench, Book};

const PLAN: Plan = Plan {
    id: "redis-tagged-get",
    title: "get of what bears 2 tags, on a server",
    note: "As `get`, but each user was stored under two tags: one that all bear, and one of a hundred. \
           `cache`: the versions of the tags are read along with the entry in one MGET, and the entry is a hit only if \
           they are those that it was stored under; that is what lets a flush be one command. \
           `set index`: tags are sets of keys, written along with an entry, so that a read is a plain GET (`fred` by \
           hand). What that costs at a flush is told there. \
           `raw fred`: GET of what bears no tags, for comparison. \
           Not here: `cached` and `hitbox`, which have no tags; and `raw redis-rs`, whose plain GET is under `get`.",
    loads: &ONE_AND_MANY,
};

pub(crate) fn run(bench: &Bench, contenders: &Contenders, book: &mut Book<'_>) {
    bench.empty_server();
    let ours = Arc::new(OursTagged(Arc::clone(&contenders.ours)));
    let contest = Contest::default()
        .with(Ours::NAME, gets(bench, &ours))
        .with(SetIndex::NAME, gets(bench, &contenders.set_index))
        .with(Fred::NAME, gets(bench, &contenders.fred));
    PLAN.run(bench, &contest, book);
}

/// Of a contender that has every user.
fn gets<P: Peer>(bench: &Bench, peer: &Arc<P>) -> Gets<P> {
    bench.runtime.block_on(peer::fill(peer, &bench.users));
    Gets { peer: Arc::clone(peer), users: Arc::clone(&bench.users) }
}
