//! Cache-aside that never stampedes and never brings back what was invalidated.
//!
//! What boarding, waiting and being overtaken mean is in `flight.rs`; this is what is done with them.

use std::fmt::Display;
use std::sync::Arc;

use cache_ttl::{IntoTtl, Ttl};
use futures_util::future::join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::at;
use crate::flight::{Lead, Turn, Wait};
use crate::future::State;
use crate::{
    Cache, Encoded, Entry, Error, ErrorKind, Key, Lifetime, Shared, Store, Tag, TagVersions,
    Tagging, Terms, Value, Writer,
};

/// What a flight brings to those who waited for it.
#[derive(Clone)]
pub(crate) enum Outcome {
    /// The value, as it was encoded. Each decodes its own, unless the object is there beside it.
    Loaded(Entry, Fresh),
    /// The load failed, or what it brought cannot be encoded.
    Failed(Error),
}

/// For whom a value is fresh who waited for a flight that had begun before. Who called after a flush of a tag
/// must not be given what was loaded before it.
#[derive(Clone)]
pub(crate) enum Fresh {
    /// For those with no other tags than these: nobody has flushed one of them between the beginning of the load
    /// and a time at which nobody could board any more.
    Under(Arc<[Box<str>]>),
    /// That is not known.
    Unknown,
}

impl Fresh {
    fn is_for(&self, tags: &[Tag<'_>]) -> bool {
        match self {
            Self::Under(fresh) => {
                tags.iter().all(|tag| fresh.iter().any(|fresh| **fresh == *tag.as_str()))
            }
            Self::Unknown => false,
        }
    }
}

impl Cache {
    /// Reads the value at `key`; where there is none, runs `load` and stores what it brings.
    ///
    /// ```
    /// # async fn demo(cache: cache_core::Cache) -> Result<(), cache_core::Error> {
    /// let name: String = cache
    ///     .remember("user:1:name", "1h", async || {
    ///         // a query, a request, a computation: anything that takes its time
    ///         Ok::<_, cache_core::Error>("John".to_owned())
    ///     })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # One load
    ///
    /// However many callers miss a key at once, one load runs, and the others wait for it. That is so among the
    /// clones of one cache: open it once in a process and clone it, since two that were opened know nothing of each
    /// other. If the caller that runs the load is dropped, or its load panics, one of those who wait runs its
    /// own.
    ///
    /// A load must not `remember` its own key, nor one whose load waits for this one: it would wait for
    /// itself. So do those who wait for a future of `remember` that is there and not polled: spawn it, or await it
    /// where it is made, rather than keep it aside while you await another of its key, or a change.
    ///
    /// A cached `None` is a hit.
    ///
    /// # Changes win
    ///
    /// A [`put`](Self::put), [`forget`](Self::forget), [`flush`](Self::flush) or other change of the key
    /// that this cache or a clone of it completes while the load runs wins: the callers that waited get what was
    /// loaded, but it is not stored, and who calls after the change loads anew. So a load that has read
    /// a row before it was updated never hides the update.
    ///
    /// # Failures
    ///
    /// - The error of `load` goes to the caller that ran it. Those who waited get
    ///   [`LoadFailed`](ErrorKind::LoadFailed) with its message, at once. Nothing is cached. So let a load bring
    ///   `None` of what is not there, rather than an error that only one of the callers can tell from others.
    /// - If the store cannot be read or written, `load` runs and its value is returned. That is counted
    ///   ([`Stats::bypassed`](crate::Stats::bypassed)) and traced, not returned. A store that does not answer is
    ///   not asked again: it costs the call its time-out once, and what was loaded is not stored.
    /// - A stored value that cannot be read as a `T` is loaded anew and overwritten, with a warning
    ///   ([`Stats::healed`](crate::Stats::healed)).
    /// - A value that is too large to be stored is returned, to those who waited as well, with a warning. One
    ///   that the codec cannot write, or could not read again, is [`Encode`](ErrorKind::Encode), since it
    ///   never could be cached.
    ///
    /// What was loaded is given as it is read again: what serde skips is not there for the first caller either.
    ///
    /// Cost of a hit: as [`get`](Self::get). Of a miss: two reads, the load, one write; and the value is encoded
    /// and decoded once.
    #[inline]
    pub fn remember<T, E, F>(
        &self,
        key: impl AsRef<str>,
        ttl: impl IntoTtl,
        load: F,
    ) -> impl Future<Output = Result<T, E>>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        self.writer(&[]).remember(key, ttl, load)
    }

    /// [`remember`](Self::remember) with [`Ttl::FOREVER`].
    #[inline]
    pub fn remember_forever<T, E, F>(
        &self,
        key: impl AsRef<str>,
        load: F,
    ) -> impl Future<Output = Result<T, E>>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        self.remember(key, Ttl::FOREVER, load)
    }

    /// [`remember`](Self::remember), which gives a handle that is cheap to clone and derefs to the value, as
    /// [`get_shared`](Self::get_shared) does.
    ///
    /// ```
    /// # async fn demo(cache: cache_core::Cache) -> Result<(), cache_core::Error> {
    /// use cache_core::{Error, Shared};
    ///
    /// let words: Shared<Vec<String>> = cache
    ///     .remember_shared("words", "1h", async || Ok::<_, Error>(vec!["one".to_owned()]))
    ///     .await?;
    /// assert_eq!(words.len(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// All who waited for one load share the object that it brought: nobody decodes. The memory driver keeps the object
    /// from its first hit on.
    ///
    /// Cost of a hit: as `get_shared`.
    #[inline]
    pub fn remember_shared<T, E, F>(
        &self,
        key: impl AsRef<str>,
        ttl: impl IntoTtl,
        load: F,
    ) -> impl Future<Output = Result<Shared<T>, E>>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        self.writer(&[]).remember_shared(key, ttl, load)
    }
}

/// In which form a caller is given a value.
trait Form<T> {
    type Given;

    /// What the store has at `key` without waiting, where that can be asked for by itself; or else whether it
    /// `is_absent`.
    fn kept(cache: &Cache, key: &str, is_absent: &mut bool) -> Option<Self::Given>;

    /// Reads it from what a flight has brought.
    fn landed(cache: &Cache, entry: &Entry) -> Result<Self::Given, Error>;

    /// Reads it from what lies in the store at `key`.
    fn found(
        cache: &Cache,
        store: &dyn Store,
        key: Key<'_>,
        entry: &Entry,
    ) -> Result<Self::Given, Error>;

    /// What is given of a value that was loaded: to who loaded it, and to those who waited.
    fn loaded(value: T, entry: Entry) -> (Self::Given, Entry);
}

/// A value of the caller's own.
struct Owned;

impl<T: DeserializeOwned> Form<T> for Owned {
    type Given = T;

    #[inline]
    fn kept(_: &Cache, _: &str, _: &mut bool) -> Option<T> {
        None
    }

    #[inline]
    fn landed(cache: &Cache, entry: &Entry) -> Result<T, Error> {
        cache.decode(entry)
    }

    #[inline]
    fn found(cache: &Cache, _: &dyn Store, _: Key<'_>, entry: &Entry) -> Result<T, Error> {
        cache.decode(entry)
    }

    fn loaded(value: T, entry: Entry) -> (T, Entry) {
        (value, entry)
    }
}

/// A handle to one that many have.
struct Handle;

impl<T: DeserializeOwned + Send + Sync + 'static> Form<T> for Handle {
    type Given = Shared<T>;

    #[inline]
    fn kept(cache: &Cache, key: &str, is_absent: &mut bool) -> Option<Shared<T>> {
        cache.kept(key, is_absent)
    }

    fn landed(cache: &Cache, entry: &Entry) -> Result<Shared<T>, Error> {
        cache.shared(entry)
    }

    fn found(
        cache: &Cache,
        store: &dyn Store,
        key: Key<'_>,
        entry: &Entry,
    ) -> Result<Shared<T>, Error> {
        cache.share(store, key, entry)
    }

    fn loaded(value: T, entry: Entry) -> (Shared<T>, Entry) {
        let Some(encoded) = entry.encoded() else {
            return (Shared::new(value, Arc::default()), entry);
        };
        let object = Shared::new(value, Arc::clone(encoded.arc()));
        let kept = Encoded::keeping(&object);
        (object, Entry::new(Value::Encoded(kept)))
    }
}

impl<'c> Writer<'c> {
    /// See [`Cache::remember`]. The tags' versions are read before the load begins: where one of them is flushed
    /// before its value is stored, by whatever process, the value is never served.
    ///
    /// Who waits for a load that began before is given what it brings only if none of the tags was flushed
    /// meanwhile, and else loads anew. The load of another caller stores its value under the tags of that caller:
    /// give one key the same tags wherever it is remembered, or a flush of yours leaves what the other stored.
    ///
    /// Cost of a miss: one round trip more where others waited for the load.
    #[inline]
    pub fn remember<T, E, F>(
        self,
        key: impl AsRef<str>,
        ttl: impl IntoTtl,
        load: F,
    ) -> impl Future<Output = Result<T, E>>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        self.recall_or_load::<Owned, T, E, F>(key, ttl, load)
    }

    /// See [`Cache::remember_shared`], and for what tags do [`remember`](Self::remember).
    #[inline]
    pub fn remember_shared<T, E, F>(
        self,
        key: impl AsRef<str>,
        ttl: impl IntoTtl,
        load: F,
    ) -> impl Future<Output = Result<Shared<T>, E>>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        self.recall_or_load::<Handle, T, E, F>(key, ttl, load)
    }

    /// What is there; else leads a flight, or waits for one.
    ///
    /// Each who waits holds such a future, and so it is kept small: it is not several within each other, and what
    /// is needed only to lead is in a box.
    #[allow(
        clippy::manual_async_fn,
        reason = "the future of an `async fn` holds its arguments twice"
    )]
    #[inline]
    fn recall_or_load<W, T, E, F>(
        self,
        key: impl AsRef<str>,
        ttl: impl IntoTtl,
        load: F,
    ) -> impl Future<Output = Result<W::Given, E>>
    where
        W: Form<T>,
        T: Serialize + DeserializeOwned,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        async move {
            let key = key.as_ref();
            let lifetime = self.cache.lifetime(ttl);
            let mut is_absent = false;
            if lifetime.is_ok()
                && let Some(given) = W::kept(self.cache, key, &mut is_absent)
            {
                return Ok(given);
            }
            let key = Key::new(key).map_err(|error| error.during("remember"))?;
            if let Err(error) = &lifetime {
                return Err(at("remember", key)(error.clone()).into());
            }
            let store = self.store_for("remember", key)?;
            let mut answers = true;
            if !is_absent {
                let found = {
                    let future = store.get(key);
                    // Read where it is: see `StoreFuture::hit`.
                    if let State::Ready(Ok(Some(entry))) = &future.0
                        && let Ok(given) = W::found(self.cache, store, key, entry)
                    {
                        return Ok(given);
                    }
                    future
                }
                .await;
                answers = !found.as_ref().is_err_and(is_silence);
                if let Some(given) = self.cache.recalled::<W, T>(store, key, found)? {
                    return Ok(given);
                }
            }
            // A flight that is boarded first may have begun before this call, one that is boarded later has not.
            let mut is_first = true;
            let leader = loop {
                match self.board(key).await {
                    Turn::Lead(leader) => break leader,
                    Turn::Again => {}
                    Turn::Landed(landed) => match landed.outcome() {
                        Outcome::Loaded(entry, fresh) => {
                            // A caller that wants another type than the leader's leads a flight of its own.
                            if (!is_first || fresh.is_for(self.tags))
                                && let Ok(given) = W::landed(self.cache, entry)
                            {
                                return Ok(given);
                            }
                        }
                        Outcome::Failed(error) => {
                            return Err(at("remember", key)(error.clone()).into());
                        }
                    },
                }
                is_first = false;
            };
            let lifetime = lifetime.map_err(at("remember", key))?;
            Box::pin(self.lead::<W, T, E, F>(leader, key, lifetime, answers, load)).await
        }
    }

    fn board<'k>(self, key: Key<'k>) -> Wait<'k, Outcome>
    where
        'c: 'k,
    {
        let inner = &*self.cache.inner;
        let (boarded, is_new) = inner.flights.board(key);
        if !is_new {
            inner.counters.waits.add();
        }
        boarded
    }

    /// Loads what is missing, for itself and for who waits, and stores it if the store still `answers`: one that
    /// does not costs a call its time-out once.
    async fn lead<W, T, E, F>(
        self,
        leader: Lead<'_, Outcome>,
        key: Key<'_>,
        lifetime: Option<Lifetime>,
        mut answers: bool,
        load: F,
    ) -> Result<W::Given, E>
    where
        W: Form<T>,
        T: Serialize + DeserializeOwned,
        E: From<Error> + Display,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        let Self { cache, .. } = self;
        let store = self.store_for("remember", key)?;
        let mut seen = None;
        if answers {
            // Read again, now that no change can pass unseen: another flight may have landed, or the key
            // been put, after this caller missed it and before it boarded.
            let (found, versions) = join(store.get(key), self.versions(store)).await;
            match found {
                Ok(None) => {}
                Ok(Some(entry)) => match W::found(cache, store, key, &entry) {
                    Ok(value) => {
                        leader.land(Outcome::Loaded(entry, Fresh::Unknown));
                        return Ok(value);
                    }
                    Err(_) => cache.inner.counters.healed.add(),
                },
                Err(error) if error.kind() == ErrorKind::Closed => {
                    return Err(at("remember", key)(error).into());
                }
                Err(error) => {
                    answers = !is_silence(&error);
                    cache.bypass(key, &error);
                }
            }
            if answers {
                seen = versions.map_err(|error| cache.bypass(key, &error)).ok();
            }
        }
        let value = match cache.run(load).await {
            Ok(value) => value,
            Err(error) => {
                cache.inner.counters.failed_loads.add();
                let message = format!("the load that this call waited for failed: {error}");
                leader.land(Outcome::Failed(Error::new(ErrorKind::LoadFailed, message)));
                return Err(error);
            }
        };
        match cache.readable(&value) {
            Ok((value, entry)) => {
                if let Some(seen) = &seen
                    && let Err(error) =
                        self.store_loaded(&leader, key, lifetime, &entry, seen).await
                {
                    cache.bypass(key, &error);
                }
                let fresh = self.confirm(&leader, store, seen).await;
                let (given, entry) = W::loaded(value, entry);
                leader.land(Outcome::Loaded(entry, fresh));
                Ok(given)
            }
            Err(error) => {
                let error = at("remember", key)(error);
                leader.land(Outcome::Failed(error.clone()));
                Err(error.into())
            }
        }
    }

    /// The versions that the tags have now; none where there are no tags.
    async fn versions(self, store: &dyn Store) -> Result<TagVersions, Error> {
        match self.tag_store(store) {
            Some(tags) => tags.versions(self.tags).await,
            None => Ok(TagVersions::default()),
        }
    }

    /// Whether the tags still have the versions that were seen before the load, asked only if somebody waits, and
    /// when nobody can board any more.
    async fn confirm(
        self,
        leader: &Lead<'_, Outcome>,
        store: &dyn Store,
        seen: Option<TagVersions>,
    ) -> Fresh {
        if self.tags.is_empty() {
            return Fresh::Under(Arc::default());
        }
        let (true, Some(seen)) = (leader.depart(), seen) else { return Fresh::Unknown };
        match self.versions(store).await {
            Ok(now) if now == seen => {
                Fresh::Under(self.tags.iter().map(|tag| tag.as_str().into()).collect())
            }
            _ => Fresh::Unknown,
        }
    }

    /// Stores what was loaded, unless it is too large or the key was changed meanwhile.
    async fn store_loaded(
        self,
        leader: &Lead<'_, Outcome>,
        key: Key<'_>,
        lifetime: Option<Lifetime>,
        entry: &Entry,
        seen: &TagVersions,
    ) -> Result<(), Error> {
        let payload = entry.payload();
        if lifetime.is_some() {
            self.cache.check_size(payload)?;
        }
        if !leader.begin_write() {
            self.cache.inner.counters.overtaken.add();
            return Ok(());
        }
        let store = self.store_for("remember", key)?;
        let tags = if self.tags.is_empty() { Tagging::Untagged } else { Tagging::AsOf(seen) };
        match lifetime {
            Some(lifetime) => store.put(key, payload, Terms::tagged(lifetime, tags)).await,
            None => store.forget(key).await.map(drop),
        }
    }
}

impl Cache {
    /// What was found in the store. Whatever prevents that it is read is taken for a miss; but a cache that was
    /// closed is closed.
    fn recalled<W: Form<T>, T>(
        &self,
        store: &dyn Store,
        key: Key<'_>,
        found: Result<Option<Entry>, Error>,
    ) -> Result<Option<W::Given>, Error> {
        let entry = match found {
            Ok(None) => return Ok(None),
            Ok(Some(entry)) => entry,
            Err(error) if error.kind() == ErrorKind::Closed => {
                return Err(at("remember", key)(error));
            }
            Err(error) => {
                self.bypass(key, &error);
                return Ok(None);
            }
        };
        let read = W::found(self, store, key, &entry);
        Ok(read
            .inspect_err(|error| {
                tracing::warn!(
                    key = key.as_str(),
                    %error,
                    "a cached value is loaded anew: it cannot be read"
                );
            })
            .ok())
    }

    /// Encodes what was loaded, and reads it again: as all will who find it, so that all are given the same.
    ///
    /// Some types can be written by a codec and never be read: they would be loaded by each caller in turn,
    /// for ever. A decoding is little beside a load. The limit on what is stored is not applied: those who
    /// wait are to have the value in any case.
    fn readable<T: Serialize + DeserializeOwned>(&self, value: &T) -> Result<(T, Entry), Error> {
        let entry =
            self.encoded_up_to(usize::MAX, value, |payload| Entry::new(payload.to_value()))?;
        let read = self.decode(&entry).map_err(|unreadable| {
            let message = format!("the value could be written and not be read again: {unreadable}");
            Error::new(ErrorKind::Encode, message)
        })?;
        Ok((read, entry))
    }

    async fn run<T, E>(&self, load: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        self.inner.counters.loads.add();
        load().await
    }

    /// Counts and traces what is not returned: why the store was not used.
    #[cold]
    fn bypass(&self, key: Key<'_>, error: &Error) {
        self.inner.counters.bypassed.add();
        tracing::warn!(key = key.as_str(), %error, "the cache is bypassed");
    }
}

/// Whether the store gave no answer, so that it is not asked again.
fn is_silence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
}
