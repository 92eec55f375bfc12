//! What the table holds for a key: a value and when it is gone.

use cache_core::{Entry, Payload, Value};

use crate::clock::Deadline;

/// Cloned by every look-up, so cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) value: Value,
    pub(crate) deadline: Deadline,
}

impl Slot {
    #[inline]
    pub(crate) fn new(payload: Payload<'_>, deadline: Deadline) -> Self {
        Self { value: payload.to_value(), deadline }
    }

    #[inline]
    pub(crate) fn into_entry(self) -> Entry {
        Entry::new(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_four_words() {
        assert_eq!(size_of::<Slot>(), 32);
    }
}
