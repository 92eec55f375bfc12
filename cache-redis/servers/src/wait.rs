//! Waiting for a server to get somewhere: by asking it, never by a time that should be enough.

use std::thread;
use std::time::{Duration, Instant};

use crate::Attempt;

/// Far beyond what anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// What was found on looking.
pub(crate) enum Seen<T> {
    /// What was waited for.
    There(T),
    /// Not yet, and what is to be seen instead.
    NotYet(String),
}

/// Looks until it is there. Blocks. An error of the look itself ends the waiting.
pub(crate) fn until<T>(awaited: &str, mut look: impl FnMut() -> Attempt<Seen<T>>) -> Attempt<T> {
    let start = Instant::now();
    loop {
        match look()? {
            Seen::There(found) => return Ok(found),
            Seen::NotYet(instead) if start.elapsed() > LIMIT => {
                return Err(format!("waited {LIMIT:?} for {awaited}; last seen: {instead}"));
            }
            Seen::NotYet(_) => thread::sleep(PAUSE),
        }
    }
}
