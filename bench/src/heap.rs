//! The bytes that are live on the heap, counted while somebody wants to know.
//!
//! Counting can be switched off, which is why this is no crate: ready-made counters add some ten
//! nanoseconds to every allocation of the whole program, and so would flatter, in the other sections,
//! whoever allocates least.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

#[global_allocator]
static HEAP: Counting = Counting;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicI64 = AtomicI64::new(0);

struct Counting;

/// Begins to count. What is live already counts as nothing.
pub(crate) fn count() {
    IS_COUNTING.store(true, Ordering::SeqCst);
}

/// Ends to count, until it is begun again: nobody else should pay for it.
pub(crate) fn pause() {
    IS_COUNTING.store(false, Ordering::SeqCst);
}

/// The bytes allocated while it was counted, less those freed: below zero where older ones were.
pub(crate) fn live() -> i64 {
    LIVE.load(Ordering::Relaxed)
}

#[inline]
fn add(bytes: impl FnOnce() -> i64) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes(), Ordering::Relaxed);
    }
}

/// A `Layout` is never larger than `isize::MAX`.
#[inline]
fn signed(bytes: usize) -> i64 {
    bytes.try_into().unwrap_or(i64::MAX)
}

// SAFETY: every call goes to `System` with the arguments as they came; nothing else is done but to
// count, which neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(|| signed(layout.size()));
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        add(|| -signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(|| signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(|| signed(new_size) - signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}
