//! What bears tags: reads beside reads of what bears none, and flushes of few entries beside flushes of many.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cache_tags::Tags;
use tokio::runtime::Runtime;

use super::{Bench, KEYS, load};
use crate::fixture::User;
use crate::spread::Spread;
use crate::table::Table;
use crate::verdict::{Findings, Verdict};

/// Each entry bears one of them, and one that all bear.
const TAGS: u32 = 100;

const FEW: u32 = 100;
const MANY: u32 = 100_000;

pub(crate) fn run(runtime: &Runtime, bench: &Bench<'_>, findings: &mut Findings) {
    reads(runtime, bench, findings);
    flushes(runtime, bench, findings);
}

fn reads(runtime: &Runtime, bench: &Bench<'_>, findings: &mut Findings) {
    let untagged: Arc<Vec<_>> = Arc::new((0..KEYS).map(|index| bench.key(index)).collect());
    let tagged: Vec<_> = untagged.iter().map(|key| format!("tagged:{key}")).collect();
    runtime.block_on(async {
        for ((key, (_, user)), index) in tagged.iter().zip(bench.fixture.entries()).zip(0..) {
            let tags = bench.cache.tags(["all".to_owned(), format!("tag:{}", index % TAGS)]);
            assert!(tags.put(key, user, "1h").await.is_ok());
        }
    });
    let tagged = Arc::new(tagged);
    for (tasks, operations) in [(1, 10_000), (64, 100_000)] {
        let get = |keys: &Arc<Vec<String>>| {
            let (cache, keys) = (bench.cache.clone(), keys.clone());
            move |index: u32| {
                let (cache, keys) = (cache.clone(), keys.clone());
                async move {
                    let found = cache.get::<User>(&keys[(index % KEYS) as usize]).await;
                    assert!(black_box(found).is_ok_and(|user| user.is_some()));
                }
            }
        };
        let rates = runtime.block_on(load::rounds(
            tasks,
            bench.effort.pick(operations, operations / 4),
            bench.effort,
            get(&tagged),
            get(&untagged),
        ));
        let title = format!("get of what bears 2 tags, {tasks} in flight");
        rates.report(&title, ["untagged get", "tagged get"], 0.5, findings);
    }
}

fn flushes(runtime: &Runtime, bench: &Bench<'_>, findings: &mut Findings) {
    const TITLE: &str = "flush of a tag";
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for round in 0..=bench.effort.pick(15, 3) {
        let took_few = runtime.block_on(flush(bench, FEW));
        let took_many = runtime.block_on(flush(bench, MANY));
        if round > 0 {
            few.push(took_few);
            many.push(took_many);
        }
    }
    println!("\n{TITLE}");
    let mut table = Table::new(["", "µs (p10–p90)"]);
    for (entries, times) in [(FEW, &few), (MANY, &many)] {
        table.row([
            format!("{entries} entries"),
            format!("{:.0}", Spread::of(times.iter().copied())),
        ]);
    }
    table.print();
    let ratio = Spread::of(many.iter().zip(&few).map(|(many, few)| many / few));
    println!("  {MANY} / {FEW}: {ratio:.2}");
    findings.target(
        TITLE,
        format!("{MANY} entries ≤ 2 × {FEW}"),
        format!("{ratio:.2}"),
        Verdict::of(ratio.median <= 2.0),
    );
}

/// The microseconds that a flush takes of a tag which so many entries bear.
async fn flush(bench: &Bench<'_>, entries: u32) -> f64 {
    const AT_ONCE: u32 = 1_000;
    let tagged = bench.cache.tags(["flushed"]);
    for start in (0..entries).step_by(AT_ONCE as usize) {
        let keys = start..entries.min(start + AT_ONCE);
        let some = keys.map(|number| (format!("flushed:{number}"), &7));
        assert!(tagged.put_many(some, "1h").await.is_ok());
    }
    assert_eq!(bench.cache.has(format!("flushed:{}", entries - 1)).await.ok(), Some(true));
    let started = Instant::now();
    let flushed = tagged.flush().await;
    let took = started.elapsed();
    assert!(flushed.is_ok());
    assert_eq!(bench.cache.has(format!("flushed:{}", entries - 1)).await.ok(), Some(false));
    took.as_secs_f64() * 1e6
}
