//! A server as a process of a program of this machine, in a folder of its own.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tempfile::TempDir;

use crate::Attempt;
use crate::launch::Launch;

/// What the server prints goes here, in its folder.
const LOG: &str = "printed.log";

#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    folder: TempDir,
    /// Until it is stopped.
    child: Option<Child>,
}

impl Program {
    pub(crate) fn start(path: PathBuf, launch: &Launch, port: u16) -> Attempt<Self> {
        let folder =
            TempDir::new().map_err(|error| format!("cannot create a server's folder: {error}"))?;
        for file in &launch.files {
            let path = folder.path().join(file.name);
            fs::write(&path, &file.content)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        let arguments = launch.arguments_on(port);
        let mut program = Self { path, arguments, folder, child: None };
        program.start_again()?;
        Ok(program)
    }

    pub(crate) fn start_again(&mut self) -> Attempt<()> {
        let log = File::create(self.folder.path().join(LOG))
            .and_then(|log| Ok((log.try_clone()?, log)))
            .map_err(|error| format!("cannot write what a server prints: {error}"))?;
        let child = Command::new(&self.path)
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.0)
            .stderr(log.1)
            .spawn()
            .map_err(|error| format!("cannot start `{}`: {error}", self.path.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Ends it at once, in whatever state it is, and reaps it.
    pub(crate) fn stop(&mut self) -> Attempt<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child
            .kill()
            .and_then(|()| child.wait())
            .map(drop)
            .map_err(|error| format!("cannot end process {}: {error}", child.id()))
    }

    pub(crate) fn pause(&mut self) -> Attempt<()> {
        let pid = self.pid()?;
        kill_process(pid, Signal::STOP)
            // A signal is delivered when the system sees fit; this returns when it has been.
            .and_then(|()| {
                let options =
                    WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                waitid(WaitId::Pid(pid), options)
            })
            .map(drop)
            .map_err(|error| format!("cannot pause process {pid:?}: {error}"))
    }

    pub(crate) fn resume(&mut self) -> Attempt<()> {
        let pid = self.pid()?;
        kill_process(pid, Signal::CONT)
            .map_err(|error| format!("cannot resume process {pid:?}: {error}"))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    pub(crate) fn printed(&self) -> String {
        fs::read(self.folder.path().join(LOG))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn pid(&self) -> Attempt<Pid> {
        self.child.as_ref().map(Pid::from_child).ok_or_else(|| "the server is stopped".to_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(complaint) = self.stop() {
            eprintln!("a server is left behind: {complaint}");
        }
    }
}
