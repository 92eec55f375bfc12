//! The package's examples as programs.

use std::env;
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An example, with all features. It is built here where it has not been: what lies in the folder of builds may have been
/// built without the driver.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    let folder = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile");
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo has told of this package would be taken for another environment by what is built, and all of it would be
    // built anew.
    for (variable, _) in env::vars_os() {
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if told.iter().any(|prefix| variable.to_string_lossy().starts_with(prefix)) {
            cargo.env_remove(variable);
        }
    }
    let built = cargo
        .args(["build", "--quiet", "--all-features", "--example", name, "--profile"])
        .arg(if profile == "debug" { "dev" } else { profile })
        .arg("--target-dir")
        .arg(folder.parent().expect("target"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the example `{name}` can be built");
    folder.join("examples").join(format!("{name}{EXE_SUFFIX}"))
}
