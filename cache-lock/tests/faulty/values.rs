//! Values are as they should be.

use cache_core::{
    Encoded, Entry, Kept, Key, Lifetime, LockStore, NotKept, Payload, Store, StoreFuture, TagStore,
    Terms, Ttl,
};

use super::Faulty;

impl Store for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }
    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        self.right.get(key)
    }
    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        self.right.get_many(keys)
    }
    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        self.right.has(key)
    }
    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        self.right.ttl(key)
    }
    fn put<'a>(&'a self, key: Key<'a>, it: Payload<'_>, terms: Terms<'_>) -> StoreFuture<'a, ()> {
        self.right.put(key, it, terms)
    }
    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        self.right.put_many(entries, terms)
    }
    fn add<'a>(&'a self, key: Key<'a>, it: Payload<'_>, terms: Terms<'_>) -> StoreFuture<'a, bool> {
        self.right.add(key, it, terms)
    }
    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        self.right.take(key)
    }
    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        self.right.forget(key)
    }
    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
        self.right.forget_many(keys)
    }
    fn touch<'a>(&'a self, key: Key<'a>, lifetime: Option<Lifetime>) -> StoreFuture<'a, bool> {
        self.right.touch(key, lifetime)
    }
    fn increment<'a>(&'a self, key: Key<'a>, by: i64, terms: Terms<'_>) -> StoreFuture<'a, i64> {
        self.right.increment(key, by, terms)
    }
    fn kept(&self, key: Key<'_>, why: &mut NotKept) -> Option<Kept> {
        self.right.kept(key, why)
    }
    fn keep(&self, key: Key<'_>, seen: &Encoded, kept: Encoded) {
        self.right.keep(key, seen, kept);
    }
    fn flush(&self) -> StoreFuture<'_, ()> {
        self.right.flush()
    }
    fn close(&self) -> StoreFuture<'_, ()> {
        self.right.close()
    }
    fn tags(&self) -> Option<&dyn TagStore> {
        self.right.tags()
    }
    fn locks(&self) -> Option<&dyn LockStore> {
        Some(self)
    }
}
