//! serde's attributes: a type that has them comes back as it was, or is refused. Never as another value.
//!
//! Those that need names in what is written are in `tests/attributes.rs`.

use std::fmt::Debug;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{differ, read, refused, round_trip, same, write};

#[test]
fn names_and_defaults() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Default)]
    #[serde(rename = "other", rename_all = "camelCase", default, deny_unknown_fields)]
    struct Named {
        first_one: u8,
        #[serde(rename = "2nd", default)]
        second_thing: Option<String>,
        #[serde(default = "Vec::new")]
        last_of_all: Vec<u8>,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "PascalCase")]
    enum Variants {
        Plain,
        #[serde(rename = "x")]
        OfTwoValues(u8, u8),
        WithFields {
            a_field: u8,
        },
    }
    round_trip(Named { first_one: 1, second_thing: Some("a".into()), last_of_all: vec![1] });
    round_trip(Named::default());
    round_trip([Variants::Plain, Variants::OfTwoValues(1, 2), Variants::WithFields { a_field: 3 }]);
}

#[test]
fn a_name_for_writing_and_another_for_reading_is_refused() {
    #[derive(Serialize, Deserialize, Debug)]
    struct OneWay {
        #[serde(rename(serialize = "there", deserialize = "back"))]
        field: u8,
    }
    refused::<OneWay>(&OneWay { field: 1 });
}

#[test]
fn fields_that_are_never_carried() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Skipping {
        a: u8,
        #[serde(skip)]
        cached: u32,
        b: u8,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct SkippingTuple(u8, #[serde(skip)] u32, u8);
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum SkippingVariant {
        Struct {
            #[serde(skip)]
            cached: u32,
            a: u8,
        },
        Tuple(#[serde(skip)] u32, u8),
        Newtype(#[serde(skip)] u32),
    }
    let skipped = |value| read::<Skipping>(&write(&value));
    assert_eq!(skipped(Skipping { a: 1, cached: 7, b: 2 }), Ok(Skipping { a: 1, cached: 0, b: 2 }));
    assert_eq!(read(&write(&SkippingTuple(1, 7, 2))), Ok(SkippingTuple(1, 0, 2)));
    same(SkippingTuple(1, 0, 2), (1_u8, 2_u8));
    round_trip(SkippingVariant::Struct { cached: 0, a: 1 });
    round_trip(SkippingVariant::Tuple(0, 1));
    round_trip(SkippingVariant::Newtype(0));
}

#[test]
fn fields_that_are_carried_one_way_only_are_refused() {
    #[derive(Serialize, Deserialize, Debug)]
    struct NotWritten {
        a: u8,
        #[serde(skip_serializing, default)]
        #[allow(dead_code, reason = "it is never written")]
        b: u8,
        c: u8,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct NotRead {
        a: u8,
        #[serde(skip_deserializing)]
        b: u8,
        c: u8,
    }
    refused::<NotWritten>(&NotWritten { a: 1, b: 2, c: 3 });
    refused::<NotRead>(&NotRead { a: 1, b: 2, c: 3 });
}

#[test]
fn variants_after_one_that_is_never_carried_are_refused() {
    // serde counts them with the skipped one when it writes, and without it when it reads.
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Skipping {
        A,
        #[serde(skip)]
        #[allow(dead_code, reason = "it is never carried")]
        B,
        C,
        D,
    }
    round_trip(Skipping::A);
    refused::<Skipping>(&Skipping::C);
    refused::<Skipping>(&Skipping::D);
}

#[test]
fn a_transparent_struct_is_its_field() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(transparent)]
    struct Transparent {
        inner: Vec<u8>,
    }
    same(Transparent { inner: vec![1, 2] }, vec![1_u8, 2]);
}

#[test]
fn types_that_go_by_way_of_another() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[serde(into = "(u8, String)", from = "(u8, String)")]
    struct Through {
        number: u8,
        text: String,
    }
    impl From<Through> for (u8, String) {
        fn from(through: Through) -> Self {
            (through.number, through.text)
        }
    }
    impl From<(u8, String)> for Through {
        fn from((number, text): (u8, String)) -> Self {
            Self { number, text }
        }
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(try_from = "u8")]
    struct Even(u8);
    impl TryFrom<u8> for Even {
        type Error = &'static str;
        fn try_from(number: u8) -> Result<Self, &'static str> {
            if number.is_multiple_of(2) { Ok(Self(number)) } else { Err("odd") }
        }
    }
    same(Through { number: 1, text: "a".into() }, (1_u8, "a".to_owned()));
    same((Even(2),), (2_u8,));
    assert!(read::<(Even,)>(&write(&(1_u8,))).unwrap_err().contains("odd"));
}

#[test]
fn fields_that_are_written_by_functions() {
    mod as_text {
        use super::*;

        #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
        pub(super) fn serialize<S: Serializer>(number: &u32, to: S) -> Result<S::Ok, S::Error> {
            to.collect_str(number)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
            let text = String::deserialize(from)?;
            text.parse().map_err(serde::de::Error::custom)
        }
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct With {
        #[serde(with = "as_text")]
        number: u32,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Text {
        number: String,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Plain {
        number: u32,
    }
    same(With { number: 7 }, Text { number: "7".into() });
    differ(With { number: 7 }, Plain { number: 7 });
}

#[test]
fn a_field_with_an_alias_is_refused_and_the_message_says_why() {
    // The derived code lists aliases among the fields, and does not say which name is whose.
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Aliased {
        #[serde(alias = "mail")]
        email: String,
        name: String,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Before {
        mail: String,
        name: String,
    }
    let aliased = || Aliased { email: "e".into(), name: "n".into() };
    let refusal = read::<Aliased>(&write(&aliased())).unwrap_err();
    assert!(refusal.contains("alias") && refusal.contains("json"), "{refusal}");
    assert!(read::<Aliased>(&write(&Before { mail: "m".into(), name: "n".into() })).is_err());
    refused::<Before>(&aliased());
}

#[test]
fn a_variant_with_an_alias_is_never_taken_for_another() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Old {
        Active,
        Inactive,
    }
    // The names are listed as Active, Inactive, Archived: the second one is not the second variant.
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum New {
        #[serde(alias = "Inactive")]
        Active,
        Archived,
    }
    assert_eq!(read(&write(&Old::Active)), Ok(New::Active));
    assert_eq!(read(&write(&Old::Inactive)), Ok(New::Active), "as the alias says");
    round_trip(New::Active);
    refused::<New>(&New::Archived);
    refused::<Old>(&New::Archived);
}

#[test]
fn identifiers_of_every_kind_are_served() {
    // Written by hand: the variant is asked for as a number, as a text, as an identifier.
    struct By<const HOW: u8>(u8);
    struct Choice<const HOW: u8>;
    impl<'de, const HOW: u8> Deserialize<'de> for By<HOW> {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_enum("Old", &["Zero", "One"], Choice::<HOW>)
        }
    }
    impl<'de, const HOW: u8> serde::de::Visitor<'de> for Choice<HOW> {
        type Value = By<HOW>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a choice")
        }

        fn visit_enum<A: serde::de::EnumAccess<'de>>(self, from: A) -> Result<By<HOW>, A::Error> {
            use serde::de::VariantAccess;
            let index = if HOW == 0 {
                let (index, variant) = from.variant::<u32>()?;
                variant.unit_variant()?;
                u8::try_from(index).unwrap()
            } else {
                let (name, variant) = from.variant::<String>()?;
                variant.unit_variant()?;
                u8::from(name == "One")
            };
            Ok(By(index))
        }
    }
    #[derive(Serialize)]
    enum Written {
        Zero,
        One,
    }
    for (written, index) in [(Written::Zero, 0), (Written::One, 1)] {
        let bytes = write(&written);
        assert_eq!(read::<By<0>>(&bytes).unwrap().0, index);
        assert_eq!(read::<By<1>>(&bytes).unwrap().0, index);
    }
}

#[test]
fn the_variant_for_all_others_takes_none_of_them() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Old {
        A,
        B,
        C,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum New {
        A,
        #[serde(other)]
        Other,
    }
    round_trip(New::A);
    round_trip(New::Other);
    same(Old::A, New::A);
    refused::<New>(&Old::B);
    refused::<New>(&Old::C);
}

#[test]
fn types_that_say_different_things_to_people_and_to_programs() {
    struct Time(u64);
    impl Serialize for Time {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            if to.is_human_readable() { to.collect_str(&self.0) } else { to.serialize_u64(self.0) }
        }
    }
    impl<'de> Deserialize<'de> for Time {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            if from.is_human_readable() {
                String::deserialize(from)?.parse().map(Self).map_err(serde::de::Error::custom)
            } else {
                u64::deserialize(from).map(Self)
            }
        }
    }
    assert_eq!(read::<(Time,)>(&write(&(Time(5),))).unwrap().0.0, 5);
}

#[test]
fn a_type_that_lies_about_its_elements_is_refused() {
    struct Lies;
    impl Serialize for Lies {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut seq = to.serialize_seq(Some(2))?;
            for n in [2_u8, 1, 2] {
                seq.serialize_element(&n)?;
            }
            seq.end()
        }
    }
    refused::<Vec<u8>>(&Lies);
}
