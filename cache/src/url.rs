//! A connection URL, taken apart without a word of it that could be a secret in an error.
#![cfg_attr(
    not(feature = "memory"),
    allow(dead_code, unused_imports, reason = "a build without drivers has nothing to configure")
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::{Error, ErrorKind};

/// `scheme:rest?option=value&…`.
pub(crate) struct Url<'u> {
    pub(crate) scheme: &'u str,
    /// What stands between the scheme and the options.
    pub(crate) rest: &'u str,
    options: BTreeMap<Cow<'u, str>, Cow<'u, str>>,
}

impl<'u> Url<'u> {
    /// Takes `text` apart. An option that is given twice is refused: one of the two would be lost.
    pub(crate) fn parse(text: &'u str) -> Result<Self, Error> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(refused(
                "a URL begins with the driver and a colon, such as `memory:` or `redis://…`",
            ));
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut options = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if options.insert(name.clone(), value).is_some() {
                return Err(refused(format!("the option `{}` is given twice", Short(&name))));
            }
        }
        Ok(Self { scheme, rest, options })
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
                self.scheme
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
