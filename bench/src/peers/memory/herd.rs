//! Many callers miss one key at once: how often it is loaded, and when all have it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cache_memory::Error;
use cached::macros::cached;
use tokio::sync::Notify;

use super::contender::{Cachet, FoyerHandle, Kept, MokaFuture, Quick};
use super::lineup::{CACHED, CACHET_PROTECTED, FOYER, MOKA_FUTURE, QUICK};
use super::{Bench, TTL_AS_TEXT};
use crate::fixture::User;
use crate::record::{Better, Group, OURS, Records, Unit};
use crate::spread::Spread;
use crate::table::Table;
use crate::turns;
use crate::verdict::Findings;

const ID: &str = "memory-herd";
const CASE: &str = "10,000 callers";
const CALLERS: usize = 10_000;
const CAPACITY: usize = 1_000;
const LOAD: Duration = Duration::from_millis(50);
/// Before each herd, so that what the one before has left is done, and the threads sleep.
const REST: Duration = Duration::from_millis(10);

pub(super) fn run(bench: &Bench, records: &mut Records, findings: &mut Findings) {
    let mut herds = [
        Herd::new(QUICK, || Quick::<Arc<User>>::new(CAPACITY)),
        Herd::new(MOKA_FUTURE, || MokaFuture::<Arc<User>>::new(CAPACITY)),
        Herd::new(FOYER, || FoyerHandle::<User>::new(CAPACITY)),
        Herd::new(CACHED, || Memoised),
        Herd::new(CACHET_PROTECTED, || Cachet::<Arc<User>>::with_stampede_protection(CAPACITY)),
        Herd::new(OURS, || Kept::new(CAPACITY)),
    ];
    // The first time warms up.
    for repeat in 0..=bench.effort.pick(15, 3) {
        let key: Arc<str> = format!("user:{repeat}").into();
        for at in turns::order(herds.len(), repeat) {
            let herd = &mut herds[at];
            let (loads, took) = bench.runtime.block_on((herd.once)(Arc::clone(&key)));
            herd.most_loads = herd.most_loads.max(loads);
            if repeat > 0 {
                herd.times.push(took.as_secs_f64() * 1e3);
            }
        }
    }
    report(&herds, records, findings);
}

fn report(herds: &[Herd], records: &mut Records, findings: &mut Findings) {
    println!("\n{CALLERS} callers of one missing key, a load of {LOAD:?}");
    let mut table = Table::new(["", "ms until all have it (p10–p90)", "loads at most"]);
    let loads: Vec<_> =
        herds.iter().map(|herd| format!("{}: {}", herd.name, herd.most_loads)).collect();
    records.group(Group {
        id: ID.to_owned(),
        title: "a herd on one missing key".to_owned(),
        unit: Unit::Milliseconds,
        better: Better::Lower,
        note: format!(
            "10,000 tasks on two threads ask for one key that nobody has, whose load takes 50 ms: from \
             before the first is spawned until the last has its value. Loads, at the most in any repeat: \
             {}. All hand out one object: an `Arc`, foyer an entry of its own, cache what \
             `remember_shared` gives. cached is its macro for functions, `sync_writes = \"by_key\"`, which lets \
             callers in one by one; foyer and cachet load in a task of their own or in the first caller's. \
             quick_cache and foyer store without a lifetime. Left out: mini-moka, which cannot load; moka \
             sync, whose callers would each block a thread; cached's stores by themselves, and cachet \
             without its protection, which load as often as they are asked.",
            loads.join(", ")
        ),
    });
    for herd in herds {
        let spread = Spread::of(herd.times.iter().copied());
        table.row([herd.name.to_owned(), format!("{spread:.1}"), herd.most_loads.to_string()]);
        records.add(ID, CASE, herd.name, herd.times.iter().copied());
        findings.must(herd.name != OURS || herd.most_loads == 1, || {
            format!("{} loads of one key that {CALLERS} missed", herd.most_loads)
        });
    }
    table.print();
}

/// How often the key was loaded, and how long it took until everybody had it.
type Outcome = std::pin::Pin<Box<dyn Future<Output = (u64, Duration)>>>;

struct Herd {
    name: &'static str,
    once: Box<dyn Fn(Arc<str>) -> Outcome>,
    most_loads: u64,
    times: Vec<f64>,
}

impl Herd {
    fn new<C: Herded>(name: &'static str, make: impl Fn() -> C + Copy + 'static) -> Self {
        let once = Box::new(move |key| Box::pin(once(make, key)) as Outcome);
        Self { name, once, most_loads: 0, times: Vec::new() }
    }
}

async fn once<C: Herded>(make: impl FnOnce() -> C, key: Arc<str>) -> (u64, Duration) {
    let (cache, loads) = (Arc::new(make()), Arc::new(Loads::default()));
    let left = Arc::new(Left { callers: AtomicUsize::new(CALLERS), none: Notify::new() });
    tokio::time::sleep(REST).await;
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (cache, key, loads) = (Arc::clone(&cache), Arc::clone(&key), Arc::clone(&loads));
            let left = Arc::clone(&left);
            tokio::spawn(async move {
                let id = cache.remember(&key, &loads).await;
                left.one_less();
                id
            })
        })
        .collect();
    left.none.notified().await;
    let took = started.elapsed();
    for caller in callers {
        match caller.await {
            Ok(id) => assert_eq!(id, LOADED),
            Err(error) => panic!("every caller gets the value: {error}"),
        }
    }
    (loads.0.load(Ordering::Relaxed), took)
}

/// How many have no value yet. The last one tells that there are none, since whoever awaited one task after the
/// other would be woken as often, on a processor that the callers need.
struct Left {
    callers: AtomicUsize,
    none: Notify,
}

impl Left {
    fn one_less(&self) {
        if self.callers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none.notify_one();
        }
    }
}

/// The user that is loaded.
const LOADED: u64 = 1;

#[derive(Default)]
struct Loads(AtomicU64);

impl Loads {
    async fn load(&self) -> User {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(LOAD).await;
        User::new(LOADED)
    }
}

/// Loads a key once for all who ask for it at once.
trait Herded: Send + Sync + 'static {
    /// What is looked up or else loaded, by its number.
    fn remember(&self, key: &str, loads: &Arc<Loads>) -> impl Future<Output = u64> + Send;
}

impl Herded for Quick<Arc<User>> {
    async fn remember(&self, key: &str, loads: &Arc<Loads>) -> u64 {
        let load = async { Ok::<_, Infallible>(Arc::new(loads.load().await)) };
        match self.0.get_or_insert_async(key, load).await {
            Ok(user) => user.id,
            Err(never) => match never {},
        }
    }
}

impl Herded for MokaFuture<Arc<User>> {
    async fn remember(&self, key: &str, loads: &Arc<Loads>) -> u64 {
        self.0.get_with_by_ref(key, async { Arc::new(loads.load().await) }).await.id
    }
}

impl Herded for FoyerHandle<User> {
    async fn remember(&self, key: &str, loads: &Arc<Loads>) -> u64 {
        let loads = Arc::clone(loads);
        let load = || async move { Ok::<_, Infallible>(loads.load().await) };
        match self.0.get_or_fetch(key, load).await {
            Ok(entry) => entry.value().id,
            Err(error) => panic!("nothing fails: {error}"),
        }
    }
}

impl Herded for Cachet<Arc<User>> {
    async fn remember(&self, key: &str, loads: &Arc<Loads>) -> u64 {
        match self.0.get_or_insert(key, || async { Arc::new(loads.load().await) }).await {
            Ok(entry) => entry.value().id,
            Err(error) => panic!("nothing fails: {error}"),
        }
    }
}

impl Herded for Kept {
    async fn remember(&self, key: &str, loads: &Arc<Loads>) -> u64 {
        let load = async || Ok::<_, Error>(loads.load().await);
        match self.0.remember_shared(key, TTL_AS_TEXT, load).await {
            Ok(user) => user.id,
            Err(error) => panic!("nothing fails: {error}"),
        }
    }
}

/// A function whose results are kept.
struct Memoised;

#[cached(
    max_size = 1_000,
    ttl_secs = 3_600,
    sync_writes = "by_key",
    key = "String",
    convert = { key.to_owned() }
)]
async fn find_user(key: &str, loads: &Loads) -> Arc<User> {
    let _ = key;
    Arc::new(loads.load().await)
}

impl Herded for Memoised {
    async fn remember(&self, key: &str, loads: &Arc<Loads>) -> u64 {
        find_user(key, loads).await.id
    }
}
