//! A primary and a replica behind one sentinel.

use redis::{Value, from_redis_value};

use crate::Attempt;
use crate::keeper::perform;
use crate::launch::Launch;
use crate::operator::{Operator, field};
use crate::server::Server;
use crate::wait::{Seen, until};

/// The name under which clients ask for the primary.
const SERVICE: &str = "cache";

/// A primary, a replica, and one sentinel that decides alone which is which.
#[derive(Debug)]
pub struct Sentinel {
    sentinel: Server,
    servers: [Server; 2],
}

impl Sentinel {
    /// Starts them. The replica is in step, and the sentinel knows both, when this returns.
    ///
    /// # Panics
    ///
    /// As [`Server::start`], and on a server that is not ours.
    pub async fn start() -> Self {
        perform(Self::launch).await
    }

    /// `redis-sentinel://127.0.0.1:PORT?service=cache`, with the sentinel's port.
    pub fn url(&self) -> String {
        format!("redis-sentinel://127.0.0.1:{}?service={SERVICE}", self.sentinel.port())
    }

    /// The server that the sentinel names as the primary now. It blocks as [`Server::ask`] does, and
    /// panics as that.
    #[track_caller]
    pub fn primary(&self) -> &Server {
        &self.servers[self.primary_now()]
    }

    /// The other one.
    #[track_caller]
    pub fn replica(&self) -> &Server {
        &self.servers[1 - self.primary_now()]
    }

    /// The sentinel itself.
    pub fn sentinel(&self) -> &Server {
        &self.sentinel
    }

    /// Has the replica take over, whether the primary runs or not. When this returns the sentinel
    /// names it and it takes writes; the former primary, if it runs, has become a replica.
    ///
    /// # Panics
    ///
    /// Where the sentinel knows no replica that is fit, or does not get there.
    pub async fn fail_over(&self) {
        let sentinel = self.sentinel.operator().clone();
        let servers = self.servers.each_ref().map(|server| server.operator().clone());
        let former = self.primary_now();
        let ports = self.servers.each_ref().map(Server::port);
        perform(move || {
            match sentinel.try_ask(&["SENTINEL", "FAILOVER", SERVICE]) {
                // It has begun by itself.
                Err(error) if error.code() == Some("INPROG") => {}
                result => {
                    result.map_err(|error| format!("the sentinel cannot fail over: {error}"))?;
                }
            }
            until("the sentinel to name the other server", || {
                match index_of(named(&sentinel)?, ports) {
                    Some(now) if now != former => Ok(Seen::There(())),
                    _ => Ok(Seen::NotYet("it names the former one".to_owned())),
                }
            })?;
            wait_for_role(&servers[1 - former], "master")?;
            match servers[former].try_ask(&["PING"]) {
                Ok(_) => wait_for_role(&servers[former], "slave"),
                // It is stopped, and is told when it comes back.
                Err(_) => Ok(()),
            }
        })
        .await;
    }

    fn launch() -> Attempt<Self> {
        // A replica would otherwise be waited for, for 5 s, in case another one comes.
        let primary = Server::launch(&Launch::server(&["--repl-diskless-sync-delay", "0"]))?;
        let replica = Server::launch(&Launch::server(&[
            "--repl-diskless-sync-delay",
            "0",
            "--replicaof",
            &format!("127.0.0.1 {}", primary.port()),
        ]))?;
        until("the replica to be in step", || {
            let info = replica.operator().ask_text(&["INFO", "replication"])?;
            match field(&info, "master_link_status") {
                Some("up") => Ok(Seen::There(())),
                _ => Ok(Seen::NotYet(info)),
            }
        })?;
        let sentinel = Server::launch(&Launch::sentinel(&format!(
            "sentinel monitor {SERVICE} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {SERVICE} 500\n\
             sentinel failover-timeout {SERVICE} 2000\n",
            primary.port()
        )))?;
        hasten(sentinel.operator());
        let system = Self { sentinel, servers: [primary, replica] };
        until("the sentinel to know the replica", || {
            let known = replicas(system.sentinel.operator())?;
            let is_fit = known.iter().any(|facts| {
                has(facts, "flags", "slave") && has(facts, "master-link-status", "ok")
            });
            if is_fit { Ok(Seen::There(())) } else { Ok(Seen::NotYet(format!("{known:?}"))) }
        })?;
        Ok(system)
    }

    #[track_caller]
    fn primary_now(&self) -> usize {
        let ports = self.servers.each_ref().map(Server::port);
        match named(self.sentinel.operator()) {
            Ok(port) => index_of(port, ports).expect("the sentinel names one of its two servers"),
            Err(complaint) => panic!("{complaint}"),
        }
    }
}

/// Sentinels look at most things every second or ten. Redis 7.0 and newer can be told to look more
/// often; the older ones keep tests waiting.
fn hasten(sentinel: &Operator) {
    let periods = ["INFO-PERIOD", "PING-PERIOD", "ASK-PERIOD", "PUBLISH-PERIOD"];
    for period in periods {
        let _ = sentinel.try_ask(&["SENTINEL", "DEBUG", period, "100"]);
    }
}

/// The port of the primary, as the sentinel tells clients.
fn named(sentinel: &Operator) -> Attempt<u16> {
    let reply = sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])?;
    from_redis_value::<(String, u16)>(reply)
        .map(|(_, port)| port)
        .map_err(|error| format!("the sentinel names no primary: {error}"))
}

fn index_of(port: u16, ports: [u16; 2]) -> Option<usize> {
    ports.iter().position(|other| *other == port)
}

/// What the sentinel knows of each replica: names and values in turn.
fn replicas(sentinel: &Operator) -> Attempt<Vec<Vec<String>>> {
    from_redis_value(sentinel.ask(&["SENTINEL", "REPLICAS", SERVICE])?)
        .map_err(|error| format!("the sentinel's list of replicas makes no sense: {error}"))
}

fn has(facts: &[String], name: &str, value: &str) -> bool {
    facts.chunks(2).any(|fact| fact == [name, value])
}

fn wait_for_role(server: &Operator, role: &str) -> Attempt<()> {
    until(&format!("a server to be `{role}`"), || {
        // Connections are cut when a role changes: that is not yet, rather than an error.
        match server.try_ask(&["ROLE"]) {
            Ok(Value::Array(facts)) if facts.first().is_some_and(|first| is_text(first, role)) => {
                Ok(Seen::There(()))
            }
            other => Ok(Seen::NotYet(format!("{other:?}"))),
        }
    })
}

fn is_text(value: &Value, text: &str) -> bool {
    matches!(value, Value::BulkString(bytes) if bytes == text.as_bytes())
}
