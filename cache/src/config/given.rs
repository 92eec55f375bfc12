//! The settings that somebody has written down: those that are not known are refused, the others taken out one by one.

use std::collections::BTreeSet;

use cache_core::{IntoTtl, InvalidTtl, Ttl};

use super::node::{Node, TOO_LARGE};
use super::shown::{Name, Quoted};
use super::{Flaw, hint};

/// The settings of every driver, which stand beside `driver`.
pub(crate) const COMMON: &[&str] = &["prefix", "default_ttl", "max_value_bytes"];

/// A driver and the settings of its own. All drivers are known, built or not.
pub(crate) struct Driver {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static str],
}

pub(crate) const MEMORY: Driver = Driver { name: "memory", keys: &["max_entries", "max_bytes"] };
pub(crate) const REDIS: Driver = Driver {
    name: "redis",
    keys: &["url", "connections", "command_timeout", "connect_timeout", "lazy", "ca"],
};
pub(crate) const DRIVERS: &[Driver] = &[MEMORY, REDIS];

/// Where settings were written, and so how errors name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// As options of a URL.
    Url,
    /// In a table, or by methods, which have its names.
    Config,
}

impl Origin {
    /// A setting, as it is called there.
    pub(crate) fn name(self, key: &str) -> String {
        match self {
            Self::Url if key == "url" => "the URL".to_owned(),
            Self::Url => format!("the option `{key}`"),
            Self::Config if COMMON.contains(&key) => format!("`{key}`"),
            Self::Config => format!("`config.{key}`"),
        }
    }
}

/// Settings that are still to be taken.
pub(crate) struct Given {
    pub(crate) origin: Origin,
    common: Vec<(String, Node)>,
    /// The driver's own.
    config: Vec<(String, Node)>,
}

impl Given {
    /// A table with `driver`, `config` and the rest. With the name of the driver, whatever that says.
    pub(crate) fn in_table(node: Node) -> Result<(String, Self), Flaw> {
        let table = |node: Node| match node {
            Node::Table(entries) => Ok(entries),
            Node::Nothing => Ok(vec![]),
            other => Err(other.kind()),
        };
        let common = table(node).map_err(|kind| {
            format!("the configuration is {kind}, and must be a table with `driver` and `config`")
        })?;
        let mut given = Self { origin: Origin::Config, common, config: vec![] };
        refuse_repeated(&given.common, "")?;
        let driver = match remove(&mut given.common, "driver") {
            Some(Node::Text(driver)) => driver,
            None => return Err("`driver` is missing: write `memory` or `redis`".to_owned()),
            Some(other) => {
                let kind = other.kind();
                return Err(format!(
                    "`driver` is {kind}, and must be `memory` or `redis`, as text"
                ));
            }
        };
        given.config =
            remove(&mut given.common, "config").map_or(Ok(vec![]), table).map_err(|kind| {
                let example = if driver == REDIS.name { "url" } else { "max_entries" };
                format!("`config` is {kind}, and must be a table, with `{example}` for example")
            })?;
        refuse_repeated(&given.config, "config.")?;
        Ok((driver, given))
    }

    /// What a URL says behind its question mark.
    pub(crate) fn in_url<T: Into<String>>(
        options: impl IntoIterator<Item = (T, T)>,
    ) -> Result<Self, Flaw> {
        let mut given = Self { origin: Origin::Url, common: vec![], config: vec![] };
        for (name, value) in options {
            let name = name.into();
            if given.add(name.clone(), value.into()).is_err() {
                return Err(format!("the option {} is given twice", Name(&name)));
            }
        }
        Ok(given)
    }

    /// Adds an option of a URL, or says that there is one of that name.
    pub(crate) fn add(&mut self, name: String, value: String) -> Result<(), ()> {
        let entries = self.of(&name);
        match entries.iter_mut().find(|(other, _)| *other == name) {
            Some((_, nothing @ Node::Nothing)) => *nothing = Node::Spelled(value),
            Some(_) => return Err(()),
            None => entries.push((name, Node::Spelled(value))),
        }
        Ok(())
    }

    /// Where a setting of this name belongs.
    fn of(&mut self, key: &str) -> &mut Vec<(String, Node)> {
        if COMMON.contains(&key) { &mut self.common } else { &mut self.config }
    }

    fn take(&mut self, key: &str) -> Option<Node> {
        remove(self.of(key), key)
    }

    /// Takes out a whole number.
    pub(crate) fn number(&mut self, key: &str) -> Result<Option<u64>, Flaw> {
        const AT_MOST: &str = ", 18446744073709551615 at most";
        let (is, advice) = match self.take(key) {
            None => return Ok(None),
            Some(Node::Integer(number)) => match u64::try_from(number) {
                Ok(number) => return Ok(Some(number)),
                Err(_) if number < 0 => (number.to_string(), ""),
                Err(_) => (TOO_LARGE.to_owned(), AT_MOST),
            },
            // To `parse`, `+5` is a number as well.
            Some(Node::Spelled(text)) => match text.parse() {
                Ok(number) if is_digits(&text) => return Ok(Some(number)),
                Err(_) if is_digits(&text) && !text.is_empty() => (TOO_LARGE.to_owned(), AT_MOST),
                _ => (Quoted(&text).to_string(), ""),
            },
            Some(Node::Other(TOO_LARGE)) => (TOO_LARGE.to_owned(), AT_MOST),
            Some(Node::Text(_)) => ("text".to_owned(), NOT_TEXT),
            Some(other) => (other.kind().to_owned(), ""),
        };
        let name = self.origin.name(key);
        Err(format!("{name} is {is}, and must be a whole number above zero{advice}"))
    }

    /// Takes out a TTL, or what is wrong with it.
    pub(crate) fn ttl(&mut self, key: &str) -> Result<Option<Result<Ttl, InvalidTtl>>, Flaw> {
        match self.take(key) {
            None => Ok(None),
            Some(Node::Text(text) | Node::Spelled(text)) => Ok(Some(text.parse())),
            Some(Node::Integer(seconds)) => {
                // What no 64 bits hold is too long in any case, or too far below zero.
                let beyond = if seconds < 0 { i64::MIN.into_ttl() } else { u64::MAX.into_ttl() };
                Ok(Some(match (u64::try_from(seconds), i64::try_from(seconds)) {
                    (Ok(seconds), _) => seconds.into_ttl(),
                    (_, Ok(seconds)) => seconds.into_ttl(),
                    _ => beyond,
                }))
            }
            Some(other) => {
                let (name, kind) = (self.origin.name(key), other.kind());
                Err(format!(
                    "{name} is {kind}, and must be a text such as `30s` or `1h30m`, or a whole number of seconds"
                ))
            }
        }
    }

    /// Takes out a text.
    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, Flaw> {
        match self.take(key) {
            None => Ok(None),
            Some(Node::Text(text) | Node::Spelled(text)) => Ok(Some(text)),
            Some(other) => {
                Err(format!("{} is {}, and must be text", self.origin.name(key), other.kind()))
            }
        }
    }

    /// Takes out what is so or not. No driver but Redis has such a setting.
    #[cfg(feature = "redis")]
    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, Flaw> {
        let (is, advice) = match self.take(key) {
            None => return Ok(None),
            Some(Node::Flag(flag)) => return Ok(Some(flag)),
            Some(Node::Spelled(text)) => match text.parse() {
                Ok(flag) => return Ok(Some(flag)),
                Err(_) => (Quoted(&text).to_string(), ""),
            },
            Some(Node::Text(_)) => ("text".to_owned(), NOT_TEXT),
            Some(other) => (other.kind().to_owned(), ""),
        };
        let name = self.origin.name(key);
        Err(format!("{name} is {is}, and must be `true` or `false`{advice}"))
    }

    /// Refuses what the driver does not know. That comes before what is missing, which may be there in another place.
    pub(crate) fn refuse_unknown(&self, driver: &Driver) -> Result<(), Flaw> {
        let place = |inside| match self.origin {
            Origin::Url => hint::Place::Option,
            Origin::Config if inside => hint::Place::Config,
            Origin::Config => hint::Place::Top,
        };
        let unknown = |entries: &[(String, Node)], known: &[&str], inside| {
            let unknown = entries.iter().find(|(name, _)| !known.contains(&name.as_str()));
            unknown.map_or(Ok(()), |(name, _)| Err(hint::unknown(name, place(inside), driver)))
        };
        unknown(&self.common, COMMON, false)?;
        unknown(&self.config, driver.keys, true)
    }
}

/// Advice about a text in the place of a number or a boolean. It may have no quotes that could be left out: the variables
/// of the environment, of which a library makes a table, are text unless that is told to parse them.
const NOT_TEXT: &str = ", without quotes; if its source knows only text, as the environment does, \
                        have that parse numbers and booleans";

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One that says nothing is removed as well.
fn remove(entries: &mut Vec<(String, Node)>, key: &str) -> Option<Node> {
    let at = entries.iter().position(|(name, _)| name == key)?;
    Some(entries.remove(at).1).filter(|node| !matches!(node, Node::Nothing))
}

/// Of what is given twice one would be lost.
fn refuse_repeated(entries: &[(String, Node)], path: &str) -> Result<(), Flaw> {
    let mut seen = BTreeSet::new();
    match entries.iter().find(|(name, _)| !seen.insert(name)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(format!("the key {} is given twice", Name(&format!("{path}{name}"))))
        }
    }
}
