//! Who waits for a lock is woken when nothing is locked, and in time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use cache_core::{Key, LockStore, Owner};
use cache_memory::MemoryStore;
use tokio::time::advance;

const HOUR: Duration = Duration::from_secs(3_600);
const SECOND: Duration = Duration::from_secs(1);
const FIRST: Owner = Owner(1);
const OTHER: Owner = Owner(2);

fn key(name: &str) -> Key<'_> {
    Key::new(name).unwrap()
}

/// Asks the store for something as it wakes, as an executor does that polls a task where it is woken.
struct Inline {
    store: Arc<MemoryStore>,
    woken: AtomicUsize,
}

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        drop(self.store.inspect(key("n")));
        self.woken.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits for a lease of this length, a second later does what may tell those who wait, and hands out how often they were
/// woken by that. In virtual time, and on a thread of its own: what waits for a lock for ever fails.
fn woken_by(lease: Duration, act: fn(&MemoryStore)) -> usize {
    let (done, outcome) = channel();
    let test = async move {
        let store = Arc::new(MemoryStore::new());
        store.acquire(key("n"), FIRST, lease).await.unwrap();
        let inline = Arc::new(Inline { store: Arc::clone(&store), woken: AtomicUsize::new(0) });
        let waker = Waker::from(Arc::clone(&inline));
        let mut freed = store.freed(key("n"));
        assert!(Pin::new(&mut freed).poll(&mut Context::from_waker(&waker)).is_pending());
        advance(SECOND).await;
        let before = inline.woken.load(Ordering::SeqCst);
        act(&store);
        done.send(inline.woken.load(Ordering::SeqCst) - before).unwrap();
    };
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(test);
    });
    outcome.recv_timeout(Duration::from_secs(10)).expect("it comes to an end")
}

#[test]
fn whoever_is_woken_may_use_the_locks() {
    assert_eq!(woken_by(HOUR, |store| drop(store.release(key("n"), FIRST))), 1);
    assert_eq!(woken_by(HOUR, |store| drop(store.force_release(key("n")))), 1);
    assert_eq!(woken_by(SECOND, |store| drop(store.acquire(key("n"), OTHER, HOUR))), 1);
    assert_eq!(woken_by(SECOND, |store| drop(store.force_release(key("n")))), 1);
    let many = |store: &MemoryStore| {
        for other in 0..1_000 {
            drop(store.acquire(key(&format!("other {other}")), OTHER, HOUR));
        }
    };
    assert_eq!(woken_by(SECOND, many), 1, "what has ended is cleared away");
}

#[test]
fn whoever_waits_for_a_lease_that_ends_earlier_is_woken() {
    assert_eq!(woken_by(HOUR, |store| drop(store.renew(key("n"), FIRST, SECOND))), 1);
    assert_eq!(woken_by(HOUR, |store| drop(store.acquire(key("n"), FIRST, SECOND))), 1);
    assert_eq!(woken_by(HOUR, |store| drop(store.renew(key("n"), FIRST, HOUR))), 0);
    assert_eq!(woken_by(HOUR, |store| drop(store.acquire(key("n"), FIRST, HOUR))), 0);
}
