//! Work under a lock: alone, dropped when the lock is lost, and the lock free when it is done, however that ends.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cache_core::conformance::{Case, Rig};
use cache_core::{Error, ErrorKind};
use tokio::time::Instant;

use super::{NAME, awaited, case, kind, millis, shared, short, sleep, taken};
use crate::Locks;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(work_runs_alone_and_gives_what_it_gives),
        case!(a_failure_of_the_work_frees_the_lock),
        case!(a_panic_of_the_work_frees_the_lock),
        case!(work_that_is_dropped_frees_the_lock),
        case!(work_outlasts_the_lease),
        case!(work_is_dropped_when_its_lock_is_lost),
        case!(work_is_dropped_when_its_lock_is_taken_away),
        case!(work_that_ends_after_its_lock_was_taken_away_is_not_believed),
        case!(locks_of_other_names_nest),
        case!(a_lock_within_itself_times_out),
        case!(work_does_not_begin_without_the_lock),
    ]
}

async fn work_runs_alone_and_gives_what_it_gives(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let work = async || {
        assert!(taken(&one).await.is_none() && taken(&other).await.is_none());
        Ok::<_, Error>(42)
    };
    assert_eq!(one.lock_and_run(NAME, "1m", work).await.unwrap(), 42);
    assert!(taken(&other).await.is_some());
}

async fn a_failure_of_the_work_frees_the_lock(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let failure = Error::new(ErrorKind::Unsupported, "no such report");
    let failed = one.lock_and_run(NAME, "1m", async || Err::<(), _>(failure)).await;
    let error = failed.unwrap_err();
    assert!(error.kind() == ErrorKind::Unsupported && error.to_string() == "no such report");
    assert!(taken(&other).await.is_some());
}

async fn a_panic_of_the_work_frees_the_lock(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let panics = tokio::spawn(async move {
        // Without the hook's message: this panic is part of the case.
        let work = async || -> Result<(), Error> { resume_unwind(Box::new("the work panics")) };
        one.lock_and_run(NAME, "1m", work).await
    });
    assert!(panics.await.unwrap_err().is_panic());
    awaited(&other).await.release().await.unwrap();
}

async fn work_that_is_dropped_frees_the_lock(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let (inside, is_inside) = tokio::sync::oneshot::channel();
    let working = tokio::spawn(async move {
        let work = async || {
            inside.send(()).unwrap();
            std::future::pending::<Result<(), Error>>().await
        };
        one.lock_and_run(NAME, "1m", work).await
    });
    is_inside.await.unwrap();
    assert!(taken(&other).await.is_none());
    working.abort();
    assert!(working.await.unwrap_err().is_cancelled());
    awaited(&other).await.release().await.unwrap();
}

async fn work_outlasts_the_lease(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let work = async || {
        sleep(short(&rig) * 3).await;
        assert!(taken(&other).await.is_none());
        Ok::<_, Error>(())
    };
    one.lock_and_run(NAME, short(&rig), work).await.unwrap();
    assert!(taken(&other).await.is_some());
}

/// Says when it is dropped.
struct Work(Arc<AtomicBool>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

async fn work_is_dropped_when_its_lock_is_lost(rig: Rig) {
    let (store, one, other) = shared(&rig).await;
    let is_dropped = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let work = async || {
        let _work = Work(Arc::clone(&is_dropped));
        std::future::pending::<Result<(), Error>>().await
    };
    let asked = one.lock(NAME, short(&rig)).without_renewal();
    let lost = tokio::time::timeout(millis(15_000), asked.run(work)).await;
    assert_eq!(kind(lost.expect("it ends")), Some(ErrorKind::LockLost));
    assert!(is_dropped.load(Ordering::SeqCst));
    assert!(!rig.is_exact() || began.elapsed() < short(&rig), "before the lease has ended");
    drop(store);
    awaited(&other).await.release().await.unwrap();
}

async fn work_is_dropped_when_its_lock_is_taken_away(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let is_dropped = Arc::new(AtomicBool::new(false));
    let work = async || {
        let _work = Work(Arc::clone(&is_dropped));
        assert!(other.force_release_lock(NAME).await.unwrap());
        std::future::pending::<Result<(), Error>>().await
    };
    let lost = tokio::time::timeout(millis(15_000), one.lock_and_run(NAME, short(&rig), work));
    assert_eq!(kind(lost.await.expect("it ends")), Some(ErrorKind::LockLost));
    assert!(is_dropped.load(Ordering::SeqCst));
    assert!(taken(&other).await.is_some());
}

async fn work_that_ends_after_its_lock_was_taken_away_is_not_believed(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let successor = std::sync::Mutex::new(None);
    let work = async || {
        assert!(other.force_release_lock(NAME).await.unwrap());
        let next = taken(&other).await;
        *successor.lock().unwrap() = next;
        Ok::<_, Error>(())
    };
    assert_eq!(kind(one.lock_and_run(NAME, "1m", work).await), Some(ErrorKind::LockLost));
    assert!(taken(&one).await.is_none(), "the successor's lock stays");
    let successor = successor.lock().unwrap().take().unwrap();
    successor.release().await.unwrap();
}

async fn locks_of_other_names_nest(rig: Rig) {
    let cache = rig.cache().await;
    let outer = async || {
        let inner = async || {
            assert!(cache.inspect_lock("outer").await?.is_some());
            assert!(cache.inspect_lock("inner").await?.is_some());
            Ok::<_, Error>(7)
        };
        let given = cache.lock_and_run("inner", "1m", inner).await?;
        assert!(cache.inspect_lock("inner").await?.is_none());
        Ok::<_, Error>(given)
    };
    assert_eq!(cache.lock_and_run("outer", "1m", outer).await.unwrap(), 7);
    assert!(cache.inspect_lock("outer").await.unwrap().is_none());
}

async fn a_lock_within_itself_times_out(rig: Rig) {
    let cache = rig.cache().await;
    let outer = async || {
        let inner = cache.lock(NAME, "1m").wait(millis(50));
        let never = inner.run(async || -> Result<(), Error> { panic!("two inside") });
        assert_eq!(kind(never.await), Some(ErrorKind::LockTimeout));
        Ok::<_, Error>(())
    };
    cache.lock_and_run(NAME, "1m", outer).await.unwrap();
    assert!(taken(&cache).await.is_some());
}

async fn work_does_not_begin_without_the_lock(rig: Rig) {
    let (_, one, other) = shared(&rig).await;
    let guard = taken(&other).await.unwrap();
    let asked = one.lock(NAME, "1m").wait(millis(20));
    let never = asked.run(async || -> Result<(), Error> { panic!("two inside") });
    assert_eq!(kind(never.await), Some(ErrorKind::LockTimeout));
    guard.release().await.unwrap();
}
