//! Types of the standard library, back and forth.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::OsString;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::*;
use std::ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime};

use super::{differ, read, round_trip, same, try_write, write};

#[test]
fn numbers() {
    round_trip((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN));
    round_trip((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, usize::MAX));
    round_trip((NonZeroU8::MAX, NonZeroI16::MIN, NonZeroU64::MIN, NonZeroI128::MAX));
    round_trip((Wrapping(-1_i32), Saturating(7_u16)));
    round_trip(std::cmp::Reverse((f32::MIN_POSITIVE, f64::INFINITY)));
    assert!(read::<f64>(&write(&f64::NAN)).unwrap().is_nan());
    round_trip((true, 'a', '\u{10FFFF}'));
    let zero = write(&(0_u8,));
    assert!(read::<(NonZeroU8,)>(&zero).is_err(), "of the same shape, and no such value");
    // `usize` is `u64` on every platform.
    same((7_usize, -7_isize), (7_u64, -7_i64));
}

#[test]
fn times() {
    round_trip(Duration::new(u64::MAX, 999_999_999));
    round_trip(SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5));
    differ(Duration::from_secs(1), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
}

#[test]
fn results_and_bounds() {
    round_trip(Ok::<u8, String>(1));
    round_trip(Err::<u8, String>("a".into()));
    round_trip([Bound::Unbounded, Bound::Included(1), Bound::Excluded(2)]);
    round_trip::<(Range<u8>, RangeInclusive<u8>, RangeFrom<u8>, RangeTo<u8>)>((
        1..2,
        1..=2,
        1..,
        ..2,
    ));
}

#[test]
fn addresses() {
    round_trip([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    round_trip([
        SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80)),
        SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 0)),
    ]);
    differ(Ipv4Addr::LOCALHOST, IpAddr::V4(Ipv4Addr::LOCALHOST));
}

#[test]
fn texts_and_paths() {
    round_trip(PathBuf::from("/a/b"));
    round_trip(c"bytes".to_owned());
    round_trip(Cow::<'static, str>::Borrowed("a"));
    round_trip(Box::<str>::from("a"));
    // A variant of the platform that wrote it.
    round_trip(OsString::from("a"));
    same(PathBuf::from("/a/b"), "/a/b".to_owned());
}

#[test]
fn collections() {
    round_trip(HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
    round_trip(HashSet::from([1, 2, 3]));
    round_trip(BTreeMap::from([(BTreeSet::from([1]), LinkedList::from([2]))]));
    round_trip(VecDeque::from([Some(1), None]));
    let heap = BinaryHeap::from([3, 1, 2]);
    let back = read::<BinaryHeap<i32>>(&write(&heap)).unwrap();
    assert_eq!(back.into_sorted_vec(), [1, 2, 3]);
    round_trip(Box::<[u8]>::from([1, 2]));
}

#[test]
fn arrays_and_tuples_of_every_length_that_serde_knows() {
    round_trip([0_u8; 0]);
    round_trip([1_u8; 1]);
    round_trip([Some(7_u64); 16]);
    round_trip([i32::MIN; 32]);
    round_trip(((1,), (1, 2), (1, 2, 3, 4, 5, 6, 7, 8)));
    round_trip((1, 2_u8, 3, 4, 5, 6, 7, 8, 9, 10, "a".to_owned(), 'c'));
    let longest = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16_u8);
    assert_eq!(write(&longest).len(), 8 + 16);
}

#[test]
fn pointers_and_cells() {
    round_trip((Rc::new(1), Arc::new(2), Box::new(3)));
    round_trip((RefCell::new(1), Cell::new(2)));
    round_trip(PhantomData::<u8>);
    let locked =
        read::<(Mutex<u8>, RwLock<u8>)>(&write(&(Mutex::new(1_u8), RwLock::new(2_u8)))).unwrap();
    assert_eq!((*locked.0.lock().unwrap(), *locked.1.read().unwrap()), (1, 2));
    let atomics = write(&(AtomicBool::new(true), AtomicU32::new(7)));
    let (one, other) = read::<(AtomicBool, AtomicU32)>(&atomics).unwrap();
    assert_eq!((one.into_inner(), other.load(Ordering::SeqCst)), (true, 7));
}

#[test]
fn what_serde_refuses_stays_an_error() {
    let cell = RefCell::new(1);
    let borrowed = cell.borrow_mut();
    assert!(try_write(&cell).is_err());
    drop(borrowed);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(OsString::from_vec(vec![0xFF]));
        assert!(try_write(&path).unwrap_err().contains("UTF-8"));
    }
}
