//! Keeps the processors awake while so little is under way that they would fall asleep between operations.
//!
//! How long a processor takes to wake depends on how long it has slept and on how it did so before: without this the
//! same operation of the same contender takes from 22 to 70 µs, by chance. What keeps them awake is of idle priority, and
//! makes way for whatever else there is to do, as less urgent work of a service would.

use std::process::{Child, Command};
use std::thread::available_parallelism;

/// Does nothing for as long as the process that it is told of lives.
const STAY_AWAKE: &str = "\
while kill -0 \"$0\"; do step=0; while [ $step -lt 10000 ]; do step=$((step + 1)); done; done";

/// Two processes that take turns are faster or slower for a while, by where they happen to run. So where only one
/// thing happens at a time there are so many times as many rounds, and each is as much shorter.
pub(crate) const MORE_ROUNDS: u32 = 5;

/// Until it is dropped.
pub(crate) struct Awake(Vec<Child>);

impl Awake {
    /// Without `chrt`, of util-linux, they sleep when they like.
    pub(crate) fn keep() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        let started = (0..processors).map(|_| {
            let mut command = Command::new("chrt");
            command.args(["--idle", "0", "sh", "-c", STAY_AWAKE, &std::process::id().to_string()]);
            command.spawn()
        });
        match started.collect::<Result<_, _>>() {
            Ok(started) => Self(started),
            Err(error) => {
                eprintln!(
                    "warning: processors sleep between operations: `chrt` cannot be run: {error}"
                );
                Self(Vec::new())
            }
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            if let Ok(Some(ended)) = child.try_wait() {
                eprintln!("warning: processors slept between operations: `chrt` ended: {ended}");
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
