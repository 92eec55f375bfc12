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
#[derive(Clone, Copy)]
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
            for entry in store.get_many(&KEYS.map(super::tags::key)).await.unwrap().iter().flatten()
            {
                history.check(Served::by(entry), flushed);
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

/// Writers count generations up, each at a key of its own, readers read and touch them, and flushers flush the
/// tag of all.
struct Race {
    store: Box<dyn Store>,
    /// For each key the last generation that was stored for certain, and the last one that was flushed.
    stored: [AtomicI64; KEYS.len()],
    gone: [AtomicI64; KEYS.len()],
    is_over: AtomicBool,
}

impl Race {
    async fn write(&self, n: usize) {
        for generation in 1.. {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            put_integer(&*self.store, KEYS[n], generation, &tags(["users", KEYS[n]])).await;
            self.stored[n].store(generation, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    }

    async fn read(&self, n: usize) {
        while !self.is_over.load(Ordering::SeqCst) {
            self.check(n, self.gone[n].load(Ordering::SeqCst)).await;
            self.store.touch(key(KEYS[n]), Some(Lifetime::Forever)).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    async fn flush(&self, times: u64) {
        for _ in 0..times {
            let before = self.stored.each_ref().map(|stored| stored.load(Ordering::SeqCst));
            flush(&*self.store, ["users"]).await;
            for (n, gone) in before.into_iter().enumerate() {
                self.gone[n].fetch_max(gone, Ordering::SeqCst);
                self.check(n, gone).await;
            }
        }
    }

    /// Nothing is read of a generation that was flushed before this began.
    async fn check(&self, n: usize, gone: i64) {
        let read = integer(&*self.store, KEYS[n]).await;
        assert!(read.is_none_or(|read| read > gone), "{read:?} is read after {gone} was flushed");
    }
}

async fn nothing_outlives_a_flush_of_its_tag_on_threads(rig: Rig) {
    let race = Arc::new(Race {
        store: rig.store().await,
        stored: Default::default(),
        gone: Default::default(),
        is_over: AtomicBool::new(false),
    });
    let mut others = Vec::new();
    for n in 0..KEYS.len() {
        let (writer, reader) = (Arc::clone(&race), Arc::clone(&race));
        others.push(tokio::spawn(async move { writer.write(n).await }));
        others.push(tokio::spawn(async move { reader.read(n).await }));
    }
    let times = rig.often(3_000, 40);
    let flushers = [(); 2].map(|()| {
        let race = Arc::clone(&race);
        tokio::spawn(async move { race.flush(times).await })
    });
    for flusher in flushers {
        flusher.await.unwrap();
    }
    race.is_over.store(true, Ordering::SeqCst);
    for other in others {
        other.await.unwrap();
    }
}
