//! Integers on their own: what a counter is made of.
//!
//! A value that serde sees as an integer, at any nesting of newtypes, is stored as that integer, and
//! read by every type that asks serde for an integer and finds it in its range.

use std::cell::Cell;
use std::fmt::{self, Display};

use serde::de::value::Error as ValueError;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::ser::{Impossible, Serialize, Serializer};

use super::shape::UNTYPED;

/// The integer that `value` is; `None` if it is something else, or does not fit.
#[inline]
pub(super) fn of<T: Serialize + ?Sized>(value: &T, human_readable: bool) -> Option<i64> {
    value.serialize(Probe { human_readable }).ok()
}

/// Reads `integer` as a `T`.
#[inline]
pub(super) fn read<T: DeserializeOwned>(integer: i64, human_readable: bool) -> Result<T, String> {
    let asked = Cell::new(false);
    let value = T::deserialize(Stored { integer, human_readable, asked: &asked })
        .map_err(|reason| reason.to_string())?;
    // A type that takes a refusal for a value has not read the integer.
    if asked.get() { Ok(value) } else { Err("no integer was asked for".into()) }
}

/// Serializes integers, and refuses everything else before it is looked at.
struct Probe {
    human_readable: bool,
}

#[derive(Debug)]
struct NoInteger;

macro_rules! integers {
    ($($method:ident: $type:ty),*) => {$(
        #[inline]
        fn $method(self, v: $type) -> Result<i64, NoInteger> {
            i64::try_from(v).map_err(|_| NoInteger)
        }
    )*};
}

macro_rules! refused {
    ($($method:ident($($arg:ty),*) -> $ok:ty;)*) => {$(
        #[inline]
        fn $method(self, $(_: $arg),*) -> Result<$ok, NoInteger> {
            Err(NoInteger)
        }
    )*};
}

type Nothing = Impossible<i64, NoInteger>;

impl Serializer for Probe {
    type Ok = i64;
    type Error = NoInteger;
    type SerializeSeq = Nothing;
    type SerializeTuple = Nothing;
    type SerializeTupleStruct = Nothing;
    type SerializeTupleVariant = Nothing;
    type SerializeMap = Nothing;
    type SerializeStruct = Nothing;
    type SerializeStructVariant = Nothing;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<i64, NoInteger> {
        value.serialize(self)
    }

    refused! {
        serialize_bool(bool) -> i64;
        serialize_f32(f32) -> i64;
        serialize_f64(f64) -> i64;
        serialize_char(char) -> i64;
        serialize_str(&str) -> i64;
        serialize_bytes(&[u8]) -> i64;
        serialize_none() -> i64;
        serialize_unit() -> i64;
        serialize_unit_struct(&'static str) -> i64;
        serialize_unit_variant(&'static str, u32, &'static str) -> i64;
        serialize_seq(Option<usize>) -> Nothing;
        serialize_tuple(usize) -> Nothing;
        serialize_tuple_struct(&'static str, usize) -> Nothing;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Nothing;
        serialize_map(Option<usize>) -> Nothing;
        serialize_struct(&'static str, usize) -> Nothing;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Nothing;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<i64, NoInteger> {
        Err(NoInteger)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<i64, NoInteger> {
        Err(NoInteger)
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<i64, NoInteger> {
        Err(NoInteger)
    }

    fn is_human_readable(&self) -> bool {
        self.human_readable
    }
}

impl Display for NoInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an integer")
    }
}

impl std::error::Error for NoInteger {}

impl serde::ser::Error for NoInteger {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Deserializes one integer, for a type that asks for an integer and no other.
struct Stored<'c> {
    integer: i64,
    human_readable: bool,
    /// Whether it was asked for.
    asked: &'c Cell<bool>,
}

impl Stored<'_> {
    #[inline]
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.asked.set(true);
        // Non-negative ones as `u64`, the form that every visitor of integers takes.
        match u64::try_from(self.integer) {
            Ok(unsigned) => visitor.visit_u64(unsigned),
            Err(_) => visitor.visit_i64(self.integer),
        }
    }
}

macro_rules! typed {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.visit(visitor)
        }
    )*};
}

/// Visitors of many types take integers too, and would make another value of one: a float of an integer,
/// `Some(5)` of a plain 5, a variant of its index.
macro_rules! other {
    ($($method:ident($($arg:ty),*) $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $arg,)* _: V) -> Result<V::Value, ValueError> {
            Err(ValueError::custom(concat!($what, " was asked for")))
        }
    )*};
}

impl<'de> Deserializer<'de> for Stored<'_> {
    type Error = ValueError;

    typed! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    /// A type that asks what is stored is told only by a codec whose values say what they are.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if self.human_readable { self.visit(visitor) } else { Err(ValueError::custom(UNTYPED)) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_any(visitor)
    }

    other! {
        deserialize_bool() "a bool";
        deserialize_f32() "a float";
        deserialize_f64() "a float";
        deserialize_char() "a char";
        deserialize_str() "a text";
        deserialize_string() "a text";
        deserialize_bytes() "a sequence of bytes";
        deserialize_byte_buf() "a sequence of bytes";
        deserialize_option() "an option";
        deserialize_unit() "a unit";
        deserialize_unit_struct(&'static str) "a unit";
        deserialize_seq() "a sequence";
        deserialize_tuple(usize) "a tuple";
        deserialize_tuple_struct(&'static str, usize) "a tuple";
        deserialize_map() "a map";
        deserialize_struct(&'static str, &'static [&'static str]) "a struct";
        deserialize_enum(&'static str, &'static [&'static str]) "an enum";
        deserialize_identifier() "a name";
    }

    fn is_human_readable(&self) -> bool {
        self.human_readable
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Count(u16);
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Nested(Count);
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Plain {
        First,
        Second,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "it is never made")]
    enum Untagged {
        Float(f64),
        Integer(i64),
    }
    #[derive(Debug, PartialEq)]
    struct Lenient(Option<String>);

    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(String::deserialize(deserializer).ok()))
        }
    }

    fn back<T: DeserializeOwned>(integer: i64) -> Option<T> {
        read(integer, false).ok()
    }

    #[test]
    fn integers_are_seen_through_newtypes_and_pointers() {
        assert_eq!(of(&Nested(Count(7)), false), Some(7));
        assert_eq!(of(&Box::new(-7i8), false), Some(-7));
        assert_eq!(of(&i128::from(i64::MIN), false), Some(i64::MIN));
        assert_eq!(back::<Nested>(7), Some(Nested(Count(7))));
    }

    #[test]
    fn what_does_not_fit_is_no_counter() {
        assert_eq!(of(&u64::MAX, false), None);
        assert_eq!(of(&(i128::from(i64::MIN) - 1), false), None);
    }

    #[test]
    fn nothing_else_is_an_integer() {
        assert_eq!(of("5", false), None);
        assert_eq!(of(&5.0, false), None);
        assert_eq!(of(&Some(5), false), None);
        assert_eq!(of(&true, false), None);
        assert_eq!(of(&'5', false), None);
        assert_eq!(of(&[5], false), None);
        assert_eq!(of(&Plain::Second, false), None);
    }

    #[test]
    fn an_integer_is_read_by_what_it_fits_and_by_nothing_else() {
        assert_eq!(back::<u8>(255), Some(255));
        assert_eq!(back::<u8>(256), None);
        assert_eq!(back::<u64>(-1), None);
        assert_eq!(back::<i128>(-1), Some(-1));
        assert_eq!(back::<u128>(1), Some(1));
        assert_eq!(back::<f64>(1), None);
        assert_eq!(back::<f32>(1), None);
        assert_eq!(back::<bool>(1), None);
        assert_eq!(back::<char>(65), None);
        assert_eq!(back::<Option<i64>>(1), None);
        assert_eq!(back::<String>(1), None);
        assert_eq!(back::<Vec<i64>>(1), None);
        assert_eq!(back::<()>(0), None);
        assert_eq!(back::<Plain>(1), None);
        assert_eq!(back::<Untagged>(1), None, "which would be a float");
        assert_eq!(back::<Lenient>(1), None, "though it has an answer to everything");
        assert!(back::<serde::de::IgnoredAny>(1).is_none());
    }

    #[test]
    fn a_readable_format_tells_what_is_stored() {
        assert_eq!(read::<serde_json::Value>(1, true), Ok(1.into()));
        assert!(read::<f64>(1, true).is_err());
    }
}
