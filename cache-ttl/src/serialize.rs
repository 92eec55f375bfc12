//! A TTL in configuration files and messages: serde.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::error::InvalidTtl;
use crate::into_ttl::IntoTtl;
use crate::ttl::Ttl;

/// As the text that `Display` writes.
impl Serialize for Ttl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From the text that `FromStr` reads, or, in formats that tell text from numbers, from a whole
/// number of seconds that is not negative. The error carries the message of [`InvalidTtl`].
impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Binary formats cannot say what comes next; what was written there is always text.
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TtlVisitor)
        } else {
            deserializer.deserialize_str(TtlVisitor)
        }
    }
}

struct TtlVisitor;

impl Visitor<'_> for TtlVisitor {
    type Value = Ttl;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a TTL: text such as \"30s\" or \"1h30m\", \"forever\", \"default\", \
             or a whole number of seconds",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ttl, E> {
        text.parse().map_err(|invalid: InvalidTtl| E::custom(invalid))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Ttl, E> {
        seconds.into_ttl().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Ttl, E> {
        seconds.into_ttl().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_json(json: &str) -> Result<Ttl, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_ttl_is_serialized_as_its_text() {
        for (ttl, json) in [
            (Ttl::minutes(90), r#""1h30m""#),
            (Ttl::FOREVER, r#""forever""#),
            (Ttl::DEFAULT, r#""default""#),
        ] {
            assert_eq!(serde_json::to_string(&ttl).unwrap(), json);
            assert_eq!(from_json(json), Ok(ttl));
        }
    }

    #[test]
    fn an_integer_is_seconds() {
        assert_eq!(from_json("90"), Ok(Ttl::seconds(90)));
        assert_eq!(from_json("0"), Ok(Ttl::ZERO));
    }

    #[test]
    fn errors_carry_the_message_of_invalid_ttl() {
        for (json, message) in [
            (r#""5x""#, r#""5x" is not a TTL: "x" is not a unit"#),
            ("-1", "-1 seconds is not a TTL: a TTL is never negative"),
            ("18446744073709551615", "Ttl::FOREVER"),
            ("1.5", "or a whole number of seconds"),
            ("null", "or a whole number of seconds"),
        ] {
            let error = from_json(json).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
