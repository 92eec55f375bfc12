//! What the example service takes for left behind, step by step.
#![cfg(all(feature = "axum", feature = "memory"))]

#[path = "../examples/service/database.rs"]
mod database;
#[path = "../examples/service/outbox.rs"]
mod outbox;
#[path = "../examples/service/problem.rs"]
#[expect(dead_code, reason = "it is for handlers, which are not here")]
mod problem;

use cache::prelude::*;
use tempfile::TempDir;

use database::{Database, Others};
use outbox::{Outbox, Pending};

async fn shop() -> (TempDir, Database, Cache, Outbox) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.sqlite");
    let database = Database::open(&file, Others::None).expect("a database");
    let cache = cache::connect("memory:").await.expect("memory is always there");
    let outbox = Outbox::new(database.clone(), cache.clone());
    (folder, database, cache, outbox)
}

async fn change(database: &Database) -> Pending {
    let change = database.write(|transaction| Ok(outbox::post(transaction, &["tag"])?));
    change.await.expect("it is committed")
}

async fn waiting(database: &Database) -> u32 {
    let count = "SELECT count(*) FROM outbox";
    let count = database.read(|database| database.query_row(count, [], |row| row.get(0)));
    count.await.expect("a count")
}

#[tokio::test]
async fn what_is_about_to_be_delivered_is_not_left_behind() {
    let (_folder, database, cache, outbox) = shop().await;
    cache.tags(["tag"]).put("k", &1, "1h").await.expect("stored");
    let look = outbox.look().await.expect("a look");
    let pending = change(&database).await;
    outbox.deliver_left(look).await.expect("delivered");
    assert_eq!(
        (outbox.behind(), waiting(&database).await),
        (None, 1),
        "it is left to who wrote it"
    );
    assert!(cache.has("k").await.expect("open"));

    assert!(outbox.deliver(pending).await);
    assert_eq!((outbox.behind(), waiting(&database).await), (None, 0));
    assert!(!cache.has("k").await.expect("open"));
}

#[tokio::test]
async fn what_is_still_there_at_the_next_look_is_delivered() {
    let (_folder, database, cache, outbox) = shop().await;
    cache.tags(["tag"]).put("k", &1, "1h").await.expect("stored");
    drop(change(&database).await);
    outbox.catch_up().await.expect("delivered");
    assert!(outbox.behind().is_some(), "until it is seen to be gone");
    assert_eq!(waiting(&database).await, 0);
    assert!(!cache.has("k").await.expect("open"));

    outbox.catch_up().await.expect("nothing to deliver");
    assert_eq!(outbox.behind(), None);

    drop(change(&database).await);
    let keeping_up = tokio::spawn(outbox.clone().keep_up());
    while waiting(&database).await > 0 {
        tokio::task::yield_now().await;
    }
    keeping_up.abort();
}

/// A look from before does not say that what could not be told since is settled.
#[tokio::test]
async fn what_could_not_be_told_is_not_settled_by_an_earlier_look() {
    let (_folder, database, cache, outbox) = shop().await;
    let look = outbox.look().await.expect("a look");
    let pending = change(&database).await;
    cache.close().await.expect("it closes");
    assert!(!outbox.deliver(pending).await);
    outbox.deliver_left(look).await.expect("nothing of then to deliver");
    assert!(outbox.behind().is_some());
    assert_eq!(waiting(&database).await, 1, "for whoever can tell it");
}

#[test]
fn a_file_is_for_instances_of_one_cache_or_for_one_instance() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.sqlite");
    let open = |others| Database::open(&file, others);
    let shared =
        (open(Others::SameCache).expect("first"), open(Others::SameCache).expect("second"));
    assert!(open(Others::None).is_err());
    drop(shared);
    let alone = open(Others::None).expect("they are gone");
    assert!(open(Others::None).is_err() && open(Others::SameCache).is_err());
    drop(alone);
    assert!(open(Others::SameCache).is_ok());
}
