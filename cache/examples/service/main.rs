//! A small shop over an `SQLite` file, with a cache in front.
//!
//! ```text
//! cargo run --example service --features axum
//! curl -i localhost:3000/products/7
//! ```
//!
//! | request | |
//! |---|---|
//! | `GET /products/{id}`, `GET /categories/{name}`, `GET /report` | read; `x-cache` says from where |
//! | `PATCH /products/{id}` `{"name": …, "price_cents": …}` | changes, and takes back what was cached of it |
//! | `POST /products/{id}/orders` `{"quantity": …}` | sells what is in stock |
//! | `POST /report` | makes the nightly report now |
//! | `GET /healthz` | whether cache and database answer |
//!
//! | variable | | unless set |
//! |---|---|---|
//! | `CACHE_URL` | the cache; several instances share `redis://…` (feature `redis`); with `?lazy=true` they start without it | embedded memory |
//! | `DATABASE` | the file, made where it is missing | one among the temporary files |
//! | `LISTEN` | address and port; port 0 takes a free one | `127.0.0.1:3000` |
//! | `CHANGES_PER_MINUTE` | how much a client may change | 600 |
//! | `RUST_LOG` | what is logged | `info` |
//!
//! [`shop`] is how handlers read, [`outbox`] how the cache learns of what they write. Without its cache the service is
//! slower, never wrong and never down.

mod database;
mod health;
mod limit;
mod outbox;
mod problem;
mod products;
mod report;
mod shop;

use std::env::{self, VarError};
use std::error::Error;
use std::fmt::Display;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, patch, post};
use cache::axum::{CacheLayer, close_after};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::database::Database;
use crate::limit::Limit;
use crate::outbox::Outbox;
use crate::problem::Problem;
use crate::shop::Shop;

type Failure = Box<dyn Error + Send + Sync>;

/// After a signal, requests in flight have so long to be answered.
const GRACE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Failure> {
    let listen: SocketAddr = setting("LISTEN", SocketAddr::from(([127, 0, 0, 1], 3000)))?;
    let file: PathBuf = setting("DATABASE", env::temp_dir().join("cache-service.sqlite"))?;
    let most = Limit(setting("CHANGES_PER_MINUTE", 600)?);

    let cache = cache::from_env().await?;
    let database = Database::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let outbox = Outbox::new(database.clone(), cache.clone());
    // Before anything is answered out of the cache.
    outbox.catch_up().await?;
    let shop = Shop::new(database, outbox.clone());

    let mut background = JoinSet::new();
    background.spawn(outbox.keep_up());
    background.spawn(report::each_night(shop.clone(), cache.clone()));

    let listener = TcpListener::bind(listen).await.map_err(|error| format!("{listen}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = routes(most).with_state(shop).layer(CacheLayer::new(cache.clone()));
    let ending = told_to_end();
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(wait_for(ending.clone()));
    close_after(&cache, async {
        let overdue = async {
            wait_for(ending).await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            output = server => output?,
            () = overdue => tracing::warn!("some requests were not answered in {GRACE:?}"),
        }
        background.shutdown().await;
        Ok(())
    })
    .await
}

fn routes(most: Limit) -> Router<Shop> {
    let changes = Router::new()
        .route("/products/{id}", patch(products::change))
        .route("/products/{id}/orders", post(products::order))
        .route("/report", post(report::make))
        .route_layer(from_fn_with_state(most, limit::limit));
    Router::new()
        .route("/products/{id}", get(products::show))
        .route("/categories/{name}", get(products::best))
        .route("/report", get(report::show))
        .route("/healthz", get(health::check))
        .merge(changes)
        .fallback(async |uri: Uri| Problem::not_found(uri.path()))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this cannot be done here")
        })
}

/// What turns `true` when the process is told to end.
fn told_to_end() -> watch::Receiver<bool> {
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        match signal().await {
            Ok(()) => {
                tracing::info!("ending, once what was asked is answered");
                tell.send_replace(true);
            }
            Err(error) => {
                tracing::error!(%error, "signals cannot be waited for");
                pending::<()>().await;
            }
        }
    });
    told
}

async fn wait_for(mut told: watch::Receiver<bool>) {
    if told.wait_for(|told| *told).await.is_err() {
        pending::<()>().await;
    }
}

/// `SIGTERM`, or Control-C.
async fn signal() -> io::Result<()> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let terminated = terminate.recv();
    #[cfg(not(unix))]
    let terminated = pending::<()>();
    tokio::select! {
        _ = terminated => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

/// The value of a variable, or what stands for it where it is not set.
fn setting<T: FromStr<Err: Display>>(name: &str, unless_set: T) -> Result<T, Failure> {
    match env::var(name) {
        Ok(text) => text.parse().map_err(|error| format!("{name}: {error}").into()),
        Err(VarError::NotPresent) => Ok(unless_set),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is not Unicode").into()),
    }
}
