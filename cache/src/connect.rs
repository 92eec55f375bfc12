//! The two ways to a cache that need no configuration of one's own.

use crate::{Cache, CacheConfig, Error};

/// Opens the cache that `url` describes: `memory:`, `redis://host`, each with options such as
/// `?default_ttl=30m`. All of them are told in [`CacheConfig`](CacheConfig#urls).
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
pub async fn connect(url: &str) -> Result<Cache, Error> {
    CacheConfig::from_url(url)?.connect().await
}

/// Opens the cache that the environment variable `CACHE_URL` describes, a [URL](CacheConfig#urls); one in this
/// process where it is not set, so that a program runs as it comes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cache::Error> {
/// let cache = cache::from_env().await?;
/// # cache.close().await }
/// ```
///
/// Errors: [`Config`](crate::ErrorKind::Config), which names the variable, if it is set to something that cannot be
/// used, be it nothing; [`Unavailable`](crate::ErrorKind::Unavailable) if the server cannot be reached.
pub async fn from_env() -> Result<Cache, Error> {
    let config = CacheConfig::from_env()?;
    config.connect().await.map_err(|error| error.on("CACHE_URL"))
}
