//! `cargo xtask test`: every test of the workspace, in one go.

use std::path::Path;

use crate::bench;
use crate::plan::Plan;
use crate::process::Cargo;

/// Crates whose features change what their tests and doc tests see, so that passing with all
/// features says little about the default ones.
const FEATURES_MATTER: &[&str] = &["cache-core", "cache"];

/// All steps; `cargo_args` go to the first, which runs the whole workspace.
pub(crate) fn plan(root: &Path, cargo_args: Vec<String>) -> Plan {
    // Without `--all-targets`, which would leave out the doc tests: unit and integration tests run,
    // examples are built, doc tests run.
    let everything = Cargo::new("test --workspace --all-features").args(cargo_args);
    let mut plan = Plan::default().cargo("test: workspace, all features", everything);
    for package in FEATURES_MATTER {
        plan = plan.cargo(
            format!("test: {package}, default features"),
            Cargo::new("test -p").args([*package]),
        );
    }
    plan =
        plan.cargo("check: cache, no features", Cargo::new("check -p cache --no-default-features"));
    if bench::exists(root) {
        plan.cargo("check: bench", Cargo::new("check --manifest-path").args([bench::MANIFEST]))
    } else {
        plan.skip("check: bench", format!("there is no {}", bench::MANIFEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_go_to_the_run_of_the_whole_workspace() {
        let lines = plan(Path::new("no/such/folder"), vec!["flight".to_owned()]).lines();
        let with_argument: Vec<_> = lines.iter().filter(|line| line.contains("flight")).collect();
        assert_eq!(
            with_argument,
            ["test: workspace, all features: cargo test --workspace --all-features flight"]
        );
    }

    #[test]
    fn doc_tests_are_never_switched_off() {
        // `--all-targets` looks like more and leaves them out.
        for line in plan(Path::new("no/such/folder"), vec![]).lines() {
            for flag in ["--all-targets", "--lib", "--tests"] {
                assert!(!line.contains(flag), "{line}");
            }
        }
    }

    #[test]
    fn absent_benchmarks_are_shown_as_skipped() {
        let lines = plan(Path::new("no/such/folder"), vec![]).lines();
        assert!(lines.contains(&"check: bench: skipped: there is no bench/Cargo.toml".to_owned()));
    }
}
