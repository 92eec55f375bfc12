//! Puts the cache into each request.

use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::RequestCache;
use crate::Cache;

/// Gives a cache to every request of the routes that it is put around, for [`RequestCache`] to take.
///
/// `router.layer(CacheLayer::new(cache))`, once, after the routes were added: axum puts a layer around what is there
/// when it is added.
///
/// Cost: a box among the extensions of each request, and no round trip.
#[derive(Clone, Debug)]
pub struct CacheLayer {
    cache: Cache,
}

impl CacheLayer {
    /// Of a cache that the caller keeps a clone of, to close it: see [`close_after`](super::close_after).
    pub fn new(cache: Cache) -> Self {
        Self { cache }
    }
}

impl<S> Layer<S> for CacheLayer {
    type Service = CacheService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CacheService { inner, cache: RequestCache(self.cache.clone()) }
    }
}

/// What a [`CacheLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct CacheService<S> {
    inner: S,
    cache: RequestCache,
}

impl<S, B> Service<Request<B>> for CacheService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.cache.clone());
        self.inner.call(request)
    }
}
