//! Where servers can be had on this machine, and what is done where they cannot.

use std::env;
use std::path::PathBuf;

use crate::cli::MissingTool;
use crate::debian;
use crate::plan::Failure;
use crate::process::Call;

const PROGRAMS: &[&str] = &["redis-server", "valkey-server"];

/// What a person can do.
const NO_ENGINE: &str = "no Docker engine answers. Start Docker, or install an engine \
    (Debian: `apt-get install docker.io`); or name a running server with `--url redis://HOST:PORT`; or \
    run `cargo xtask test`, which also takes a redis-server on PATH";
const NO_SERVER: &str = "no Docker engine answers, and neither redis-server nor valkey-server is on \
    PATH, so that nothing was tested on Redis. Start Docker, or install redis-server";

/// Complains where no Docker engine answers.
pub(crate) fn require_engine() -> Result<(), Failure> {
    if engine_answers() { Ok(()) } else { Err(Failure::new(NO_ENGINE)) }
}

pub(crate) fn engine_answers() -> bool {
    // The client's version is known without an engine, the server's is not.
    let version = Call::program("docker", "version --format {{.Server.Version}}").probe();
    version.is_some_and(|version| !version.is_empty())
}

/// Makes sure that the engine has an image: it is pulled only where it is not there.
pub(crate) fn require_image(image: &str) -> Result<(), Failure> {
    if Call::program("docker", "image inspect").args([image]).probe().is_some() {
        return Ok(());
    }
    Call::program("docker", "pull --quiet")
        .args([image])
        .run()
        .map_err(|failure| Failure::new(format!("it is not here and cannot be pulled: {failure}")))
}

/// A server's program: on PATH, or else installed there.
pub(crate) fn require_program(missing: MissingTool) -> Result<PathBuf, Failure> {
    if let Some(found) = program() {
        return Ok(found);
    }
    match missing {
        MissingTool::Install if debian::can_install() => install()?,
        MissingTool::Install => return Err(Failure::new(NO_SERVER)),
        MissingTool::Fail => {
            return Err(Failure::new(format!("{NO_SERVER}, or leave out --no-install")));
        }
    }
    program().ok_or_else(|| {
        Failure::new(
            "redis-server has been installed by apt-get, and is not on PATH: add its folder",
        )
    })
}

fn program() -> Option<PathBuf> {
    let folders: Vec<_> = env::var_os("PATH").iter().flat_map(env::split_paths).collect();
    let places = PROGRAMS.iter().flat_map(|name| folders.iter().map(move |dir| dir.join(name)));
    places.into_iter().find(|path| path.is_file())
}

fn install() -> Result<(), Failure> {
    eprintln!(
        "no Docker engine answers and no redis-server is on PATH: installing Debian's with apt-get \
         (--no-install declines; where services run, Debian starts this one)"
    );
    debian::install("redis-server")
}
