//! A shape costs no allocation.

use allocation_counter::measure;
use bincode::config;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Payload;
use crate::codec::Codec;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct User {
    id: u64,
    name: String,
    tags: Vec<String>,
    status: Status,
    nested: Option<Box<User>>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Status {
    Idle,
    Busy { since: u32, with: String },
}

fn user() -> User {
    let inner =
        User { id: u64::MAX, name: "Bob".into(), tags: vec![], status: Status::Idle, nested: None };
    User {
        id: 1,
        name: "Ada".into(),
        tags: vec!["a".into(), "b".into()],
        status: Status::Busy { since: 7, with: "an engine".into() },
        nested: Some(Box::new(inner)),
    }
}

fn costs_nothing<T: Serialize + DeserializeOwned>(value: &T) {
    let mut buffer = Vec::with_capacity(1024);
    let encoding = measure(|| {
        assert!(Codec::Binary.encode(value, 1024, &mut buffer).is_ok());
    });
    assert_eq!(encoding.count_total, 0);

    let plain = bincode::serde::encode_to_vec(value, config::standard()).unwrap();
    let plain = measure(|| {
        let read = bincode::serde::decode_from_slice::<T, _>(&plain, config::standard());
        drop(read.unwrap());
    });
    let decoding = measure(|| drop(Codec::Binary.decode::<T>(Payload::Encoded(&buffer)).unwrap()));
    assert_eq!(decoding, plain);
}

#[test]
fn neither_to_write_nor_to_read() {
    costs_nothing(&user());
    costs_nothing(&vec![user(), user()]);
    costs_nothing(&(1_u8, 'a', [1.5; 4], "text".to_owned()));
    costs_nothing(&std::collections::HashMap::from([("a".to_owned(), user())]));
    costs_nothing(&vec![1_u8; 100]);
    costs_nothing(&());
}
