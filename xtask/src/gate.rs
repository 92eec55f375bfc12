//! `cargo xtask bench --gate`: holds the hot paths to the instructions that they took before. A count of instructions is
//! the same on a busy machine as on an idle one, so that CI can refuse what costs more.
//!
//! What is counted is `bench/gate`, a program of its own that needs none of the contenders. `count` runs it under
//! callgrind, `baseline` is the file of what was counted before, `comparison` the verdict.

mod baseline;
mod comparison;
mod count;
mod valgrind;

use std::fs;

use crate::cli::{Baseline as Keeping, GateOptions};
use crate::gate::baseline::Baseline;
use crate::gate::comparison::Comparison;
use crate::plan::{Failure, Plan};

/// What was counted before, from the workspace's root.
const BASELINE: &str = "bench/gate/baseline.toml";
const BLESS: &str = "cargo xtask bench --gate --bless";

pub(crate) fn plan(options: GateOptions) -> Plan {
    let GateOptions { baseline, missing_tool } = options;
    Plan::default()
        .check("gate: valgrind", move || valgrind::require(missing_tool))
        .check("gate: instructions", move || run(baseline))
}

fn run(keeping: Keeping) -> Result<(), Failure> {
    match keeping {
        Keeping::Keep => {
            // First, so that a file which is missing or broken is told of before minutes have gone.
            let before = read()?;
            let comparison = Comparison::of(&before, &count::all()?);
            eprintln!("\n{comparison}");
            comparison.judge()
        }
        Keeping::Replace => {
            let now = count::all()?;
            fs::write(BASELINE, now.to_string())
                .map_err(|error| Failure::new(format!("cannot write {BASELINE}: {error}")))?;
            eprintln!("\n{now}\nwritten to {BASELINE}: commit it, and say why it changes");
            Ok(())
        }
    }
}

fn read() -> Result<Baseline, Failure> {
    let text = fs::read_to_string(BASELINE).map_err(|error| {
        Failure::new(format!("cannot read {BASELINE}: {error}; `{BLESS}` writes it"))
    })?;
    Baseline::parse(&text).map_err(|error| {
        Failure::new(format!("cannot understand {BASELINE}: {error}; `{BLESS}` writes it anew"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_baseline_can_be_read() {
        let text = include_str!("../../bench/gate/baseline.toml");
        let baseline = Baseline::parse(text).unwrap();
        assert_eq!(baseline.to_string(), text, "it is as `{BLESS}` writes it");
    }
}
