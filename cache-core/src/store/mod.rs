//! What a driver implements.
//!
//! These traits are the contract between the drivers and [`Cache`](crate::Cache); the conformance
//! suite (feature `conformance`) is that contract as code. Conveniences live on `Cache`, not here.

mod locks;
mod tags;

use std::sync::Arc;

pub use locks::{Acquisition, Fence, LockState, LockStore, Owner};
pub use tags::TagStore;

use crate::{Encoded, Entry, Kept, Key, Payload, StoreFuture, Terms, Ttl};

/// A place where entries live.
///
/// # What every implementation keeps to
///
/// - **Expiry is exact**: an entry is gone *at* its deadline, for every method, whether or not its
///   memory has been given back.
/// - **What was flushed is absent**: so is an entry one of whose tags has been [flushed](TagStore::flush), for
///   every method. It is not counted, taken or revived, and what is stored in its place bears none of its tags.
/// - **Each method acts on a key in one step.** Whatever runs beside it sees the key before or after,
///   never between.
/// - **A payload is copied before the method returns.** The borrowed arguments other than `self` and
///   `key` do not outlive the call; the future must not need them.
/// - **A dropped future leaves nothing stuck.** Whether the operation took place is then open; but if it
///   takes place it does so before any later operation of this store on the same key. So does one that
///   has failed for want of an answer.
/// - **A call does nothing for a user who never awaits it, or all at once**: a store that answers
///   with [`StoreFuture::ready`] has acted when the method returns.
///
/// There are no default methods: a default lets wrappers drift from what they wrap.
pub trait Store: Send + Sync + 'static {
    /// A word for the driver, such as `memory`, for messages and traces.
    fn name(&self) -> &'static str;

    /// The live entry at `key`.
    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>>;

    /// The live entries at `keys`: an answer for each, in their order, also where one key is asked for
    /// twice. One round trip per server involved.
    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>>;

    /// Whether there is a live entry at `key`.
    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool>;

    /// The time that the live entry at `key` has left: [`Ttl::FOREVER`], or the milliseconds until its
    /// deadline, rounded up.
    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>>;

    /// Stores an entry, replacing value, lifetime and tags together.
    fn put<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()>;

    /// Stores several entries on the same terms, one after the other: of two with the same key the
    /// later one stays. Each entry is stored in one step, the whole is not. One round trip per server
    /// involved.
    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()>;

    /// Stores an entry if there is no live one at `key`. Returns whether it was stored; where it was not, what
    /// is there keeps its lifetime and tags.
    fn add<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, bool>;

    /// Removes the live entry at `key` and returns it: of several callers at once, one gets it.
    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>>;

    /// Removes the entry at `key`. Returns whether there was a live one.
    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool>;

    /// Removes the entries at `keys`. Returns how many live ones there were; a key that is named twice
    /// counts once. One round trip per server involved.
    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize>;

    /// Gives the live entry at `key` a new lifetime, from now; `None` removes it. Its tags, and the versions
    /// that it bears them at, stay. Returns whether there was a live one: an expired one is not revived.
    fn touch<'a>(
        &'a self,
        key: Key<'a>,
        lifetime: Option<crate::Lifetime>,
    ) -> StoreFuture<'a, bool>;

    /// Adds `by` to the integer at `key` and returns the sum. Where there is no live entry it starts
    /// from 0 on the terms of `created`, in the same step; where there is one, its lifetime and tags
    /// stay. [`NotACounter`](crate::ErrorKind::NotACounter) for another value and
    /// [`CounterOverflow`](crate::ErrorKind::CounterOverflow) past `i64` leave the entry untouched, tags
    /// included. Sums are exact, also under tags.
    fn increment<'a>(&'a self, key: Key<'a>, by: i64, created: Terms<'_>) -> StoreFuture<'a, i64>;

    /// The object that is [kept](Self::keep) beside the live entry at `key`, where this store keeps objects.
    /// Where there is none, it says what it knows of `why`, which is [`NotKept::Unknown`] before, and stays as it is with
    /// an object ([`Value::into_kept`](crate::Value::into_kept) does both). It counts as a read of the entry.
    ///
    /// (A `Result` would be returned in memory, and an `Option` is in registers: every hit would feel it.)
    fn kept(&self, key: Key<'_>, why: &mut NotKept) -> Option<Kept>;

    /// Offers `kept`, which is `seen` with the object that was read from it beside it. A store that
    /// keeps objects puts it in the place of `seen`, if [that](Encoded::is_same) is still what is
    /// stored, and changes nothing else, neither lifetime nor tags; a store that does not ignores it.
    fn keep(&self, key: Key<'_>, seen: &Encoded, kept: Encoded);

    /// Removes every value of this store, whatever it is tagged with, and nothing else: neither locks,
    /// nor the versions of tags, nor what lives under other prefixes; one that begins with the store's own and a
    /// colon, such as `shop:sessions` with `shop`, is no other.
    fn flush(&self) -> StoreFuture<'_, ()>;

    /// Gives back connections and memory. No call begins after this one but further ones of it, which do
    /// nothing; calls that are under way may end in any way.
    fn close(&self) -> StoreFuture<'_, ()>;

    /// Tags, where this store can do them.
    fn tags(&self) -> Option<&dyn TagStore>;

    /// Locks, where this store can do them.
    fn locks(&self) -> Option<&dyn LockStore>;
}

/// Why [`Store::kept`] hands out no object.
#[derive(Clone, Debug)]
pub enum NotKept {
    /// There is no live entry.
    Absent,
    /// There is this one, and no object is kept beside it.
    Found(Entry),
    /// Whether there is one [`get`](Store::get) tells.
    Unknown,
}

macro_rules! forward {
    ($pointer:ident) => {
        #[deny(clippy::missing_trait_methods)]
        impl<S: Store + ?Sized> Store for $pointer<S> {
            fn name(&self) -> &'static str {
                (**self).name()
            }
            #[inline]
            fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
                (**self).get(key)
            }
            fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
                (**self).get_many(keys)
            }
            fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
                (**self).has(key)
            }
            fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
                (**self).ttl(key)
            }
            fn put<'a>(
                &'a self,
                key: Key<'a>,
                payload: Payload<'_>,
                terms: Terms<'_>,
            ) -> StoreFuture<'a, ()> {
                (**self).put(key, payload, terms)
            }
            fn put_many<'a>(
                &'a self,
                entries: &[(Key<'a>, Payload<'_>)],
                terms: Terms<'_>,
            ) -> StoreFuture<'a, ()> {
                (**self).put_many(entries, terms)
            }
            fn add<'a>(
                &'a self,
                key: Key<'a>,
                payload: Payload<'_>,
                terms: Terms<'_>,
            ) -> StoreFuture<'a, bool> {
                (**self).add(key, payload, terms)
            }
            fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
                (**self).take(key)
            }
            fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
                (**self).forget(key)
            }
            fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
                (**self).forget_many(keys)
            }
            fn touch<'a>(
                &'a self,
                key: Key<'a>,
                lifetime: Option<crate::Lifetime>,
            ) -> StoreFuture<'a, bool> {
                (**self).touch(key, lifetime)
            }
            fn increment<'a>(
                &'a self,
                key: Key<'a>,
                by: i64,
                created: Terms<'_>,
            ) -> StoreFuture<'a, i64> {
                (**self).increment(key, by, created)
            }
            #[inline]
            fn kept(&self, key: Key<'_>, why: &mut NotKept) -> Option<Kept> {
                (**self).kept(key, why)
            }
            fn keep(&self, key: Key<'_>, seen: &Encoded, kept: Encoded) {
                (**self).keep(key, seen, kept);
            }
            fn flush(&self) -> StoreFuture<'_, ()> {
                (**self).flush()
            }
            fn close(&self) -> StoreFuture<'_, ()> {
                (**self).close()
            }
            fn tags(&self) -> Option<&dyn TagStore> {
                (**self).tags()
            }
            fn locks(&self) -> Option<&dyn LockStore> {
                (**self).locks()
            }
        }
    };
}

forward!(Arc);
forward!(Box);
