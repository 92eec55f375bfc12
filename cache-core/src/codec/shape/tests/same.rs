//! What serde does not tell apart has one shape, and what it does tell apart has two.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::num::{NonZeroU8, Wrapping};
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{differ, read, refused, round_trip, same, write};

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Wrapper<T>(T);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Unit;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct UnitOfAnotherName;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct NoElements();

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct NoFields {}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct TwoFields(i32, i32);

#[test]
fn texts() {
    let text = String::from("text");
    assert_eq!(write("text"), write(&text));
    assert_eq!(read::<String>(&write("text")), Ok(text.clone()));
    same(text.clone(), Box::<str>::from("text"));
    same(text.clone(), Arc::<str>::from("text"));
    same(text.clone(), Rc::<str>::from("text"));
    same(text, Cow::<'static, str>::Borrowed("text"));
}

#[test]
fn sequences() {
    let vec = vec![1_u16, 2, 3];
    assert_eq!(write(&vec[..]), write(&vec));
    assert_eq!(write(&&vec[..]), write(&vec));
    same(vec.clone(), VecDeque::from([1_u16, 2, 3]));
    same(vec.clone(), LinkedList::from([1_u16, 2, 3]));
    same(vec.clone(), BTreeSet::from([1_u16, 2, 3]));
    same(vec.clone(), Box::<[u16]>::from([1, 2, 3]));
    same(vec, Arc::<[u16]>::from([1, 2, 3]));
    same(vec![1_u16], HashSet::from([1_u16]));
}

#[test]
fn maps() {
    same(HashMap::from([(1_u8, "a".to_owned())]), BTreeMap::from([(1_u8, "a".to_owned())]));
    let many: HashMap<u32, u64> = (0..100).map(|n| (n, u64::from(n) * 7)).collect();
    let sorted: BTreeMap<_, _> = many.clone().into_iter().collect();
    assert_eq!(read(&write(&many)), Ok(sorted.clone()));
    assert_eq!(read(&write(&sorted)), Ok(many));
}

#[test]
fn pointers() {
    let point = Point { x: 1, y: -2 };
    assert_eq!(write(&&&point), write(&point));
    same(point.clone(), Box::new(point.clone()));
    same(point.clone(), Arc::new(point.clone()));
    same(point.clone(), Rc::new(point.clone()));
    same(point.clone(), RefCell::new(point.clone()));
    same(point.clone(), Cow::<'static, Point>::Owned(point.clone()));
    same(vec![point.clone()], vec![Box::new(point)]);
}

#[test]
fn newtypes() {
    same(Wrapper(7_u32), 7_u32);
    same(Wrapper(Wrapper("a".to_owned())), "a".to_owned());
    same(vec![Wrapper(Some(1_u8))], vec![Some(Wrapper(1_u8))]);
    same((Wrapping(7_u8), Wrapper(1.5_f32)), (7_u8, 1.5_f32));
    same((NonZeroU8::MIN,), (1_u8,));
    same(Wrapper(Point { x: 0, y: 1 }), Point { x: 0, y: 1 });
    assert_eq!(write(&std::cmp::Reverse(7_u32)), write(&7_u32));
}

#[test]
fn a_type_that_was_renamed_or_moved() {
    mod elsewhere {
        use serde::{Deserialize, Serialize};

        #[derive(Serialize, Deserialize, Debug, PartialEq)]
        pub(super) struct Coordinates {
            pub(super) x: i32,
            pub(super) y: i32,
        }

        #[derive(Serialize, Deserialize, Debug, PartialEq)]
        pub(super) enum Maybe {
            No,
            Yes(Coordinates),
        }
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Perhaps {
        No,
        Yes(Point),
    }
    use elsewhere::{Coordinates, Maybe};
    same(Point { x: 3, y: 4 }, Coordinates { x: 3, y: 4 });
    same(Perhaps::No, Maybe::No);
    same(Perhaps::Yes(Point { x: 3, y: 4 }), Maybe::Yes(Coordinates { x: 3, y: 4 }));
    same(Unit, UnitOfAnotherName);
    same(Unit, ());
}

#[test]
fn arrays_are_tuples() {
    same([1_u8, 2], (1_u8, 2_u8));
    same(TwoFields(1, 2), (1, 2));
    same(NoElements(), [(); 0]);
}

#[test]
fn integers_of_each_width_and_sign_differ() {
    // One byte in each case, the same for all that are unsigned and all that are signed.
    macro_rules! each_pair {
        ($first:ident $($other:ident)*) => {
            $(differ((1 as $first,), (1 as $other,));)*
            each_pair!($($other)*);
        };
        () => {};
    }
    each_pair!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);
    differ((1_u8,), (true,));
    differ([0_u32; 4], [0_f32; 4]);
    differ(1.0_f32, 1.0_f64);
    differ('a', 97_u128);
}

#[test]
fn texts_and_bytes_differ() {
    differ("text".to_owned(), b"text".to_vec());
    differ("text".to_owned(), c"text".to_owned());
    differ(b"text".to_vec(), c"text".to_owned());
    differ("t".to_owned(), 't');
    differ(String::new(), Vec::<u8>::new());
    differ(String::new(), Vec::<char>::new());
}

#[test]
fn lengths_that_the_type_fixes_differ() {
    differ((1_u8, 2_u8), (1_u8, 2_u8, 3_u8));
    differ([0_u8; 4], [0_u8; 5]);
    differ((1_u8,), Wrapper(1_u8));
    differ([1_u8; 0], ());
    differ(((1_u8, 2_u8), 3_u8), (1_u8, (2_u8, 3_u8)));
    differ(((1_u8, 2_u8), 3_u8), (1_u8, 2_u8, 3_u8));
    differ(vec![1_u8, 2], [1_u8, 2]);
    differ(vec![1_u8], (1_u8,));
    differ(Vec::<u8>::new(), [0_u8; 0]);
}

#[test]
fn sequences_and_maps_differ() {
    differ(Vec::<(u8, u8)>::new(), BTreeMap::<u8, u8>::new());
    differ(vec![(1_u8, 2_u8)], BTreeMap::from([(1_u8, 2_u8)]));
    differ(vec![vec![1_u8], vec![]], vec![vec![vec![1_u8]], vec![]]);
}

#[test]
fn options_differ_from_what_they_may_hold() {
    differ(Some(1_u8), true);
    differ(Some("a".to_owned()), "a".to_owned());
    differ(Some(1_u8), (1_u8, 1_u8));
    differ(Some(Some(1_u8)), Some(1_u8));
    differ(None::<u8>, false);
    differ(None::<u8>, ());
    differ(Some(()), ());
    differ(Some(()), true);
    // A variant, even of an enum that is laid out in the same way.
    differ(Some(1_u8), Ok::<u8, u8>(1));
}

#[test]
fn structs_differ_from_tuples_of_the_same_fields() {
    differ(Point { x: 1, y: 2 }, TwoFields(1, 2));
    differ(Point { x: 1, y: 2 }, [1_i32, 2]);
    differ(NoFields {}, ());
    differ(NoFields {}, NoElements());
    differ(NoElements(), Unit);
}

#[test]
fn a_value_that_has_no_trace_of_the_difference_is_the_same() {
    // Nothing in it is of the type that differs: it is the same value either way.
    same(Vec::<u8>::new(), Vec::<String>::new());
    same(None::<u8>, None::<Point>);
    same(Ok::<u8, u8>(1), Ok::<u8, String>(1));
    same(BTreeMap::<u8, u8>::new(), BTreeMap::<String, Point>::new());
    round_trip(Vec::<Vec<()>>::new());
    refused::<Vec<String>>(&vec![1_u8]);
}
