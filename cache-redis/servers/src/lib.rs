//! Real Redis and Valkey servers for tests: standalone, as a cluster, behind a sentinel, with TLS; to
//! be stopped, paused and failed over. Not for production, and not a client: what it asks its servers,
//! it asks as their operator, over connections of its own.
//!
//! ```no_run
//! # async fn example() {
//! use redis_servers::Server;
//!
//! let server = Server::start_with(&["--maxmemory", "8mb"]).await;
//! server.ask(&["SET", "key", "value"]);
//! server.stop().await; // as a crash
//! server.start_again().await; // on the same port, and empty
//! assert_eq!(server.ask(&["DBSIZE"]), redis::Value::Int(0));
//! # }
//! ```
//!
//! # Where servers come from
//!
//! The variable `REDIS_SERVERS` says it, for the whole process:
//!
//! | `REDIS_SERVERS` | servers are |
//! |---|---|
//! | `docker:IMAGE[:TAG]` | containers of that image, which is pulled if it is not there |
//! | `program:PATH` | processes of that program, such as `redis-server`, looked up on `PATH` |
//! | `url:redis://…` | one that runs already: it can be used and asked, not configured or stopped |
//! | not set | containers of `redis:8.0` if a Docker engine answers; else processes of the `redis-server` or `valkey-server` on `PATH`; else there are none, and a test that wants one panics and says what to do |
//!
//! Containers share the network of their host, so that a cluster and a sentinel announce addresses that
//! can be reached, and a server that is started again has its port again. That needs an engine on
//! the same Linux. Every server listens on this machine's own addresses alone and keeps nothing on disk.
//!
//! # How they end
//!
//! With the value: dropping a [`Server`] removes its container, or ends and reaps its process, before the
//! drop returns, on whatever runtime or thread it happens, during a panic too. What is never dropped
//! (a `static`, a value that is alive at [`std::process::exit`], or in a process that a signal ends) is
//! left behind. Containers that were are found by their label:
//! `docker rm --force $(docker ps --quiet --filter label=redis-servers)`.
//!
//! All that this crate does, it does on a runtime of its own: virtual time in a test does not concern it.
//! Whatever goes wrong with a server panics, in the test that asked, with what the server printed.

mod cluster;
mod container;
mod keeper;
mod launch;
mod operator;
mod port;
mod program;
mod secure;
mod sentinel;
mod server;
mod source;
mod wait;

pub use redis;

pub use crate::cluster::Cluster;
pub use crate::secure::Secure;
pub use crate::sentinel::Sentinel;
pub use crate::server::Server;
pub use crate::source::Source;

/// What a person is told when a server cannot be had.
type Attempt<T> = Result<T, String>;
