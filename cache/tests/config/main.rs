//! What a configuration may say, in files, in code and in the environment, and how a wrong one is refused.
#![cfg(feature = "memory")]

mod arbitrary;
mod environment;
mod meaning;
#[cfg(feature = "redis")]
mod redis;
mod refusals;
mod secrets;

use std::env;
use std::process::Command;
use std::time::Duration;

use cache::prelude::*;
use cache::{CacheConfig, Error, ErrorKind};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

/// What an application has of its own, with the cache somewhere in it.
#[derive(Debug, Deserialize)]
struct AppConfig {
    services: Services,
}

#[derive(Debug, Deserialize)]
struct Services {
    cache: CacheConfig,
}

fn read(table: &Value) -> Result<CacheConfig, Error> {
    CacheConfig::from_deserializer(table)
}

/// The message of the error, which every way of reading the table gives.
fn flaw(table: &Value) -> String {
    let error = read(table).err().unwrap_or_else(|| panic!("{table} is taken"));
    assert_eq!(error.kind(), ErrorKind::Config, "{table}: {error}");
    let said = error.to_string();
    let flaw = said.strip_prefix("configure: ").unwrap_or_else(|| panic!("{said}"));
    let app = json!({ "services": { "cache": table } }).to_string();
    let within = serde_json::from_str::<AppConfig>(&app).expect_err("it is refused").to_string();
    assert!(within.starts_with(flaw), "{flaw} is not in {within}");
    flaw.to_owned()
}

fn refused(table: &Value, parts: &[&str]) {
    let flaw = flaw(table);
    for part in parts {
        assert!(flaw.contains(part), "{part:?} is missing for {table}: {flaw}");
    }
}
