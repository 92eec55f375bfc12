//! The example service over HTTP, on embedded memory.
#![cfg(all(feature = "axum", feature = "memory", unix))]

mod example;
mod shop;

use std::process::Command;

use reqwest::StatusCode;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use shop::{Instance, Shelf, answer, command};

/// An instance that has come to rest.
async fn memory(shelf: &Shelf) -> Instance {
    let mut shop = Instance::start(&mut command(shelf));
    shop.has_made_its_first_report().await;
    shop.has_told_its_cache().await;
    shop
}

#[tokio::test]
async fn what_is_read_again_comes_from_the_cache_until_it_is_changed() {
    let shelf = Shelf::new();
    let shop = memory(&shelf).await;
    for path in ["/products/7", "/categories/garden", "/products/99999"] {
        let first = answer(shop.get(path)).await;
        let again = answer(shop.get(path)).await;
        assert_eq!(first.cache.as_deref(), Some("miss"), "{path}");
        assert_eq!(again.cache.as_deref(), Some("hit"), "{path}");
        assert_eq!((first.status, first.body), (again.status, again.body), "{path}");
    }
    // What changes behind the service's back is seen when the cache forgets, and not before: so it was a hit.
    shelf.open().execute("UPDATE products SET name = 'other' WHERE id = 7", []).expect("changed");
    assert_ne!(answer(shop.get("/products/7")).await.body["name"], "other");

    let changed = answer(shop.patch("/products/7").json(&json!({ "price_cents": 4200 }))).await;
    assert_eq!(
        (changed.status, changed.body["invalidated"].as_bool()),
        (StatusCode::OK, Some(true))
    );
    let after = answer(shop.get("/products/7")).await;
    assert_eq!(after.cache.as_deref(), Some("miss"));
    assert_eq!((&after.body["name"], &after.body["price_cents"]), (&json!("other"), &json!(4200)));
    assert_eq!(answer(shop.get("/categories/garden")).await.cache.as_deref(), Some("miss"));
    let unconcerned = answer(shop.get("/products/99999")).await;
    assert_eq!(unconcerned.cache.as_deref(), Some("hit"), "it bears another tag");
}

#[tokio::test]
async fn two_hundred_first_requests_make_one_query() {
    let shelf = Shelf::new();
    let shop = memory(&shelf).await;
    let mut asked = JoinSet::new();
    for _ in 0..200 {
        asked.spawn(answer(shop.get("/products/12")));
    }
    let answers = asked.join_all().await;
    assert!(answers.iter().all(|answer| answer.body == answers[0].body && answer.body["id"] == 12));
    let misses = answers.iter().filter(|answer| answer.cache.as_deref() == Some("miss"));
    assert_eq!(misses.count(), 1);
    assert_eq!(answer(shop.get("/healthz")).await.body["queries"], 1);
}

#[tokio::test]
async fn stock_is_sold_once_and_never_falls_below_zero() {
    let shelf = Shelf::new();
    let shop = memory(&shelf).await;
    let stock = answer(shop.get("/products/10")).await.body["stock"].as_u64().expect("a number");
    assert!((1..100).contains(&stock), "{stock}");
    let mut orders = JoinSet::new();
    for _ in 0..stock + 20 {
        orders.spawn(answer(shop.post("/products/10/orders").json(&json!({ "quantity": 1 }))));
    }
    let answers = orders.join_all().await;
    let sold = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert_eq!(sold as u64, stock);
    for refused in answers.iter().filter(|answer| answer.status != StatusCode::CREATED) {
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert_eq!(refused.body["error"], "only 0 are left");
    }
    assert_eq!(answer(shop.get("/products/10")).await.body["stock"], 0);
    let counted: u64 = shelf
        .open()
        .query_row("SELECT sum(quantity) FROM orders WHERE product = 10", [], |row| row.get(0))
        .expect("a sum");
    assert_eq!(counted, stock);
}

#[tokio::test]
async fn a_list_shows_what_an_order_has_left() {
    let shelf = Shelf::new();
    let shop = memory(&shelf).await;
    let listed = async || answer(shop.get("/categories/garden")).await.body;
    let list = listed().await;
    let at = list.as_array().expect("a list").iter().position(|product| product["stock"] != 0);
    let at = at.expect("something is in stock");
    let order = format!("/products/{}/orders", list[at]["id"]);
    let sold = answer(shop.post(&order).json(&json!({ "quantity": 1 }))).await;
    assert_eq!((sold.status, &sold.body["invalidated"]), (StatusCode::CREATED, &json!(true)));
    assert_eq!(listed().await[at]["stock"], sold.body["stock"]);
}

#[tokio::test]
async fn who_changes_too_much_has_to_wait() {
    let shelf = Shelf::new();
    let shop = Instance::start(command(&shelf).env("CHANGES_PER_MINUTE", "5"));
    let mut refused = None;
    // A minute may end in between, and then another begins: of twice as many and one, one is refused.
    for _ in 0..11 {
        let request = shop.patch("/products/7").json(&json!({ "price_cents": 1 }));
        let response = request.send().await.expect("an answer");
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(response);
        }
    }
    let refused = refused.expect("one is too many");
    let wait = refused.headers()["retry-after"].to_str().expect("text").parse::<u64>();
    assert!(wait.is_ok_and(|seconds| (1..=60).contains(&seconds)));
    let body = refused.text().await.expect("a body");
    assert!(body.contains("more than 5 changes"), "{body}");
    assert_eq!(answer(shop.get("/products/7")).await.status, StatusCode::OK, "reading is free");
}

#[tokio::test]
async fn the_report_is_made_by_one_at_a_time() {
    let shelf = Shelf::new();
    let mut shop = memory(&shelf).await;
    answer(shop.post("/products/10/orders").json(&json!({ "quantity": 1 }))).await;
    // Nobody can write: whoever makes the report waits, and holds the lock.
    let database = shelf.open();
    database.execute_batch("BEGIN IMMEDIATE").expect("the database is ours");
    let first = tokio::spawn(answer(shop.post("/report")));
    shop.wait_for("making the report").await;
    let second = answer(shop.post("/report")).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    database.execute_batch("COMMIT").expect("and theirs again");
    let first = first.await.expect("no panic");
    assert_eq!(first.status, StatusCode::CREATED);
    let orders = first.body["categories"].as_array().expect("lines").iter();
    assert_eq!(orders.filter_map(|line| line["orders"].as_u64()).sum::<u64>(), 1);
    let shown = answer(shop.get("/report")).await;
    assert_eq!((shown.cache.as_deref(), shown.body), (Some("miss"), first.body));
}

#[tokio::test]
async fn what_is_malformed_is_refused_with_what_is_wrong_with_it() {
    let shelf = Shelf::new();
    let shop = memory(&shelf).await;
    let change = |body: &str| {
        let body = body.to_owned();
        shop.patch("/products/7").header("content-type", "application/json").body(body)
    };
    for (request, status, named) in [
        (shop.get("/products/seven"), 400, "`seven`"),
        (shop.get("/products/-1"), 400, "`-1`"),
        (shop.get("/products/99999999999"), 400, "`99999999999`"),
        (shop.get("/products/%FF"), 400, "UTF-8"),
        (shop.get("/categories/nowhere"), 404, "garden"),
        (shop.get("/nowhere"), 404, "/nowhere"),
        (shop.post("/healthz"), 405, "cannot"),
        (shop.patch("/products/99999").json(&json!({ "name": "x" })), 404, "99999"),
        (shop.patch("/products/7").body("{}"), 415, "application/json"),
        (change("{"), 400, "EOF"),
        (change("{}"), 422, "`name` or `price_cents`"),
        (change(r#"{"name": 5}"#), 422, "string"),
        (change(r#"{"name": " "}"#), 422, "`name`"),
        (change(r#"{"price": 5}"#), 422, "`price`"),
        (change(r#"{"price_cents": 0}"#), 422, "`price_cents`"),
        (change(r#"{"price_cents": -5}"#), 422, "u32"),
        (shop.post("/products/7/orders").json(&json!({ "quantity": 0 })), 422, "`quantity`"),
        (shop.post("/products/99999/orders").json(&json!({ "quantity": 1 })), 404, "99999"),
        // Last: it ends the connection.
        (change(&"x".repeat(3_000_000)), 413, "limit"),
    ] {
        let shown = format!("{request:?}").chars().take(200).collect::<String>();
        let answer = answer(request).await;
        assert_eq!(answer.status.as_u16(), status, "{shown}: {answer:?}");
        let error = answer.body["error"].as_str().expect("it says what was wrong");
        assert!(error.contains(named), "{named:?} is missing: {shown}: {error}");
    }
    assert!(!shop.logged().contains("ERROR"), "{}", shop.logged());
}

#[tokio::test]
async fn a_signal_during_a_slow_request_loses_nothing() {
    let shelf = Shelf::new();
    let mut shop = memory(&shelf).await;
    let before = answer(shop.get("/products/7")).await;
    let database = shelf.open();
    database.execute_batch("BEGIN IMMEDIATE").expect("the database is ours");
    let changing = tokio::spawn(answer(shop.patch("/products/7").json(&json!({ "name": "kept" }))));
    shop.wait_for("changing a product").await;
    shop.terminate();
    shop.wait_for("ending").await;
    // Nobody is let in any more.
    let address = shop.url.strip_prefix("http://").expect("an address").to_owned();
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    database.execute_batch("COMMIT").expect("and theirs again");
    let changed = changing.await.expect("no panic");
    assert_eq!((changed.status, &changed.body["invalidated"]), (StatusCode::OK, &json!(true)));
    assert!(shop.wait().success());
    let name: String = database
        .query_row("SELECT name FROM products WHERE id = 7", [], |row| row.get(0))
        .expect("it is there");
    assert_ne!(before.body["name"], "kept");
    assert_eq!(name, "kept");
    let left: u32 =
        database.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_second_signal_ends_what_the_first_waits_for() {
    let shelf = Shelf::new();
    let mut shop = memory(&shelf).await;
    let address = shop.url.strip_prefix("http://").expect("an address");
    // Half a request, which nobody will ever complete.
    let mut client = tokio::net::TcpStream::connect(address).await.expect("it listens");
    client.write_all(b"GET /products/7 HTTP/1.1\r\n").await.expect("sent");
    // Connections are served in their order: that one has been begun.
    assert_eq!(answer(shop.get("/products/7")).await.status, StatusCode::OK);
    shop.terminate();
    shop.wait_for("ending").await;
    shop.terminate();
    shop.wait_for("not answered").await;
    assert!(shop.wait().success());
}

/// What one of them writes the other would not learn of.
#[tokio::test]
async fn an_instance_with_a_cache_of_its_own_has_the_file_to_itself() {
    let shelf = Shelf::new();
    let shop = memory(&shelf).await;
    let refused = command(&shelf).output().expect("the example starts");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("CACHE_URL"), "{said}");
    shop.terminate();
    assert!(shop.wait().success());
    let next = Instance::start(&mut command(&shelf));
    assert_eq!(answer(next.get("/products/7")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_before_anything_is_served() {
    let shelf = Shelf::new();
    for (variable, value, named) in [
        ("CACHE_URL", "redis://:s3cret@", "CACHE_URL"),
        ("CACHE_URL", "memory:?max_entrees=5", "`max_entrees`"),
        ("LISTEN", "nowhere", "LISTEN"),
        ("CHANGES_PER_MINUTE", "-5", "CHANGES_PER_MINUTE"),
        ("GRACE", "soon", "GRACE"),
        ("RUST_LOG", "service=loud", "RUST_LOG"),
        ("DATABASE", "", "DATABASE"),
        ("DATABASE", "/no/such/folder/shop.sqlite", "/no/such/folder"),
    ] {
        let ended = command(&shelf).env(variable, value).output().expect("the example starts");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success(), "{variable}={value}");
        assert!(said.contains(named) && !said.contains("s3cret"), "{variable}={value}: {said}");
        assert!(ended.stdout.is_empty());
    }
}

/// Each `curl` line of the README, run as it is printed but for the port, and what its comment says of the answer.
#[tokio::test]
async fn the_lines_of_the_readme_do_what_they_say() {
    let shelf = Shelf::new();
    let shop = memory(&shelf).await;
    let address = shop.url.strip_prefix("http://").expect("an address");
    let readme = include_str!("../../README.md");
    let lines: Vec<_> = readme.lines().filter(|line| line.starts_with("curl ")).collect();
    assert!(lines.len() >= 10, "{lines:?}");
    for line in lines {
        assert!(line.contains("localhost:3000"), "{line}");
        let (command, said) = line.split_once(" # ").expect("it says what comes");
        let ran = Command::new("sh")
            .args(["-c", &format!("{} --silent", command.replace("localhost:3000", address))])
            .output()
            .expect("a shell starts");
        let answer = String::from_utf8_lossy(&ran.stdout).to_lowercase();
        assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
        let mut said = said.split(", ");
        let status = format!("http/1.1 {} ", said.next().expect("a status"));
        assert!(answer.starts_with(&status), "{line}: {answer}");
        for header in said {
            assert!(answer.contains(&format!("\n{header}\r\n")), "{line}: {answer}");
        }
    }
}
