//! A buffer per thread to encode into, so that a value is allocated once: where its store keeps it.

use std::cell::Cell;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What a thread keeps for the next value; one huge value is not remembered for ever.
const KEPT_BYTES: usize = 64 * 1024;

/// Runs `with` on an empty buffer of this thread.
///
/// The buffer is taken, not borrowed: a `Serialize` that uses a cache itself gets another one.
pub(crate) fn with_scratch<R>(with: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = SCRATCH.take();
    let result = with(&mut buffer);
    if buffer.capacity() <= KEPT_BYTES {
        buffer.clear();
        SCRATCH.set(buffer);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_empty_every_time_and_kept_while_it_is_small() {
        with_scratch(|outer| {
            outer.extend_from_slice(&[1; 100]);
            with_scratch(|inner| assert!(inner.is_empty()));
        });
        with_scratch(|buffer| {
            assert!(buffer.is_empty() && buffer.capacity() >= 100);
            buffer.reserve(KEPT_BYTES + 1);
        });
        with_scratch(|buffer| assert_eq!(buffer.capacity(), 0));
    }
}
