//! Keeps the processors awake while so little is under way that they would fall asleep between operations.
//!
//! How long a processor takes to wake depends on how long it has slept and on how it did so before: without this the
//! same operation of the same contender takes from 22 to 70 µs, by chance. What keeps them awake is of idle priority, and
//! makes way for whatever else there is to do, as less urgent work of a service would.

use std::process::{Child, Command};
use std::thread::available_parallelism;

use redis_servers::Source;

/// A client and a server that take turns are faster or slower for a while, by where they happen to run. So where only
/// one operation is under way there are so many times as many rounds, and each is as much shorter.
pub(crate) const MORE_ROUNDS: u32 = 5;

/// Ends with the benchmark, however that ends.
const STAY_AWAKE: [&str; 9] =
    ["setpriv", "--pdeathsig", "KILL", "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"];

/// Until it is dropped.
#[derive(Default)]
pub(crate) struct Awake(Vec<Child>);

impl Awake {
    /// Without `setpriv` and `chrt`, of util-linux, they sleep when they like.
    pub(crate) fn keep() -> Self {
        let mut awake = Self::default();
        let [program, args @ ..] = STAY_AWAKE;
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            match Command::new(program).args(args).spawn() {
                Ok(child) => awake.0.push(child),
                Err(error) => {
                    eprintln!(
                        "warning: processors sleep between operations: no {program}: {error}"
                    );
                    return Self::default();
                }
            }
        }
        awake
    }

    /// The same beside a server. One in a container is in another group of the scheduler's, in which it would have to
    /// share with all of this one, whatever the priority.
    pub(crate) async fn keep_beside_a_server() -> Self {
        match Source::from_env().await {
            Source::Program(_) => Self::keep(),
            source => {
                eprintln!("warning: processors sleep between operations: the server is {source}");
                Self::default()
            }
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            if let Ok(Some(ended)) = child.try_wait() {
                eprintln!("warning: processors slept between operations: chrt ended: {ended}");
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
