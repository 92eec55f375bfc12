//! Section "http": a handler that answers from the cache, beside one that answers with a constant.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use cache::axum::{CacheLayer, RequestCache};
use cache::{Cache, Shared};
use cache_memory::{Error, MemoryStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use crate::args::Effort;
use crate::awake::Awake;
use crate::fixture::User;
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

/// Connections that are kept alive, each with one request after another.
const CLIENTS: [u32; 2] = [1, 64];

const AT_LEAST: f64 = 0.9;

/// What is asked for, and what it is called.
const CONSTANT: (&str, &str) = ("/constant/7", "constant");
const CACHED: [(&str, &str); 2] = [("/remember/7", "remember"), ("/shared/7", "get_shared")];

pub(crate) fn run(effort: Effort, findings: &mut Findings) {
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("a runtime can be built: {error}"),
    };
    let address = runtime.block_on(serve());
    for clients in CLIENTS {
        let requests = effort.pick(20_000, 5_000);
        let rates = runtime.block_on(rounds(&address, clients, requests, effort));
        let title = format!("GET of a handler, {clients} at a time");
        println!("\n{title}");
        let mut table = Table::new(["", "a second (p10–p90)"]);
        for ((_, name), rates) in [CONSTANT].iter().chain(&CACHED).zip(&rates) {
            table.row([(*name).to_owned(), format!("{:.0}", Spread::of(rates.iter().copied()))]);
        }
        table.print();
        for ((_, name), cached) in CACHED.iter().zip(&rates[1..]) {
            let ratio = Spread::of(cached.iter().zip(&rates[0]).map(|(ours, raw)| ours / raw));
            println!("  {name} / constant: {ratio:.2}");
            findings.target(
                &format!("{title}: {name}"),
                format!("≥ {AT_LEAST:.2} × constant"),
                format!("{ratio:.2}"),
                Verdict::of(ratio.median >= AT_LEAST),
            );
        }
    }
}

/// A service with its cache, and beside it, without a cache or a layer, the same answer as a constant.
async fn serve() -> String {
    let cache = Cache::new(MemoryStore::new());
    let cached = Router::new()
        .route("/remember/{id}", get(remember))
        .route("/shared/{id}", get(shared))
        .layer(CacheLayer::new(cache.clone()));
    let constant = Arc::new(User::new(7));
    let constant = Router::new().route(
        "/constant/{id}",
        get(move |Path(_): Path<u64>| {
            let constant = Arc::clone(&constant);
            async move { Json(constant) }
        }),
    );
    let stored = cache.put("user:7", &User::new(7), "1h").await;
    assert!(stored.is_ok(), "memory takes it");
    let bound = TcpListener::bind("127.0.0.1:0").await;
    let listener = bound.unwrap_or_else(|error| panic!("a free port: {error}"));
    let address = listener.local_addr().map(|address| address.to_string());
    tokio::spawn(async move { axum::serve(listener, constant.merge(cached)).await });
    address.unwrap_or_else(|error| panic!("an address: {error}"))
}

async fn remember(RequestCache(cache): RequestCache, Path(id): Path<u64>) -> Json<User> {
    let load = async || panic!("it is a hit");
    let user: Result<User, Error> = cache.remember(format!("user:{id}"), "1h", load).await;
    Json(user.unwrap_or_else(|error| panic!("it is a hit: {error}")))
}

async fn shared(RequestCache(cache): RequestCache, Path(id): Path<u64>) -> Json<Shared<User>> {
    match cache.get_shared(format!("user:{id}")).await {
        Ok(Some(user)) => Json(user),
        found => panic!("it is a hit: {found:?}"),
    }
}

/// Requests a second of each path, which take turns. The first round is dropped.
async fn rounds(address: &str, clients: u32, requests: u32, effort: Effort) -> Vec<Vec<f64>> {
    let paths: Vec<_> = [CONSTANT].iter().chain(&CACHED).map(|(path, _)| *path).collect();
    let mut clients_of = Vec::new();
    for path in &paths {
        let mut connected = Vec::new();
        for _ in 0..clients {
            connected.push(Client::connect(address, path).await);
        }
        clients_of.push(connected);
    }
    let mut rates = vec![Vec::new(); paths.len()];
    let _awake = (clients == 1).then(Awake::keep);
    for round in 0..=effort.pick(25, 5) {
        for turn in 0..paths.len() {
            let at = (round + turn) % paths.len();
            let connected = std::mem::take(&mut clients_of[at]);
            let started = Instant::now();
            let asking: Vec<_> = connected
                .into_iter()
                .map(|client| tokio::spawn(client.ask(requests / clients)))
                .collect();
            for client in asking {
                match client.await {
                    Ok(client) => clients_of[at].push(client),
                    Err(error) => panic!("every request is answered: {error}"),
                }
            }
            let rate = f64::from(requests / clients * clients) / started.elapsed().as_secs_f64();
            if round > 0 {
                rates[at].push(rate);
            }
        }
    }
    rates
}

/// A client that does as little as it can: it knows how long an answer is from the first.
struct Client {
    connection: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Client {
    async fn connect(address: &str, path: &str) -> Self {
        let connection = TcpStream::connect(address).await;
        let mut connection = connection.unwrap_or_else(|error| panic!("it listens: {error}"));
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes();
        let asked = connection.set_nodelay(true).and(connection.write_all(&request).await);
        let mut answer = vec![0; 4096];
        let mut length = 0;
        let whole = loop {
            match connection.read(&mut answer[length..]).await {
                Ok(more @ 1..) => length += more,
                end => panic!("it answers: {asked:?}, {end:?}"),
            }
            if let Some(whole) = whole(&answer[..length]) {
                break whole;
            }
        };
        assert_eq!(length, whole, "one answer");
        answer.truncate(whole);
        Self { connection, request, answer }
    }

    async fn ask(mut self, times: u32) -> Self {
        let mut answer = vec![0; self.answer.len()];
        for _ in 0..times {
            let asked = self.connection.write_all(&self.request).await;
            let answered = self.connection.read_exact(&mut answer).await;
            assert!(asked.is_ok() && answered.is_ok(), "{asked:?}, {answered:?}");
        }
        // But for the date they are all the same.
        let body = |answer: &[u8]| answer[answer.len() - 50..].to_vec();
        assert_eq!(body(&answer), body(&self.answer));
        self
    }
}

/// How long the answer is that begins so, once its head is there.
fn whole(answer: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(answer).ok()?;
    let head = text.find("\r\n\r\n")? + 4;
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    let length = text[..head].lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let whole = head + length.trim().parse::<usize>().ok()?;
    (answer.len() >= whole).then_some(whole)
}
