//! The names of a struct's fields as one word, computed once for each struct and thread.
//!
//! A type that is read gives all of its names at once, in a list that lives as long as the program; hashing
//! them anew for each value would cost more than everything else about a shape.

use std::cell::Cell;

use super::trace::{Kind, mixed, name_word};

/// The names of fields, one after the other, as they are met while a value is written.
#[derive(Clone, Copy)]
pub(super) struct Names(u64);

impl Names {
    #[inline]
    pub(super) const fn none() -> Self {
        Self(Kind::Struct as u64)
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a name known to the compiler becomes a constant")]
    pub(super) fn and(self, name: &str) -> Self {
        Self(mixed(self.0, name_word(name)))
    }

    #[inline]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    /// All names of a list.
    #[inline]
    pub(super) fn of(fields: &'static [&'static str]) -> Self {
        let list = (fields.as_ptr().addr(), fields.len());
        let place = (list.0 >> 4) % PLACES;
        MEMO.with(|memo| {
            let (seen, names) = memo[place].get();
            if seen == list {
                return names;
            }
            let names = fields.iter().copied().fold(Self::none(), Self::and);
            memo[place].set((list, names));
            names
        })
    }
}

/// What has been computed: lists by where they are and how long. What is there never changes, since they are
/// `'static`.
type Memo = [Cell<((usize, usize), Names)>; PLACES];

const PLACES: usize = 64;

thread_local! {
    static MEMO: Memo = const { [const { Cell::new(((0, 0), Names::none())) }; PLACES] };
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: [&[&str]; 6] = [&[], &[""], &["a"], &["a", "b"], &["b", "a"], &["ab"]];

    #[test]
    fn a_list_is_its_names_in_their_order_however_often_it_is_asked_for() {
        for _ in 0..3 {
            for one in LISTS {
                let written = one.iter().copied().fold(Names::none(), Names::and).word();
                assert_eq!(Names::of(one).word(), written);
                for other in LISTS {
                    assert_eq!(Names::of(one).word() == Names::of(other).word(), one == other);
                }
            }
        }
    }

    #[test]
    fn lists_that_share_a_place_are_kept_apart() {
        let all: &'static [&'static str] = Vec::leak(vec!["x"; 1_000]);
        for length in 0..1_000 {
            let list = &all[..length];
            let written = list.iter().copied().fold(Names::none(), Names::and).word();
            assert_eq!(Names::of(list).word(), written);
        }
    }
}
