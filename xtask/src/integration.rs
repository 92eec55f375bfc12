//! `cargo xtask integration`, and the part of `cargo xtask test` that runs on Redis: the suites that need
//! servers, on every kind of them. The tests start the servers themselves; where from is said here.

mod origin;
mod report;
mod rows;
pub(crate) mod suites;

use std::collections::BTreeMap;
use std::time::Instant;

use crate::cli::{IntegrationOptions, MissingTool};
use crate::integration::report::Report;
use crate::integration::rows::{IMAGES, Row};
use crate::integration::suites::{SUITES, Suite};
use crate::metadata::Workspace;
use crate::plan::Failure;
use crate::process::Call;

/// On what was asked for: images unless a URL was. An image that cannot be had is a failure.
pub(crate) fn run(options: IntegrationOptions) -> Result<(), Failure> {
    let mut report = Report::default();
    let rows = match options {
        IntegrationOptions::Url(url) => rows::of_url(&url),
        IntegrationOptions::Images(named) => {
            origin::require_engine()?;
            let images = if named.is_empty() { owned(IMAGES) } else { named };
            let mut found = vec![];
            for image in images {
                match origin::require_image(&image) {
                    Ok(()) => found.push(image),
                    Err(failure) => report.missing(image, failure),
                }
            }
            rows::of_images(&found)
        }
    };
    run_rows(&rows, &[], &mut report)
}

/// On what this machine has, or can get: Docker, or else a program.
pub(crate) fn run_wherever(missing: MissingTool, cargo_args: &[String]) -> Result<(), Failure> {
    let mut report = Report::default();
    let mut images = vec![];
    if origin::engine_answers() {
        for image in owned(IMAGES) {
            match origin::require_image(&image) {
                Ok(()) => images.push(image),
                Err(failure) => report.not_run(&image, "all", failure),
            }
        }
    } else {
        report.not_run(IMAGES.join(", "), "all", "no Docker engine answers");
    }
    let rows = if images.is_empty() {
        let program = origin::require_program(missing)?;
        eprintln!("no image can be had from Docker: testing on {}", program.display());
        rows::of_program(&program)
    } else {
        rows::of_images(&images)
    };
    run_rows(&rows, cargo_args, &mut report)
}

/// Runs them all, whatever fails, and says at the end what became of each.
fn run_rows(rows: &[Row], cargo_args: &[String], report: &mut Report) -> Result<(), Failure> {
    let workspace = Workspace::load()?;
    let (here, absent): (Vec<_>, Vec<_>) =
        SUITES.iter().partition(|suite| suite.exists_in(&workspace));
    // First, so that what does not compile is found before, and not counted as a suite's time.
    builds(&here).iter().try_for_each(Call::run)?;
    for row in rows {
        for (suite, reason) in row.suites(SUITES) {
            if absent.contains(&suite) {
                report.not_run(row, suite.name(), "there is no such test");
            } else if let Some(reason) = reason {
                report.not_run(row, suite.name(), reason);
            } else {
                eprintln!("\n== {row}: {}", suite.name());
                let start = Instant::now();
                let result = row.call(suite, cargo_args).run();
                if let Err(failure) = &result {
                    eprintln!("{failure}");
                }
                report.ran(row, suite.name(), &result, start.elapsed());
            }
        }
    }
    eprintln!("\n{report}");
    report.judge()
}

/// A call for each package, which builds its suites as they are run.
fn builds(suites: &[&Suite]) -> Vec<Call> {
    let mut targets = BTreeMap::<_, Vec<_>>::new();
    for suite in suites {
        targets.entry(suite.package).or_default().extend(["--test", suite.target]);
    }
    let build = |(package, targets): (&str, Vec<&str>)| {
        Call::cargo("test --all-features --no-run -p").args([package]).args(targets)
    };
    targets.into_iter().map(build).collect()
}

fn owned(images: &[&str]) -> Vec<String> {
    images.iter().map(|image| (*image).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integration::suites::Needs;

    #[test]
    fn each_package_is_built_once() {
        let suite = |package, target| Suite { package, target, needs: Needs::Any };
        let suites = [suite("b", "x"), suite("a", "y"), suite("b", "z")];
        let lines: Vec<_> =
            builds(&suites.iter().collect::<Vec<_>>()).iter().map(Call::to_string).collect();
        assert_eq!(
            lines,
            [
                "cargo test --all-features --no-run -p a --test y",
                "cargo test --all-features --no-run -p b --test x --test z",
            ]
        );
    }
}
