//! What a table of numbers is worth nothing without: the machine, the compiler, the versions.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use crate::args::Options;
use crate::fixture::{Fixture, KEYS};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const LOCK: &str = include_str!("../Cargo.lock");

/// The packages whose versions are told.
const PACKAGES: [&str; 9] = [
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

/// Lines of a name and a value.
pub(crate) fn lines(options: &Options, fixture: &Fixture) -> Vec<(String, String)> {
    let versions = PACKAGES.map(|name| format!("{name} {}", version_of(name)));
    let processors = available_parallelism().map_or(1, usize::from);
    let machine = format!("{}, {processors} processors", processor().unwrap_or_else(unknown));
    let load = load().unwrap_or_else(unknown);
    let fixture = format!("{KEYS} keys, Zipf 0.99; values of {} bytes", fixture.encoded_bytes());
    let lines = [
        ("machine", machine),
        ("load", format!("{load} (1, 5 and 15 minutes, before the run)")),
        ("system", output("uname", &["-srm"]).unwrap_or_else(unknown)),
        ("compiler", output("rustc", &["-V"]).unwrap_or_else(unknown)),
        ("versions", versions.join(", ")),
        ("commit", commit().unwrap_or_else(unknown)),
        ("fixture", fixture),
        ("run", options.effort.to_string()),
    ];
    lines.map(|(name, value)| (name.to_owned(), value)).into()
}

pub(crate) fn print(lines: &[(String, String)]) {
    for (name, value) in lines {
        println!("{name:<8}  {value}");
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn load() -> Option<String> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    Some(load.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

fn commit() -> Option<String> {
    let commit = output("git", &["-C", FOLDER, "log", "-1", "--format=%h of %cI"])?;
    // The library only: what measures it may be under work.
    let status = output("git", &["-C", FOLDER, "status", "--porcelain", "--", "..", ":!."])?;
    let changes = if status.is_empty() { "" } else { ", with changes that are not committed" };
    Some(format!("{commit}{changes}"))
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    if !output.status.success() {
        return None;
    }
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The version of a package in the lock file.
fn version_of(package: &str) -> &'static str {
    let name = format!("name = \"{package}\"");
    let version = LOCK.lines().skip_while(|line| *line != name).nth(1);
    version.and_then(|line| line.split('"').nth(1)).unwrap_or("unknown")
}
