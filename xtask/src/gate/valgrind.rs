//! The program that counts.

use crate::cli::MissingTool;
use crate::debian;
use crate::plan::Failure;
use crate::process::Call;

const NO_VALGRIND: &str = "valgrind, which counts instructions, is not on PATH. Install it (Debian: `apt-get \
    install valgrind`; there is none for Windows, nor for current versions of macOS)";

/// Makes sure that it is there.
pub(crate) fn require(missing: MissingTool) -> Result<(), Failure> {
    if version().is_some() {
        return Ok(());
    }
    match missing {
        MissingTool::Install if debian::can_install() => {
            eprintln!(
                "valgrind, which counts instructions, is not on PATH: installing Debian's with apt-get (--no-install \
                 declines)"
            );
            debian::install("valgrind")?;
            match version() {
                Some(_) => Ok(()),
                None => Err(Failure::new("valgrind has been installed and does not run")),
            }
        }
        MissingTool::Install => Err(Failure::new(NO_VALGRIND)),
        MissingTool::Fail => Err(Failure::new(format!("{NO_VALGRIND}, or leave out --no-install"))),
    }
}

pub(crate) fn version() -> Option<String> {
    Call::program("valgrind", "--version").probe()
}
