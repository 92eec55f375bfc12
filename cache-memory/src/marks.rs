//! What takes an entry away before its time: the versions of tags that it was stored under.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::interned::Interned;

/// A tag, from one flush to the next.
#[derive(Debug)]
pub(crate) struct Version {
    tag: Box<str>,
    /// Never given to another one.
    number: u64,
    is_flushed: AtomicBool,
}

/// The versions of all tags of an entry. Entries of the same ones share them, so that they are near at hand when an
/// entry is read, and cost it a pointer.
///
/// On a cache line that is not the one where they are counted: whoever puts under the same tags would take it away
/// from those who read, which made a hit half as long again.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Marks {
    first: Arc<Version>,
    more: Box<[Arc<Version>]>,
}

impl Version {
    pub(crate) fn new(tag: &str, number: u64) -> Self {
        Self { tag: tag.into(), number, is_flushed: AtomicBool::new(false) }
    }

    pub(crate) fn is_of(&self, tag: &str) -> bool {
        *self.tag == *tag
    }

    /// When this has returned, nothing is served that bears it.
    pub(crate) fn flush(&self) {
        self.is_flushed.store(true, Ordering::Release);
    }
}

impl Interned for Version {
    #[inline]
    fn is_current(&self) -> bool {
        !self.is_flushed.load(Ordering::Acquire)
    }
}

impl Marks {
    /// None for an entry without tags.
    pub(crate) fn new(versions: impl IntoIterator<Item = Arc<Version>>) -> Option<Self> {
        let mut versions = versions.into_iter();
        Some(Self { first: versions.next()?, more: versions.collect() })
    }

    /// Those of an entry that is flushed before it is stored.
    pub(crate) fn flushed() -> Self {
        let version = Version::new("", 0);
        version.flush();
        Self { first: Arc::new(version), more: Box::default() }
    }

    #[inline]
    pub(crate) fn are_current(&self) -> bool {
        self.first.is_current() && self.more.iter().all(|version| version.is_current())
    }

    /// Each tag with the number of its version.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let versions = std::iter::once(&self.first).chain(&self.more);
        versions.map(|version| (&*version.tag, version.number))
    }
}

impl Interned for Marks {
    #[inline]
    fn is_current(&self) -> bool {
        self.are_current()
    }
}
