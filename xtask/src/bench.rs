//! `cargo xtask bench`: the benchmarks, which live outside the workspace so that what they compare
//! with never enters its lock file.

use std::path::Path;

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

pub(crate) fn exists(root: &Path) -> bool {
    root.join(MANIFEST).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_benchmarks_are_an_error() {
        let failure = plan(Path::new("no/such/folder"), vec![]).err().expect("nothing to run");
        assert!(failure.to_string().contains(MANIFEST), "{failure}");
    }
}
