//! Section "locks": what it costs to take a lock and give it back, and how soon those who wait get in.

mod contended;
mod memory;
mod uncontended;

use redis_servers::Server;

use crate::args::Effort;
use crate::redis::runtime;
use crate::verdict::Findings;

pub(crate) fn run(effort: Effort, findings: &mut Findings) {
    memory::run(effort, findings);
    let runtime = runtime();
    let server = runtime.block_on(Server::start());
    uncontended::run(&runtime, &server.url(), effort, findings);
    contended::run(&runtime, &server.url(), effort, findings);
    drop(server);
}
