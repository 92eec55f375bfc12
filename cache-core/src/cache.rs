//! The facade: the one type that application code takes everywhere.

use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cache_ttl::{IntoTtl, Ttl};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::{CacheBuilder, Settings};
use crate::extension::Extensions;
use crate::flight::{Change, Flights};
use crate::future::State;
use crate::remember::Outcome;
use crate::stats::Counters;
use crate::{Encoded, Entry, Error, ErrorKind, Key, Lifetime, NotKept, Shared, Stats, Store};

/// A cache: what application code takes, whatever driver lies beneath.
///
/// It is `Clone + Send + Sync`, cheap to clone, and every clone is the same cache. Tests build it on
/// `cache-memory`; production gives it another store; no other line changes.
///
/// # Keys, values, lifetimes
///
/// A key is anything that is text: 1 to 65,535 bytes of it ([`Key`]), else
/// [`InvalidKey`](ErrorKind::InvalidKey). A value is anything that serde can write and read. A
/// lifetime is `"30m"`, `"1 hour 30 minutes"`, `3600` (seconds), a
/// [`Duration`](std::time::Duration), or a [`Ttl`], else [`InvalidTtl`](ErrorKind::InvalidTtl); one of
/// zero stores nothing and removes what was there.
///
/// # Errors
///
/// Apart from those named with each method: [`Unavailable`](ErrorKind::Unavailable) and
/// [`Timeout`](ErrorKind::Timeout) if the store fails, and [`Closed`](ErrorKind::Closed) after
/// [`close`](Self::close).
///
/// # Cancellation
///
/// Every future may be dropped at any point: the cache stays usable, and nothing stays locked.
/// Whether a write that was dropped took place is open.
#[derive(Clone)]
pub struct Cache {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Box<dyn Store>,
    pub(crate) settings: Settings,
    pub(crate) flights: Flights<Outcome>,
    pub(crate) counters: Counters,
    pub(crate) extensions: Extensions,
    closed: AtomicBool,
}

impl Cache {
    /// A cache on `store` with the default settings: a lifetime of one hour where
    /// [`Ttl::DEFAULT`] is given, values of at most 16 MiB, the binary codec.
    pub fn new(store: impl Store) -> Self {
        Self::with(Box::new(store), Settings::default())
    }

    /// Begins a cache on `store` with settings of its own.
    pub fn builder(store: impl Store) -> CacheBuilder {
        CacheBuilder::new(Box::new(store))
    }

    pub(crate) fn with(store: Box<dyn Store>, settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                settings,
                flights: Flights::new(),
                counters: Counters::default(),
                extensions: Extensions::default(),
                closed: AtomicBool::new(false),
            }),
        }
    }

    /// Reads the value at `key`; `None` if there is none, or it has expired.
    ///
    /// A value that was written as another type is [`Decode`](ErrorKind::Decode), and stays.
    ///
    /// Cost: one round trip. On memory it is ready on its first poll, and allocates what `T` itself
    /// does.
    #[inline]
    pub async fn get<T: DeserializeOwned>(&self, key: impl AsRef<str>) -> Result<Option<T>, Error> {
        let key = Key::new(key.as_ref()).map_err(during("get"))?;
        let future = self.store_for("get", key)?.get(key);
        let decoded = match &future.0 {
            // Decoded where it is: see `StoreFuture::hit`.
            State::Ready(Ok(Some(entry))) => self.decode(entry).map(Some),
            _ => match future.await {
                Ok(found) => found.map(|entry| self.decode(&entry)).transpose(),
                Err(error) => Err(error),
            },
        };
        decoded.map_err(at("get", key))
    }

    /// Reads the value at `key` as a handle that is cheap to clone and derefs to it.
    ///
    /// The memory driver decodes an entry once and keeps the object: from then on a hit costs neither
    /// decoding nor allocation, unless the value is an integer, which is as cheap to [`get`](Self::get). An
    /// object whose type has interior mutability is shared by all who asked for it. Other drivers decode each
    /// time, as this one does where another type is asked for than the one that is kept. Otherwise like
    /// [`get`](Self::get).
    #[inline]
    pub async fn get_shared<T>(&self, key: impl AsRef<str>) -> Result<Option<Shared<T>>, Error>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let key = key.as_ref();
        let mut is_absent = false;
        if let Some(object) = self.kept(key, &mut is_absent) {
            return Ok(Some(object));
        }
        if is_absent { Ok(None) } else { self.read_shared(key).await }
    }

    /// What the store has at `key` without waiting, as far as it is a `T`; or else whether it `is_absent`. What stands
    /// in the way is not said here but found again by a reading of the entry, so that a hit does not carry errors
    /// along.
    #[allow(clippy::inline_always, reason = "else it hands in memory on what it has in registers")]
    #[inline(always)]
    pub(crate) fn kept<T>(&self, key: &str, is_absent: &mut bool) -> Option<Shared<T>>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let store = self.store("get_shared").ok()?;
        let key = Key::new(key).ok()?;
        // A hit leaves it as it is, and need not look whether there is something to drop.
        let mut why = ManuallyDrop::new(NotKept::Unknown);
        if let Some(kept) = store.kept(key, &mut why) {
            return Shared::from_kept(kept);
        }
        self.share_first(store, key, ManuallyDrop::into_inner(why), is_absent)
    }

    /// The object of an entry that has none yet.
    #[cold]
    fn share_first<T>(
        &self,
        store: &dyn Store,
        key: Key<'_>,
        why: NotKept,
        is_absent: &mut bool,
    ) -> Option<Shared<T>>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        match why {
            NotKept::Found(entry) => self.share(store, key, &entry).ok(),
            NotKept::Absent => {
                *is_absent = true;
                None
            }
            NotKept::Unknown => None,
        }
    }

    async fn read_shared<T>(&self, key: &str) -> Result<Option<Shared<T>>, Error>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let key = Key::new(key).map_err(during("get_shared"))?;
        let store = self.store_for("get_shared", key)?;
        let found = store.get(key).await.map_err(at("get_shared", key))?;
        found.map(|entry| self.share(store, key, &entry)).transpose().map_err(at("get_shared", key))
    }

    /// The object of an entry that lies in the store, which is offered it.
    pub(crate) fn share<T>(
        &self,
        store: &dyn Store,
        key: Key<'_>,
        entry: &Entry,
    ) -> Result<Shared<T>, Error>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let object = self.shared(entry)?;
        // An object of another type stays: two types that take turns should not evict each other's.
        if let Some(seen) = entry.encoded()
            && !seen.keeps_object()
        {
            store.keep(key, seen, Encoded::keeping(&object));
        }
        Ok(object)
    }

    /// The object of an entry: the one that is kept, or another.
    pub(crate) fn shared<T>(&self, entry: &Entry) -> Result<Shared<T>, Error>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        if let Some(object) = entry.object() {
            return Ok(object);
        }
        let bytes = entry.encoded().map_or_else(Arc::default, |encoded| Arc::clone(encoded.arc()));
        Ok(Shared::new(self.decode(entry)?, bytes))
    }

    /// Reads the values at `keys`: an answer for each, in their order. One that was written as another
    /// type makes the whole call [`Decode`](ErrorKind::Decode), which names its key.
    ///
    /// Cost: one round trip per server involved.
    pub async fn get_many<T: DeserializeOwned>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<Option<T>>, Error> {
        let given: Vec<_> = keys.into_iter().collect();
        let keys = checked(&given, "get_many")?;
        let found = self.store("get_many")?.get_many(&keys).await.map_err(during("get_many"))?;
        debug_assert_eq!(found.len(), keys.len(), "a store answers for each key");
        let decode = |(key, entry): (&Key<'_>, Option<Entry>)| {
            entry.map(|entry| self.decode(&entry)).transpose().map_err(at("get_many", *key))
        };
        keys.iter().zip(found).map(decode).collect()
    }

    /// Whether there is a live entry at `key`. Cost: one round trip; no allocation on memory.
    #[inline]
    pub async fn has(&self, key: impl AsRef<str>) -> Result<bool, Error> {
        let key = Key::new(key.as_ref()).map_err(during("has"))?;
        self.store_for("has", key)?.has(key).await.map_err(at("has", key))
    }

    /// The time that the entry at `key` has left: [`Ttl::FOREVER`], or milliseconds, rounded up; `None`
    /// if there is none.
    pub async fn ttl(&self, key: impl AsRef<str>) -> Result<Option<Ttl>, Error> {
        let key = Key::new(key.as_ref()).map_err(during("ttl"))?;
        self.store_for("ttl", key)?.ttl(key).await.map_err(at("ttl", key))
    }

    /// Stores `value` at `key`, replacing value, lifetime and tags of what was there.
    ///
    /// A load of this key by this cache or a clone of it is overtaken: what it brings is not stored.
    ///
    /// Cost: one round trip; on memory an allocation for the bytes, and one for a key of over 15 bytes.
    ///
    /// Errors: [`InvalidTtl`](ErrorKind::InvalidTtl), [`Encode`](ErrorKind::Encode) for a type that the
    /// codec cannot write, [`TooLarge`](ErrorKind::TooLarge). What was there then stays.
    #[inline]
    pub async fn put<T: Serialize + ?Sized>(
        &self,
        key: impl AsRef<str>,
        value: &T,
        ttl: impl IntoTtl,
    ) -> Result<(), Error> {
        self.writer(&[]).put(key, value, ttl).await
    }

    /// Stores several values with one lifetime, as [`put`](Self::put) does each: of two with the same
    /// key the later one stays. Nothing is stored if a key is invalid or a value cannot be encoded.
    ///
    /// Cost: one round trip per server involved.
    pub async fn put_many<'v, T: Serialize + ?Sized + 'v>(
        &self,
        entries: impl IntoIterator<Item = (impl AsRef<str>, &'v T)>,
        ttl: impl IntoTtl,
    ) -> Result<(), Error> {
        self.writer(&[]).put_many(entries, ttl).await
    }

    /// Stores `value` at `key` if there is no live entry, in one step. Returns whether it was stored:
    /// of several callers at once, one is told `true`. With a lifetime of zero nothing is stored, and
    /// nothing removed.
    ///
    /// Errors and cost as with [`put`](Self::put).
    pub async fn add<T: Serialize + ?Sized>(
        &self,
        key: impl AsRef<str>,
        value: &T,
        ttl: impl IntoTtl,
    ) -> Result<bool, Error> {
        self.writer(&[]).add(key, value, ttl).await
    }

    /// Reads the value at `key` and removes it, in one step: of several callers at once, one gets it.
    ///
    /// It is removed even if it cannot be read as a `T`, which is then [`Decode`](ErrorKind::Decode).
    pub async fn pull<T: DeserializeOwned>(
        &self,
        key: impl AsRef<str>,
    ) -> Result<Option<T>, Error> {
        let key = Key::new(key.as_ref()).map_err(during("pull"))?;
        let _change = self.inner.flights.change(key).await;
        let store = self.store_for("pull", key)?;
        let found = store.take(key).await.map_err(at("pull", key))?;
        found.map(|entry| self.decode(&entry)).transpose().map_err(at("pull", key))
    }

    /// Removes the entry at `key`. Returns whether there was a live one.
    ///
    /// A load of this key by this cache or a clone of it is overtaken: what it brings is not stored.
    pub async fn forget(&self, key: impl AsRef<str>) -> Result<bool, Error> {
        let key = Key::new(key.as_ref()).map_err(during("forget"))?;
        self.remove(key, "forget").await
    }

    pub(crate) async fn remove(
        &self,
        key: Key<'_>,
        operation: &'static str,
    ) -> Result<bool, Error> {
        let _change = self.inner.flights.change(key).await;
        self.store_for(operation, key)?.forget(key).await.map_err(at(operation, key))
    }

    /// Removes the entries at `keys`. Returns how many live ones there were. Cost: one round trip per
    /// server involved.
    pub async fn forget_many(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<usize, Error> {
        let given: Vec<_> = keys.into_iter().collect();
        let keys = checked(&given, "forget_many")?;
        self.remove_many(&keys, "forget_many").await
    }

    pub(crate) async fn remove_many(
        &self,
        keys: &[Key<'_>],
        operation: &'static str,
    ) -> Result<usize, Error> {
        let _changes = self.changes(keys).await;
        self.store(operation)?.forget_many(keys).await.map_err(during(operation))
    }

    /// Announces a change of each of `keys`.
    pub(crate) async fn changes<'k>(&'k self, keys: &[Key<'k>]) -> Vec<Change<'k, Outcome>> {
        let mut changes = Vec::with_capacity(keys.len());
        for key in keys {
            changes.push(self.inner.flights.change(*key).await);
        }
        changes
    }

    /// Gives the live entry at `key` a new lifetime, from now. Returns whether there was one; an
    /// expired one is not revived. A lifetime of zero removes it.
    pub async fn touch(&self, key: impl AsRef<str>, ttl: impl IntoTtl) -> Result<bool, Error> {
        let key = Key::new(key.as_ref()).map_err(during("touch"))?;
        let lifetime = self.lifetime(ttl).map_err(at("touch", key))?;
        // With a lifetime of zero it removes, and then it is a change.
        let _change = match lifetime {
            Some(_) => None,
            None => Some(self.inner.flights.change(key).await),
        };
        self.store_for("touch", key)?.touch(key, lifetime).await.map_err(at("touch", key))
    }

    /// Adds 1 to the integer at `key` and returns the sum: see [`increment_by`](Self::increment_by).
    pub async fn increment(&self, key: impl AsRef<str>) -> Result<i64, Error> {
        self.writer(&[]).increment_by(key, 1).await
    }

    /// Adds `by` to the integer at `key` and returns the sum, in one step.
    ///
    /// Where there is nothing it starts from 0, with the cache's default lifetime, an hour unless said: for
    /// another one use [`increment_within`](Self::increment_within), for a total that must not expire
    /// [`Ttl::FOREVER`] there. Where there is something, its lifetime stays. Any integer that was
    /// [`put`](Self::put) is a counter.
    ///
    /// Errors: [`NotACounter`](ErrorKind::NotACounter) if something else is stored there,
    /// [`CounterOverflow`](ErrorKind::CounterOverflow) past `i64`; in both the entry is untouched.
    pub async fn increment_by(&self, key: impl AsRef<str>, by: i64) -> Result<i64, Error> {
        self.writer(&[]).increment_by(key, by).await
    }

    /// Adds `by` to the integer at `key` and returns the sum, in one step; a counter that this creates lives `ttl`.
    ///
    /// The lifetime of one that is there stays: so it counts what happens within `ttl` of the first, as the limit
    /// of a rate does.
    ///
    /// ```
    /// # async fn demo(cache: cache_core::Cache, address: &str) -> Result<bool, cache_core::Error> {
    /// let attempts = cache.increment_within(format!("logins:{address}"), 1, "1m").await?;
    /// let is_allowed = attempts <= 5;
    /// # Ok(is_allowed) }
    /// ```
    ///
    /// Otherwise as [`increment_by`](Self::increment_by). A TTL of zero is [`InvalidTtl`](ErrorKind::InvalidTtl).
    pub async fn increment_within(
        &self,
        key: impl AsRef<str>,
        by: i64,
        ttl: impl IntoTtl,
    ) -> Result<i64, Error> {
        self.writer(&[]).increment_within(key, by, ttl).await
    }

    /// Takes 1 from the integer at `key` and returns the rest: see
    /// [`increment_by`](Self::increment_by).
    pub async fn decrement(&self, key: impl AsRef<str>) -> Result<i64, Error> {
        self.writer(&[]).decrement_by(key, 1).await
    }

    /// Takes `by` from the integer at `key` and returns the rest: see
    /// [`increment_by`](Self::increment_by). It may fall below zero. `i64::MIN`, which has no opposite, is
    /// [`CounterOverflow`](ErrorKind::CounterOverflow) whatever is there.
    pub async fn decrement_by(&self, key: impl AsRef<str>, by: i64) -> Result<i64, Error> {
        self.writer(&[]).decrement_by(key, by).await
    }

    /// Removes every value of this cache and nothing else: neither locks nor the versions of tags, nor
    /// what lives under another prefix of the same server, unless that begins with this cache's prefix and a colon: a
    /// flush of `shop` removes the values of `shop:sessions` too.
    ///
    /// When it has returned, nothing that was stored before it began is served. Loads that run in this
    /// process are overtaken.
    pub async fn flush(&self) -> Result<(), Error> {
        let _change = self.inner.flights.change_all().await;
        let store = self.store("flush")?;
        store.flush().await.map_err(during("flush"))
    }

    /// Closes the cache, for all of its clones: connections and memory are given back, and every later
    /// call is [`Closed`](ErrorKind::Closed). Closing again does nothing.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.closed.store(true, Ordering::Release);
        self.inner.store.close().await.map_err(during("close"))
    }

    /// What [`remember`](Self::remember) has done so far, in this cache and its clones.
    pub fn stats(&self) -> Stats {
        self.inner.counters.read()
    }

    /// The store, unless the cache has been closed. Asked for after whatever is waited for before.
    #[inline]
    pub(crate) fn store(&self, operation: &'static str) -> Result<&dyn Store, Error> {
        if self.inner.closed.load(Ordering::Acquire) {
            Err(closed(operation))
        } else {
            Ok(&*self.inner.store)
        }
    }

    /// The same, with the key named in the error.
    #[inline]
    pub(crate) fn store_for(
        &self,
        operation: &'static str,
        key: Key<'_>,
    ) -> Result<&dyn Store, Error> {
        self.store(operation).map_err(|closed| closed.on(key.as_str()))
    }

    /// `None` for a lifetime of zero.
    #[inline]
    pub(crate) fn lifetime(&self, ttl: impl IntoTtl) -> Result<Option<Lifetime>, Error> {
        Ok(Lifetime::resolve(ttl.into_ttl()?, self.inner.settings.lifetime))
    }

    #[inline]
    pub(crate) fn decode<T: DeserializeOwned>(&self, entry: &Entry) -> Result<T, Error> {
        self.inner.settings.codec.decode(entry.payload())
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("driver", &self.inner.store.name())
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

/// Checks every key before anything is done with the first.
pub(crate) fn checked<'k>(
    given: &'k [impl AsRef<str>],
    operation: &'static str,
) -> Result<Vec<Key<'k>>, Error> {
    given
        .iter()
        .map(|key| Key::new(key.as_ref()))
        .collect::<Result<_, _>>()
        .map_err(during(operation))
}

#[cold]
fn closed(operation: &'static str) -> Error {
    let message = "the cache has been closed, for all of its clones; open another";
    Error::new(ErrorKind::Closed, message).during(operation)
}

/// Says what was attempted.
pub(crate) fn during(operation: &'static str) -> impl FnOnce(Error) -> Error {
    move |error| error.during(operation)
}

/// Says what was attempted, and on which key.
pub(crate) fn at(operation: &'static str, key: Key<'_>) -> impl FnOnce(Error) -> Error {
    move |error| error.during(operation).on(key.as_str())
}
