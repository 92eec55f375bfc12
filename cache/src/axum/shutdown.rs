//! The cache ends when the server has.

use crate::Cache;

/// Runs `server` to its end, then closes the cache, and gives what the server gave.
///
/// The end of `axum::serve(..).with_graceful_shutdown(..)` comes when every request in flight has been answered: so each
/// has the cache until then, and what comes after (a task that a handler spawned and nobody waits for) gets
/// [`Closed`](crate::ErrorKind::Closed). The cache is closed for all of its clones, whether the server ended well or not;
/// that it could not say goodbye to its server is logged, and no more. If the returned future is dropped the cache stays
/// open.
///
/// How long a server takes to end is its own affair: axum's waits for whatever was begun, also for a request of which a
/// client has sent the half and no more. To end after a time whatever is open, give a future that does; the example
/// `service` has one. What is still in flight then gets [`Closed`](crate::ErrorKind::Closed).
///
/// Any future will do as a server, such as that of a server of another kind, or of several at once.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (app, stopped) = (axum::Router::new(), async {});
/// let cache = cache::connect("memory:").await?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let server = axum::serve(listener, app).with_graceful_shutdown(stopped);
///
/// cache::axum::close_after(&cache, server).await?;
/// assert_eq!(cache.has("k").await.unwrap_err().kind(), cache::ErrorKind::Closed);
/// # Ok(()) }
/// ```
pub async fn close_after<F: IntoFuture>(cache: &Cache, server: F) -> F::Output {
    let output = server.await;
    if let Err(error) = cache.close().await {
        tracing::warn!(%error, "the cache was not closed in an orderly way");
    }
    output
}
