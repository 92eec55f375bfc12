//! What application code needs in scope: `use cache::prelude::*;`.

pub use cache_core::{Cache, IntoTtl, Shared, Ttl, ttl};
pub use cache_lock::Locks;
pub use cache_tags::Tags;
