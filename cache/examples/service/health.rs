//! `GET /healthz`: whether the service can work, and what with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use cache::ErrorKind;
use cache::axum::RequestCache;
use cache::prelude::*;
use serde_json::json;

use crate::shop::Shop;

/// 200 also while the cache is away, since everything is answered then as well: an instance that said otherwise would be
/// taken out of service, and so would all of them. 503 if the database fails.
pub(crate) async fn check(
    State(shop): State<Shop>,
    RequestCache(cache): RequestCache,
) -> impl IntoResponse {
    let answers = cache_answers(&cache).await;
    let database =
        shop.database.read(|database| database.query_row("SELECT 1", [], |_| Ok(()))).await;
    let status = if database.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let described = |failure: Option<String>| failure.unwrap_or_else(|| "ok".to_owned());
    let body = json!({
        "cache": described(answers.err().map(|error| error.to_string())),
        "database": described(database.err().map(|problem| problem.to_string())),
        "invalidations_pending": shop.outbox.behind().is_some(),
        "queries": shop.queries(),
    });
    (status, Json(body))
}

/// It takes a value and gives it back.
async fn cache_answers(cache: &Cache) -> Result<(), cache::Error> {
    let key = format!("healthz:{}", std::process::id());
    cache.put(&key, &true, "10s").await?;
    match cache.get::<bool>(&key).await? {
        Some(true) => Ok(()),
        _ => Err(cache::Error::new(
            ErrorKind::Unavailable,
            "it does not give back what it has taken",
        )),
    }
}
