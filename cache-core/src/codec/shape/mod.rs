//! Shapes: how a value that was written as one type is kept from being read as another.
//!
//! A format without names, such as bincode's, reads any bytes as any type, and sometimes succeeds. So
//! beside each value stands a 64-bit hash of the *events* that serde saw while it was written: which
//! primitive, which field, which variant, where a sequence ends. While the bytes are read the same events
//! arise, from the type that reads them, if and only if it has the same shape; the hash is computed again
//! and compared before the value is handed out. Nothing of the contents goes in. No derive and no
//! registration: a wrapper around the serializer ([`write`]) and one around the deserializer ([`read`]).
//!
//! # The events
//!
//! In the order of serde's calls; `name(x)` stands for the hash of a text,
//! `names(x)` for the hash of several.
//!
//! | serde's call | events |
//! |---|---|
//! | `bool`, each width and sign of integer, `f32`, `f64`, `char` | one of its own |
//! | `str`, `string` | `STR` |
//! | `bytes`, `byte_buf` | `BYTES` |
//! | `none`, `some` | `NONE`; `SOME`, then the value's |
//! | `unit`, `unit_struct` | `UNIT` |
//! | `newtype_struct` | the value's alone: a newtype is what it wraps |
//! | `seq`, `map` | `SEQ` or `MAP`, each element's (of a map: key's, value's), `END` with their number |
//! | `tuple`, `tuple_struct` | `TUPLE` with its length, each element's |
//! | `struct` | `STRUCT` with its number of fields, each field's, `names(fields)` |
//! | `unit_variant` | `VARIANT` with its index, `name(variant)`, `UNIT` |
//! | `newtype_variant` | `VARIANT` with its index, `name(variant)`, `NEWTYPE`, the value's |
//! | `tuple_variant`, `struct_variant` | `VARIANT` with its index, `name(variant)`, as the tuple or struct |
//!
//! So what serde itself does not tell apart has one shape: `&str` and `String`, slices and vectors, maps of
//! any kind, `T` and `Box<T>`, a type under another name. The names of types do not count; the names and the
//! order of fields and variants do.
//!
//! # The hash
//!
//! An event is one 64-bit word, its kind in the low byte and its number, where it has one, above. The kinds are
//! numbered from 1: `BOOL`, `I8`, `I16`, `I32`, `I64`, `I128`, `U8`, `U16`, `U32`, `U64`, `U128`, `F32`, `F64`,
//! `CHAR`, `STR`, `BYTES`, `NONE`, `SOME`, `UNIT`, `NEWTYPE`, `SEQ`, `MAP`, `TUPLE`, `STRUCT`, `VARIANT`, `NAME`,
//! `END`. A hash `h` sees a word `w` by
//! `h = (rotate_left(h, 5) ^ w) * 0x9E37_79B9_7F4A_7C15`, starting from 0; at the end it is folded by the
//! finalizer of `MurmurHash3`. A name is one word: the hash, in the same way and starting from the kind `NAME`,
//! of its length, then its bytes in little-endian words of 8, the last one filled up with zeros, even if it is
//! empty, then finished like the whole. The names of a struct are one word as well: their hash, starting from
//! the kind `STRUCT`. All arithmetic is on 64 bits and wraps, on any platform. Stored values depend on every detail of
//! this: it is pinned by golden values.

mod choice;
mod names;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod write;

pub(super) use read::{Reading, UNTYPED};
pub(super) use trace::Trace;
pub(super) use write::Seen;
