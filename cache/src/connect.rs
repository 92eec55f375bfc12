//! From a URL to a cache: the one place that knows every driver.
#![cfg_attr(
    not(any(feature = "memory", feature = "redis")),
    allow(dead_code, unused_imports, reason = "a build without drivers has nothing to configure")
)]

use cache_core::{Cache, CacheBuilder, Error};

use crate::url::{self, Options, Short, refused};

/// Opens the cache that `url` describes.
///
/// | URL | what it opens |
/// |---|---|
/// | `memory:` | a store in this process, private to the cache |
/// | `redis://host:port/database` | a Redis or Valkey server; `rediss://…` with TLS (feature `redis-tls`) |
/// | `redis-cluster://host:port?node=host:port&…` | a cluster, by some of its nodes |
/// | `redis-sentinel://host:port?service=NAME&…` | what sentinels watch |
///
/// `valkey` means the same as `redis`. User and password stand before the host, as in
/// `redis://user:password@host`. Options follow a `?`, are separated by `&`, and percent-encoded where need
/// be (a `+` is a space):
///
/// | option | for | meaning | default |
/// |---|---|---|---|
/// | `default_ttl` | all | what [`Ttl::DEFAULT`](crate::Ttl::DEFAULT) stands for: `30m`, `1 hour`, `forever` | `1h` |
/// | `prefix` | all | begins every key on a shared server: no `#`, `{`, `}`. A memory store is private, so there it keeps nothing apart | `cache` |
/// | `max_value_bytes` | all | the largest encoded value | 16 MiB |
/// | `max_entries` | `memory:` | capacity in entries | 100,000 |
/// | `max_bytes` | `memory:` | capacity in bytes, instead of `max_entries` | |
/// | `connections` | `redis` | how many share the work | 1 |
/// | `command_timeout` | `redis` | how long an operation waits for its answer: `250ms` | `1s` |
/// | `connect_timeout` | `redis` | how long each step of connecting may take | `5s` |
/// | `lazy` | `redis` | `true`: opens the cache though the server is away, and connects when it is there | `false` |
/// | `ca` | `rediss` | a file with certificates (PEM) to trust instead of the system's | |
/// | `node` | cluster, sentinel | another of them; may be repeated | |
/// | `service` | sentinel | the name of what they watch | |
/// | `sentinel_user`, `sentinel_password` | sentinel | where they ask for them | |
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cache::Error> {
/// let cache = cache::connect("memory:?max_entries=1000&default_ttl=30m&prefix=app").await?;
/// # cache.close().await }
/// ```
///
/// Errors: [`Config`](crate::ErrorKind::Config), which names the part that cannot be used, and never
/// shows a password; [`Unavailable`](crate::ErrorKind::Unavailable) if the server cannot be reached.
#[cfg_attr(
    not(feature = "redis"),
    allow(clippy::unused_async, reason = "servers are connected to")
)]
pub async fn connect(url: &str) -> Result<Cache, Error> {
    let (driver, rest) = url::driver(url)?;
    match driver {
        "memory" => memory(rest),
        _ if is_redis(driver) => redis(driver, url).await,
        unknown => Err(refused(format!(
            "`{}` is not the name of a driver; there are `memory:` and `redis://…`",
            Short(unknown)
        ))),
    }
}

#[cfg(feature = "memory")]
fn memory(rest: &str) -> Result<Cache, Error> {
    use crate::MemoryStore;

    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !matches!(place, "" | "//") {
        return Err(refused(
            "`memory:` is followed by nothing, or by options: `memory:?max_entries=1000`",
        ));
    }
    let mut options = Options::parse("memory", query)?;
    let mut store = MemoryStore::builder();
    store = match (options.take_number("max_entries")?, options.take_number("max_bytes")?) {
        (Some(_), Some(_)) => {
            return Err(refused("`max_entries` and `max_bytes` exclude each other: give one"));
        }
        (Some(entries), None) => store.max_entries(usize::try_from(entries).unwrap_or(usize::MAX)),
        (None, Some(bytes)) => store.max_bytes(bytes),
        (None, None) => store,
    };
    let settings = Common::take(&mut options)?;
    if let Some(prefix) = options.take("prefix")
        && (prefix.is_empty() || prefix.contains(['#', '{', '}']))
    {
        return Err(refused(format!(
            "the option `prefix` is `{}`, and must not be empty or hold one of `#`, `{{`, `}}`",
            Short(&prefix)
        )));
    }
    options.finish("`max_entries`, `max_bytes`, `default_ttl`, `prefix` and `max_value_bytes`")?;
    settings.apply(Cache::builder(store.build())).build()
}

#[cfg(not(feature = "memory"))]
fn memory(_: &str) -> Result<Cache, Error> {
    Err(refused("this build has no memory driver: enable the feature `memory` of `cache`"))
}

/// `redis`, `rediss`, `valkey`, `valkeys`, and whatever follows a hyphen: the driver judges that.
fn is_redis(scheme: &str) -> bool {
    let base = scheme.split_once('-').map_or(scheme, |(base, _)| base);
    ["redis", "rediss", "valkey", "valkeys"].iter().any(|known| base.eq_ignore_ascii_case(known))
}

#[cfg(feature = "redis")]
async fn redis(driver: &str, url: &str) -> Result<Cache, Error> {
    use cache_redis::RedisStoreBuilder;

    let (store, rest) = RedisStoreBuilder::with_rest(url)?;
    let pairs = rest.into_iter().map(|(name, value)| (name.into(), value.into()));
    let mut options = Options::new(driver, pairs)?;
    let lazy = match options.take("lazy").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            return Err(refused(format!(
                "the option `lazy` is `{}`, and must be `true` or `false`",
                Short(other)
            )));
        }
    };
    let settings = Common::take(&mut options)?;
    options.finish(&format!(
        "`default_ttl`, `max_value_bytes`, `lazy`, {}",
        RedisStoreBuilder::OPTIONS
    ))?;
    // Everything that can be refused without the server has been.
    let store = if lazy { store.connect_lazily()? } else { store.connect().await? };
    settings.apply(Cache::builder(store)).build()
}

#[cfg(not(feature = "redis"))]
#[allow(clippy::unused_async, reason = "with the driver it connects")]
async fn redis(_: &str, _: &str) -> Result<Cache, Error> {
    Err(refused("this build has no redis driver: enable the feature `redis` of `cache`"))
}

/// The options of every driver.
struct Common {
    default_ttl: Option<crate::Ttl>,
    max_value_bytes: Option<usize>,
}

#[cfg(any(feature = "memory", feature = "redis"))]
impl Common {
    fn take(options: &mut Options<'_>) -> Result<Self, Error> {
        let ttl = |text: std::borrow::Cow<'_, str>| {
            text.parse::<crate::Ttl>().map_err(|invalid| {
                refused(format!("the option `default_ttl` cannot be used: {invalid}"))
            })
        };
        Ok(Self {
            default_ttl: options.take("default_ttl").map(ttl).transpose()?,
            max_value_bytes: options
                .take_number("max_value_bytes")?
                .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        })
    }

    fn apply(self, mut cache: CacheBuilder) -> CacheBuilder {
        if let Some(ttl) = self.default_ttl {
            cache = cache.default_ttl(ttl);
        }
        if let Some(bytes) = self.max_value_bytes {
            cache = cache.max_value_bytes(bytes);
        }
        cache
    }
}
