//! The binary codec: bincode, with nothing of it to be seen from outside.

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{LimitedWriter, WriteError};

const CONFIG: Configuration<LittleEndian, Varint, Limit<{ 1 << 30 }>> =
    config::standard().with_limit();

pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    writer: &mut LimitedWriter<'_>,
) -> Result<(), WriteError> {
    let mut sink = Sink { writer, full: false };
    match bincode::serde::encode_into_writer(value, &mut sink, CONFIG) {
        Ok(()) => Ok(()),
        Err(_) if sink.full => Err(WriteError::TooLarge),
        Err(error) => Err(WriteError::Codec(error.to_string())),
    }
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bincode::serde::decode_from_slice(bytes, CONFIG) {
        Ok((value, read)) if read == bytes.len() => Ok(value),
        Ok((_, read)) => Err(format!("{} bytes are left over", bytes.len() - read)),
        Err(error) => Err(error.to_string()),
    }
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
