//! What becomes of a lock, of the work that it protects and of whoever comes next, when a holder loses it: with the
//! server paused, emptied or out of reach, or by somebody's hand.
//!
//! The work goes on for as long as it is not dropped, and shows at a resource who was inside when.

mod support;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cache_lock::Locks;
use cache_redis::{Cache, Error, ErrorKind};
use redis_servers::Server;
use support::cable::{Cable, State};
use support::{cache_with, number, registered, resumed, soon, text, until};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const LOCK: &str = "report";
const LEASE: Duration = Duration::from_secs(1);
/// So much shorter than the lease that there are some attempts before it ends.
const TIMEOUT: Duration = Duration::from_millis(200);
/// One that is given up 42 ms before its end, since a timer of a busy machine is late by more than the 12 ms of the
/// shorter one; and that lasts long enough to be without a connection for a while and to make another, for which the
/// store may wait for a second.
const LONG: Duration = Duration::from_secs(4);
/// How much later something may be seen on a busy machine.
const LATE: Duration = Duration::from_millis(500);

/// What the lock protects. It refuses whoever comes with an older token than it has seen, and keeps a log.
#[derive(Default)]
struct Resource(Mutex<Log>);

#[derive(Default)]
struct Log {
    newest: u64,
    events: Vec<(Instant, u64, Event)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Entered,
    Wrote,
    WasRefused,
    Left,
}

/// Somebody who believes that he holds the lock.
struct Inside {
    resource: Arc<Resource>,
    token: u64,
}

impl Resource {
    fn enter(self: &Arc<Self>, token: u64) -> Inside {
        self.log().note(token, Event::Entered);
        Inside { resource: Arc::clone(self), token }
    }

    fn write(&self, token: u64) {
        let mut log = self.log();
        let is_stale = token < log.newest;
        log.newest = log.newest.max(token);
        log.note(token, if is_stale { Event::WasRefused } else { Event::Wrote });
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().expect("nobody panics with it")
    }

    /// The tokens of those who entered, in that order.
    fn entered(&self) -> Vec<u64> {
        let log = self.log();
        let entered = log.events.iter().filter(|(_, _, event)| *event == Event::Entered);
        entered.map(|(_, token, _)| *token).collect()
    }

    /// When somebody did something first.
    fn first(&self, token: u64, event: Event) -> Option<Instant> {
        let log = self.log();
        let mut events = log.events.iter();
        events.find(|(_, who, what)| (*who, *what) == (token, event)).map(|(at, _, _)| *at)
    }

    fn last(&self, token: u64, event: Event) -> Option<Instant> {
        let log = self.log();
        let mut events = log.events.iter().rev();
        events.find(|(_, who, what)| (*who, *what) == (token, event)).map(|(at, _, _)| *at)
    }
}

impl Log {
    fn note(&mut self, token: u64, event: Event) {
        self.events.push((Instant::now(), token, event));
    }
}

impl Inside {
    /// Writes all the time, and does not care whether it is let.
    async fn work(self) {
        loop {
            self.resource.write(self.token);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.resource.log().note(self.token, Event::Left);
    }
}

/// The two ways to stop when the lock is lost.
#[derive(Clone, Copy, Debug)]
enum By {
    /// Waiting for `lost()` beside the work.
    Guard,
    /// Leaving it to `run`.
    Run,
}

/// Plays a scenario in both ways, at the same time, each on a server of its own.
async fn in_both_ways(scenario: impl AsyncFn(By)) {
    tokio::join!(scenario(By::Guard), scenario(By::Run));
}

/// A holder whose way to the server can be cut, and others whose way cannot.
struct Stage {
    server: Arc<Server>,
    cable: Cable,
    ours: Cache,
    theirs: Cache,
    lease: Duration,
    resource: Arc<Resource>,
    /// Who holds the lock at first, and until it is told to finish.
    holder: JoinHandle<Result<(), Error>>,
    finish: Arc<Notify>,
    token: u64,
}

impl Stage {
    async fn set(by: By, lease: Duration) -> Self {
        let server = Arc::new(Server::start().await);
        let cable = Cable::to(&server).await;
        let (ours, theirs) = (impatient(cable.url()).await, impatient(&server.url()).await);
        let (resource, finish) = (Arc::<Resource>::default(), Arc::<Notify>::default());
        let request = ours.lock(LOCK, lease);
        let holder = {
            let (server, resource) = (Arc::clone(&server), Arc::clone(&resource));
            let finish = Arc::clone(&finish);
            tokio::spawn(async move {
                let work = async |token| {
                    tokio::select! {
                        () = resource.enter(token).work() => {}
                        () = finish.notified() => {}
                    }
                };
                match by {
                    By::Guard => {
                        let guard = request.acquire().await?;
                        tokio::select! {
                            biased;
                            () = guard.lost() => assert!(!guard.is_held()),
                            () = work(guard.fencing_token()) => {}
                        }
                        guard.release().await
                    }
                    By::Run => {
                        let work = async || {
                            work(fence(&server)).await;
                            Ok(())
                        };
                        request.run(work).await
                    }
                }
            })
        };
        until(|| !resource.entered().is_empty()).await;
        let token = resource.entered()[0];
        Self { server, cable, ours, theirs, lease, resource, holder, finish, token }
    }

    /// Somebody else who wants the lock, and stays inside for long enough to meet whoever is there as well.
    fn successor(&self) -> JoinHandle<()> {
        let request = self.theirs.lock(LOCK, self.lease).wait("30s");
        let resource = Arc::clone(&self.resource);
        tokio::spawn(async move {
            let guard = request.acquire().await.expect("it is free in the end");
            let work = resource.enter(guard.fencing_token()).work();
            let _ = tokio::time::timeout(LEASE, work).await;
            guard.release().await.expect("nobody takes it away");
        })
    }

    async fn waiting_successor(&self) -> JoinHandle<()> {
        let successor = self.successor();
        until(|| registered(&self.server, LOCK) == 1).await;
        successor
    }

    /// Waits for a renewal. The next is due in a third of the lease: until then it is certain when the lease ends
    /// on the server, which is not before the instant returned.
    async fn renewed(&self) -> Instant {
        let renewed = async {
            let mut last = i64::MAX;
            loop {
                let asked = Instant::now();
                let left = number(self.server.ask(&["PTTL", "cache#lock:{report}"]));
                if left > last {
                    // The server counts in whole milliseconds.
                    let left = u64::try_from(left - 1).expect("it has been renewed");
                    return asked + Duration::from_millis(left);
                }
                last = left;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        soon(renewed).await
    }

    /// Waits until the holder has lost the lock. Returns when its work was dropped.
    async fn lost(&mut self) -> Instant {
        let error = soon(&mut self.holder).await.expect("no panic").expect_err("it is lost");
        assert_eq!(error.kind(), ErrorKind::LockLost, "{error:?}");
        self.resource.last(self.token, Event::Left).expect("the work is dropped")
    }

    /// Whether the other came only after the holder had left: if that is promised.
    fn assert_apart(&self) {
        let left = self.resource.last(self.token, Event::Left).expect("it has left");
        let entered = self.resource.first(self.next(), Event::Entered).expect("it has entered");
        assert!(entered >= left, "both were inside for {:?}", left - entered);
    }

    /// The token of the other, which is greater than that of the holder.
    fn next(&self) -> u64 {
        let [first, second] = self.resource.entered()[..] else {
            panic!("two have been inside: {:?}", self.resource.entered())
        };
        assert!(first == self.token && second > first, "{second} after {first}");
        second
    }

    /// That nothing of the holder's gets through once the other has been there, though it may try.
    fn assert_fenced(&self) {
        self.resource.write(self.token);
        let first = self.resource.first(self.next(), Event::Wrote).expect("it has written");
        let last = self.resource.last(self.token, Event::Wrote).expect("it has written");
        assert!(last <= first, "an old token was let through {:?} later", last - first);
        assert!(self.resource.last(self.token, Event::WasRefused).is_some());
        assert_eq!(self.resource.first(self.next(), Event::WasRefused), None);
    }
}

async fn impatient(url: &str) -> Cache {
    cache_with(url, |builder| builder.command_timeout(TIMEOUT)).await
}

/// The fencing token of whoever holds the lock, for work that has no guard to ask.
fn fence(server: &Server) -> u64 {
    text(server.ask(&["GET", "cache#fence:{report}"])).parse().expect("a number")
}

/// Sleeps until then, by the clock that the log is kept by.
async fn at(then: Instant) {
    tokio::time::sleep_until(then.into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_paused_past_the_lease() {
    in_both_ways(async |by| {
        let mut stage = Stage::set(by, LONG).await;
        let successor = stage.waiting_successor().await;
        let end = stage.renewed().await;
        stage.server.pause().await;
        let lost = stage.lost().await;
        assert!(lost < end, "{by:?}: {:?} too late", lost - end);
        at(end + LEASE / 4).await;
        // What was asked while it was paused is done now, the renewals included.
        stage.server.resume().await;
        soon(successor).await.unwrap();
        stage.assert_apart();
        stage.assert_fenced();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_for_longer_than_the_lease() {
    for state in [State::Cut, State::Silent] {
        in_both_ways(async |by| {
            let mut stage = Stage::set(by, LONG).await;
            let successor = stage.waiting_successor().await;
            let end = stage.renewed().await;
            stage.cable.set(state);
            let lost = stage.lost().await;
            assert!(lost < end, "{by:?}, {state:?}: {:?} too late", lost - end);
            let entered = || stage.resource.entered().len() == 2;
            until(entered).await;
            let entered = stage.resource.first(stage.next(), Event::Entered).unwrap();
            assert!(entered >= end, "{by:?}, {state:?}: {:?} too soon", end - entered);
            assert!(entered < end + LATE, "{by:?}, {state:?}: {:?} late", entered - end);
            // Back again, the old holder takes nothing from the new one.
            stage.cable.set(State::Whole);
            resumed(&stage.ours).await;
            soon(successor).await.unwrap();
            stage.assert_apart();
            stage.assert_fenced();
            let again = stage.ours.lock(LOCK, LEASE).try_acquire().await.unwrap();
            again.expect("it is free").release().await.unwrap();
        })
        .await;
    }
}

/// The lock is as it was, and beyond the end that it had.
async fn is_ridden_out(stage: Stage, end: Instant, successor: JoinHandle<()>) {
    at(end + LATE).await;
    assert_eq!(stage.resource.entered(), [stage.token], "nobody else has got in");
    assert!(!stage.holder.is_finished());
    stage.finish.notify_one();
    soon(stage.holder).await.expect("no panic").expect("it is held until it is given back");
    soon(successor).await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_for_less_than_the_lease() {
    in_both_ways(async |by| {
        let stage = Stage::set(by, LONG).await;
        let successor = stage.waiting_successor().await;
        let end = stage.renewed().await;
        stage.cable.set(State::Cut);
        // A renewal has failed by then, and another; and there is time for a second attempt to connect, if the
        // first fails.
        tokio::time::sleep(LONG * 2 / 5).await;
        stage.cable.set(State::Whole);
        is_ridden_out(stage, end, successor).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_killed_again_and_again() {
    in_both_ways(async |by| {
        let stage = Stage::set(by, LONG).await;
        let successor = stage.waiting_successor().await;
        let end = stage.renewed().await;
        let begun = Instant::now();
        while begun.elapsed() < LONG / 2 {
            stage.server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        is_ridden_out(stage, end, successor).await;
    })
    .await;
}

/// Nobody can promise that the holder has left when the next one comes: the resource has to refuse it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_taken_away() {
    for is_forced in [false, true] {
        in_both_ways(async |by| {
            let mut stage = Stage::set(by, LEASE).await;
            let end = stage.renewed().await;
            let taken = Instant::now();
            let successor = if is_forced {
                let successor = stage.waiting_successor().await;
                assert!(stage.theirs.force_release_lock(LOCK).await.unwrap());
                successor
            } else {
                stage.server.ask(&["DEL", "cache#lock:{report}"]);
                stage.successor()
            };
            let lost = stage.lost().await;
            let due = taken + LEASE / 3;
            assert!(lost < due + TIMEOUT, "{by:?}: told {:?} after the renewal", lost - due);
            assert!(lost < end);
            assert!(stage.resource.entered().len() == 2, "{by:?}: the other did not wait for it");
            let refused = stage.resource.first(stage.token, Event::WasRefused);
            assert!(refused.is_some_and(|at| at < lost), "{by:?}: it tried while both were inside");
            soon(successor).await.unwrap();
            stage.assert_fenced();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_started_again_without_its_locks() {
    // So long that the server is back before a renewal is due.
    in_both_ways(async |by| {
        let mut stage = Stage::set(by, LONG).await;
        let end = stage.renewed().await;
        stage.server.stop().await;
        stage.server.start_again().await;
        let back = Instant::now();
        resumed(&stage.theirs).await;
        let successor = stage.successor();
        let lost = stage.lost().await;
        assert!(lost < back + LONG / 3 + LATE, "{by:?}: told by the next renewal");
        assert!(lost < end, "{by:?}: {:?} too late", lost - end);
        soon(successor).await.unwrap();
        stage.assert_fenced();
    })
    .await;
}

/// Nobody waits for its lease, which is long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_given_up_in_an_outage_is_free_soon_after_it() {
    let server = Server::start().await;
    let cable = Cable::to(&server).await;
    let (ours, theirs) = (impatient(cable.url()).await, impatient(&server.url()).await);
    for state in [State::Cut, State::Silent] {
        for by_dropping in [true, false] {
            let guard = ours.lock(LOCK, "1h").acquire().await.unwrap();
            cable.set(state);
            if by_dropping {
                drop(guard);
            } else {
                let error = guard.release().await.expect_err("the server is out of reach");
                assert!(error.is_temporary(), "{error:?}");
            }
            tokio::time::sleep(LEASE).await;
            assert!(theirs.lock(LOCK, "1h").try_acquire().await.unwrap().is_none());
            cable.set(State::Whole);
            let next = soon(theirs.lock(LOCK, "1h").wait("1h").acquire()).await.unwrap();
            next.release().await.unwrap();
            resumed(&ours).await;
        }
    }
}
