//! What a table of numbers is worth nothing without: the machine and what else it did, the compiler, the versions.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use crate::args::Options;
use crate::fixture::{Fixture, KEYS};
use crate::processors::{self, Time};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const LOCK: &str = include_str!("../Cargo.lock");

/// The packages whose versions are told.
const IN_MEMORY: [&str; 9] = [
    "cache-memory",
    "quick_cache",
    "bincode",
    "tokio",
    "moka",
    "mini-moka",
    "foyer-memory",
    "cached",
    "cachet",
];
const ON_A_SERVER: [&str; 6] = ["cache-redis", "fred", "redis", "hitbox", "hitbox-redis", "rslock"];

/// A name and a value.
pub(crate) type Line = (String, String);

/// Waits until nothing else runs, since what is told of the machine is how it was before the first section.
pub(crate) fn lines(options: &Options, fixture: &Fixture) -> Vec<Line> {
    let busy =
        share(processors::wait_until_idle(options.effort), "in the last second before the run");
    let processors = available_parallelism().map_or(1, usize::from);
    let machine = format!("{}, {processors} processors", processor().unwrap_or_else(unknown));
    let fixture = format!("{KEYS} keys, Zipf 0.99; values of {} bytes", fixture.encoded_bytes());
    let lines = [
        ("machine", machine),
        ("busy", busy),
        ("system", output("uname", &["-srm"]).unwrap_or_else(unknown)),
        ("compiler", output("rustc", &["-V"]).unwrap_or_else(unknown)),
        ("versions", versions_of(&IN_MEMORY)),
        ("versions, on a server", versions_of(&ON_A_SERVER)),
        ("commit", commit().unwrap_or_else(unknown)),
        ("fixture", fixture),
        ("run", options.effort.to_string()),
    ];
    lines.map(|(name, value)| (name.to_owned(), value)).into()
}

/// What the host took of the processors' time since then, which is known after the run only.
pub(crate) fn stolen_since(start: Option<Time>) -> Line {
    let stolen = start.and_then(Time::stolen_since);
    ("stolen".to_owned(), share(stolen, "during the run, by the host"))
}

pub(crate) fn print(lines: &[Line]) {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in lines {
        println!("{name:<width$}  {value}");
    }
}

fn share(of_time: Option<f64>, when: &str) -> String {
    let told = |share: f64| format!("{:.1} % of the processors' time, {when}", share * 100.0);
    of_time.map_or_else(unknown, told)
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn commit() -> Option<String> {
    let commit = output("git", &["-C", FOLDER, "log", "-1", "--format=%h of %cI"])?;
    // The library only: what measures it may be under work, and is told apart.
    let library =
        if is_changed(&["..", ":!."])? { ", with changes that are not committed" } else { "" };
    // What a run writes is no change.
    let measure = [".", ":!REPORT.md", ":!charts"];
    let measure = if is_changed(&measure)? { ", and changes to the benchmark" } else { "" };
    Some(format!("{commit}{library}{measure}"))
}

/// Whether anything at these paths is not committed.
fn is_changed(paths: &[&str]) -> Option<bool> {
    let status = ["-C", FOLDER, "status", "--porcelain", "--"];
    output("git", &[&status, paths].concat()).map(|changes| !changes.is_empty())
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    if !output.status.success() {
        return None;
    }
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn versions_of(packages: &[&str]) -> String {
    let versions = packages.iter().map(|name| format!("{name} {}", version_of(name)));
    versions.collect::<Vec<_>>().join(", ")
}

/// The version of a package in the lock file.
fn version_of(package: &str) -> &'static str {
    let name = format!("name = \"{package}\"");
    let version = LOCK.lines().skip_while(|line| *line != name).nth(1);
    version.and_then(|line| line.split('"').nth(1)).unwrap_or("unknown")
}
