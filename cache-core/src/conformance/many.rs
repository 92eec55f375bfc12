//! Many at once: an answer for each, in the order asked.

use super::{Case, Rig, case, millis};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(answers_come_in_the_order_asked),
        case!(many_are_put_together),
        case!(of_two_with_one_key_the_later_stays),
        case!(forgotten_keys_count_once),
        case!(none_at_all_is_fine),
        case!(a_thousand_at_once),
    ]
}

async fn answers_come_in_the_order_asked(rig: Rig) {
    let cache = rig.cache().await;
    cache.put("a", "A", "1h").await.unwrap();
    cache.put("b", "B", "1h").await.unwrap();
    cache.put("old", "OLD", millis(50)).await.unwrap();
    rig.pass(millis(100)).await;
    let found: Vec<Option<String>> =
        cache.get_many(["b", "absent", "a", "b", "old", "absent", "a"]).await.unwrap();
    let found: Vec<_> = found.iter().map(Option::as_deref).collect();
    assert_eq!(found, [Some("B"), None, Some("A"), Some("B"), None, None, Some("A")]);
}

async fn many_are_put_together(rig: Rig) {
    let cache = rig.cache().await;
    cache.put_many([("a", &1.5), ("b", &2.5)], millis(300)).await.unwrap();
    cache.put_many([("n", &1), ("m", &2)], "1h").await.unwrap();
    assert_eq!(cache.get_many::<f64>(["a", "b"]).await.unwrap(), [Some(1.5), Some(2.5)]);
    assert_eq!(cache.increment("m").await.unwrap(), 3);
    rig.pass(millis(400)).await;
    assert_eq!(cache.get_many::<f64>(["a", "b"]).await.unwrap(), [None, None]);
    assert!(cache.has("n").await.unwrap());
}

async fn of_two_with_one_key_the_later_stays(rig: Rig) {
    let cache = rig.cache().await;
    cache.put_many([("k", "first"), ("other", "x"), ("k", "second")], "1h").await.unwrap();
    assert_eq!(cache.get::<String>("k").await.unwrap().as_deref(), Some("second"));
}

async fn forgotten_keys_count_once(rig: Rig) {
    let cache = rig.cache().await;
    cache.put_many([("a", "A"), ("b", "B"), ("c", "C")], "1h").await.unwrap();
    assert_eq!(cache.forget_many(["a", "absent", "b", "a"]).await.unwrap(), 2);
    assert_eq!(cache.get_many::<String>(["a", "b"]).await.unwrap(), [None, None]);
    assert!(cache.has("c").await.unwrap());
}

async fn none_at_all_is_fine(rig: Rig) {
    let cache = rig.cache().await;
    let none: [&str; 0] = [];
    assert!(cache.get_many::<String>(none).await.unwrap().is_empty());
    assert_eq!(cache.forget_many(none).await.unwrap(), 0);
    let nothing: [(&str, &str); 0] = [];
    cache.put_many(nothing, "1h").await.unwrap();
}

async fn a_thousand_at_once(rig: Rig) {
    let cache = rig.cache().await;
    let entries: Vec<_> = (0..1_000).map(|n| (format!("k{n}"), format!("value {n}"))).collect();
    cache.put_many(entries.iter().map(|(key, value)| (key, value)), "1h").await.unwrap();
    let found: Vec<Option<String>> =
        cache.get_many(entries.iter().rev().map(|(key, _)| key)).await.unwrap();
    for ((_, value), found) in entries.iter().rev().zip(found) {
        assert_eq!(found.as_ref(), Some(value));
    }
    assert_eq!(cache.forget_many(entries.iter().map(|(key, _)| key)).await.unwrap(), 1_000);
}
