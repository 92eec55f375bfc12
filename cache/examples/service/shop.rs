//! What every handler works with, and the one way in which they read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::{IntoResponseParts, ResponseParts};
use cache::prelude::*;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::database::Database;
use crate::outbox::Outbox;
use crate::problem::Problem;

/// A clone is the same shop.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) database: Database,
    pub(crate) outbox: Outbox,
    queries: Arc<AtomicU64>,
}

/// How long an answer is kept that nobody takes back.
const KEPT: Ttl = Ttl::minutes(10);

/// Where an answer came from. As a part of it: the header `x-cache`.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// The cache, or a query that another request was already waiting for.
    Hit,
    /// A query.
    Miss,
}

impl Shop {
    pub(crate) fn new(database: Database, outbox: Outbox) -> Self {
        Self { database, outbox, queries: Arc::default() }
    }

    /// What is known as `key`, or else what `query` says, which is then known under `tag`.
    pub(crate) async fn remember<T>(
        &self,
        cache: &Cache,
        key: &str,
        tag: &str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<(Source, T), Problem>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let mut source = Source::Hit;
        let ask = async || {
            source = Source::Miss;
            self.queries.fetch_add(1, Ordering::Relaxed);
            self.database.read(query).await
        };
        let cache = cache.tags([tag]);
        let value = match self.outbox.behind() {
            None => cache.remember(key, KEPT, ask).await?,
            // The database answers: one query for all who ask at the same time, whose answer is not kept. Who comes after
            // something else was left behind does not wait for a query from before.
            Some(found) => cache.remember(format!("{key}:{found}"), Ttl::seconds(0), ask).await?,
        };
        Ok((source, value))
    }

    /// How many queries there were, in this process.
    pub(crate) fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }
}

impl IntoResponseParts for Source {
    type Error = <[(&'static str, &'static str); 1] as IntoResponseParts>::Error;

    fn into_response_parts(self, response: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let said = match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
        };
        [("x-cache", said)].into_response_parts(response)
    }
}
