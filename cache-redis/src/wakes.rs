//! Who waits for what is told on a channel: the book of it. What is sent is the subscriber's matter.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cache_core::Error;
use fred::bytes_utils::Str;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::failure::closed;

/// So long a channel is kept when nobody waits any more: who contends for a lock comes back in a moment.
const LINGER: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(crate) struct Wakes {
    book: Mutex<Book>,
    changed: Notify,
}

#[derive(Default)]
struct Book {
    channels: HashMap<Str, Channel>,
    /// Those to be subscribed to.
    wanted: Vec<Str>,
    /// Those that were left, and when, in this order. Some have been come back to.
    left: VecDeque<(Instant, Str)>,
    is_closed: bool,
}

struct Channel {
    waiters: usize,
    /// Since when nobody waits.
    idle: Option<Instant>,
    told: watch::Sender<Told>,
}

/// What those who wait on a channel are told.
#[derive(Clone, Copy)]
struct Told {
    subscription: Subscription,
    wakes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subscription {
    Wanted,
    Asked,
    /// From now on no message is missed.
    Made,
    /// The server does not allow it.
    Refused,
}

/// What is to be sent to the server.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) subscribe: Vec<Str>,
    pub(crate) unsubscribe: Vec<Str>,
    /// When there will be more, unless something happens before.
    pub(crate) next: Option<Instant>,
}

/// Somebody who waits on a channel, until it is dropped.
pub(crate) struct Waiter<'w> {
    wakes: &'w Wakes,
    channel: Str,
    told: watch::Receiver<Told>,
    known: Told,
}

/// What a waiter was waiting for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Something was told on the channel, or may have been.
    Woken,
    /// There is a subscription since, so that what was looked at before is to be looked at again.
    Subscribed,
}

impl Wakes {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits on a channel. `Closed` once it is [closed](Self::close).
    pub(crate) fn join(&self, name: &Str) -> Result<Waiter<'_>, Error> {
        let mut book = self.book();
        let book = &mut *book;
        if book.is_closed {
            return Err(closed());
        }
        let channel = book.channels.entry(name.clone()).or_insert_with(|| {
            book.wanted.push(name.clone());
            self.changed.notify_one();
            let told = Told { subscription: Subscription::Wanted, wakes: 0 };
            Channel { waiters: 0, idle: None, told: watch::Sender::new(told) }
        });
        channel.waiters += 1;
        channel.idle = None;
        let told = channel.told.subscribe();
        let known = *told.borrow();
        Ok(Waiter { wakes: self, channel: name.clone(), told, known })
    }

    fn leave(&self, name: &Str) {
        let mut book = self.book();
        let Some(channel) = book.channels.get_mut(name) else { return };
        channel.waiters -= 1;
        if channel.waiters > 0 {
            return;
        }
        if channel.told.borrow().subscription == Subscription::Wanted {
            // There may be no connection, and nobody who would look after it.
            book.channels.remove(name);
            book.wanted.retain(|wanted| wanted != name);
            return;
        }
        let now = Instant::now();
        channel.idle = Some(now);
        book.left.push_back((now, name.clone()));
        self.changed.notify_one();
    }

    /// What is to be done now. Whoever asks does it, before it asks again.
    pub(crate) fn plan(&self) -> Plan {
        let mut book = self.book();
        let book = &mut *book;
        let now = Instant::now();
        let mut unsubscribe = Vec::new();
        while book.left.front().is_some_and(|(since, _)| *since + LINGER <= now) {
            let Some((since, name)) = book.left.pop_front() else { break };
            if book.channels.get(&name).is_some_and(|channel| channel.idle == Some(since)) {
                book.channels.remove(&name);
                unsubscribe.push(name);
            }
        }
        let subscribe = std::mem::take(&mut book.wanted);
        for name in &subscribe {
            if let Some(channel) = book.channels.get(name) {
                channel.tell(|told| told.subscription = Subscription::Asked);
            }
        }
        let next = book.left.front().map(|(since, _)| *since + LINGER);
        Plan { subscribe, unsubscribe, next }
    }

    /// What has become of the subscriptions of a plan.
    pub(crate) fn settle(&self, names: &[Str], outcome: Subscription) {
        let mut book = self.book();
        let book = &mut *book;
        for name in names {
            if let Some(channel) = book.channels.get(name) {
                channel.tell(|told| told.subscription = outcome);
            }
        }
        if outcome == Subscription::Wanted {
            book.wanted.extend_from_slice(names);
        }
    }

    /// Something was told on a channel.
    pub(crate) fn wake(&self, name: &Str) {
        if let Some(channel) = self.book().channels.get(name) {
            channel.tell(|told| told.wakes += 1);
        }
    }

    /// Something was told on some channel.
    pub(crate) fn wake_all(&self) {
        for channel in self.book().channels.values() {
            channel.tell(|told| told.wakes += 1);
        }
    }

    /// There are no subscriptions any more, and what has been told since is not known.
    pub(crate) fn lose_all(&self) {
        let mut book = self.book();
        let book = &mut *book;
        book.left.clear();
        book.channels.retain(|_, channel| channel.waiters > 0);
        book.wanted = book.channels.keys().cloned().collect();
        for channel in book.channels.values() {
            channel.tell(|told| {
                *told = Told { subscription: Subscription::Wanted, wakes: told.wakes + 1 };
            });
        }
    }

    /// Ends all waiting, for good.
    pub(crate) fn close(&self) {
        *self.book() = Book { is_closed: true, ..Book::default() };
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.book().is_closed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.book().channels.is_empty()
    }

    /// Returns when there may be another plan.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Channel {
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
        self.known = *told.map_err(|_| closed())?;
        Ok(())
    }

    /// Returns when something was told since the waiter came, or messages are heard that were not.
    pub(crate) async fn news(&mut self) -> Result<News, Error> {
        let known = self.known;
        let is_new = |told: &Told| {
            told.wakes != known.wakes
                || told.subscription == Subscription::Made
                    && known.subscription != told.subscription
        };
        let told = *self.told.wait_for(is_new).await.map_err(|_| closed())?;
        self.known = told;
        Ok(if told.wakes == known.wakes { News::Subscribed } else { News::Woken })
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.wakes.leave(&self.channel);
    }
}

#[cfg(test)]
mod tests {
    use cache_core::ErrorKind;
    use futures_util::FutureExt;

    use super::*;

    fn name() -> Str {
        Str::from_static("channel")
    }

    /// Does what a subscriber does.
    fn subscribed(wakes: &Wakes) {
        let plan = wakes.plan();
        assert_eq!(plan.subscribe, [name()]);
        wakes.settle(&plan.subscribe, Subscription::Made);
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_is_subscribed_to_once_and_left_a_while_after_the_last() {
        let wakes = Wakes::default();
        let waiters = [wakes.join(&name()).unwrap(), wakes.join(&name()).unwrap()];
        subscribed(&wakes);
        let [first, second] = waiters;
        drop(first);
        assert_eq!(wakes.plan().next, None);
        drop(second);
        let next = wakes.plan().next.expect("it is left in a while");
        tokio::time::sleep_until(next).await;
        let plan = wakes.plan();
        assert_eq!((plan.subscribe, plan.unsubscribe), (vec![], vec![name()]));
        assert!(wakes.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_soon_finds_the_subscription() {
        let wakes = Wakes::default();
        drop(wakes.join(&name()).unwrap());
        assert!(wakes.is_empty(), "what was never asked for is not kept");
        let mut waiter = wakes.join(&name()).unwrap();
        subscribed(&wakes);
        for _ in 0..3 {
            drop(waiter);
            tokio::time::advance(LINGER / 2).await;
            waiter = wakes.join(&name()).unwrap();
            assert!(waiter.is_subscribed());
            let plan = wakes.plan();
            assert!(plan.subscribe.is_empty() && plan.unsubscribe.is_empty(), "{plan:?}");
        }
        tokio::time::advance(LINGER * 2).await;
        assert!(wakes.plan().unsubscribe.is_empty(), "somebody waits");
        assert!(wakes.book().left.is_empty());
    }

    #[tokio::test]
    async fn what_is_told_wakes_whoever_came_before() {
        let wakes = Wakes::default();
        let mut early = wakes.join(&name()).unwrap();
        assert!(early.settled().now_or_never().is_none());
        subscribed(&wakes);
        assert_eq!(early.news().await.unwrap(), News::Subscribed);
        wakes.wake(&Str::from_static("another"));
        assert!(early.news().now_or_never().is_none());
        wakes.wake(&name());
        let mut late = wakes.join(&name()).unwrap();
        assert_eq!(early.news().await.unwrap(), News::Woken);
        assert!(late.news().now_or_never().is_none());
        wakes.wake_all();
        assert_eq!(late.news().await.unwrap(), News::Woken);
    }

    #[tokio::test]
    async fn what_is_lost_is_told_and_wanted_again() {
        let wakes = Wakes::default();
        let mut waiter = wakes.join(&name()).unwrap();
        subscribed(&wakes);
        waiter.settled().await.unwrap();
        wakes.lose_all();
        assert_eq!(waiter.news().await.unwrap(), News::Woken);
        assert!(!waiter.is_subscribed());
        subscribed(&wakes);
        drop(waiter);
        wakes.lose_all();
        assert!(wakes.is_empty() && wakes.plan().subscribe.is_empty(), "nobody waits");
    }

    #[tokio::test]
    async fn nobody_waits_for_what_is_closed() {
        let wakes = Wakes::default();
        let mut waiter = wakes.join(&name()).unwrap();
        wakes.close();
        assert_eq!(waiter.news().await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(wakes.join(&name()).err().expect("closed").kind(), ErrorKind::Closed);
    }
}
