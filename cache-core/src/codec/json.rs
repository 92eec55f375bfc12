//! The JSON codec, for types that need names in what is written.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{LimitedWriter, WriteError};

pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    writer: &mut LimitedWriter<'_>,
) -> Result<(), WriteError> {
    let mut sink = Sink { writer, full: false };
    match serde_json::to_writer(&mut sink, value) {
        Ok(()) => Ok(()),
        Err(_) if sink.full => Err(WriteError::TooLarge),
        Err(error) => Err(WriteError::Codec(error.to_string())),
    }
}

/// `serde_json` refuses what is left over by itself, and bounds its recursion.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

struct Sink<'w, 'b> {
    writer: &'w mut LimitedWriter<'b>,
    full: bool,
}

impl io::Write for Sink<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.writer.append(bytes) {
            Ok(bytes.len())
        } else {
            self.full = true;
            Err(io::ErrorKind::WriteZero.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
