//! The example service as its users run it: a program, a file, a port of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::example::example;

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file for a shop, gone with the value.
pub(crate) struct Shelf(TempDir);

impl Shelf {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("shop.sqlite")
    }

    /// The database, for the test's own use.
    pub(crate) fn open(&self) -> Connection {
        let database = Connection::open(self.file()).expect("the database");
        database.busy_timeout(PATIENCE).expect("a timeout");
        database
    }
}

/// A running instance. It is ended with the value.
pub(crate) struct Instance {
    process: Child,
    pub(crate) url: String,
    client: Client,
    log: UnboundedReceiver<String>,
    seen: Arc<Mutex<String>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The header `x-cache`.
    pub(crate) cache: Option<String>,
    pub(crate) body: Value,
}

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| example("service"));

/// The service on a file, with nothing of this process's environment.
pub(crate) fn command(shelf: &Shelf) -> Command {
    let mut command = Command::new(&*PROGRAM);
    command
        .env_remove("CACHE_URL")
        .env_remove("CHANGES_PER_MINUTE")
        .env("LISTEN", "127.0.0.1:0")
        .env("DATABASE", shelf.file())
        .env("RUST_LOG", "info,service=debug");
    command
}

impl Instance {
    /// Starts it and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let started = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = started.expect("the example starts");
        let seen = Arc::new(Mutex::new(String::new()));
        let (logs, log) = unbounded_channel();
        let all = Arc::clone(&seen);
        each_line(process.stderr.take().expect("piped"), move |line| {
            let mut all = all.lock().expect("no panic before");
            all.push_str(&line);
            all.push('\n');
            let _ = logs.send(line);
        });
        let (prints, printed) = mpsc::channel();
        each_line(process.stdout.take().expect("piped"), move |line| {
            let _ = prints.send(line);
        });
        let mut instance = Self { process, url: String::new(), client: Client::new(), log, seen };
        let said = printed.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!("it does not listen: {}", instance.logged());
        });
        said.strip_prefix("listening on ").expect("an address").clone_into(&mut instance.url);
        instance
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    pub(crate) fn patch(&self, path: &str) -> RequestBuilder {
        self.client.patch(format!("{}{path}", self.url))
    }

    /// Waits for a line with these words, among those that nobody has waited for yet.
    pub(crate) async fn wait_for(&mut self, words: &str) {
        loop {
            match timeout(PATIENCE, self.log.recv()).await {
                Ok(Some(line)) if line.contains(words) => return,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => panic!("{words:?} was not logged: {}", self.logged()),
            }
        }
    }

    /// Waits until the report that it makes in the background is made, and its lock given back: until another can be
    /// made.
    pub(crate) async fn has_made_its_first_report(&mut self) {
        self.wait_for("making the report").await;
        while answer(self.post("/report")).await.status != StatusCode::CREATED {
            tokio::task::yield_now().await;
        }
        self.wait_for("making the report").await;
    }

    /// Waits until nothing is left to be flushed. While something is, what is read is not kept, so that there are no hits.
    pub(crate) async fn has_told_its_cache(&self) {
        while answer(self.get("/healthz")).await.body["invalidations_pending"] != false {
            tokio::task::yield_now().await;
        }
    }

    /// All that was logged so far.
    pub(crate) fn logged(&self) -> String {
        self.seen.lock().expect("no panic before").clone()
    }

    /// Asks it to end, as an orchestrator does.
    pub(crate) fn terminate(&self) {
        let told = Command::new("kill").arg(self.id().to_string()).status().expect("kill starts");
        assert!(told.success());
    }

    /// Waits until it has.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.process.wait().expect("it is a child")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.timeout(PATIENCE).send().await.expect("an answer");
    let status = response.status();
    let cache = response.headers().get("x-cache");
    let cache = cache.map(|said| said.to_str().expect("text").to_owned());
    let body = response.json().await.expect("all answers are JSON");
    Answer { status, cache, body }
}

/// Does something with the lines that a process writes, as they come. They are read to their end, or it would have to
/// wait.
fn each_line(from: impl Read + Send + 'static, mut act: impl FnMut(String) + Send + 'static) {
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).for_each(&mut act);
    });
}
