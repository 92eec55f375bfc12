//! What must not be left to a scheduler, polled by hand.

use std::cell::Cell;
use std::task::Poll;

use cache_memory::{Cache, Error, MemoryStore};
use tokio::sync::oneshot;
use tokio_test::task::spawn;

fn cache() -> Cache {
    Cache::new(MemoryStore::new())
}

/// The answer of a future that has it at its first poll.
macro_rules! at_once {
    ($future:expr) => {
        match spawn($future).poll() {
            Poll::Ready(answer) => answer.unwrap(),
            Poll::Pending => panic!("{} is not ready on its first poll", stringify!($future)),
        }
    };
}

#[test]
fn every_operation_is_ready_on_its_first_poll() {
    let cache = cache();
    at_once!(cache.put("k", "v", "1h"));
    assert_eq!(at_once!(cache.get::<String>("k")).as_deref(), Some("v"));
    assert_eq!(at_once!(cache.get::<String>("absent")), None);
    assert!(at_once!(cache.get_shared::<String>("k")).is_some());
    assert!(at_once!(cache.get_shared::<String>("k")).is_some(), "also of a kept object");
    assert!(at_once!(cache.has("k")));
    assert!(at_once!(cache.ttl("k")).is_some());
    assert!(at_once!(cache.touch("k", "2h")));
    assert!(at_once!(cache.add("a", &1, "1h")));
    assert_eq!(at_once!(cache.increment("a")), 2);
    at_once!(cache.put_many([("b", "B"), ("c", "C")], "1h"));
    assert_eq!(at_once!(cache.get_many::<String>(["b", "c"])).len(), 2);
    assert_eq!(at_once!(cache.forget_many(["b", "c"])), 2);
    assert_eq!(at_once!(cache.pull::<i64>("a")), Some(2));
    assert!(at_once!(cache.forget("k")));
    assert_eq!(at_once!(cache.remember("r", "1h", async || Ok::<_, Error>(7))), 7);
    assert_eq!(at_once!(cache.remember("r", "1h", async || Ok::<_, Error>(8))), 7);
    at_once!(cache.flush());
    at_once!(cache.close());
}

#[test]
fn the_second_caller_pends_until_the_first_has_filled() {
    let cache = cache();
    let (finish, finished) = oneshot::channel();
    let mut first = spawn(cache.remember("k", "1h", async || {
        finished.await.unwrap();
        Ok::<_, Error>(1)
    }));
    let mut second = spawn(cache.remember("k", "1h", async || Ok::<_, Error>(2)));
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    finish.send(()).unwrap();
    assert!(first.is_woken());
    assert!(!second.is_woken(), "nothing has been filled yet");
    assert!(matches!(first.poll(), Poll::Ready(Ok(1))));
    assert!(second.is_woken());
    assert!(matches!(second.poll(), Poll::Ready(Ok(1))));
}

#[test]
fn dropping_the_loader_wakes_exactly_one_waiter() {
    let cache = cache();
    let loads = Cell::new(0);
    let never = || async {
        loads.set(loads.get() + 1);
        std::future::pending::<Result<u8, Error>>().await
    };
    let mut loader = spawn(cache.remember("k", "1h", never));
    let mut waiters: Vec<_> = (0..5).map(|_| spawn(cache.remember("k", "1h", never))).collect();
    assert!(loader.poll().is_pending());
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    drop(loader);
    let woken: Vec<_> = waiters.iter().map(tokio_test::task::Spawn::is_woken).collect();
    assert_eq!(woken, [true, false, false, false, false], "the one that waits longest");
    assert!(waiters[0].poll().is_pending());
    assert_eq!(loads.get(), 2);
    // A waiter that is woken and dropped before it has acted passes it on.
    drop(waiters.remove(0));
    assert!(waiters[0].is_woken());
    drop(waiters.remove(0));
    assert!(waiters[0].is_woken());
    assert_eq!(loads.get(), 2, "it had not been polled since");
    drop(waiters);
    assert_eq!(at_once!(cache.remember("k", "1h", async || Ok::<_, Error>(9))), 9);
}
