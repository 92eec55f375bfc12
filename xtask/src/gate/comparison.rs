//! What was counted, beside what was counted before: which paths cost more, and whether that is allowed.

use std::fmt;

use super::baseline::Baseline;
use super::{BASELINE, BLESS};
use crate::plan::Failure;

/// Runs differ by two in a thousand, since tables are hashed by other seeds, and a processor for which the libc compares
/// and copies by other instructions by fifteen. What is less than twice that is not told from it.
const TOLERANCE: f64 = 0.03;
/// Another compiler inlines differently, another libc copies differently: what is refused then is a path that does
/// something else than before.
const TOLERANCE_ACROSS_TOOLS: f64 = 0.2;

pub(crate) struct Comparison {
    tolerance: f64,
    /// How what counts differs from what has counted.
    differences: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    path: String,
    before: Option<f64>,
    now: Option<f64>,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    /// More instructions than are allowed.
    Slower,
    /// Fewer by as much: what is won is lost again unnoticed unless the baseline follows.
    Faster,
    /// It is not in the file.
    New,
    /// It is in the file only.
    Gone,
}

impl Comparison {
    pub(crate) fn of(before: &Baseline, now: &Baseline) -> Self {
        let differences = before.counted_with.differences(&now.counted_with);
        let tolerance = if differences.is_empty() { TOLERANCE } else { TOLERANCE_ACROSS_TOOLS };
        let row = |path: &String| {
            let before = before.instructions.get(path).copied();
            let now = now.instructions.get(path).copied();
            let verdict = Verdict::of(before, now, tolerance);
            Row { path: path.clone(), before, now, verdict }
        };
        let gone = before.instructions.keys().filter(|path| !now.instructions.contains_key(*path));
        let rows = now.instructions.keys().chain(gone).map(row).collect();
        Self { tolerance, differences, rows }
    }

    /// A failure that names the paths, if there is one.
    pub(crate) fn judge(&self) -> Result<(), Failure> {
        let slower = self.paths(Verdict::Slower);
        if !slower.is_empty() {
            return Err(Failure::new(format!(
                "these take more instructions than {BASELINE} allows: {slower}. Where that is what the change is \
                 worth, `{BLESS}` and say so in the commit"
            )));
        }
        let (new, gone) = (self.paths(Verdict::New), self.paths(Verdict::Gone));
        if !new.is_empty() || !gone.is_empty() {
            let list = |what, paths: String| {
                if paths.is_empty() { paths } else { format!("; {what}: {paths}") }
            };
            return Err(Failure::new(format!(
                "{BASELINE} does not fit the paths of bench/gate{}{}: `{BLESS}`",
                list("it lacks", new),
                list("it has what is gone", gone)
            )));
        }
        Ok(())
    }

    fn paths(&self, verdict: Verdict) -> String {
        let rows = self.rows.iter().filter(|row| row.verdict == verdict);
        rows.map(|row| format!("`{}`", row.path)).collect::<Vec<_>>().join(", ")
    }
}

impl Verdict {
    fn of(before: Option<f64>, now: Option<f64>, tolerance: f64) -> Self {
        match (before, now) {
            (None, _) => Self::New,
            (_, None) => Self::Gone,
            (Some(before), Some(now)) if now > before * (1.0 + tolerance) => Self::Slower,
            (Some(before), Some(now)) if now < before * (1.0 - tolerance) => Self::Faster,
            _ => Self::Same,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Slower => "SLOWER",
            Self::Faster => "faster",
            Self::New => "NOT IN THE FILE",
            Self::Gone => "GONE",
        }
    }
}

/// The table, and what to know about it.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.path.chars().count()).max().unwrap_or(0);
        writeln!(
            f,
            "{:width$}  {:>10}  {:>10}  {:>8}",
            "instructions of", "before", "now", "change"
        )?;
        for row in &self.rows {
            let count =
                |count: Option<f64>| count.map_or("–".to_owned(), |count| format!("{count:.1}"));
            let change = match (row.before, row.now) {
                (Some(before), Some(now)) => format!("{:+.2} %", (now / before - 1.0) * 100.0),
                _ => String::new(),
            };
            let line = format!(
                "{:width$}  {:>10}  {:>10}  {change:>8}  {}",
                row.path,
                count(row.before),
                count(row.now),
                row.verdict.word()
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        let allowed = self.tolerance * 100.0;
        if self.differences.is_empty() {
            write!(f, "allowed: {allowed:.0} %")?;
        } else {
            write!(
                f,
                "allowed: {allowed:.0} % rather than {:.0} %, since this was counted with {}; where that is what \
                 everybody has from now on, `{BLESS}`",
                TOLERANCE * 100.0,
                self.differences.join(", and with ")
            )?;
        }
        let faster = self.paths(Verdict::Faster);
        if !faster.is_empty() {
            write!(f, "\nfaster than before, so lower the baseline with `{BLESS}`: {faster}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::baseline::Tools;
    use super::*;

    fn counted(compiler: &str, paths: &[(&str, f64)]) -> Baseline {
        let [compiler, libc, valgrind] = [compiler, "glibc", "valgrind"].map(str::to_owned);
        let instructions = paths.iter().map(|(path, count)| ((*path).to_owned(), *count));
        Baseline {
            counted_with: Tools { compiler, libc, valgrind },
            instructions: instructions.collect(),
        }
    }

    fn compare(before: &[(&str, f64)], now: &[(&str, f64)]) -> Comparison {
        Comparison::of(&counted("rustc 1", before), &counted("rustc 1", now))
    }

    fn complaint(comparison: &Comparison) -> String {
        comparison.judge().map_or_else(|failure| failure.to_string(), |()| String::new())
    }

    #[test]
    fn a_slower_path_is_refused_and_named() {
        let before = [("get", 1000.0), ("has", 100.0)];
        let comparison = compare(&before, &[("get", 1031.0), ("has", 102.0)]);
        let complaint = complaint(&comparison);
        assert!(complaint.contains("`get`") && !complaint.contains("`has`"), "{complaint}");
        let table = comparison.to_string();
        assert!(table.contains("+3.10 %  SLOWER"), "{table}");
    }

    #[test]
    fn what_the_rounds_differ_by_passes() {
        let comparison = compare(&[("get", 1000.0)], &[("get", 1029.0)]);
        assert_eq!(complaint(&comparison), "");
        assert!(!comparison.to_string().contains(BLESS));
    }

    #[test]
    fn a_faster_path_passes_and_asks_for_a_lower_baseline() {
        let comparison = compare(&[("get", 1000.0)], &[("get", 900.0)]);
        assert_eq!(complaint(&comparison), "");
        let told = comparison.to_string();
        assert!(told.contains(&format!("lower the baseline with `{BLESS}`: `get`")), "{told}");
    }

    #[test]
    fn paths_that_the_file_lacks_or_has_too_many_are_named() {
        let complaint = complaint(&compare(&[("old", 1.0)], &[("new", 1.0)]));
        for named in ["it lacks: `new`", "it has what is gone: `old`", BLESS] {
            assert!(complaint.contains(named), "{named}: {complaint}");
        }
    }

    #[test]
    fn another_compiler_is_told_of_and_held_to_less() {
        let before = counted("rustc 1", &[("get", 1000.0)]);
        let comparison = Comparison::of(&before, &counted("rustc 2", &[("get", 1190.0)]));
        assert_eq!(complaint(&comparison), "");
        let told = comparison.to_string();
        assert!(told.contains("rustc 2 instead of rustc 1"), "{told}");
        let comparison = Comparison::of(&before, &counted("rustc 2", &[("get", 1210.0)]));
        assert!(complaint(&comparison).contains("`get`"));
    }
}
