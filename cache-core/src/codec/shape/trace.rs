//! The hash of the events, and the limits that keep hostile bytes cheap.

use std::cell::Cell;
use std::fmt;

use super::names::Names;

/// The kinds of events. Stored values depend on these numbers.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Kind {
    Bool = 1,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
    None,
    Some,
    Unit,
    Newtype,
    Seq,
    Map,
    Tuple,
    Struct,
    Variant,
    Name,
    End,
}

/// How deep values may be nested, as in `serde_json`: each level takes stack.
const MAX_DEPTH: u32 = 128;

/// What one pass over a value leaves behind.
///
/// In cells, since a `Serialize` is given only a shared reference to what it writes into.
pub(in crate::codec) struct Trace {
    hash: Cell<u64>,
    depth: Cell<u32>,
    /// Elements of sequences and maps so far.
    elements: Cell<u64>,
    /// How many there may be.
    most_elements: u64,
}

impl Trace {
    /// A pass over a value that is being written.
    pub(in crate::codec) fn writing() -> Self {
        Self::up_to(u64::MAX)
    }

    /// A pass over a value that is read from so many bytes, and so has at most as many elements.
    pub(in crate::codec) fn reading(bytes: usize) -> Self {
        Self::up_to(bytes as u64)
    }

    fn up_to(most_elements: u64) -> Self {
        Self { hash: Cell::new(0), depth: Cell::new(0), elements: Cell::new(0), most_elements }
    }

    /// The shape, once everything has been seen.
    #[inline]
    pub(in crate::codec) fn shape(&self) -> u64 {
        finished(self.hash.get())
    }

    /// Elements of sequences and maps that were seen.
    #[inline]
    pub(in crate::codec) fn elements(&self) -> u64 {
        self.elements.get()
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a multiplication, at every event of every value")]
    fn word(&self, word: u64) {
        self.hash.set(mixed(self.hash.get(), word));
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    pub(super) fn see(&self, kind: Kind) {
        self.word(kind as u64);
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    pub(super) fn see_number(&self, kind: Kind, number: u64) {
        self.word((kind as u64) | (number << 8));
    }

    #[inline]
    pub(super) fn see_names(&self, names: Names) {
        self.word(names.word());
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    pub(super) fn see_name(&self, name: &str) {
        self.word(name_word(name));
    }

    /// Counts elements. `false` if there are more than there can be: those that take no bytes could otherwise
    /// be claimed without end.
    #[inline]
    pub(super) fn elements_are(&self, more: u64) -> bool {
        let elements = self.elements.get().saturating_add(more);
        self.elements.set(elements);
        elements <= self.most_elements
    }

    /// Goes one level deeper, or says that this is too deep.
    ///
    /// Not a guard that is dropped: after an error nothing that follows is handed out, and cleaning up
    /// would be paid for by every value.
    #[inline]
    pub(super) fn enter(&self) -> Result<(), TooDeep> {
        let depth = self.depth.get();
        if depth == MAX_DEPTH {
            return Err(TooDeep);
        }
        self.depth.set(depth + 1);
        Ok(())
    }

    /// Comes back from [`enter`](Self::enter).
    #[inline]
    pub(super) fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }
}

/// What is nested so deep cannot be written, or read.
pub(super) struct TooDeep;

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is nested deeper than {MAX_DEPTH} levels")
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "see `Trace::word`")]
pub(super) const fn mixed(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The finalizer of `MurmurHash3`.
#[inline]
const fn finished(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^ (hash >> 33)
}

/// A name as one word, which is a constant wherever the compiler knows the name.
#[inline(always)]
#[allow(clippy::inline_always, reason = "so that it does become a constant")]
pub(super) fn name_word(name: &str) -> u64 {
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let mut hash = mixed(Kind::Name as u64, name.len() as u64);
    for word in words {
        hash = mixed(hash, u64::from_le_bytes(*word));
    }
    let mut last = 0;
    for (n, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * n);
    }
    finished(mixed(hash, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(with: impl Fn(&Trace)) -> u64 {
        let trace = Trace::writing();
        with(&trace);
        trace.shape()
    }

    #[test]
    fn a_name_is_all_of_its_bytes_and_its_length() {
        let names =
            ["", "\0", "a", "a\0", "abcdefg", "abcdefgh", "abcdefgh\0", "abcdefghi", "bbcdefghi"];
        for one in names {
            for other in names {
                let same =
                    shape(|trace| trace.see_name(one)) == shape(|trace| trace.see_name(other));
                assert_eq!(same, one == other, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn order_and_number_count() {
        let forth = shape(|trace| {
            trace.see(Kind::U8);
            trace.see(Kind::U16);
        });
        let back = shape(|trace| {
            trace.see(Kind::U16);
            trace.see(Kind::U8);
        });
        assert_ne!(forth, back);
        assert_ne!(
            shape(|trace| trace.see_number(Kind::End, 1)),
            shape(|trace| trace.see_number(Kind::End, 2))
        );
    }

    #[test]
    fn levels_are_given_back() {
        let trace = Trace::writing();
        for _ in 0..2 {
            assert!((0..MAX_DEPTH).all(|_| trace.enter().is_ok()));
            assert!(trace.enter().is_err());
            (0..MAX_DEPTH).for_each(|_| trace.leave());
        }
    }
}
