//! The cache beside those that somebody might take instead.

pub(crate) mod memory;
