//! cargo-deny, which checks what others have written: licences, sources, duplicates, advisories.
//! What it holds them to is in `deny.toml`.

use crate::cli::MissingTool;
use crate::plan::Failure;
use crate::process::Call;

/// The version that `deny.toml` is written for, and that is installed where there is none.
const VERSION: &str = "0.20.2";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What the lock file and the crates' own files tell.
    Offline,
    /// What has been published about them, which is fetched.
    Advisories,
}

/// Runs the checks, after making sure that cargo-deny is there.
pub(crate) fn check(scope: Scope, missing_tool: MissingTool) -> Result<(), Failure> {
    ensure_installed(missing_tool)?;
    let checks = match scope {
        Scope::Offline => "bans licenses sources",
        Scope::Advisories => "advisories",
    };
    Call::cargo("deny check").args(checks.split(' ')).run()
}

fn ensure_installed(missing_tool: MissingTool) -> Result<(), Failure> {
    let found = Call::cargo("deny --version").probe();
    // Unoptimised: it runs for seconds, and takes twice as long to build for speed.
    let install = Call::cargo("install cargo-deny --locked --debug --version").args([VERSION]);
    match (found, missing_tool) {
        (Some(found), _) => {
            if found != format!("cargo-deny {VERSION}") {
                eprintln!("note: using {found}; deny.toml is written for {VERSION}");
            }
            Ok(())
        }
        (None, MissingTool::Install) => {
            eprintln!("cargo-deny is not installed: installing it, which takes a few minutes");
            install.run()
        }
        (None, MissingTool::Fail) => Err(Failure::new(format!(
            "cargo-deny is not installed; run `{install}`, or leave out --no-install"
        ))),
    }
}
