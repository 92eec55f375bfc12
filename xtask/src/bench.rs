//! `cargo xtask bench`: the benchmarks, which live outside the workspace so that what they compare
//! with never enters its lock file.

use std::fs;
use std::path::Path;

use toml::Table;

use crate::plan::{Failure, Plan};
use crate::process::Call;

/// The manifest of the benchmarks, from the workspace's root.
pub(crate) const MANIFEST: &str = "bench/Cargo.toml";

/// Runs the benchmarks with their own arguments.
pub(crate) fn plan(root: &Path, args: Vec<String>) -> Result<Plan, Failure> {
    if !exists(root) {
        return Err(Failure::new(format!("there are no benchmarks here: {MANIFEST} is missing")));
    }
    let call = Call::cargo("run --release --manifest-path").args([MANIFEST, "--"]).args(args);
    Ok(Plan::default().cargo("bench", call))
}

fn exists(root: &Path) -> bool {
    root.join(MANIFEST).is_file()
}

/// Why they cannot be compiled here, if that is so. What they compare with asks for a newer Rust than the library does.
pub(crate) fn obstacle(root: &Path) -> Option<String> {
    if !exists(root) {
        return Some(format!("there is no {MANIFEST}"));
    }
    // What cannot be told here is for cargo to complain of.
    let manifest = fs::read_to_string(root.join(MANIFEST)).ok()?;
    newer_rust(&manifest, &Call::program("rustc", "--version").probe()?)
}

/// That the manifest asks for a newer Rust than the one whose `rustc --version` printed `rustc`.
fn newer_rust(manifest: &str, rustc: &str) -> Option<String> {
    let manifest: Table = manifest.parse().ok()?;
    let wanted = manifest.get("package")?.get("rust-version")?.as_str()?;
    let found = rustc.split_whitespace().nth(1)?;
    (release(found)? < release(wanted)?)
        .then(|| format!("{MANIFEST} asks for Rust {wanted}, and this is {found}"))
}

/// The numbers of a version, with 0 for those that are left out. A nightly or a beta is as good as its release: so does
/// cargo compare them.
fn release(version: &str) -> Option<[u64; 3]> {
    let mut numbers = [0; 3];
    let parts = version.split('-').next()?.split('.');
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part.parse().ok()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_benchmarks_are_an_error() {
        let failure = plan(Path::new("no/such/folder"), vec![]).err().expect("nothing to run");
        assert!(failure.to_string().contains(MANIFEST), "{failure}");
    }

    #[test]
    fn an_older_rust_than_the_manifest_asks_for_is_an_obstacle() {
        let manifest = "[package]\nrust-version = \"1.95\"";
        let told = |rustc: &str| newer_rust(manifest, rustc);
        for (rustc, version) in [
            ("rustc 1.88.0 (6b00bc388 2025-06-23)", "1.88.0"),
            ("rustc 1.94.1 (abcdef012 2026-03-01)", "1.94.1"),
            ("rustc 1.94.0-nightly (abcdef012 2026-01-01)", "1.94.0-nightly"),
        ] {
            let expected = format!("{MANIFEST} asks for Rust 1.95, and this is {version}");
            assert_eq!(told(rustc), Some(expected));
        }
        for rustc in ["rustc 1.95.0 (59807616e 2026-04-14)", "rustc 1.95.0-nightly", "rustc 2.0.0"]
        {
            assert_eq!(told(rustc), None, "{rustc}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_left_to_cargo() {
        let old = "rustc 1.88.0";
        for manifest in ["", "no manifest", "[package]", "[package]\nrust-version = \"new\""] {
            assert_eq!(newer_rust(manifest, old), None, "{manifest}");
        }
        for rustc in ["", "rustc", "rustc unknown"] {
            assert_eq!(newer_rust("[package]\nrust-version = \"1.95\"", rustc), None, "{rustc}");
        }
    }

    #[test]
    fn the_manifest_says_what_it_asks_for() {
        let manifest = include_str!("../../bench/Cargo.toml");
        assert!(newer_rust(manifest, "rustc 1.0.0").is_some());
    }
}
