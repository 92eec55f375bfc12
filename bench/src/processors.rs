//! How the processors have spent their time, by `/proc/stat`: what else runs beside the benchmark, and what the host
//! keeps for itself. Where there is no such file, nobody knows.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::args::Effort;

/// A machine that does nothing else has its processors busy for less than this share.
const IDLE: f64 = 0.1;
/// For so long a measurement waits for that.
const PATIENCE: Duration = Duration::from_mins(2);
const SECOND: Duration = Duration::from_secs(1);

/// All processors' together, since the machine was started, in ticks of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    /// Of anybody, and of the host.
    busy: u64,
    /// When there was something to do here and the host did something else.
    stolen: u64,
    all: u64,
}

impl Time {
    pub(crate) fn so_far() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let times = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let times: Vec<u64> = times.map_while(|time| time.parse().ok()).collect();
        // What follows, the time of guests, is part of `user` and `nice`.
        let [user, nice, system, idle, waiting, irq, soft_irq, stolen, ..] = times[..] else {
            return None;
        };
        let busy = user + nice + system + irq + soft_irq + stolen;
        Some(Self { busy, stolen, all: busy + idle + waiting })
    }

    /// The share of the time since then that the host took.
    pub(crate) fn stolen_since(before: Self) -> Option<f64> {
        let now = Self::so_far()?;
        share((before.stolen, now.stolen), (before.all, now.all))
    }

    /// Takes a second.
    fn busy_in_a_second() -> Option<f64> {
        let before = Self::so_far()?;
        sleep(SECOND);
        let now = Self::so_far()?;
        share((before.busy, now.busy), (before.all, now.all))
    }
}

/// What a count has gained of what another has gained. The kernel lets some of them go back a little.
#[allow(clippy::cast_precision_loss, reason = "no machine runs for 2^53 ticks")]
fn share(part: (u64, u64), all: (u64, u64)) -> Option<f64> {
    let gained = |(before, now): (u64, u64)| now.saturating_sub(before) as f64;
    (gained(all) > 0.0).then(|| gained(part) / gained(all))
}

/// Returns when they have been idle for a second, or when that was waited for long enough: with the share of the last
/// second in which they were busy. A look does not wait.
pub(crate) fn wait_until_idle(effort: Effort) -> Option<f64> {
    let patience = effort.pick(PATIENCE, Duration::ZERO);
    let begun = Instant::now();
    let mut is_told = false;
    loop {
        let busy = Time::busy_in_a_second()?;
        if busy < IDLE || begun.elapsed() >= patience {
            return Some(busy);
        }
        if !is_told {
            eprintln!(
                "waiting for at most {PATIENCE:?} until nothing else keeps the processors busy"
            );
            is_told = true;
        }
    }
}
