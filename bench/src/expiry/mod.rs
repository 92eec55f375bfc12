//! Section "expiry": a million entries end at once, and nobody reads them.
//!
//! What must come back is their memory; what must not be felt is that it does. Two probes on the same
//! runtime feel for pauses. The same run with entries that never end is the control: it shows what the
//! machine, the writes and the growth of the table do to the probes without any expiry.

mod probe;
mod report;
mod run;

use std::time::Duration;

use cache_memory::Ttl;

use crate::args::Effort;
use crate::heap;
use crate::verdict::Findings;

/// What is run, with entries that end and with entries that do not.
#[derive(Clone, Copy)]
struct Plan {
    keys: u32,
    /// For how long the probes go on after the last `put`.
    watched: Duration,
}

const LIFETIME: Duration = Duration::from_secs(1);
/// The table keeps its own places for entries that are gone; what an entry owned must go.
const LEFT_PER_KEY: f64 = 100.0;
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

pub(crate) fn run(effort: Effort, findings: &mut Findings) {
    let plan = Plan {
        // The table's places double: of both numbers they are 95 % full.
        keys: effort.pick(1_000_000, 250_000),
        watched: effort.pick(Duration::from_secs(10), Duration::from_secs(4)),
    };
    heap::count();
    // Once for nothing, so that both find a heap that has been as large before.
    run::run(Plan { watched: Duration::ZERO, ..plan }, Ttl::FOREVER);
    let control = run::run(plan, Ttl::FOREVER);
    let expiry = run::run(plan, LIFETIME);
    heap::pause();
    report::print(plan, &control, &expiry, findings);
}
