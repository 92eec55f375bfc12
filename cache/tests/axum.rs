//! The cache in handlers: who has which, what is said where there is none, and when it ends.
#![cfg(all(feature = "axum", feature = "memory"))]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use axum::{Extension, Router};
use cache::axum::{CacheLayer, RequestCache, close_after};
use cache::prelude::*;
use cache::{Error, ErrorKind};
use tokio::sync::oneshot;
use tower_service::Service;

/// What a handler does with its cache in an application.
async fn show(RequestCache(cache): RequestCache, Path(id): Path<u64>) -> String {
    let name =
        cache.remember(format!("user:{id}"), "1h", async || Ok::<_, Error>(format!("loaded {id}")));
    name.await.unwrap_or_else(|error| error.to_string())
}

fn users() -> Router {
    Router::new().route("/users/{id}", get(show))
}

async fn memory() -> Cache {
    cache::connect("memory:").await.expect("memory is always there")
}

async fn ask(app: &mut Router, path: &str) -> (StatusCode, String) {
    let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
    let response = app.call(request).await.expect("a router always answers");
    let status = response.status();
    let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn a_handler_has_the_cache_of_the_layer() -> Result<(), Error> {
    let cache = memory().await;
    let mut app = users().layer(CacheLayer::new(cache.clone()));
    assert_eq!(ask(&mut app, "/users/7").await, (StatusCode::OK, "loaded 7".to_owned()));
    assert_eq!(cache.get::<String>("user:7").await?.as_deref(), Some("loaded 7"));
    cache.put("user:7", "changed", "1h").await?;
    assert_eq!(ask(&mut app, "/users/7").await.1, "changed");
    Ok(())
}

#[tokio::test]
async fn several_services_have_each_their_own() -> Result<(), Error> {
    let (one, other) = (memory().await, memory().await);
    let mut first = users().layer(CacheLayer::new(one.clone()));
    let mut second = users().layer(CacheLayer::new(other.clone()));
    one.put("user:7", "of the first", "1h").await?;
    assert_eq!(ask(&mut first, "/users/7").await.1, "of the first");
    assert_eq!(ask(&mut second, "/users/7").await.1, "loaded 7");
    assert!(other.has("user:7").await?);

    // Parts of one service, too, and the innermost layer counts.
    let mut nested = Router::new()
        .nest("/inner", users().layer(CacheLayer::new(one.clone())))
        .merge(users())
        .layer(CacheLayer::new(other.clone()));
    other.put("user:7", "of the second", "1h").await?;
    assert_eq!(ask(&mut nested, "/inner/users/7").await.1, "of the first");
    assert_eq!(ask(&mut nested, "/users/7").await.1, "of the second");
    Ok(())
}

#[tokio::test]
async fn a_handler_may_do_without() {
    let either = async |cache: Option<RequestCache>| match cache {
        Some(cache) => format!("{:?}", cache.has("k").await.ok()),
        None => "none".to_owned(),
    };
    let mut app = Router::new().route("/", get(either));
    assert_eq!(ask(&mut app, "/").await, (StatusCode::OK, "none".to_owned()));
    let mut app = app.layer(CacheLayer::new(memory().await));
    assert_eq!(ask(&mut app, "/").await.1, "Some(false)");
    // And what is not a handler finds it among the extensions.
    let seen = async |Extension(RequestCache(cache)): Extension<RequestCache>| format!("{cache:?}");
    let mut app = Router::new().route("/", get(seen)).layer(CacheLayer::new(memory().await));
    assert!(ask(&mut app, "/").await.1.contains("memory"));
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic before").write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_missing_layer_is_said_in_the_answer_and_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (status, body) = ask(&mut users(), "/users/7?token=s3cret").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("CacheLayer::new(cache)"), "{body}");
    let logged = String::from_utf8(log.0.lock().expect("no panic before").clone()).expect("text");
    assert_eq!(logged.lines().count(), 1, "{logged}");
    for part in ["ERROR", "GET", "/users/7", "CacheLayer"] {
        assert!(logged.contains(part), "{part} is missing: {logged}");
    }
    assert!(!logged.contains("s3cret"), "{logged}");

    // A layer covers the routes that were there when it was added, as axum has it.
    let late = Router::new().layer(CacheLayer::new(memory().await));
    let mut late = late.route("/users/{id}", get(show));
    assert_eq!(ask(&mut late, "/users/7").await.0, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn the_cache_closes_after_the_requests_in_flight() -> Result<(), Error> {
    let cache = memory().await;
    let (begun, has_begun) = oneshot::channel::<()>();
    let (finish, may_finish) = oneshot::channel::<()>();
    let gates = Arc::new(Mutex::new(Some((begun, may_finish))));
    let slow = async move |RequestCache(cache): RequestCache| {
        let (begun, may_finish) =
            gates.lock().expect("no panic before").take().expect("it is asked once");
        begun.send(()).expect("the test waits");
        may_finish.await.expect("the test says when");
        match cache.put("k", "v", "1h").await {
            Ok(()) => "stored".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let app = Router::new().route("/", get(slow)).layer(CacheLayer::new(cache.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let closing = cache.clone();
    let serving = tokio::spawn(async move {
        let server = axum::serve(listener, app).with_graceful_shutdown(async {
            stopped.await.expect("the test says when");
        });
        close_after(&closing, server).await
    });

    let asked = tokio::spawn(reqwest::get(format!("http://{address}/")));
    has_begun.await.expect("it is asked");
    stop.send(()).expect("it is served");
    // Once nobody is let in any more, the stop has been seen.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!cache.has("k").await?, "it is open");
    finish.send(()).expect("the handler waits");
    let answer = asked.await.expect("no panic").expect("an answer").text().await.expect("a body");
    assert_eq!(answer, "stored");
    serving.await.expect("no panic").expect("it served");
    assert_eq!(cache.has("k").await.unwrap_err().kind(), ErrorKind::Closed);
    Ok(())
}

#[tokio::test]
async fn the_cache_closes_whatever_the_server_gave_and_not_before_it_has() -> Result<(), Error> {
    let cache = memory().await;
    let serving = close_after(&cache, std::future::pending::<()>());
    assert!(tokio::time::timeout(Duration::ZERO, serving).await.is_err());
    assert!(!cache.has("k").await?, "a dropped server has not ended");
    let failed = close_after(&cache, async { Err::<(), _>("no port") }).await;
    assert_eq!(failed, Err("no port"));
    assert_eq!(cache.has("k").await.unwrap_err().kind(), ErrorKind::Closed);
    Ok(())
}
