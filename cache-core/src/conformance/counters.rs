//! Counters: atomic, and never anything but integers.

use super::{Case, Rig, case, millis};
use crate::{ErrorKind, Ttl};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(a_counter_starts_from_zero),
        case!(no_count_is_lost).on_threads(),
        case!(a_counter_is_created_with_the_default_lifetime),
        case!(a_counter_may_be_created_with_a_lifetime_of_its_own),
        case!(counting_leaves_the_lifetime_alone),
        case!(an_expired_counter_starts_anew),
        case!(a_put_integer_is_a_counter),
        case!(what_is_no_integer_is_not_counted),
        case!(a_count_past_the_limit_is_refused),
    ]
}

async fn a_counter_starts_from_zero(rig: Rig) {
    let cache = rig.cache().await;
    assert_eq!(cache.increment("up").await.unwrap(), 1);
    assert_eq!(cache.increment_by("up", 5).await.unwrap(), 6);
    assert_eq!(cache.decrement("down").await.unwrap(), -1);
    assert_eq!(cache.decrement_by("down", 2).await.unwrap(), -3);
    assert_eq!(cache.increment_by("up", -6).await.unwrap(), 0);
    assert_eq!(cache.increment_by("none", 0).await.unwrap(), 0);
    assert_eq!(cache.get::<i64>("none").await.unwrap(), Some(0));
}

async fn no_count_is_lost(rig: Rig) {
    const TASKS: i64 = 16;
    const EACH: i64 = 100;
    let cache = rig.cache().await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..EACH {
                    seen.push(cache.increment("n").await.unwrap());
                }
                seen
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.extend(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=TASKS * EACH).collect::<Vec<_>>(), "every sum is given out once");
    assert_eq!(cache.get::<i64>("n").await.unwrap(), Some(TASKS * EACH));
}

async fn a_counter_is_created_with_the_default_lifetime(rig: Rig) {
    let cache = rig.builder().await.default_ttl(millis(300)).build().unwrap();
    cache.increment("n").await.unwrap();
    let left = cache.ttl("n").await.unwrap().and_then(Ttl::duration);
    assert!(left.is_some_and(|left| left <= millis(300)), "{left:?}");
    rig.pass(millis(400)).await;
    assert!(!cache.has("n").await.unwrap());
}

async fn a_counter_may_be_created_with_a_lifetime_of_its_own(rig: Rig) {
    let cache = rig.cache().await;
    assert_eq!(cache.increment_within("n", 2, millis(300)).await.unwrap(), 2);
    // Whatever counts later leaves it at that.
    assert_eq!(cache.increment_within("n", 1, "1h").await.unwrap(), 3);
    assert_eq!(cache.increment_within("n", 1, Ttl::FOREVER).await.unwrap(), 4);
    assert_eq!(cache.increment("n").await.unwrap(), 5);
    let left = cache.ttl("n").await.unwrap().and_then(Ttl::duration);
    assert!(left.is_some_and(|left| left <= millis(300)), "{left:?}");
    rig.pass(millis(400)).await;
    assert_eq!(cache.increment_within("n", 1, Ttl::FOREVER).await.unwrap(), 1, "it begins anew");
    assert_eq!(cache.ttl("n").await.unwrap(), Some(Ttl::FOREVER));

    let refused = cache.increment_within("n", 1, 0).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidTtl);
    assert_eq!(cache.get::<i64>("n").await.unwrap(), Some(1), "nothing was counted");
}

async fn counting_leaves_the_lifetime_alone(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("brief", &1, millis(300)).await.unwrap();
    cache.put("forever", &1, Ttl::FOREVER).await.unwrap();
    for key in ["brief", "forever"] {
        cache.increment(key).await.unwrap();
        cache.decrement(key).await.unwrap();
    }
    assert_eq!(cache.ttl("forever").await.unwrap(), Some(Ttl::FOREVER));
    rig.pass(millis(400)).await;
    assert!(!cache.has("brief").await.unwrap(), "it has not been prolonged");
}

async fn an_expired_counter_starts_anew(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("n", &41, millis(50)).await.unwrap();
    rig.pass(millis(100)).await;
    assert_eq!(cache.increment("n").await.unwrap(), 1);
    let left = cache.ttl("n").await.unwrap().and_then(Ttl::duration).unwrap();
    assert!(left > millis(3_000_000), "with the default lifetime: {left:?}");
    // The same where something else had been there.
    cache.put("text", "text", millis(50)).await.unwrap();
    rig.pass(millis(100)).await;
    assert_eq!(cache.increment("text").await.unwrap(), 1);
}

async fn a_put_integer_is_a_counter(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("n", &5u8, "1h").await.unwrap();
    assert_eq!(cache.increment("n").await.unwrap(), 6);
    assert_eq!(cache.get::<u8>("n").await.unwrap(), Some(6));
    assert_eq!(cache.get::<i64>("n").await.unwrap(), Some(6));
    assert_eq!(cache.pull::<u128>("n").await.unwrap(), Some(6));
    cache.put("n", &-300, "1h").await.unwrap();
    assert_eq!(cache.get::<i16>("n").await.unwrap(), Some(-300));
    assert_eq!(
        cache.get::<i8>("n").await.unwrap_err().kind(),
        ErrorKind::Decode,
        "out of its range"
    );
    assert_eq!(cache.get::<u64>("n").await.unwrap_err().kind(), ErrorKind::Decode);
    for edge in [i64::MIN, -1, 0, i64::MAX] {
        cache.put("edge", &edge, "1h").await.unwrap();
        assert_eq!(cache.get::<i64>("edge").await.unwrap(), Some(edge));
    }
}

async fn what_is_no_integer_is_not_counted(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("text", "7", "1h").await.unwrap();
    cache.put("float", &1.0, "1h").await.unwrap();
    cache.put("large", &u64::MAX, "1h").await.unwrap();
    for key in ["text", "float", "large"] {
        assert_eq!(cache.increment(key).await.unwrap_err().kind(), ErrorKind::NotACounter, "{key}");
        assert_eq!(cache.decrement(key).await.unwrap_err().kind(), ErrorKind::NotACounter, "{key}");
    }
    assert_eq!(cache.get::<String>("text").await.unwrap().as_deref(), Some("7"));
    assert_eq!(cache.get::<f64>("float").await.unwrap(), Some(1.0));
    assert_eq!(cache.get::<u64>("large").await.unwrap(), Some(u64::MAX));
}

async fn a_count_past_the_limit_is_refused(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("high", &i64::MAX, "1h").await.unwrap();
    cache.put("low", &i64::MIN, "1h").await.unwrap();
    let refusals = [
        cache.increment("high").await.unwrap_err(),
        cache.increment_by("high", i64::MAX).await.unwrap_err(),
        cache.decrement("low").await.unwrap_err(),
        cache.decrement_by("low", i64::MIN).await.unwrap_err(),
    ];
    assert!(
        refusals.iter().all(|error| error.kind() == ErrorKind::CounterOverflow),
        "{refusals:?}"
    );
    assert_eq!(cache.get::<i64>("high").await.unwrap(), Some(i64::MAX));
    assert_eq!(cache.get::<i64>("low").await.unwrap(), Some(i64::MIN));
    assert_eq!(cache.increment_by("high", i64::MIN).await.unwrap(), -1);
}
