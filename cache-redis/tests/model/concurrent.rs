//! Many operations at once, by several tasks of each client, in rounds. After each round everything is at rest, and
//! all clients must agree on what is there.

use std::collections::HashMap;
use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cache_redis::Error;
use futures_util::future::join_all;
use tokio::task::yield_now;

use super::client::{Client, Value, tags_of};
use super::counts::{self, BORNE};
use super::history::{Event, Saw, Span, What, now};
use super::random::Random;
use super::rules::{Judge, Pulled, Shown};
use super::{COUNTERS, KEYS};

const TASKS_OF_EACH: usize = 3;
const OPERATIONS_OF_EACH: usize = 20;
/// With so many puts under way on each connection others find company, and share commands with it.
const CROWD: usize = 16;

/// What happens in a round. Where less does, more is known of what must be found.
#[derive(Clone, Copy)]
struct Kind {
    flushes: bool,
    drops: bool,
    removals: bool,
}

/// What is there between rounds.
#[derive(Default)]
struct Rest {
    values: HashMap<usize, (Value, u8)>,
    counters: [i64; COUNTERS.len()],
}

pub(crate) async fn run(clients: &[Client], random: &mut Random, until: Instant) {
    let mut rest = Rest::default();
    let mut pulled = Pulled::default();
    let (mut rounds, mut calls, mut exact, mut all) = (0, 0, 0, Shown::default());
    while Instant::now() < until {
        let kind = Kind {
            flushes: !random.once_in(4),
            drops: random.once_in(3),
            removals: !random.once_in(3),
        };
        let mut events = round(clients, random, kind, &rest).await;
        calls += clients.len() * TASKS_OF_EACH * OPERATIONS_OF_EACH;
        let found = at_rest(clients, &mut events).await;
        let mut values = HashMap::new();
        for key in 0..KEYS.len() {
            let judge = Judge::of(&events, key);
            all.add(&judge.check());
            if let Some(value) = found.values.get(&key) {
                values.insert(key, (*value, judge.tags_of(*value).expect("it was written")));
            }
        }
        for Event { span, what } in &events {
            if let What::Read { saw: Saw::Value(value), key } = what
                && events.iter().any(|event| {
                    event.span.call == span.call
                        && matches!(event.what, What::Removal { key: of } if of == *key)
                })
            {
                pulled.note(*value);
            }
        }
        for counter in 0..COUNTERS.len() {
            exact += counts::check(&events, counter, rest.counters[counter]);
        }
        rest = Rest { values, counters: found.counters };
        rounds += 1;
    }
    let Shown { visible, hits, misses } = all;
    println!(
        "at once: {calls} operations in {rounds} rounds; {hits} reads found something and {misses} nothing; \
         {visible} of them had to find what they did; {exact} sums were known"
    );
    assert!(visible > 0 && hits > 0 && misses > 0 && exact > 0, "the rounds show something");
}

async fn round(clients: &[Client], random: &mut Random, kind: Kind, rest: &Rest) -> Vec<Event> {
    let crowded = if random.once_in(3) { clients } else { &[] };
    let crowds: Vec<_> = crowded.iter().map(|client| tokio::spawn(crowd(client.clone()))).collect();
    let tasks: Vec<_> = clients
        .iter()
        .flat_map(|client| std::iter::repeat_n(client, TASKS_OF_EACH))
        .map(|client| {
            let random = Random::new(random.next());
            let task = Task { client: client.clone(), random, kind, events: Vec::new() };
            tokio::spawn(task.run())
        })
        .collect();
    let before = Span { call: 0, client: usize::MAX, begun: 0, ended: 0, is_dropped: false };
    let there = rest.values.iter().map(|(key, (value, tags))| {
        let (key, value, tags) = (*key, *value, *tags);
        Event { span: before, what: What::Write { key, value, tags, since: 0, is_loaded: false } }
    });
    let mut events: Vec<_> = there.collect();
    for task in tasks {
        events.extend(task.await.expect("no operation fails"));
    }
    for crowd in crowds {
        crowd.abort();
        assert!(crowd.await.is_err_and(|end| end.is_cancelled()), "it goes on until then");
    }
    events
}

/// Puts at other keys, of which nothing is recorded.
async fn crowd(client: Client) {
    let names: Vec<_> =
        (0..CROWD * client.connections).map(|number| format!("crowd{number}")).collect();
    loop {
        let puts = names.iter().map(|name| client.cache.put(name, &0, "1h"));
        for stored in join_all(puts).await {
            stored.expect("the server answers");
        }
    }
}

struct Found {
    values: HashMap<usize, Value>,
    counters: [i64; COUNTERS.len()],
}

/// What is there when everything is at rest: all clients agree, by whatever they ask.
async fn at_rest(clients: &[Client], events: &mut Vec<Event>) -> Found {
    for client in clients {
        client.settle().await;
    }
    let mut agreed: Option<(Vec<Option<Value>>, Vec<i64>)> = None;
    for client in clients {
        let cache = &client.cache;
        let mut found = Vec::new();
        for (key, name) in KEYS.iter().enumerate() {
            let begun = now();
            let value = cache.get::<Value>(name).await.expect("the server answers");
            let ended = now();
            let span = Span { call: begun, client: client.number, begun, ended, is_dropped: false };
            events.push(Event { span, what: What::Read { key, saw: Saw::found(value) } });
            let is_there = cache.has(name).await.expect("the server answers");
            assert_eq!(is_there, value.is_some(), "has {name}: {value:?}");
            found.push(value);
        }
        let together = cache.get_many::<Value>(KEYS).await.expect("the server answers");
        assert_eq!(together, found, "many are found as each is");
        let mut counters = Vec::new();
        for name in COUNTERS {
            let count = cache.get::<i64>(name).await.expect("the server answers");
            counters.push(count.unwrap_or(0));
        }
        let now = (found, counters);
        let before = agreed.get_or_insert_with(|| now.clone());
        assert_eq!(*before, now, "all clients agree");
    }
    let (values, counters) = agreed.expect("there are clients");
    let values = values.into_iter().enumerate();
    Found {
        values: values.filter_map(|(key, value)| Some((key, value?))).collect(),
        counters: counters.try_into().expect("as many"),
    }
}

struct Task {
    client: Client,
    random: Random,
    kind: Kind,
    events: Vec<Event>,
}

impl Task {
    async fn run(mut self) -> Vec<Event> {
        for _ in 0..OPERATIONS_OF_EACH {
            if self.random.once_in(4) {
                yield_now().await;
            }
            self.step().await;
        }
        self.events
    }

    /// Does something, or gives it up on the way.
    async fn done<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> (Span, Option<T>) {
        let patience = (self.kind.drops && self.random.once_in(5)).then(|| self.random.below(40));
        let begun = now();
        let done = match patience {
            None => Some(work.await),
            Some(yields) => tokio::select! {
                biased;
                done = work => Some(done),
                () = yielded(yields) => None,
            },
        };
        let ended = now();
        let done = done.map(|done| done.expect("the server answers"));
        let is_dropped = done.is_none();
        (Span { call: begun, client: self.client.number, begun, ended, is_dropped }, done)
    }

    fn note(&mut self, span: Span, what: What) {
        self.events.push(Event { span, what });
    }

    fn saw(&mut self, span: Span, key: usize, saw: Option<Saw>) {
        if let Some(saw) = saw {
            self.note(span, What::Read { key, saw });
        }
    }

    fn wrote(&mut self, span: Span, key: usize, value: Value, tags: u8) {
        self.note(span, What::Write { key, value, tags, since: span.begun, is_loaded: false });
    }

    async fn step(&mut self) {
        let cache = self.client.cache.clone();
        let key = self.random.below(KEYS.len());
        let name = KEYS[key];
        let set = self.random.tags();
        let tags = tags_of(set);
        let value = self.client.new_value();
        match self.random.below(20) {
            0..=2 => {
                let (span, _) = self.done(cache.writer(&tags).put(name, &value, "1h")).await;
                self.wrote(span, key, value, set);
            }
            3 => {
                let other = (key + 1) % KEYS.len();
                let entries = [(key, value), (other, self.client.new_value())];
                let given = entries.iter().map(|(key, value)| (KEYS[*key], value));
                let (span, _) = self.done(cache.writer(&tags).put_many(given, "1h")).await;
                for (key, value) in entries {
                    self.wrote(span, key, value, set);
                }
            }
            4 => {
                let (span, stored) = self.done(cache.writer(&tags).add(name, &value, "1h")).await;
                self.saw(span, key, stored.map(|stored| Saw::whether(!stored)));
                if stored != Some(false) {
                    self.wrote(span, key, value, set);
                }
            }
            5..=7 => self.remember(key, set, value).await,
            8..=10 => {
                let (span, found) = self.done(cache.get::<Value>(name)).await;
                self.saw(span, key, found.map(Saw::found));
            }
            11 => {
                let (span, found) = self.done(cache.get_many::<Value>(KEYS)).await;
                for (key, found) in found.into_iter().flatten().enumerate() {
                    self.saw(span, key, Some(Saw::found(found)));
                }
            }
            12 => {
                let (span, has) = self.done(cache.has(name)).await;
                self.saw(span, key, has.map(Saw::whether));
            }
            13 => {
                let (span, touched) = self.done(cache.touch(name, "2h")).await;
                self.saw(span, key, touched.map(Saw::whether));
            }
            14 if self.kind.removals => {
                let (span, gone) = self.done(cache.forget(name)).await;
                self.saw(span, key, gone.map(Saw::whether));
                self.note(span, What::Removal { key });
            }
            15 if self.kind.removals => {
                let (span, taken) = self.done(cache.pull::<Value>(name)).await;
                self.saw(span, key, taken.map(Saw::found));
                self.note(span, What::Removal { key });
            }
            14 | 15 if self.kind.flushes => {
                let tags = self.random.some_tags();
                let (span, _) = self.done(cache.writer(&tags_of(tags)).flush()).await;
                self.note(span, What::Flush { tags });
            }
            16 | 17 if self.kind.flushes => {
                let tags = 1 << self.random.below(super::TAGS.len());
                let (span, _) = self.done(cache.writer(&tags_of(tags)).flush()).await;
                self.note(span, What::Flush { tags });
            }
            _ => self.count().await,
        }
    }

    async fn remember(&mut self, key: usize, set: u8, value: Value) {
        let cache = self.client.cache.clone();
        let tags = tags_of(set);
        let (pause, yields) = (self.random.once_in(3), self.random.below(60));
        let loading = OnceLock::new();
        let remembered = cache.writer(&tags).remember(KEYS[key], "1h", async || {
            loading.set(now()).expect("it is loaded once");
            yielded(yields).await;
            if pause {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok::<_, Error>(value)
        });
        let (span, given) = self.done(remembered).await;
        match loading.get().copied() {
            None => self.saw(span, key, given.map(Saw::Value)),
            Some(since) => {
                assert!(given.is_none_or(|given| given == value), "who loads is given that");
                let missed = Span { ended: since, is_dropped: false, ..span };
                self.saw(missed, key, Some(Saw::Nothing));
                let loaded = Span { begun: since, ..span };
                let what = What::Write { key, value, tags: set, since, is_loaded: true };
                self.note(loaded, what);
            }
        }
    }

    async fn count(&mut self) {
        let cache = self.client.cache.clone();
        let counter = self.random.below(COUNTERS.len());
        let name = COUNTERS[counter];
        match self.random.below(8) {
            0 if self.kind.removals => {
                let (span, taken) = self.done(cache.pull::<i64>(name)).await;
                if let Some(taken) = taken {
                    self.note(span, What::CounterRead { counter, saw: taken.unwrap_or(0) });
                }
                self.note(span, What::CounterRemoval { counter });
            }
            1 | 2 => {
                let (span, found) = self.done(cache.get::<i64>(name)).await;
                if let Some(found) = found {
                    self.note(span, What::CounterRead { counter, saw: found.unwrap_or(0) });
                }
            }
            _ => {
                let tags = tags_of(BORNE[counter]);
                let (span, sum) = self.done(cache.writer(&tags).increment_by(name, 1)).await;
                self.note(span, What::Count { counter, sum });
            }
        }
    }
}

async fn yielded(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}
