//! The configuration of a cache: plain data, read from a file or a URL, or written in code.
#![cfg_attr(
    not(any(feature = "memory", feature = "redis")),
    allow(dead_code, unused_imports, reason = "a build without drivers has nothing to configure")
)]

mod common;
mod given;
mod hint;
#[cfg(feature = "memory")]
mod memory;
mod node;
mod option;
#[cfg(feature = "redis")]
mod redis;
mod scheme;
mod shown;

use std::env;
use std::ffi::OsString;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer};

use crate::{Cache, Error, ErrorKind};
use common::{Common, settings_of_every_driver};
use given::{Given, MEMORY, REDIS};
use node::Node;
use shown::{Name, Quoted, is_harmless};

#[cfg(feature = "memory")]
pub use memory::MemoryConfig;
#[cfg(feature = "redis")]
pub use redis::RedisConfig;

/// How a cache is opened: which driver, and its settings.
///
/// Plain data: it is compared, cloned and printed (without passwords), and opens nothing until
/// [`connect`](Self::connect). In a file it is a table, here as JSON; TOML and every other format that serde
/// reads and that tells what comes next (not `bincode`) do as well:
///
/// ```json
/// { "driver": "redis", "config": { "url": "redis://:PASSWORD@host:6379", "connections": 2 },
///   "prefix": "shop", "default_ttl": "30m" }
/// ```
///
/// | key | of | value | unless said |
/// |---|---|---|---|
/// | `driver` | | `memory`, or `redis`, which may be written `valkey` | required |
/// | `prefix` | all | begins every key on a shared server: 1 to 255 bytes without `#`, `{`, `}` and control characters. One that begins with another and a colon, as `shop:sessions` with `shop`, belongs to that too: flushing `shop` empties both. A memory store is private, so there it keeps nothing apart | `cache` |
/// | `default_ttl` | all | what [`Ttl::DEFAULT`](crate::Ttl::DEFAULT) stands for: `"30m"`, `"1 hour"`, `"forever"`, or a whole number of seconds | `1h` |
/// | `max_value_bytes` | all | the largest encoded value | 16 MiB |
/// | `config.max_entries` | `memory` | capacity in entries | 100,000 |
/// | `config.max_bytes` | `memory` | capacity in bytes, instead of `max_entries` | |
/// | `config.url` | `redis` | the server, or several: [see below](#urls) | required |
/// | `config.connections` | `redis` | how many share the work, 1 to 1,024 | 1 |
/// | `config.command_timeout` | `redis` | how long an operation waits for its answer: as a TTL | `1s` |
/// | `config.connect_timeout` | `redis` | how long each step of connecting may take | `5s` |
/// | `config.lazy` | `redis` | `true`: opens the cache though the server is away, and connects when it is there. A wrong password is then told by each operation, [`Unavailable`](ErrorKind::Unavailable), and not by [`connect`](Self::connect) | `false` |
/// | `config.ca` | `redis` | with TLS: a file with certificates (PEM) to trust instead of the system's | |
///
/// `null` is as good as absent, and so is `config` where nothing in it is required.
///
/// # URLs
///
/// One URL says all of it: with [`from_url`](Self::from_url), [`cache::connect`](crate::connect) or in `CACHE_URL`
/// ([`cache::from_env`](crate::from_env)). The settings above are its options, without `config.`; they follow a `?`,
/// are separated by `&`, and percent-encoded where need be (a `+` is a space).
///
/// | URL | what it opens |
/// |---|---|
/// | `memory:` | a store in this process, private to the cache |
/// | `redis://host:port/database` | a Redis or Valkey server; `rediss://…` with TLS (feature `redis-tls`) |
/// | `redis-cluster://host:port?node=host:port&…` | a cluster, by some of its nodes |
/// | `redis-sentinel://host:port?service=NAME&…` | what sentinels watch |
///
/// `valkey` means the same as `redis`. User and password stand before the host, as in
/// `redis://user:password@host`. Options of servers alone: `node`, another of them, which may be repeated (cluster,
/// sentinel); `service`, the name of what sentinels watch; `sentinel_user` and `sentinel_password`, where they ask for
/// them.
///
/// `config.url` is such a URL too. What it says by options need not be said by keys, and must not: a setting in
/// both places is an error. Either way gives the same configuration.
///
/// # Within a configuration of one's own
///
/// ```
/// use cache::CacheConfig;
///
/// #[derive(serde::Deserialize)]
/// struct AppConfig {
///     cache: CacheConfig,
/// }
///
/// let app: AppConfig = serde_json::from_str(
///     r#"{ "cache": { "driver": "memory", "config": { "max_entries": 1000 }, "default_ttl": "30m" } }"#,
/// )?;
/// assert_eq!(app.cache, CacheConfig::memory().max_entries(1000).default_ttl("30m").into());
///
/// let wrong = r#"{ "cache": { "driver": "memory", "config": { "maxSize": 1000 } } }"#;
/// let error = serde_json::from_str::<AppConfig>(wrong).err().unwrap().to_string();
/// assert!(error.contains("`config.maxSize` is not known; write `config.max_entries` or `config.max_bytes`"));
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// The error is then the format's own, with our message in it, which names the path within the cache's table. Our
/// message repeats no password; what the format adds is not in our hands. **An error of the crate `toml` quotes the line
/// that it is about, and its `Debug` the whole text**: print its `message()` instead, or read the file as a
/// `toml::Table` first, and take your struct from that.
///
/// # In code
///
/// ```
/// use cache::{CacheConfig, Ttl};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cache::Error> {
/// let config = CacheConfig::memory().max_entries(1000).prefix("app").default_ttl(Ttl::FOREVER);
/// let cache = config.connect().await?;
/// # cache.close().await }
/// ```
///
/// # Errors
///
/// Whatever cannot be used is [`Config`](ErrorKind::Config): a key that is not known, is missing or of the wrong type,
/// a value out of its range, a driver that is not built, a URL that is none. The message names the setting by its path,
/// and what to write instead. Of text that could be a URL, or part of one, it shows nothing. What could be dropped or
/// replaced on the way, as a newline at the end of a URL or what is no UTF-8, is refused.
///
/// What is read has been judged; what is written in code is by [`connect`](Self::connect). Whether a file of certificates
/// or a password is right shows then too.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a configuration opens nothing until `connect`"]
pub struct CacheConfig(Settings);

#[derive(Clone, PartialEq, Eq)]
enum Settings {
    #[cfg(feature = "memory")]
    Memory(MemoryConfig),
    #[cfg(feature = "redis")]
    Redis(RedisConfig),
}

impl CacheConfig {
    /// A store in this process, private to the cache.
    #[cfg(feature = "memory")]
    pub fn memory() -> MemoryConfig {
        MemoryConfig::default()
    }

    /// A Redis or Valkey server, a cluster or sentinels: see [URLs](Self#urls). Options in the URL count as if set by
    /// methods, and methods called afterwards take their place. A URL that cannot be used is
    /// [`Config`](ErrorKind::Config) at [`connect`](Self::connect).
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cache::Error> {
    /// use cache::CacheConfig;
    ///
    /// let config = CacheConfig::redis("redis://:PASSWORD@host:6379").connections(2).prefix("shop");
    /// let cache = config.connect().await?;
    /// # cache.close().await }
    /// ```
    #[cfg(feature = "redis")]
    pub fn redis(url: impl AsRef<str>) -> RedisConfig {
        RedisConfig::new(url.as_ref())
    }

    /// What a [URL](Self#urls) says.
    ///
    /// ```
    /// use cache::CacheConfig;
    ///
    /// let config = CacheConfig::from_url("memory:?max_entries=1000&default_ttl=30m")?;
    /// assert_eq!(config, CacheConfig::memory().max_entries(1000).default_ttl("30m").into());
    /// # Ok::<_, cache::Error>(())
    /// ```
    pub fn from_url(url: &str) -> Result<Self, Error> {
        read_url(url).map_err(refused)
    }

    /// What the environment variable `CACHE_URL` says, a [URL](Self#urls); a [memory store](Self::memory) with the
    /// default settings where it is not set.
    ///
    /// Errors: [`Config`](ErrorKind::Config), which names the variable, if it is set to something else: also to
    /// nothing, since whoever sets it wants it to say something.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variable(env::var_os(VARIABLE))
    }

    fn from_variable(value: Option<OsString>) -> Result<Self, Error> {
        read_variable(value).map_err(refused)
    }

    /// What a JSON text says, in the form that is shown [above](Self).
    ///
    /// ```
    /// use cache::{CacheConfig, ErrorKind};
    ///
    /// let text = r#"{ "driver": "memory", "config": { "max_entries": 1000 }, "default_ttl": 60 }"#;
    /// let config = CacheConfig::from_json(text)?;
    /// assert_eq!(config, CacheConfig::memory().max_entries(1000).default_ttl("1m").into());
    ///
    /// let error = CacheConfig::from_json(r#"{ "driver": "memory", "prefix": 5 }"#).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Config);
    /// assert_eq!(error.to_string(), "configure: `prefix` is a number, and must be text");
    /// # Ok::<_, cache::Error>(())
    /// ```
    #[cfg(feature = "json")]
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let node = read_node(&mut json)?;
        json.end().map_err(|error| unreadable("", &error))?;
        read_table(node).map_err(refused)
    }

    /// What a TOML text says, in the form that is shown [above](Self). Nothing of the text is quoted in an error.
    ///
    /// ```
    /// use cache::CacheConfig;
    ///
    /// let config = CacheConfig::from_toml(r#"
    ///     driver = "memory"
    ///     default_ttl = "30m"
    ///     [config]
    ///     max_entries = 1000
    /// "#)?;
    /// assert_eq!(config, CacheConfig::memory().max_entries(1000).default_ttl("30m").into());
    /// # Ok::<_, cache::Error>(())
    /// ```
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        // The error's `Display` quotes the line.
        let said = |error: &toml::de::Error| {
            let place = error.span().map(|span| position(text, span.start));
            [error.message(), &*place.unwrap_or_default()].concat()
        };
        let toml =
            toml::Deserializer::parse(text).map_err(|error| unreadable("", &said(&error)))?;
        let node = serde_path_to_error::deserialize(toml)
            .map_err(|error| unreadable(&error.path().to_string(), &said(error.inner())))?;
        read_table(node).map_err(refused)
    }

    /// What any format says that serde reads and that tells what comes next: the same as by `Deserialize`, but the error
    /// is ours, [`Config`](ErrorKind::Config), and names the path also of what the format itself cannot read.
    ///
    /// ```
    /// use cache::CacheConfig;
    ///
    /// let table = serde_json::json!({ "driver": "memory", "config": { "max_bytes": 0 } });
    /// let error = CacheConfig::from_deserializer(&table).unwrap_err();
    /// assert!(error.to_string().contains("`config.max_bytes` is 0, and must be a whole number above zero"));
    /// ```
    pub fn from_deserializer<'de, D>(deserializer: D) -> Result<Self, Error>
    where
        D: Deserializer<'de, Error: fmt::Display>,
    {
        read_table(read_node(deserializer)?).map_err(refused)
    }

    settings_of_every_driver!(CacheConfig);

    /// The driver, as it is called in a file: `memory`, whose cache is this process's own, or `redis`.
    ///
    /// ```
    /// # use cache::CacheConfig;
    /// assert_eq!(CacheConfig::from_url("memory:")?.driver(), "memory");
    /// # Ok::<_, cache::Error>(())
    /// ```
    pub fn driver(&self) -> &'static str {
        match self.0 {
            #[cfg(feature = "memory")]
            Settings::Memory(_) => MEMORY.name,
            #[cfg(feature = "redis")]
            Settings::Redis(_) => REDIS.name,
        }
    }

    fn common_mut(&mut self) -> &mut Common {
        match self.0 {
            #[cfg(feature = "memory")]
            Settings::Memory(ref mut memory) => memory.common_mut(),
            #[cfg(feature = "redis")]
            Settings::Redis(ref mut redis) => redis.common_mut(),
        }
    }

    /// Opens the cache.
    ///
    /// Errors: [`Config`](ErrorKind::Config) for settings that cannot be used, and for what no later attempt could mend,
    /// such as a wrong password; [`Unavailable`](ErrorKind::Unavailable) if the server cannot be reached. With `lazy`
    /// nothing is asked of the server here: each operation is then `Unavailable`, for a wrong password as for a server that
    /// is away.
    #[cfg_attr(
        not(feature = "redis"),
        allow(clippy::unused_async, reason = "servers are connected to")
    )]
    pub async fn connect(&self) -> Result<Cache, Error> {
        match self.0 {
            #[cfg(feature = "memory")]
            Settings::Memory(ref memory) => memory.connect().await,
            #[cfg(feature = "redis")]
            Settings::Redis(ref redis) => redis.connect().await,
        }
    }
}

/// The settings, with the password of a URL replaced by `***`. Of a URL that cannot be used nothing is shown.
impl fmt::Debug for CacheConfig {
    #[cfg_attr(
        not(any(feature = "memory", feature = "redis")),
        allow(unused_variables, reason = "there is nothing to show")
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            #[cfg(feature = "memory")]
            Settings::Memory(ref memory) => memory.fmt(f),
            #[cfg(feature = "redis")]
            Settings::Redis(ref redis) => redis.fmt(f),
        }
    }
}

#[cfg(feature = "memory")]
impl From<MemoryConfig> for CacheConfig {
    fn from(memory: MemoryConfig) -> Self {
        Self(Settings::Memory(memory))
    }
}

#[cfg(feature = "redis")]
impl From<RedisConfig> for CacheConfig {
    fn from(redis: RedisConfig) -> Self {
        Self(Settings::Redis(redis))
    }
}

/// From the table that is shown [above](CacheConfig). The message of an error names the path within it.
impl<'de> Deserialize<'de> for CacheConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(Node::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why settings cannot be used, and what to write instead: the message of an error, and no secret.
type Flaw = String;

#[cold]
fn refused(flaw: Flaw) -> Error {
    Error::new(ErrorKind::Config, flaw).during("configure")
}

/// The environment variable that says which cache.
const VARIABLE: &str = "CACHE_URL";

fn read_variable(value: Option<OsString>) -> Result<CacheConfig, Flaw> {
    let Some(value) = value else {
        return read_url("memory:").map_err(|flaw| format!("`{VARIABLE}` is not set, and {flaw}"));
    };
    let flaw = match value.into_string() {
        Err(_) => "it is no Unicode".to_owned(),
        Ok(url) if url.is_empty() => "it is empty".to_owned(),
        Ok(url) => match read_url(&url) {
            Ok(config) => return Ok(config),
            Err(flaw) => flaw,
        },
    };
    Err(format!(
        "the environment variable `{VARIABLE}` cannot be used: {flaw}. Set it to a URL, such as \
         `memory:?max_entries=1000` or `redis://:PASSWORD@host:6379`, or unset it for a cache in this process"
    ))
}

fn read_url(url: &str) -> Result<CacheConfig, Flaw> {
    let (driver, rest) = scheme::driver(url)?;
    match driver {
        _ if scheme::is_memory(driver) => memory::in_url(rest),
        _ if scheme::is_redis(driver) => redis::in_url(url),
        unknown => Err(format!(
            "{} is not the name of a driver; there are `memory:` and `redis://…`",
            Quoted(unknown)
        )),
    }
}

fn read_table(node: Node) -> Result<CacheConfig, Flaw> {
    let (driver, given) = Given::in_table(node)?;
    match driver.as_str() {
        "memory" => memory::in_table(given),
        "redis" | "valkey" => redis::in_table(given),
        unknown => {
            let name = Name(unknown);
            let is = if name.is_shown() { name.to_string() } else { "text".to_owned() };
            Err(format!("`driver` is {is}, and must be `{}` or `{}`", MEMORY.name, REDIS.name))
        }
    }
}

fn read_node<'de, D>(deserializer: D) -> Result<Node, Error>
where
    D: Deserializer<'de, Error: fmt::Display>,
{
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| unreadable(&error.path().to_string(), error.inner()))
}

/// What the format itself cannot read. Its words are shown as far as they quote nothing: one line, with no part of a URL.
#[cold]
fn unreadable(path: &str, error: &dyn fmt::Display) -> Error {
    let said = error.to_string();
    let said = said.lines().next().filter(|said| is_harmless(said));
    let said = said.unwrap_or("its format is wrong; the details are not shown, as they quote it");
    // A question mark stands for what is not known: here for the key that was to follow.
    let path = path.strip_suffix(".?").unwrap_or(path);
    refused(match path {
        "" | "." | "?" => format!("the configuration cannot be read: {said}"),
        path => format!("the configuration cannot be read, at a key {}: {said}", Name(path)),
    })
}

/// Line and column of a byte, as people count them.
#[cfg(feature = "toml")]
fn position(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!(" at line {line} column {column}")
}

/// In the place of a driver that is not built.
#[cfg(not(all(feature = "memory", feature = "redis")))]
fn not_built(driver: &str) -> Flaw {
    format!("this build has no {driver} driver: enable the feature `{driver}` of `cache`")
}

#[cfg(not(feature = "memory"))]
mod memory {
    use super::{CacheConfig, Flaw, Given, not_built};

    pub(super) fn in_url(_: &str) -> Result<CacheConfig, Flaw> {
        Err(not_built("memory"))
    }

    pub(super) fn in_table(_: Given) -> Result<CacheConfig, Flaw> {
        Err(format!("`driver` is `memory`, and {}", not_built("memory")))
    }
}

#[cfg(not(feature = "redis"))]
mod redis {
    use super::{CacheConfig, Flaw, Given, not_built};

    pub(super) fn in_url(_: &str) -> Result<CacheConfig, Flaw> {
        Err(not_built("redis"))
    }

    pub(super) fn in_table(_: Given) -> Result<CacheConfig, Flaw> {
        Err(format!("`driver` is `redis`, and {}", not_built("redis")))
    }
}

#[cfg(all(test, feature = "memory"))]
mod tests {
    use super::*;

    fn variable(value: Option<&str>) -> Result<CacheConfig, Error> {
        CacheConfig::from_variable(value.map(OsString::from))
    }

    #[test]
    fn a_variable_that_is_not_set_means_memory() {
        assert_eq!(variable(None).unwrap(), CacheConfig::memory().into());
        let ten = CacheConfig::memory().max_entries(10).into();
        assert_eq!(variable(Some("memory:?max_entries=10")).unwrap(), ten);
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named_with_what_to_do() {
        for (value, named) in
            [("", "it is empty"), ("s3cret@h", "begins with"), ("memory:?max_entries=x", "`x`")]
        {
            let error = variable(Some(value)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let said = format!("{error} {error:?}");
            for part in ["`CACHE_URL`", "unset it", named] {
                assert!(said.contains(part), "{part}: {said}");
            }
            assert!(!said.contains("s3cret"), "{said}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_unicode_is_not_shown() {
        use std::os::unix::ffi::OsStringExt;

        let value = OsString::from_vec(b"redis://:s3cret\xff@h".to_vec());
        let error = CacheConfig::from_variable(Some(value)).unwrap_err().to_string();
        assert!(error.contains("no Unicode") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn what_a_format_says_is_shown_unless_it_quotes() {
        let said = |error: &str| unreadable("config.url", &error).to_string();
        assert!(said("expected `,`\n1 | url = \"s3cret").ends_with("`config.url`: expected `,`"));
        assert!(!said("unexpected \"redis://:s3cret@h\"").contains("s3cret"));
        assert!(!unreadable("a.redis://s3cret", &"x").to_string().contains("s3cret"));
        assert!(unreadable("?", &"x").to_string().ends_with("cannot be read: x"));
        assert!(unreadable("config.?", &"x").to_string().ends_with("at a key `config`: x"));
    }

    #[cfg(feature = "toml")]
    #[test]
    fn positions_are_counted_from_one() {
        for (at, expected) in
            [(0, "line 1 column 1"), (3, "line 1 column 3"), (4, "line 2 column 1")]
        {
            assert!(position("é1\nx", at).contains(expected), "{at}");
        }
        assert!(position("é", 1).contains("line 1"), "within a character");
    }
}

#[cfg(all(test, not(feature = "memory")))]
mod tests_without_memory {
    use super::*;

    #[test]
    fn a_driver_that_is_not_built_names_its_feature() {
        let table = Node::Table(vec![("driver".to_owned(), Node::Text("memory".to_owned()))]);
        for (read, named) in [
            (read_table(table), "`driver` is `memory`, and"),
            (read_url("memory:"), "no memory driver"),
            (read_variable(None), "`CACHE_URL` is not set, and"),
        ] {
            let flaw = read.unwrap_err();
            assert!(flaw.contains(named) && flaw.contains("the feature `memory`"), "{flaw}");
        }
    }
}
