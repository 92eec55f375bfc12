//! A store whose answers take a while, as those of a server do: what is asked for has happened by then.

use std::sync::atomic::{AtomicU64, Ordering};

use std::time::Duration;

use cache_core::{
    Acquisition, Encoded, Entry, Kept, Key, Lifetime, LockState, LockStore, NotKept, Owner,
    Payload, Store, StoreFuture, Tag, TagStore, TagVersions, Terms, Ttl,
};

use super::Model;

pub(crate) struct Late {
    model: Model,
    asked: AtomicU64,
}

impl Late {
    pub(crate) fn new(model: Model) -> Self {
        Self { model, asked: AtomicU64::new(0) }
    }

    /// Each takes a different while, so that answers overtake each other.
    fn late<'a, T: Send + 'a>(&self, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        let while_others_go_on = 1 + self.asked.fetch_add(1, Ordering::Relaxed) % 5;
        StoreFuture::pending(async move {
            for _ in 0..while_others_go_on {
                tokio::task::yield_now().await;
            }
            answer.await
        })
    }
}

impl Store for Late {
    fn name(&self) -> &'static str {
        "late"
    }
    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        self.late(self.model.get(key))
    }
    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        self.late(self.model.get_many(keys))
    }
    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        self.late(self.model.has(key))
    }
    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        self.late(self.model.ttl(key))
    }
    fn put<'a>(&'a self, key: Key<'a>, it: Payload<'_>, terms: Terms<'_>) -> StoreFuture<'a, ()> {
        self.late(self.model.put(key, it, terms))
    }
    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        self.late(self.model.put_many(entries, terms))
    }
    fn add<'a>(&'a self, key: Key<'a>, it: Payload<'_>, terms: Terms<'_>) -> StoreFuture<'a, bool> {
        self.late(self.model.add(key, it, terms))
    }
    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        self.late(self.model.take(key))
    }
    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        self.late(self.model.forget(key))
    }
    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
        self.late(self.model.forget_many(keys))
    }
    fn touch<'a>(&'a self, key: Key<'a>, lifetime: Option<Lifetime>) -> StoreFuture<'a, bool> {
        self.late(self.model.touch(key, lifetime))
    }
    fn increment<'a>(&'a self, key: Key<'a>, by: i64, terms: Terms<'_>) -> StoreFuture<'a, i64> {
        self.late(self.model.increment(key, by, terms))
    }
    fn kept(&self, key: Key<'_>, why: &mut NotKept) -> Option<Kept> {
        self.model.kept(key, why)
    }
    fn keep(&self, key: Key<'_>, seen: &Encoded, kept: Encoded) {
        self.model.keep(key, seen, kept);
    }
    fn flush(&self) -> StoreFuture<'_, ()> {
        self.late(Store::flush(&self.model))
    }
    fn close(&self) -> StoreFuture<'_, ()> {
        self.late(self.model.close())
    }
    fn tags(&self) -> Option<&dyn TagStore> {
        Some(self)
    }
    fn locks(&self) -> Option<&dyn LockStore> {
        Some(self)
    }
}

impl TagStore for Late {
    fn versions<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, TagVersions> {
        self.late(self.model.versions(tags))
    }
    fn flush<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, ()> {
        self.late(TagStore::flush(&self.model, tags))
    }
}

impl LockStore for Late {
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition> {
        self.late(self.model.acquire(name, owner, lease))
    }
    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        self.late(self.model.renew(name, owner, lease))
    }
    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        self.late(self.model.release(name, owner))
    }
    fn freed<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, ()> {
        self.late(self.model.freed(name))
    }
    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        self.late(self.model.inspect(name))
    }
    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        self.late(self.model.force_release(name))
    }
}
