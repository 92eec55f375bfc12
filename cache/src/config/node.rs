//! What a format says, read whole before any of it is judged.
//!
//! serde's own complaint of a wrong type repeats what was given, and here that may be a URL with a password. So
//! everything is taken as it comes, and the complaints are ours.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// A value. It has no `Debug`, so that nothing prints it.
pub(crate) enum Node {
    /// `null`, which says as much as nothing at all.
    Nothing,
    Flag(bool),
    Integer(i128),
    /// What no setting takes: its kind.
    Other(&'static str),
    Text(String),
    /// Of a URL, where text stands for all of these.
    Spelled(String),
    List,
    Table(Vec<(String, Self)>),
}

/// Deeper than any setting lies. What is below is passed over.
const DEEPEST: u8 = 3;

/// The name under which `serde_json` hands out a number where a program has it keep all digits
/// (`arbitrary_precision`), which is asked for all crates at once.
const NUMBER: &str = "$serde_json::private::Number";

/// The name under which `toml` hands out a date or a time.
const DATE: &str = "$__toml_private_datetime";

/// A number beyond everything that is counted here.
pub(crate) const TOO_LARGE: &str = "a number that is too large";

impl Node {
    /// What it is, and nothing of what it says.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Flag(_) => "a boolean",
            Self::Integer(_) => "a number",
            Self::Other(kind) => kind,
            Self::Text(_) | Self::Spelled(_) => "text",
            Self::List => "a list",
            Self::Table(_) => "a table",
        }
    }

    fn number(digits: &str) -> Self {
        // A text of digits that is no float either there is not.
        digits
            .parse()
            .map_or_else(|_| Self::float(digits.parse().unwrap_or(f64::NAN)), Self::Integer)
    }

    /// A number that is no integer, or none that its format has room for.
    fn float(number: f64) -> Self {
        const BEYOND: f64 = 18_446_744_073_709_551_616.0;
        Self::Other(if number.abs() >= BEYOND {
            TOO_LARGE
        } else if number.fract() == 0.0 {
            "a number with a point or an exponent"
        } else {
            "a number that is not whole"
        })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reader { depth: 0 }.deserialize(deserializer)
    }
}

#[derive(Clone, Copy)]
struct Reader {
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration of a cache")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Node, E> {
        Ok(Node::Integer(number))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Node, E> {
        Ok(i128::try_from(number).map_or(Node::Other(TOO_LARGE), Node::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = vec![];
        if self.depth == DEEPEST {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Node::Table(entries));
        }
        while let Some(Name(name)) = map.next_key()? {
            let value = map.next_value_seed(Self { depth: self.depth + 1 })?;
            entries.push((name, value));
        }
        // What a format hands out under such a name stands alone; beside others it is a key like any other.
        if let [(name, Node::Text(text))] = entries.as_slice() {
            match name.as_str() {
                NUMBER => return Ok(Node::number(text)),
                DATE => return Ok(Node::Other("a date or a time")),
                _ => {}
            }
        }
        Ok(Node::Table(entries))
    }
}

/// The name of an entry, in formats where it need not be text, too.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Text(name) | Node::Spelled(name) => Ok(Self(name)),
            Node::Integer(number) => Ok(Self(number.to_string())),
            Node::Flag(flag) => Ok(Self(flag.to_string())),
            other => {
                Err(D::Error::custom(format_args!("a key is {}, and must be text", other.kind())))
            }
        }
    }
}
