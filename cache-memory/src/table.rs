//! The table: `quick_cache`, measured in entries or in bytes.
//!
//! What `quick_cache` does silently is made plain here: a value that is too heavy for its shard is
//! refused before it is inserted, since the table would drop it together with what was there, or, where it is
//! [spared](Eviction::spare), hold it beyond the bound.

use cache_core::{Error, ErrorKind, Key, Payload};
use quick_cache::sync::{Cache as QuickCache, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::eviction::Eviction;
use crate::key::TableKey;
use crate::slot::Slot;

pub(crate) type Quick = QuickCache<TableKey, Slot, Weight, DefaultHashBuilder, Eviction>;

/// A place that nothing else is stored at until it is filled or given up, unless by a `put`.
pub(crate) type Place<'t> =
    PlaceholderGuard<'t, TableKey, Slot, Weight, DefaultHashBuilder, Eviction>;

#[derive(Debug)]
pub(crate) struct Table {
    quick: Quick,
    eviction: Eviction,
    weight: Weight,
    /// The heaviest entry that a shard admits.
    heaviest: u64,
}

/// What the store is bounded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capacity {
    Entries(usize),
    Bytes(u64),
}

/// What an entry weighs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weight {
    One,
    Bytes,
}

/// Slot, list links and index in the table, and the headers of two allocations.
const BOOK_KEEPING: u64 = 128;
/// What an entry is taken to weigh when the ghosts of evicted ones are dimensioned.
const TYPICAL_BYTES: u64 = 512;
/// A shard is no smaller than this, below which `quick_cache` merges shards.
const SMALL_ENTRIES: usize = 32;
/// A table that grows moves all entries of a shard under its lock: in one of so many for about 2 ms.
const LARGE_ENTRIES: usize = 16 * 1024;
/// More are not made however large the capacity is: each costs memory though it is empty.
const MOST_SHARDS: usize = 1_024;
/// A shard is no smaller than this, so that a value of ordinary size always fits.
const SMALL_BYTES: u64 = 1024 * 1024;
/// A shard is not made smaller than this only because there are many entries: the largest value that a
/// cache takes by default still fits.
const LARGE_BYTES: u64 = 24 * 1024 * 1024;
/// The part of a shard that is for entries seen more than once; also the most that one may weigh.
const HOT: f64 = 0.97;

impl Table {
    pub(crate) fn new(capacity: Capacity) -> Self {
        let (weight, bound, items, room, roomy) = match capacity {
            Capacity::Entries(entries) => (
                Weight::One,
                entries as u64,
                entries,
                entries / SMALL_ENTRIES,
                entries / LARGE_ENTRIES,
            ),
            Capacity::Bytes(bytes) => (
                Weight::Bytes,
                bytes,
                count(bytes / TYPICAL_BYTES),
                count(bytes / SMALL_BYTES),
                count(bytes / LARGE_BYTES),
            ),
        };
        let shards = shards(room, roomy);
        let mut options = OptionsBuilder::new();
        options
            .hot_allocation(HOT)
            .estimated_items_capacity(items)
            .shards(shards)
            // Divided evenly, since `quick_cache` rounds each shard up: the bound is a bound.
            .weight_capacity(bound - bound % shards as u64);
        let options = match options.build() {
            Ok(options) => options,
            Err(unset) => unreachable!("both capacities are set: {unset}"),
        };
        let eviction = Eviction::default();
        let hasher = DefaultHashBuilder::default();
        let quick = Quick::with_options(options, weight, hasher, eviction.clone());
        let heaviest = heaviest(quick.shard_capacity());
        Self { quick, eviction, weight, heaviest }
    }

    /// The table itself, for whatever stores no entry and cannot make one heavier.
    #[inline]
    pub(crate) fn quick(&self) -> &Quick {
        &self.quick
    }

    /// Stores what was [admitted](Self::admit), whatever is there.
    #[inline]
    pub(crate) fn insert(&self, key: Key<'_>, slot: Slot) {
        self.eviction.spare(key);
        self.quick.insert(key.into(), slot);
    }

    /// Stores what was [admitted](Self::admit) at a place that is vacant. Returns whether it was still.
    pub(crate) fn fill(&self, key: Key<'_>, place: Place<'_>, slot: Slot) -> bool {
        self.eviction.spare(key);
        place.insert(slot).is_ok()
    }

    /// Says [`TooLarge`](ErrorKind::TooLarge) of what the table would not hold.
    #[inline]
    pub(crate) fn admit(&self, key: Key<'_>, payload: Payload<'_>) -> Result<(), Error> {
        let weight = self.weight.of(key.as_str().len(), payload.heap_bytes());
        if weight <= self.heaviest { Ok(()) } else { Err(self.too_large(weight)) }
    }

    #[cold]
    fn too_large(&self, weight: u64) -> Error {
        Error::new(
            ErrorKind::TooLarge,
            format!(
                "the entry takes {weight} bytes and the memory store holds at most {} in one entry; \
                 raise `max_bytes`",
                self.heaviest
            ),
        )
    }
}

/// A power of two: four shards for each processor, less where they would be small, more where they would be
/// large. The room is in shards of the smallest size, and of a size that is large.
fn shards(room: usize, roomy: usize) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let shards = (processors * 4).next_power_of_two().min(power_of_two(room));
    shards.max(power_of_two(roomy).min(MOST_SHARDS))
}

/// The largest that is not above.
fn power_of_two(number: usize) -> usize {
    1 << number.max(1).ilog2()
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// `quick_cache` admits what fits the hot part of a shard, rounded down, but at least 1.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "it is the very computation of `quick_cache`"
)]
fn heaviest(shard: u64) -> u64 {
    ((shard as f64 * HOT) as u64).clamp(shard.min(1), shard)
}

impl Weight {
    #[inline]
    fn of(self, key_bytes: usize, value_bytes: usize) -> u64 {
        match self {
            Self::One => 1,
            Self::Bytes => (key_bytes as u64) + (value_bytes as u64) + BOOK_KEEPING,
        }
    }
}

impl Weighter<TableKey, Slot> for Weight {
    #[inline]
    fn weight(&self, key: &TableKey, slot: &Slot) -> u64 {
        match self {
            Self::One => 1,
            Self::Bytes => self.of(key.len(), slot.value.heap_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Deadline;
    use crate::key::Sought;

    fn key(text: &str) -> Key<'_> {
        Key::new(text).unwrap()
    }

    fn insert(table: &Table, name: &str, bytes: &[u8]) {
        let payload = Payload::Encoded(bytes);
        table.insert(key(name), Slot::new(payload, Deadline::NEVER, None));
    }

    #[test]
    fn what_is_admitted_is_held_and_what_is_not_would_have_been_dropped() {
        for capacity in [1_000, 4_096, 1 << 20, 10_000_000] {
            let table = Table::new(Capacity::Bytes(capacity));
            let room = usize::try_from(table.heaviest - BOOK_KEEPING).unwrap() - "k".len();
            assert!(table.admit(key("k"), Payload::Encoded(&vec![0; room])).is_ok());
            insert(&table, "k", &vec![0; room]);
            assert!(table.quick().peek(&Sought(key("k"))).is_some(), "{capacity}");

            let refused = table.admit(key("k"), Payload::Encoded(&vec![0; room + 1]));
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
            // Not spared: it would be held nevertheless, beyond the bound.
            table.eviction.spare(key("other"));
            let heavy = Slot::new(Payload::Encoded(&vec![0; room + 1]), Deadline::NEVER, None);
            table.quick().insert(key("k").into(), heavy);
            assert!(
                table.quick().peek(&Sought(key("k"))).is_none(),
                "the check is needed, and is exact: {capacity}"
            );
        }
    }

    #[test]
    fn a_bounded_number_of_entries_takes_any_of_them() {
        for entries in [1, 10, 100_000] {
            let table = Table::new(Capacity::Entries(entries));
            assert!(table.admit(key("k"), Payload::Encoded(&vec![0; 100_000])).is_ok());
            insert(&table, "k", &vec![0; 100_000]);
            assert!(table.quick().peek(&Sought(key("k"))).is_some());
        }
    }

    #[test]
    fn a_bound_is_a_bound_however_it_is_divided() {
        for bound in [1, 31, 63, 64, 100, 1_000, 99_999] {
            let table = Table::new(Capacity::Entries(bound));
            let (held, shards) = (table.quick().capacity(), table.quick().num_shards());
            assert!(
                held <= bound as u64 && held + shards as u64 > bound as u64,
                "{held} of {bound}"
            );
            assert!(shards == 1 || bound / shards >= SMALL_ENTRIES, "{shards} shards of {bound}");
        }
        assert!(Table::new(Capacity::Entries(2_000_000)).quick().num_shards() >= 64);
        for unbounded in [Capacity::Entries(usize::MAX), Capacity::Bytes(u64::MAX)] {
            let table = Table::new(unbounded);
            assert_eq!(table.quick().num_shards(), MOST_SHARDS);
            insert(&table, "k", &[0; 100]);
            assert!(table.quick().peek(&Sought(key("k"))).is_some());
        }
        let table = Table::new(Capacity::Bytes(3 * SMALL_BYTES + 1));
        assert!((1..=2).contains(&table.quick().num_shards()));
        assert!(table.quick().capacity() <= 3 * SMALL_BYTES + 1);
        assert_eq!(Table::new(Capacity::Bytes(0)).quick().num_shards(), 1);
    }
}
