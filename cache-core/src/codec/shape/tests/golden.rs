//! Golden values: bytes that are stored somewhere, and must be readable by every build on every platform.
//!
//! Each is given as bytes, and as the list of events that its shape is the hash of.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::oracle::Event::{Name, Names, Numbered, Of};
use super::oracle::Kind as K;
use super::oracle::{Event, shape};
use super::{forge, shape_of};
use crate::codec::{Codec, Encoding};
use crate::{ErrorKind, Payload};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct User {
    id: u64,
    name: String,
    email: Option<String>,
    balance: i32,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Nothing;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct NoFields {}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Id(u64);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Pair(i8, bool);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Step {
    Started,
    Moved(f32, f64),
    Renamed { from_the_old: char, to: String },
    Nested(Box<Step>),
    Empty {},
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut buffer = Vec::new();
    match Codec::Binary.encode(value, usize::MAX, &mut buffer) {
        Ok(Encoding::Bytes) => buffer,
        Ok(Encoding::Integer(integer)) => panic!("stored as the integer {integer}"),
        Err(error) => panic!("{error}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).expect("less than 16")
}

fn unhex(text: &str) -> Vec<u8> {
    let nibbles: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    nibbles.chunks(2).map(|two| u8::try_from(two[0] * 16 + two[1]).unwrap()).collect()
}

/// `bytes` are the mark of the codec, the shape, and what bincode writes.
#[track_caller]
fn golden<T>(value: T, bytes: &str, events: &[Event])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(hex(&encode(&value)), bytes.replace(' ', ""), "{value:?}");
    let read = Codec::Binary.decode::<T>(Payload::Encoded(&unhex(bytes)));
    assert_eq!(read.unwrap(), value);
    assert_eq!(shape_of(&value), shape(events), "the description is not what is done: {value:?}");
}

#[test]
fn a_struct() {
    let value =
        User { id: 7, name: "Ada".into(), email: Some("ada@example.org".into()), balance: -300 };
    golden(
        value,
        "01 47a6dfc4bb62d9d1 0703416461010f616461406578616d706c652e6f7267fb5702",
        &[
            Numbered(K::Struct, 4),
            Of(K::U64),
            Of(K::Str),
            Of(K::Some),
            Of(K::Str),
            Of(K::I32),
            Names(vec!["id", "name", "email", "balance"]),
        ],
    );
    let value = User { id: u64::MAX, name: String::new(), email: None, balance: 0 };
    golden(
        value,
        "01 608849c08c95a5ab fdffffffffffffffff000000",
        &[
            Numbered(K::Struct, 4),
            Of(K::U64),
            Of(K::Str),
            Of(K::None),
            Of(K::I32),
            Names(vec!["id", "name", "email", "balance"]),
        ],
    );
}

#[test]
fn structs_of_nothing() {
    golden((), "01 feb1128ec4c634f8", &[Of(K::Unit)]);
    golden(Nothing, "01 feb1128ec4c634f8", &[Of(K::Unit)]);
    golden(NoFields {}, "01 6388ccbeddb73956", &[Numbered(K::Struct, 0), Names(vec![])]);
}

#[test]
fn primitives() {
    golden(u64::MAX, "01 c2d509785ee5be9a fdffffffffffffffff", &[Of(K::U64)]);
    golden(Id(u64::MAX), "01 c2d509785ee5be9a fdffffffffffffffff", &[Of(K::U64)]);
    golden(i128::MIN, "01 50f382df1d8c8223 feffffffffffffffffffffffffffffffff", &[Of(K::I128)]);
    golden(u128::MAX, "01 b782bc3cb802bd19 feffffffffffffffffffffffffffffffff", &[Of(K::U128)]);
    golden(true, "01 ea2eaba4f166a09c 01", &[Of(K::Bool)]);
    golden('é', "01 459247d169dfda33 c3a9", &[Of(K::Char)]);
    golden(1.5_f32, "01 de56792afd8676f4 0000c03f", &[Of(K::F32)]);
    golden(-0.0_f64, "01 ebea4c42d9bdd14d 0000000000000080", &[Of(K::F64)]);
    golden(String::from("grüezi"), "01 af4aa7699e8fb536 076772c3bc657a69", &[Of(K::Str)]);
    golden(c"bytes".to_owned(), "01 ad840b58184d6ce2 056279746573", &[Of(K::Bytes)]);
    golden(
        (1_i8, 1_i16, 1_i32, 1_i64, 250_u8, 250_u16, 251_u32, 65_536_u64),
        "01 73e4938205b5416b 01020202fafafbfb00fc00000100",
        &[
            Numbered(K::Tuple, 8),
            Of(K::I8),
            Of(K::I16),
            Of(K::I32),
            Of(K::I64),
            Of(K::U8),
            Of(K::U16),
            Of(K::U32),
            Of(K::U64),
        ],
    );
}

#[test]
fn tuples() {
    golden(
        Pair(-1, false),
        "01 9b55999e09d0f143 ff00",
        &[Numbered(K::Tuple, 2), Of(K::I8), Of(K::Bool)],
    );
    golden(
        [Id(1), Id(2)],
        "01 2f252bd2331700b9 0102",
        &[Numbered(K::Tuple, 2), Of(K::U64), Of(K::U64)],
    );
    golden(
        ((1_u8,), Nothing),
        "01 44a3f6b89de79f6f 01",
        &[Numbered(K::Tuple, 2), Numbered(K::Tuple, 1), Of(K::U8), Of(K::Unit)],
    );
}

#[test]
fn options() {
    golden(None::<u8>, "01 22f535a8fa4c2132 00", &[Of(K::None)]);
    golden(Some(5_u8), "01 f7aac98dc66c6ece 0105", &[Of(K::Some), Of(K::U8)]);
    golden(Some(None::<u8>), "01 e9740a3975bc17e4 0100", &[Of(K::Some), Of(K::None)]);
}

#[test]
fn sequences_and_maps() {
    golden(Vec::<String>::new(), "01 64c36daed10245d3 00", &[Of(K::Seq), Numbered(K::End, 0)]);
    golden(
        vec![1_u8, 2, 3],
        "01 70b587fe370100fd 03010203",
        &[Of(K::Seq), Of(K::U8), Of(K::U8), Of(K::U8), Numbered(K::End, 3)],
    );
    golden(
        BTreeMap::from([("a".to_owned(), 1.5_f64), ("b".to_owned(), 2.5)]),
        "01 65e3887a80e1d889 020161000000000000f83f01620000000000000440",
        &[Of(K::Map), Of(K::Str), Of(K::F64), Of(K::Str), Of(K::F64), Numbered(K::End, 2)],
    );
    golden(
        vec![BTreeMap::from([(1_u16, vec![()])]), BTreeMap::new()],
        "01 0177bcc9b703d06d 0201010100",
        &[
            Of(K::Seq),
            Of(K::Map),
            Of(K::U16),
            Of(K::Seq),
            Of(K::Unit),
            Numbered(K::End, 1),
            Numbered(K::End, 1),
            Of(K::Map),
            Numbered(K::End, 0),
            Numbered(K::End, 2),
        ],
    );
}

#[test]
fn every_kind_of_variant() {
    let started = [Numbered(K::Variant, 0), Name("Started"), Of(K::Unit)];
    golden(Step::Started, "01 8c0820369ed5a18b 00", &started);
    golden(
        Step::Moved(0.5, -0.5),
        "01 a1fcfa12d5f30ddc 010000003f000000000000e0bf",
        &[Numbered(K::Variant, 1), Name("Moved"), Numbered(K::Tuple, 2), Of(K::F32), Of(K::F64)],
    );
    let renamed = [
        Numbered(K::Variant, 2),
        Name("Renamed"),
        Numbered(K::Struct, 2),
        Of(K::Char),
        Of(K::Str),
        Names(vec!["from_the_old", "to"]),
    ];
    golden(
        Step::Renamed { from_the_old: 'x', to: "y".into() },
        "01 9a9e7d32ae048eaa 02780179",
        &renamed,
    );
    let nested = [Numbered(K::Variant, 3), Name("Nested"), Of(K::Newtype)];
    golden(
        Step::Nested(Box::new(Step::Nested(Box::new(Step::Started)))),
        "01 ba637eafe9d1a48e 030300",
        &[&nested[..], &nested, &started].concat(),
    );
    golden(
        Step::Empty {},
        "01 a85018892683bc78 04",
        &[Numbered(K::Variant, 4), Name("Empty"), Numbered(K::Struct, 0), Names(vec![])],
    );
}

/// What a name's words are cut from: empty, short, exactly a word, longer.
#[test]
fn names_of_any_length() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    struct Various {
        #[serde(rename = "")]
        empty: u8,
        a: u8,
        seven_7: u8,
        eight_08: u8,
        nine_0009: u8,
        a_name_that_is_longer_than_two_words: u8,
        größe: u8,
    }
    golden(
        Various {
            empty: 0,
            a: 1,
            seven_7: 2,
            eight_08: 3,
            nine_0009: 4,
            a_name_that_is_longer_than_two_words: 5,
            größe: 6,
        },
        "01 c9f33c5b7be1ad77 00010203040506",
        &[
            Numbered(K::Struct, 7),
            Of(K::U8),
            Of(K::U8),
            Of(K::U8),
            Of(K::U8),
            Of(K::U8),
            Of(K::U8),
            Of(K::U8),
            Names(vec![
                "",
                "a",
                "seven-7",
                "eight-08",
                "nine-0009",
                "a-name-that-is-longer-than-two-words",
                "größe",
            ]),
        ],
    );
}

#[test]
fn another_shape_is_refused_before_anything_is_handed_out() {
    let body = &encode(&Pair(-1, false))[9..];
    let forged = [&[1][..], &forge(shape_of(&Pair(-1, false)) ^ 1, body)].concat();
    let refusal = Codec::Binary.decode::<Pair>(Payload::Encoded(&forged)).unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Decode);
    assert!(refusal.to_string().contains("written with another shape"), "{refusal}");
}
