//! `cargo xtask lint`: everything that can be said about the code without running it.

use crate::cli::{Advisories, LintOptions};
use crate::deny::{self, Scope};
use crate::features::{self, FEATURE_SETS};
use crate::integration::suites;
use crate::metadata::Workspace;
use crate::plan::{Failure, Plan};
use crate::policy;
use crate::process::Call;

/// All steps: what takes a second first, what may have to install something last.
pub(crate) fn plan(options: LintOptions) -> Plan {
    let missing_tool = options.missing_tool;
    let mut plan = Plan::default()
        .cargo("fmt", Call::cargo("fmt --all --check"))
        .check("policy: floors", policy::check_floors)
        .check("policy: manifests", policy::check_manifests)
        .check("policy: kept out", policy::check_reach)
        .check("policy: readme", policy::check_readme)
        .check("features: table", check_feature_table)
        .check("integration: table", check_suite_table)
        .cargo(
            "clippy: workspace, all features",
            clippy(&["--workspace", "--all-features"], "--all-targets"),
        );
    for set in FEATURE_SETS {
        // The library alone comes first: dev-dependencies switch features on that its users do not
        // have. Where they change nothing, the second call reuses what the first has built.
        let calls = ["--lib", "--all-targets"].map(|targets| clippy(&set.args(), targets));
        plan = plan.cargo_each(format!("clippy: {set}"), calls.into());
    }
    plan = plan
        .cargo(
            "doc",
            Call::cargo("doc --workspace --no-deps --all-features")
                .env("RUSTDOCFLAGS", "-Dwarnings"),
        )
        .check("deny: bans, licenses, sources", move || deny::check(Scope::Offline, missing_tool));
    match options.advisories {
        Advisories::Check => {
            plan.check("deny: advisories", move || deny::check(Scope::Advisories, missing_tool))
        }
        Advisories::NotAsked => plan.skip("deny: advisories", "not asked for (--advisories)"),
    }
}

fn clippy(selection: &[&str], targets: &str) -> Call {
    Call::cargo("clippy").args(selection.iter().copied()).args([targets, "--", "-D", "warnings"])
}

fn check_feature_table() -> Result<(), Failure> {
    let complaints = features::complaints(FEATURE_SETS, &Workspace::load()?);
    policy::all_good("the table in xtask/src/features.rs does not fit the crates", &complaints)
}

fn check_suite_table() -> Result<(), Failure> {
    let complaints = suites::check(suites::SUITES, &Workspace::load()?)?;
    let otherwise = "the table in xtask/src/integration/suites.rs does not fit the tests";
    policy::all_good(otherwise, &complaints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::MissingTool;

    fn lines(advisories: Advisories) -> Vec<String> {
        plan(LintOptions { advisories, missing_tool: MissingTool::Fail }).lines()
    }

    #[test]
    fn every_row_of_the_table_is_linted_as_users_build_it_and_with_its_tests() {
        let lines = lines(Advisories::NotAsked);
        for set in FEATURE_SETS {
            let args = set.args().join(" ");
            let expected = format!(
                "clippy: {set}: cargo clippy {args} --lib -- -D warnings \
                 && cargo clippy {args} --all-targets -- -D warnings"
            );
            assert!(lines.contains(&expected), "{expected}");
        }
    }

    #[test]
    fn advisories_that_were_not_asked_for_are_shown_as_skipped() {
        let last = |advisories| lines(advisories).pop();
        let skipped = "deny: advisories: skipped: not asked for (--advisories)";
        assert_eq!(last(Advisories::NotAsked).as_deref(), Some(skipped));
        assert_eq!(last(Advisories::Check).as_deref(), Some("deny: advisories: checked"));
    }
}
