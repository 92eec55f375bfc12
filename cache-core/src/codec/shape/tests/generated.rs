//! Thousands of pairs of made-up types: one writes, the other reads.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

use super::oracle::shape;
use super::schema::{Fields, Primitive, Schema, Typed, Value, Variant};
use super::{shape_of, write};
use crate::codec::binary::read_seed;

const PAIRS: u32 = 10_000;
const DEPTH: u32 = 4;

/// Decisions, made by bytes that proptest knows how to shrink. Where there are no more of them, each is for
/// the simplest.
struct Choices<'c>(std::slice::Iter<'c, u8>);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn word(&mut self) -> u128 {
        // Small ones as often as large ones, since they are written differently.
        let bytes = self.below(17);
        (0..bytes).fold(0, |word, _| (word << 8) | u128::from(self.byte()))
    }

    fn name(&mut self) -> &'static str {
        self.of(&NAMES)
    }

    /// So many names, no two of them the same.
    fn names(&mut self, number: usize) -> Vec<&'static str> {
        let first = self.below(NAMES.len());
        (0..number).map(|n| NAMES[(first + n) % NAMES.len()]).collect()
    }

    fn schema(&mut self, depth: u32) -> Schema {
        let simple = |this: &mut Self| Schema::Primitive(this.of(&Primitive::ALL));
        if depth == 0 {
            return simple(self);
        }
        let inner = |this: &mut Self| Box::new(this.schema(depth - 1));
        match self.below(14) {
            0..=2 => simple(self),
            3 => Schema::Unit(self.of(&[None, Some("Unit")])),
            4 => Schema::Option(inner(self)),
            5 => Schema::Newtype(inner(self)),
            6 | 7 => Schema::Seq(inner(self)),
            8 => Schema::Map(inner(self), inner(self)),
            9 => Schema::Tuple(self.of(&[None, Some("Tuple")]), self.schemas(depth)),
            10 | 11 => Schema::Struct(self.fields(depth)),
            _ => {
                let number = 1 + self.below(4);
                let names = self.names(number);
                Schema::Enum(names.into_iter().map(|name| (name, self.variant(depth))).collect())
            }
        }
    }

    fn variant(&mut self, depth: u32) -> Variant {
        match self.below(4) {
            0 => Variant::Unit,
            1 => Variant::Newtype(Box::new(self.schema(depth - 1))),
            2 => Variant::Tuple(self.schemas(depth)),
            _ => Variant::Struct(self.fields(depth)),
        }
    }

    fn schemas(&mut self, depth: u32) -> Vec<Schema> {
        (0..self.below(4)).map(|_| self.schema(depth - 1)).collect()
    }

    fn fields(&mut self, depth: u32) -> Fields {
        let number = self.below(4);
        let names = self.names(number);
        Fields(names.into_iter().map(|name| (name, self.schema(depth - 1))).collect())
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "so that it fits its type"
    )]
    fn value(&mut self, schema: &Schema) -> Value {
        match schema {
            Schema::Primitive(primitive) => match primitive {
                Primitive::Bool => Value::Bool(self.byte() % 2 == 1),
                Primitive::I8 => Value::Signed((self.word() as i8).into()),
                Primitive::I16 => Value::Signed((self.word() as i16).into()),
                Primitive::I32 => Value::Signed((self.word() as i32).into()),
                Primitive::I64 => Value::Signed((self.word() as i64).into()),
                Primitive::I128 => Value::Signed(self.word() as i128),
                Primitive::U8 => Value::Unsigned((self.word() as u8).into()),
                Primitive::U16 => Value::Unsigned((self.word() as u16).into()),
                Primitive::U32 => Value::Unsigned((self.word() as u32).into()),
                Primitive::U64 => Value::Unsigned((self.word() as u64).into()),
                Primitive::U128 => Value::Unsigned(self.word()),
                Primitive::F32 => Value::Float((self.word() as u32).into()),
                Primitive::F64 => Value::Float(self.word() as u64),
                Primitive::Char => {
                    Value::Char(char::from_u32(self.word() as u32 % 0x11_0000).unwrap_or('x'))
                }
                Primitive::Str => Value::Str((0..self.below(4)).map(|_| self.name()).collect()),
                Primitive::Bytes => Value::Bytes((0..self.below(4)).map(|_| self.byte()).collect()),
            },
            Schema::Unit(_) => Value::Unit,
            Schema::Option(schema) => Value::Option(match self.below(3) {
                0 => None,
                _ => Some(Box::new(self.value(schema))),
            }),
            Schema::Newtype(schema) => self.value(schema),
            Schema::Seq(schema) => {
                Value::Seq((0..self.below(4)).map(|_| self.value(schema)).collect())
            }
            Schema::Map(keys, schema) => Value::Map(
                (0..self.below(3)).map(|_| (self.value(keys), self.value(schema))).collect(),
            ),
            Schema::Tuple(_, schemas) => self.values(schemas.iter()),
            Schema::Struct(fields) => self.values(fields.0.iter().map(|(_, schema)| schema)),
            Schema::Enum(variants) => {
                let index = self.below(variants.len());
                let value = match &variants[index].1 {
                    Variant::Unit => Value::Unit,
                    Variant::Newtype(schema) => self.value(schema),
                    Variant::Tuple(schemas) => self.values(schemas.iter()),
                    Variant::Struct(fields) => {
                        self.values(fields.0.iter().map(|(_, schema)| schema))
                    }
                };
                Value::Variant(index, Box::new(value))
            }
        }
    }

    fn values<'s>(&mut self, schemas: impl Iterator<Item = &'s Schema>) -> Value {
        Value::Fields(schemas.map(|schema| self.value(schema)).collect())
    }

    /// The same type after one change somewhere in it.
    fn changed(&mut self, mut schema: Schema) -> Schema {
        let mut parts = Vec::new();
        visit(&mut schema, &mut |_| parts.push(()));
        let (mut at, chosen) = (0, self.below(parts.len()));
        visit(&mut schema, &mut |part| {
            if at == chosen {
                self.change(part);
            }
            at += 1;
        });
        schema
    }

    fn change(&mut self, schema: &mut Schema) {
        let how = self.below(8);
        match schema {
            _ if how == 0 => *schema = Schema::Option(Box::new(schema.clone())),
            _ if how == 1 => *schema = Schema::Newtype(Box::new(schema.clone())),
            _ if how == 2 => *schema = self.schema(1),
            Schema::Primitive(primitive) => *primitive = self.of(&Primitive::ALL),
            Schema::Unit(name) => *name = self.of(&[None, Some("Unit")]),
            Schema::Option(inner) | Schema::Newtype(inner) => *schema = (**inner).clone(),
            Schema::Seq(inner) => {
                *schema = match how {
                    3 => Schema::Tuple(None, vec![(**inner).clone(); self.below(4)]),
                    4 => Schema::Map(inner.clone(), inner.clone()),
                    5 => Schema::Primitive(Primitive::Bytes),
                    _ => (**inner).clone(),
                }
            }
            Schema::Map(keys, inner) => {
                *schema = match how {
                    3 | 4 => Schema::Map(inner.clone(), keys.clone()),
                    5 => Schema::Seq(inner.clone()),
                    _ => {
                        let pair = vec![(**keys).clone(), (**inner).clone()];
                        Schema::Seq(Box::new(Schema::Tuple(None, pair)))
                    }
                }
            }
            Schema::Tuple(name, schemas) => match how {
                3 => *name = self.of(&[None, Some("Tuple")]),
                4 => {
                    let names = self.names(schemas.len());
                    let fields = names.into_iter().zip(schemas.clone()).collect();
                    *schema = Schema::Struct(Fields(fields));
                }
                _ => self.change_tuple(schemas),
            },
            Schema::Struct(fields) => match how {
                3 => {
                    let schemas = fields.0.iter().map(|(_, schema)| schema.clone()).collect();
                    *schema = Schema::Tuple(None, schemas);
                }
                _ => self.change_fields(fields),
            },
            Schema::Enum(variants) => {
                let at = self.below(variants.len());
                match how {
                    3 => variants[at].0 = self.another(variants.iter().map(|(name, _)| *name)),
                    4 => {
                        let other = self.below(variants.len());
                        variants.swap(at, other);
                    }
                    5 => {
                        let name = self.another(variants.iter().map(|(name, _)| *name));
                        variants.insert(at, (name, self.variant(1)));
                    }
                    6 if variants.len() > 1 => {
                        variants.remove(at);
                    }
                    _ => match &mut variants[at].1 {
                        Variant::Tuple(schemas) => self.change_tuple(schemas),
                        Variant::Struct(fields) => self.change_fields(fields),
                        other => *other = self.variant(1),
                    },
                }
            }
        }
    }

    fn change_tuple(&mut self, schemas: &mut Vec<Schema>) {
        let at = self.below(schemas.len() + 1);
        match self.below(3) {
            0 if at < schemas.len() => {
                schemas.remove(at);
            }
            1 if at < schemas.len() => schemas.swap(0, at),
            _ => schemas.insert(at, self.schema(1)),
        }
    }

    fn change_fields(&mut self, Fields(fields): &mut Fields) {
        let at = self.below(fields.len() + 1);
        let name = self.another(fields.iter().map(|(name, _)| *name));
        match self.below(5) {
            0 if at < fields.len() => {
                fields.remove(at);
            }
            1 if at < fields.len() => fields.swap(0, at),
            2 if at < fields.len() => fields[at].0 = name,
            3 if at < fields.len() => {
                // The names change places, and the types stay.
                let (first, other) = (fields[0].0, fields[at].0);
                (fields[0].0, fields[at].0) = (other, first);
            }
            _ => fields.insert(at, (name, self.schema(1))),
        }
    }

    /// A name that is not among these.
    fn another(&mut self, taken: impl Iterator<Item = &'static str> + Clone) -> &'static str {
        let start = self.below(NAMES.len());
        let mut names = NAMES.iter().cycle().skip(start);
        names.find(|name| !taken.clone().any(|taken| taken == **name)).expect("there are more")
    }
}

const NAMES: [&str; 14] = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "id",
    "name",
    "eight_ch",
    "nine_char",
    "ünïcödé",
    "a\0",
    "Some",
    "a_long_name_of_a_field",
    "a_long_name_of_a_fiend",
];

/// Every part of a type, itself first.
fn visit(schema: &mut Schema, with: &mut impl FnMut(&mut Schema)) {
    match schema {
        Schema::Primitive(_) | Schema::Unit(_) => {}
        Schema::Option(inner) | Schema::Newtype(inner) | Schema::Seq(inner) => visit(inner, with),
        Schema::Map(keys, inner) => {
            visit(keys, with);
            visit(inner, with);
        }
        Schema::Tuple(_, schemas) => schemas.iter_mut().for_each(|inner| visit(inner, with)),
        Schema::Struct(fields) => fields.0.iter_mut().for_each(|(_, inner)| visit(inner, with)),
        Schema::Enum(variants) => {
            for (_, variant) in variants {
                match variant {
                    Variant::Unit => {}
                    Variant::Newtype(inner) => visit(inner, with),
                    Variant::Tuple(inner) => inner.iter_mut().for_each(|inner| visit(inner, with)),
                    Variant::Struct(inner) => {
                        inner.0.iter_mut().for_each(|(_, inner)| visit(inner, with));
                    }
                }
            }
        }
    }
    with(schema);
}

#[test]
fn a_value_is_read_by_every_type_of_its_shape_and_by_no_other() {
    let (same, other) = (Cell::new(0_u32), Cell::new(0_u32));
    let config = Config { cases: PAIRS, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(any::<u8>(), 0..160), |bytes| {
        let choices = &mut Choices(bytes.iter());
        let reader_is_unrelated = choices.below(8) == 7;
        let writer = choices.schema(DEPTH);
        let reader = if reader_is_unrelated {
            choices.schema(DEPTH)
        } else {
            choices.changed(writer.clone())
        };
        let value = choices.value(&writer);

        let seen = writer.events(&value).expect("it is a value of its type");
        let bytes = match super::try_write(&Typed(&writer, &value)) {
            // More elements than bytes: that has tests of its own.
            Err(reason) if reason.contains("more elements than bytes") => return Ok(()),
            written => written.expect("it can be written"),
        };
        assert_eq!(shape_of(&Typed(&writer, &value)), shape(&seen), "{writer:?} {value:?}");
        assert_eq!(read_seed(&writer, &bytes).as_ref(), Ok(&value), "{writer:?}");

        let is_same = reader.events(&value).is_some_and(|events| events == seen);
        let read = read_seed(&reader, &bytes);
        if is_same {
            assert_eq!(read.as_ref(), Ok(&value), "{writer:?} {reader:?}");
            assert_eq!(write(&Typed(&reader, &value)), bytes);
            same.set(same.get() + 1);
        } else {
            let refusal = read.expect_err("a value of another shape was handed out");
            assert!(refusal.contains("written with another shape"), "{refusal}");
            other.set(other.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(same.get() > PAIRS / 10 && other.get() > PAIRS / 4, "{same:?} {other:?}");
}
