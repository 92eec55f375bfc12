//! The nightly report: made once a day, by one instance, under a lock.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use cache::LockGuard;
use cache::axum::RequestCache;
use cache::prelude::*;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::outbox::{self, Pending};
use crate::problem::Problem;
use crate::shop::Shop;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The day whose report this is, in UTC.
    day: String,
    categories: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    category: String,
    products: u32,
    sold_out: u32,
    stock_value_cents: u64,
    orders: u32,
}

const TAG: &str = "report";
const LOCK: &str = "report";
const LEASE: Ttl = Ttl::seconds(30);

/// `GET /report`: the last that was made.
pub(crate) async fn show(
    State(shop): State<Shop>,
    RequestCache(cache): RequestCache,
) -> Result<impl IntoResponse, Problem> {
    let (source, report) = shop
        .remember(&cache, "report", TAG, |database| {
            let mut select = database.prepare("SELECT body FROM report")?;
            select.query_row([], |row| row.get::<_, String>(0)).optional()
        })
        .await?;
    let report = report.ok_or_else(|| Problem::not_found("report yet"))?;
    Ok((source, Json(serde_json::from_str::<Report>(&report)?)))
}

/// `POST /report`: makes it now.
pub(crate) async fn make(
    State(shop): State<Shop>,
    RequestCache(cache): RequestCache,
) -> Result<impl IntoResponse, Problem> {
    let Some(guard) = cache.lock(LOCK, LEASE).try_acquire().await? else {
        return Err(Problem::new(StatusCode::CONFLICT, "the report is being made at this moment"));
    };
    Ok((StatusCode::CREATED, Json(make_under(guard, &shop).await?)))
}

/// Makes the report of each day, soon after it has begun, for as long as it is polled. Every instance tries, and the
/// first that comes does it.
pub(crate) async fn each_night(shop: Shop, cache: Cache) {
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        minute.tick().await;
        if let Err(problem) = tonight(&shop, &cache).await {
            tracing::warn!(%problem, "the nightly report has to wait");
        }
    }
}

async fn tonight(shop: &Shop, cache: &Cache) -> Result<(), Problem> {
    if is_made(shop).await? {
        return Ok(());
    }
    let Some(guard) = cache.lock(LOCK, LEASE).try_acquire().await? else {
        return Ok(());
    };
    // Somebody else may have made it before the lock was ours.
    if !is_made(shop).await? {
        make_under(guard, shop).await?;
    }
    Ok(())
}

async fn is_made(shop: &Shop) -> Result<bool, Problem> {
    let today = "SELECT 1 FROM report WHERE day = date('now')";
    shop.database.read(|database| database.prepare(today)?.exists([])).await
}

async fn make_under(guard: LockGuard, shop: &Shop) -> Result<Report, Problem> {
    // If the lock is lost meanwhile somebody else may be at it as well: the token says which of the two is later.
    let token = guard.fencing_token();
    tracing::debug!(token, "making the report");
    let (report, pending) =
        shop.database.write(move |transaction| store(transaction, token)).await?;
    shop.outbox.deliver(pending).await;
    if let Err(error) = guard.release().await {
        tracing::warn!(%error, "the lock of the report was not given back");
    }
    Ok(report)
}

fn store(transaction: &Transaction<'_>, token: u64) -> Result<(Report, Pending), Problem> {
    let mut select = transaction.prepare(
        "SELECT category, count(*), sum(stock = 0), sum(stock * price_cents),
                (SELECT count(*) FROM orders JOIN products AS sold ON product = sold.id
                 WHERE sold.category = products.category)
         FROM products GROUP BY category ORDER BY category",
    )?;
    let lines = select.query_map([], |row| {
        Ok(Line {
            category: row.get(0)?,
            products: row.get(1)?,
            sold_out: row.get(2)?,
            stock_value_cents: row.get(3)?,
            orders: row.get(4)?,
        })
    })?;
    let categories = lines.collect::<rusqlite::Result<_>>()?;
    let day = transaction.query_row("SELECT date('now')", [], |row| row.get(0))?;
    let report = Report { day, categories };
    // Here is where the fencing token is checked: in the effect itself.
    let stored = transaction.execute(
        "INSERT INTO report (only, day, token, body) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT (only) DO UPDATE SET day = ?1, token = ?2, body = ?3 WHERE token < ?2",
        params![report.day, token, serde_json::to_string(&report)?],
    )?;
    if stored == 0 {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "the lock was lost, and somebody else has made the report since",
        ));
    }
    Ok((report, outbox::post(transaction, &[TAG])?))
}
