//! `cargo xtask test`: every test of the workspace, in one go.

use std::collections::BTreeSet;
use std::path::Path;

use crate::bench;
use crate::cli::TestOptions;
use crate::integration;
use crate::integration::suites::{SUITES, Suite};
use crate::metadata::{Member, Workspace};
use crate::plan::Plan;
use crate::process::Call;

/// Crates whose features change what their tests and doc tests see, so that passing with all
/// features says little about the default ones.
const FEATURES_MATTER: &[&str] = &["cache-core", "cache"];

/// All steps; `cargo_args` go to those of all features.
pub(crate) fn plan(root: &Path, workspace: &Workspace, options: TestOptions) -> Plan {
    let TestOptions { cargo_args, missing_server } = options;
    let with_servers: Vec<_> =
        workspace.members.iter().filter(|member| has_suite(member)).collect();
    // Without `--all-targets`, which would leave out the doc tests: unit and integration tests run,
    // examples are built, doc tests run.
    let mut everything = Call::cargo("test --workspace --all-features");
    for member in &with_servers {
        everything = everything.args(["--exclude", &member.name]);
    }
    let mut plan = Plan::default()
        .cargo("test: workspace, all features", everything.args(cargo_args.iter().cloned()));
    // Of the rest, all but what needs servers: cargo can be told of targets only by naming them.
    for member in with_servers {
        let name = format!("test: {}, all features, without servers", member.name);
        plan = plan.cargo_each(name, without_servers(member, &cargo_args));
    }
    for package in FEATURES_MATTER {
        plan = plan.cargo(
            format!("test: {package}, default features"),
            Call::cargo("test -p").args([*package]),
        );
    }
    plan = plan
        .cargo("check: cache, no features", Call::cargo("check -p cache --no-default-features"));
    plan = match bench::obstacle(root) {
        None => {
            plan.cargo("check: bench", Call::cargo("check --manifest-path").args([bench::MANIFEST]))
        }
        Some(reason) => plan.skip("check: bench", reason),
    };
    // Last, since it may have to install something, and takes the longest.
    plan.check("test: with servers", move || integration::run_wherever(missing_server, &cargo_args))
}

fn has_suite(member: &Member) -> bool {
    member.tests().any(|test| SUITES.iter().any(|suite| is(suite, member, &test.name)))
}

fn is(suite: &Suite, member: &Member, target: &str) -> bool {
    suite.package == member.name && suite.target == target
}

/// What `cargo test` does of a crate that has suites, but for these.
fn without_servers(member: &Member, cargo_args: &[String]) -> Vec<Call> {
    let call = |words| Call::cargo(words).args(["-p", member.name.as_str()]);
    let tests: BTreeSet<_> = member
        .tests()
        .map(|test| test.name.as_str())
        .filter(|name| !SUITES.iter().any(|suite| is(suite, member, name)))
        .collect();
    let mut calls = vec![];
    if member.has_examples() {
        // As programs, which tests may run; `cargo test --examples` would make tests of them.
        calls.push(call("build --all-features --examples"));
    }
    let targets = tests.into_iter().flat_map(|name| ["--test", name]);
    let targets = call("test --all-features --lib --bins").args(targets);
    calls.push(targets.args(cargo_args.iter().cloned()));
    // Not in one call: cargo takes no other target beside the doc tests.
    calls.push(call("test --all-features --doc").args(cargo_args.iter().cloned()));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::MissingTool;

    /// Two crates: one as any other, and one with a suite, a test that needs no server and an example.
    fn lines(cargo_args: &[&str]) -> Vec<String> {
        let target = |kind: &str, name: &str| serde_json::json!({"name": name, "kind": [kind], "src_path": ""});
        let member = |name: &str, targets: &[serde_json::Value]| {
            serde_json::json!({
                "name": name, "manifest_path": "", "features": {}, "dependencies": [],
                "targets": targets,
            })
        };
        let targets = [
            target("lib", "cache"),
            target("example", "quickstart"),
            target("test", "connect"),
            target("test", "redis"),
        ];
        let members =
            [member("cache-memory", &[target("test", "conformance")]), member("cache", &targets)];
        let json = serde_json::json!({ "packages": members }).to_string();
        let cargo_args = cargo_args.iter().map(|arg| (*arg).to_owned()).collect();
        let options = TestOptions { cargo_args, missing_server: MissingTool::Fail };
        plan(Path::new("no/such/folder"), &Workspace::from_json(&json).unwrap(), options).lines()
    }

    #[test]
    fn what_needs_servers_is_left_to_the_last_step() {
        let lines = lines(&[]);
        let expected = [
            "test: workspace, all features: cargo test --workspace --all-features --exclude cache",
            "test: cache, all features, without servers: \
             cargo build --all-features --examples -p cache \
             && cargo test --all-features --lib --bins -p cache --test connect \
             && cargo test --all-features --doc -p cache",
        ];
        assert_eq!(lines[..2], expected);
        assert_eq!(lines.last().map(String::as_str), Some("test: with servers: checked"));
    }

    #[test]
    fn arguments_go_to_every_run_of_all_features() {
        for line in lines(&["flight"]) {
            let calls = line.split(" && ").filter(|call| call.contains("cargo test"));
            for call in calls {
                assert_eq!(call.contains("flight"), call.contains("--all-features"), "{call}");
            }
        }
    }

    #[test]
    fn doc_tests_are_never_left_out() {
        // `--all-targets` looks like more and leaves them out, as does every choice of targets.
        for line in lines(&[]) {
            let leaves_out = ["--all-targets", "--lib", "--tests"];
            if leaves_out.iter().any(|flag| line.contains(flag)) {
                assert!(line.contains("--doc"), "{line}");
            }
        }
    }

    #[test]
    fn absent_benchmarks_are_shown_as_skipped() {
        let skipped = "check: bench: skipped: there is no bench/Cargo.toml";
        assert!(lines(&[]).contains(&skipped.to_owned()));
    }
}
