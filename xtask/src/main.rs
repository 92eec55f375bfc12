//! The workspace's own tool, run as `cargo xtask COMMAND`: what developers and CI call.
//!
//! Dispatch only. `cli` says what can be asked for; `lint`, `test`, `bench` and `gate` turn that into
//! a list of steps; `plan` runs such a list and reports on it. `integration` runs what needs Redis. The
//! rules that the dependencies and the README must keep are in `policy`.

mod bench;
mod cli;
mod debian;
mod deny;
mod features;
mod gate;
mod integration;
mod lint;
mod metadata;
mod plan;
mod policy;
mod process;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::Request;
use crate::metadata::Workspace;
use crate::plan::Failure;

/// Ended by a step that failed.
const FAILED: u8 = 1;
/// Ended by a command line that could not be understood.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let request = match cli::parse(args) {
        Ok(request) => request,
        Err(misuse) => {
            eprintln!("error: {misuse}\n\n{}", cli::USAGE);
            return ExitCode::from(MISUSED);
        }
    };
    match run(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::from(FAILED)
        }
    }
}

fn run(request: Request) -> Result<(), Failure> {
    let root = workspace_root();
    std::env::set_current_dir(&root)
        .map_err(|error| Failure::new(format!("cannot enter {}: {error}", root.display())))?;
    match request {
        Request::Help => {
            println!("{}", cli::USAGE);
            Ok(())
        }
        Request::Test(options) => test::plan(&root, &Workspace::load()?, options).run(),
        Request::Integration(options) => integration::run(options),
        Request::Lint(options) => lint::plan(options).run(),
        Request::Bench { args } => bench::plan(&root, args)?.run(),
        Request::Gate(options) => gate::plan(options).run(),
    }
}

/// The folder of the workspace, whichever of its folders the command was called from.
fn workspace_root() -> PathBuf {
    // Cargo's answer of this run comes first: with a shared target folder the binary may have been
    // built from another clone.
    let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest_dir.parent().map_or_else(|| manifest_dir.clone(), Path::to_path_buf)
}
