//! One hot path, gone so many times: what `cargo xtask bench --gate` counts the instructions of.
//!
//! It measures nothing itself. It runs under `valgrind --tool=callgrind`, which counts what happens in `paths::counted`
//! and nothing of what was done before and after.

mod paths;

use std::process::ExitCode;

use crate::paths::{KEYS, PATHS, Path};

const USAGE: &str = "usage: bench-gate --list | PATH ROUNDS";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => {
            // Whoever counts has to know how many operations a round has.
            println!("{KEYS}");
            for path in PATHS {
                println!("{}", path.name);
            }
            ExitCode::SUCCESS
        }
        [name, rounds] => match (Path::of(name), rounds.parse()) {
            (Some(path), Ok(rounds)) => {
                path.go(rounds);
                ExitCode::SUCCESS
            }
            _ => misused(),
        },
        _ => misused(),
    }
}

fn misused() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
