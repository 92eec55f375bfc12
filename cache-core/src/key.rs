//! The name of an entry, checked once.

use std::fmt;

use crate::{Error, ErrorKind};

/// The name of an entry: 1 to 65,535 bytes of any UTF-8.
///
/// Spaces, newlines, braces and glob characters are ordinary. A key borrows its text and is checked
/// when it is made, so that no driver has to check it again.
///
/// ```
/// use cache_core::Key;
///
/// let key = Key::new("user:123")?;
/// assert_eq!(key.as_str(), "user:123");
/// assert!(Key::new("").is_err());
/// # Ok::<(), cache_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key<'k>(&'k str);

impl<'k> Key<'k> {
    /// The longest key, in bytes.
    pub const MAX_BYTES: usize = 65_535;

    /// Takes `text` as a key, or says why it is none: [`InvalidKey`](ErrorKind::InvalidKey).
    #[inline]
    pub fn new(text: &'k str) -> Result<Self, Error> {
        if (1..=Self::MAX_BYTES).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(refused(text))
        }
    }

    /// The text of the key.
    #[inline]
    pub const fn as_str(self) -> &'k str {
        self.0
    }
}

#[cold]
fn refused(text: &str) -> Error {
    let message = if text.is_empty() {
        "a key must not be empty".to_owned()
    } else {
        format!(
            "a key has at most {} bytes, this one has {}; use a digest of it",
            Key::MAX_BYTES,
            text.len()
        )
    };
    Error::new(ErrorKind::InvalidKey, message).on(text)
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl AsRef<str> for Key<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_inclusive() {
        assert!(Key::new("k").is_ok());
        assert!(Key::new(&"k".repeat(Key::MAX_BYTES)).is_ok());
        let error = Key::new(&"k".repeat(Key::MAX_BYTES + 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidKey);
        assert!(error.to_string().contains("65536"), "{error}");
        assert!(error.to_string().len() < 300, "a huge key is not printed whole: {error}");
    }
}
