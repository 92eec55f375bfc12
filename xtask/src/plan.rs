//! A list of named steps: runs them in order, stops at the first that fails, and says at the end
//! what became of each.

use std::fmt;
use std::time::{Duration, Instant};

use crate::process::Call;

/// Why a step, or the whole program, did not succeed: a sentence for the person who ran it.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The steps of one command, all known before the first one runs.
#[derive(Default)]
pub(crate) struct Plan {
    steps: Vec<Step>,
}

struct Step {
    name: String,
    action: Action,
}

type Check = Box<dyn FnOnce() -> Result<(), Failure>>;

enum Action {
    Run(Vec<Call>),
    Check(Check),
    /// Listed, with the reason, so that what was left out is seen.
    Skip(String),
}

impl Plan {
    /// Adds a step that is one call of cargo.
    pub(crate) fn cargo(self, name: impl Into<String>, call: Call) -> Self {
        self.cargo_each(name, vec![call])
    }

    /// Adds a step that is several calls of cargo, each of which must succeed.
    pub(crate) fn cargo_each(self, name: impl Into<String>, calls: Vec<Call>) -> Self {
        self.with(name, Action::Run(calls))
    }

    /// Adds a step that is a function of this program.
    pub(crate) fn check(
        self,
        name: impl Into<String>,
        check: impl FnOnce() -> Result<(), Failure> + 'static,
    ) -> Self {
        self.with(name, Action::Check(Box::new(check)))
    }

    /// Adds a step that is not done, and why.
    pub(crate) fn skip(self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.with(name, Action::Skip(reason.into()))
    }

    fn with(mut self, name: impl Into<String>, action: Action) -> Self {
        self.steps.push(Step { name: name.into(), action });
        self
    }

    /// Runs the steps up to the first that fails, then prints a row for each.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let mut failed = None;
        for Step { name, action } in self.steps {
            let result = match action {
                Action::Skip(reason) => Outcome::Skipped(reason),
                _ if failed.is_some() => Outcome::NotRun,
                action => {
                    eprintln!("\n== {name}");
                    let start = Instant::now();
                    match action.perform() {
                        Ok(()) => Outcome::Passed(start.elapsed()),
                        Err(failure) => {
                            failed = Some(Failure::new(format!("step `{name}`: {failure}")));
                            Outcome::Failed(start.elapsed())
                        }
                    }
                }
            };
            rows.push((name, result));
        }
        eprintln!("\n{}", Summary(&rows));
        failed.map_or(Ok(()), Err)
    }
}

impl Action {
    fn perform(self) -> Result<(), Failure> {
        match self {
            Self::Run(calls) => calls.iter().try_for_each(Call::run),
            Self::Check(check) => check(),
            Self::Skip(_) => Ok(()),
        }
    }
}

/// What became of a step.
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    Skipped(String),
    NotRun,
}

struct Summary<'a>(&'a [(String, Outcome)]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("step".len());
        write!(f, "{:width$}  {:8}  seconds", "step", "result")?;
        for (name, outcome) in self.0 {
            write!(f, "\n{name:width$}  ")?;
            match outcome {
                Outcome::Passed(took) => write!(f, "{:8}  {:7.1}", "ok", took.as_secs_f64())?,
                Outcome::Failed(took) => write!(f, "{:8}  {:7.1}", "FAILED", took.as_secs_f64())?,
                Outcome::Skipped(reason) => write!(f, "skipped: {reason}")?,
                Outcome::NotRun => write!(f, "not run")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl Plan {
    /// Names and commands, for the tests of those who make plans.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |step: &Step| match &step.action {
            Action::Run(calls) => {
                let calls: Vec<_> = calls.iter().map(Call::to_string).collect();
                format!("{}: {}", step.name, calls.join(" && "))
            }
            Action::Check(_) => format!("{}: checked", step.name),
            Action::Skip(reason) => format!("{}: skipped: {reason}", step.name),
        };
        self.steps.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn the_first_failure_ends_the_run_and_is_named() {
        let done = Rc::new(RefCell::new(vec![]));
        let record = |name: &'static str, result: Result<(), &'static str>| {
            let done = Rc::clone(&done);
            move || {
                done.borrow_mut().push(name);
                result.map_err(Failure::new)
            }
        };
        let failure = Plan::default()
            .check("first", record("first", Ok(())))
            .skip("left out", "not asked for")
            .check("second", record("second", Err("it broke")))
            .check("third", record("third", Ok(())))
            .run()
            .expect_err("the second step fails");
        assert_eq!(failure.to_string(), "step `second`: it broke");
        assert_eq!(*done.borrow(), ["first", "second"]);
    }

    #[test]
    fn the_summary_has_a_row_for_every_step() {
        let rows = [
            ("fmt".to_owned(), Outcome::Passed(Duration::from_millis(1250))),
            ("clippy".to_owned(), Outcome::Failed(Duration::from_secs(20))),
            ("advisories".to_owned(), Outcome::Skipped("not asked for".to_owned())),
            ("doc".to_owned(), Outcome::NotRun),
        ];
        let expected = "\
step        result    seconds
fmt         ok            1.2
clippy      FAILED       20.0
advisories  skipped: not asked for
doc         not run";
        assert_eq!(Summary(&rows).to_string(), expected);
    }
}
