//! What the two runs showed, side by side.

use std::iter::once;
use std::time::{Duration, Instant};

use super::run::Outcome;
use super::{LEFT_PER_KEY, LIFETIME, LONGEST_PAUSE, Plan};
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

pub(super) fn print(plan: Plan, control: &Outcome, expiry: &Outcome, findings: &mut Findings) {
    print_memory(plan, control, expiry);
    judge_memory(plan, expiry, findings);
    print_pauses(control, expiry);
    judge_pauses(control, expiry, findings);
}

fn print_memory(plan: Plan, control: &Outcome, expiry: &Outcome) {
    let keys = plan.keys;
    println!("\nlive heap in MB over that before {keys} puts of new keys; nobody reads them");
    let mut table = Table::new(["", "control: no end", "entries of 1 s"]);
    let both = |value: &dyn Fn(&Outcome) -> String| [value(control), value(expiry)];
    let mut row = |name: String, [control, expiry]: [String; 2]| table.row([name, control, expiry]);
    row("puts took".to_owned(), both(&|run| format!("{:.2} s", run.putting().as_secs_f64())));
    row("peak".to_owned(), both(&|run| megabytes(run.peak())));
    let mut after = Duration::ZERO;
    while after <= plan.watched {
        let name = format!("{:.1} s after the last put", after.as_secs_f64());
        row(name, both(&|run| megabytes(run.live_at(run.last_put + after))));
        after += Duration::from_millis(500);
    }
    row("bytes a key at the end".to_owned(), both(&|run| format!("{:.1}", run.left(keys))));
    table.print();
}

fn judge_memory(plan: Plan, expiry: &Outcome, findings: &mut Findings) {
    let given_back = expiry.given_back(plan.keys);
    findings.must(given_back.is_some(), || {
        format!("{:.1} bytes a key are still held of entries that ended", expiry.left(plan.keys))
    });
    let measured = given_back.map_or_else(
        || format!("not within {:?}", plan.watched),
        |at| {
            let since = at.saturating_duration_since(expiry.last_put + LIFETIME);
            format!(
                "{:.2} s after the last deadline, {:.1} left",
                since.as_secs_f64(),
                expiry.left(plan.keys)
            )
        },
    );
    println!("  given back: {measured}");
    findings.target(
        "expiry: memory of unread entries",
        format!("≤ {LEFT_PER_KEY} bytes a key"),
        measured,
        Verdict::of(given_back.is_some()),
    );
}

fn print_pauses(control: &Outcome, expiry: &Outcome) {
    println!(
        "\npauses in µs, felt by a hit and by a timer of 1 ms on the same runtime of 2 threads"
    );
    let mut table = Table::new(["", "samples", "median", "p99.9", "worst", "over 5 ms"]);
    for phase in PHASES {
        for (name, run) in [("control", control), ("entries of 1 s", expiry)] {
            for probe in PROBES {
                let name = format!("{}, {name}: {}", phase.name(), probe.name());
                table.row(once(name).chain(summary(&run.durations(phase, probe))));
            }
        }
    }
    table.print();
}

fn judge_pauses(control: &Outcome, expiry: &Outcome, findings: &mut Findings) {
    for (phase, probe) in PHASES.into_iter().flat_map(|phase| PROBES.map(|probe| (phase, probe))) {
        let worst = |run: &Outcome| run.durations(phase, probe).pop().unwrap_or_default();
        let (expiry, control) = (worst(expiry), worst(control));
        let verdict = match (expiry <= LONGEST_PAUSE, control <= LONGEST_PAUSE) {
            (true, _) => Verdict::Met,
            (false, true) => Verdict::Missed,
            (false, false) => Verdict::MissedByControl,
        };
        findings.target(
            &format!("expiry: longest pause of a {}, {}", probe.name(), phase.name()),
            format!("≤ {LONGEST_PAUSE:?}"),
            format!("{expiry:.2?}, control {control:.2?}"),
            verdict,
        );
    }
}

/// What goes on while a probe feels for pauses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Putting,
    /// The entries end, and their memory comes back.
    After,
}

#[derive(Clone, Copy)]
enum Probe {
    Hit,
    Timer,
}

const PHASES: [Phase; 2] = [Phase::Putting, Phase::After];
const PROBES: [Probe; 2] = [Probe::Hit, Probe::Timer];

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Putting => "while putting",
            Self::After => "after the last put",
        }
    }
}

impl Probe {
    const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Timer => "timer",
        }
    }
}

impl Outcome {
    fn putting(&self) -> Duration {
        self.last_put - self.first_put
    }

    fn phase(&self, at: Instant) -> Option<Phase> {
        let phase = if at < self.last_put { Phase::Putting } else { Phase::After };
        (at >= self.first_put).then_some(phase)
    }

    /// What a probe has felt in a phase, the shortest first.
    fn durations(&self, phase: Phase, probe: Probe) -> Vec<Duration> {
        let samples = match probe {
            Probe::Hit => &self.calls,
            Probe::Timer => &self.ticks.lateness,
        };
        let chosen = samples.iter().filter(|sample| self.phase(sample.at) == Some(phase));
        let mut durations: Vec<_> = chosen.map(|sample| sample.value).collect();
        durations.sort();
        durations
    }

    fn peak(&self) -> i64 {
        self.ticks.live.iter().map(|sample| sample.value - self.before).max().unwrap_or(0)
    }

    /// The live bytes at the last tick that was not later, over those before the first put.
    fn live_at(&self, at: Instant) -> i64 {
        let ticks = &self.ticks.live;
        let seen = ticks.partition_point(|sample| sample.at <= at);
        ticks[..seen].last().map_or(0, |sample| sample.value - self.before)
    }

    /// The bytes a key at the end.
    fn left(&self, keys: u32) -> f64 {
        self.ticks.live.last().map_or(0.0, |sample| per_key(sample.value - self.before, keys))
    }

    /// When, after the last put, no more was held than is allowed.
    fn given_back(&self, keys: u32) -> Option<Instant> {
        let after = self.ticks.live.iter().filter(|sample| sample.at >= self.last_put);
        let mut little = after.filter(|s| per_key(s.value - self.before, keys) <= LEFT_PER_KEY);
        little.next().map(|sample| sample.at)
    }
}

/// How many, the median, the 99.9th percentile, the longest, and how many are too long.
fn summary(sorted: &[Duration]) -> [String; 5] {
    let Some(last) = sorted.len().checked_sub(1) else { return Default::default() };
    let micros = |at: usize| format!("{:.1}", sorted[at].as_secs_f64() * 1e6);
    let too_long = sorted.iter().filter(|duration| **duration > LONGEST_PAUSE).count();
    [
        sorted.len().to_string(),
        micros(last / 2),
        micros(last - last / 1000),
        micros(last),
        too_long.to_string(),
    ]
}

#[allow(clippy::cast_precision_loss, reason = "no heap has 2^53 bytes")]
fn per_key(bytes: i64, keys: u32) -> f64 {
    bytes as f64 / f64::from(keys)
}

fn megabytes(bytes: i64) -> String {
    format!("{:.1}", per_key(bytes, 1_000_000))
}
