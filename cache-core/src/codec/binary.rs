//! The binary codec: bincode, with nothing of it to be seen from outside, and a shape beside each value.
//!
//! A value is its shape, 8 bytes in little-endian order, and what bincode writes.

use std::marker::PhantomData;

use bincode::config::{self, Configuration};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::shape::{Reading, Seen, Trace};
use super::{LimitedWriter, WriteError};

/// Without bincode's own limit, which is a constant of the type and would have to be the largest that any
/// cache accepts. What hostile bytes can cost is bounded by their own number instead, in `shape::read`.
const CONFIG: Configuration = config::standard();

const SHAPE_BYTES: usize = size_of::<u64>();

pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    writer: &mut LimitedWriter<'_>,
) -> Result<(), WriteError> {
    let start = writer.buffer.len();
    if !writer.append(&[0; SHAPE_BYTES]) {
        return Err(WriteError::TooLarge);
    }
    let trace = Trace::writing();
    let mut sink = Sink { writer, full: false };
    match bincode::serde::encode_into_writer(Seen::new(value, &trace), &mut sink, CONFIG) {
        // Also where a type has taken no notice.
        _ if sink.full => return Err(WriteError::TooLarge),
        Ok(()) => {}
        Err(EncodeError::OtherString(reason)) => return Err(WriteError::Codec(reason)),
        Err(other) => return Err(WriteError::Codec(other.to_string())),
    }
    let written = &mut writer.buffer[start..];
    if trace.elements() > (written.len() - SHAPE_BYTES) as u64 {
        // It would be refused when it is read, as a claim that costs nothing to make.
        return Err(WriteError::Codec(
            "it has more elements than bytes, since they are all empty; store their number".into(),
        ));
    }
    written[..SHAPE_BYTES].copy_from_slice(&trace.shape().to_le_bytes());
    Ok(())
}

#[inline]
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    read_seed(PhantomData, bytes)
}

pub(super) fn read_seed<'de, S: DeserializeSeed<'de>>(
    seed: S,
    bytes: &'de [u8],
) -> Result<S::Value, String> {
    let Some((shape, body)) = bytes.split_first_chunk() else {
        return Err("the stored value is cut short".into());
    };
    let trace = Trace::reading(body.len());
    match bincode::serde::seed_decode_from_slice(Reading::new(seed, &trace), body, CONFIG) {
        Ok((value, read)) if read == body.len() && trace.shape() == u64::from_le_bytes(*shape) => {
            Ok(value)
        }
        Ok(_) => Err(other_shape()),
        Err(error) => Err(unreadable(error)),
    }
}

#[cold]
fn other_shape() -> String {
    "the value was written with another shape: as another type, or as an earlier or later form of this one"
        .into()
}

#[cold]
fn unreadable(error: DecodeError) -> String {
    let reason = match error {
        DecodeError::OtherString(reason) => reason,
        DecodeError::UnexpectedEnd { .. } => "bytes are missing".into(),
        other => other.to_string(),
    };
    format!(
        "the stored bytes cannot be read as this type, so the value was written with another shape or is \
         damaged: {reason}"
    )
}

struct Sink<'w, 'b> {
    writer: &'w mut LimitedWriter<'b>,
    full: bool,
}

impl Writer for &mut Sink<'_, '_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.writer.append(bytes) {
            Ok(())
        } else {
            self.full = true;
            Err(EncodeError::UnexpectedEnd)
        }
    }
}
