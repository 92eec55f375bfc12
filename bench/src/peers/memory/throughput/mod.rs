//! How many operations a second one, two and four tasks do.

mod rates;
mod scaling;

use self::rates::Rates;
pub(super) use self::rates::{spread, stalls};
pub(super) use self::scaling::scaling;
use super::Bench;
use super::crew::Crew;
use super::lineup::{
    CACHED, CACHET, CACHET_PROTECTED, CLOCKED, FOYER, Flavour, Lineup, MINI_MOKA, MOKA_FOLDHASH,
    MOKA_FUTURE, MOKA_OWN_TTL, MOKA_SYNC, Owned, QUICK, SET_UP, Shared,
};
use super::work::{Hits, MIX_PUTS_EVERY, Misses, Mix, Puts, Remember};
use crate::record::{Better, Group, OURS, Records, Unit};

/// The operations of a task in a round: some milliseconds, so that fewer are done of what takes longer.
const READS: usize = 50_000;
const OWNED_READS: usize = 20_000;
const MIXED: usize = 20_000;
const PUTS: usize = 10_000;

/// What every note of this kind ends with.
const HOW: &str = "\
Given are the operations that all tasks together do in a second, on a runtime of two threads; contenders \
take turns, round by round. 100,000 keys of 11 bytes in a fixed order of Zipf 0.99, \
nothing evicted. Four tasks take turns on the two threads every 256 operations.";

/// Enters everyone into a crew, for the same work.
macro_rules! enter_all {
    ($crew:ident, $lineup:ident, $work:expr) => {
        $crew.enter(QUICK, &$lineup.quick, $work);
        $crew.enter(CLOCKED, &$lineup.clocked, $work);
        $crew.enter(MOKA_SYNC, &$lineup.moka_sync, $work);
        $crew.enter(MOKA_FOLDHASH, &$lineup.moka_foldhash, $work);
        $crew.enter(MOKA_OWN_TTL, &$lineup.moka_own_ttl, $work);
        $crew.enter(MOKA_FUTURE, &$lineup.moka_future, $work);
        $crew.enter(MINI_MOKA, &$lineup.mini_moka, $work);
        $crew.enter(FOYER, &$lineup.foyer, $work);
        $crew.enter(CACHED, &$lineup.cached, $work);
        $crew.enter(CACHET, &$lineup.cachet, $work);
        $crew.enter(CACHET_PROTECTED, &$lineup.cachet_protected, $work);
        $crew.enter(OURS, &$lineup.ours, $work);
    };
}
pub(super) use enter_all;

pub(super) fn hit_shared(bench: &Bench, lineup: &Lineup<Shared>, records: &mut Records) {
    let mut crew = Crew::new(bench, READS);
    enter_all!(crew, lineup, Hits);
    let what = "A read of a key that is there, and a look into the user that was found. The peers hold \
                `Arc<User>` and hand out another; foyer hands out an entry of its own. cache is asked with \
                `get_shared`, which hands out the object that an earlier read has decoded.";
    let rates = Rates::measure(&crew);
    rates.report(group("hit-shared", "hit, shared", what), records);
}

pub(super) fn hit_owned(bench: &Bench, lineup: &Lineup<Owned>, records: &mut Records) {
    let mut crew = Crew::new(bench, OWNED_READS);
    enter_all!(crew, lineup, Hits);
    let what = "A read of a key that is there, which ends with a user of the caller's own and with \
                dropping it. The peers hold a `User` and clone it, six strings and a list; foyer's entry is \
                cloned by the caller. cache is asked with `get`, which decodes.";
    let rates = Rates::measure(&crew);
    rates.report(group("hit-owned", "hit, owned", what), records);
}

pub(super) fn miss(bench: &Bench, lineup: &Lineup<Shared>, records: &mut Records) {
    let mut crew = Crew::new(bench, READS);
    enter_all!(crew, lineup, Misses);
    let what =
        "A read of a key that is not there, and is not loaded: the keys are as long as the others.";
    let rates = Rates::measure(&crew);
    rates.report(group("miss", "miss", what), records);
}

pub(super) fn put(bench: &Bench, lineup: &Lineup<Shared>, records: &mut Records) {
    let mut crew = Crew::new(bench, PUTS).bringing_a_value_every(1);
    enter_all!(crew, lineup, Puts);
    let what = "A put over what is there, with a lifetime of an hour. The caller has a user that it has no \
                more use for, made before the time was taken. The peers put it into an `Arc` and keep it \
                (foyer keeps it as it is), and drop the one that was there; cache encodes it, drops it, \
                and drops the bytes that were there. All make a key of their own; cache reads its \
                lifetime from the text \"1h\". moka and mini-moka put part of the work off, and do it \
                within later operations.";
    let rates = Rates::measure(&crew);
    rates.report(group("put", "put, one hour", what), records);
}

pub(super) fn mix(bench: &Bench, lineup: &Lineup<Shared>, records: &mut Records) {
    let mut crew = Crew::new(bench, MIXED).bringing_a_value_every(MIX_PUTS_EVERY);
    enter_all!(crew, lineup, Mix);
    let what = "Of ten operations nine are a shared hit and one is a put, of keys in the same order: see \
                there. The first `get_shared` of cache after a put of that key decodes.";
    let rates = Rates::measure(&crew);
    rates.report(group("mix", "nine hits and a put", what), records);
}

pub(super) fn remember_shared(bench: &Bench, lineup: &Lineup<Shared>, records: &mut Records) {
    let what = "Read, or else load, in one call; every key is there. The peers hand out an `Arc`, or foyer \
                an entry; cache is asked with `remember_shared`. Left out: mini-moka, which cannot load, and moka \
                with foldhash, whose hasher is told apart under hits.";
    let crew = remembering(bench, lineup, READS, |crew| {
        crew.enter(FOYER, &lineup.foyer, Remember);
    });
    let rates = Rates::measure(&crew);
    rates.report(group("remember-shared", "read or load, a hit, shared", what), records);
}

pub(super) fn remember_owned(bench: &Bench, lineup: &Lineup<Owned>, records: &mut Records) {
    let what = "Read, or else load, in one call; every key is there, and the caller ends with a user of its \
                own: the peers clone, cache decodes. Left out are the same as of shared ones.";
    let crew = remembering(bench, lineup, OWNED_READS, |crew| {
        crew.enter(FOYER, &lineup.foyer, Remember);
    });
    let rates = Rates::measure(&crew);
    rates.report(group("remember-owned", "read or load, a hit, owned", what), records);
}

/// Those who can load. What foyer is differs between the flavours.
fn remembering<'a, F: Flavour>(
    bench: &'a Bench,
    lineup: &Lineup<F>,
    operations: usize,
    foyer: impl FnOnce(&mut Crew<'a>),
) -> Crew<'a> {
    let mut crew = Crew::new(bench, operations);
    crew.enter(QUICK, &lineup.quick, Remember);
    crew.enter(CLOCKED, &lineup.clocked, Remember);
    crew.enter(MOKA_SYNC, &lineup.moka_sync, Remember);
    crew.enter(MOKA_OWN_TTL, &lineup.moka_own_ttl, Remember);
    crew.enter(MOKA_FUTURE, &lineup.moka_future, Remember);
    foyer(&mut crew);
    crew.enter(CACHED, &lineup.cached, Remember);
    crew.enter(CACHET, &lineup.cachet, Remember);
    crew.enter(CACHET_PROTECTED, &lineup.cachet_protected, Remember);
    crew.enter(OURS, &lineup.ours, Remember);
    crew
}

fn group(id: &str, title: &str, what: &str) -> Group {
    Group {
        id: format!("memory-{id}"),
        title: title.to_owned(),
        unit: Unit::PerSecond,
        better: Better::Higher,
        note: format!("{what} {HOW} {SET_UP}"),
    }
}
