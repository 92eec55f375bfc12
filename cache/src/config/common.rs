//! The settings that every driver has.

use std::fmt;

use cache_core::{CacheBuilder, InvalidTtl, Ttl};

use super::Flaw;
use super::given::{Given, Origin};
use super::shown::{Quoted, is_harmless};

#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Common {
    pub(crate) prefix: Option<String>,
    pub(crate) default_ttl: Option<Result<Ttl, InvalidTtl>>,
    pub(crate) max_value_bytes: Option<usize>,
}

impl Common {
    pub(crate) fn read(given: &mut Given) -> Result<Self, Flaw> {
        Ok(Self {
            prefix: given.text("prefix")?,
            default_ttl: given.ttl("default_ttl")?,
            max_value_bytes: given.number("max_value_bytes")?.map(count),
        })
    }

    pub(crate) fn check(&self, origin: Origin) -> Result<(), Flaw> {
        if let Some(prefix) = &self.prefix {
            check_prefix(origin, prefix)?;
        }
        match &self.default_ttl {
            Some(Err(invalid)) => {
                // In a text there is a word for it.
                let (code, text) = ("use Ttl::FOREVER", "write `forever`, in code Ttl::FOREVER");
                return Err(no_ttl(origin, "default_ttl", invalid).replace(code, text));
            }
            Some(Ok(ttl)) if ttl.is_zero() => {
                let name = origin.name("default_ttl");
                return Err(format!(
                    "{name} is zero, and nothing would be stored: write a time such as `30m`, or `forever`"
                ));
            }
            Some(Ok(_)) | None => {}
        }
        above_zero(origin, "max_value_bytes", self.max_value_bytes)
    }

    pub(crate) fn apply(&self, mut cache: CacheBuilder) -> CacheBuilder {
        if let Some(Ok(ttl)) = self.default_ttl {
            cache = cache.default_ttl(ttl);
        }
        if let Some(bytes) = self.max_value_bytes {
            cache = cache.max_value_bytes(bytes);
        }
        cache
    }

    /// Shows those that are set.
    pub(crate) fn show(&self, shown: &mut fmt::DebugStruct<'_, '_>) {
        if let Some(prefix) = &self.prefix {
            shown.field("prefix", &format_args!("{}", Quoted(prefix)));
        }
        if let Some(ttl) = &self.default_ttl {
            show_ttl(shown, "default_ttl", ttl);
        }
        if let Some(bytes) = self.max_value_bytes {
            shown.field("max_value_bytes", &bytes);
        }
    }
}

/// The same on every driver, so that what one takes does not fail on another.
fn check_prefix(origin: Origin, prefix: &str) -> Result<(), Flaw> {
    const LONGEST: usize = 255;
    let taken = |c: char| !matches!(c, '#' | '{' | '}') && !c.is_control();
    if (1..=LONGEST).contains(&prefix.len()) && prefix.chars().all(taken) {
        return Ok(());
    }
    Err(format!(
        "{} is {}, and must be 1 to {LONGEST} bytes of text without `#`, `{{`, `}}` and control characters",
        origin.name("prefix"),
        Quoted(prefix)
    ))
}

/// A number that stands for "as many as there are" where it does not fit.
pub(crate) fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(crate) fn above_zero<N: Copy + PartialEq + From<u8>>(
    origin: Origin,
    key: &str,
    number: Option<N>,
) -> Result<(), Flaw> {
    if number == Some(N::from(0)) {
        let name = origin.name(key);
        return Err(format!("{name} is 0, and must be a whole number above zero"));
    }
    Ok(())
}

/// That something is no TTL, with the text itself unless it could be a URL.
pub(crate) fn no_ttl(origin: Origin, key: &str, invalid: &InvalidTtl) -> Flaw {
    let name = origin.name(key);
    let said = invalid.to_string();
    if is_harmless(&said) {
        format!("{name} cannot be used: {said}")
    } else {
        format!("{name} is a text that is not shown, and must be one such as `30s` or `1h30m`")
    }
}

pub(crate) fn show_ttl(
    shown: &mut fmt::DebugStruct<'_, '_>,
    name: &str,
    ttl: &Result<Ttl, InvalidTtl>,
) {
    match ttl {
        Ok(ttl) => shown.field(name, &format_args!("{ttl}")),
        // It holds the text that was given.
        Err(_) => shown.field(name, &format_args!("invalid")),
    };
}

/// The methods that set them, of a type with `common_mut`.
macro_rules! settings_of_every_driver {
    ($config:ident) => {
        /// What all keys begin with on a shared server: 1 to 255 bytes without `#`, `{`, `}` and control
        /// characters. `cache` unless said. One that begins with another and a colon, as `shop:sessions` with `shop`,
        /// belongs to that too: flushing `shop` empties both. A memory store is private, so there it keeps nothing apart.
        pub fn prefix(mut self, prefix: impl Into<String>) -> $config {
            self.common_mut().prefix = Some(prefix.into());
            self
        }

        /// What [`Ttl::DEFAULT`](crate::Ttl::DEFAULT) stands for, and how long a counter lives that `increment` creates. One
        /// hour unless said; may be [`Ttl::FOREVER`](crate::Ttl::FOREVER).
        pub fn default_ttl(mut self, ttl: impl crate::IntoTtl) -> $config {
            self.common_mut().default_ttl = Some(ttl.into_ttl());
            self
        }

        /// The most bytes that an encoded value may have; a larger one is
        /// [`TooLarge`](crate::ErrorKind::TooLarge). 16 MiB unless said.
        pub fn max_value_bytes(mut self, bytes: usize) -> $config {
            self.common_mut().max_value_bytes = Some(bytes);
            self
        }
    };
}
pub(crate) use settings_of_every_driver;
