//! From a URL to a cache: the one place that knows every driver.
#![cfg_attr(
    not(feature = "memory"),
    allow(dead_code, unused_imports, reason = "a build without drivers has nothing to configure")
)]

use cache_core::{Cache, CacheBuilder, Error, IntoTtl};

use crate::url::{self, Options, Short, refused};

/// Opens the cache that `url` describes.
///
/// | URL | what it opens |
/// |---|---|
/// | `memory:` | a store in this process, private to the cache |
/// | `redis://…` | not in this version yet |
///
/// Options follow a `?`, are separated by `&`, and percent-encoded where need be:
///
/// | option | for | meaning | default |
/// |---|---|---|---|
/// | `default_ttl` | all | what [`Ttl::DEFAULT`](crate::Ttl::DEFAULT) stands for: `30m`, `1 hour`, `forever` | `1h` |
/// | `prefix` | all | begins every key on a shared server: no `#`, `{`, `}`. A memory store is private, so there it keeps nothing apart | `cache` |
/// | `max_value_bytes` | all | the largest encoded value | 16 MiB |
/// | `max_entries` | `memory:` | capacity in entries | 100,000 |
/// | `max_bytes` | `memory:` | capacity in bytes, instead of `max_entries` | |
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cache::Error> {
/// let cache = cache::connect("memory:?max_entries=1000&default_ttl=30m&prefix=app").await?;
/// # cache.close().await }
/// ```
///
/// Errors: [`Config`](crate::ErrorKind::Config), which names the part that cannot be used, and never
/// shows a password.
#[allow(clippy::unused_async, reason = "a server is connected to here")]
pub async fn connect(url: &str) -> Result<Cache, Error> {
    let (driver, rest) = url::driver(url)?;
    match driver {
        "memory" => memory(rest),
        "redis" | "rediss" | "redis-cluster" | "rediss-cluster" | "redis-sentinel"
        | "rediss-sentinel" | "valkey" | "valkeys" => Err(refused(if cfg!(feature = "redis") {
            "the redis driver is not part of this version of `cache` yet; use `memory:`"
        } else {
            "this build has no redis driver: enable the feature `redis` of `cache`"
        })),
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
    let cache = common(Cache::builder(store.build()), &mut options)?;
    options.finish("`max_entries`, `max_bytes`, `default_ttl`, `prefix` and `max_value_bytes`")?;
    cache.build()
}

#[cfg(not(feature = "memory"))]
fn memory(_: &str) -> Result<Cache, Error> {
    Err(refused("this build has no memory driver: enable the feature `memory` of `cache`"))
}

/// The options of every driver.
#[cfg(feature = "memory")]
fn common(mut cache: CacheBuilder, options: &mut Options<'_>) -> Result<CacheBuilder, Error> {
    if let Some(ttl) = options.take("default_ttl") {
        let ttl: crate::Ttl = ttl.parse().map_err(|invalid| {
            refused(format!("the option `default_ttl` cannot be used: {invalid}"))
        })?;
        cache = cache.default_ttl(ttl.into_ttl()?);
    }
    if let Some(bytes) = options.take_number("max_value_bytes")? {
        cache = cache.max_value_bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    if let Some(prefix) = options.take("prefix")
        && (prefix.is_empty() || prefix.contains(['#', '{', '}']))
    {
        return Err(refused(format!(
            "the option `prefix` is `{}`, and must not be empty or hold one of `#`, `{{`, `}}`",
            Short(&prefix)
        )));
    }
    Ok(cache)
}
