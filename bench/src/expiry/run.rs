//! One run: the entries are put, and then left alone.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cache_memory::{Cache, IntoTtl, MemoryStore, Ttl};
use tokio::runtime::Builder;

use super::Plan;
use super::probe::{self, Probes, Sample, Ticks};
use crate::fixture::User;
use crate::heap;

/// What is looked at before the first `put`, so that the probes run when it comes.
const SETTLE: Duration = Duration::from_millis(300);
/// A writer lets others in as often as a service would, and no more.
const PUTS_BETWEEN_YIELDS: u32 = 64;

/// What a run has shown.
pub(super) struct Outcome {
    /// The live bytes before the first `put`.
    pub(super) before: i64,
    pub(super) first_put: Instant,
    pub(super) last_put: Instant,
    pub(super) calls: Vec<Sample<Duration>>,
    pub(super) ticks: Ticks,
}

pub(super) fn run(plan: Plan, ttl: impl IntoTtl + Copy + Send + 'static) -> Outcome {
    let runtime = match Builder::new_multi_thread().worker_threads(2).enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("a runtime can be built: {error}"),
    };
    runtime.block_on(async move {
        let store = MemoryStore::builder().max_entries(2 * plan.keys as usize).build();
        let cache = Cache::new(store);
        assert!(cache.put(probe::KEY, &User::new(0), Ttl::FOREVER).await.is_ok());
        // The first read decodes, and is not what the probe is for.
        assert!(cache.get_shared::<User>(probe::KEY).await.is_ok());
        let probes = Probes::start(cache.clone(), plan.watched + Duration::from_secs(10));
        tokio::time::sleep(SETTLE).await;

        let before = heap::live();
        let first_put = Instant::now();
        let last_put = match tokio::spawn(put_all(cache.clone(), plan.keys, ttl)).await {
            Ok(last_put) => last_put,
            Err(error) => panic!("the writer failed: {error}"),
        };
        tokio::time::sleep_until((last_put + plan.watched).into()).await;
        let (calls, ticks) = probes.stop().await;
        // Not before: a probe that drops the last handle would see the memory of the table go.
        drop(cache);
        Outcome { before, first_put, last_put, calls, ticks }
    })
}

/// Puts one entry after the other, and says when the last one was in.
async fn put_all(cache: Cache, keys: u32, ttl: impl IntoTtl + Copy) -> Instant {
    let mut key = String::new();
    let mut user = User::new(0);
    for id in 0..keys {
        key.clear();
        assert!(write!(key, "user:{id:07}").is_ok());
        user.id = id.into();
        assert!(cache.put(&key, &user, ttl).await.is_ok());
        if id % PUTS_BETWEEN_YIELDS == 0 {
            tokio::task::yield_now().await;
        }
    }
    Instant::now()
}
