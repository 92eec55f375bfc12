//! What the server says that it was sent: so that nobody can be taken for fast who asks for less.

use redis_servers::Server;

use super::server::info;

/// What is the operator's own.
const OURS: [&str; 4] = ["info", "client|setinfo", "hello", "config|resetstat"];

#[derive(Clone, Copy, Default)]
pub(crate) struct Traffic {
    /// Commands that were executed, with those within scripts.
    pub(crate) commands: f64,
    /// How often the server has read from a socket: less often than there are commands where several come at once.
    pub(crate) reads: f64,
}

/// Counts from when it was started.
pub(crate) struct Meter<'a> {
    server: &'a Server,
    before: Traffic,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(server: &'a Server) -> Self {
        Self { server, before: Traffic::so_far(server) }
    }

    pub(crate) fn total(&self) -> Traffic {
        let now = Traffic::so_far(self.server);
        Traffic {
            commands: now.commands - self.before.commands,
            reads: now.reads - self.before.reads,
        }
    }

    pub(crate) fn per(&self, operations: u32) -> Traffic {
        let Traffic { commands, reads } = self.total();
        let operations = f64::from(operations);
        Traffic { commands: commands / operations, reads: reads / operations }
    }
}

impl Traffic {
    fn so_far(server: &Server) -> Self {
        let commands = info(server, "commandstats");
        let commands = commands.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            let count: f64 = rest.split_once(',')?.0.parse().ok()?;
            (!OURS.contains(&name)).then_some(count)
        });
        let stats = info(server, "stats");
        let reads = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        let reads = reads.and_then(|reads| reads.trim().parse().ok());
        Self { commands: commands.sum(), reads: reads.unwrap_or(f64::NAN) }
    }
}
