//! The name of a tag, checked once, and the versions under which an entry is written.
//!
//! What a flush does to them is the driver's: see [`TagStore`](crate::TagStore).

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::{Error, ErrorKind};

/// The name of a tag: 1 to 4,096 bytes of any UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag<'t>(&'t str);

impl<'t> Tag<'t> {
    /// The longest tag, in bytes.
    pub const MAX_BYTES: usize = 4_096;
    /// The most tags that one entry bears.
    pub const MAX_PER_ENTRY: usize = 255;

    /// Takes `text` as a tag, or says why it is none: [`InvalidTag`](ErrorKind::InvalidTag).
    pub fn new(text: &'t str) -> Result<Self, Error> {
        if (1..=Self::MAX_BYTES).contains(&text.len()) {
            return Ok(Self(text));
        }
        let message = if text.is_empty() {
            "a tag must not be empty".to_owned()
        } else {
            format!("a tag has at most {} bytes, this one has {}", Self::MAX_BYTES, text.len())
        };
        Err(Error::new(ErrorKind::InvalidTag, message).on(text))
    }

    /// The text of the tag.
    pub const fn as_str(self) -> &'t str {
        self.0
    }
}

impl fmt::Debug for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// The versions that some tags had at one moment, as their store gave them.
///
/// An entry that is written as of these versions is served only while every one of them is still
/// its tag's version.
#[derive(Clone, Default)]
pub struct TagVersions {
    pairs: Box<[(Box<str>, u64)]>,
    /// Never read: it is there to be dropped with the versions.
    _held: Option<Arc<dyn Any + Send + Sync>>,
}

impl TagVersions {
    /// Pairs of a tag and its version.
    pub fn new(pairs: impl IntoIterator<Item = (Box<str>, u64)>) -> Self {
        Self { pairs: pairs.into_iter().collect(), _held: None }
    }

    /// The same versions, with `held` as long as they are there: for a store that gives up versions which
    /// nobody uses, and must not while something is loaded as of them.
    #[must_use]
    pub fn holding(self, held: Arc<dyn Any + Send + Sync>) -> Self {
        Self { _held: Some(held), ..self }
    }

    /// The pairs, in the order in which the tags were asked for.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.pairs.iter().map(|(tag, version)| (&**tag, *version))
    }
}

/// Of the same tags at the same versions, whatever they hold.
impl PartialEq for TagVersions {
    fn eq(&self, other: &Self) -> bool {
        self.pairs == other.pairs
    }
}

impl Eq for TagVersions {}

impl fmt::Debug for TagVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TagVersions").field(&self.pairs).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_inclusive() {
        assert!(Tag::new("t").is_ok());
        assert!(Tag::new(&"t".repeat(Tag::MAX_BYTES)).is_ok());
        for bad in [String::new(), "t".repeat(Tag::MAX_BYTES + 1)] {
            assert_eq!(Tag::new(&bad).unwrap_err().kind(), ErrorKind::InvalidTag);
        }
    }
}
