//! serde's attributes that need names in what is written: the binary codec says so, at `put` or at `get`,
//! and never hands out another value; the JSON codec carries them.
//!
//! The errors at `get` are healed by `remember`, like those of any value that was written as another type.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "flaws are for the tests of the suite")]
mod model;

use std::collections::BTreeMap;
use std::fmt::Debug;

use cache_core::{Cache, Error, ErrorKind};
use model::{Flaw, Model};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn cache() -> Cache {
    Cache::new(Model::new(Flaw::None))
}

/// The JSON codec takes it as it is.
async fn is_carried_as_json<T>(value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    #[cfg(feature = "json")]
    {
        let model = Model::new(Flaw::None);
        let cache = Cache::builder(model).codec(cache_core::Codec::Json).build().unwrap();
        cache.put("k", value, "1h").await.unwrap();
        assert_eq!(cache.get::<T>("k").await.unwrap().as_ref(), Some(value));
    }
    #[cfg(not(feature = "json"))]
    std::future::ready(value).await;
}

async fn is_carried<T>(value: T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let cache = cache();
    cache.put("k", &value, "1h").await.unwrap();
    assert_eq!(cache.get::<T>("k").await.unwrap().as_ref(), Some(&value));
    is_carried_as_json(&value).await;
}

/// Nothing is stored, and the message has these words.
async fn is_refused_at_put<T>(value: T, words: &[&str])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let cache = cache();
    let refusal = cache.put("k", &value, "1h").await.unwrap_err();
    says(&refusal, ErrorKind::Encode, words);
    assert!(!cache.has("k").await.unwrap());
    is_carried_as_json(&value).await;
}

/// It is stored and never handed out, with a message that has these words.
async fn is_refused_at_get<T>(value: T, words: &[&str])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + Clone + Send + Sync + 'static,
{
    let cache = cache();
    cache.put("k", &value, "1h").await.unwrap();
    says(&cache.get::<T>("k").await.unwrap_err(), ErrorKind::Decode, words);
    says(&cache.get_shared::<T>("k").await.unwrap_err(), ErrorKind::Decode, words);
    says(&cache.get_many::<T>(["k"]).await.unwrap_err(), ErrorKind::Decode, words);
    // It could never be a hit, and says so at once instead of being loaded for ever.
    for key in ["k", "absent"] {
        let load = async || Ok::<_, Error>(value.clone());
        says(&cache.remember(key, "1h", load).await.unwrap_err(), ErrorKind::Encode, words);
    }
    assert!(!cache.has("absent").await.unwrap());
    is_carried_as_json(&value).await;
}

fn says(refusal: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!(refusal.kind(), kind);
    let message = refusal.to_string();
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Page {
    number: u32,
    size: u32,
}

#[tokio::test]
async fn flatten() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Query {
        text: String,
        #[serde(flatten)]
        page: Page,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Open {
        id: u32,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Choice {
        Paged {
            #[serde(flatten)]
            page: Page,
        },
    }
    let page = || Page { number: 1, size: 2 };
    let words = ["flatten", "json"];
    is_refused_at_put(Query { text: "a".into(), page: page() }, &words).await;
    is_refused_at_put(Open { id: 1, rest: BTreeMap::new() }, &words).await;
    is_refused_at_put(Choice::Paged { page: page() }, &words).await;
    is_refused_at_put(vec![Some(Open { id: 1, rest: BTreeMap::new() })], &words).await;
}

#[tokio::test]
async fn untagged() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[serde(untagged)]
    enum Untagged {
        Page(Page),
        Text(String),
        Struct { a: u8, b: u8 },
        Pair(bool, u8),
        Unit,
    }
    // One variant of a plain enum.
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    enum Partly {
        Tagged(u8),
        #[serde(untagged)]
        Other(String),
    }
    let words = ["untagged", "json"];
    is_refused_at_get(Untagged::Page(Page { number: 1, size: 2 }), &words).await;
    is_refused_at_get(Untagged::Text("a".into()), &words).await;
    is_refused_at_get(Untagged::Struct { a: 1, b: 2 }, &words).await;
    is_refused_at_get(Untagged::Pair(true, 2), &words).await;
    is_refused_at_get(Untagged::Unit, &words).await;
    is_refused_at_get(vec![Untagged::Text("a".into())], &words).await;
    is_refused_at_get(Partly::Other("a".into()), &[]).await;
    is_refused_at_get(Partly::Tagged(1), &[]).await;
}

#[tokio::test]
async fn an_untagged_integer_is_no_exception() {
    // It is stored as the integer that it is, which would be the first variant that makes something of it.
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        #[allow(dead_code, reason = "the other choice")]
        Text(String),
    }
    is_refused_at_get(Untagged::Number(-7), &["untagged", "json"]).await;
}

#[tokio::test]
async fn skip_serializing_if() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Sparse {
        id: u32,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<String>,
        last: Option<String>,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum SparseVariant {
        Struct {
            #[serde(skip_serializing_if = "Option::is_none", default)]
            note: Option<String>,
            last: Option<String>,
        },
    }
    let (none, some) = (|| None, || Some("a".to_owned()));
    let words = ["`note`", "skip_serializing_if", "json"];
    is_refused_at_put(Sparse { id: 1, note: none(), last: some() }, &words).await;
    is_refused_at_put(SparseVariant::Struct { note: none(), last: some() }, &words).await;
    // Nothing is skipped, so nothing is missing.
    is_carried(Sparse { id: 1, note: some(), last: none() }).await;
    is_carried(SparseVariant::Struct { note: some(), last: none() }).await;
}

#[tokio::test]
async fn skip_serializing_if_in_tuples() {
    // serde does not say that it left something out, but the length is another one.
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Sparse(u8, u8, #[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>);
    let cache = cache();
    cache.put("k", &Sparse(1, 2, None), "1h").await.unwrap();
    let refusal = cache.get::<Sparse>("k").await.unwrap_err();
    says(&refusal, ErrorKind::Decode, &["written with another shape"]);
    is_carried(Sparse(1, 2, Some(3))).await;
}

#[tokio::test]
async fn tag() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[serde(tag = "type")]
    enum Tagged {
        Page(Page),
        Struct { a: u8, b: u8 },
        Map(BTreeMap<String, String>),
        Unit,
    }
    let words = ["`tag`", "json"];
    is_refused_at_get(Tagged::Page(Page { number: 1, size: 2 }), &words).await;
    is_refused_at_get(Tagged::Struct { a: 1, b: 2 }, &words).await;
    is_refused_at_get(Tagged::Map(BTreeMap::new()), &words).await;
    is_refused_at_get(Tagged::Unit, &words).await;
}

#[tokio::test]
async fn a_struct_with_a_tag() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[serde(tag = "type")]
    struct Tagged {
        a: u8,
    }
    // The tag is written as a field, which is none when it is read.
    is_refused_at_get(Tagged { a: 1 }, &["written with another shape"]).await;
}

#[tokio::test]
async fn tag_and_content() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[serde(tag = "type", content = "content")]
    enum Adjacent {
        Newtype(String),
        Tuple(u8, u8),
        Struct { a: u8 },
        Unit,
    }
    let words = ["`tag`", "json"];
    is_refused_at_get(Adjacent::Newtype("a".into()), &words).await;
    is_refused_at_get(Adjacent::Tuple(1, 2), &words).await;
    is_refused_at_get(Adjacent::Struct { a: 1 }, &words).await;
    is_refused_at_get(Adjacent::Unit, &words).await;
}

#[tokio::test]
async fn alias() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    struct Aliased {
        #[serde(alias = "mail")]
        email: String,
    }
    is_refused_at_get(Aliased { email: "a".into() }, &["alias", "json"]).await;
}

#[tokio::test]
async fn values_without_a_type() {
    use serde_json::json;
    is_refused_at_get(json!({ "a": 1, "b": [true, null, "text"] }), &["json"]).await;
    is_refused_at_get(json!([1, 2]), &["json"]).await;
    is_refused_at_get(json!("text"), &["json"]).await;
    is_refused_at_get(json!(null), &["json"]).await;
    is_refused_at_get(json!(1.5), &["json"]).await;
    is_refused_at_get(BTreeMap::from([("a".to_owned(), json!(1))]), &["json"]).await;
    is_refused_at_get(json!(5), &["json"]).await;
}

/// The first caller too: what a hit gives does not depend on who was there before.
#[tokio::test]
async fn what_serde_skips_is_there_for_nobody_who_remembers() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct User {
        name: String,
        #[serde(skip)]
        session: u32,
    }
    let cache = cache();
    let load = async || Ok::<_, Error>(User { name: "John".to_owned(), session: 7 });
    let read = User { name: "John".to_owned(), session: 0 };
    for _ in ["loaded", "a hit"] {
        assert_eq!(cache.remember("owned", "1h", load).await.unwrap(), read);
        assert_eq!(*cache.remember_shared("shared", "1h", load).await.unwrap(), read);
    }
}

#[tokio::test]
async fn a_value_of_another_shape_is_decode_stays_and_is_healed_by_remember() {
    let cache = cache();
    cache.put("k", &(1_u8, "text"), "1h").await.unwrap();
    for _ in 0..2 {
        let refusal = cache.get::<(u16, String)>("k").await.unwrap_err();
        says(&refusal, ErrorKind::Decode, &["get of \"k\"", "written with another shape"]);
    }
    assert_eq!(cache.get("k").await.unwrap(), Some((1_u8, "text".to_owned())), "it stays");
    let load = async || Ok::<_, Error>((2_u16, "loaded".to_owned()));
    assert_eq!(cache.remember("k", "1h", load).await.unwrap(), (2, "loaded".into()));
    assert_eq!(cache.get("k").await.unwrap(), Some((2_u16, "loaded".to_owned())), "healed");
}
