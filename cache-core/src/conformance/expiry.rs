//! Lifetimes: an entry is gone at its deadline, for every operation, and a fresh one is not.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::{Case, Rig, case, millis};
use crate::{ErrorKind, Ttl};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(an_entry_is_gone_at_its_deadline),
        case!(an_expired_entry_is_absent_for_every_operation),
        case!(every_form_of_a_lifetime_is_taken),
        case!(a_lifetime_that_is_none_is_refused_and_harms_nothing),
        case!(a_lifetime_of_zero_removes),
        case!(less_than_a_millisecond_is_one),
        case!(forever_does_not_end),
        case!(default_is_the_caches_own),
        case!(a_put_replaces_the_lifetime),
        case!(a_touch_gives_a_new_lifetime),
        case!(a_touch_revives_nothing),
        case!(what_is_left_is_rounded_up),
        case!(a_read_of_what_has_expired_takes_nothing_fresh_away),
        case!(expiry_takes_nothing_fresh_away).on_threads(),
    ]
}

async fn an_entry_is_gone_at_its_deadline(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", Duration::from_millis(400)).await.unwrap();
    if rig.is_exact() {
        rig.pass(millis(399)).await;
        assert!(cache.has("k").await.unwrap(), "a millisecond before");
        rig.pass(millis(1)).await;
    } else {
        rig.pass(millis(100)).await;
        assert!(cache.has("k").await.unwrap(), "long before");
        rig.pass(millis(400)).await;
    }
    assert!(!cache.has("k").await.unwrap());
    assert_eq!(cache.get::<String>("k").await.unwrap(), None);
}

async fn an_expired_entry_is_absent_for_every_operation(rig: Rig) {
    let cache = rig.cache().await;
    let names =
        ["get", "shared", "has", "ttl", "many", "add", "pull", "forget", "forgets", "touch"];
    for name in names {
        cache.put(name, "v", millis(50)).await.unwrap();
    }
    cache.put("count", &41, millis(50)).await.unwrap();
    rig.pass(millis(100)).await;
    assert_eq!(cache.get::<String>("get").await.unwrap(), None);
    assert!(cache.get_shared::<String>("shared").await.unwrap().is_none());
    assert!(!cache.has("has").await.unwrap());
    assert_eq!(cache.ttl("ttl").await.unwrap(), None);
    assert_eq!(cache.get_many::<String>(["many", "many"]).await.unwrap(), [None, None]);
    assert!(cache.add("add", "fresh", "1h").await.unwrap());
    assert_eq!(cache.get::<String>("add").await.unwrap().as_deref(), Some("fresh"));
    assert_eq!(cache.pull::<String>("pull").await.unwrap(), None);
    assert!(!cache.forget("forget").await.unwrap());
    assert_eq!(cache.forget_many(["forgets"]).await.unwrap(), 0);
    assert!(!cache.touch("touch", "1h").await.unwrap());
    assert_eq!(cache.increment("count").await.unwrap(), 1, "an expired counter starts anew");
}

async fn every_form_of_a_lifetime_is_taken(rig: Rig) {
    let cache = rig.cache().await;
    let seconds = |left: Ttl| left.duration().unwrap().as_secs_f64();
    for (text, expected) in [
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h", 3_600.0),
        ("1d", 86_400.0),
        ("1w", 604_800.0),
        ("1 hour 30 minutes", 5_400.0),
    ] {
        cache.put("k", "v", text).await.unwrap();
        let left = seconds(cache.ttl("k").await.unwrap().unwrap());
        assert!(left <= expected && left > expected - 5.0, "{text}: {left}");
    }
    cache.put("k", "v", 3600).await.unwrap();
    assert!(seconds(cache.ttl("k").await.unwrap().unwrap()) > 3_595.0);
    cache.put("k", "v", Duration::from_millis(90_500)).await.unwrap();
    assert!(seconds(cache.ttl("k").await.unwrap().unwrap()) > 85.0);
    cache.put("k", "v", Ttl::MAX).await.unwrap();
    assert!(
        cache.ttl("k").await.unwrap().unwrap().duration().is_some(),
        "the longest is not for ever"
    );
}

async fn a_lifetime_that_is_none_is_refused_and_harms_nothing(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "safe", "1h").await.unwrap();
    for bad in ["", "abc", "10", "-5m", "5x", "1e999999999s", "5M", "h1", "99999999999999999999w"] {
        let refusals = [
            cache.put("k", "v", bad).await.unwrap_err(),
            cache.add("other", "v", bad).await.unwrap_err(),
            cache.touch("k", bad).await.unwrap_err(),
            cache.put_many([("k", "v")], bad).await.unwrap_err(),
        ];
        assert!(
            refusals.iter().all(|error| error.kind() == ErrorKind::InvalidTtl),
            "{bad}: {refusals:?}"
        );
    }
    assert_eq!(cache.put("k", "v", -1).await.unwrap_err().kind(), ErrorKind::InvalidTtl);
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("safe"));
    assert!(!cache.has("other").await.unwrap());
}

async fn a_lifetime_of_zero_removes(rig: Rig) {
    let cache = rig.cache().await;
    for zero in [Ttl::ZERO, Ttl::seconds(0)] {
        cache.put_many([("put", "v"), ("many", "v"), ("touched", "v")], "1h").await.unwrap();
        cache.put("put", "w", zero).await.unwrap();
        cache.put_many([("many", "w")], zero).await.unwrap();
        assert!(cache.touch("touched", zero).await.unwrap());
        assert!(!cache.touch("absent", zero).await.unwrap());
        let left: Vec<Option<String>> = cache.get_many(["put", "many", "touched"]).await.unwrap();
        assert_eq!(left, [None, None, None]);
    }
    cache.put("never there", "w", 0).await.unwrap();
}

async fn less_than_a_millisecond_is_one(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", Duration::from_nanos(1)).await.unwrap();
    if rig.is_exact() {
        assert!(cache.has("k").await.unwrap(), "it is not zero");
        rig.pass(Duration::from_micros(999)).await;
        assert!(cache.has("k").await.unwrap());
        rig.pass(Duration::from_micros(1)).await;
    } else {
        rig.pass(millis(50)).await;
    }
    assert!(!cache.has("k").await.unwrap());
}

async fn forever_does_not_end(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", Ttl::FOREVER).await.unwrap();
    let hundred_years = Duration::from_secs(60 * 60 * 24 * 365 * 100);
    rig.pass(if rig.is_exact() { hundred_years } else { millis(50) }).await;
    assert_eq!(cache.ttl("k").await.unwrap(), Some(Ttl::FOREVER));
    assert!(cache.has("k").await.unwrap());
    assert!(cache.touch("k", "1h").await.unwrap());
    assert!(cache.ttl("k").await.unwrap().unwrap().duration().is_some());
    assert!(cache.touch("k", Ttl::FOREVER).await.unwrap());
    assert_eq!(cache.ttl("k").await.unwrap(), Some(Ttl::FOREVER));
}

async fn default_is_the_caches_own(rig: Rig) {
    let cache = rig.builder().await.default_ttl("10m").build().unwrap();
    cache.put("k", "v", Ttl::DEFAULT).await.unwrap();
    cache.increment("n").await.unwrap();
    for key in ["k", "n"] {
        let left = cache.ttl(key).await.unwrap().unwrap().duration().unwrap();
        assert!(left <= millis(600_000) && left > millis(595_000), "{key}: {left:?}");
    }
    let hour = rig.cache().await;
    hour.put("k", "v", Ttl::DEFAULT).await.unwrap();
    let left = hour.ttl("k").await.unwrap().unwrap().duration().unwrap();
    assert!(left <= millis(3_600_000) && left > millis(3_595_000), "{left:?}");
    let forever = rig.builder().await.default_ttl(Ttl::FOREVER).build().unwrap();
    forever.increment("n").await.unwrap();
    assert_eq!(forever.ttl("n").await.unwrap(), Some(Ttl::FOREVER));
}

async fn a_put_replaces_the_lifetime(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("shorter", "v", "1h").await.unwrap();
    cache.put("shorter", "v", millis(50)).await.unwrap();
    cache.put("longer", "v", millis(50)).await.unwrap();
    cache.put("longer", "v", "1h").await.unwrap();
    cache.put("forever", "v", millis(50)).await.unwrap();
    cache.put("forever", "v", Ttl::FOREVER).await.unwrap();
    rig.pass(millis(100)).await;
    assert!(!cache.has("shorter").await.unwrap());
    assert!(cache.has("longer").await.unwrap());
    assert!(cache.has("forever").await.unwrap());
}

async fn a_touch_gives_a_new_lifetime(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", millis(400)).await.unwrap();
    rig.pass(millis(100)).await;
    assert!(cache.touch("k", "1h").await.unwrap());
    rig.pass(millis(400)).await;
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("v"));
    assert!(cache.touch("k", millis(50)).await.unwrap());
    rig.pass(millis(100)).await;
    assert!(!cache.has("k").await.unwrap());
}

async fn a_touch_revives_nothing(rig: Rig) {
    let cache = rig.cache().await;
    assert!(!cache.touch("absent", "1h").await.unwrap());
    assert!(!cache.has("absent").await.unwrap());
    cache.put("k", "v", millis(50)).await.unwrap();
    rig.pass(millis(100)).await;
    assert!(!cache.touch("k", "1h").await.unwrap());
    assert!(!cache.has("k").await.unwrap());
}

async fn what_is_left_is_rounded_up(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("k", "v", millis(500)).await.unwrap();
    if !rig.is_exact() {
        let left = cache.ttl("k").await.unwrap().unwrap().duration().unwrap();
        assert!(left <= millis(500) && !left.is_zero(), "{left:?}");
        return;
    }
    assert_eq!(cache.ttl("k").await.unwrap(), Some(Ttl::milliseconds(500)));
    rig.pass(Duration::from_micros(100)).await;
    assert_eq!(cache.ttl("k").await.unwrap(), Some(Ttl::milliseconds(500)));
    rig.pass(Duration::from_micros(499_800)).await;
    assert_eq!(
        cache.ttl("k").await.unwrap(),
        Some(Ttl::milliseconds(1)),
        "never zero while it lives"
    );
}

/// A reader has met an expired entry, and gone so far and no further, when a fresh one takes its place.
async fn a_read_of_what_has_expired_takes_nothing_fresh_away(rig: Rig) {
    let cache = rig.cache().await;
    for steps in 0..40 {
        cache.put("k", "old", millis(1)).await.unwrap();
        rig.pass(millis(5)).await;
        let mut reader = Box::pin(cache.get::<String>("k"));
        let mut read = None;
        for _ in 0..steps {
            if read.is_none() {
                read = poll_fn(|cx| match reader.as_mut().poll(cx) {
                    Poll::Ready(read) => Poll::Ready(Some(read)),
                    Poll::Pending => Poll::Ready(None),
                })
                .await;
            }
        }
        cache.put("k", "fresh", "1h").await.unwrap();
        match read {
            Some(read) => assert_eq!(read.unwrap(), None),
            None => drop(reader.await.unwrap()),
        }
        assert_eq!(
            cache.get::<String>("k").await.unwrap().as_deref(),
            Some("fresh"),
            "{steps} steps"
        );
    }
}

/// Readers meet an expired entry while a fresh one takes its place.
async fn expiry_takes_nothing_fresh_away(rig: Rig) {
    let cache = rig.cache().await;
    for round in 0..100u32 {
        cache.put("k", &round.to_string(), millis(1)).await.unwrap();
        rig.pass(millis(3)).await;
        let together = Arc::new(tokio::sync::Barrier::new(5));
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (cache, together) = (cache.clone(), Arc::clone(&together));
                tokio::spawn(async move {
                    together.wait().await;
                    match reader {
                        0 => drop(cache.get::<String>("k").await.unwrap()),
                        1 => drop(cache.has("k").await.unwrap()),
                        2 => drop(cache.get_many::<String>(["k"]).await.unwrap()),
                        _ => drop(cache.ttl("k").await.unwrap()),
                    }
                })
            })
            .collect();
        together.wait().await;
        // Sooner or later after they have begun, whatever they are at.
        for _ in 0..round % 32 {
            tokio::task::yield_now().await;
        }
        cache.put("k", "fresh", "1h").await.unwrap();
        for reader in readers {
            reader.await.unwrap();
        }
        assert_eq!(
            cache.get::<String>("k").await.unwrap().as_deref(),
            Some("fresh"),
            "round {round}"
        );
    }
}
