//! Section "peers-redis": the cache on a server beside what else is used for it, on one server of the loopback device.
//!
//! The server is started here, and emptied between measurements: one that runs already is never used.

mod contenders;
mod contest;
mod flush;
mod locks;
mod many;
mod peer;
mod reads;
mod remember;
mod server;
mod standings;
mod tagged;
mod traffic;
mod users;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use redis_servers::Server;
use tokio::runtime::Runtime;

use crate::args::Effort;
use crate::fixture::Fixture;
use crate::peers::redis::contenders::Contenders;
use crate::peers::redis::users::Users;
use crate::record::Records;
use crate::redis::runtime;
use crate::verdict::Findings;

/// How long an answer is waited for by whoever can be told, so that a busy machine fails no run.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long everything is stored for, by everybody.
const TTL_SECONDS: u64 = 3_600;

pub(crate) fn run(
    fixture: &Fixture,
    effort: Effort,
    findings: &mut Findings,
    records: &mut Records,
) {
    let runtime = runtime();
    let server = runtime.block_on(server::start());
    let told = runtime.block_on(server::told(&server));
    println!("server: {told}");
    records.head.push(("server".to_owned(), told));
    let bench = Bench { runtime, server, users: Arc::new(Users::of(fixture)), effort };
    let mut book = Book { findings, records };
    let contenders = bench.runtime.block_on(Contenders::connect(&bench.server.url()));
    writes::run(&bench, &contenders, &mut book);
    reads::run(&bench, &contenders, &mut book);
    many::run(&bench, &contenders, &mut book);
    remember::run(&bench, &contenders, &mut book);
    tagged::run(&bench, &contenders, &mut book);
    flush::run(&bench, &contenders, &mut book);
    drop(contenders);
    locks::run(&bench, &mut book);
}

/// What the notes of what is asked by so many tasks end with.
const HOW: &str = "\
    The clients' runtime has as many threads as there are processors, and the server runs on the same. While one operation \
    at a time is measured, a process of idle priority keeps each processor awake, unless the server is in a container: \
    else what is measured is mostly how long a processor takes to wake.";

/// What every measurement begins with. The runtime ends first, and with it whoever is connected.
struct Bench {
    runtime: Runtime,
    server: Server,
    users: Arc<Users>,
    effort: Effort,
}

/// Where what was measured is written down.
struct Book<'a> {
    findings: &'a mut Findings,
    records: &'a mut Records,
}

impl Bench {
    /// Nothing is left of earlier measurements.
    fn empty_server(&self) {
        self.server.ask(&["FLUSHALL", "SYNC"]);
    }
}
