//! What this process believes of tags: which ones a key bore last, and which versions they have.
//!
//! It saves round trips: the versions that are likely to matter are asked for along with a value. It is never
//! relied on. What is believed of a key may be long past, and costs a second round trip if so; what is believed of
//! a version goes into an entry only together with a question whether it is still so.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use cache_core::Lifetime;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::envelope::Head;
use crate::keys::Keyspace;

/// The keys at which the versions of some tags lie.
pub(crate) type TagKeys = Arc<[Bytes]>;

pub(crate) struct Beliefs {
    keyspace: Keyspace,
    /// By a hash of where an entry lies. Two entries of one hash cost each other round trips, and nothing else.
    borne: Cache<u64, TagKeys, Size>,
    /// By where the version lies.
    versions: Cache<Bytes, Version, Size>,
    /// Whether this process has met an entry with tags.
    are_any: AtomicBool,
    hasher: RandomState,
    made: AtomicU64,
}

/// A version, and until when it is there at least if nobody flushes its tag.
#[derive(Clone, Copy)]
struct Version {
    number: u64,
    kept: Kept,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Kept {
    Until(Instant),
    Forever,
}

/// Of so many keys it is remembered which tags they bore, and of so many tags which version they have.
const KEYS: usize = 65_536;
const TAGS: usize = 16_384;
/// Fewer if that would take more bytes.
const MOST_BYTES: u64 = 16 << 20;
/// Of a key that bears tags of more bytes it is not remembered: they would make every read a long command.
const MANY_BYTES: usize = 16 << 10;

/// What something takes in memory, more or less.
#[derive(Clone)]
struct Size;

const BOOK_KEEPING: usize = 64;

impl Weighter<u64, TagKeys> for Size {
    fn weight(&self, _: &u64, tags: &TagKeys) -> u64 {
        (BOOK_KEEPING + tags.iter().map(|tag| BOOK_KEEPING + tag.len()).sum::<usize>()) as u64
    }
}

impl Weighter<Bytes, Version> for Size {
    fn weight(&self, tag: &Bytes, _: &Version) -> u64 {
        (2 * BOOK_KEEPING + tag.len()) as u64
    }
}

/// A version is kept for so much longer than the entries that carry it: some of them may still be under way.
const MARGIN: Duration = Duration::from_secs(60);
/// And when it must be seen to that it is, then for as long again as the entries, or for this long.
const LEAST_GIVEN: Duration = Duration::from_secs(60 * 60);

/// For how long a version has to be kept.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    /// So long at least; for ever if it is `None`.
    pub(crate) least: Option<Duration>,
    /// So long if it has to be seen to.
    pub(crate) given: Duration,
}

impl Need {
    /// That of an entry that is stored now.
    pub(crate) fn of(lifetime: Lifetime) -> Self {
        let least = lifetime.duration();
        let lives = least.unwrap_or_default();
        Self {
            least: least.map(|lives| lives.saturating_add(MARGIN)),
            given: lives.saturating_add(lives.max(LEAST_GIVEN)),
        }
    }

    /// That of a load that begins now: of its value nothing is known yet.
    pub(crate) fn of_a_load() -> Self {
        Self { least: Some(MARGIN), given: LEAST_GIVEN }
    }

    fn until(self) -> Kept {
        let end = self.least.map(|least| Instant::now().checked_add(least));
        end.flatten().map_or(Kept::Forever, Kept::Until)
    }
}

impl Beliefs {
    pub(crate) fn new(keyspace: Keyspace) -> Self {
        Self {
            keyspace,
            borne: Cache::with_weighter(KEYS, MOST_BYTES, Size),
            versions: Cache::with_weighter(TAGS, MOST_BYTES, Size),
            are_any: AtomicBool::new(false),
            hasher: RandomState::new(),
            made: AtomicU64::new(0),
        }
    }

    /// Where the versions of tags lie.
    pub(crate) fn keys_of<'t>(&self, tags: impl Iterator<Item = &'t [u8]>) -> TagKeys {
        tags.map(|tag| self.keyspace.tag(tag)).collect()
    }

    /// The tag whose version lies at `key`.
    pub(crate) fn tag_at(&self, key: &Bytes) -> Bytes {
        self.keyspace.tag_at(key)
    }

    /// The tags that the entry at `name` bore last.
    #[inline]
    pub(crate) fn borne_by(&self, name: &Bytes) -> Option<TagKeys> {
        if !self.are_any.load(Ordering::Relaxed) {
            return None;
        }
        self.borne.get(&self.hasher.hash_one(name))
    }

    /// Notes what the entry at `name` bears.
    pub(crate) fn note(&self, name: &Bytes, tags: TagKeys) {
        if !self.are_any.load(Ordering::Relaxed) {
            self.are_any.store(true, Ordering::Relaxed);
        }
        if tags.iter().map(Bytes::len).sum::<usize>() > MANY_BYTES {
            return self.note_none(name);
        }
        self.borne.insert(self.hasher.hash_one(name), tags);
    }

    /// Notes what the entry at `name` will bear if it is stored, unless it is known to bear something.
    pub(crate) fn note_first(&self, name: &Bytes, tags: &TagKeys) {
        if self.borne_by(name).is_none() {
            self.note(name, tags.clone());
        }
    }

    /// Notes that the entry at `name` bears no tags.
    #[inline]
    pub(crate) fn note_none(&self, name: &Bytes) {
        if self.are_any.load(Ordering::Relaxed) {
            self.borne.remove(&self.hasher.hash_one(name));
        }
    }

    /// Notes what an entry bears that was found at `name`.
    #[inline]
    pub(crate) fn note_found(&self, name: &Bytes, head: Option<&Head>) {
        let Some(head) = head else { return self.note_none(name) };
        let tags = || head.tags().map(|(tag, _)| tag);
        let is_known = self.borne_by(name).is_some_and(|known| {
            known.len() == tags().count()
                && known.iter().zip(tags()).all(|(key, tag)| self.tag_at(key) == tag)
        });
        if !is_known {
            self.note(name, self.keys_of(tags()));
        }
    }

    /// The versions of tags that are kept for long enough, if each is believed to have one.
    pub(crate) fn versions_of(&self, tags: &[Bytes], need: Need) -> Option<Vec<u64>> {
        let until = need.until();
        tags.iter()
            .map(|tag| self.versions.get(tag).filter(|version| version.kept >= until))
            .map(|version| version.map(|version| version.number))
            .collect()
    }

    pub(crate) fn learn(&self, tag: &Bytes, number: u64, kept: Kept) {
        self.versions.insert(tag.clone(), Version { number, kept });
    }

    /// Believes nothing of these tags any more.
    pub(crate) fn doubt(&self, tags: &[Bytes]) {
        for tag in tags {
            self.versions.remove(tag);
        }
    }

    /// A version that no tag has had: a number that looks random, and is another each time, also in a process that was
    /// forked, or restored with its machine, and so has the same keys and the same count.
    pub(crate) fn make_version(&self) -> u64 {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        self.version_of(std::process::id(), SystemTime::now(), count)
    }

    fn version_of(&self, process: u32, at: SystemTime, count: u64) -> u64 {
        self.hasher.hash_one((process, at, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beliefs() -> Beliefs {
        Beliefs::new(Keyspace::new("cache").unwrap())
    }

    #[test]
    fn a_version_that_ends_before_the_entry_is_not_believed() {
        let beliefs = beliefs();
        let tags = beliefs.keys_of([&b"users"[..]].into_iter());
        let hour = Need::of(Lifetime::Millis(3_600_000.try_into().unwrap()));
        assert_eq!(beliefs.versions_of(&tags, hour), None);
        let now = Instant::now();
        beliefs.learn(&tags[0], 7, Kept::Until(now + Duration::from_secs(3_600)));
        assert_eq!(beliefs.versions_of(&tags, hour), None, "there is no margin");
        beliefs.learn(&tags[0], 7, Kept::Until(now + hour.given));
        assert_eq!(beliefs.versions_of(&tags, hour), Some(vec![7]));
        assert_eq!(beliefs.versions_of(&tags, Need::of(Lifetime::Forever)), None);
        beliefs.learn(&tags[0], 7, Kept::Forever);
        assert_eq!(beliefs.versions_of(&tags, Need::of(Lifetime::Forever)), Some(vec![7]));
        assert_eq!(beliefs.versions_of(&tags, hour), Some(vec![7]));
    }

    #[test]
    fn what_is_given_is_enough_for_whatever_lives() {
        for millis in [1, 1_000, 3_600_000, 86_400_000, 500 * 365 * 86_400_000] {
            let need = Need::of(Lifetime::Millis(millis.try_into().unwrap()));
            assert!(need.least.is_some_and(|least| least <= need.given), "{millis}");
        }
        assert!(Need::of(Lifetime::Forever).least.is_none());
    }

    #[test]
    fn what_a_key_bears_is_what_was_noted_last() {
        let beliefs = beliefs();
        let name = Bytes::from_static(b"cache:k");
        assert!(beliefs.borne_by(&name).is_none());
        let tags = beliefs.keys_of([&b"users"[..], b"{x}"].into_iter());
        beliefs.note(&name, tags.clone());
        assert_eq!(beliefs.borne_by(&name).as_deref(), Some(&tags[..]));
        assert_eq!(beliefs.tag_at(&tags[1]), "{x}");
        beliefs.note_none(&name);
        assert!(beliefs.borne_by(&name).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let beliefs = beliefs();
        let long = "x".repeat(4_000);
        for number in 0..20_000 {
            let name = Bytes::from(format!("cache:{number}"));
            let tag = format!("{number}{long}");
            let tags = beliefs.keys_of([tag.as_bytes()].into_iter());
            beliefs.learn(&tags[0], 7, Kept::Forever);
            beliefs.note(&name, tags);
        }
        assert!(beliefs.borne.weight() <= MOST_BYTES && beliefs.versions.weight() <= MOST_BYTES);
        let name = Bytes::from_static(b"cache:k");
        let many = ["a", "b", "c", "d", "e"].map(|tag| tag.to_owned() + &long);
        beliefs.note(&name, beliefs.keys_of(many.iter().map(String::as_bytes)));
        assert!(beliefs.borne_by(&name).is_none(), "so long a command is not worth it");
    }

    #[test]
    fn versions_differ() {
        let (one, other) = (beliefs(), beliefs());
        let mut made: Vec<_> =
            (0..1_000).flat_map(|_| [one.make_version(), other.make_version()]).collect();
        made.sort_unstable();
        made.dedup();
        assert_eq!(made.len(), 2_000);
    }

    #[test]
    fn versions_differ_between_processes_that_have_the_same_keys() {
        let (beliefs, now) = (beliefs(), SystemTime::now());
        let version = beliefs.version_of(7, now, 3);
        assert_eq!(beliefs.version_of(7, now, 3), version);
        let later = now + Duration::from_nanos(1);
        for (process, at, count) in [(8, now, 3), (7, later, 3), (7, now, 4)] {
            assert_ne!(beliefs.version_of(process, at, count), version);
        }
    }
}
