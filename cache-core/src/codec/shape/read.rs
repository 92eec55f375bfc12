//! Around a deserializer: sees the events that the type asks for, and passes everything on.
//!
//! It also keeps what hostile bytes can cost to a multiple of their own size: texts and bytes are borrowed
//! before they are copied, claimed lengths are taken for no more than the bytes could hold, and nesting is
//! bounded.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::choice::{Choice, ChoiceSeed};
use super::names::Names;
use super::text::TextVisitor;
use super::trace::{Kind, Trace};

/// A deserializer, visitor, seed or access, and where its events are noted.
pub(in crate::codec) struct Reading<'t, I> {
    inner: I,
    trace: &'t Trace,
}

impl<'t, I> Reading<'t, I> {
    #[inline]
    pub(in crate::codec) fn new(inner: I, trace: &'t Trace) -> Self {
        Self { inner, trace }
    }
}

/// Reads a value one level deeper.
macro_rules! nested {
    ($trace:expr, $read:expr) => {{
        let trace = $trace;
        trace.enter().map_err(serde::de::Error::custom)?;
        let read = $read?;
        trace.leave();
        Ok(read)
    }};
}

macro_rules! primitives {
    ($($method:ident $kind:ident;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.trace.see(Kind::$kind);
            self.inner.$method(visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Reading<'_, D> {
    type Error = D::Error;

    primitives! {
        deserialize_bool Bool;
        deserialize_i8 I8;
        deserialize_i16 I16;
        deserialize_i32 I32;
        deserialize_i64 I64;
        deserialize_i128 I128;
        deserialize_u8 U8;
        deserialize_u16 U16;
        deserialize_u32 U32;
        deserialize_u64 U64;
        deserialize_u128 U128;
        deserialize_f32 F32;
        deserialize_f64 F64;
        deserialize_char Char;
        deserialize_bytes Bytes;
        deserialize_unit Unit;
    }

    // As the bytes that bincode writes it as: what is text is found faster here.
    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.trace.see(Kind::Str);
        self.inner.deserialize_bytes(TextVisitor(visitor))
    }

    // As borrowed ones, so that a claimed length is compared with what is there before it is allocated.
    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.trace.see(Kind::Unit);
        self.inner.deserialize_unit_struct(name, visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = NewtypeVisitor { visitor, trace: self.trace };
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = OptionVisitor { visitor, trace: self.trace };
        self.inner.deserialize_option(visitor)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.trace.see(Kind::Seq);
        let visitor = ElementsVisitor { visitor, trace: self.trace };
        self.inner.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.trace.see(Kind::Map);
        let visitor = ElementsVisitor { visitor, trace: self.trace };
        self.inner.deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.trace.see_number(Kind::Tuple, len as u64);
        let visitor = FieldsVisitor { visitor, trace: self.trace, fields: None };
        self.inner.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.trace.see_number(Kind::Tuple, len as u64);
        let visitor = FieldsVisitor { visitor, trace: self.trace, fields: None };
        self.inner.deserialize_tuple_struct(name, len, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.trace.see_number(Kind::Struct, fields.len() as u64);
        let visitor = FieldsVisitor { visitor, trace: self.trace, fields: Some(fields) };
        self.inner.deserialize_struct(name, fields, visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = EnumVisitor { visitor, trace: self.trace, variants };
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(untyped())
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(untyped())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(untyped())
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Why a type is refused that needs a format which says what it holds.
pub(in crate::codec) const UNTYPED: &str = "the type asks what is stored instead of saying what it expects, as with `#[serde(untagged)]`, \
     `tag` or `flatten`; use the json codec";

#[cold]
fn untyped<E: serde::de::Error>() -> E {
    E::custom(UNTYPED)
}

/// Reads a sequence or map: as many elements as there are.
struct ElementsVisitor<'t, V> {
    visitor: V,
    trace: &'t Trace,
}

struct Elements<'t, 'n, A> {
    inner: A,
    trace: &'t Trace,
    /// How many were read.
    count: &'n mut u64,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ElementsVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, trace } = self;
        claim(trace, inner.size_hint())?;
        let mut count = 0;
        nested!(trace, {
            let read = visitor.visit_seq(Elements { inner, trace, count: &mut count });
            trace.see_number(Kind::End, count);
            read
        })
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, trace } = self;
        claim(trace, inner.size_hint())?;
        let mut count = 0;
        nested!(trace, {
            let read = visitor.visit_map(Elements { inner, trace, count: &mut count });
            trace.see_number(Kind::End, count);
            read
        })
    }
}

/// Takes a claimed number of elements for true only if there are bytes for them, beside all that was claimed
/// before: so whatever is reserved for elements, at every level together, is for no more of them than bytes.
#[inline]
fn claim<E: serde::de::Error>(trace: &Trace, elements: Option<usize>) -> Result<(), E> {
    match elements {
        Some(elements) if trace.elements_are(elements as u64) => Ok(()),
        _ => Err(E::custom("it claims more elements than it has bytes")),
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, '_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let element = self.inner.next_element_seed(Reading::new(seed, self.trace))?;
        *self.count += u64::from(element.is_some());
        Ok(element)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Elements<'_, '_, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let key = self.inner.next_key_seed(Reading::new(seed, self.trace))?;
        *self.count += u64::from(key.is_some());
        Ok(key)
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(Reading::new(seed, self.trace))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// Reads a tuple or struct: as many fields as the type has.
struct FieldsVisitor<'t, V> {
    visitor: V,
    trace: &'t Trace,
    /// Their names, where they have any.
    fields: Option<&'static [&'static str]>,
}

struct Fields<'t, 'n, A> {
    inner: A,
    trace: &'t Trace,
    /// How many were read.
    count: &'n mut usize,
}

#[cold]
fn aliased<E: serde::de::Error>() -> E {
    E::custom("a field has several names, as with `#[serde(alias)]`; use the json codec")
}

impl<'de, V: Visitor<'de>> Visitor<'de> for FieldsVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, trace, fields } = self;
        let mut count = 0;
        nested!(trace, {
            let read = visitor.visit_seq(Fields { inner, trace, count: &mut count });
            if let Some(fields) = fields {
                // The list has every name, and does not say whose.
                if read.is_ok() && count < fields.len() {
                    return Err(aliased());
                }
                trace.see_names(Names::of(fields));
            }
            read
        })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Fields<'_, '_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        *self.count += 1;
        self.inner.next_element_seed(Reading::new(seed, self.trace))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Reading<'_, T> {
    type Value = T::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        self.inner.deserialize(Reading::new(deserializer, self.trace))
    }
}

struct NewtypeVisitor<'t, V> {
    visitor: V,
    trace: &'t Trace,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for NewtypeVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        nested!(self.trace, self.visitor.visit_newtype_struct(Reading::new(inner, self.trace)))
    }
}

struct OptionVisitor<'t, V> {
    visitor: V,
    trace: &'t Trace,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for OptionVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.trace.see(Kind::None);
        self.visitor.visit_none()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.trace.see(Kind::Some);
        nested!(self.trace, self.visitor.visit_some(Reading::new(inner, self.trace)))
    }
}

struct EnumVisitor<'t, V> {
    visitor: V,
    trace: &'t Trace,
    variants: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for EnumVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Self { visitor, trace, variants } = self;
        visitor.visit_enum(Variants { inner, trace, names: variants })
    }
}

/// The choice of a variant.
struct Variants<'t, A> {
    inner: A,
    trace: &'t Trace,
    names: &'static [&'static str],
}

impl<'de, 't, A: EnumAccess<'de>> EnumAccess<'de> for Variants<'t, A> {
    type Error = A::Error;
    type Variant = Reading<'t, A::Variant>;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), A::Error> {
        let Self { inner, trace, names } = self;
        let mut choice = Choice { names, made: None };
        let (value, variant) = inner.variant_seed(ChoiceSeed { seed, choice: &mut choice })?;
        let Some((index, name)) = choice.made else {
            return Err(A::Error::custom("the variant of an enum is not given by its index"));
        };
        trace.see_number(Kind::Variant, index);
        trace.see_name(name);
        Ok((value, Reading::new(variant, trace)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Reading<'_, A> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.trace.see(Kind::Unit);
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.trace.see(Kind::Newtype);
        nested!(self.trace, self.inner.newtype_variant_seed(Reading::new(seed, self.trace)))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.trace.see_number(Kind::Tuple, len as u64);
        let visitor = FieldsVisitor { visitor, trace: self.trace, fields: None };
        self.inner.tuple_variant(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.trace.see_number(Kind::Struct, fields.len() as u64);
        let visitor = FieldsVisitor { visitor, trace: self.trace, fields: Some(fields) };
        self.inner.struct_variant(fields, visitor)
    }
}
