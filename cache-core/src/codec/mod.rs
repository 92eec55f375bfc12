//! How values become bytes and bytes become values again, or an error: never something else.

mod binary;
mod integer;
#[cfg(feature = "json")]
mod json;
mod scratch;
mod shape;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use scratch::with_scratch;

use crate::{Error, ErrorKind, Payload};

/// How a cache writes its values.
///
/// Whatever the codec, a value that serde sees as an integer which fits an `i64` is stored as that
/// integer, so that `put("n", &5)` and `increment("n")` meet, and is read as any type of integer that
/// it fits.
///
/// A cache reads what its own codec wrote. A value of another codec is
/// [`Decode`](ErrorKind::Decode), as is one with bytes missing or left over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// Compact and fast, and for almost every type. It writes no names, and so cannot carry what serde
    /// needs names for: `#[serde(flatten)]`, `untagged`, `tag`, `alias`, `skip_serializing_if`, and
    /// values without a type, such as `serde_json::Value`. Those end in an error, never in another
    /// value.
    #[default]
    Binary,
    /// JSON, for types that [`Binary`](Self::Binary) cannot carry, larger and slower. It writes names and no
    /// shapes: a value is read by whatever type can make sense of its names. It cannot tell `Some(None)`
    /// from `None`, and writes what is no number (`f64::NAN`, the infinities) as `null`.
    #[cfg(feature = "json")]
    Json,
}

/// What [`Codec::encode`] made of a value.
pub(crate) enum Encoding {
    Integer(i64),
    /// The bytes that were appended to the buffer.
    Bytes,
}

// The first byte of every encoded value says who wrote it. Values on shared servers carry these
// numbers: one is never given a second meaning.
const BINARY: u8 = 1;
const JSON: u8 = 2;

impl Codec {
    /// Appends `value` to `buffer`, at most `limit` bytes of it, unless it is an integer.
    pub(crate) fn encode<T: Serialize + ?Sized>(
        self,
        value: &T,
        limit: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<Encoding, Error> {
        if let Some(integer) = integer::of(value, self.is_human_readable()) {
            return Ok(Encoding::Integer(integer));
        }
        let mut writer = LimitedWriter { limit: buffer.len().saturating_add(limit), buffer };
        writer.buffer.push(self.mark());
        let written = match self {
            Self::Binary => binary::write(value, &mut writer),
            #[cfg(feature = "json")]
            Self::Json => json::write(value, &mut writer),
        };
        match written {
            Ok(()) => Ok(Encoding::Bytes),
            Err(WriteError::TooLarge) => Err(too_large(limit)),
            Err(WriteError::Codec(reason)) => Err(Error::new(
                ErrorKind::Encode,
                format!("the value cannot be written by the {self} codec: {reason}"),
            )),
        }
    }

    /// Reads a value of type `T`, all of it and nothing else.
    #[inline]
    pub(crate) fn decode<T: DeserializeOwned>(self, payload: Payload<'_>) -> Result<T, Error> {
        match payload {
            Payload::Integer(integer) => {
                integer::read(integer, self.is_human_readable()).map_err(|reason| {
                    undecodable(format!(
                        "an integer is stored there, which is not what was asked for: {reason}"
                    ))
                })
            }
            Payload::Encoded([mark, body @ ..]) if *mark == self.mark() => match self {
                Self::Binary => binary::read(body),
                #[cfg(feature = "json")]
                Self::Json => json::read(body),
            }
            .map_err(undecodable),
            Payload::Encoded(bytes) => Err(foreign(self, bytes)),
        }
    }

    const fn mark(self) -> u8 {
        match self {
            Self::Binary => BINARY,
            #[cfg(feature = "json")]
            Self::Json => JSON,
        }
    }

    const fn is_human_readable(self) -> bool {
        match self {
            Self::Binary => false,
            #[cfg(feature = "json")]
            Self::Json => true,
        }
    }
}

#[cold]
fn undecodable(reason: impl Into<Box<str>>) -> Error {
    Error::new(ErrorKind::Decode, reason)
}

#[cold]
fn foreign(codec: Codec, bytes: &[u8]) -> Error {
    let writer = match bytes.first() {
        Some(&BINARY) => "the binary codec",
        Some(&JSON) => "the json codec",
        Some(_) => "something that this version does not know",
        None => return undecodable("the stored value is empty"),
    };
    undecodable(format!(
        "the value was written by {writer}, and this cache reads the {codec} codec"
    ))
}

#[cold]
pub(crate) fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "the value takes more than the {limit} bytes that this cache accepts; store less in one \
             entry, or raise `max_value_bytes`"
        ),
    )
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            #[cfg(feature = "json")]
            Self::Json => "json",
        })
    }
}

/// Why a codec stopped writing.
enum WriteError {
    TooLarge,
    Codec(String),
}

/// A buffer that takes so many bytes and no more, so that a value that is too large costs the limit
/// and not its size.
struct LimitedWriter<'b> {
    buffer: &'b mut Vec<u8>,
    limit: usize,
}

impl LimitedWriter<'_> {
    /// Whether there was room.
    #[inline]
    fn append(&mut self, bytes: &[u8]) -> bool {
        let room = bytes.len() <= self.limit.saturating_sub(self.buffer.len());
        if room {
            self.buffer.extend_from_slice(bytes);
        }
        room
    }
}
