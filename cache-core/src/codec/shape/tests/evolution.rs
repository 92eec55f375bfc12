//! A type changes while values of its earlier form are stored.

use serde::{Deserialize, Serialize};

use super::{differ, read, refused, same, write};

/// Declares forms of a type, each in a module of its own and all under one name.
macro_rules! forms {
    ($($form:ident { $($declared:tt)* })*) => {$(
        mod $form {
            use serde::{Deserialize, Serialize};
            $($declared)*
        }
    )*};
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Item {
    id: u32,
    count: u32,
}

#[test]
fn a_field_renamed_added_removed_reordered_or_retyped() {
    forms! {
        renamed {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) struct Item { pub(super) id: u32, pub(super) number: u32 }
        }
        added {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) struct Item { pub(super) id: u32, pub(super) count: u32, pub(super) price: u32 }
        }
        added_empty {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) struct Item { pub(super) id: u32, pub(super) count: u32, pub(super) price: () }
        }
        added_with_default {
            #[derive(Serialize, Deserialize, Debug, PartialEq, Default)]
            #[serde(default)]
            pub(super) struct Item {
                pub(super) id: u32,
                pub(super) count: u32,
                #[serde(default)]
                pub(super) price: Option<u32>,
            }
        }
        removed {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) struct Item { pub(super) id: u32 }
        }
        reordered {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) struct Item { pub(super) count: u32, pub(super) id: u32 }
        }
        retyped {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) struct Item { pub(super) id: u32, pub(super) count: Option<u32> }
        }
        split {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) struct Item { pub(super) idc: u32, pub(super) ount: u32 }
        }
    }
    let item = || Item { id: 1, count: 1 };
    differ(item(), renamed::Item { id: 1, number: 1 });
    differ(item(), added::Item { id: 1, count: 1, price: 0 });
    differ(item(), added_empty::Item { id: 1, count: 1, price: () });
    differ(item(), added_with_default::Item { id: 1, count: 1, price: None });
    differ(item(), removed::Item { id: 1 });
    differ(item(), reordered::Item { id: 1, count: 1 });
    differ(item(), retyped::Item { id: 1, count: Some(1) });
    differ(item(), split::Item { idc: 1, ount: 1 });
    // Wherever it stands.
    differ(vec![Some((item(), 1_u8))], vec![Some((reordered::Item { id: 1, count: 1 }, 1_u8))]);
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Status {
    Draft,
    Live(u32),
    Gone { since: u32 },
}

#[test]
fn a_variant_renamed_reordered_inserted_removed_or_retyped() {
    forms! {
        renamed {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) enum Status { Plan, Online(u32), Away { since: u32 } }
        }
        reordered {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) enum Status { Live(u32), Draft, Gone { since: u32 } }
        }
        inserted {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) enum Status { New, Draft, Review(u32), Live(u32), Gone { since: u32 } }
        }
        appended {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) enum Status { Draft, Live(u32), Gone { since: u32 }, Lost }
        }
        removed {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) enum Status { Live(u32), Gone { since: u32 } }
        }
        retyped {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) enum Status { Draft(()), Live(i32), Gone(u32) }
        }
        field_renamed {
            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            pub(super) enum Status { Draft(), Live { count: u32 }, Gone { until: u32 } }
        }
    }
    differ(Status::Draft, renamed::Status::Plan);
    differ(Status::Live(1), renamed::Status::Online(1));
    differ(Status::Gone { since: 1 }, renamed::Status::Away { since: 1 });

    differ(Status::Draft, reordered::Status::Draft);
    differ(Status::Live(1), reordered::Status::Live(1));
    // The same index read, another variant.
    differ(Status::Draft, reordered::Status::Live(1));
    same(Status::Gone { since: 1 }, reordered::Status::Gone { since: 1 });

    differ(Status::Draft, inserted::Status::New);
    differ(Status::Draft, inserted::Status::Draft);
    differ(Status::Live(1), inserted::Status::Live(1));
    differ(Status::Gone { since: 1 }, inserted::Status::Review(1));
    differ(Status::Gone { since: 1 }, inserted::Status::Gone { since: 1 });

    // What only adds to the end leaves the values that were there as they are.
    same(Status::Draft, appended::Status::Draft);
    same(Status::Live(1), appended::Status::Live(1));
    refused::<Status>(&appended::Status::Lost);

    refused::<removed::Status>(&Status::Draft);
    differ(Status::Live(1), removed::Status::Live(1));
    differ(Status::Live(1), removed::Status::Gone { since: 1 });

    differ(Status::Draft, retyped::Status::Draft(()));
    differ(Status::Live(1), retyped::Status::Live(1));
    differ(Status::Gone { since: 1 }, retyped::Status::Gone(1));
    differ(Status::Draft, field_renamed::Status::Draft());
    differ(Status::Live(1), field_renamed::Status::Live { count: 1 });
    differ(Status::Gone { since: 1 }, field_renamed::Status::Gone { until: 1 });
}

#[test]
fn two_variants_that_changed_places() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone, Copy)]
    enum Old {
        Left,
        Right,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone, Copy)]
    enum New {
        Right,
        Left,
    }
    for old in [Old::Left, Old::Right] {
        for new in [New::Left, New::Right] {
            differ(old, new);
            differ(vec![old], vec![new]);
        }
    }
}

#[test]
fn a_struct_that_became_an_enum_or_back() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Boxed {
        Item(Item),
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Flag {
        Off,
        On,
    }
    differ(Item { id: 0, count: 1 }, Boxed::Item(Item { id: 0, count: 1 }));
    differ((0_u32, Item { id: 0, count: 1 }), Boxed::Item(Item { id: 0, count: 1 }));
    differ(Flag::On, true);
    differ(Flag::Off, (0_u32,));
    differ(Flag::Off, ());
}

#[test]
fn names_that_serde_was_told_are_the_names_that_count() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct RenamedBack {
        #[serde(rename = "id")]
        identity: u32,
        #[serde(rename = "count")]
        number: u32,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "UPPERCASE")]
    struct Loud {
        id: u32,
        count: u32,
    }
    same(Item { id: 1, count: 2 }, RenamedBack { identity: 1, number: 2 });
    differ(Item { id: 1, count: 2 }, Loud { id: 1, count: 2 });
}

#[test]
fn bytes_left_over_or_missing_are_refused() {
    let bytes = write(&Item { id: 1, count: 2 });
    for cut in 0..bytes.len() {
        assert!(read::<Item>(&bytes[..cut]).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(read::<Item>(&longer).unwrap_err().contains("written with another shape"));
}
