//! A cache whose writes are under tags.

use std::fmt::{self, Display};

use cache_core::{Cache, Error, IntoTtl, Shared, Ttl};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::set::TagSet;

/// A [`Cache`] that stores under tags: what [`cache.tags([…])`](crate::Tags::tags) gives. Cheap to clone.
///
/// What it stores replaces whatever was at the key, with its tags. What it reads and removes, it finds by the key
/// alone, as `Cache` does.
///
/// Errors, apart from those of `Cache`: [`InvalidTag`](cache_core::ErrorKind::InvalidTag) of whatever stores or
/// flushes; [`Unsupported`](cache_core::ErrorKind::Unsupported) if the driver has no tags.
#[derive(Clone)]
pub struct TaggedCache {
    cache: Cache,
    tags: TagSet,
}

impl TaggedCache {
    pub(crate) fn new(cache: Cache, tags: TagSet) -> Self {
        Self { cache, tags }
    }

    /// Stores `value` at `key` under the tags: see [`Cache::put`].
    ///
    /// Cost: one round trip. On a server one more if this process flushed one of the tags since it stored something
    /// under it, or this is the first time, and up to two more if another process did.
    pub async fn put<T: Serialize + ?Sized>(
        &self,
        key: impl AsRef<str>,
        value: &T,
        ttl: impl IntoTtl,
    ) -> Result<(), Error> {
        let tags = self.tags.during("put")?;
        self.cache.writer(&tags).put(key, value, ttl).await
    }

    /// Stores several values under the tags: see [`Cache::put_many`].
    pub async fn put_many<'v, T: Serialize + ?Sized + 'v>(
        &self,
        entries: impl IntoIterator<Item = (impl AsRef<str>, &'v T)>,
        ttl: impl IntoTtl,
    ) -> Result<(), Error> {
        let tags = self.tags.during("put_many")?;
        self.cache.writer(&tags).put_many(entries, ttl).await
    }

    /// Stores `value` at `key` under the tags, if there is no live entry: see [`Cache::add`]. One whose tags have
    /// been flushed is not live.
    pub async fn add<T: Serialize + ?Sized>(
        &self,
        key: impl AsRef<str>,
        value: &T,
        ttl: impl IntoTtl,
    ) -> Result<bool, Error> {
        let tags = self.tags.during("add")?;
        self.cache.writer(&tags).add(key, value, ttl).await
    }

    /// Reads the value at `key`; where there is none, runs `load` and stores what it brings under the tags: see
    /// [`Cache::remember`].
    ///
    /// A flush of one of the tags during the load wins, by whatever process: those who called before it are given
    /// what was loaded, and nobody else is served it. Nor is it served to those who call after the flush and meet
    /// the same load: they wait for it to end, and load anew.
    ///
    /// ```
    /// # use cache_tags::Tags;
    /// # async fn demo(cache: cache_core::Cache) -> Result<(), cache_core::Error> {
    /// let price: u32 = cache
    ///     .tags(["prices"])
    ///     .remember("price:7", "1h", async || Ok::<_, cache_core::Error>(995))
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A value that is there is returned, whatever it is tagged with.
    pub async fn remember<T, E, F>(
        &self,
        key: impl AsRef<str>,
        ttl: impl IntoTtl,
        load: F,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        let tags = self.tags.during("remember")?;
        self.cache.writer(&tags).remember(key, ttl, load).await
    }

    /// [`remember`](Self::remember) with [`Ttl::FOREVER`].
    pub async fn remember_forever<T, E, F>(&self, key: impl AsRef<str>, load: F) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        self.remember(key, Ttl::FOREVER, load).await
    }

    /// [`remember`](Self::remember), which gives a handle to a value that many share: see
    /// [`Cache::remember_shared`].
    pub async fn remember_shared<T, E, F>(
        &self,
        key: impl AsRef<str>,
        ttl: impl IntoTtl,
        load: F,
    ) -> Result<Shared<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        let tags = self.tags.during("remember")?;
        self.cache.writer(&tags).remember_shared(key, ttl, load).await
    }

    /// Adds 1 to the integer at `key`: see [`increment_by`](Self::increment_by).
    pub async fn increment(&self, key: impl AsRef<str>) -> Result<i64, Error> {
        self.increment_by(key, 1).await
    }

    /// Adds `by` to the integer at `key`: see [`Cache::increment_by`]. Where there is nothing, or what there was
    /// has been flushed, it starts from 0 under the tags; where there is a counter, its own tags stay.
    pub async fn increment_by(&self, key: impl AsRef<str>, by: i64) -> Result<i64, Error> {
        let tags = self.tags.during("increment")?;
        self.cache.writer(&tags).increment_by(key, by).await
    }

    /// Adds `by` to the integer at `key`: see [`Cache::increment_within`], and for the tags
    /// [`increment_by`](Self::increment_by).
    pub async fn increment_within(
        &self,
        key: impl AsRef<str>,
        by: i64,
        ttl: impl IntoTtl,
    ) -> Result<i64, Error> {
        let tags = self.tags.during("increment_within")?;
        self.cache.writer(&tags).increment_within(key, by, ttl).await
    }

    /// Takes 1 from the integer at `key`: see [`increment_by`](Self::increment_by).
    pub async fn decrement(&self, key: impl AsRef<str>) -> Result<i64, Error> {
        self.decrement_by(key, 1).await
    }

    /// Takes `by` from the integer at `key`: see [`increment_by`](Self::increment_by).
    pub async fn decrement_by(&self, key: impl AsRef<str>, by: i64) -> Result<i64, Error> {
        let tags = self.tags.during("decrement")?;
        self.cache.writer(&tags).decrement_by(key, by).await
    }

    /// Invalidates whatever is stored under one of the tags, however much that is: see
    /// [the promises](crate#what-is-promised). Without tags it does nothing. More than 255 tags are
    /// [`InvalidTag`](cache_core::ErrorKind::InvalidTag), and none of them is flushed: flush them in several calls of at most so many.
    ///
    /// What is stored under them after it has returned, by whatever process, is served. If it fails, whether the tags
    /// are flushed is open, and if they are not they may be in the next moment.
    ///
    /// Cost: one round trip per server involved. What was flushed takes memory until it is overwritten or expires;
    /// in the memory driver it is looked for and removed.
    pub async fn flush(&self) -> Result<(), Error> {
        let tags = self.tags.during("flush")?;
        self.cache.writer(&tags).flush().await
    }

    /// See [`Cache::get`].
    #[inline]
    pub async fn get<T: DeserializeOwned>(&self, key: impl AsRef<str>) -> Result<Option<T>, Error> {
        self.cache.get(key).await
    }

    /// See [`Cache::get_shared`].
    #[inline]
    pub async fn get_shared<T>(&self, key: impl AsRef<str>) -> Result<Option<Shared<T>>, Error>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        self.cache.get_shared(key).await
    }

    /// See [`Cache::get_many`].
    pub async fn get_many<T: DeserializeOwned>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<Option<T>>, Error> {
        self.cache.get_many(keys).await
    }

    /// See [`Cache::ttl`].
    pub async fn ttl(&self, key: impl AsRef<str>) -> Result<Option<Ttl>, Error> {
        self.cache.ttl(key).await
    }

    /// See [`Cache::touch`]. The entry keeps its tags.
    pub async fn touch(&self, key: impl AsRef<str>, ttl: impl IntoTtl) -> Result<bool, Error> {
        self.cache.touch(key, ttl).await
    }

    /// See [`Cache::has`].
    #[inline]
    pub async fn has(&self, key: impl AsRef<str>) -> Result<bool, Error> {
        self.cache.has(key).await
    }

    /// See [`Cache::pull`].
    pub async fn pull<T: DeserializeOwned>(
        &self,
        key: impl AsRef<str>,
    ) -> Result<Option<T>, Error> {
        self.cache.pull(key).await
    }

    /// See [`Cache::forget`].
    pub async fn forget(&self, key: impl AsRef<str>) -> Result<bool, Error> {
        self.cache.forget(key).await
    }

    /// See [`Cache::forget_many`].
    pub async fn forget_many(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<usize, Error> {
        self.cache.forget_many(keys).await
    }
}

impl fmt::Debug for TaggedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaggedCache").field("cache", &self.cache).field("tags", &self.tags).finish()
    }
}
