//! What shapes promise, by example, by generated types, and by hostile bytes.
#![allow(clippy::needless_pass_by_value, reason = "a test hands over what it made for this")]

mod allocations;
mod evolution;
mod generated;
mod golden;
mod hostile;
mod nesting;
mod oracle;
mod same;
mod schema;
mod serde_attributes;
mod std_types;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{LimitedWriter, WriteError, binary};

const SHAPE_BYTES: usize = 8;

/// The bytes of a value, without the mark of the codec, or why it has none.
fn try_write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, String> {
    let mut buffer = Vec::new();
    let mut writer = LimitedWriter { buffer: &mut buffer, limit: usize::MAX };
    match binary::write(value, &mut writer) {
        Ok(()) => Ok(buffer),
        Err(WriteError::Codec(reason)) => Err(reason),
        Err(WriteError::TooLarge) => panic!("nothing is larger than memory"),
    }
}

fn write<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    try_write(value).expect("it can be written")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    binary::read(bytes)
}

/// What bincode alone writes, after a shape of one's choice.
fn forge(shape: u64, body: &[u8]) -> Vec<u8> {
    [&shape.to_le_bytes(), body].concat()
}

fn shape_of<T: Serialize + ?Sized>(value: &T) -> u64 {
    u64::from_le_bytes(*write(value).first_chunk().expect("a shape comes first"))
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    assert_eq!(read::<T>(&write(&value)), Ok(value));
}

/// Reads `written` as a `T`, which must be refused for its shape.
#[track_caller]
fn refused<T: DeserializeOwned + Debug>(written: &(impl Serialize + ?Sized)) -> String {
    let refusal = read::<T>(&write(written)).expect_err("it has another shape");
    assert!(refusal.contains("written with another shape"), "{refusal}");
    refusal
}

/// Each is read as the other.
#[track_caller]
fn same<A, B>(a: A, b: B)
where
    A: Serialize + DeserializeOwned + PartialEq + Debug,
    B: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(write(&a), write(&b));
    assert_eq!(read::<B>(&write(&a)).as_ref(), Ok(&b));
    assert_eq!(read::<A>(&write(&b)).as_ref(), Ok(&a));
}

/// Neither is read as the other.
#[track_caller]
fn differ<A, B>(a: A, b: B)
where
    A: Serialize + DeserializeOwned + PartialEq + Debug,
    B: Serialize + DeserializeOwned + PartialEq + Debug,
{
    refused::<B>(&a);
    refused::<A>(&b);
    // Each is fine as what it is.
    round_trip(a);
    round_trip(b);
}
