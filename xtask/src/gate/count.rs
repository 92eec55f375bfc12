//! Counting: the program of `bench/gate` is built as users build, and run under callgrind once for each path.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::baseline::{Baseline, Tools};
use super::valgrind;
use crate::plan::Failure;
use crate::process::Call;

const PACKAGE: &str = "bench-gate";
/// What is counted, with all that it calls.
const FUNCTION: &str = "*::paths::counted*";
/// The first has an operation on each of many keys; more would change the second decimal.
const ROUNDS: &str = "1";

pub(crate) fn all() -> Result<Baseline, Failure> {
    let program = build()?;
    let list = Call::cargo("run --quiet --release -p").args([PACKAGE, "--", "--list"]).read()?;
    let mut lines = list.lines();
    let operations = lines.next().and_then(|line| line.parse().ok());
    let operations: u32 = operations.ok_or_else(|| surprise(&program, "no number of keys"))?;
    let mut instructions = vec![];
    for (number, path) in lines.enumerate() {
        let file = program.with_file_name(format!("{PACKAGE}.{number}.callgrind"));
        let counted = count(&program, path, &file)?;
        instructions.push((path.to_owned(), per_operation(counted, operations)));
    }
    let files = program.with_file_name(format!("{PACKAGE}.N.callgrind"));
    eprintln!("where they went: callgrind_annotate {}", files.display());
    Ok(Baseline { counted_with: tools()?, instructions: instructions.into_iter().collect() })
}

/// With one decimal, as it is written down.
fn per_operation(counted: u64, operations: u32) -> f64 {
    // Far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let tenths = counted as f64 * 10.0 / f64::from(operations);
    tenths.round() / 10.0
}

/// Builds the program, and says where it is.
fn build() -> Result<PathBuf, Failure> {
    let messages = Call::cargo("build --release --message-format json-render-diagnostics -p")
        .args([PACKAGE])
        .read()?;
    executable(&messages).ok_or_else(|| Failure::new(format!("cargo has built no {PACKAGE}")))
}

fn executable(messages: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    messages.filter_map(|message| message.executable).next_back()
}

fn count(program: &Path, path: &str, file: &Path) -> Result<u64, Failure> {
    Call::program("valgrind", "--quiet --tool=callgrind --collect-atstart=no")
        .args([
            format!("--toggle-collect={FUNCTION}"),
            format!("--callgrind-out-file={}", file.display()),
            program.display().to_string(),
        ])
        .args([path, ROUNDS])
        .run()?;
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))?;
    match total(&text) {
        Some(0) => Err(surprise(program, &format!("no function called {FUNCTION}"))),
        Some(count) => Ok(count),
        None => Err(surprise(file, "no total")),
    }
}

/// What callgrind has counted in all.
fn total(file: &str) -> Option<u64> {
    let line = |name| file.lines().find_map(|line| line.strip_prefix(name));
    line("totals:").or_else(|| line("summary:"))?.trim().parse().ok()
}

fn surprise(what: &Path, lack: &str) -> Failure {
    Failure::new(format!("{} has {lack}", what.display()))
}

fn tools() -> Result<Tools, Failure> {
    let unknown = |what| Failure::new(format!("cannot find out the version of {what}"));
    let compiler = Call::program("rustc", "-vV").probe();
    Ok(Tools {
        compiler: compiler.as_deref().and_then(compiler_in).ok_or_else(|| unknown("rustc"))?,
        libc: Call::program("getconf", "GNU_LIBC_VERSION").probe().unwrap_or("no glibc".into()),
        valgrind: valgrind::version().ok_or_else(|| unknown("valgrind"))?,
    })
}

/// The version and the platform, of what `rustc -vV` says.
fn compiler_in(text: &str) -> Option<String> {
    let host = text.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(format!("{} for {host}", text.lines().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_from_what_callgrind_writes() {
        let file = "events: Ir\nsummary: 0\n\nfn=(1) a\n16 400\n\ntotals: 4800326\n";
        assert_eq!(total(file), Some(4_800_326));
        assert_eq!(total("events: Ir\nsummary: 12\n"), Some(12));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"executable\":\"/t/release/bench-gate\"}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/release/bench-gate")));
        assert_eq!(executable(""), None);
    }

    #[test]
    fn the_compiler_is_its_version_and_its_platform() {
        let text =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        let expected = "rustc 1.95.0 (59807616e 2026-04-14) for x86_64-unknown-linux-gnu";
        assert_eq!(compiler_in(text).as_deref(), Some(expected));
    }
}
