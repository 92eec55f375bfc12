//! Side by side: whatever is done at once, what was stored under a tag before a flush of it began is not
//! served when the flush has returned.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures_util::future::join_all;

use super::tags::{flush, has, integer, key, put_integer, tagging, tags, versions};
use super::{Capability, Case, Rig, case};
use crate::{Entry, ErrorKind, Lifetime, Payload, Store, Tag, Tagging, Terms};

pub(super) fn cases() -> Vec<Case> {
    [
        case!(nothing_outlives_a_flush_of_its_tag),
        case!(nothing_outlives_a_flush_of_its_tag_on_threads).on_threads(),
    ]
    .map(|case| case.needing(Capability::Tags))
    .into()
}

const KEYS: [&str; 3] = ["a", "b", "c"];
const TAGS: [&str; 3] = ["x", "y", "z"];

/// Several tasks do this and that to a few keys and tags, as a seed has it.
async fn nothing_outlives_a_flush_of_its_tag(rig: Rig) {
    let steps = rig.often(100, 40);
    for seed in 0..rig.often(100, 1) {
        let store = &*rig.store().await;
        let history = &History::new(seed);
        let tasks = (0..6).map(|task| async move {
            let mut random = Random(seed * 6 + task);
            for _ in 0..steps {
                // As long as this a task lets the others go on.
                for _ in 0..random.below(6) {
                    tokio::task::yield_now().await;
                }
                step(store, history, &mut random).await;
            }
        });
        join_all(tasks).await;
        // When all is quiet, nothing is lost either.
        for name in KEYS {
            put_integer(store, name, 1, &tags(TAGS)).await;
            assert!(has(store, name).await, "seed {seed}: {name} is not there");
        }
        flush(store, ["y"]).await;
        for name in KEYS {
            assert!(!has(store, name).await, "seed {seed}: {name} was flushed");
        }
    }
}

/// What was written and flushed, in the order in which it is known to have happened.
///
/// Every value has the number of its write in it, so that what is served can be looked up.
struct History {
    seed: u64,
    now: Cell<u64>,
    writes: RefCell<Vec<Write>>,
    /// When the last flush of each tag began that has returned.
    flushed: Cell<[u64; TAGS.len()]>,
}

struct Write {
    /// Which of the tags it bears.
    bears: [bool; TAGS.len()],
    /// Since when it has been stored for certain, or as of when.
    since: Option<u64>,
}

impl History {
    fn new(seed: u64) -> Self {
        // Number 0 is for counters that an increment began.
        let unknown = Write { bears: [false; TAGS.len()], since: None };
        Self {
            seed,
            now: Cell::new(0),
            writes: RefCell::new(vec![unknown]),
            flushed: Cell::default(),
        }
    }

    fn tick(&self) -> u64 {
        self.now.set(self.now.get() + 1);
        self.now.get()
    }

    fn begin(&self, bears: [bool; TAGS.len()], since: Option<u64>) -> usize {
        let mut writes = self.writes.borrow_mut();
        writes.push(Write { bears, since });
        writes.len() - 1
    }

    fn stored(&self, number: usize) {
        self.writes.borrow_mut()[number].since = Some(self.tick());
    }

    /// `flushed` is what had been flushed when the read began.
    fn check(&self, served: Served, flushed: [u64; TAGS.len()]) {
        let Served(number) = served;
        let write = &self.writes.borrow()[number];
        let Some(since) = write.since else { return };
        for ((tag, bears), flushed) in TAGS.iter().zip(write.bears).zip(flushed) {
            assert!(
                !bears || since > flushed,
                "seed {}: write {number}, of {since}, is served after `{tag}` was flushed at {flushed}",
                self.seed
            );
        }
    }
}

/// The number of a write whose value was handed out.
struct Served(usize);

/// Counters count below their number.
const COUNTS: i64 = 1 << 20;

impl Served {
    fn by(entry: &Entry) -> Self {
        match entry.payload() {
            Payload::Integer(integer) => Self::in_counter(integer),
            Payload::Encoded(text) => {
                Self(std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap())
            }
        }
    }

    fn in_counter(integer: i64) -> Self {
        Self(usize::try_from(integer / COUNTS).unwrap())
    }
}

async fn step(store: &dyn Store, history: &History, random: &mut Random) {
    let key = key(KEYS[random.below(KEYS.len())]);
    let bears: [bool; TAGS.len()] = std::array::from_fn(|_| random.below(2) == 1);
    let borne: Vec<Tag<'_>> =
        tags(TAGS).into_iter().zip(bears).filter_map(|(tag, bears)| bears.then_some(tag)).collect();
    let current = Terms::tagged(Lifetime::Forever, Tagging::Current(&borne));
    let flushed = history.flushed.get();
    match random.below(12) {
        0 | 1 => {
            let number = history.begin(bears, None);
            let counter = Payload::Integer(i64::try_from(number).unwrap() * COUNTS);
            store.put(key, counter, current).await.unwrap();
            history.stored(number);
        }
        2 => {
            let number = history.begin(bears, None);
            let text = number.to_string();
            store.put(key, Payload::Encoded(text.as_bytes()), current).await.unwrap();
            history.stored(number);
        }
        3 => {
            // As a load does it: whatever is flushed from now on counts.
            let seen = versions(store, &borne).await;
            let number = history.begin(bears, Some(history.tick()));
            for _ in 0..random.below(6) {
                tokio::task::yield_now().await;
            }
            let text = number.to_string();
            let terms = Terms::tagged(Lifetime::Forever, Tagging::AsOf(&seen));
            store.put(key, Payload::Encoded(text.as_bytes()), terms).await.unwrap();
        }
        4 => {
            let number = history.begin(bears, None);
            let counter = Payload::Integer(i64::try_from(number).unwrap() * COUNTS);
            if store.add(key, counter, current).await.unwrap() {
                history.stored(number);
            }
        }
        5 => match store.increment(key, 1, current).await {
            Ok(sum) => history.check(Served::in_counter(sum), flushed),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotACounter),
        },
        6 => {
            if let Some(entry) = store.take(key).await.unwrap() {
                history.check(Served::by(&entry), flushed);
            }
        }
        7 => {
            if random.below(3) == 0 {
                store.forget(key).await.unwrap();
            } else {
                store.touch(key, Some(Lifetime::Forever)).await.unwrap();
            }
        }
        8 | 9 => {
            let began = history.tick();
            tagging(store).flush(&borne).await.unwrap();
            let mut flushed = history.flushed.get();
            for (flushed, _) in flushed.iter_mut().zip(bears).filter(|(_, bears)| *bears) {
                *flushed = began.max(*flushed);
            }
            history.flushed.set(flushed);
        }
        10 => {
            for entry in store.get_many(&KEYS.map(super::tags::key)).await.unwrap() {
                entry.iter().for_each(|entry| history.check(Served::by(entry), flushed));
            }
        }
        _ => {
            if let Some(entry) = store.get(key).await.unwrap() {
                history.check(Served::by(&entry), flushed);
            }
        }
    }
}

/// `SplitMix64`: the same from the same seed, on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

/// What those who write and those who flush tell each other, for each key.
#[derive(Default)]
struct Watch {
    /// The last generation that was stored for certain.
    stored: AtomicI64,
    /// The last one that was flushed for certain.
    flushed: AtomicI64,
}

/// Writers count generations up, each at a key of its own, and flushers flush the tag of all.
async fn nothing_outlives_a_flush_of_its_tag_on_threads(rig: Rig) {
    let flushes = rig.often(3_000, 40);
    let store: Arc<dyn Store> = rig.store().await.into();
    let watches: Arc<[Watch; KEYS.len()]> = Arc::default();
    let done = Arc::new(AtomicBool::new(false));
    let mut others = Vec::new();
    for (name, n) in KEYS.into_iter().zip(0..) {
        let (writes, watched, is_done) =
            (Arc::clone(&store), Arc::clone(&watches), Arc::clone(&done));
        others.push(tokio::spawn(async move {
            for generation in 1.. {
                if is_done.load(Ordering::SeqCst) {
                    return;
                }
                put_integer(&*writes, name, generation, &tags(["users", name])).await;
                watched[n].stored.store(generation, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }));
        let (reads, watched, is_done) =
            (Arc::clone(&store), Arc::clone(&watches), Arc::clone(&done));
        others.push(tokio::spawn(async move {
            while !is_done.load(Ordering::SeqCst) {
                let flushed = watched[n].flushed.load(Ordering::SeqCst);
                let read = integer(&*reads, name).await;
                assert!(read.is_none_or(|read| read > flushed), "{read:?} is read after {flushed}");
                reads.touch(key(name), Some(Lifetime::Forever)).await.unwrap();
                tokio::task::yield_now().await;
            }
        }));
    }
    let flushers: Vec<_> = (0..2)
        .map(|_| {
            let (store, watches) = (Arc::clone(&store), Arc::clone(&watches));
            tokio::spawn(async move {
                for _ in 0..flushes {
                    let before =
                        watches.each_ref().map(|watch| watch.stored.load(Ordering::SeqCst));
                    flush(&*store, ["users"]).await;
                    for ((name, watch), before) in KEYS.iter().zip(&*watches).zip(before) {
                        watch.flushed.fetch_max(before, Ordering::SeqCst);
                        let read = integer(&*store, name).await;
                        assert!(read.is_none_or(|read| read > before), "{read:?}, not {before}");
                    }
                }
            })
        })
        .collect();
    for flusher in flushers {
        flusher.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for other in others {
        other.await.unwrap();
    }
}
