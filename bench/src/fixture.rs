//! What every contender is given: the keys, the values, the order of access.

use std::sync::Arc;

use bincode::config;
use serde::{Deserialize, Serialize};

use crate::zipf::{Random, Zipf};

/// What is added to an index, in keys and in users.
const FIRST_ID: u32 = 100_000;
/// The number of distinct keys.
pub(crate) const KEYS: u32 = 100_000;
/// Twice the keys, so that nothing is evicted.
pub(crate) const CAPACITY: usize = 200_000;
/// The length of the order of access.
const DRAWS: u32 = 1_000_000;
const SEED: u64 = 7;

/// A value as services cache it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) roles: Vec<String>,
}

pub(crate) struct Fixture {
    keys: Vec<String>,
    users: Vec<User>,
    order: Vec<u32>,
}

impl User {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            name: format!("Maximiliane Mustermann-{id}"),
            email: format!("maximiliane.mustermann.{id}@mail.example.com"),
            roles: ["reader", "editor", "billing", "administrator"].map(String::from).to_vec(),
        }
    }

    /// The bytes that the raw contenders keep.
    pub(crate) fn encode(&self) -> Arc<[u8]> {
        match bincode::serde::encode_to_vec(self, config::standard()) {
            Ok(bytes) => bytes.into(),
            Err(error) => panic!("a user can be encoded: {error}"),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        match bincode::serde::decode_from_slice(bytes, config::standard()) {
            Ok((user, _)) => user,
            Err(error) => panic!("a user can be decoded: {error}"),
        }
    }
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let mut zipf = Zipf::new(KEYS, 0.99, SEED);
        // What is read often should not lie together in memory.
        let by_rank = shuffled(KEYS);
        Self {
            keys: (0..KEYS).map(|index| format!("user:{}", Self::id(index))).collect(),
            users: (0..KEYS).map(|index| User::new(Self::id(index))).collect(),
            order: (0..DRAWS).map(|_| by_rank[zipf.draw()]).collect(),
        }
    }

    pub(crate) fn key(&self, index: u32) -> &str {
        &self.keys[index as usize]
    }

    pub(crate) fn user(&self, index: u32) -> &User {
        &self.users[index as usize]
    }

    /// The number of a user, told without looking at it.
    pub(crate) fn id(index: u32) -> u64 {
        u64::from(FIRST_ID + index)
    }

    /// Every key with its value.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &User)> {
        self.keys.iter().map(String::as_str).zip(&self.users)
    }

    /// The order in which keys are read, by index.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    pub(crate) fn encoded_bytes(&self) -> usize {
        self.users[0].encode().len()
    }
}

fn shuffled(count: u32) -> Vec<u32> {
    let mut random = Random(SEED);
    let mut indices: Vec<u32> = (0..count).collect();
    for at in (1..indices.len()).rev() {
        indices.swap(at, random.next() as usize % (at + 1));
    }
    indices
}
