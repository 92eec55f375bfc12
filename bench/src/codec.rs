//! Section "shape": what it costs to tell shapes apart, beside bincode alone.
//!
//! The code of the library itself, taken in as a file: its codec is nothing that users can reach.

#[allow(dead_code, unused_imports, unreachable_pub, reason = "it is made for another crate")]
#[path = "../../cache-core/src/codec/shape/mod.rs"]
mod shape;

use std::hint::black_box;
use std::marker::PhantomData;
use std::sync::Arc;

use bincode::config::{self, Configuration};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use quick_cache::sync::Cache as QuickCache;

use self::shape::{Reading, Seen, Trace};
use crate::args::Effort;
use crate::fixture::{CAPACITY, Fixture, User};
use crate::race::{Race, runtime};
use crate::verdict::Findings;

const CONFIG: Configuration = config::standard();
const OPERATIONS: u32 = 100_000;

/// Where both write to.
struct Sink(Vec<u8>);

impl Writer for &mut Sink {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// The bytes of a user, behind as many as a shape would have.
fn encode_plain(user: &User) -> Arc<[u8]> {
    let mut sink = Sink(vec![0; size_of::<u64>()]);
    if let Err(error) = bincode::serde::encode_into_writer(user, &mut sink, CONFIG) {
        panic!("a user can be encoded: {error}");
    }
    sink.0.into()
}

fn decode_plain(bytes: &[u8]) -> User {
    User::decode(&bytes[size_of::<u64>()..])
}

/// The bytes of a user, behind a shape.
fn encode(user: &User) -> Arc<[u8]> {
    let trace = Trace::writing();
    let mut sink = Sink(vec![0; size_of::<u64>()]);
    let seen = Seen::new(user, &trace);
    if let Err(error) = bincode::serde::encode_into_writer(seen, &mut sink, CONFIG) {
        panic!("a user can be encoded: {error}");
    }
    sink.0[..size_of::<u64>()].copy_from_slice(&trace.shape().to_le_bytes());
    sink.0.into()
}

fn decode(bytes: &[u8]) -> User {
    let Some((shape, body)) = bytes.split_first_chunk() else { panic!("a shape is there") };
    let trace = Trace::reading(body.len());
    let seed = Reading::new(PhantomData::<User>, &trace);
    match bincode::serde::seed_decode_from_slice(seed, body, CONFIG) {
        Ok((user, _)) if trace.shape() == u64::from_le_bytes(*shape) => user,
        Ok(_) => panic!("a user has the shape of a user"),
        Err(error) => panic!("a user can be decoded: {error}"),
    }
}

pub(crate) fn run(fixture: &Fixture, effort: Effort, findings: &mut Findings) {
    let runtime = runtime();
    let table = || {
        let table = QuickCache::<String, Arc<[u8]>>::new(CAPACITY);
        for (key, user) in fixture.entries() {
            table.insert(key.to_owned(), encode(user));
        }
        table
    };
    // Both contenders write to one table, and both read from another: where a table lies in memory makes more of
    // a difference than a shape.
    let (written, read) = (table(), table());
    let (written, read) = (&written, &read);
    let bytes = encode(fixture.user(0));
    let bytes = &bytes;

    let times = Race::new("the codec alone, one value in the processor's cache", &runtime)
        .with("encode", move |order| async move {
            for _ in order {
                black_box(encode_plain(black_box(fixture.user(0))));
            }
        })
        .with("encode with shape", move |order| async move {
            for _ in order {
                black_box(encode(black_box(fixture.user(0))));
            }
        })
        .with("decode", move |order| async move {
            for _ in order {
                black_box(decode_plain(black_box(bytes)));
            }
        })
        .with("decode with shape", move |order| async move {
            for _ in order {
                black_box(decode(black_box(bytes)));
            }
        })
        .run(fixture.order(), OPERATIONS, effort);
    times.print();
    times.compare("encode with shape", "encode");
    times.compare("decode with shape", "decode");

    let times = Race::new("put and get, with and without shapes", &runtime)
        .with("put", move |order| async move {
            for index in order {
                let user = black_box(fixture.user(*index));
                written.insert(fixture.key(*index).to_owned(), encode_plain(user));
            }
        })
        .with("put with shape", move |order| async move {
            for index in order {
                let user = black_box(fixture.user(*index));
                written.insert(fixture.key(*index).to_owned(), encode(user));
            }
        })
        .with("get", move |order| async move {
            for index in order {
                black_box(read.get(fixture.key(*index)).map(|bytes| decode_plain(&bytes)));
            }
        })
        .with("get with shape", move |order| async move {
            for index in order {
                black_box(read.get(fixture.key(*index)).map(|bytes| decode(&bytes)));
            }
        })
        .run(fixture.order(), OPERATIONS, effort);
    times.print();
    times.compare_with_target("put with shape", "put", 1.1, findings);
    times.compare_with_target("get with shape", "get", 1.1, findings);
}
