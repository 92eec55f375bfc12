//! The hash of a list of events, once more: from its description in words, and from nothing else.

/// The kinds, numbered in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Of(Kind),
    Numbered(Kind, u64),
    Name(&'static str),
    Names(Vec<&'static str>),
}

const WORD: u128 = 1 << 64;

/// The shape of a value that was seen as these events.
pub(super) fn shape(events: &[Event]) -> u64 {
    finish(events.iter().fold(0, |hash, event| see(hash, word(event))))
}

fn word(event: &Event) -> u64 {
    match event {
        Event::Of(kind) => *kind as u64,
        Event::Numbered(kind, number) => *kind as u64 + 256 * number,
        Event::Name(name) => name_word(name),
        Event::Names(names) => {
            names.iter().fold(Kind::Struct as u64, |hash, name| see(hash, name_word(name)))
        }
    }
}

fn name_word(name: &str) -> u64 {
    let mut padded = name.as_bytes().to_vec();
    loop {
        padded.push(0);
        if padded.len().is_multiple_of(8) {
            break;
        }
    }
    let mut hash = see(Kind::Name as u64, name.len() as u64);
    for eight in padded.chunks(8) {
        let little_endian = eight.iter().rev().fold(0, |word, byte| word * 256 + u64::from(*byte));
        hash = see(hash, little_endian);
    }
    finish(hash)
}

fn see(hash: u64, word: u64) -> u64 {
    times(hash.rotate_left(5) ^ word, 0x9E37_79B9_7F4A_7C15)
}

fn finish(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = times(hash, 0xFF51_AFD7_ED55_8CCD);
    hash ^= hash >> 33;
    hash = times(hash, 0xC4CE_B9FE_1A85_EC53);
    hash ^ (hash >> 33)
}

fn times(a: u64, b: u64) -> u64 {
    u64::try_from(u128::from(a) * u128::from(b) % WORD).expect("less than a word")
}

#[test]
fn no_two_short_lists_of_events_have_one_shape() {
    use Kind::*;
    // What begins, ends and fills values, with the numbers that are met most.
    let plain = [
        Bool, I8, I16, I32, I64, I128, U8, U16, U32, U64, U128, F32, F64, Char, Str, Bytes, None,
        Some, Unit, Newtype, Seq, Map,
    ];
    let mut words: Vec<_> = plain.map(Event::Of).to_vec();
    for number in [0, 1, 2, 3, 4] {
        words.extend([Tuple, Struct, Variant, End].map(|kind| Event::Numbered(kind, number)));
    }
    let words: Vec<_> = words.iter().map(word).collect();
    let mut hashes = vec![0];
    let mut newest = hashes.clone();
    for _ in 0..4 {
        newest =
            newest.iter().flat_map(|hash| words.iter().map(|word| see(*hash, *word))).collect();
        hashes.extend(&newest);
    }
    let all = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), all);
}
