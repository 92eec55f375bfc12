//! The cache in every handler of an [axum](https://docs.rs/axum) service: registered once, with a layer, and
//! taken by whoever names it among its arguments. Feature `axum`.
//!
//! ```
//! use axum::extract::Path;
//! use axum::{Router, routing::get};
//! use cache::axum::{CacheLayer, RequestCache, close_after};
//!
//! async fn show(RequestCache(cache): RequestCache, Path(id): Path<u64>) -> String {
//!     let name = cache.remember(format!("user:{id}"), "1h", async || {
//!         Ok::<_, cache::Error>(format!("user {id}")) // the query that is worth caching
//!     });
//!     name.await.unwrap_or_else(|error| error.to_string())
//! }
//!
//! # async fn stopped() {}
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = cache::connect("memory:").await?;
//! let app = Router::new().route("/users/{id}", get(show)).layer(CacheLayer::new(cache.clone()));
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let server = axum::serve(listener, app).with_graceful_shutdown(stopped());
//! close_after(&cache, server).await?; // serves, answers what is in flight, then closes the cache
//! # Ok(()) }
//! ```
//!
//! A layer is part of the routes that it is put around and of nothing else: several services in a process, and
//! several parts of one, each have the cache of their own layer. The innermost is the one that counts.
//!
//! What is built on `tower` and `http` alone (`tonic`, `hyper`, a test that calls a service by hand) can take the layer as
//! well, and finds a [`RequestCache`] among the extensions of a request.

mod extract;
mod layer;
mod shutdown;

pub use extract::{MissingCacheLayer, RequestCache};
pub use layer::{CacheLayer, CacheService};
pub use shutdown::close_after;
