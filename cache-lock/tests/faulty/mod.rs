//! A store whose locks answer as a server does on a bad day: late, wrongly, not at all.

#![allow(dead_code, reason = "each test takes what it needs")]

mod values;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cache_core::{
    Acquisition, Cache, Error, ErrorKind, Key, LockState, LockStore, Owner, StoreFuture,
};
use cache_memory::MemoryStore;
use tokio::time::Instant;

/// The lock.
pub(crate) const NAME: &str = "report";

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A store, and two caches on it, as two processes have them.
pub(crate) fn shared() -> (Faulty, Cache, Cache) {
    let store = Faulty::default();
    (store.clone(), Cache::new(store.clone()), Cache::new(store))
}

/// What can go wrong with one call, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing does, and the answer is there at once.
    #[default]
    Right,
    /// It is told, so long after it has acted.
    ToldAfter(Duration),
    /// Others have so many turns before it acts, and as many before it is told.
    Turns(usize),
    /// It has not acted, and the server is out of reach.
    Fails,
    /// The same, and that is told without being waited for.
    FailsAtOnce,
    /// It has acted, and then the server is out of reach.
    ActsAndFails,
    /// It does not act, and nothing is ever told.
    Hangs,
    /// It has acted, but nothing is ever told.
    ActsAndHangs,
    /// It does not act, and says that the lock is not the owner's; or is free.
    Denies,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Acquire,
    Renew,
    Release,
    Freed,
}

/// Locks of a [`MemoryStore`], told of as the case says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faulty {
    right: Arc<MemoryStore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    answers: HashMap<Call, Answer>,
    calls: Vec<(Call, Instant)>,
}

impl Faulty {
    /// From now on that call is answered so.
    pub(crate) fn set(&self, call: Call, answer: Answer) {
        self.state().answers.insert(call, answer);
    }

    /// From now on everything is answered so.
    pub(crate) fn set_all(&self, answer: Answer) {
        for call in [Call::Acquire, Call::Renew, Call::Release, Call::Freed] {
            self.set(call, answer);
        }
    }

    /// How often it was called so.
    pub(crate) fn calls(&self, call: Call) -> usize {
        self.state().calls.iter().filter(|(made, _)| *made == call).count()
    }

    /// The store as it is, whatever it tells.
    pub(crate) fn truth(&self) -> &MemoryStore {
        &self.right
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        denial: T,
        act: impl FnOnce(&'a MemoryStore) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        let away = || Error::new(ErrorKind::Unavailable, "the server is out of reach");
        let sent = move || {
            let mut state = self.state();
            state.calls.push((call, Instant::now()));
            state.answers.get(&call).copied().unwrap_or_default()
        };
        // What is pending has not been sent before it is polled, as it is with clients of servers.
        let answer = self.state().answers.get(&call).copied().unwrap_or_default();
        match answer {
            Answer::Right => {
                sent();
                return act(&self.right);
            }
            Answer::FailsAtOnce => {
                sent();
                return StoreFuture::ready(Err(away()));
            }
            _ => {}
        }
        StoreFuture::pending(async move {
            match sent() {
                Answer::Right => act(&self.right).await,
                Answer::ToldAfter(time) => {
                    let answer = act(&self.right).await;
                    tokio::time::sleep(time).await;
                    answer
                }
                Answer::Turns(turns) => {
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                    }
                    let answer = act(&self.right).await;
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                    }
                    answer
                }
                Answer::Fails | Answer::FailsAtOnce => Err(away()),
                Answer::ActsAndFails => {
                    act(&self.right).await?;
                    Err(away())
                }
                Answer::Hangs => std::future::pending().await,
                Answer::ActsAndHangs => {
                    act(&self.right).await?;
                    std::future::pending().await
                }
                Answer::Denies => Ok(denial),
            }
        })
    }
}

impl LockStore for Faulty {
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition> {
        let held = Acquisition::Held(Duration::from_secs(60));
        self.told(Call::Acquire, held, move |right| right.acquire(name, owner, lease))
    }
    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        self.told(Call::Renew, false, move |right| right.renew(name, owner, lease))
    }
    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        self.told(Call::Release, false, move |right| right.release(name, owner))
    }
    fn freed<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, ()> {
        self.told(Call::Freed, (), move |right| right.freed(name))
    }
    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        self.right.inspect(name)
    }
    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        self.right.force_release(name)
    }
}
