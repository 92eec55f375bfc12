//! What others are used for the same: each beside the others, and kept for the report.

pub(crate) mod memory;
pub(crate) mod redis;
