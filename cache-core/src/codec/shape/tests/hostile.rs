//! Bytes that no codec wrote: never a panic, never a hang, and memory in proportion to their number.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use allocation_counter::measure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{SHAPE_BYTES, forge, read, round_trip, shape_of, try_write, write};

/// A generator that is the same everywhere (xorshift64*).
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.word() >> 33).unwrap() % end
    }

    fn byte(&mut self) -> u8 {
        // What bincode gives a meaning, more often than the rest: small numbers, and the marks of wide ones.
        match self.below(4) {
            0 => self.word().to_le_bytes()[0],
            1 => 251 + u8::try_from(self.below(5)).unwrap(),
            _ => u8::try_from(self.below(4)).unwrap(),
        }
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.byte()).collect()
    }

    /// Changes some bytes, takes some away, puts some in, or claims a number that cannot be.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => {
                    let inserted = self.bytes(4);
                    bytes.splice(at..at, inserted);
                }
                2 => {
                    let end = bytes.len().min(at + 1 + self.below(4));
                    bytes.drain(at..end);
                }
                3 => {
                    let claimed = self.claim();
                    let end = bytes.len().min(at + 1);
                    bytes.splice(at..end, claimed);
                }
                4 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ if at < bytes.len() => bytes[at] = self.byte(),
                _ => bytes.push(self.byte()),
            }
        }
    }

    /// A length as bincode writes it: of a few more than there are, or of far more.
    fn claim(&mut self) -> Vec<u8> {
        match self.below(4) {
            0 => vec![u8::try_from(self.below(251)).unwrap()],
            1 => [&[251], &u16::try_from(self.below(1 << 16)).unwrap().to_le_bytes()[..]].concat(),
            2 => [&[252], &u32::MAX.to_le_bytes()[..]].concat(),
            _ => [&[253], &(1_u64 << (32 + self.below(32))).to_le_bytes()[..]].concat(),
        }
    }
}

/// For the text of an error.
const SLACK: u64 = 1024;

/// Reads them, and holds at most `factor` times as much memory at any time.
#[track_caller]
fn read_within<T: DeserializeOwned>(bytes: &[u8], factor: u64) -> bool {
    let mut is_read = false;
    let held = measure(|| is_read = read::<T>(bytes).is_ok()).bytes_max;
    let most = factor * bytes.len() as u64 + SLACK;
    assert!(held <= most, "{held} bytes held for {} of {}", bytes.len(), type_name::<T>());
    is_read
}

fn type_name<T>() -> &'static str {
    std::any::type_name::<T>()
}

/// Reads random and damaged bytes as a `T`.
fn fuzz<T: Serialize + DeserializeOwned + Debug>(samples: &[T], factor: usize) {
    let factor = factor as u64;
    let random = &mut Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..1_000 {
        read_within::<T>(&random.bytes(64), factor);
    }
    let mut read = 0;
    for round in 0..3_000 {
        let sample = &samples[round % samples.len()];
        let mut bytes = write(sample).split_off(SHAPE_BYTES);
        random.damage(&mut bytes);
        read += u32::from(read_within::<T>(&forge(shape_of(sample), &bytes), factor));
    }
    assert!(read > 0, "some are damaged only in what they contain: {}", type_name::<T>());
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Newtypes(Vec<Newtypes>);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Node {
    value: u16,
    children: Vec<Node>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Tree(BTreeMap<u8, Tree>);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct List {
    value: u8,
    next: Option<Box<List>>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Expression {
    Nothing,
    Both(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Named { name: String, all: Vec<Expression> },
}

fn tree(depth: u8) -> Tree {
    Tree((0..depth).map(|n| (n, tree(n))).collect())
}

fn newtypes(depth: usize) -> Newtypes {
    Newtypes((0..depth).map(newtypes).collect())
}

/// The most that a B-tree takes for each entry: a node of 11 places, of which one is in use, and what holds
/// it together.
const fn in_b_tree<K, V>() -> usize {
    11 * (size_of::<K>() + size_of::<V>()) + 128
}

/// The most that a hash table takes for each claimed entry: it is at least 7/16 full.
const fn in_hash_table<K, V>() -> usize {
    (size_of::<(K, V)>() + 1) * 16 / 7 + 1
}

#[test]
fn flat_types_take_no_more_than_their_elements() {
    // An element takes at least a byte of input, and so many of memory.
    fuzz(&["text".to_owned(), "täxt".to_owned()], 1);
    fuzz(&[vec![1_u64, 2, u64::MAX]], size_of::<u64>());
    fuzz(&[vec![1_u8, 2, 3]], 1);
    fuzz(&[vec!["a".to_owned(), String::new()]], size_of::<String>() + 1);
    fuzz(&[vec![(1_u8, 'a', true, 1.5_f32)]], size_of::<(u8, char, bool, f32)>());
    fuzz(&[vec![[1_u64; 4]; 3]], size_of::<[u64; 4]>());
    fuzz(&[c"bytes".to_owned()], 3);
    fuzz(&[(1_u8, "a".to_owned(), Some(vec![1_u16]))], size_of::<u16>());
    fuzz(&[Some(Ok::<_, String>(Box::new(7_u64))), Some(Err("a".into())), None], 8);
    fuzz(
        &[HashMap::from([("a".to_owned(), vec![1_u8]), ("b".to_owned(), vec![])])],
        in_hash_table::<String, Vec<u8>>() + 1,
    );
    fuzz(&[BTreeMap::from([(1_u8, 2_u64)])], in_b_tree::<u8, u64>());
}

#[test]
fn nested_types_take_no_more_than_their_elements() {
    let (one, two) = (vec![vec![()], vec![]], vec![]);
    fuzz(&[vec![one, two]], size_of::<Vec<()>>());
    fuzz(&[vec![vec![vec![1_u8]; 2]; 2]], size_of::<Vec<u8>>() + 1);
    fuzz(&[(1_u64, vec![(); 1])], 0);
    fuzz(
        &[
            Json::Null,
            Json::List(vec![Json::Bool(true), Json::Number(1.5), Json::Text("a".into())]),
            Json::Object(BTreeMap::from([("a".into(), Json::List(vec![Json::Null]))])),
        ],
        in_b_tree::<String, Json>() / 4 + size_of::<Json>(),
    );
    fuzz(&[newtypes(4)], size_of::<Newtypes>());
    fuzz(
        &[Node { value: 1, children: vec![Node { value: 2, children: vec![] }] }],
        size_of::<Node>(),
    );
    fuzz(&[tree(3)], in_b_tree::<u8, Tree>());
    let last = List { value: 1, next: None };
    fuzz(&[List { value: 2, next: Some(Box::new(last)) }], size_of::<List>());
    let nothing = || Box::new(Expression::Nothing);
    fuzz(
        &[
            Expression::Both(nothing(), Box::new(Expression::Not(nothing()))),
            Expression::Named { name: "a".into(), all: vec![Expression::Nothing] },
        ],
        size_of::<Expression>() + 1,
    );
}

/// Bincode's form of a length that takes nine bytes to claim.
fn huge(length: u64) -> Vec<u8> {
    [&[253], &length.to_le_bytes()[..]].concat()
}

#[test]
fn a_length_that_cannot_be_takes_no_memory() {
    fn refused<T: DeserializeOwned>() {
        for length in [1 << 32, 1 << 60, u64::MAX] {
            let bytes = forge(0, &huge(length));
            let mut refused = false;
            let held = measure(|| refused = read::<T>(&bytes).is_err()).bytes_max;
            assert!(refused && held <= SLACK, "{held} bytes held for {}", type_name::<T>());
        }
    }
    refused::<String>();
    refused::<Vec<u8>>();
    refused::<Vec<[u64; 32]>>();
    refused::<Vec<()>>();
    refused::<Vec<String>>();
    refused::<HashMap<String, Vec<u8>>>();
    refused::<BTreeMap<u8, u8>>();
    refused::<std::collections::HashSet<()>>();
    refused::<std::ffi::CString>();
    refused::<Newtypes>();
}

#[test]
fn what_is_no_text_is_not_read_as_one() {
    for mut bytes in [b"text".to_vec(), vec![b'x'; 200]] {
        let length = u8::try_from(bytes.len()).unwrap();
        bytes.push(0xff);
        let refusal = read::<String>(&forge(0, &[&[length + 1], &bytes[..]].concat())).unwrap_err();
        assert!(refusal.contains("a text is not UTF-8"), "{refusal}");
    }
}

#[test]
fn lengths_within_lengths_take_memory_once() {
    // At each level all the bytes that are left are claimed to be elements: `[n, n, n, …]`.
    for length in [100_u8, 250] {
        let bytes = forge(0, &vec![length; usize::from(length)]);
        assert!(!read_within::<Newtypes>(&bytes, size_of::<Newtypes>() as u64));
        assert!(!read_within::<Json>(&forge(0, &[4, length].repeat(125)), 32));
        assert!(!read_within::<Vec<Vec<Vec<Vec<u64>>>>>(&bytes, 24));
    }
    // And where there are many.
    let claim = [&[252][..], &100_000_u32.to_le_bytes()].concat();
    let mut bytes = forge(0, &claim.repeat(64));
    bytes.resize(400_000, 0);
    assert!(!read_within::<Newtypes>(&bytes, size_of::<Newtypes>() as u64));
}

#[test]
fn elements_that_take_no_bytes_are_no_more_than_the_bytes() {
    let reason = try_write(&vec![(); 1_000]).unwrap_err();
    assert!(reason.contains("more elements than bytes"), "{reason}");
    assert!(try_write(&vec![(); 2]).is_err());
    round_trip(vec![(); 1]);
    round_trip(("a text of some length".to_owned(), vec![(); 20]));
    round_trip(vec![Some(()), None, Some(())]);
    round_trip(vec![vec![()], vec![]]);
    round_trip(vec![[1_u8; 0]; 1]);
    assert!(try_write(&vec![vec![(); 3]]).is_err());
    // What is claimed without having been written is refused, and quickly.
    for claimed in [251_u64, 1 << 20, 1 << 40, u64::MAX] {
        let refusal = read::<Vec<()>>(&forge(0, &huge(claimed))).unwrap_err();
        assert!(refusal.contains("more elements than it has bytes"), "{refusal}");
    }
}

#[test]
fn whatever_can_be_written_of_empty_elements_can_be_read() {
    for (text, elements) in (0..30).flat_map(|text| (0..30).map(move |n| (text, n))) {
        let value = ("x".repeat(text), vec![(); elements], vec![[(); 0]; elements / 2]);
        if let Ok(bytes) = try_write(&value) {
            assert_eq!(read(&bytes), Ok(value));
        }
    }
}

#[test]
fn large_values_take_what_they_are() {
    // Beyond a megabyte serde reserves no more at once, and a vector doubles, with the half beside it.
    let numbers: Vec<u64> = (0..1_000_000).collect();
    assert!(read_within::<Vec<u64>>(&write(&numbers), 3 * 8));
    let text = "x".repeat(1 << 20);
    assert!(read_within::<String>(&write(&text), 1));
}
