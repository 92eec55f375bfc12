//! The contract of a driver, as cases that run.
//!
//! Every driver of `cache` passes them, and a driver of your own should. One test without a harness runs
//! them all; a case that needs what the store cannot do shows as ignored, never as passed:
//!
//! ```no_run
//! # use cache_core::{Store, conformance::Suite};
//! # fn my_store() -> Box<dyn Store> { unimplemented!() }
//! fn main() -> std::process::ExitCode {
//!     Suite::new(|| async { my_store() }).main()
//! }
//! ```
//!
//! with, in `Cargo.toml`:
//!
//! ```toml
//! [[test]]
//! name = "conformance"
//! harness = false
//! ```
//!
//! Crates that extend the cache bring further cases, of what they promise on every driver:
//! `Suite::new(…).with(cache_lock::conformance::cases())`. [`Case::new`] shows how to write such.
//!
//! The suite is itself tested, by stores that are wrong on purpose: each must fail the case that is there
//! for it.

#![allow(clippy::unwrap_used, reason = "a case fails by panicking")]

mod counters;
mod expiry;
mod flushed;
mod interleaved;
mod locks;
mod many;
mod remember;
mod remember_shared;
mod tag_limits;
mod tagged_loads;
mod tags;
mod values;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::{Cache, CacheBuilder, Store};

/// The cases, over stores from one factory.
#[derive(Clone)]
pub struct Suite {
    make: Arc<dyn Fn() -> LocalFuture<Box<dyn Store>> + Send + Sync>,
    time: Time,
    further: Vec<Case>,
}

/// One case of the contract.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    needs: [Option<Capability>; 2],
    runtime: Needs,
    run: fn(Rig) -> LocalFuture<()>,
}

/// What a store may be unable to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// [`Store::tags`] is `Some`.
    Tags,
    /// [`Store::locks`] is `Some`.
    Locks,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The store does what it must.
    Passed,
    /// The store says that it cannot do what the case is about.
    Ignored(Capability),
    /// It does not, and this is how it showed.
    Failed(String),
}

type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// Whose clock expires entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Real,
    Virtual,
}

/// What a case runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Tasks,
    /// Real threads, and so real time.
    Threads,
}

/// No case takes this long, unless the store hangs.
const LIMIT: Duration = Duration::from_secs(60);

impl Suite {
    /// The suite over the stores that `make` gives: each a new and empty one, apart from the others.
    pub fn new<S: Store, F: Future<Output = S> + 'static>(
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(move || -> LocalFuture<Box<dyn Store>> {
            let store = make();
            Box::pin(async move { Box::new(store.await) as Box<dyn Store> })
        });
        Self { make, time: Time::Real, further: vec![] }
    }

    /// Says that the stores expire entries by tokio's clock: cases then pause it, and lifetimes are
    /// checked to the millisecond without waiting for them.
    #[must_use]
    pub fn in_virtual_time(self) -> Self {
        Self { time: Time::Virtual, ..self }
    }

    /// Adds cases to those of the contract itself.
    #[must_use]
    pub fn with(mut self, cases: impl IntoIterator<Item = Case>) -> Self {
        self.further.extend(cases);
        self
    }

    /// The cases of the contract itself, in a fixed order.
    pub fn cases() -> Vec<Case> {
        [
            values::cases(),
            expiry::cases(),
            counters::cases(),
            many::cases(),
            remember::cases(),
            remember_shared::cases(),
            tags::cases(),
            tag_limits::cases(),
            flushed::cases(),
            tagged_loads::cases(),
            interleaved::cases(),
            locks::cases(),
        ]
        .concat()
    }

    /// Runs one case.
    pub fn run(&self, case: &Case) -> Verdict {
        if let Some(missing) = self.lacks(case) {
            return Verdict::Ignored(missing);
        }
        match catch_unwind(AssertUnwindSafe(|| self.execute(case))) {
            Ok(()) => Verdict::Passed,
            Err(panic) => Verdict::Failed(message(&*panic)),
        }
    }

    /// Runs the cases as a test binary does, with the arguments and the output of one.
    pub fn main(self) -> ExitCode {
        let arguments = Arguments::from_args();
        let trial = |case: Case| {
            let suite = self.clone();
            let ignored = suite.lacks(&case).is_some();
            Trial::test(case.name, move || {
                suite.execute(&case);
                Ok(())
            })
            .with_ignored_flag(ignored)
        };
        let cases = Self::cases().into_iter().chain(self.further.iter().copied());
        libtest_mimic::run(&arguments, cases.map(trial).collect()).exit_code()
    }

    fn lacks(&self, case: &Case) -> Option<Capability> {
        let mut needs = case.needs.into_iter().flatten().peekable();
        needs.peek()?;
        let store = self.runtime(Needs::Tasks).block_on((self.make)());
        needs.find(|needed| match needed {
            Capability::Tags => store.tags().is_none(),
            Capability::Locks => store.locks().is_none(),
        })
    }

    /// Panics if the case fails.
    fn execute(&self, case: &Case) {
        let rig = Rig { suite: self.clone(), time: self.time_of(case.runtime) };
        self.runtime(case.runtime).block_on(async {
            let done = tokio::time::timeout(LIMIT.max(rig.longest()), (case.run)(rig)).await;
            assert!(done.is_ok(), "the case did not come to an end: something is stuck");
        });
    }

    fn time_of(&self, needs: Needs) -> Time {
        if needs == Needs::Threads { Time::Real } else { self.time }
    }

    fn runtime(&self, needs: Needs) -> Runtime {
        let built = match needs {
            Needs::Threads => Builder::new_multi_thread().worker_threads(4).enable_all().build(),
            Needs::Tasks => Builder::new_current_thread()
                .enable_all()
                .start_paused(self.time == Time::Virtual)
                .build(),
        };
        built.expect("a runtime can be built")
    }
}

impl Case {
    /// A case that fails by panicking.
    ///
    /// It runs on one thread, so that what its tasks do is not left to chance, and is over within a minute.
    ///
    /// ```
    /// use cache_core::conformance::{Case, Rig};
    ///
    /// async fn a_value_is_there(rig: Rig) {
    ///     let cache = rig.cache().await;
    ///     cache.put("k", "v", "1h").await.unwrap();
    ///     assert!(cache.has("k").await.unwrap());
    /// }
    ///
    /// let case = Case::new("a_value_is_there", |rig| Box::pin(a_value_is_there(rig)));
    /// assert_eq!(case.name(), "a_value_is_there");
    /// ```
    pub fn new(name: &'static str, run: fn(Rig) -> LocalFuture<()>) -> Self {
        Self { name, needs: [None; 2], runtime: Needs::Tasks, run }
    }

    /// Runs it on several threads, and so in real time.
    #[must_use]
    pub fn on_threads(self) -> Self {
        Self { runtime: Needs::Threads, ..self }
    }

    /// Has it ignored where the store cannot do this, as well as what was said before.
    #[must_use]
    pub fn needing(self, capability: Capability) -> Self {
        Self { needs: [Some(capability), self.needs[0].filter(|it| *it != capability)], ..self }
    }

    /// The behaviour that the case pins.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// What a case is given: stores, and time.
#[derive(Clone, Debug)]
pub struct Rig {
    suite: Suite,
    time: Time,
}

impl Rig {
    /// A store of its own, empty.
    pub async fn store(&self) -> Box<dyn Store> {
        (self.suite.make)().await
    }

    /// A cache of its own, on an empty store.
    pub async fn cache(&self) -> Cache {
        Cache::new(self.store().await)
    }

    /// The same, to be set up.
    pub async fn builder(&self) -> CacheBuilder {
        Cache::builder(self.store().await)
    }

    /// Lets time pass: virtual time in one leap, real time by waiting. Where timers are to fire on the way, sleep.
    pub async fn pass(&self, time: Duration) {
        match self.time {
            Time::Virtual => tokio::time::advance(time).await,
            Time::Real => tokio::time::sleep(time).await,
        }
    }

    /// How often to try what shows only by chance: often where the store is near, which one in virtual time
    /// is, and not so often where each call may be a round trip.
    pub fn often(&self, near: u64, far: u64) -> u64 {
        if self.suite.time == Time::Virtual { near } else { far }
    }

    /// Whether what is said of a deadline can be checked to the millisecond.
    pub fn is_exact(&self) -> bool {
        self.time == Time::Virtual
    }

    /// A case may let virtual time pass for longer than it may take.
    fn longest(&self) -> Duration {
        match self.time {
            Time::Virtual => Duration::from_secs(60 * 60 * 24 * 365 * 200),
            Time::Real => LIMIT,
        }
    }
}

/// A millisecond, and many.
const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".into())
}

/// Lists the cases of a file by the names of their functions.
macro_rules! case {
    ($name:ident) => {
        $crate::conformance::Case::new(stringify!($name), |rig| Box::pin($name(rig)))
    };
}
use case;

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").field("time", &self.time).finish_non_exhaustive()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("needs", &self.needs)
            .finish_non_exhaustive()
    }
}
