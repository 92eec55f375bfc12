//! Who waits for which lock, and what of that is told: the book of it. What is sent is the subscriber's matter.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cache_core::Error;
use tokio::sync::{Notify, watch};

use crate::failure::closed;

#[derive(Default)]
pub(crate) struct Wakes {
    book: Mutex<Book>,
    changed: Notify,
    owes: Notify,
}

#[derive(Default)]
struct Book {
    /// Those that somebody waits for, by where they lie.
    locks: HashMap<Bytes, Line>,
    subscription: Subscription,
    /// Those of which it was told, and nobody has heeded it.
    unheeded: HashSet<Bytes>,
    is_closed: bool,
}

/// What there was at the end.
pub(crate) struct Left {
    pub(crate) unheeded: HashSet<Bytes>,
    pub(crate) waited_for: HashSet<Bytes>,
}

/// Those who wait for one lock.
struct Line {
    waiters: usize,
    told: watch::Sender<Told>,
}

/// What those who wait are told.
#[derive(Clone, Copy)]
struct Told {
    subscription: Subscription,
    wakes: u64,
}

/// What has become of the subscription to the store's channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subscription {
    #[default]
    Wanted,
    Asked,
    /// From now on no message is missed.
    Made,
    /// The server does not allow it.
    Refused,
}

/// Somebody who waits for a lock, until it is dropped.
///
/// Of a release one store is told, and from then on the next one depends on it: so a waiter that was told is
/// [heeded](Self::heed), or what it was told is handed on.
pub(crate) struct Waiter<'w> {
    wakes: &'w Wakes,
    lock: Bytes,
    told: watch::Receiver<Told>,
    known: Told,
    is_heeded: bool,
}

/// What a waiter was waiting for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It was told that the lock is free, or may have been.
    Woken,
    /// There is a subscription since, so that what was looked at before is to be looked at again.
    Subscribed,
}

impl Wakes {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the lock that lies there. `Closed` once it is [closed](Self::close).
    pub(crate) fn join(&self, lock: Bytes) -> Result<Waiter<'_>, Error> {
        let mut book = self.book();
        let book = &mut *book;
        if book.is_closed {
            return Err(closed());
        }
        if book.locks.is_empty() {
            self.changed.notify_one();
        }
        let line = book.locks.entry(lock.clone()).or_insert_with(|| {
            let told = Told { subscription: book.subscription, wakes: 0 };
            Line { waiters: 0, told: watch::Sender::new(told) }
        });
        line.waiters += 1;
        let told = line.told.subscribe();
        let known = *told.borrow();
        Ok(Waiter { wakes: self, lock, told, known, is_heeded: false })
    }

    fn leave(&self, waiter: &Waiter<'_>) {
        let mut book = self.book();
        let Some(line) = book.locks.get_mut(&waiter.lock) else { return };
        line.waiters -= 1;
        let is_told = line.told.borrow().wakes != waiter.known.wakes;
        if line.waiters == 0 {
            book.locks.remove(&waiter.lock);
        }
        if is_told && !waiter.is_heeded {
            book.unheeded.insert(waiter.lock.clone());
            self.owes.notify_one();
        }
    }

    /// Whether it is to be subscribed now. Whoever asks does it, before it asks again.
    pub(crate) fn is_wanted(&self) -> bool {
        let mut book = self.book();
        let is_wanted = book.subscription == Subscription::Wanted;
        if is_wanted {
            book.settle(Subscription::Asked);
        }
        is_wanted
    }

    /// What has become of the subscription.
    pub(crate) fn settle(&self, outcome: Subscription) {
        self.book().settle(outcome);
    }

    /// What was refused may be allowed meanwhile.
    pub(crate) fn want_again(&self) {
        let mut book = self.book();
        if book.subscription == Subscription::Refused {
            book.settle(Subscription::Wanted);
        }
    }

    /// It is told that the lock that lies there is free, and this store is the one that is told.
    pub(crate) fn wake(&self, lock: Bytes) {
        let mut book = self.book();
        match book.locks.get(&lock) {
            Some(line) => line.tell(|told| told.wakes += 1),
            None if book.is_closed => {}
            None => {
                book.unheeded.insert(lock);
                self.owes.notify_one();
            }
        }
    }

    /// Whether somebody waits for the lock that lies there.
    pub(crate) fn has_line(&self, lock: &Bytes) -> bool {
        self.book().locks.contains_key(lock)
    }

    /// The lock that lies there may be free, and whoever waits is to try.
    pub(crate) fn wake_line(&self, lock: &Bytes) {
        if let Some(line) = self.book().locks.get(lock) {
            line.tell(|told| told.wakes += 1);
        }
    }

    /// Something was told of some lock.
    pub(crate) fn wake_all(&self) {
        for line in self.book().locks.values() {
            line.tell(|told| told.wakes += 1);
        }
    }

    /// There is no subscription any more, and what has been told since is not known.
    pub(crate) fn lose(&self) {
        self.book().settle(Subscription::Wanted);
        self.wake_all();
    }

    /// Ends all waiting, for good. Returns the locks of which something was told that nobody may have heeded, and those
    /// for which somebody waits yet.
    pub(crate) fn close(&self) -> Left {
        let closed = Book { is_closed: true, ..Book::default() };
        let Book { locks, mut unheeded, .. } = std::mem::replace(&mut *self.book(), closed);
        let mut waited_for = HashSet::new();
        for (lock, line) in locks {
            let is_told = line.told.borrow().wakes > 0;
            if is_told { &mut unheeded } else { &mut waited_for }.insert(lock);
        }
        Left { unheeded, waited_for }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.book().is_closed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.book().locks.is_empty()
    }

    /// Returns when somebody waits, and nobody did.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns when something was told that nobody has heeded: of which locks.
    pub(crate) async fn unheeded(&self) -> HashSet<Bytes> {
        loop {
            let unheeded = std::mem::take(&mut self.book().unheeded);
            if !unheeded.is_empty() {
                return unheeded;
            }
            self.owes.notified().await;
        }
    }
}

impl Book {
    fn settle(&mut self, subscription: Subscription) {
        self.subscription = subscription;
        for line in self.locks.values() {
            line.tell(|told| told.subscription = subscription);
        }
    }
}

impl Line {
    fn tell(&self, change: impl FnOnce(&mut Told)) {
        self.told.send_modify(change);
    }
}

impl Subscription {
    fn is_settled(self) -> bool {
        matches!(self, Self::Made | Self::Refused)
    }
}

impl Waiter<'_> {
    /// Whether it is known if messages are heard.
    pub(crate) fn is_settled(&self) -> bool {
        self.known.subscription.is_settled()
    }

    /// Whether messages are heard.
    pub(crate) fn is_subscribed(&self) -> bool {
        self.known.subscription == Subscription::Made
    }

    /// Returns when it is known if messages are heard.
    pub(crate) async fn settled(&mut self) -> Result<(), Error> {
        let told = self.told.wait_for(|told| told.subscription.is_settled()).await;
        // What else it was told is news yet.
        self.known.subscription = told.map_err(|_| closed())?.subscription;
        Ok(())
    }

    /// Returns when it was told something since it came, or messages are heard that were not.
    pub(crate) async fn news(&mut self) -> Result<News, Error> {
        let known = self.known;
        let is_new = |told: &Told| {
            told.wakes != known.wakes
                || told.subscription == Subscription::Made
                    && known.subscription != told.subscription
        };
        let told = *self.told.wait_for(is_new).await.map_err(|_| closed())?;
        self.known.subscription = told.subscription;
        Ok(if told.wakes == known.wakes { News::Subscribed } else { News::Woken })
    }

    /// Leaves, and the lock will be tried by whoever waited.
    pub(crate) fn heed(mut self) {
        self.is_heeded = true;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.wakes.leave(self);
    }
}

#[cfg(test)]
mod tests {
    use cache_core::ErrorKind;
    use futures_util::FutureExt;

    use super::*;

    fn lock() -> Bytes {
        Bytes::from_static(b"lock")
    }

    /// Does what a subscriber does.
    fn subscribed(wakes: &Wakes) {
        assert!(wakes.is_wanted() && !wakes.is_wanted());
        wakes.settle(Subscription::Made);
    }

    /// What is to be handed on now.
    fn owed(wakes: &Wakes) -> Vec<Bytes> {
        wakes.unheeded().now_or_never().into_iter().flatten().collect()
    }

    #[tokio::test]
    async fn who_waits_first_is_waited_for() {
        let wakes = Wakes::default();
        assert!(wakes.changed().now_or_never().is_none());
        let waiters = [wakes.join(lock()).unwrap(), wakes.join(lock()).unwrap()];
        assert!(wakes.changed().now_or_never().is_some() && !wakes.is_empty());
        drop(waiters);
        assert!(wakes.is_empty() && owed(&wakes).is_empty());
    }

    #[tokio::test]
    async fn what_is_told_wakes_whoever_came_before() {
        let wakes = Wakes::default();
        let mut early = wakes.join(lock()).unwrap();
        assert!(early.settled().now_or_never().is_none());
        subscribed(&wakes);
        assert_eq!(early.news().await.unwrap(), News::Subscribed);
        wakes.wake(Bytes::from_static(b"another"));
        assert!(early.news().now_or_never().is_none());
        wakes.wake(lock());
        let mut late = wakes.join(lock()).unwrap();
        assert!(late.is_subscribed());
        assert_eq!(early.news().await.unwrap(), News::Woken);
        assert!(late.news().now_or_never().is_none());
        wakes.wake_all();
        assert_eq!(late.news().await.unwrap(), News::Woken);
    }

    #[tokio::test]
    async fn what_nobody_heeds_is_handed_on() {
        let wakes = Wakes::default();
        subscribed(&wakes);
        wakes.wake(lock());
        assert_eq!(owed(&wakes), [lock()], "nobody waits");
        let waiter = wakes.join(lock()).unwrap();
        wakes.wake(lock());
        drop(waiter);
        assert_eq!(owed(&wakes), [lock()], "it left before it knew");
        let mut waiter = wakes.join(lock()).unwrap();
        wakes.wake(lock());
        assert_eq!(waiter.news().await.unwrap(), News::Woken);
        drop(waiter);
        assert_eq!(owed(&wakes), [lock()], "it left when it knew");
        let mut waiter = wakes.join(lock()).unwrap();
        wakes.wake(lock());
        assert_eq!(waiter.news().await.unwrap(), News::Woken);
        waiter.heed();
        assert!(owed(&wakes).is_empty());
    }

    #[tokio::test]
    async fn what_is_told_before_the_subscription_is_known_is_not_forgotten() {
        let wakes = Wakes::default();
        let mut waiter = wakes.join(lock()).unwrap();
        wakes.wake(lock());
        subscribed(&wakes);
        waiter.settled().await.unwrap();
        assert!(waiter.is_subscribed());
        assert_eq!(waiter.news().await.unwrap(), News::Woken);
    }

    #[tokio::test]
    async fn what_is_lost_is_told_and_wanted_again() {
        let wakes = Wakes::default();
        let mut waiter = wakes.join(lock()).unwrap();
        subscribed(&wakes);
        waiter.settled().await.unwrap();
        wakes.lose();
        assert_eq!(waiter.news().await.unwrap(), News::Woken);
        assert!(!waiter.is_subscribed());
        subscribed(&wakes);
        wakes.want_again();
        assert!(!wakes.is_wanted(), "it was not refused");
        wakes.settle(Subscription::Refused);
        wakes.want_again();
        assert!(wakes.is_wanted());
    }

    #[tokio::test]
    async fn nobody_waits_for_what_is_closed() {
        let wakes = Wakes::default();
        let mut waiter = wakes.join(lock()).unwrap();
        wakes.close();
        assert_eq!(waiter.news().await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(wakes.join(lock()).err().expect("closed").kind(), ErrorKind::Closed);
        wakes.wake(lock());
        drop(waiter);
        assert!(owed(&wakes).is_empty());
    }

    #[tokio::test]
    async fn what_was_told_and_not_heeded_is_owed_at_the_end() {
        let wakes = Wakes::default();
        let [told, waits, left] = ["told", "waits", "left"].map(Bytes::from);
        let _told = wakes.join(told.clone()).unwrap();
        let _waits = wakes.join(waits.clone()).unwrap();
        for lock in [&told, &left] {
            wakes.wake(lock.clone());
        }
        let Left { unheeded, waited_for } = wakes.close();
        assert_eq!(unheeded, HashSet::from([told.clone(), left]));
        assert_eq!(waited_for, HashSet::from([waits]));
        wakes.wake(told);
        let Left { unheeded, waited_for } = wakes.close();
        assert!(unheeded.is_empty() && waited_for.is_empty());
    }
}
