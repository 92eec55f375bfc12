//! A model test of tags: what several clients of one Redis may see of each other's puts, loads and flushes.
//!
//! First one operation at a time, compared exactly with a model of a few lines ([`sequential`]). Then many at once:
//! what they did is recorded ([`history`]), by rounds ([`concurrent`]), and judged by rules that say which outcomes
//! of concurrent calls are allowed ([`rules`], [`counts`]).
//!
//! `TAGS_MODEL_SEED` repeats the operations of a run, though not how they meet on the server. `TAGS_MODEL_SECONDS`
//! is for how long to run, 9 unless said.

mod client;
mod concurrent;
mod counts;
mod history;
mod random;
mod rules;
mod sequential;

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use client::Client;
use random::Random;

/// Names of the keys: few, so that the operations meet all the time.
const KEYS: [&str; 4] = ["k0", "k1", "k2", "k3"];
const TAGS: [&str; 3] = ["red", "green", "blue"];
const COUNTERS: [&str; 2] = ["n0", "n1"];

/// Runs the model test on the servers at `url`, which are there for it alone.
pub(crate) async fn run(url: &str) {
    let seed = number("TAGS_MODEL_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let seconds = Duration::from_secs(number("TAGS_MODEL_SECONDS").unwrap_or(9));
    let said = SaidIfItFails(seed);
    println!("TAGS_MODEL_SEED={seed}");
    let clients = [
        Client::connect(url, 0, 1).await,
        Client::connect(url, 1, 1).await,
        Client::connect(url, 2, 3).await,
    ];
    let begun = Instant::now();
    let mut random = Random::new(seed);
    let operations = sequential::run(&clients, &mut random, begun + seconds / 3).await;
    println!("one at a time: {operations} operations");
    concurrent::run(&clients, &mut random, begun + seconds).await;
    for client in &clients {
        assert_eq!(client.cache.stats().bypassed, 0, "no load answered for a server that failed");
    }
    drop(said);
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Says what the operations were made of, beside whatever the panic says.
struct SaidIfItFails(u64);

impl Drop for SaidIfItFails {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the operations were those of TAGS_MODEL_SEED={}", self.0);
        }
    }
}
