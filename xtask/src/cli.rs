//! The command line: what can be asked for, and the text that says so. Nothing here runs anything.

use std::fmt;

/// Shown for `--help`, and under the message when a command line makes no sense.
pub(crate) const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  test [OPTIONS] [-- CARGO-ARGS]
                         Every test of the workspace: unit, integration, examples and doc tests,
                         with all features and with the default ones; the build without features;
                         that bench/ still compiles, where Rust is new enough for it; and the suites
                         that need Redis, on Docker's images, or else on the redis-server or
                         valkey-server on PATH, or else, on Debian as root, on one that apt-get
                         installs.
                         CARGO-ARGS are added to every `cargo test` of all features.
      --no-install       Do not install a redis-server where it is missing: fail and say how.
  integration [OPTIONS]  Only the suites that need Redis, on Docker: on each image standalone, and on
                         one of them as a cluster, behind a sentinel, with TLS and a password.
      --image NAME:TAG   On this image instead of the usual ones. May be repeated.
      --url URL          On this running server instead: what neither stops nor configures it.
  lint [OPTIONS]         Formatting, the floors of the house, clippy for each set of features that
                         users build, documentation, licences and sources of dependencies.
      --advisories       Also check for published advisories (fetches their database).
      --no-install       Do not install cargo-deny where it is missing: fail and say how.
  bench [ARGS]           Run the benchmarks of bench/, optimised. ARGS are theirs.
  bench --gate [OPTIONS] Count the instructions of the hot paths with valgrind, and hold them to
                         bench/gate/baseline.toml: what costs more than it allows is a failure.
      --bless            Write what was counted to that file instead.
      --no-install       Do not install valgrind where it is missing: fail and say how.
  help                   Print this text.";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Test(TestOptions),
    Integration(IntegrationOptions),
    Lint(LintOptions),
    Bench { args: Vec<String> },
    Gate(GateOptions),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestOptions {
    pub(crate) cargo_args: Vec<String>,
    pub(crate) missing_server: MissingTool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IntegrationOptions {
    /// The usual ones, if none are named.
    Images(Vec<String>),
    Url(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LintOptions {
    pub(crate) advisories: Advisories,
    pub(crate) missing_tool: MissingTool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GateOptions {
    pub(crate) baseline: Baseline,
    pub(crate) missing_tool: MissingTool,
}

/// What is done with what was counted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Baseline {
    Keep,
    Replace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advisories {
    Check,
    NotAsked,
}

/// What to do when a tool that a step needs is not on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingTool {
    Install,
    Fail,
}

/// A command line that makes no sense, in a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Request, Misuse> {
    let mut args = args.into_iter();
    let Some(command) = args.next() else {
        return Err(Misuse("which command?".to_owned()));
    };
    let rest: Vec<String> = args.collect();
    // Everything after `bench` is for the benchmarks, which have a help text of their own, unless the gate is asked for.
    let asks_for_help = command != "bench"
        && rest.iter().take_while(|arg| *arg != "--").any(|arg| is_help(arg.as_str()));
    match command.as_str() {
        _ if asks_for_help || is_help(&command) => Ok(Request::Help),
        "help" => Ok(Request::Help),
        "test" => parse_test(rest),
        "integration" => parse_integration(rest),
        "lint" => parse_lint(&rest),
        "bench" if rest.iter().any(|arg| is_for_the_gate(arg)) => parse_gate(&rest),
        "bench" => Ok(Request::Bench { args: without_separator(rest) }),
        unknown => Err(Misuse(format!("there is no command `{unknown}`"))),
    }
}

fn is_help(arg: &str) -> bool {
    matches!(arg, "-h" | "--help")
}

fn parse_test(args: Vec<String>) -> Result<Request, Misuse> {
    let mut missing_server = MissingTool::Install;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--no-install" => missing_server = MissingTool::Fail,
            "--" => {
                let cargo_args = args.collect();
                return Ok(Request::Test(TestOptions { cargo_args, missing_server }));
            }
            unknown => {
                return Err(Misuse(format!(
                    "`test` has no option `{unknown}`; what follows `--` is given to cargo test"
                )));
            }
        }
    }
    Ok(Request::Test(TestOptions { cargo_args: vec![], missing_server }))
}

fn parse_integration(args: Vec<String>) -> Result<Request, Misuse> {
    let (mut images, mut url) = (vec![], None);
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut value = |what| {
            args.next().ok_or_else(|| Misuse(format!("`{arg}` is to be followed by {what}")))
        };
        match arg.as_str() {
            "--image" => images.push(value("an image, such as redis:8.0")?),
            "--url" => url = Some(value("a URL, such as redis://127.0.0.1:6379")?),
            unknown => return Err(Misuse(format!("`integration` has no option `{unknown}`"))),
        }
    }
    match url {
        None => Ok(Request::Integration(IntegrationOptions::Images(images))),
        Some(_) if !images.is_empty() => {
            Err(Misuse("`--image` starts servers and `--url` names one: one of the two".to_owned()))
        }
        // Of the rest of it, the suites complain themselves.
        Some(url) if !url.contains("://") => {
            Err(Misuse(format!("`{url}` is no URL, such as redis://127.0.0.1:6379")))
        }
        Some(url) => Ok(Request::Integration(IntegrationOptions::Url(url))),
    }
}

fn parse_lint(args: &[String]) -> Result<Request, Misuse> {
    let mut options =
        LintOptions { advisories: Advisories::NotAsked, missing_tool: MissingTool::Install };
    for arg in args {
        match arg.as_str() {
            "--advisories" => options.advisories = Advisories::Check,
            "--no-install" => options.missing_tool = MissingTool::Fail,
            unknown => return Err(Misuse(format!("`lint` has no option `{unknown}`"))),
        }
    }
    Ok(Request::Lint(options))
}

const GATE: &str = "--gate";
const BLESS: &str = "--bless";

/// The benchmarks themselves know neither.
fn is_for_the_gate(arg: &str) -> bool {
    matches!(arg, GATE | BLESS)
}

fn parse_gate(args: &[String]) -> Result<Request, Misuse> {
    let mut options = GateOptions { baseline: Baseline::Keep, missing_tool: MissingTool::Install };
    for arg in args {
        match arg.as_str() {
            GATE => {}
            BLESS => options.baseline = Baseline::Replace,
            "--no-install" => options.missing_tool = MissingTool::Fail,
            arg if is_help(arg) => return Ok(Request::Help),
            unknown => {
                return Err(Misuse(format!(
                    "`bench {GATE}` runs no benchmarks: what is `{unknown}`?"
                )));
            }
        }
    }
    if !args.iter().any(|arg| arg == GATE) {
        return Err(Misuse(format!("`{BLESS}` says what `bench {GATE}` is to do: add `{GATE}`")));
    }
    Ok(Request::Gate(options))
}

fn without_separator(mut args: Vec<String>) -> Vec<String> {
    if args.first().is_some_and(|first| first == "--") {
        args.remove(0);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Request, Misuse> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    fn owned(args: &[&str]) -> Vec<String> {
        args.iter().map(|arg| (*arg).to_owned()).collect()
    }

    #[test]
    fn test_gives_cargo_what_follows_the_separator() {
        let request = |cargo_args: &[&str], missing_server| {
            Ok(Request::Test(TestOptions { cargo_args: owned(cargo_args), missing_server }))
        };
        let expected = request(&["flight", "--", "--no-install"], MissingTool::Install);
        assert_eq!(parse_line("test -- flight -- --no-install"), expected);
        assert_eq!(parse_line("test"), request(&[], MissingTool::Install));
        let expected = request(&["flight"], MissingTool::Fail);
        assert_eq!(parse_line("test --no-install -- flight"), expected);
    }

    #[test]
    fn integration_takes_images_or_a_url() {
        let images =
            |images: &[&str]| Ok(Request::Integration(IntegrationOptions::Images(owned(images))));
        assert_eq!(parse_line("integration"), images(&[]));
        let line = "integration --image redis:6.2 --image valkey/valkey:9.0";
        assert_eq!(parse_line(line), images(&["redis:6.2", "valkey/valkey:9.0"]));
        let url = IntegrationOptions::Url("redis://127.0.0.1:6379".to_owned());
        let expected = Ok(Request::Integration(url));
        assert_eq!(parse_line("integration --url redis://127.0.0.1:6379"), expected);
    }

    #[test]
    fn integration_says_what_is_missing_or_too_much() {
        for (line, named) in [
            ("integration --image", "an image"),
            ("integration --url", "a URL"),
            ("integration --url 127.0.0.1:6379", "`127.0.0.1:6379`"),
            ("integration --image redis:8.0 --url redis://localhost", "one of the two"),
            ("integration redis:8.0", "`redis:8.0`"),
        ] {
            let misuse = parse_line(line).expect_err(line).to_string();
            assert!(misuse.contains(named), "{line}: {misuse}");
        }
    }

    #[test]
    fn lint_options_come_in_any_order() {
        let expected = Request::Lint(LintOptions {
            advisories: Advisories::Check,
            missing_tool: MissingTool::Fail,
        });
        assert_eq!(parse_line("lint --no-install --advisories"), Ok(expected));
    }

    #[test]
    fn bench_arguments_are_passed_on_untouched() {
        let expected = Request::Bench { args: owned(&["--help", "get"]) };
        assert_eq!(parse_line("bench --help get"), Ok(expected));
        let expected = Request::Bench { args: owned(&["get"]) };
        assert_eq!(parse_line("bench -- get"), Ok(expected));
    }

    #[test]
    fn the_gate_is_asked_for_by_its_option() {
        let gate =
            |baseline, missing_tool| Ok(Request::Gate(GateOptions { baseline, missing_tool }));
        assert_eq!(parse_line("bench --gate"), gate(Baseline::Keep, MissingTool::Install));
        let expected = gate(Baseline::Replace, MissingTool::Fail);
        assert_eq!(parse_line("bench --bless --no-install --gate"), expected);
        assert_eq!(parse_line("bench --gate --help"), Ok(Request::Help));
        for (line, named) in [("bench --gate hits", "`hits`"), ("bench --bless", "add `--gate`")] {
            let misuse = parse_line(line).expect_err(line).to_string();
            assert!(misuse.contains(named), "{line}: {misuse}");
        }
    }

    #[test]
    fn help_is_found_wherever_it_is_asked_for() {
        for line in ["help", "--help", "-h", "lint --help", "test -h"] {
            assert_eq!(parse_line(line), Ok(Request::Help), "{line}");
        }
        assert!(matches!(parse_line("test -- --help"), Ok(Request::Test(_))));
    }

    #[test]
    fn what_is_unknown_is_named() {
        for (line, named) in [
            ("tset", "`tset`"),
            ("lint --quick", "`--quick`"),
            ("lint --advisories extra", "`extra`"),
            ("test --quick", "`--quick`"),
        ] {
            let misuse = parse_line(line).expect_err(line).to_string();
            assert!(misuse.contains(named), "{line}: {misuse}");
        }
        assert!(parse_line("").is_err());
    }

    #[test]
    fn the_usage_lists_every_command() {
        for command in ["test", "integration", "lint", "bench", "help"] {
            assert!(USAGE.contains(&format!("\n  {command} ")), "{command}");
        }
    }
}
