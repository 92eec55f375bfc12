//! The catalogue: read through the cache, changed in the database.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cache::axum::RequestCache;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Shop;
use crate::input::{Body, Path};
use crate::outbox;
use crate::problem::Problem;

/// What the page of a product shows. `place` is the one in its category, by the stars it was given.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Product {
    id: u32,
    name: String,
    category: String,
    price_cents: u32,
    stock: u32,
    reviews: u32,
    stars: f64,
    place: u32,
}

/// What may be changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    name: Option<String>,
    price_cents: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    quantity: u32,
}

/// `GET /products/{id}`
pub(crate) async fn show(
    State(shop): State<Shop>,
    RequestCache(cache): RequestCache,
    Path(id): Path<u32>,
) -> Result<Response, Problem> {
    // What does not exist is remembered as well: `None` is a value like any other.
    let (source, product) = shop
        .remember(&cache, &format!("page:{id}"), &tag_of(id), move |database| page(database, id))
        .await?;
    Ok(match product {
        Some(product) => (source, Json(product)).into_response(),
        None => (source, Problem::not_found(format!("product {id}"))).into_response(),
    })
}

/// `GET /categories/{name}`: the best of a category.
pub(crate) async fn best(
    State(shop): State<Shop>,
    RequestCache(cache): RequestCache,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    // A name that anybody can make up is no key, or anybody could fill the cache.
    if !CATEGORIES.contains(&name.as_str()) {
        return Err(Problem::not_found(format!("category; there are {}", CATEGORIES.join(", "))));
    }
    let (source, best) = shop
        .remember(&cache, &format!("best:{name}"), LISTS, move |database| best_of(database, &name))
        .await?;
    Ok((source, Json(best)))
}

const CATEGORIES: [&str; 4] = ["garden", "kitchen", "office", "workshop"];

/// The tag of what shows several products.
const LISTS: &str = "lists";

/// `PATCH /products/{id}`
pub(crate) async fn change(
    State(shop): State<Shop>,
    Path(id): Path<u32>,
    Body(Change { name, price_cents }): Body<Change>,
) -> Result<impl IntoResponse, Problem> {
    if name.is_none() && price_cents.is_none() {
        return Err(Problem::invalid("nothing is changed: give `name` or `price_cents`"));
    }
    if name.as_ref().is_some_and(|name| name.trim().is_empty() || name.len() > 200) {
        return Err(Problem::invalid("`name` has 1 to 200 bytes"));
    }
    if price_cents.is_some_and(|price| !(1..=100_000_000).contains(&price)) {
        return Err(Problem::invalid("`price_cents` is 1 to 100000000"));
    }
    tracing::debug!(id, "changing a product");
    let pending = shop
        .database
        .write(move |transaction| {
            let changed = transaction.execute(
                "UPDATE products SET name = coalesce(?2, name), price_cents = coalesce(?3, price_cents) WHERE id = ?1",
                params![id, name, price_cents],
            )?;
            if changed == 0 {
                return Err(Problem::not_found(format!("product {id}")));
            }
            // Its own page, and the lists that it may be in.
            Ok(outbox::post(transaction, &[&tag_of(id), LISTS])?)
        })
        .await?;
    let invalidated = shop.outbox.deliver(pending).await;
    Ok(Json(with_caveat(json!({ "id": id }), invalidated)))
}

/// `POST /products/{id}/orders`. That stock never falls below zero is for the database to see to: what a cache counts may
/// be evicted.
pub(crate) async fn order(
    State(shop): State<Shop>,
    Path(id): Path<u32>,
    Body(Order { quantity }): Body<Order>,
) -> Result<impl IntoResponse, Problem> {
    if !(1..=1_000).contains(&quantity) {
        return Err(Problem::invalid("`quantity` is 1 to 1000"));
    }
    let (order, stock, pending) = shop
        .database
        .write(move |transaction| {
            let stock: Option<u32> = transaction
                .query_row("SELECT stock FROM products WHERE id = ?", [id], |row| row.get(0))
                .optional()?;
            let Some(stock) = stock else {
                return Err(Problem::not_found(format!("product {id}")));
            };
            let Some(left) = stock.checked_sub(quantity) else {
                return Err(Problem::new(StatusCode::CONFLICT, format!("only {stock} are left")));
            };
            transaction.execute("UPDATE products SET stock = ? WHERE id = ?", [left, id])?;
            transaction
                .execute("INSERT INTO orders (product, quantity) VALUES (?, ?)", [id, quantity])?;
            let order = transaction.last_insert_rowid();
            // Lists show the stock, too.
            Ok((order, left, outbox::post(transaction, &[&tag_of(id), LISTS])?))
        })
        .await?;
    let invalidated = shop.outbox.deliver(pending).await;
    let answer = with_caveat(json!({ "order": order, "stock": stock }), invalidated);
    Ok((StatusCode::CREATED, Json(answer)))
}

fn tag_of(product: u32) -> String {
    format!("product:{product}")
}

/// What is answered to who has changed something, with a warning if others may not see it yet.
fn with_caveat(mut answer: Value, invalidated: bool) -> Value {
    answer["invalidated"] = invalidated.into();
    if !invalidated {
        answer["warning"] =
            "saved; the cache cannot be told yet, and other instances may show the state before until it is".into();
    }
    answer
}

/// Everything that is shown of products. It has to look at all of them, and at all reviews.
const RANKED: &str = "
    WITH rated AS (
        SELECT product, count(*) AS reviews, avg(stars) AS stars FROM reviews GROUP BY product
    ), ranked AS (
        SELECT id, name, category, price_cents, stock, coalesce(reviews, 0) AS reviews, coalesce(stars, 0.0) AS stars,
               row_number() OVER (PARTITION BY category ORDER BY stars DESC, reviews DESC, id) AS place
        FROM products LEFT JOIN rated ON product = id
    )
    SELECT * FROM ranked";

fn page(database: &Connection, id: u32) -> rusqlite::Result<Option<Product>> {
    let mut select = database.prepare(&format!("{RANKED} WHERE id = ?"))?;
    select.query_row([id], product).optional()
}

fn best_of(database: &Connection, category: &str) -> rusqlite::Result<Vec<Product>> {
    let mut select =
        database.prepare(&format!("{RANKED} WHERE category = ? AND place <= 10 ORDER BY place"))?;
    select.query_map([category], product)?.collect()
}

fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product {
        id: row.get("id")?,
        name: row.get("name")?,
        category: row.get("category")?,
        price_cents: row.get("price_cents")?,
        stock: row.get("stock")?,
        reviews: row.get("reviews")?,
        stars: row.get("stars")?,
        place: row.get("place")?,
    })
}
