//! A connection URL, taken apart without a word of it that could be a secret in an error.
#![cfg_attr(
    not(any(feature = "memory", feature = "redis")),
    allow(dead_code, unused_imports, reason = "a build without drivers has nothing to configure")
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::{Error, ErrorKind};

/// Takes a URL apart into the driver's name and what follows the colon.
pub(crate) fn driver(url: &str) -> Result<(&str, &str), Error> {
    let split = url.split_once(':');
    split.filter(|(name, _)| is_name(name)).ok_or_else(|| {
        // Not a word of it is shown: it could be a password as well.
        refused(
            "a URL begins with the name of a driver and a colon, such as `memory:` or `redis://…`",
        )
    })
}

/// A scheme, as RFC 3986 has it.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(allowed)
}

/// The options of a URL, `name=value&…` behind a question mark. They are shown in errors: for drivers whose
/// options hold no secret.
pub(crate) struct Options<'u> {
    driver: &'u str,
    options: BTreeMap<Cow<'u, str>, Cow<'u, str>>,
}

impl<'u> Options<'u> {
    /// Takes them apart. One that is given twice is refused: one of the two would be lost.
    #[cfg(feature = "memory")]
    pub(crate) fn parse(driver: &'u str, query: &'u str) -> Result<Self, Error> {
        Self::new(driver, form_urlencoded::parse(query.as_bytes()))
    }

    /// The same of options that have been taken apart.
    pub(crate) fn new(
        driver: &'u str,
        pairs: impl IntoIterator<Item = (Cow<'u, str>, Cow<'u, str>)>,
    ) -> Result<Self, Error> {
        let mut options = BTreeMap::new();
        for (name, value) in pairs {
            if options.insert(name.clone(), value).is_some() {
                return Err(refused(format!("the option `{}` is given twice", Short(&name))));
            }
        }
        Ok(Self { driver, options })
    }

    /// Takes an option out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Cow<'u, str>> {
        self.options.remove(name)
    }

    /// Takes a whole number out.
    pub(crate) fn take_number(&mut self, name: &str) -> Result<Option<u64>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.parse() {
            Ok(0) | Err(_) => Err(refused(format!(
                "the option `{name}` is `{}`, and must be a whole number above zero",
                Short(&value)
            ))),
            Ok(number) => Ok(Some(number)),
        }
    }

    /// Refuses what has not been taken out.
    pub(crate) fn finish(self, known: &str) -> Result<(), Error> {
        match self.options.keys().next() {
            None => Ok(()),
            Some(unknown) => Err(refused(format!(
                "the option `{}` is not known; `{}:` takes {known}",
                Short(unknown),
                self.driver
            ))),
        }
    }
}

#[cold]
pub(crate) fn refused(reason: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Config, reason.to_string()).during("connect")
}

/// As much of a text as an error should show.
pub(crate) struct Short<'t>(pub(crate) &'t str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        match self.0.char_indices().nth(SHOWN) {
            None => self.0.escape_debug().fmt(f),
            Some((end, _)) => write!(f, "{}…", self.0[..end].escape_debug()),
        }
    }
}
