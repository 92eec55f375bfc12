//! Around a serializer: sees the events, and passes everything on.

use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::names::Names;
use super::trace::{Kind, Trace};

/// A serializer, and where its events are noted.
struct Writing<'t, S> {
    inner: S,
    trace: &'t Trace,
}

/// A value that is written with its events noted.
pub(in crate::codec) struct Seen<'t, 'v, T: ?Sized> {
    value: &'v T,
    trace: &'t Trace,
}

/// A sequence, map, tuple or struct that is being written.
struct Compound<'t, C> {
    inner: C,
    trace: &'t Trace,
    /// Elements so far, where their number is not fixed by the type.
    count: u64,
    /// The names of the fields so far, where they have names.
    names: Names,
}

impl<'t, 'v, T: ?Sized> Seen<'t, 'v, T> {
    #[inline]
    pub(in crate::codec) fn new(value: &'v T, trace: &'t Trace) -> Self {
        Self { value, trace }
    }
}

impl<'t, S: Serializer> Writing<'t, S> {
    #[inline]
    fn enter(&self) -> Result<(), S::Error> {
        self.trace.enter().map_err(S::Error::custom)
    }

    #[inline]
    fn variant(&self, index: u32, variant: &'static str) {
        self.trace.see_number(Kind::Variant, u64::from(index));
        self.trace.see_name(variant);
    }

    #[inline]
    fn seen<'v, T: ?Sized>(&self, value: &'v T) -> Seen<'t, 'v, T> {
        Seen::new(value, self.trace)
    }
}

impl<T: Serialize + ?Sized> Serialize for Seen<'_, '_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Writing { inner: serializer, trace: self.trace })
    }
}

macro_rules! primitives {
    ($($method:ident($type:ty) $kind:ident;)*) => {$(
        #[inline]
        fn $method(self, v: $type) -> Result<S::Ok, S::Error> {
            self.trace.see(Kind::$kind);
            self.inner.$method(v)
        }
    )*};
}

/// Begins a compound: one level deeper, until its end.
macro_rules! compound {
    ($self:ident, $begin:expr) => {{
        $self.enter()?;
        let trace = $self.trace;
        Ok(Compound { inner: $begin?, trace, count: 0, names: Names::none() })
    }};
}

/// Writes a single value, one level deeper.
macro_rules! nested {
    ($self:ident, $write:expr) => {{
        $self.enter()?;
        let trace = $self.trace;
        let written = $write?;
        trace.leave();
        Ok(written)
    }};
}

#[cold]
fn without_number<E: serde::ser::Error>() -> E {
    E::custom(
        "it does not say how many elements it has, as with `#[serde(flatten)]`; use the json codec",
    )
}

impl<'t, S: Serializer> Serializer for Writing<'t, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'t, S::SerializeSeq>;
    type SerializeTuple = Compound<'t, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'t, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'t, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'t, S::SerializeMap>;
    type SerializeStruct = Compound<'t, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'t, S::SerializeStructVariant>;

    primitives! {
        serialize_bool(bool) Bool;
        serialize_i8(i8) I8;
        serialize_i16(i16) I16;
        serialize_i32(i32) I32;
        serialize_i64(i64) I64;
        serialize_i128(i128) I128;
        serialize_u8(u8) U8;
        serialize_u16(u16) U16;
        serialize_u32(u32) U32;
        serialize_u64(u64) U64;
        serialize_u128(u128) U128;
        serialize_f32(f32) F32;
        serialize_f64(f64) F64;
        serialize_char(char) Char;
        serialize_str(&str) Str;
        serialize_bytes(&[u8]) Bytes;
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.trace.see(Kind::Str);
        self.inner.collect_str(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.trace.see(Kind::None);
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.trace.see(Kind::Some);
        let seen = self.seen(value);
        nested!(self, self.inner.serialize_some(&seen))
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.trace.see(Kind::Unit);
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.trace.see(Kind::Unit);
        self.inner.serialize_unit_struct(name)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.variant(index, variant);
        self.trace.see(Kind::Unit);
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let seen = self.seen(value);
        nested!(self, self.inner.serialize_newtype_struct(name, &seen))
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.variant(index, variant);
        self.trace.see(Kind::Newtype);
        let seen = self.seen(value);
        nested!(self, self.inner.serialize_newtype_variant(name, index, variant, &seen))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        if len.is_none() {
            return Err(without_number());
        }
        self.trace.see(Kind::Seq);
        compound!(self, self.inner.serialize_seq(len))
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.trace.see_number(Kind::Tuple, len as u64);
        compound!(self, self.inner.serialize_tuple(len))
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.trace.see_number(Kind::Tuple, len as u64);
        compound!(self, self.inner.serialize_tuple_struct(name, len))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.variant(index, variant);
        self.trace.see_number(Kind::Tuple, len as u64);
        compound!(self, self.inner.serialize_tuple_variant(name, index, variant, len))
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        if len.is_none() {
            return Err(without_number());
        }
        self.trace.see(Kind::Map);
        compound!(self, self.inner.serialize_map(len))
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.trace.see_number(Kind::Struct, len as u64);
        compound!(self, self.inner.serialize_struct(name, len))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.variant(index, variant);
        self.trace.see_number(Kind::Struct, len as u64);
        compound!(self, self.inner.serialize_struct_variant(name, index, variant, len))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'t, C> Compound<'t, C> {
    #[inline]
    fn seen<'v, T: ?Sized>(&self, value: &'v T) -> Seen<'t, 'v, T> {
        Seen::new(value, self.trace)
    }

    /// One more element of a sequence or map.
    #[inline]
    fn element(&mut self) {
        self.count += 1;
        // How many there may be is known when all is written.
        self.trace.elements_are(1);
    }

    #[inline]
    fn counted(&self) {
        self.trace.see_number(Kind::End, self.count);
        self.trace.leave();
    }
}

impl<C: SerializeSeq> SerializeSeq for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.element();
        let seen = self.seen(value);
        self.inner.serialize_element(&seen)
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.counted();
        self.inner.end()
    }
}

impl<C: SerializeMap> SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.element();
        let seen = self.seen(key);
        self.inner.serialize_key(&seen)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let seen = self.seen(value);
        self.inner.serialize_value(&seen)
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.counted();
        self.inner.end()
    }
}

macro_rules! tuples {
    ($($trait:ident::$method:ident;)*) => {$(
        impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let seen = self.seen(value);
                self.inner.$method(&seen)
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.trace.leave();
                self.inner.end()
            }
        }
    )*};
}

tuples! {
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! structs {
    ($($trait:ident;)*) => {$(
        impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.names = self.names.and(name);
                let seen = self.seen(value);
                self.inner.serialize_field(name, &seen)
            }

            /// A field that is left out cannot be told from the next one when it is read.
            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                Err(C::Error::custom(format!(
                    "the field `{name}` is left out, as by `#[serde(skip_serializing_if)]`; use the json codec"
                )))
            }

            #[inline]
            fn end(self) -> Result<C::Ok, C::Error> {
                self.trace.see_names(self.names);
                self.trace.leave();
                self.inner.end()
            }
        }
    )*};
}

structs! {
    SerializeStruct;
    SerializeStructVariant;
}
