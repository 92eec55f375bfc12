//! Takes the cache out of a request.

use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::Cache;

/// The cache of the [`CacheLayer`](super::CacheLayer) around a route, as an argument of its handler:
/// `async fn show(RequestCache(cache): RequestCache)`.
///
/// It derefs to [`Cache`], and is cheap to clone. `Option<RequestCache>` is `None` where there is no layer.
///
/// ```
/// use cache::axum::RequestCache;
/// use cache::prelude::*;
///
/// async fn views(RequestCache(cache): RequestCache) -> String {
///     match cache.increment("views").await {
///         Ok(count) => format!("seen {count} times"),
///         Err(error) => format!("seen, and not counted: {error}"),
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(views));
/// ```
#[derive(Clone, Debug)]
pub struct RequestCache(pub Cache);

impl Deref for RequestCache {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for RequestCache {
    type Rejection = MissingCacheLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingCacheLayer> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(
                method = %parts.method,
                path = parts.uri.path(),
                "a handler asks for the cache: {MissingCacheLayer}"
            );
            MissingCacheLayer
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for RequestCache {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// A handler takes [`RequestCache`], and no [`CacheLayer`](super::CacheLayer) is around its route: a 500 that says
/// so, and an error in the log (`tracing`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingCacheLayer;

impl fmt::Display for MissingCacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no cache is registered for this route: add `.layer(CacheLayer::new(cache))` to the router, after the \
             route",
        )
    }
}

impl std::error::Error for MissingCacheLayer {}

impl IntoResponse for MissingCacheLayer {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}
