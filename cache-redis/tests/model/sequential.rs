//! One operation at a time, by whichever client, compared exactly with a model: a belief of a client that is past
//! must not show.

use std::collections::HashMap;
use std::time::Instant;

use cache_redis::Error;

use super::client::{Client, Value, tags_of};
use super::random::Random;
use super::{COUNTERS, KEYS};

/// What is there, and the tags that it bears.
#[derive(Default)]
struct Model {
    values: HashMap<&'static str, (Value, u8)>,
    counters: HashMap<&'static str, (i64, u8)>,
}

impl Model {
    fn value(&self, key: &str) -> Option<Value> {
        self.values.get(key).map(|(value, _)| *value)
    }

    fn counter(&self, key: &str) -> Option<i64> {
        self.counters.get(key).map(|(count, _)| *count)
    }

    fn flush(&mut self, flushed: u8) {
        self.values.retain(|_, (_, tags)| *tags & flushed == 0);
        self.counters.retain(|_, (_, tags)| *tags & flushed == 0);
    }
}

pub(crate) async fn run(clients: &[Client], random: &mut Random, until: Instant) -> usize {
    let mut model = Model::default();
    let mut operations = 0;
    while Instant::now() < until {
        let said = step(clients, random, &mut model).await;
        said.unwrap_or_else(|error| panic!("operation {operations}: {error:?}"));
        operations += 1;
    }
    for key in KEYS.iter().chain(&COUNTERS) {
        clients[0].cache.forget(key).await.expect("the server answers");
    }
    operations
}

async fn step(clients: &[Client], random: &mut Random, model: &mut Model) -> Result<(), Error> {
    let client = &clients[random.below(clients.len())];
    let cache = &client.cache;
    let key = KEYS[random.below(KEYS.len())];
    let set = random.tags();
    let tags = tags_of(set);
    let there = model.value(key);
    match random.below(14) {
        0 | 1 => {
            let value = client.new_value();
            cache.writer(&tags).put(key, &value, "1h").await?;
            model.values.insert(key, (value, set));
        }
        2 => {
            let entries = [(key, client.new_value()), (KEYS[random.below(4)], client.new_value())];
            let given = entries.iter().map(|(key, value)| (key, value));
            cache.writer(&tags).put_many(given, "1h").await?;
            model.values.extend(entries.map(|(key, value)| (key, (value, set))));
        }
        3 => {
            let value = client.new_value();
            let stored = cache.writer(&tags).add(key, &value, "1h").await?;
            assert_eq!(stored, there.is_none(), "add of {key}");
            model.values.entry(key).or_insert((value, set));
        }
        4 => remember(clients, client, random, model, key, set).await?,
        5 | 6 => assert_eq!(cache.get(key).await?, there, "get of {key}"),
        7 => {
            let expected: Vec<_> = KEYS.iter().map(|key| model.value(key)).collect();
            assert_eq!(cache.get_many::<Value>(KEYS).await?, expected, "get of all");
        }
        8 => {
            assert_eq!(cache.has(key).await?, there.is_some(), "has {key}");
            assert_eq!(cache.ttl(key).await?.is_some(), there.is_some(), "ttl of {key}");
        }
        9 => {
            assert_eq!(cache.pull(key).await?, there, "pull of {key}");
            model.values.remove(key);
        }
        10 if random.once_in(2) => {
            assert_eq!(cache.forget(key).await?, there.is_some(), "forget of {key}");
            model.values.remove(key);
        }
        10 => {
            let keys = [key, KEYS[random.below(4)]];
            let expected = keys.map(|key| model.values.remove(key)).iter().flatten().count();
            assert_eq!(cache.forget_many(keys).await?, expected, "forget of {keys:?}");
        }
        11 => assert_eq!(cache.touch(key, "2h").await?, there.is_some(), "touch of {key}"),
        12 => count(client, random, model).await?,
        _ => {
            let set = random.some_tags();
            cache.writer(&tags_of(set)).flush().await?;
            model.flush(set);
        }
    }
    Ok(())
}

async fn count(client: &Client, random: &mut Random, model: &mut Model) -> Result<(), Error> {
    let key = COUNTERS[random.below(COUNTERS.len())];
    let there = model.counter(key);
    match random.below(5) {
        0 => assert_eq!(client.cache.get(key).await?, there, "get of {key}"),
        1 => {
            assert_eq!(client.cache.forget(key).await?, there.is_some(), "forget of {key}");
            model.counters.remove(key);
        }
        _ => {
            let set = random.tags();
            let sum = client.cache.writer(&tags_of(set)).increment_by(key, 3).await?;
            assert_eq!(sum, there.unwrap_or(0) + 3, "increment of {key}");
            model.counters.entry(key).or_insert((0, set)).0 = sum;
        }
    }
    Ok(())
}

/// Remembers, and now and then has something happen while the load runs.
async fn remember(
    clients: &[Client],
    client: &Client,
    random: &mut Random,
    model: &mut Model,
    key: &'static str,
    set: u8,
) -> Result<(), Error> {
    let loaded = client.new_value();
    let other = &clients[random.below(clients.len())];
    let (flushed, put) = match random.below(4) {
        0 => (random.some_tags(), None),
        1 => (0, Some(other.new_value())),
        _ => (0, None),
    };
    let there = model.value(key);
    let tags = tags_of(set);
    let remembered = client.cache.writer(&tags).remember(key, "1h", async || {
        other.cache.writer(&tags_of(flushed)).flush().await?;
        if let Some(value) = put {
            other.cache.put(key, &value, "1h").await?;
        }
        Ok::<_, Error>(loaded)
    });
    assert_eq!(remembered.await?, there.unwrap_or(loaded), "remember of {key}");
    if there.is_some() {
        return Ok(());
    }
    model.flush(flushed);
    match put {
        // Only what the loading process puts is known to it.
        Some(value) if other.number == client.number => drop(model.values.insert(key, (value, 0))),
        _ if set & flushed == 0 => drop(model.values.insert(key, (loaded, set))),
        _ => {}
    }
    Ok(())
}
