//! Texts, read as the bytes that they are, and found to be text here.

use std::fmt;

use ascii::AsAsciiStr;
use serde::de::{Error, Visitor};

/// Hands on as text what a format without names of types has read as bytes.
pub(super) struct TextVisitor<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for TextVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline]
    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<V::Value, E> {
        match text(bytes) {
            Some(text) => self.0.visit_borrowed_str(text),
            None => Err(no_text()),
        }
    }
}

/// Up to this length a text is taken for ASCII first: the standard library goes through most of a short one byte by byte.
const SHORT: usize = 64;

#[inline]
fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() <= SHORT
        && let Ok(ascii) = bytes.as_ascii_str()
    {
        return Some(ascii.as_str());
    }
    str::from_utf8(bytes).ok()
}

#[cold]
fn no_text<E: Error>() -> E {
    E::custom("a text is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_standard_library_says_at_any_length() {
        for length in [0, 1, 7, 8, 15, 16, 31, 32, SHORT - 1, SHORT, SHORT + 1, 300] {
            let mut bytes = vec![b'a'; length];
            assert_eq!(text(&bytes), Some(&*"a".repeat(length)));
            for at in 0..length {
                for other in ["é".as_bytes(), b"\x80", b"\xff", b"\xc3"] {
                    bytes.splice(at..=at, other.iter().copied());
                    assert_eq!(text(&bytes), str::from_utf8(&bytes).ok(), "{at} of {length}");
                    bytes.splice(at..at + other.len(), *b"a");
                }
            }
        }
    }
}
