//! How a value lies on the server: the bytes of `FORMAT.md`.
//!
//! Integers are plain decimal text, so that `INCRBY` works on them and a person can read them. Everything
//! else is an envelope around what the codec wrote.

use bytes::Bytes;
use cache_core::{Entry, Payload, Value};

/// Begins an envelope. No integer begins with it, and no UTF-8 text holds it at all, so that a text which
/// somebody else stored is told apart at its first byte.
const MARK: u8 = 0xC1;

/// The flags that follow the mark. None is defined yet.
const NO_FLAGS: u8 = 0;

const HEADER: usize = 2;

/// The bytes to store.
pub(crate) fn seal(payload: Payload<'_>) -> Bytes {
    match payload {
        Payload::Integer(integer) => integer.to_string().into(),
        Payload::Encoded(bytes) => {
            let mut sealed = Vec::with_capacity(HEADER + bytes.len());
            sealed.extend_from_slice(&[MARK, NO_FLAGS]);
            sealed.extend_from_slice(bytes);
            sealed.into()
        }
    }
}

/// What is stored in these bytes; `None` if this version of the library did not write them.
pub(crate) fn open(stored: &Bytes) -> Option<Entry> {
    match *stored.first()? {
        MARK if stored.get(1) == Some(&NO_FLAGS) => Some(Entry::received(stored.slice(HEADER..))),
        b'-' | b'0'..=b'9' => integer(stored).map(|integer| Entry::new(Value::Integer(integer))),
        _ => None,
    }
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

    fn opened(bytes: &'static [u8]) -> Option<Entry> {
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
            let entry = open(&Bytes::from_static(bytes)).expect("it was sealed");
            assert_eq!(entry.payload(), *payload);
        }
    }

    #[test]
    fn what_this_version_did_not_write_is_refused() {
        let foreign: &[&[u8]] = &[
            b"",
            b"text",
            b"{\"json\":1}",
            b"\xC1",
            b"\xC1\x01payload",
            b"\xC1\xFFpayload",
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

    proptest! {
        #[test]
        fn every_payload_comes_back(bytes: Vec<u8>, integer: i64) {
            for payload in [Payload::Encoded(&bytes), Payload::Integer(integer)] {
                let entry = open(&seal(payload)).expect("it was sealed");
                prop_assert_eq!(entry.payload(), payload);
            }
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let stored = Bytes::from(bytes.clone());
            if let Some(entry) = open(&stored) {
                prop_assert_eq!(&seal(entry.payload())[..], &bytes[..], "one value, one form");
            }
        }
    }
}
