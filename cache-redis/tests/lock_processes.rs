//! Locks between processes: a test starts its own program once more, as another process that runs the same test in
//! another part, and contends with it.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use cache_lock::{LockGuard, Locks};
use redis_servers::{Server, redis};
use support::{cache, number, registered, soon, text, until};

const LOCK: &str = "report";
const LEASE: Duration = Duration::from_secs(1);

/// Names the server to the other process, and so tells it that it is the other.
const SERVER: &str = "LOCK_PROCESSES_SERVER";

fn server_of_the_other() -> Option<String> {
    std::env::var(SERVER).ok()
}

/// The other process. It does not outlive this value.
struct Other {
    process: std::process::Child,
    says: std::io::Lines<BufReader<ChildStderr>>,
}

impl Other {
    /// Runs the same test there.
    fn start(test: &str, server: &Server) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("a program"))
            .args(["--exact", test, "--nocapture"])
            .env(SERVER, server.url())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let says = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        Self { process, says }
    }

    /// The number that it says next, to its standard error: the harness has its words on the other.
    fn says(&mut self) -> u64 {
        let line = self.says.next().expect("it lives").expect("it writes text");
        line.parse().unwrap_or_else(|_| panic!("the other process: {line}"))
    }

    /// Ends it by SIGKILL. When this returns it is dead.
    fn kill(&mut self) {
        self.process.kill().expect("it lives");
        self.process.wait().expect("it is dead");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_a_killed_process_is_free_when_its_lease_ends() {
    if let Some(url) = server_of_the_other() {
        let guard = cache(&url).await.lock(LOCK, LEASE).acquire().await.unwrap();
        eprintln!("{}", guard.fencing_token());
        guard.lost().await;
        panic!("the lock is lost");
    }
    let server = Server::start().await;
    let left = || number(server.ask(&["PTTL", "cache#lock:{report}"]));
    let mut other =
        Other::start("the_lock_of_a_killed_process_is_free_when_its_lease_ends", &server);
    let token = other.says();
    let request = cache(&server.url()).await.lock(LOCK, LEASE).wait("30s");
    let acquired = tokio::spawn(async move {
        let guard = request.acquire().await.expect("it is free in the end");
        (Instant::now(), guard)
    });
    until(|| registered(&server, LOCK) == 1).await;
    // It lives and renews for longer than its lease.
    let begun = Instant::now();
    until(|| begun.elapsed() > LEASE * 3 / 2).await;
    assert!(!acquired.is_finished(), "it is held");

    other.kill();
    // Nobody prolongs it any more.
    let asked = Instant::now();
    let left = left();
    assert!(left > 0, "it is held by a dead process: {left}");
    // The server counts in whole milliseconds.
    let end = asked + Duration::from_millis(u64::try_from(left - 1).unwrap());
    let (at, guard) = soon(acquired).await.unwrap();
    assert!(at >= end, "{:?} too soon, of {left} ms", end - at);
    assert!(at < end + Duration::from_secs(1), "{:?} late", at - end);
    assert!(guard.fencing_token() > token);
    guard.release().await.unwrap();
}

const TURNS: u64 = 50;

/// What must not be done by two at the same time, on the server itself: each step is a command of its own.
fn take_turn(connection: &mut redis::Connection, guard: &LockGuard) {
    let mut ask = |command: &[&str]| -> redis::Value {
        redis::Cmd::new().arg(command).query(connection).expect("the server answers")
    };
    assert_eq!(number(ask(&["INCR", "inside"])), 1, "nobody else is inside");
    let turns: u64 = text(ask(&["GET", "turns"])).parse().expect("a number");
    ask(&["RPUSH", "tokens", &guard.fencing_token().to_string()]);
    ask(&["SET", "turns", &(turns + 1).to_string()]);
    assert_eq!(number(ask(&["DECR", "inside"])), 0, "nobody else has come in");
}

async fn take_turns(url: &str) {
    let cache = cache(url).await;
    let client = redis::Client::open(url).expect("a URL");
    let mut connection = client.get_connection().expect("the server answers");
    for _ in 0..TURNS {
        let guard = cache.lock(LOCK, LEASE).wait("30s").acquire().await.expect("it gets its turn");
        take_turn(&mut connection, &guard);
        guard.release().await.expect("nobody takes it away");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_are_never_inside_together() {
    if let Some(url) = server_of_the_other() {
        take_turns(&url).await;
        eprintln!("{TURNS}");
        return;
    }
    let server = Server::start().await;
    server.ask(&["SET", "turns", "0"]);
    // They begin together, when the other waits.
    let first = cache(&server.url()).await.lock(LOCK, LEASE).acquire().await.unwrap();
    let mut other = Other::start("two_processes_are_never_inside_together", &server);
    until(|| registered(&server, LOCK) == 1).await;
    let url = server.url();
    let ours = tokio::spawn(async move { take_turns(&url).await });
    first.release().await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), ours).await.expect("it gets its turns").unwrap();
    assert_eq!(other.says(), TURNS);
    assert_eq!(text(server.ask(&["GET", "turns"])), (2 * TURNS).to_string(), "none is missing");
    let tokens = server.ask(&["LRANGE", "tokens", "0", "-1"]);
    let tokens: Vec<u64> = redis::from_redis_value(tokens).expect("a list of numbers");
    assert!(tokens.is_sorted_by(|one, next| one < next), "{tokens:?}");
}
