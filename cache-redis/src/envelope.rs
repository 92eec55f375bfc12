//! How a value lies on the server: the bytes of `FORMAT.md`.
//!
//! Integers are plain decimal text, so that `INCRBY` works on them and a person can read them. Everything
//! else is an envelope around what the codec wrote, and so is an integer that bears tags.

use bytes::Bytes;
use cache_core::{Entry, Payload, Tag, Value};

/// Begins an envelope. No integer begins with it, and no UTF-8 text holds it at all, so that a text which
/// somebody else stored is told apart at its first byte.
const MARK: u8 = 0xC1;

/// The flags that follow the mark.
const TAGGED: u8 = 1;
/// What is in the envelope is an integer. Only of what is tagged: another integer is in no envelope.
const INTEGER: u8 = 2;

/// Of what bears no tags: the mark and the flags.
const HEADER: usize = 2;
/// Of what bears some: the same, and the length of what tells the tags.
const TAGGED_HEADER: usize = HEADER + size_of::<u32>();
const VERSION: usize = size_of::<u64>();
/// A tag without its name: the length of that, and a version.
const UNNAMED: usize = size_of::<u16>() + VERSION;

/// What an envelope begins with if it bears tags: everything up to the payload. Of two entries with the same head
/// either both are served or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head(Bytes);

/// What was stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) entry: Entry,
    pub(crate) head: Option<Head>,
}

/// The bytes to store.
pub(crate) fn seal(payload: Payload<'_>) -> Bytes {
    match payload {
        Payload::Integer(integer) => integer.to_string().into(),
        Payload::Encoded(bytes) => {
            let mut sealed = Vec::with_capacity(HEADER + bytes.len());
            sealed.extend_from_slice(&[MARK, 0]);
            sealed.extend_from_slice(bytes);
            sealed.into()
        }
    }
}

/// The bytes to store of what bears tags, each with its version.
pub(crate) fn seal_tagged<'t>(
    payload: Payload<'_>,
    tags: impl Iterator<Item = (&'t str, u64)> + Clone,
) -> Bytes {
    let integer;
    let (flags, payload) = match payload {
        Payload::Encoded(bytes) => (TAGGED, bytes),
        Payload::Integer(number) => {
            integer = number.to_string();
            (TAGGED | INTEGER, integer.as_bytes())
        }
    };
    let length: usize = tags.clone().map(|(name, _)| UNNAMED + name.len()).sum();
    let mut sealed = Vec::with_capacity(TAGGED_HEADER + length + payload.len());
    sealed.extend_from_slice(&[MARK, flags]);
    // 255 tags of 4,096 bytes fit, and more are not taken.
    sealed.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    for (name, version) in tags {
        sealed.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
        sealed.extend_from_slice(name.as_bytes());
        sealed.extend_from_slice(&version.to_be_bytes());
    }
    sealed.extend_from_slice(payload);
    sealed.into()
}

/// The same bytes with other versions of the same tags.
pub(crate) fn renew(sealed: &Bytes, versions: &[u64]) -> Bytes {
    let mut renewed = sealed.to_vec();
    let mut rest = &mut renewed[TAGGED_HEADER..];
    for version in versions {
        let Some((length, after)) = rest.split_first_chunk_mut() else { break };
        let named = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let Some((place, after)) = after[named..].split_first_chunk_mut() else { break };
        *place = version.to_be_bytes();
        rest = after;
    }
    renewed.into()
}

/// What is stored in these bytes; `None` if this version of the library did not write them.
pub(crate) fn open(stored: &Bytes) -> Option<Stored> {
    match *stored.first()? {
        MARK => match *stored.get(1)? {
            0 => Some(Stored { entry: Entry::received(stored.slice(HEADER..)), head: None }),
            flags => {
                let head = Head::of(stored)?;
                let payload = stored.slice(head.0.len()..);
                let entry = if flags & INTEGER == 0 {
                    Entry::received(payload)
                } else {
                    Entry::new(Value::Integer(integer(&payload)?))
                };
                Some(Stored { entry, head: Some(head) })
            }
        },
        b'-' | b'0'..=b'9' => {
            integer(stored).map(|integer| Entry::new(Value::Integer(integer)).into())
        }
        _ => None,
    }
}

impl From<Entry> for Stored {
    fn from(entry: Entry) -> Self {
        Self { entry, head: None }
    }
}

/// How long the head is of what begins with these bytes; 0 if it bears no tags.
pub(crate) fn head_length(start: &[u8]) -> usize {
    match *start {
        [MARK, flags, a, b, c, d, ..] if flags & TAGGED != 0 => {
            TAGGED_HEADER + u32::from_be_bytes([a, b, c, d]) as usize
        }
        _ => 0,
    }
}

impl Head {
    /// The head of what is stored, which may go on behind it; `None` if there is none that this version of the
    /// library wrote.
    pub(crate) fn of(stored: &Bytes) -> Option<Self> {
        if !matches!(*stored.get(..HEADER)?, [MARK, flags] if flags | INTEGER == TAGGED | INTEGER) {
            return None;
        }
        let length = head_length(stored);
        if length <= TAGGED_HEADER || length > stored.len() {
            return None;
        }
        let head = stored.slice(..length);
        let mut rest = &head[TAGGED_HEADER..];
        let mut count = 0;
        while !rest.is_empty() {
            let (name, _) = take_tag(&mut rest)?;
            Tag::new(std::str::from_utf8(name).ok()?).ok()?;
            count += 1;
        }
        (count <= Tag::MAX_PER_ENTRY).then_some(Self(head))
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The tags and the versions that they had.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let mut rest = &self.0[TAGGED_HEADER..];
        std::iter::from_fn(move || take_tag(&mut rest))
    }
}

fn take_tag<'b>(rest: &mut &'b [u8]) -> Option<(&'b [u8], u64)> {
    let (length, after) = rest.split_first_chunk()?;
    let (name, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
    let (version, after) = after.split_first_chunk::<VERSION>()?;
    *rest = after;
    Some((name, u64::from_be_bytes(*version)))
}

/// An integer in the one way that Redis itself takes it: no sign but a minus, no leading zeros, no spaces.
fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        [b'0'] => digits.len() == text.len(),
        [first, ..] => *first != b'0',
        [] => false,
    };
    if !canonical || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opened(bytes: &'static [u8]) -> Option<Stored> {
        open(&Bytes::from_static(bytes))
    }

    #[test]
    fn golden_bytes() {
        let golden: &[(Payload<'_>, &[u8])] = &[
            (Payload::Integer(0), b"0"),
            (Payload::Integer(-42), b"-42"),
            (Payload::Integer(i64::MAX), b"9223372036854775807"),
            (Payload::Integer(i64::MIN), b"-9223372036854775808"),
            (Payload::Encoded(b"\x01payload"), b"\xC1\x00\x01payload"),
            (Payload::Encoded(b""), b"\xC1\x00"),
        ];
        for (payload, bytes) in golden {
            assert_eq!(seal(*payload), *bytes, "{payload:?}");
            let stored = open(&Bytes::from_static(bytes)).expect("it was sealed");
            assert_eq!(stored.entry.payload(), *payload);
            assert!(stored.head.is_none());
        }
    }

    type Golden<'a> = (Payload<'a>, &'a [(&'a str, u64)], &'a [u8], &'a [u8]);

    #[test]
    fn golden_bytes_with_tags() {
        let golden: &[Golden<'_>] = &[
            (
                Payload::Encoded(b"\x01payload"),
                &[("users", 0x0102_0304_0506_0708)],
                b"\xC1\x01\0\0\0\x0F\0\x05users\x01\x02\x03\x04\x05\x06\x07\x08",
                b"\x01payload",
            ),
            (
                Payload::Integer(-42),
                &[("a", 1), ("é", u64::MAX)],
                b"\xC1\x03\0\0\0\x17\0\x01a\0\0\0\0\0\0\0\x01\0\x02\xC3\xA9\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                b"-42",
            ),
        ];
        for (payload, tags, head, body) in golden {
            let sealed = seal_tagged(*payload, tags.iter().copied());
            assert_eq!(sealed, [*head, *body].concat(), "{payload:?}");
            let stored = open(&sealed).expect("it was sealed");
            assert_eq!(stored.entry.payload(), *payload);
            let found = stored.head.expect("it has tags");
            assert_eq!(found.bytes(), head);
            assert_eq!(head_length(&sealed[..TAGGED_HEADER]), head.len());
            assert_eq!(Head::of(&Bytes::from_static(head)), Some(found.clone()));
            let tags = tags.iter().map(|(name, version)| (name.as_bytes(), *version));
            assert!(found.tags().eq(tags));
        }
    }

    #[test]
    fn what_this_version_did_not_write_is_refused() {
        let foreign: &[&[u8]] = &[
            b"",
            b"text",
            b"{\"json\":1}",
            b"\xC1",
            b"\xC1\x04payload",
            b"\xC1\xFFpayload",
            // An integer without tags, in an envelope.
            b"\xC1\x027",
            // Tags: none at all, cut off, without a name, of no UTF-8.
            b"\xC1\x01",
            b"\xC1\x01\0\0\0\0payload",
            b"\xC1\x01\0\0\0\x0B\0\x01a\0\0\0\0\0\0\0",
            b"\xC1\x01\0\0\0\x0A\0\x01a\0\0\0\0\0\0\0\0",
            b"\xC1\x01\0\0\0\x0A\0\0\0\0\0\0\0\0\0\0",
            b"\xC1\x01\0\0\0\x0B\0\x01\xFF\0\0\0\0\0\0\0\0",
            b"\xC1\x01\xFF\xFF\xFF\xFF\0\x01a\0\0\0\0\0\0\0\0",
            // With tags, a number that is none.
            b"\xC1\x03\0\0\0\x0B\0\x01a\0\0\0\0\0\0\0\x01007",
            b"\xC1\x03\0\0\0\x0B\0\x01a\0\0\0\0\0\0\0\0",
            b"\xC0\x00payload",
            b"-",
            b"-0",
            b"00",
            b"007",
            b"+7",
            b" 7",
            b"7 ",
            b"7\n",
            b"1.5",
            b"1e3",
            b"0x10",
            b"--7",
            b"9223372036854775808",
            b"-9223372036854775809",
            b"99999999999999999999999999999999",
            "\u{667}".as_bytes(),
        ];
        for bytes in foreign {
            assert!(opened(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn the_most_and_the_longest_tags_are_carried() {
        let names: Vec<_> = (0..Tag::MAX_PER_ENTRY)
            .map(|number| format!("{number:03}{}", "x".repeat(Tag::MAX_BYTES - 3)))
            .collect();
        let tags = names.iter().map(|name| (name.as_str(), 7));
        let stored = open(&seal_tagged(Payload::Encoded(b"payload"), tags)).expect("sealed");
        assert_eq!(stored.head.expect("it has tags").tags().count(), Tag::MAX_PER_ENTRY);
        let more = names.iter().map(|name| (name.as_str(), 7)).chain([("more", 7)]);
        assert!(open(&seal_tagged(Payload::Encoded(b"payload"), more)).is_none());
    }

    proptest! {
        #[test]
        fn every_payload_comes_back(
            bytes: Vec<u8>,
            integer: i64,
            tags in prop::collection::vec((".{1,20}", any::<u64>()), 1..9),
        ) {
            for payload in [Payload::Encoded(&bytes), Payload::Integer(integer)] {
                let stored = open(&seal(payload)).expect("it was sealed");
                prop_assert_eq!(stored.entry.payload(), payload);
                prop_assert!(stored.head.is_none());
                let given = tags.iter().map(|(name, version)| (name.as_str(), *version));
                let stored = open(&seal_tagged(payload, given)).expect("it was sealed");
                prop_assert_eq!(stored.entry.payload(), payload);
                let head = stored.head.expect("it has tags");
                prop_assert!(head.tags().eq(tags.iter().map(|(name, v)| (name.as_bytes(), *v))));
                let unknown = seal_tagged(payload, tags.iter().map(|(name, _)| (name.as_str(), 0)));
                let versions: Vec<_> = tags.iter().map(|(_, version)| *version).collect();
                let given = tags.iter().map(|(name, version)| (name.as_str(), *version));
                prop_assert_eq!(renew(&unknown, &versions), seal_tagged(payload, given));
            }
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, envelope: bool, flags in 0..5u8, length in 0..40u8) {
            let mut bytes = bytes;
            if envelope {
                bytes.splice(0..0, [MARK, flags, 0, 0, 0, length]);
            }
            let stored = Bytes::from(bytes.clone());
            if let Some(Stored { entry, head }) = open(&stored) {
                let sealed = match &head {
                    None => seal(entry.payload()),
                    Some(head) => {
                        let name = |name| std::str::from_utf8(name).expect("checked");
                        let tags = head.tags().map(|(text, version)| (name(text), version));
                        seal_tagged(entry.payload(), tags.collect::<Vec<_>>().into_iter())
                    }
                };
                prop_assert_eq!(&sealed[..], &bytes[..], "one value, one form");
            }
        }
    }
}
