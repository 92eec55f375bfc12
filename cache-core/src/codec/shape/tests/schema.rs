//! Types that are made up while a test runs, and values of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::oracle::{Event, Kind};

pub(super) type Names = &'static [&'static str];

/// A type, as serde sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Schema {
    Primitive(Primitive),
    /// A unit struct if it has a name.
    Unit(Option<&'static str>),
    Option(Box<Schema>),
    Newtype(Box<Schema>),
    Seq(Box<Schema>),
    Map(Box<Schema>, Box<Schema>),
    /// A tuple struct if it has a name.
    Tuple(Option<&'static str>, Vec<Schema>),
    Struct(Fields),
    Enum(Vec<(&'static str, Variant)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Primitive {
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fields(pub(super) Vec<(&'static str, Schema)>);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Variant {
    Unit,
    Newtype(Box<Schema>),
    Tuple(Vec<Schema>),
    Struct(Fields),
}

/// A value, which makes sense with a schema. A newtype is what it wraps.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Signed(i128),
    Unsigned(u128),
    /// The bits, of either width.
    Float(u64),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    Unit,
    Option(Option<Box<Value>>),
    Seq(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Fields(Vec<Value>),
    Variant(usize, Box<Value>),
}

/// A list of names that lives as long as the program, since that is what serde asks for.
fn interned(names: Vec<&'static str>) -> Names {
    static LISTS: OnceLock<Mutex<HashMap<Vec<&'static str>, Names>>> = OnceLock::new();
    let mut lists =
        LISTS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    lists.entry(names).or_insert_with_key(|names| names.clone().leak())
}

impl Fields {
    fn names(&self) -> Names {
        interned(self.0.iter().map(|(name, _)| *name).collect())
    }

    fn schemas(&self) -> impl ExactSizeIterator<Item = &Schema> {
        self.0.iter().map(|(_, schema)| schema)
    }
}

impl Primitive {
    pub(super) const ALL: [Self; 16] = [
        Self::Bool,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::I128,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::U128,
        Self::F32,
        Self::F64,
        Self::Char,
        Self::Str,
        Self::Bytes,
    ];

    fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::I8 => Kind::I8,
            Self::I16 => Kind::I16,
            Self::I32 => Kind::I32,
            Self::I64 => Kind::I64,
            Self::I128 => Kind::I128,
            Self::U8 => Kind::U8,
            Self::U16 => Kind::U16,
            Self::U32 => Kind::U32,
            Self::U64 => Kind::U64,
            Self::U128 => Kind::U128,
            Self::F32 => Kind::F32,
            Self::F64 => Kind::F64,
            Self::Char => Kind::Char,
            Self::Str => Kind::Str,
            Self::Bytes => Kind::Bytes,
        }
    }

    /// Whether it holds such values.
    fn fits(self, value: &Value) -> bool {
        match value {
            Value::Bool(_) => self == Self::Bool,
            Value::Signed(_) => {
                matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64 | Self::I128)
            }
            Value::Unsigned(_) => {
                matches!(self, Self::U8 | Self::U16 | Self::U32 | Self::U64 | Self::U128)
            }
            Value::Float(_) => matches!(self, Self::F32 | Self::F64),
            Value::Char(_) => self == Self::Char,
            Value::Str(_) => self == Self::Str,
            Value::Bytes(_) => self == Self::Bytes,
            _ => false,
        }
    }
}

impl Schema {
    /// What serde sees of `value` as a value of this type; `None` if it has no such value.
    pub(super) fn events(&self, value: &Value) -> Option<Vec<Event>> {
        let mut events = Vec::new();
        self.see(value, &mut events)?;
        Some(events)
    }

    fn see(&self, value: &Value, to: &mut Vec<Event>) -> Option<()> {
        match (self, value) {
            (Self::Primitive(primitive), _) if primitive.fits(value) => {
                to.push(Event::Of(primitive.kind()));
            }
            (Self::Unit(_), Value::Unit) => to.push(Event::Of(Kind::Unit)),
            (Self::Option(_), Value::Option(None)) => to.push(Event::Of(Kind::None)),
            (Self::Option(schema), Value::Option(Some(value))) => {
                to.push(Event::Of(Kind::Some));
                schema.see(value, to)?;
            }
            (Self::Newtype(schema), _) => schema.see(value, to)?,
            (Self::Seq(schema), Value::Seq(values)) => {
                to.push(Event::Of(Kind::Seq));
                values.iter().try_for_each(|value| schema.see(value, to))?;
                to.push(Event::Numbered(Kind::End, values.len() as u64));
            }
            (Self::Map(key_schema, schema), Value::Map(entries)) => {
                to.push(Event::Of(Kind::Map));
                for (key, value) in entries {
                    key_schema.see(key, to)?;
                    schema.see(value, to)?;
                }
                to.push(Event::Numbered(Kind::End, entries.len() as u64));
            }
            (Self::Tuple(_, schemas), Value::Fields(values)) => see_tuple(schemas, values, to)?,
            (Self::Struct(fields), Value::Fields(values)) => see_struct(fields, values, to)?,
            (Self::Enum(variants), Value::Variant(index, value)) => {
                let (name, variant) = variants.get(*index)?;
                to.push(Event::Numbered(Kind::Variant, *index as u64));
                to.push(Event::Name(name));
                match (variant, &**value) {
                    (Variant::Unit, Value::Unit) => to.push(Event::Of(Kind::Unit)),
                    (Variant::Newtype(schema), value) => {
                        to.push(Event::Of(Kind::Newtype));
                        schema.see(value, to)?;
                    }
                    (Variant::Tuple(schemas), Value::Fields(values)) => {
                        see_tuple(schemas, values, to)?;
                    }
                    (Variant::Struct(fields), Value::Fields(values)) => {
                        see_struct(fields, values, to)?;
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }
}

fn see_tuple(schemas: &[Schema], values: &[Value], to: &mut Vec<Event>) -> Option<()> {
    to.push(Event::Numbered(Kind::Tuple, schemas.len() as u64));
    see_each(schemas.iter(), values, to)
}

fn see_struct(fields: &Fields, values: &[Value], to: &mut Vec<Event>) -> Option<()> {
    to.push(Event::Numbered(Kind::Struct, fields.0.len() as u64));
    see_each(fields.schemas(), values, to)?;
    to.push(Event::Names(fields.0.iter().map(|(name, _)| *name).collect()));
    Some(())
}

fn see_each<'s>(
    mut schemas: impl ExactSizeIterator<Item = &'s Schema>,
    values: &[Value],
    to: &mut Vec<Event>,
) -> Option<()> {
    if schemas.len() != values.len() {
        return None;
    }
    values.iter().try_for_each(|value| schemas.next()?.see(value, to))
}

/// A value that is written as a schema says. It must be one of it.
pub(super) struct Typed<'a>(pub(super) &'a Schema, pub(super) &'a Value);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.1) {
            (Schema::Primitive(primitive), value) => write_primitive(*primitive, value, to),
            (Schema::Unit(None), Value::Unit) => to.serialize_unit(),
            (Schema::Unit(Some(name)), Value::Unit) => to.serialize_unit_struct(name),
            (Schema::Option(_), Value::Option(None)) => to.serialize_none(),
            (Schema::Option(schema), Value::Option(Some(value))) => {
                to.serialize_some(&Typed(schema, value))
            }
            (Schema::Newtype(schema), value) => {
                to.serialize_newtype_struct("Newtype", &Typed(schema, value))
            }
            (Schema::Seq(schema), Value::Seq(values)) => {
                let mut seq = to.serialize_seq(Some(values.len()))?;
                for value in values {
                    seq.serialize_element(&Typed(schema, value))?;
                }
                seq.end()
            }
            (Schema::Map(keys, schema), Value::Map(entries)) => {
                let mut map = to.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&Typed(keys, key), &Typed(schema, value))?;
                }
                map.end()
            }
            (Schema::Tuple(None, schemas), Value::Fields(values)) => {
                let mut tuple = to.serialize_tuple(schemas.len())?;
                for (schema, value) in schemas.iter().zip(values) {
                    tuple.serialize_element(&Typed(schema, value))?;
                }
                tuple.end()
            }
            (Schema::Tuple(Some(name), schemas), Value::Fields(values)) => {
                let mut tuple = to.serialize_tuple_struct(name, schemas.len())?;
                for (schema, value) in schemas.iter().zip(values) {
                    tuple.serialize_field(&Typed(schema, value))?;
                }
                tuple.end()
            }
            (Schema::Struct(fields), Value::Fields(values)) => {
                let mut made = to.serialize_struct("Struct", fields.0.len())?;
                for ((name, schema), value) in fields.0.iter().zip(values) {
                    made.serialize_field(name, &Typed(schema, value))?;
                }
                made.end()
            }
            (Schema::Enum(variants), Value::Variant(index, value)) => {
                let (name, variant) = &variants[*index];
                write_variant(*index, name, variant, value, to)
            }
            (schema, value) => panic!("{value:?} is no value of {schema:?}"),
        }
    }
}

fn write_variant<S: Serializer>(
    index: usize,
    name: &'static str,
    variant: &Variant,
    value: &Value,
    to: S,
) -> Result<S::Ok, S::Error> {
    let index = u32::try_from(index).expect("few variants");
    match (variant, value) {
        (Variant::Unit, Value::Unit) => to.serialize_unit_variant("Enum", index, name),
        (Variant::Newtype(schema), value) => {
            to.serialize_newtype_variant("Enum", index, name, &Typed(schema, value))
        }
        (Variant::Tuple(schemas), Value::Fields(values)) => {
            let mut tuple = to.serialize_tuple_variant("Enum", index, name, schemas.len())?;
            for (schema, value) in schemas.iter().zip(values) {
                tuple.serialize_field(&Typed(schema, value))?;
            }
            tuple.end()
        }
        (Variant::Struct(fields), Value::Fields(values)) => {
            let mut made = to.serialize_struct_variant("Enum", index, name, fields.0.len())?;
            for ((name, schema), value) in fields.0.iter().zip(values) {
                made.serialize_field(name, &Typed(schema, value))?;
            }
            made.end()
        }
        (variant, value) => panic!("{value:?} is no value of {variant:?}"),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a value of its type has no more bits")]
fn write_primitive<S: Serializer>(
    primitive: Primitive,
    value: &Value,
    to: S,
) -> Result<S::Ok, S::Error> {
    match (primitive, value) {
        (Primitive::Bool, Value::Bool(v)) => to.serialize_bool(*v),
        (Primitive::I8, Value::Signed(v)) => to.serialize_i8(*v as i8),
        (Primitive::I16, Value::Signed(v)) => to.serialize_i16(*v as i16),
        (Primitive::I32, Value::Signed(v)) => to.serialize_i32(*v as i32),
        (Primitive::I64, Value::Signed(v)) => to.serialize_i64(*v as i64),
        (Primitive::I128, Value::Signed(v)) => to.serialize_i128(*v),
        (Primitive::U8, Value::Unsigned(v)) => to.serialize_u8(*v as u8),
        (Primitive::U16, Value::Unsigned(v)) => to.serialize_u16(*v as u16),
        (Primitive::U32, Value::Unsigned(v)) => to.serialize_u32(*v as u32),
        (Primitive::U64, Value::Unsigned(v)) => to.serialize_u64(*v as u64),
        (Primitive::U128, Value::Unsigned(v)) => to.serialize_u128(*v),
        (Primitive::F32, Value::Float(v)) => to.serialize_f32(f32::from_bits(*v as u32)),
        (Primitive::F64, Value::Float(v)) => to.serialize_f64(f64::from_bits(*v)),
        (Primitive::Char, Value::Char(v)) => to.serialize_char(*v),
        (Primitive::Str, Value::Str(v)) => to.serialize_str(v),
        (Primitive::Bytes, Value::Bytes(v)) => to.serialize_bytes(v),
        (primitive, value) => panic!("{value:?} is no {primitive:?}"),
    }
}

impl<'de> DeserializeSeed<'de> for &Schema {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self {
            Schema::Primitive(primitive) => read_primitive(*primitive, from),
            Schema::Unit(None) => from.deserialize_unit(Reader(self)),
            Schema::Unit(Some(name)) => from.deserialize_unit_struct(name, Reader(self)),
            Schema::Option(_) => from.deserialize_option(Reader(self)),
            Schema::Newtype(_) => from.deserialize_newtype_struct("Newtype", Reader(self)),
            Schema::Seq(_) => from.deserialize_seq(Reader(self)),
            Schema::Map(..) => from.deserialize_map(Reader(self)),
            Schema::Tuple(None, schemas) => {
                from.deserialize_tuple(schemas.len(), FieldsReader(schemas.iter()))
            }
            Schema::Tuple(Some(name), schemas) => {
                from.deserialize_tuple_struct(name, schemas.len(), FieldsReader(schemas.iter()))
            }
            Schema::Struct(fields) => {
                from.deserialize_struct("Struct", fields.names(), FieldsReader(fields.schemas()))
            }
            Schema::Enum(variants) => {
                let names = interned(variants.iter().map(|(name, _)| *name).collect());
                from.deserialize_enum("Enum", names, Reader(self))
            }
        }
    }
}

fn read_primitive<'de, D: Deserializer<'de>>(
    primitive: Primitive,
    from: D,
) -> Result<Value, D::Error> {
    let to = PrimitiveReader;
    match primitive {
        Primitive::Bool => from.deserialize_bool(to),
        Primitive::I8 => from.deserialize_i8(to),
        Primitive::I16 => from.deserialize_i16(to),
        Primitive::I32 => from.deserialize_i32(to),
        Primitive::I64 => from.deserialize_i64(to),
        Primitive::I128 => from.deserialize_i128(to),
        Primitive::U8 => from.deserialize_u8(to),
        Primitive::U16 => from.deserialize_u16(to),
        Primitive::U32 => from.deserialize_u32(to),
        Primitive::U64 => from.deserialize_u64(to),
        Primitive::U128 => from.deserialize_u128(to),
        Primitive::F32 => from.deserialize_f32(to),
        Primitive::F64 => from.deserialize_f64(to),
        Primitive::Char => from.deserialize_char(to),
        Primitive::Str => from.deserialize_string(to),
        Primitive::Bytes => from.deserialize_byte_buf(to),
    }
}

struct PrimitiveReader;

impl Visitor<'_> for PrimitiveReader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a primitive")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Signed(v.into()))
    }

    fn visit_i128<E>(self, v: i128) -> Result<Value, E> {
        Ok(Value::Signed(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(v.into()))
    }

    fn visit_u128<E>(self, v: u128) -> Result<Value, E> {
        Ok(Value::Unsigned(v))
    }

    fn visit_f32<E>(self, v: f32) -> Result<Value, E> {
        Ok(Value::Float(v.to_bits().into()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v.to_bits()))
    }

    fn visit_char<E>(self, v: char) -> Result<Value, E> {
        Ok(Value::Char(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Str(v.into()))
    }

    fn visit_bytes<E>(self, v: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(v.into()))
    }
}

struct Reader<'s>(&'s Schema);

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Unit)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Option(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let Schema::Option(schema) = self.0 else { unreachable!("asked for an option") };
        Ok(Value::Option(Some(Box::new(schema.deserialize(from)?))))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let Schema::Newtype(schema) = self.0 else { unreachable!("asked for a newtype") };
        schema.deserialize(from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let Schema::Seq(schema) = self.0 else { unreachable!("asked for a sequence") };
        let mut values = Vec::new();
        while let Some(value) = from.next_element_seed(&**schema)? {
            values.push(value);
        }
        Ok(Value::Seq(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let Schema::Map(keys, schema) = self.0 else { unreachable!("asked for a map") };
        let mut entries = Vec::new();
        while let Some(entry) = from.next_entry_seed(&**keys, &**schema)? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, from: A) -> Result<Value, A::Error> {
        let Schema::Enum(variants) = self.0 else { unreachable!("asked for an enum") };
        let (index, from) = from.variant_seed(Identifier(variants))?;
        let value = match &variants[index].1 {
            Variant::Unit => from.unit_variant().map(|()| Value::Unit),
            Variant::Newtype(schema) => from.newtype_variant_seed(&**schema),
            Variant::Tuple(schemas) => {
                from.tuple_variant(schemas.len(), FieldsReader(schemas.iter()))
            }
            Variant::Struct(fields) => {
                from.struct_variant(fields.names(), FieldsReader(fields.schemas()))
            }
        };
        Ok(Value::Variant(index, Box::new(value?)))
    }
}

/// As many as there are schemas.
struct FieldsReader<I>(I);

impl<'de, 's, I: Iterator<Item = &'s Schema>> Visitor<'de> for FieldsReader<I> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        for schema in self.0 {
            let value = from.next_element_seed(schema)?;
            values.push(value.ok_or_else(|| de::Error::custom("a field is missing"))?);
        }
        Ok(Value::Fields(values))
    }
}

/// Which variant it is, as derived code finds it out.
struct Identifier<'s>(&'s [(&'static str, Variant)]);

impl<'de> DeserializeSeed<'de> for Identifier<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Identifier<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a variant")
    }

    fn visit_u64<E: de::Error>(self, index: u64) -> Result<usize, E> {
        let index = usize::try_from(index).ok().filter(|index| *index < self.0.len());
        index.ok_or_else(|| E::custom("there is no such variant"))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        let index = self.0.iter().position(|(known, _)| *known == name);
        index.ok_or_else(|| E::custom("there is no such variant"))
    }
}
