//! The settings of the Redis driver.

mod url;

use std::fmt;
use std::time::Duration;

use cache_core::{IntoTtl, InvalidTtl, Ttl};
use cache_redis::RedisStoreBuilder;

use super::common::{Common, count, no_ttl, settings_of_every_driver, show_ttl};
use super::given::{Given, Origin, REDIS};
use super::{CacheConfig, Flaw, hint, refused, scheme};
use crate::{Cache, Error};

/// A cache on Redis or Valkey servers: see [`CacheConfig::redis`]. A [`CacheConfig`] by [`Into`].
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a configuration opens nothing until `connect`"]
pub struct RedisConfig {
    common: Common,
    /// One that the driver takes, without the options that are settings here; or what is wrong with it.
    url: Result<String, Flaw>,
    connections: Option<usize>,
    command_timeout: Option<Result<Ttl, InvalidTtl>>,
    connect_timeout: Option<Result<Ttl, InvalidTtl>>,
    connecting: Connecting,
    ca: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Connecting {
    #[default]
    First,
    Lazily,
}

impl RedisConfig {
    pub(super) fn new(url: &str) -> Self {
        read_url(url).unwrap_or_else(|flaw| Self {
            common: Common::default(),
            url: Err(flaw),
            connections: None,
            command_timeout: None,
            connect_timeout: None,
            connecting: Connecting::First,
            ca: None,
        })
    }

    /// How many connections share the work, 1 to 1,024: 1 unless said. More in
    /// [`RedisStoreBuilder::connections`](crate::RedisStoreBuilder::connections).
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// How long an operation waits for its answer until it is [`Timeout`](crate::ErrorKind::Timeout): 1 s unless said. More
    /// in [`RedisStoreBuilder::command_timeout`](crate::RedisStoreBuilder::command_timeout).
    pub fn command_timeout(mut self, timeout: impl IntoTtl) -> Self {
        self.command_timeout = Some(timeout.into_ttl());
        self
    }

    /// How long each step of connecting may take, reaching the server and being let in: 5 s unless said.
    pub fn connect_timeout(mut self, timeout: impl IntoTtl) -> Self {
        self.connect_timeout = Some(timeout.into_ttl());
        self
    }

    /// Opens the cache though the server is away, and connects when it is there:
    /// [`RedisStoreBuilder::connect_lazily`](crate::RedisStoreBuilder::connect_lazily). A wrong password is then told by
    /// each operation, [`Unavailable`](crate::ErrorKind::Unavailable), and not by [`connect`](Self::connect).
    pub fn lazy(mut self) -> Self {
        self.connecting = Connecting::Lazily;
        self
    }

    /// With TLS: the file with the certificates (PEM) of those who vouch for the server, instead of those whom the
    /// system trusts.
    pub fn ca(mut self, path: impl Into<String>) -> Self {
        self.ca = Some(path.into());
        self
    }

    settings_of_every_driver!(RedisConfig);

    pub(super) fn common_mut(&mut self) -> &mut Common {
        &mut self.common
    }

    /// Opens the cache: [`CacheConfig::connect`].
    pub async fn connect(&self) -> Result<Cache, Error> {
        let store = self.builder(Origin::Config).map_err(refused)?;
        let store = match self.connecting {
            Connecting::First => store.connect().await?,
            Connecting::Lazily => store.connect_lazily()?,
        };
        self.common.apply(Cache::builder(store)).build()
    }

    /// Judges everything that can be without the server.
    fn builder(&self, origin: Origin) -> Result<RedisStoreBuilder, Flaw> {
        let url = self.url.as_ref().map_err(|flaw| within_url(origin, flaw))?;
        let (mut store, rest) = RedisStoreBuilder::with_rest(url).map_err(|error| {
            let said = error.to_string();
            within_url(origin, said.strip_prefix("connect: ").unwrap_or(&said))
        })?;
        if let Some((unknown, _)) = rest.first() {
            return Err(within_url(origin, &hint::unknown(unknown, hint::Place::Option, &REDIS)));
        }
        self.common.check(origin)?;
        if let Some(prefix) = &self.common.prefix {
            store = store.prefix(prefix);
        }
        if let Some(connections) = self.connections {
            const MOST: usize = RedisStoreBuilder::MAX_CONNECTIONS;
            if !(1..=MOST).contains(&connections) {
                let name = origin.name("connections");
                return Err(format!(
                    "{name} is {connections}, and must be a number from 1 to {MOST}"
                ));
            }
            store = store.connections(connections);
        }
        if let Some(timeout) = &self.command_timeout {
            store = store.command_timeout(time(origin, "command_timeout", timeout)?);
        }
        if let Some(timeout) = &self.connect_timeout {
            store = store.connect_timeout(time(origin, "connect_timeout", timeout)?);
        }
        if let Some(ca) = &self.ca {
            let name = origin.name("ca");
            if ca.is_empty() {
                return Err(format!("{name} is empty, and must be the path of a file"));
            }
            if ca.contains(char::is_control) {
                return Err(format!(
                    "{name} has a control character, such as a newline: remove it"
                ));
            }
            if !store.is_tls() {
                return Err(format!("{name} is for TLS: begin the URL with `rediss://`"));
            }
            store = store.ca_certificate(ca);
        }
        Ok(store)
    }
}

/// What is wrong within the URL.
fn within_url(origin: Origin, flaw: &str) -> Flaw {
    match origin {
        Origin::Url => flaw.to_owned(),
        Origin::Config => format!("`config.url`: {flaw}"),
    }
}

fn time(origin: Origin, key: &str, ttl: &Result<Ttl, InvalidTtl>) -> Result<Duration, Flaw> {
    let ttl = ttl.as_ref().map_err(|invalid| no_ttl(origin, key, invalid))?;
    ttl.duration()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| format!("{} is `{ttl}`, and must be a time such as `1s`", origin.name(key)))
}

/// The settings that are set, the URL without its secrets.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RedisConfig");
        let url = self.url.as_ref().ok().and_then(|url| url::redacted(url));
        shown.field("url", &format_args!("{}", url.as_deref().unwrap_or("***")));
        if let Some(connections) = self.connections {
            shown.field("connections", &connections);
        }
        if let Some(timeout) = &self.command_timeout {
            show_ttl(&mut shown, "command_timeout", timeout);
        }
        if let Some(timeout) = &self.connect_timeout {
            show_ttl(&mut shown, "connect_timeout", timeout);
        }
        if self.connecting == Connecting::Lazily {
            shown.field("lazy", &true);
        }
        if let Some(ca) = &self.ca {
            shown.field("ca", &format_args!("{}", super::Quoted(ca)));
        }
        self.common.show(&mut shown);
        shown.finish()
    }
}

pub(super) fn in_url(url: &str) -> Result<CacheConfig, Flaw> {
    read_url(url).map(Into::into)
}

fn read_url(url: &str) -> Result<RedisConfig, Flaw> {
    check_scheme(url)?;
    let apart = url::without_settings(url)?;
    read(apart.url, Given::in_url(apart.options)?)
}

/// Which schemes of servers there are, the driver says.
fn check_scheme(url: &str) -> Result<(), Flaw> {
    let (name, _) = scheme::driver(url)?;
    if scheme::is_memory(name) {
        return Err(
            "the URL is one of the driver `memory`, and this is `redis`: write one such as \
                    `redis://:PASSWORD@host:6379`, or choose the driver `memory`"
                .into(),
        );
    }
    Ok(())
}

pub(super) fn in_table(mut given: Given) -> Result<CacheConfig, Flaw> {
    given.refuse_unknown(&REDIS)?;
    let url = match given.text("url")? {
        None => {
            return Err(
                "`config.url` is missing: write a URL such as `redis://:PASSWORD@host:6379`".into(),
            );
        }
        Some(empty) if empty.is_empty() => {
            return Err(
                "`config.url` is empty: write a URL such as `redis://:PASSWORD@host:6379`".into()
            );
        }
        Some(url) => url,
    };
    let apart = check_scheme(&url)
        .and_then(|()| url::without_settings(&url))
        .map_err(|flaw| within_url(given.origin, &flaw))?;
    for (option, value) in apart.options {
        let name = given.origin.name(&option);
        if given.add(option, value).is_err() {
            return Err(format!("{name} is also an option of `config.url`: give it once"));
        }
    }
    read(apart.url, given).map(Into::into)
}

fn read(url: String, mut given: Given) -> Result<RedisConfig, Flaw> {
    let origin = given.origin;
    let redis = RedisConfig {
        url: Ok(url),
        connections: given.number("connections")?.map(count),
        command_timeout: given.ttl("command_timeout")?,
        connect_timeout: given.ttl("connect_timeout")?,
        connecting: match given.flag("lazy")? {
            Some(true) => Connecting::Lazily,
            Some(false) | None => Connecting::First,
        },
        ca: given.text("ca")?,
        common: Common::read(&mut given)?,
    };
    redis.builder(origin).map(|_| redis)
}
