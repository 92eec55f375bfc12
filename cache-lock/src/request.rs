//! Asking for a lock, and waiting for it.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cache_core::{Acquisition, Cache, Error, ErrorKind, Fence, IntoTtl, Key};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::guard::{LockGuard, lost};
use crate::lease::Lease;
use crate::queue::{Lines, Place};
use crate::random::{chance, new_owner};

/// A request for a lock: see [`Locks::lock`](crate::Locks::lock).
#[derive(Clone)]
#[must_use = "a request does nothing until it is acquired or run"]
pub struct LockRequest {
    cache: Cache,
    terms: Result<Terms, Error>,
    renews: bool,
}

#[derive(Clone)]
struct Terms {
    name: Arc<str>,
    lease: Duration,
    /// `None`: without end.
    wait: Option<Duration>,
}

/// How long is waited for a lock unless said.
const WAIT: Duration = Duration::from_secs(10);

/// So long is waited at most before the store is asked again, and up to as much again by chance: where the store tells
/// when the lock is free, since a message may be lost, and where it cannot, or has not answered.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const PAUSE_UNTOLD: Duration = Duration::from_millis(200);

/// A wake that comes sooner after the last attempt, more often than this in a row, comes too early.
const EARLY: Duration = Duration::from_millis(1);
const EARLY_WAKES: u32 = 3;

impl LockRequest {
    pub(crate) fn new(cache: Cache, name: &str, lease: impl IntoTtl) -> Self {
        let terms = Key::new(name)
            .and_then(|_| lease_of(lease).map_err(|error| error.on(name)))
            .map(|lease| Terms { name: name.into(), lease, wait: Some(WAIT) });
        Self { cache, terms, renews: true }
    }

    /// Waits for so long at most, instead of 10 seconds: any TTL. [`Ttl::FOREVER`](cache_core::Ttl::FOREVER) waits
    /// without end.
    pub fn wait(mut self, wait: impl IntoTtl) -> Self {
        self.terms = self.terms.and_then(|terms| {
            let wait = wait.into_ttl().map_err(|error| Error::from(error).on(&terms.name))?;
            let wait = if wait.is_default() { Some(WAIT) } else { wait.duration() };
            Ok(Terms { wait, ..terms })
        });
        self
    }

    /// Does not renew the lease: it ends at its end, and the lock is lost.
    pub fn without_renewal(mut self) -> Self {
        self.renews = false;
        self
    }

    /// Acquires the lock if it is free. Never waits, not even for those who do; `None` if it is held.
    ///
    /// Cost: one round trip.
    pub async fn try_acquire(self) -> Result<Option<LockGuard>, Error> {
        let Self { cache, terms, renews } = self;
        let terms = terms.map_err(|error| error.during("lock"))?;
        let runtime = runtime().map_err(|error| error.during("lock").on(&terms.name))?;
        let place = cache.extension::<Lines>().join(Arc::clone(&terms.name));
        let asking = Asking { cache: &cache, terms: &terms, runtime: &runtime };
        let attempt = asking.attempt(&place, &mut Unsettled::nothing()).await;
        let attempt = attempt.map_err(|error| error.during("lock").on(&terms.name))?;
        Ok(match attempt {
            Attempt::Acquired(lease, fence) => Some(guard(lease, fence, place, renews)),
            Attempt::Held(_) => None,
        })
    }

    /// Acquires the lock, and waits for it where it is held.
    ///
    /// Those of this process who wait are served in the order in which they came, and one of them at a time asks the
    /// store. It is woken when the lock is released, and asks by itself now and then.
    ///
    /// Errors: [`LockTimeout`](ErrorKind::LockTimeout) after the time to wait, also if the store has not answered by then;
    /// those of the store at once, except that outages are ridden out by those who wait already: what it said last is the
    /// error after the time to wait.
    ///
    /// Cost: one round trip where the lock is free. A future that is dropped leaves the line, and gives back what it may
    /// have acquired.
    pub async fn acquire(self) -> Result<LockGuard, Error> {
        let Self { cache, terms, renews } = self;
        let terms = terms.map_err(|error| error.during("lock"))?;
        if terms.wait == Some(Duration::ZERO) {
            let taken = Self { cache, terms: Ok(terms.clone()), renews }.try_acquire().await?;
            return taken.ok_or_else(|| timed_out().during("lock").on(&terms.name));
        }
        let runtime = runtime().map_err(|error| error.during("lock").on(&terms.name))?;
        let mut place = cache.extension::<Lines>().join(Arc::clone(&terms.name));
        let mut trouble = None;
        let asking = Asking { cache: &cache, terms: &terms, runtime: &runtime };
        let acquired = within(terms.wait, asking.contend(&mut place, &mut trouble)).await;
        match acquired {
            Some(Ok((lease, fence))) => Ok(guard(lease, fence, place, renews)),
            Some(Err(error)) => Err(error.during("lock").on(&terms.name)),
            None => Err(trouble.unwrap_or_else(timed_out).during("lock").on(&terms.name)),
        }
    }

    /// Runs `work` under the lock.
    ///
    /// If the lock is lost meanwhile `work` is dropped at that moment, wherever it has got to, and the error is
    /// [`LockLost`](ErrorKind::LockLost). So it is if the lock turns out to have been taken away when the work is done:
    /// whether somebody else was inside is open. Otherwise what `work` gives is returned as it is, also if the lock cannot
    /// be released at once: then it is tried again in the background, as when a [guard](LockGuard) is dropped. If it
    /// panics the lock is given back.
    ///
    /// Errors: those of [`acquire`](Self::acquire), and those of `work`.
    pub async fn run<T, E, F>(self, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: AsyncFnOnce() -> Result<T, E>,
    {
        let guard = self.acquire().await?;
        let done = {
            let work = work();
            tokio::pin!(work);
            tokio::select! {
                // First: what is done after the end is not done under the lock.
                biased;
                () = guard.lost() => None,
                done = work => Some(done),
            }
        };
        let Some(done) = done else {
            return Err(lost().during("lock").on(guard.name()).into());
        };
        let name = guard.shared_name();
        match guard.release().await {
            Ok(()) => done,
            Err(error) if error.kind() == ErrorKind::LockLost => {
                done.and_then(|_| Err(error.during("lock").into()))
            }
            Err(error) => {
                tracing::warn!(lock = &*name, %error, "a lock could not be released when its work was done");
                done
            }
        }
    }
}

/// The length of a lease, which must have an end.
pub(crate) fn lease_of(lease: impl IntoTtl) -> Result<Duration, Error> {
    let refused = |why: &str| {
        let message = format!("{why}; give the lease a length, such as \"30s\"");
        Error::new(ErrorKind::InvalidTtl, message)
    };
    let lease = lease.into_ttl()?;
    if lease.is_default() {
        return Err(refused("the cache's default lifetime is none of a lock"));
    }
    match lease.duration() {
        None => Err(refused("a lock that never ends would outlive a holder that dies")),
        Some(Duration::ZERO) => Err(refused("a lock of no length is none")),
        Some(length) => Ok(length),
    }
}

/// The runtime that renews and waits, before anything is asked for.
fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|_| {
        let message = "a lock is waited for and renewed by tokio; acquire it within a runtime";
        Error::new(ErrorKind::Config, message)
    })
}

fn guard(lease: Arc<Lease>, fence: Fence, mut place: Place, renews: bool) -> LockGuard {
    place.acquired(&lease);
    LockGuard::new(lease, fence, place, renews)
}

/// What is asked of the store.
struct Asking<'r> {
    cache: &'r Cache,
    terms: &'r Terms,
    runtime: &'r Handle,
}

enum Attempt {
    Acquired(Arc<Lease>, Fence),
    Held(Duration),
}

impl Asking<'_> {
    /// A lease that nobody has been asked for.
    fn lease(&self) -> Arc<Lease> {
        let (cache, runtime) = (self.cache.clone(), self.runtime.clone());
        let Terms { name, lease, .. } = self.terms;
        Arc::new(Lease::new(cache, runtime, Arc::clone(name), new_owner(), *lease))
    }

    /// Asks the store once. An answer settles what was open; without one it stays open, also if this future is dropped:
    /// the store may have acted.
    async fn attempt(&self, place: &Place, open: &mut Unsettled) -> Result<Attempt, Error> {
        // What this process has lost it need not wait for: its holder was told.
        if let Some(last) = place.last().filter(|last| last.is_lost()) {
            last.take_back().await?;
        }
        let lease = Arc::clone(open.0.get_or_insert_with(|| self.lease()));
        Ok(match lease.acquire(self.terms.lease).await? {
            Acquisition::Acquired(fence) => {
                open.settle();
                Attempt::Acquired(lease, fence)
            }
            Acquisition::Held(left) => {
                // An earlier request may arrive yet, and be granted.
                if !lease.is_unanswered() {
                    open.settle();
                }
                Attempt::Held(left)
            }
        })
    }

    /// Waits for the turn, and asks until it is granted.
    async fn contend(
        &self,
        place: &mut Place,
        trouble: &mut Option<Error>,
    ) -> Result<(Arc<Lease>, Fence), Error> {
        let mut has_waited = place.is_first().await;
        let (store, key) = (self.cache.lock_store()?, Key::new(&self.terms.name)?);
        let mut early_wakes = 0_u32;
        let mut open = Unsettled::nothing();
        loop {
            let left = match self.attempt(place, &mut open).await {
                Ok(Attempt::Acquired(lease, fence)) => return Ok((lease, fence)),
                Ok(Attempt::Held(left)) => left,
                Err(error) if has_waited && error.is_temporary() => {
                    *trouble = Some(error);
                    // Whatever the store would say of the lock: a server that is full says that it is free, and
                    // refuses whoever wants it. And what keeps it may be this attempt itself.
                    tokio::time::sleep(PAUSE_UNTOLD.mul_f64(1.0 + chance())).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            *trouble = None;
            has_waited = true;
            let began = Instant::now();
            let jitter = 1.0 + chance();
            // At the end of the lease the store tells that as well; this is for the case that it does not.
            let pause = LONGEST_PAUSE.mul_f64(jitter).min(left + EARLY);
            let freed = async {
                let is_told = store.freed(key).await.is_ok();
                if !is_told {
                    tokio::time::sleep(PAUSE_UNTOLD.mul_f64(jitter)).await;
                }
                is_told
            };
            if tokio::time::timeout(pause, freed).await.unwrap_or(false) {
                open.told(self);
            }
            early_wakes = if began.elapsed() < EARLY { early_wakes + 1 } else { 0 };
            if let Some(more) = early_wakes.checked_sub(EARLY_WAKES) {
                let backoff = EARLY * 2_u32.pow(more.min(6));
                // Whoever comes next need not wait that long.
                open = Unsettled::nothing();
                // Not past the end of the lease, when it is free for certain.
                tokio::time::sleep(backoff.min(pause)).await;
            }
        }
    }
}

/// What the store may wait for: a lease that it may have granted, or an attempt that it expects of whoever it has told
/// that the lock is free. Dropped, it is given up, and the store tells the next one.
///
/// The next attempt is for the same lease: so nobody waits for what was granted to himself without an answer, and however
/// many attempts an outage takes, one lease is given back if all are in vain.
struct Unsettled(Option<Arc<Lease>>);

impl Unsettled {
    fn nothing() -> Self {
        Self(None)
    }

    /// The store expects an attempt.
    fn told(&mut self, asking: &Asking<'_>) {
        self.0.get_or_insert_with(|| asking.lease());
    }

    fn settle(&mut self) {
        self.0 = None;
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(lease) = self.0.take() {
            lease.let_go();
        }
    }
}

/// What comes of it, if that is in time. Where it is there at once, no clock is read.
async fn within<T>(wait: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let at_once = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
    if let Poll::Ready(done) = at_once {
        return Some(done);
    }
    match wait.and_then(|wait| Instant::now().checked_add(wait)) {
        None => Some(work.await),
        Some(until) => tokio::time::timeout_at(until, work).await.ok(),
    }
}

fn timed_out() -> Error {
    Error::new(
        ErrorKind::LockTimeout,
        "the lock was not to be had in the time that was waited for it: somebody else held it, or the store did not \
         answer; wait longer, or try again",
    )
}

impl fmt::Debug for LockRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LockRequest");
        match &self.terms {
            Ok(Terms { name, lease, wait }) => {
                shown.field("name", name).field("lease", lease).field("wait", wait);
            }
            Err(error) => {
                shown.field("error", error);
            }
        }
        shown.field("renews", &self.renews).finish_non_exhaustive()
    }
}
