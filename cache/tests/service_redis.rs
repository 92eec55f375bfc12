//! The example service over HTTP: two instances that share a Redis server and a file.
#![cfg(all(feature = "axum", feature = "redis", unix))]

mod example;
mod shop;

use redis_servers::Server;
use reqwest::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use shop::{Instance, Shelf, answer, command};

fn instance(shelf: &Shelf, server: &Server) -> Instance {
    Instance::start(command(shelf).env("CACHE_URL", server.url()))
}

#[tokio::test]
async fn what_one_instance_writes_the_other_stops_serving_at_once() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    let (one, other) = (instance(&shelf, &server), instance(&shelf, &server));
    for round in 1..=50 {
        // Both have it: the one that asks second is given what the first has stored.
        while answer(other.get("/products/7")).await.cache.as_deref() != Some("hit") {
            answer(one.get("/products/7")).await;
        }
        let (writes, reads) = if round % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let changed =
            answer(writes.patch("/products/7").json(&json!({ "price_cents": round }))).await;
        assert_eq!(changed.body["invalidated"], true);
        let read = answer(reads.get("/products/7")).await;
        assert_eq!(
            (&read.body["price_cents"], read.cache.as_deref()),
            (&json!(round), Some("miss"))
        );
    }
}

#[tokio::test]
async fn two_hundred_first_requests_make_one_query_in_each_instance() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    // An answer of the server that is not waited for, on a busy machine, is as good as none.
    let url = format!("{}?command_timeout=30s", server.url());
    let start = || Instance::start(command(&shelf).env("CACHE_URL", &url));
    let mut first = start();
    first.has_made_its_first_report().await;
    let instances = [first, start()];
    for instance in &instances {
        instance.has_told_its_cache().await;
    }
    let mut asked = JoinSet::new();
    for n in 0..400 {
        asked.spawn(answer(instances[n % 2].get("/products/12")));
    }
    let answers = asked.join_all().await;
    assert!(answers.iter().all(|answer| answer.body == answers[0].body && answer.body["id"] == 12));
    let misses = answers.iter().filter(|answer| answer.cache.as_deref() == Some("miss")).count();
    let mut queries = vec![];
    for instance in &instances {
        let count = answer(instance.get("/healthz")).await.body["queries"].as_u64();
        queries.push(count.expect("a number"));
    }
    assert!(queries.iter().all(|&count| count <= 1), "{queries:?}");
    assert!((1..=2).contains(&misses), "{misses}");
    assert_eq!(queries.iter().sum::<u64>(), misses as u64);
}

#[tokio::test]
async fn instances_share_stock_limits_and_the_lock_of_the_report() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    let start = || {
        let mut command = command(&shelf);
        Instance::start(command.env("CACHE_URL", server.url()).env("CHANGES_PER_MINUTE", "150"))
    };
    let mut first = start();
    first.has_made_its_first_report().await;
    let mut instances = [first, start()];
    let database = shelf.open();
    database.execute_batch("BEGIN IMMEDIATE").expect("the database is ours");
    let first = tokio::spawn(answer(instances[0].post("/report")));
    instances[0].wait_for("making the report").await;
    assert_eq!(answer(instances[1].post("/report")).await.status, StatusCode::CONFLICT);
    database.execute_batch("COMMIT").expect("and theirs again");
    assert_eq!(first.await.expect("no panic").status, StatusCode::CREATED);

    let stock = answer(instances[1].get("/products/10")).await.body["stock"].as_u64();
    let stock = stock.expect("a number");
    let mut orders = JoinSet::new();
    for n in 0..201 {
        let order = instances[n % 2].post("/products/10/orders").json(&json!({ "quantity": 1 }));
        orders.spawn(answer(order));
    }
    let answers = orders.join_all().await;
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(with(StatusCode::CREATED) as u64, stock);
    // Two minutes at most were begun.
    assert!(with(StatusCode::TOO_MANY_REQUESTS) > 0);
    assert_eq!(answer(instances[0].get("/products/10")).await.body["stock"], 0);
}

#[tokio::test]
async fn without_its_cache_the_service_answers_and_says_what_it_could_not_do() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    let (mut one, other) = (instance(&shelf, &server), instance(&shelf, &server));
    let price = async |shop: &Instance| {
        let read = answer(shop.get("/products/7")).await;
        (read.status, read.cache, read.body["price_cents"].as_u64())
    };
    answer(one.get("/products/7")).await;
    server.pause().await;

    let changed = answer(one.patch("/products/7").json(&json!({ "price_cents": 4200 }))).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.body["invalidated"], false);
    assert!(changed.body["warning"].as_str().expect("a warning").contains("cannot be told"));
    one.wait_for("the cache could not be told of a change").await;
    for shop in [&one, &other] {
        assert_eq!(price(shop).await, (StatusCode::OK, Some("miss".to_owned()), Some(4200)));
        let health = answer(shop.get("/healthz")).await;
        assert_eq!((health.status, &health.body["database"]), (StatusCode::OK, &json!("ok")));
        assert_ne!(health.body["cache"], "ok");
    }
    // And one query answers all who ask at once.
    let queries =
        async |shop: &Instance| answer(shop.get("/healthz")).await.body["queries"].as_u64();
    let before = queries(&one).await.expect("a number");
    let mut asked = JoinSet::new();
    for _ in 0..200 {
        asked.spawn(answer(one.get("/products/12")));
    }
    assert!(asked.join_all().await.iter().all(|answer| answer.status == StatusCode::OK));
    let made = queries(&one).await.expect("a number") - before;
    assert!(made < 100, "{made}");
    // What needs a lock cannot be had, and says so.
    assert_eq!(answer(one.post("/report")).await.status, StatusCode::SERVICE_UNAVAILABLE);

    server.resume().await;
    // The entry of before lies on the server still: it must not come back.
    for shop in [&one, &other] {
        let working = async || {
            let health = answer(shop.get("/healthz")).await.body;
            health["cache"] == "ok" && health["invalidations_pending"] == false
        };
        while !working().await {
            assert_eq!(price(&one).await.2, Some(4200));
        }
        assert_eq!(price(shop).await.2, Some(4200));
        assert_eq!(price(shop).await.1.as_deref(), Some("hit"));
    }
}

#[tokio::test]
async fn an_instance_that_dies_between_writing_and_saying_so_leaves_it_to_another() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    let mut other = instance(&shelf, &server);
    assert_eq!(answer(other.get("/products/7")).await.status, StatusCode::OK);
    // As it lies in the file when a process has committed and was killed.
    let mut database = shelf.open();
    let died = database.transaction().expect("the database is ours");
    died.execute("UPDATE products SET price_cents = 4200 WHERE id = 7", []).expect("changed");
    died.execute("INSERT INTO outbox (tag) VALUES ('product:7')", []).expect("posted");
    died.commit().expect("committed");
    other.wait_for("the cache has been told of earlier changes").await;
    let read = answer(other.get("/products/7")).await;
    assert_eq!((&read.body["price_cents"], read.cache.as_deref()), (&json!(4200), Some("miss")));
}

#[tokio::test]
async fn a_signal_during_a_slow_request_loses_nothing() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    let (mut one, other) = (instance(&shelf, &server), instance(&shelf, &server));
    for shop in [&one, &other] {
        assert_eq!(answer(shop.get("/products/7")).await.status, StatusCode::OK);
    }
    let database = shelf.open();
    database.execute_batch("BEGIN IMMEDIATE").expect("the database is ours");
    let changing = tokio::spawn(answer(one.patch("/products/7").json(&json!({ "name": "kept" }))));
    one.wait_for("changing a product").await;
    one.terminate();
    one.wait_for("ending").await;
    database.execute_batch("COMMIT").expect("and theirs again");
    let changed = changing.await.expect("no panic");
    assert_eq!((changed.status, &changed.body["invalidated"]), (StatusCode::OK, &json!(true)));
    assert_eq!(answer(other.get("/products/7")).await.body["name"], "kept");
    assert!(one.wait().success());
}

#[tokio::test]
async fn an_instance_with_another_cache_is_refused() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    let _shop = instance(&shelf, &server);
    for url in [None, Some("memory:"), Some("MEMORY:")] {
        let mut other = command(&shelf);
        if let Some(url) = url {
            other.env("CACHE_URL", url);
        }
        let refused = other.output().expect("the example starts");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("share a cache"), "{url:?}: {said}");
    }
}

#[tokio::test]
async fn an_instance_starts_though_the_cache_is_away() {
    let (server, shelf) = (Server::start().await, Shelf::new());
    server.stop().await;
    let url = server.url();
    let refused = command(&shelf).env("CACHE_URL", &url).output().expect("the example starts");
    assert!(!refused.status.success(), "unless it is told that it may, it does not");
    let shop = Instance::start(command(&shelf).env("CACHE_URL", format!("{url}?lazy=true")));
    for _ in 0..2 {
        let read = answer(shop.get("/products/7")).await;
        assert_eq!((read.status, read.cache.as_deref()), (StatusCode::OK, Some("miss")));
    }
    server.start_again().await;
    while answer(shop.get("/products/7")).await.cache.as_deref() == Some("miss") {
        tokio::task::yield_now().await;
    }
    assert_eq!(answer(shop.get("/healthz")).await.body["cache"], "ok");
}
