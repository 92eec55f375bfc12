//! One client: a cache on a store of its own, with connections and beliefs of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cache_core::Tag;
use cache_redis::{Cache, RedisStore};

use super::TAGS;

/// What is stored: never twice the same, so that a value tells which write it is of.
pub(crate) type Value = (usize, u32);

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) cache: Cache,
    pub(crate) number: usize,
    pub(crate) connections: usize,
    made: Arc<AtomicU32>,
}

impl Client {
    pub(crate) async fn connect(url: &str, number: usize, connections: usize) -> Self {
        let builder = RedisStore::builder(url).expect("a URL").connections(connections);
        // An answer that comes late is no miss: the machine may be busy.
        let builder = builder.command_timeout(Duration::from_secs(30));
        let cache = Cache::new(builder.connect().await.expect("the server answers"));
        Self { cache, number, connections, made: Arc::default() }
    }

    pub(crate) fn new_value(&self) -> Value {
        (self.number, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns when whatever was sent before on any connection has been done: also what was given up.
    pub(crate) async fn settle(&self) {
        let probes = (0..64).map(|probe| format!("probe{probe}"));
        self.cache.get_many::<Value>(probes).await.expect("the servers answer");
    }
}

/// The tags of a set, as the library takes them.
pub(crate) fn tags_of(set: u8) -> Vec<Tag<'static>> {
    let named = TAGS.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
    named.map(|(_, tag)| Tag::new(tag).expect("a tag")).collect()
}
