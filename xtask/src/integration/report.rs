//! What ran on what and how it ended, and what did not run and why.

use std::fmt;
use std::time::Duration;

use crate::plan::Failure;

/// Collected while it runs.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    row: String,
    suite: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    /// It was asked for, and could not be had.
    Missing(String),
    NotRun(String),
}

impl Report {
    pub(crate) fn ran(
        &mut self,
        row: impl fmt::Display,
        suite: impl Into<String>,
        result: &Result<(), Failure>,
        took: Duration,
    ) {
        let outcome = if result.is_ok() { Outcome::Passed(took) } else { Outcome::Failed(took) };
        self.lines.push(Line { row: row.to_string(), suite: suite.into(), outcome });
    }

    /// Counts as a failure.
    pub(crate) fn missing(&mut self, row: impl fmt::Display, reason: impl fmt::Display) {
        let outcome = Outcome::Missing(reason.to_string());
        self.lines.push(Line { row: row.to_string(), suite: "all".to_owned(), outcome });
    }

    pub(crate) fn not_run(
        &mut self,
        row: impl fmt::Display,
        suite: impl Into<String>,
        reason: impl fmt::Display,
    ) {
        let outcome = Outcome::NotRun(reason.to_string());
        self.lines.push(Line { row: row.to_string(), suite: suite.into(), outcome });
    }

    /// A failure if a suite failed, or if none ran: that is not success either.
    pub(crate) fn judge(&self) -> Result<(), Failure> {
        let failed: Vec<_> = self
            .lines
            .iter()
            .filter(|line| matches!(line.outcome, Outcome::Failed(_) | Outcome::Missing(_)))
            .map(|line| format!("{} on {}", line.suite, line.row))
            .collect();
        if !failed.is_empty() {
            return Err(Failure::new(format!("failed: {}", failed.join(", "))));
        }
        if !self.lines.iter().any(|line| matches!(line.outcome, Outcome::Passed(_))) {
            return Err(Failure::new("nothing was tested on Redis; the table says why"));
        }
        Ok(())
    }
}

/// What ran comes first.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: fn(&Line) -> &str, title: &str| {
            self.lines.iter().map(|line| column(line).len()).max().unwrap_or(0).max(title.len())
        };
        let rows = width(|line| &line.row, "servers");
        let suites = width(|line| &line.suite, "suite");
        write!(f, "{:rows$}  {:suites$}  {:8}  seconds", "servers", "suite", "result")?;
        let (ran, not_run): (Vec<_>, Vec<_>) =
            self.lines.iter().partition(|line| !matches!(line.outcome, Outcome::NotRun(_)));
        for Line { row, suite, outcome } in ran.into_iter().chain(not_run) {
            write!(f, "\n{row:rows$}  {suite:suites$}  ")?;
            match outcome {
                Outcome::Passed(took) => write!(f, "{:8}  {:7.1}", "ok", took.as_secs_f64())?,
                Outcome::Failed(took) => write!(f, "{:8}  {:7.1}", "FAILED", took.as_secs_f64())?,
                Outcome::Missing(reason) => write!(f, "{:8}  {reason}", "FAILED")?,
                Outcome::NotRun(reason) => write!(f, "not run: {reason}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_ran_is_listed_before_what_did_not() {
        let mut report = Report::default();
        report.ran("redis:7.0 standalone", "driver", &Ok(()), SECOND);
        report.not_run("redis:8.0", "all", "it cannot be pulled");
        report.ran("redis:7.0 cluster", "faults", &Err(Failure::new("")), 2 * SECOND);
        let expected = "\
servers               suite   result    seconds
redis:7.0 standalone  driver  ok            1.0
redis:7.0 cluster     faults  FAILED        2.0
redis:8.0             all     not run: it cannot be pulled";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn a_failure_names_the_suite_and_its_servers() {
        let mut report = Report::default();
        report.ran("redis:7.0 standalone", "driver", &Ok(()), SECOND);
        assert!(report.judge().is_ok());
        report.ran("redis:7.0 cluster", "faults", &Err(Failure::new("")), SECOND);
        let failure = report.judge().expect_err("one failed");
        assert_eq!(failure.to_string(), "failed: faults on redis:7.0 cluster");
    }

    #[test]
    fn what_was_asked_for_and_cannot_be_had_is_a_failure() {
        let mut report = Report::default();
        report.ran("redis:7.0 standalone", "driver", &Ok(()), SECOND);
        report.missing("redis:6.9", "no such image");
        assert_eq!(
            report.judge().expect_err("one is missing").to_string(),
            "failed: all on redis:6.9"
        );
        assert!(report.to_string().ends_with("FAILED    no such image"), "{report}");
    }

    #[test]
    fn that_nothing_ran_is_a_failure() {
        let mut report = Report::default();
        assert!(report.judge().is_err());
        report.not_run("redis:8.0", "all", "it cannot be pulled");
        assert!(report.judge().is_err());
    }
}
