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
//! | `DATABASE` | the file, made where it is missing; an instance on embedded memory has it to itself | one among the temporary files |
//! | `LISTEN` | address and port; port 0 takes a free one | `127.0.0.1:3000` |
//! | `CHANGES_PER_MINUTE` | how much a client may change | 600 |
//! | `GRACE` | after a signal, requests in flight have so long to be answered; a second signal ends them | `25s` |
//! | `RUST_LOG` | what is logged | `info` |
//!
//! [`shop`] is how handlers read, [`outbox`] how the cache learns of what they write. Without its cache the service is
//! slower, never wrong and never down.

mod database;
mod health;
mod input;
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
use cache::CacheConfig;
use cache::axum::{CacheLayer, close_after};
use cache::prelude::*;
use rusqlite::ErrorCode;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
#[cfg(unix)]
use tokio::signal::unix;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::database::{Database, Others};
use crate::limit::Limit;
use crate::outbox::Outbox;
use crate::problem::Problem;
use crate::shop::Shop;

type Failure = Box<dyn Error + Send + Sync>;

/// Shorter than orchestrators usually wait before they kill.
const GRACE: &str = "25s";

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Failure> {
    let filter: EnvFilter = setting("RUST_LOG", EnvFilter::new("info"))?;
    let listen: SocketAddr = setting("LISTEN", SocketAddr::from(([127, 0, 0, 1], 3000)))?;
    let file: PathBuf = setting("DATABASE", env::temp_dir().join("cache-service.sqlite"))?;
    // Names that SQLite takes for a database that each connection has for itself.
    if file.as_os_str().is_empty() || file.starts_with(":memory:") {
        return Err(format!("DATABASE={}: the name of a file is wanted", file.display()).into());
    }
    let most = Limit(setting("CHANGES_PER_MINUTE", 600)?);
    let grace = setting("GRACE", GRACE.parse::<Ttl>()?)?.duration().unwrap_or(Duration::MAX);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();

    let config = CacheConfig::from_env()?;
    let others = if config.driver() == "memory" { Others::None } else { Others::SameCache };
    let cache = config.connect().await?;
    let database = Database::open(&file, others).map_err(|error| {
        let advice = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => {
                "; instances that share a file share a cache: give all of them one CACHE_URL, such as \
                 redis://127.0.0.1:6379, or each a DATABASE of its own"
            }
            _ => "",
        };
        format!("DATABASE={}: {error}{advice}", file.display())
    })?;
    let outbox = Outbox::new(database.clone(), cache.clone());
    // Before anything is answered out of the cache.
    outbox.catch_up().await?;
    let shop = Shop::new(database, outbox.clone());

    let mut background = JoinSet::new();
    background.spawn(outbox.keep_up());
    background.spawn(report::each_night(shop.clone(), cache.clone()));

    // Heard from before anybody is told that there is a service.
    let signals = Signals::new()?;
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("{listen}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = routes(most).with_state(shop).layer(CacheLayer::new(cache.clone()));
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(signals.clone().first());
    close_after(&cache, async {
        let overdue = async {
            signals.clone().reach(1).await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            output = server => output?,
            () = overdue => tracing::warn!("some requests were not answered in {grace:?}"),
            () = signals.clone().again() => tracing::warn!("some requests were not answered"),
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

/// `SIGTERM` or Control-C: a first, after which what was asked is answered, and a second, after which nothing is.
#[derive(Clone)]
struct Signals(watch::Receiver<u32>);

impl Signals {
    fn new() -> io::Result<Self> {
        let (count, counted) = watch::channel(0);
        #[cfg(unix)]
        let mut terminate = unix::signal(unix::SignalKind::terminate())?;
        tokio::spawn(async move {
            loop {
                #[cfg(unix)]
                let terminated = terminate.recv();
                #[cfg(not(unix))]
                let terminated = pending::<()>();
                tokio::select! {
                    _ = terminated => {}
                    Ok(()) = ctrl_c() => {}
                }
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(counted))
    }

    async fn first(mut self) {
        self.reach(1).await;
        tracing::info!("ending, once what was asked is answered");
    }

    async fn again(mut self) {
        self.reach(2).await;
    }

    async fn reach(&mut self, number: u32) {
        if self.0.wait_for(|count| *count >= number).await.is_err() {
            pending::<()>().await;
        }
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
