//! Which variant of an enum is read: heard on its way from the bytes to the type.
//!
//! The events that follow from it are seen in `read.rs`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

/// Which variant is read, of those that have a name.
pub(super) struct Choice {
    pub(super) names: &'static [&'static str],
    pub(super) made: Option<(u64, &'static str)>,
}

/// Listens in on the index of a variant, on its way to the identifier that the type makes of it.
///
/// An identifier is given the name instead. It is the name that goes into the shape, and where a variant has
/// an alias, which is listed among the names, the name at an index is not that of the variant at that index.
pub(super) struct ChoiceSeed<'c, T> {
    pub(super) seed: T,
    pub(super) choice: &'c mut Choice,
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for ChoiceSeed<'_, T> {
    type Value = T::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.seed.deserialize(ChoiceDeserializer { inner, choice: self.choice })
    }
}

struct ChoiceDeserializer<'c, D> {
    inner: D,
    choice: &'c mut Choice,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ChoiceDeserializer<'_, D> {
    type Error = D::Error;

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_u64(NameVisitor { visitor, choice: self.choice })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_identifier(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_identifier(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_u64(IndexVisitor { visitor, choice: self.choice })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum ignored_any
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl Choice {
    #[inline]
    fn make<E: serde::de::Error>(&mut self, index: u64) -> Result<&'static str, E> {
        let name = usize::try_from(index).ok().and_then(|index| self.names.get(index));
        let name = name.ok_or_else(|| E::custom(format_args!("there is no variant {index}")))?;
        self.made = Some((index, name));
        Ok(name)
    }
}

struct NameVisitor<'c, V> {
    visitor: V,
    choice: &'c mut Choice,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for NameVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    #[inline]
    fn visit_u32<E: serde::de::Error>(self, index: u32) -> Result<V::Value, E> {
        self.visit_u64(index.into())
    }

    #[inline]
    fn visit_u64<E: serde::de::Error>(self, index: u64) -> Result<V::Value, E> {
        let name = self.choice.make(index)?;
        self.visitor.visit_borrowed_str(name)
    }
}

struct IndexVisitor<'c, V> {
    visitor: V,
    choice: &'c mut Choice,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for IndexVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_u32<E: serde::de::Error>(self, index: u32) -> Result<V::Value, E> {
        self.visit_u64(index.into())
    }

    fn visit_u64<E: serde::de::Error>(self, index: u64) -> Result<V::Value, E> {
        self.choice.make(index)?;
        self.visitor.visit_u64(index)
    }
}
