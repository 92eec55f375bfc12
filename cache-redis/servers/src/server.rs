//! One server, wherever it comes from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::Value;

use crate::Attempt;
use crate::container::Container;
use crate::keeper::perform;
use crate::launch::Launch;
use crate::operator::Operator;
use crate::port::Port;
use crate::program::Program;
use crate::source::Source;
use crate::wait::{Seen, until};

/// One server, which ends with this value.
///
/// Its methods may be called from any task. Those that change whether it runs do so one after
/// another. One that is dropped before it has ended is done all the same.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    operator: Operator,
    url: String,
    port: u16,
    process: Mutex<Process>,
    /// Kept from others for as long as the server may be started on it.
    _claim: Option<Port>,
}

#[derive(Debug)]
enum Process {
    Container(Container),
    Program(Program),
    /// Somebody else's, or one of ours that has been dropped.
    None,
}

impl Server {
    /// Starts a server. It answers when this returns.
    ///
    /// # Panics
    ///
    /// Where it cannot be had, or does not come up; the message says why, and what it printed.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with directives as its command line has them, for example
    /// `["--maxmemory", "8mb", "--maxmemory-policy", "noeviction"]`.
    pub async fn start_with(directives: &[&str]) -> Self {
        let launch = Launch::server(directives);
        let is_configured = !directives.is_empty();
        perform(move || match Source::chosen()? {
            Source::Running(url) if !is_configured => Self::guest_of(url),
            _ => Self::launch(&launch),
        })
        .await
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// `redis://127.0.0.1:PORT`, without a password; of a server that is not ours, what was given.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// Ends it as a crash does, and returns when it is dead. One that is stopped stays so.
    pub async fn stop(&self) {
        self.change(Process::stop).await;
    }

    /// Starts it after [`stop`](Self::stop): on the same port, with the same directives, without its data.
    /// It answers when this returns.
    pub async fn start_again(&self) {
        let shared = Arc::clone(&self.shared);
        perform(move || {
            shared.process().start_again()?;
            shared.wait_until_ready()
        })
        .await;
    }

    /// Freezes it: its connections stay open, and nothing is answered.
    pub async fn pause(&self) {
        self.change(Process::pause).await;
    }

    /// Lets a paused one go on, where it stopped.
    pub async fn resume(&self) {
        self.change(Process::resume).await;
    }

    /// The reply to a command that is sent as its operator, over a connection of its own, for example
    /// `["INFO", "commandstats"]`. It blocks the thread until the reply is there.
    ///
    /// # Panics
    ///
    /// Where there is no reply, or it is an error.
    #[track_caller]
    pub fn ask(&self, command: &[&str]) -> Value {
        match self.operator().ask(command) {
            Ok(value) => value,
            Err(complaint) => panic!("{}: {complaint}", self.shared.url),
        }
    }

    /// Starts one, from code that may block.
    pub(crate) fn launch(launch: &Launch) -> Attempt<Self> {
        let port = Port::claim()?;
        let number = port.number();
        let process = match Source::chosen()? {
            Source::Docker { name, tag } => {
                Process::Container(Container::start(name, tag, launch, number)?)
            }
            Source::Program(path) => {
                Process::Program(Program::start(path.clone(), launch, number)?)
            }
            Source::Running(_) => return Err(not_ours("started in a way of its own")),
        };
        let shared = Shared {
            operator: Operator::new(number, launch.password.as_deref()),
            url: format!("redis://127.0.0.1:{number}"),
            port: number,
            process: Mutex::new(process),
            _claim: Some(port),
        };
        let server = Self { shared: Arc::new(shared) };
        server.shared.wait_until_ready()?;
        Ok(server)
    }

    fn guest_of(url: &str) -> Attempt<Self> {
        let operator = Operator::at(url);
        operator.ask(&["PING"])?;
        let port = redis::IntoConnectionInfo::into_connection_info(url)
            .map(|info| match info.addr() {
                redis::ConnectionAddr::Tcp(_, port)
                | redis::ConnectionAddr::TcpTls { port, .. } => *port,
                // A socket in the file system.
                _ => 0,
            })
            .map_err(|error| format!("the URL of the running server makes no sense: {error}"))?;
        let process = Mutex::new(Process::None);
        let shared = Shared { operator, url: url.to_owned(), port, process, _claim: None };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn operator(&self) -> &Operator {
        &self.shared.operator
    }

    async fn change(&self, change: impl FnOnce(&mut Process) -> Attempt<()> + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        perform(move || change(&mut shared.process())).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not left to the last owner: a job that is still at it is waited for.
        *self.shared.process() = Process::None;
    }
}

impl Process {
    fn start_again(&mut self) -> Attempt<()> {
        if self.is_running()? {
            return Err("the server runs: stop it before it is started again".to_owned());
        }
        match self {
            Self::Container(container) => container.start_again(),
            Self::Program(program) => program.start_again(),
            Self::None => Err(not_ours("started")),
        }
    }

    fn stop(&mut self) -> Attempt<()> {
        match self {
            Self::Container(container) => container.stop(),
            Self::Program(program) => program.stop(),
            Self::None => Err(not_ours("stopped")),
        }
    }

    fn pause(&mut self) -> Attempt<()> {
        match self {
            Self::Container(container) => container.pause(),
            Self::Program(program) => program.pause(),
            Self::None => Err(not_ours("paused")),
        }
    }

    fn resume(&mut self) -> Attempt<()> {
        match self {
            Self::Container(container) => container.resume(),
            Self::Program(program) => program.resume(),
            Self::None => Err(not_ours("resumed")),
        }
    }

    /// What is paused runs.
    fn is_running(&mut self) -> Attempt<bool> {
        match self {
            Self::Container(container) => container.is_running(),
            Self::Program(program) => Ok(program.is_running()),
            Self::None => Ok(false),
        }
    }

    fn printed(&self) -> String {
        match self {
            Self::Container(container) => container.printed(),
            Self::Program(program) => program.printed(),
            Self::None => String::new(),
        }
    }
}

impl Shared {
    /// A panic while it was held says nothing about the process, which has to be ended anyway.
    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until_ready(&self) -> Attempt<()> {
        until("an answer to PING", || {
            let Err(error) = self.operator.try_ask(&["PING"]) else {
                return Ok(Seen::There(()));
            };
            // One that has given up will not come up.
            if self.process().is_running()? {
                Ok(Seen::NotYet(error.to_string()))
            } else {
                Err("the server has ended".to_owned())
            }
        })
        .map_err(|complaint| {
            format!("{}: {complaint}; it printed:\n{}", self.url, self.process().printed())
        })
    }
}

fn not_ours(what: &str) -> String {
    format!(
        "REDIS_SERVERS names a server that runs already: it cannot be {what}. \
         Set it to `docker:IMAGE` or `program:PATH`"
    )
}
