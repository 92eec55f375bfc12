//! What whoever uses a client by itself writes: a name, bytes, and a value of them.

use bincode::config;

use crate::fixture::User;

/// Where the raw clients put a user.
pub(crate) fn name(id: u64) -> String {
    format!("user:{id}")
}

pub(crate) fn encode(user: &User) -> Vec<u8> {
    match bincode::serde::encode_to_vec(user, config::standard()) {
        Ok(bytes) => bytes,
        Err(error) => panic!("a user can be encoded: {error}"),
    }
}
