//! How much a client may change in a minute: a counter for each, shared by all instances.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cache::axum::RequestCache;
use cache::prelude::*;

use crate::problem::Problem;

/// So many in each minute.
#[derive(Clone, Copy)]
pub(crate) struct Limit(pub(crate) u32);

/// Refuses what is over the limit. While the cache is away nothing is: a service without its limits is better than
/// none.
pub(crate) async fn limit(
    State(Limit(most)): State<Limit>,
    RequestCache(cache): RequestCache,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match count(&cache, &format!("changes:{}:{}", client.ip(), now / 60)).await {
        Ok(count) if count > i64::from(most) => {
            let problem = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("more than {most} changes in a minute; wait for the next"),
            );
            return ([(RETRY_AFTER, (60 - now % 60).to_string())], problem).into_response();
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "a change was not counted"),
    }
    next.run(request).await
}

/// One round trip; a second for the first of a minute.
async fn count(cache: &Cache, counter: &str) -> Result<i64, cache::Error> {
    let count = cache.increment(counter).await?;
    if count == 1 {
        cache.touch(counter, "2m").await?;
    }
    Ok(count)
}
