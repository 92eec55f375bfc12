//! What stores values, and the tags that they are stored under.
//!
//! [`Cache`] writes without tags. A crate that extends it, such as `cache-tags`, takes a [`Writer`].

use std::fmt;

use cache_ttl::IntoTtl;
use serde::Serialize;

use crate::builder::Settings;
use crate::cache::{at, checked, during};
use crate::codec::{Encoding, too_large, with_scratch};
use crate::{
    Cache, Error, ErrorKind, Key, Lifetime, Payload, Store, StoreFuture, Tag, TagStore, Tagging,
    Terms,
};

/// The operations of a [`Cache`] that store something, under some tags: see [`Cache::writer`].
///
/// Each is the operation of that name of `Cache`, which has its documentation, and in which the tags of what
/// it stores are these. [`Unsupported`](ErrorKind::Unsupported) where there are tags and the driver has none.
#[derive(Clone, Copy)]
pub struct Writer<'c> {
    pub(crate) cache: &'c Cache,
    pub(crate) tags: &'c [Tag<'c>],
}

impl Cache {
    /// What writes to this cache under `tags`: what crates that extend `Cache` are built on. No tags at all
    /// is as `Cache` itself writes.
    ///
    /// Each tag is to be there once, and there are at most [`Tag::MAX_PER_ENTRY`].
    #[inline]
    pub fn writer<'c>(&'c self, tags: &'c [Tag<'c>]) -> Writer<'c> {
        Writer { cache: self, tags }
    }
}

impl<'c> Writer<'c> {
    /// See [`Cache::put`].
    #[inline]
    pub async fn put<T: Serialize + ?Sized>(
        self,
        key: impl AsRef<str>,
        value: &T,
        ttl: impl IntoTtl,
    ) -> Result<(), Error> {
        let Self { cache, .. } = self;
        let key = Key::new(key.as_ref()).map_err(during("put"))?;
        let Some(lifetime) = cache.lifetime(ttl).map_err(at("put", key))? else {
            self.store_for("put", key)?;
            return cache.remove(key, "put").await.map(drop);
        };
        let _change = cache.inner.flights.change(key).await;
        let store = self.store_for("put", key)?;
        cache
            .encoded(value, |payload| store.put(key, payload, self.terms(lifetime)))
            .map_err(at("put", key))?
            .await
            .map_err(at("put", key))
    }

    /// See [`Cache::put_many`].
    pub async fn put_many<'v, T: Serialize + ?Sized + 'v>(
        self,
        entries: impl IntoIterator<Item = (impl AsRef<str>, &'v T)>,
        ttl: impl IntoTtl,
    ) -> Result<(), Error> {
        let Self { cache, .. } = self;
        let (given, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let keys = checked(&given, "put_many")?;
        let Some(lifetime) = cache.lifetime(ttl).map_err(during("put_many"))? else {
            self.store("put_many")?;
            return cache.remove_many(&keys, "put_many").await.map(drop);
        };
        let _changes = cache.changes(&keys).await;
        let store = self.store("put_many")?;
        cache
            .encoded_many(&keys, &values, |entries| store.put_many(entries, self.terms(lifetime)))?
            .await
            .map_err(during("put_many"))
    }

    /// See [`Cache::add`].
    pub async fn add<T: Serialize + ?Sized>(
        self,
        key: impl AsRef<str>,
        value: &T,
        ttl: impl IntoTtl,
    ) -> Result<bool, Error> {
        let Self { cache, .. } = self;
        let key = Key::new(key.as_ref()).map_err(during("add"))?;
        let Some(lifetime) = cache.lifetime(ttl).map_err(at("add", key))? else {
            return self.store_for("add", key).map(|_| false);
        };
        let _change = cache.inner.flights.change(key).await;
        let store = self.store_for("add", key)?;
        cache
            .encoded(value, |payload| store.add(key, payload, self.terms(lifetime)))
            .map_err(at("add", key))?
            .await
            .map_err(at("add", key))
    }

    /// See [`Cache::increment_by`].
    pub async fn increment_by(self, key: impl AsRef<str>, by: i64) -> Result<i64, Error> {
        let key = Key::new(key.as_ref()).map_err(during("increment"))?;
        self.count("increment", key, by, self.cache.inner.settings.lifetime).await
    }

    /// See [`Cache::increment_within`].
    pub async fn increment_within(
        self,
        key: impl AsRef<str>,
        by: i64,
        ttl: impl IntoTtl,
    ) -> Result<i64, Error> {
        let key = Key::new(key.as_ref()).map_err(during("increment_within"))?;
        let lifetime = self.cache.lifetime(ttl).map_err(at("increment_within", key))?;
        let Some(lifetime) = lifetime else {
            let message = "a counter that lives no time counts nothing: give a TTL above zero";
            return Err(at("increment_within", key)(Error::new(ErrorKind::InvalidTtl, message)));
        };
        self.count("increment_within", key, by, lifetime).await
    }

    /// See [`Cache::decrement_by`].
    pub async fn decrement_by(self, key: impl AsRef<str>, by: i64) -> Result<i64, Error> {
        let key = Key::new(key.as_ref()).map_err(during("decrement"))?;
        let Some(by) = by.checked_neg() else {
            let message = "so much cannot be taken away in one step; the counter is untouched";
            return Err(at("decrement", key)(Error::new(ErrorKind::CounterOverflow, message)));
        };
        self.count("decrement", key, by, self.cache.inner.settings.lifetime).await
    }

    /// A counter that this creates has this `lifetime`.
    async fn count(
        self,
        operation: &'static str,
        key: Key<'_>,
        by: i64,
        lifetime: Lifetime,
    ) -> Result<i64, Error> {
        let _change = self.cache.inner.flights.change(key).await;
        let store = self.store_for(operation, key)?;
        store.increment(key, by, self.terms(lifetime)).await.map_err(at(operation, key))
    }

    /// Flushes the tags: when it has returned, no process serves what was stored under one of them before it
    /// began. Without tags there is nothing to do.
    ///
    /// A value that somebody loads meanwhile under one of them, by [`remember`](Self::remember), in whatever
    /// process, is returned to those who called before and served to nobody else.
    pub async fn flush(self) -> Result<(), Error> {
        let store = self.store("flush")?;
        match store.tags() {
            Some(tags) if !self.tags.is_empty() => {
                tags.flush(self.tags).await.map_err(during("flush"))
            }
            _ => Ok(()),
        }
    }

    /// On these terms an entry is stored.
    #[inline]
    fn terms(self, lifetime: Lifetime) -> Terms<'c> {
        if self.tags.is_empty() {
            Terms::untagged(lifetime)
        } else {
            Terms::tagged(lifetime, Tagging::Current(self.tags))
        }
    }

    /// The store, if it has what the tags need.
    #[inline]
    pub(crate) fn store(self, operation: &'static str) -> Result<&'c dyn Store, Error> {
        let store = self.cache.store(operation)?;
        if self.tags.is_empty() || store.tags().is_some() {
            Ok(store)
        } else {
            Err(unsupported(store, operation))
        }
    }

    /// The same, with the key named in the error.
    #[inline]
    pub(crate) fn store_for(
        self,
        operation: &'static str,
        key: Key<'_>,
    ) -> Result<&'c dyn Store, Error> {
        self.store(operation).map_err(|error| error.on(key.as_str()))
    }

    /// The versions of the tags are kept here, if there are tags.
    pub(crate) fn tag_store(self, store: &dyn Store) -> Option<&dyn TagStore> {
        if self.tags.is_empty() { None } else { store.tags() }
    }
}

#[cold]
fn unsupported(store: &dyn Store, operation: &'static str) -> Error {
    let message = format!("the {} driver has no tags; nothing was stored", store.name());
    Error::new(ErrorKind::Unsupported, message).during(operation)
}

/// The encoding of what is stored.
impl Cache {
    /// Encodes `value` and hands it to `with`, in a buffer that is there only meanwhile.
    #[inline]
    fn encoded<T: Serialize + ?Sized, R>(
        &self,
        value: &T,
        with: impl FnOnce(Payload<'_>) -> R,
    ) -> Result<R, Error> {
        self.encoded_up_to(self.inner.settings.max_value_bytes, value, with)
    }

    /// What is not encoded within the limit is measured against it.
    pub(crate) fn check_size(&self, payload: Payload<'_>) -> Result<(), Error> {
        let limit = self.inner.settings.max_value_bytes;
        if payload.heap_bytes() <= limit { Ok(()) } else { Err(too_large(limit)) }
    }

    #[inline]
    pub(crate) fn encoded_up_to<T: Serialize + ?Sized, R>(
        &self,
        limit: usize,
        value: &T,
        with: impl FnOnce(Payload<'_>) -> R,
    ) -> Result<R, Error> {
        let codec = self.inner.settings.codec;
        with_scratch(|buffer| {
            Ok(with(match codec.encode(value, limit, buffer)? {
                Encoding::Integer(integer) => Payload::Integer(integer),
                Encoding::Bytes => Payload::Encoded(buffer),
            }))
        })
    }

    /// The same for several values, one behind the other in one buffer.
    fn encoded_many<'k, 's, T: Serialize + ?Sized>(
        &self,
        keys: &[Key<'k>],
        values: &[&T],
        with: impl FnOnce(&[(Key<'k>, Payload<'_>)]) -> StoreFuture<'s, ()>,
    ) -> Result<StoreFuture<'s, ()>, Error> {
        let Settings { codec, max_value_bytes, .. } = self.inner.settings;
        with_scratch(|buffer| {
            let mut parts = Vec::with_capacity(keys.len());
            for (key, value) in keys.iter().zip(values) {
                let start = buffer.len();
                let encoding =
                    codec.encode(*value, max_value_bytes, buffer).map_err(at("put_many", *key))?;
                parts.push((*key, encoding, start..buffer.len()));
            }
            let entries: Vec<_> = parts
                .into_iter()
                .map(|(key, encoding, range)| match encoding {
                    Encoding::Integer(integer) => (key, Payload::Integer(integer)),
                    Encoding::Bytes => (key, Payload::Encoded(&buffer[range])),
                })
                .collect();
            Ok(with(&entries))
        })
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("tags", &self.tags).finish_non_exhaustive()
    }
}
