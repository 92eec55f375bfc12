//! Ports that stay free for a server that is started again on its own.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::fs::{FlockOperation, flock};

use crate::Attempt;

/// Below what systems give to outgoing connections (from 32,768 on, on Linux), one of which could
/// otherwise sit on the port of a server while that is down. The ports of a cluster's own talk
/// are these plus `BUS`, and lie below it too.
const RANGE: std::ops::Range<u16> = 15_000..22_000;
/// How far from its own port a node of a cluster talks to the others.
const BUS: u16 = 10_000;

/// A port of 127.0.0.1 that no other process which asks in this way is given until this is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    /// Locked; the system unlocks it however this process ends.
    _claim: File,
}

impl Port {
    /// Finds one on which nothing listens and that nobody has claimed.
    pub(crate) fn claim() -> Attempt<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = env::temp_dir().join("redis-servers");
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
        let count = RANGE.end - RANGE.start;
        // Processes begin at different places, so that they seldom ask for the same.
        let first = u16::try_from(process::id() * 37 % u32::from(count)).unwrap_or(0);
        for _ in 0..count {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % count;
            let number = RANGE.start + (first + step) % count;
            let Ok(claim) = File::create(folder.join(number.to_string())) else { continue };
            let is_claimed = flock(&claim, FlockOperation::NonBlockingLockExclusive).is_ok();
            if is_claimed && is_free(number) && is_free(number + BUS) {
                return Ok(Self { number, _claim: claim });
            }
        }
        Err(format!("none of the ports {RANGE:?} of 127.0.0.1 is free"))
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once() {
        let ports: Vec<_> = (0..50).map(|_| Port::claim().unwrap()).collect();
        let mut numbers: Vec<_> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ports.len());
    }
}
