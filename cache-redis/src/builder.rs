//! How a store is reached: the URL's settings, and the same by methods.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cache_core::Error;
use fred::prelude::{
    Builder, Config, ConnectionConfig, FredResult, Server, ServerConfig, TcpConfig,
};
use fred::types::config::ClusterDiscoveryPolicy;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::RedisStore;
use crate::beliefs::Beliefs;
use crate::connection::Connection;
use crate::failure;
use crate::keys::Keyspace;
use crate::link::MOST_IN_FRED;
use crate::subscriber::Subscriber;
use crate::target::{
    self, Address, Credentials, MAX_CONNECTIONS, OPTIONS, Servers, Target, refused, short,
};
use crate::ways::Ways;

/// Builds a [`RedisStore`]: see [`RedisStore::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `connect`"]
pub struct RedisStoreBuilder {
    target: Target,
    prefix: String,
    connections: usize,
    command_timeout: Duration,
    connect_timeout: Duration,
    ca_certificate: Option<String>,
}

impl RedisStoreBuilder {
    /// What the URL says, and the defaults where it says nothing. An option that is not known is
    /// [`Config`](cache_core::ErrorKind::Config).
    pub(crate) fn from_url(url: &str) -> Result<Self, Error> {
        let (builder, rest) = Self::with_rest(url)?;
        match rest.first() {
            None => Ok(builder),
            Some((unknown, _)) => Err(refused(format!(
                "the option `{}` is not known; there are {OPTIONS}",
                short(unknown)
            ))),
        }
    }

    /// The same, but options that are not the driver's are handed back, in their order: for whoever has
    /// options of its own in the URL, and refuses what nobody knows.
    pub fn with_rest(url: &str) -> Result<(Self, Vec<(String, String)>), Error> {
        let (target, settings) = target::parse(url)?;
        let builder = Self {
            target,
            prefix: settings.prefix.unwrap_or_else(|| RedisStore::DEFAULT_PREFIX.to_owned()),
            connections: settings.connections.unwrap_or(1),
            command_timeout: settings.command_timeout.unwrap_or(Duration::from_secs(1)),
            connect_timeout: settings.connect_timeout.unwrap_or(Duration::from_secs(5)),
            ca_certificate: settings.ca_certificate,
        };
        builder.keyspace()?;
        if builder.is_tls() && !cfg!(feature = "tls") {
            return Err(refused(NO_TLS));
        }
        Ok((builder, settings.rest))
    }

    /// The most connections that a store may have.
    pub const MAX_CONNECTIONS: usize = MAX_CONNECTIONS;

    /// Whether the URL asks for TLS.
    pub fn is_tls(&self) -> bool {
        self.target.tls
    }

    /// What all keys of this store begin with on the server: 1 to 255 bytes without `#`, `{`, `}`. `cache`
    /// unless said. A prefix nests: flushing `a` flushes the values of `a:b` too.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How many connections share the work, on a cluster to each node: 1 unless said, which serves some
    /// hundred thousand operations a second. More of them keep a large value from holding up small ones.
    /// All operations on a key take the same one.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// How long an operation waits for its answer until it is [`Timeout`](cache_core::ErrorKind::Timeout): 1 s
    /// unless said. All that an operation sends and receives has to come through in this time: take more for large
    /// values over a slow line. Where a thread of the runtime is blocked, whoever waits for it may wait two and a half times
    /// as long. A server that answers nothing for two to three times as long is connected to anew; one node of a cluster,
    /// where it answers a new connection within this time and not the old one, for up to five times as long.
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout;
        self
    }

    /// How long each step of an attempt to connect may take, reaching a server and being let in: 5 s unless
    /// said. Of a cluster and of sentinels each that the URL names may be tried, one after another, and more than once.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The file with the certificates (PEM) of those who vouch for the server, instead of those whom the
    /// system trusts. Only for TLS.
    pub fn ca_certificate(mut self, path: impl Into<String>) -> Self {
        self.ca_certificate = Some(path.into());
        self
    }

    /// The store, once it is connected.
    ///
    /// Errors: [`Config`](cache_core::ErrorKind::Config) for what no later attempt could mend, such as a wrong
    /// password; [`Unavailable`](cache_core::ErrorKind::Unavailable) if the server cannot be reached.
    pub async fn connect(self) -> Result<RedisStore, Error> {
        // Each is reached, and lets us in.
        let steps = Ways::of(&self.client()?).most_asked().saturating_mul(2);
        let deadline = self.connect_timeout.saturating_mul(steps);
        let keyspace = self.keyspace()?;
        let beliefs = Arc::new(Beliefs::new(keyspace.clone()));
        let mut connections = Vec::with_capacity(self.connections);
        let mut outcomes = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let (connection, outcome) = self.open(&beliefs)?;
            connections.push(connection);
            outcomes.push(outcome);
        }
        for outcome in outcomes {
            match tokio::time::timeout(deadline, outcome).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => {
                    return Err(failure::of_connecting(&error).during("connect"));
                }
                Ok(Err(_)) | Err(_) => {
                    return Err(failure::of_connecting(&fred::error::Error::new(
                        fred::error::ErrorKind::Timeout,
                        "the server did not answer in time",
                    ))
                    .during("connect"));
                }
            }
        }
        RedisStore::check_version(&connections).await?;
        self.store(keyspace, beliefs, connections)
    }

    /// The store at once, while it connects in the background: until then, and for as long as the server is
    /// away, operations are [`Unavailable`](cache_core::ErrorKind::Unavailable). For services that have to start
    /// without their cache.
    ///
    /// Errors: [`Config`](cache_core::ErrorKind::Config) for what can be seen without the server. A wrong password cannot:
    /// each operation is [`Unavailable`](cache_core::ErrorKind::Unavailable), and says so, until the server takes it.
    pub fn connect_lazily(self) -> Result<RedisStore, Error> {
        let keyspace = self.keyspace()?;
        let beliefs = Arc::new(Beliefs::new(keyspace.clone()));
        let connections = (0..self.connections)
            .map(|_| self.open(&beliefs).map(|(connection, _)| connection))
            .collect::<Result<_, _>>()?;
        self.store(keyspace, beliefs, connections)
    }

    fn keyspace(&self) -> Result<Keyspace, Error> {
        Keyspace::new(&self.prefix)
            .map_err(|flaw| refused(format!("the prefix `{}` {flaw}", short(&self.prefix))))
    }

    fn open(
        &self,
        beliefs: &Arc<Beliefs>,
    ) -> Result<(Connection, oneshot::Receiver<FredResult<()>>), Error> {
        if Handle::try_current().is_err() {
            return Err(refused("a Redis store is opened within a tokio runtime"));
        }
        Ok(Connection::open(self.client()?, self.command_timeout, Arc::clone(beliefs)))
    }

    fn store(
        &self,
        keyspace: Keyspace,
        beliefs: Arc<Beliefs>,
        connections: Vec<Connection>,
    ) -> Result<RedisStore, Error> {
        let links = connections.iter().map(|connection| Arc::clone(connection.link())).collect();
        let subscriber =
            Subscriber::new(self.client()?, self.command_timeout, keyspace.clone(), links);
        Ok(RedisStore::new(keyspace, beliefs, connections, subscriber))
    }

    fn client(&self) -> Result<Builder, Error> {
        if !(1..=MAX_CONNECTIONS).contains(&self.connections) {
            return Err(refused(format!("a store has 1 to {MAX_CONNECTIONS} connections")));
        }
        if self.command_timeout.is_zero() || self.connect_timeout.is_zero() {
            return Err(refused("a timeout of zero would fail every operation"));
        }
        let Target { servers, credentials, database, tls } = self.target.clone();
        let mut config = Config {
            server: server_config(servers),
            username: credentials.user,
            password: credentials.password,
            database: (database != 0).then_some(database),
            // An attempt to connect succeeds or fails; the supervisor repeats it.
            fail_fast: true,
            ..Config::default()
        };
        if tls {
            secure(&mut config, self.ca_certificate.as_deref())?;
        }
        let mut builder = Builder::from_config(config);
        builder
            .with_connection_config(|connection: &mut ConnectionConfig| {
                connection.connection_timeout = self.connect_timeout;
                connection.internal_command_timeout = self.connect_timeout;
                connection.max_command_buffer_len = MOST_IN_FRED;
                connection.reconnect_on_auth_error = true;
                // Else an option of a command that says the same would mean nothing: see `Clients`.
                connection.max_redirections = 0;
                connection.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
            })
            .with_performance_config(|performance| {
                performance.default_command_timeout = self.command_timeout;
            })
            .build()
            .map_err(|error| refused(error.to_string()))?;
        Ok(builder)
    }
}

const NO_TLS: &str = "this build cannot speak TLS: enable the feature `tls` of `cache-redis` (`redis-tls` of `cache`)";

#[cfg(feature = "tls")]
fn secure(config: &mut Config, ca_certificate: Option<&str>) -> Result<(), Error> {
    config.tls = Some(crate::tls::connector(ca_certificate).map_err(refused)?.into());
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn secure(_: &mut Config, _: Option<&str>) -> Result<(), Error> {
    Err(refused(NO_TLS))
}

fn server_config(servers: Servers) -> ServerConfig {
    let server = |address: Address| Server::new(address.host, address.port);
    match servers {
        Servers::Standalone(address) => ServerConfig::Centralized { server: server(address) },
        Servers::Cluster(nodes) => ServerConfig::Clustered {
            hosts: nodes.into_iter().map(server).collect(),
            policy: ClusterDiscoveryPolicy::default(),
        },
        Servers::Sentinel { sentinels, service, credentials: Credentials { user, password } } => {
            ServerConfig::Sentinel {
                hosts: sentinels.into_iter().map(server).collect(),
                service_name: service,
                username: user,
                password,
            }
        }
    }
}

/// Without user and password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("connections", &self.connections)
            .field("command_timeout", &self.command_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}
