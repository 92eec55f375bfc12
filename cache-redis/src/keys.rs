//! Where things lie on the server: the prefix, and what keeps a user's keys apart from the library's own.
//!
//! A value lies at `prefix:KEY`. The library's own keys are `prefix#word:…`. A prefix holds no `#`, and in a
//! user's key each `#` is doubled: so the first `#` of a key is followed by another exactly if it is a
//! user's. That holds also between prefixes of which one begins with the other (`a` and `a:b`).

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cache_core::Key;
use fred::bytes_utils::Str;

/// The part of a server's keys that is one cache's.
#[derive(Clone)]
pub(crate) struct Keyspace {
    /// The prefix and the colon.
    start: Arc<str>,
}

/// What stands between the prefix and the name of a tag.
const TAG: &[u8] = b"#tag:";

/// What stands between the prefix and the name of a lock.
const LOCK: &str = "#lock:";

/// The longest prefix, in bytes.
const MAX_PREFIX_BYTES: usize = 255;

impl Keyspace {
    /// Takes `prefix`, or says why it is none.
    pub(crate) fn new(prefix: &str) -> Result<Self, String> {
        if prefix.is_empty() {
            return Err("must not be empty".into());
        }
        if prefix.len() > MAX_PREFIX_BYTES {
            return Err(format!("has at most {MAX_PREFIX_BYTES} bytes, not {}", prefix.len()));
        }
        if let Some(character) = prefix.chars().find(|c| matches!(c, '#' | '{' | '}')) {
            return Err(format!("must not hold `{character}`"));
        }
        Ok(Self { start: format!("{prefix}:").into() })
    }

    /// Where the value of `key` lies. One allocation, and one more where it is longer than most.
    pub(crate) fn value(&self, key: Key<'_>) -> Bytes {
        let key = key.as_str();
        if key.contains('#') {
            return [&self.start, &*key.replace('#', "##")].concat().into();
        }
        let parts = [self.start.as_bytes(), key.as_bytes()];
        match Short::of(parts) {
            Some(name) => Bytes::from_owner(name),
            None => parts.concat().into(),
        }
    }

    /// The same for many keys. One allocation, and more where a `#` is doubled.
    pub(crate) fn values(&self, keys: &[Key<'_>]) -> Vec<Bytes> {
        let length = keys.iter().map(|key| self.start.len() + key.as_str().len()).sum();
        let mut all = BytesMut::with_capacity(length);
        let names = keys.iter().map(|key| {
            let mut parts = key.as_str().split('#');
            all.extend_from_slice(self.start.as_bytes());
            all.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
            for part in parts {
                all.extend_from_slice(b"##");
                all.extend_from_slice(part.as_bytes());
            }
            all.split().freeze()
        });
        names.collect()
    }

    /// Where the version of a tag lies.
    pub(crate) fn tag(&self, tag: &[u8]) -> Bytes {
        [self.prefix().as_bytes(), TAG, tag].concat().into()
    }

    /// The tag whose version lies at `key`, which is one that [`tag`](Self::tag) has made.
    pub(crate) fn tag_at(&self, key: &Bytes) -> Bytes {
        key.slice(self.prefix().len() + TAG.len()..)
    }

    /// Where a lock lies, and what belongs to it.
    pub(crate) fn lock(&self, name: Key<'_>) -> LockKeys<'_> {
        LockKeys { prefix: self.prefix(), name: braced(name.as_str()) }
    }

    /// The lock that lies at `key`, if it is one that [`holder`](LockKeys::holder) has made.
    pub(crate) fn lock_at(&self, key: &[u8]) -> Option<LockKeys<'_>> {
        let name = key.strip_prefix(self.prefix().as_bytes())?.strip_prefix(LOCK.as_bytes())?;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        Some(LockKeys { prefix: self.prefix(), name })
    }

    /// The channel of a store.
    pub(crate) fn channel(&self, id: &str) -> Str {
        [self.prefix(), "#wake:", id].concat().into()
    }

    fn prefix(&self) -> &str {
        &self.start[..self.start.len() - 1]
    }

    /// A glob pattern that finds all values, and some keys that are none.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.start.len() + 1);
        for character in self.start.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('*');
        pattern
    }

    /// Whether a value of this cache lies at `name`.
    pub(crate) fn holds(&self, name: &[u8]) -> bool {
        let Some(key) = name.strip_prefix(self.start.as_bytes()) else { return false };
        match key.iter().position(|byte| *byte == b'#') {
            None => !key.is_empty(),
            Some(mark) => key.get(mark + 1) == Some(&b'#'),
        }
    }
}

/// Whether it is one of the library's own keys, of whatever prefix, and none that a user has a value at.
pub(crate) fn is_own(name: &[u8]) -> bool {
    let mut marks = name.iter().skip_while(|byte| **byte != b'#');
    marks.next().is_some() && marks.next() != Some(&b'#')
}

/// What belongs to a lock, all of it in one slot of a cluster.
pub(crate) struct LockKeys<'k> {
    prefix: &'k str,
    /// In braces.
    name: String,
}

impl LockKeys<'_> {
    /// Who holds it.
    pub(crate) fn holder(&self) -> Bytes {
        self.key(LOCK)
    }

    /// The last fence that was given out.
    pub(crate) fn fence(&self) -> Bytes {
        self.key("#fence:")
    }

    /// Who waits for it.
    pub(crate) fn waiters(&self) -> Bytes {
        self.key("#wait:")
    }

    /// When they looked last.
    pub(crate) fn looks(&self) -> Bytes {
        self.key("#look:")
    }

    fn key(&self, word: &str) -> Bytes {
        [self.prefix, word, &self.name].concat().into()
    }
}

/// A name in braces, which are the first of the key: what is between them is what tells its slot, so there is no
/// brace that closes within, whatever the name is. Different names stay different.
fn braced(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    text.push('{');
    for character in name.chars() {
        match character {
            '%' => text.push_str("%25"),
            '}' => text.push_str("%7D"),
            other => text.push(other),
        }
    }
    text.push('}');
    text
}

/// A name that lies beside the counter of those who share it. Of a `Vec`, the client's first copy would
/// allocate such a counter.
struct Short {
    length: u8,
    bytes: [u8; Self::LONGEST],
}

impl Short {
    const LONGEST: usize = 79;

    fn of([start, end]: [&[u8]; 2]) -> Option<Self> {
        let length = start.len() + end.len();
        let mut bytes = [0; Self::LONGEST];
        let (left, right) = bytes.get_mut(..length)?.split_at_mut(start.len());
        left.copy_from_slice(start);
        right.copy_from_slice(end);
        Some(Self { length: u8::try_from(length).ok()?, bytes })
    }
}

impl AsRef<[u8]> for Short {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.start.trim_end_matches(':'), f)
    }
}

#[cfg(test)]
mod tests {
    use fred::util::redis_keyslot;
    use proptest::prelude::*;

    use super::*;

    fn space(prefix: &str) -> Keyspace {
        Keyspace::new(prefix).expect("a prefix")
    }

    fn name(prefix: &str, key: &str) -> Bytes {
        let (space, key) = (space(prefix), Key::new(key).expect("a key"));
        let name = space.value(key);
        assert_eq!(space.values(&[key; 3]), [&*name; 3], "alone and among others");
        name
    }

    #[test]
    fn a_value_lies_behind_prefix_and_colon() {
        assert_eq!(name("cache", "user:123"), "cache:user:123");
        assert_eq!(name("a:b", "{x} *?\n"), "a:b:{x} *?\n");
        for length in [1, 76, 77, 78, 79, 1_000, Key::MAX_BYTES] {
            let key = "k".repeat(length);
            assert_eq!(name("a", &key), format!("a:{key}"));
        }
    }

    #[test]
    fn no_key_of_a_user_spells_one_of_the_librarys() {
        assert_eq!(name("a", "b#tag:users"), "a:b##tag:users");
        assert_eq!(name("a", "###"), "a:######");
        for (prefix, key) in [("a", "b#tag:x"), ("a", "#tag:x"), ("a", "b##lock:{x}"), ("a:b", "#")]
        {
            let stored = name(prefix, key);
            for own in ["a#", "a:b#", "a:b:c#"] {
                let own = [own, "tag:x"].concat();
                assert_ne!(stored, own);
                assert!(!space(prefix).holds(own.as_bytes()), "{own:?} is no value of {prefix:?}");
                assert!(is_own(own.as_bytes()));
            }
            assert!(space(prefix).holds(&stored) && !is_own(&stored));
        }
    }

    #[test]
    fn a_tag_has_a_key_that_is_no_value() {
        for tag in ["users", "{x}", "*", "#", "a#tag:b", "☕"] {
            let key = space("a:b").tag(tag.as_bytes());
            assert_eq!(key, format!("a:b#tag:{tag}"));
            assert_eq!(space("a:b").tag_at(&key), tag);
            assert!(!space("a:b").holds(&key) && !space("a").holds(&key));
        }
    }

    #[test]
    fn a_lock_has_keys_in_one_slot_that_are_no_values() {
        let ours = space("a:b");
        for (name, braced) in [
            ("report", "{report}"),
            ("{x}", "{{x%7D}"),
            ("}", "{%7D}"),
            ("}{", "{%7D{}"),
            ("{}", "{{%7D}"),
            ("%7D", "{%257D}"),
            ("100%", "{100%25}"),
            ("a b#\n☕", "{a b#\n☕}"),
        ] {
            let lock = ours.lock(Key::new(name).expect("a key"));
            assert_eq!(lock.holder(), format!("a:b#lock:{braced}"));
            assert_eq!(lock.fence(), format!("a:b#fence:{braced}"));
            assert_eq!(lock.waiters(), format!("a:b#wait:{braced}"));
            assert_eq!(lock.looks(), format!("a:b#look:{braced}"));
            let slot = redis_keyslot(&braced.as_bytes()[1..braced.len() - 1]);
            for key in [lock.holder(), lock.fence(), lock.waiters(), lock.looks()] {
                assert_eq!(redis_keyslot(&key), slot, "{key:?}");
                assert!(!ours.holds(&key) && !space("a").holds(&key));
            }
            let found = ours.lock_at(&lock.holder()).expect("a lock");
            assert_eq!(found.waiters(), lock.waiters());
        }
        for other in ["a:b:{x}", "a:b#tag:{x}", "a#lock:{x}", "a:b:c#lock:{x}", ""] {
            assert!(ours.lock_at(other.as_bytes()).is_none(), "{other:?}");
        }
        assert!(ours.lock_at(b"a:b#lock:{\xff}").is_none());
    }

    #[test]
    fn a_store_has_a_channel_of_its_own() {
        assert_eq!(&*space("a:b").channel("0123"), "a:b#wake:0123");
    }

    proptest! {
        #[test]
        fn different_names_have_different_locks(one in "[%}{27Da]{1,5}", other in "[%}{27Da]{1,5}") {
            prop_assert_eq!(one == other, braced(&one) == braced(&other));
            prop_assert_eq!(braced(&one).find('}'), Some(braced(&one).len() - 1));
        }
    }

    #[test]
    fn a_cache_holds_its_own_values_only() {
        assert!(space("a").holds(b"a:x") && space("a").holds(b"a:b:x"));
        assert!(!space("a").holds(b"ab:x") && !space("a").holds(b"a") && !space("a").holds(b"a:"));
        assert!(!space("a:b").holds(b"a:x") && !space("a*").holds(b"abc:x"));
        assert!(!space("a").holds(b"a:b#tag:x") && !space("a").holds(b"a:b#lock:{x}"));
        assert!(!space("a").holds(b"a#wait:{x}") && !space("a").holds(b"a:b#wait:{x}"));
    }

    #[test]
    fn a_pattern_means_itself() {
        assert_eq!(space("cache").pattern(), "cache:*");
        assert_eq!(space(r"a*?[b]\^-").pattern(), r"a\*\?\[b\]\\^-:*");
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for bad in ["", "a#b", "{a", "a}", &"x".repeat(256)] {
            assert!(Keyspace::new(bad).is_err(), "{bad:?}");
        }
        assert!(Keyspace::new(&"x".repeat(255)).is_ok());
    }
}
