//! The bytes of the heap that an entry takes, where there is room for all.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Bench;
use super::contender::{
    Cached, Cachet, Contender, Decoded, FoyerHandle, Held, Kept, MiniMoka, MokaFuture, MokaOwnTtl,
    MokaSync, Quick,
};
use super::lineup::{
    CACHED, CACHET, FOYER, MINI_MOKA, MOKA_FUTURE, MOKA_OWN_TTL, MOKA_SYNC, QUICK, SET_UP,
};
use crate::fixture::User;
use crate::heap;
use crate::record::{Better, Group, OURS, Records, Unit};
use crate::table::Table;
use crate::verdict::Findings;

const ID: &str = "memory-bytes";
const OBJECTS: &str = "objects";
const BYTES: &str = "encoded bytes";

/// So that all keys have one length.
const FIRST_ID: u32 = 1_000_000;

pub(super) fn run(bench: &Bench, records: &mut Records, findings: &mut Findings) {
    let keys = bench.effort.pick(1_000_000, 100_000);
    heap::count();
    let object = heap_of(|| Arc::new(User::new(FIRST_ID.into())));
    let encoded = User::new(FIRST_ID.into()).encode().len();
    let (objects, encodings) = bench.runtime.block_on(async {
        // A little more, since shards are not filled alike: of many and small ones some are full all the same.
        let room = keys as usize / 20 * 21;
        let objects = [
            peers::<Arc<User>>(room, keys).await,
            vec![
                (FOYER, bytes(|| FoyerHandle::<User>::new(room), keys, Reads::None).await),
                (OURS, bytes(|| Kept::new(room), keys, Reads::Each).await),
            ],
        ];
        let encodings = [
            peers::<Arc<[u8]>>(room, keys).await,
            vec![
                (FOYER, bytes(|| FoyerHandle::<Arc<[u8]>>::new(room), keys, Reads::None).await),
                (OURS, bytes(|| Decoded::new(room), keys, Reads::None).await),
            ],
        ];
        (objects.concat(), encodings.concat())
    });
    heap::pause();
    records.group(Group {
        id: ID.to_owned(),
        title: "bytes of the heap for each entry".to_owned(),
        unit: Unit::Bytes,
        better: Better::Lower,
        note: format!(
            "{keys} entries, room for a twentieth more, with a lifetime of an hour where there are any; the \
             live bytes of the heap, by an allocator that counts what is asked for (not what it rounds that \
             up to), less those before the cache was made, by the entries that are there. Keys are 12 bytes, and owned. \
             \"{OBJECTS}\": the peers hold `Arc<User>` (foyer holds it as it is), of which the object \
             alone takes {object} bytes with all that it owns; cache holds its encoded bytes, and beside \
             them an object, since every entry was read once with `get_shared`. \"{BYTES}\": the peers \
             hold `Arc<[u8]>`, {encoded} bytes, encoded by the caller; cache holds what it has encoded, \
             and no object, since nobody has read. What moka and mini-moka put off was done before the \
             count; cachet, which is moka's future cache inside, cannot be asked to. Whoever sets memory aside for all that \
             it has room for has that in the figure: cached the list of its entries, moka a sketch of them. {SET_UP}"
        ),
    });
    println!(
        "\nheap bytes for each of {keys} entries; an object takes {object}, encoded {encoded}"
    );
    let mut table = Table::new(["", OBJECTS, BYTES]);
    for ((name, object), (_, encoded)) in objects.iter().zip(&encodings) {
        let cells = [object, encoded].map(|bytes| format!("{bytes:.0}"));
        table.row(std::iter::once((*name).to_owned()).chain(cells));
        findings.must(*encoded > 0.0, || format!("{name} holds {keys} entries in no memory"));
    }
    table.print();
    for (case, contenders) in [(OBJECTS, objects), (BYTES, encodings)] {
        for (name, bytes) in contenders {
            records.add(ID, case, name, [bytes]);
        }
    }
}

async fn peers<V: Held>(room: usize, keys: u32) -> Vec<(&'static str, f64)> {
    vec![
        (QUICK, bytes(|| Quick::<V>::new(room), keys, Reads::None).await),
        (MOKA_SYNC, bytes(|| MokaSync::<V>::new(room), keys, Reads::None).await),
        (MOKA_OWN_TTL, bytes(|| MokaOwnTtl::<V>::new(room), keys, Reads::None).await),
        (MOKA_FUTURE, bytes(|| MokaFuture::<V>::new(room), keys, Reads::None).await),
        (MINI_MOKA, bytes(|| MiniMoka::<V>::new(room), keys, Reads::None).await),
        (CACHED, bytes(|| Cached::<V>::new(room), keys, Reads::None).await),
        (CACHET, bytes(|| Cachet::<V>::new(room), keys, Reads::None).await),
    ]
}

/// Who is read before the count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    None,
    Each,
}

/// The live bytes for each of so many entries.
async fn bytes<C: Contender>(make: impl FnOnce() -> C, keys: u32, reads: Reads) -> f64 {
    let before = heap::live();
    let cache = make();
    let mut key = String::new();
    for id in FIRST_ID..FIRST_ID + keys {
        name(&mut key, id);
        cache.put(&key, User::new(id.into())).await;
    }
    cache.settle().await;
    if reads == Reads::Each {
        for id in FIRST_ID..FIRST_ID + keys {
            name(&mut key, id);
            drop(cache.get(&key).await);
        }
    }
    cache.settle().await;
    let taken = heap::live() - before - signed(key.capacity());
    let mut held = 0;
    for id in FIRST_ID..FIRST_ID + keys {
        name(&mut key, id);
        held += u32::from(cache.holds(&key).await);
    }
    assert!(held > keys / 10 * 9, "{held} of {keys} entries are held");
    drop(cache);
    per_entry(taken, held)
}

fn name(key: &mut String, id: u32) {
    key.clear();
    assert!(write!(key, "user:{id}").is_ok());
}

/// What a value owns on the heap.
fn heap_of<T>(make: impl FnOnce() -> T) -> i64 {
    let before = heap::live();
    let value = make();
    let taken = heap::live() - before;
    drop(value);
    taken
}

fn signed(bytes: usize) -> i64 {
    bytes.try_into().unwrap_or(i64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "no heap has 2^53 bytes")]
fn per_entry(bytes: i64, entries: u32) -> f64 {
    bytes as f64 / f64::from(entries)
}
