//! How deep values may be nested: as deep as can be written can be read, and no stack overflows.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bincode::config;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::schema::{Fields, Primitive, Schema, Typed, Value, Variant};
use super::{forge, oracle, read, round_trip, try_write};
use crate::codec::binary::read_seed;

const DEEPEST: usize = 128;

/// The ways to put a value into another one.
const WAYS: usize = 11;

fn wrapped(way: usize, schema: Schema, value: Value) -> (Schema, Value) {
    let byte = || Schema::Primitive(Primitive::U8);
    let zero = || Value::Unsigned(0);
    let in_variant = |variant, value| {
        let variants = vec![("Empty", Variant::Unit), ("Full", variant)];
        (Schema::Enum(variants), Value::Variant(1, Box::new(value)))
    };
    match way {
        0 => (Schema::Option(Box::new(schema)), Value::Option(Some(Box::new(value)))),
        1 => (Schema::Newtype(Box::new(schema)), value),
        2 => (Schema::Seq(Box::new(schema)), Value::Seq(vec![value])),
        3 => {
            let map = Schema::Map(Box::new(schema), Box::new(byte()));
            (map, Value::Map(vec![(value, zero())]))
        }
        4 => {
            let map = Schema::Map(Box::new(byte()), Box::new(schema));
            (map, Value::Map(vec![(zero(), value)]))
        }
        5 => (Schema::Tuple(None, vec![byte(), schema]), Value::Fields(vec![zero(), value])),
        6 => {
            (Schema::Tuple(Some("Tuple"), vec![schema, byte()]), Value::Fields(vec![value, zero()]))
        }
        7 => (Schema::Struct(Fields(vec![("field", schema)])), Value::Fields(vec![value])),
        8 => in_variant(Variant::Newtype(Box::new(schema)), value),
        9 => in_variant(Variant::Tuple(vec![schema, byte()]), Value::Fields(vec![value, zero()])),
        10 => {
            in_variant(Variant::Struct(Fields(vec![("field", schema)])), Value::Fields(vec![value]))
        }
        _ => unreachable!("there are {WAYS} ways"),
    }
}

fn nested(
    (mut schema, mut value): (Schema, Value),
    ways: impl Iterator<Item = usize>,
) -> (Schema, Value) {
    for way in ways {
        (schema, value) = wrapped(way, schema, value);
    }
    (schema, value)
}

fn leaf() -> (Schema, Value) {
    (Schema::Primitive(Primitive::U8), Value::Unsigned(7))
}

/// Both sides take it, or neither does.
fn is_carried((schema, value): &(Schema, Value)) -> bool {
    let body = bincode::serde::encode_to_vec(Typed(schema, value), config::standard()).unwrap();
    let bytes = forge(oracle::shape(&schema.events(value).unwrap()), &body);
    let read = read_seed(schema, &bytes);
    let written = try_write(&Typed(schema, value));
    match written {
        Ok(written) => {
            assert_eq!(written, bytes);
            assert_eq!(read.as_ref(), Ok(value));
            true
        }
        Err(reason) => {
            assert!(reason.contains("nested deeper than 128 levels"), "{reason}");
            let refusal = read.expect_err("what cannot be written is not read either");
            assert!(refusal.contains("nested deeper than 128 levels"), "{refusal}");
            false
        }
    }
}

#[test]
fn each_way_of_nesting_has_the_same_end_for_writing_and_reading() {
    for way in 0..WAYS {
        for levels in [0, 1, 2, DEEPEST - 1, DEEPEST, DEEPEST + 1, DEEPEST + 2] {
            let value = nested(leaf(), std::iter::repeat_n(way, levels));
            assert_eq!(is_carried(&value), levels <= DEEPEST, "{levels} levels of way {way}");
        }
    }
}

#[test]
fn ways_of_nesting_add_up() {
    let mut random = 7_u64;
    for round in 0..200 {
        let levels = DEEPEST - 4 + round % 9;
        let ways = std::iter::from_fn(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            Some(usize::try_from(random >> 33).unwrap() % WAYS)
        });
        let value = nested(leaf(), ways.take(levels));
        assert_eq!(is_carried(&value), levels <= DEEPEST, "{levels} levels");
    }
}

#[test]
fn what_is_empty_takes_a_level_if_it_could_hold_something() {
    let byte = || Schema::Primitive(Primitive::U8);
    let variants = || vec![("Unit", Variant::Unit), ("Struct", Variant::Struct(Fields(vec![])))];
    let unit = || Box::new(Value::Unit);
    let no_fields = || Box::new(Value::Fields(vec![]));
    let of_one_level = [
        (Schema::Seq(Box::new(byte())), Value::Seq(vec![])),
        (Schema::Map(Box::new(byte()), Box::new(byte())), Value::Map(vec![])),
        (Schema::Tuple(Some("Tuple"), vec![]), Value::Fields(vec![])),
        (Schema::Struct(Fields(vec![])), Value::Fields(vec![])),
        (Schema::Enum(variants()), Value::Variant(1, no_fields())),
    ];
    let of_none = [
        (Schema::Option(Box::new(byte())), Value::Option(None)),
        (Schema::Unit(None), Value::Unit),
        (Schema::Primitive(Primitive::Str), Value::Str("text".into())),
        (Schema::Enum(variants()), Value::Variant(0, unit())),
    ];
    for way in 0..WAYS {
        for innermost in &of_one_level {
            for levels in [DEEPEST - 1, DEEPEST] {
                let value = nested(innermost.clone(), std::iter::repeat_n(way, levels));
                assert_eq!(is_carried(&value), levels < DEEPEST, "{innermost:?}");
            }
        }
        for innermost in &of_none {
            for levels in [DEEPEST, DEEPEST + 1] {
                let value = nested(innermost.clone(), std::iter::repeat_n(way, levels));
                assert_eq!(is_carried(&value), levels <= DEEPEST, "{innermost:?}");
            }
        }
    }
}

#[test]
fn levels_beside_each_other_do_not_add_up() {
    let (schema, value) = nested(leaf(), std::iter::repeat_n(0, DEEPEST - 1));
    let many = (Schema::Seq(Box::new(schema)), Value::Seq(vec![value; 300]));
    assert!(is_carried(&many));
}

macro_rules! recursive {
    ($($declared:item)*) => {$(
        #[derive(Serialize, Deserialize, Debug, PartialEq)]
        $declared
    )*};
}

// A byte 1 is a `Some`, a length of one, the second variant: a run of them nests each of these types.
recursive! {
    #[serde(transparent)]
    struct OfSome(Option<Box<OfSome>>);
    struct OfNewtypes(Option<Box<OfNewtypes>>);
    struct Endless(Box<Endless>);
    struct OfSequences(Vec<OfSequences>);
    struct OfValues(BTreeMap<u8, OfValues>);
    struct OfTuples(u8, Option<Box<OfTuples>>);
    struct OfStructs {
        next: Option<Box<OfStructs>>,
        payload: [u64; 16],
    }
    enum OfNewtypeVariants {
        End,
        Next(Box<OfNewtypeVariants>),
    }
    enum OfTupleVariants {
        End,
        Next(Box<OfTupleVariants>, String),
    }
    enum OfStructVariants {
        End,
        Next { next: Box<OfStructVariants>, text: String },
    }
    enum OfVariantsOfSequences {
        End,
        Next(Vec<OfVariantsOfSequences>),
    }
}

#[test]
fn endless_nesting_is_refused_on_a_small_stack() {
    fn refuses<T: DeserializeOwned + Debug>(bytes: &[u8]) {
        let refusal = read::<T>(bytes).expect_err("there is no end to it");
        assert!(refusal.contains("nested deeper than 128 levels"), "{refusal}");
    }
    let hostile = || {
        let ones = vec![1; 1 << 20];
        refuses::<OfSome>(&ones);
        refuses::<OfNewtypes>(&ones);
        refuses::<Endless>(&ones);
        refuses::<OfSequences>(&ones);
        refuses::<OfValues>(&ones);
        refuses::<OfTuples>(&ones);
        refuses::<OfStructs>(&ones);
        refuses::<OfNewtypeVariants>(&ones);
        refuses::<OfTupleVariants>(&ones);
        refuses::<OfStructVariants>(&ones);
        refuses::<OfVariantsOfSequences>(&ones);
    };
    let small = std::thread::Builder::new().stack_size(2 << 20);
    small.spawn(hostile).unwrap().join().unwrap();
}

#[test]
fn lists_and_trees_of_real_types_are_carried_to_their_limit() {
    let chain = |length| {
        (0..length).fold(OfStructs { next: None, payload: [1; 16] }, |next, _| OfStructs {
            next: Some(Box::new(next)),
            payload: [2; 16],
        })
    };
    // Each is a struct within `Some`, and the innermost array is a level.
    round_trip(chain(63));
    assert!(try_write(&chain(64)).is_err());
    let chain =
        |length| (0..length).fold(OfNewtypes(None), |next, _| OfNewtypes(Some(Box::new(next))));
    round_trip(chain(63));
    assert!(try_write(&chain(64)).is_err());
    let tree = (0..63).fold(OfSequences(vec![]), |next, _| {
        OfSequences(vec![OfSequences(vec![]), next, OfSequences(vec![])])
    });
    round_trip(tree);
    let list =
        (0..128).fold(OfNewtypeVariants::End, |next, _| OfNewtypeVariants::Next(Box::new(next)));
    round_trip(list);
}
