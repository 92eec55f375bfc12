//! What the table holds for a key: a value, when it is gone, and the tags whose flush takes it away.
//!
//! Why the tags are not behind a pointer, which would save a word, is in ARCHITECTURE.md.

use std::sync::Arc;

use cache_core::{Entry, Payload, Value};

use crate::clock::{Deadline, Tick};
use crate::marks::Marks;

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) value: Value,
    pub(crate) deadline: Deadline,
    /// The versions of tags that it was stored under. Always none in a copy: see [`Slot::clone`].
    pub(crate) marks: Option<Arc<Marks>>,
}

impl Slot {
    #[inline]
    pub(crate) fn new(payload: Payload<'_>, deadline: Deadline, marks: Option<Arc<Marks>>) -> Self {
        Self { value: payload.to_value(), deadline, marks }
    }

    /// Whether one of its tags has been flushed since.
    #[inline]
    pub(crate) fn is_flushed(&self) -> bool {
        self.marks.as_ref().is_some_and(|marks| !marks.are_current())
    }

    /// Whether it has expired or was flushed.
    #[inline]
    pub(crate) fn is_gone(&self, now: Tick) -> bool {
        self.deadline.is_past(now) || self.is_flushed()
    }

    #[inline]
    pub(crate) fn into_entry(self) -> Entry {
        Entry::new(self.value)
    }
}

/// What a look-up gets, as it is at that moment: the copy of a slot that was flushed is one that has expired, and
/// no copy has tags.
///
/// The marks are shared by all entries under the same tags. Copied with the slot, they would be counted up and down
/// by every hit of every thread, on one cache line. So they are only looked at, where they lie; and what is done
/// with a copy need not know of tags. The table makes copies for those who read, and for nobody else.
impl Clone for Slot {
    #[inline]
    fn clone(&self) -> Self {
        let deadline = if self.is_flushed() { Deadline::FLUSHED } else { self.deadline };
        Self { value: self.value.clone(), deadline, marks: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_five_words() {
        assert_eq!(size_of::<Slot>(), 40);
    }
}
