//! What happened: calls with when they began and ended, each as what it may have changed and what it saw.

use std::sync::atomic::{AtomicU64, Ordering};

use super::client::Value;

/// The order of all beginnings and ends: of two numbers the smaller was given out before.
pub(crate) fn now() -> u64 {
    static CLOCK: AtomicU64 = AtomicU64::new(1);
    CLOCK.fetch_add(1, Ordering::SeqCst)
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Tells apart what is of other calls.
    pub(crate) call: u64,
    pub(crate) client: usize,
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    /// Its future was dropped: it may have been done in part, and may yet be, up to the end of the round.
    pub(crate) is_dropped: bool,
}

impl Span {
    /// When it is over, for operations of `client` on the same key. What a client gave up is done before whatever it
    /// begins later.
    pub(crate) fn over_for(&self, client: usize) -> u64 {
        if self.is_dropped && self.client != client { u64::MAX } else { self.ended }
    }

    pub(crate) fn over(&self) -> u64 {
        if self.is_dropped { u64::MAX } else { self.ended }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) span: Span,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// `since`: when the data of it were read.
    Write {
        key: usize,
        value: Value,
        tags: u8,
        since: u64,
        is_loaded: bool,
    },
    Removal {
        key: usize,
    },
    Flush {
        tags: u8,
    },
    Read {
        key: usize,
        saw: Saw,
    },
    /// An increment by one, and its sum if it was answered.
    Count {
        counter: usize,
        sum: Option<i64>,
    },
    CounterRemoval {
        counter: usize,
    },
    CounterRead {
        counter: usize,
        saw: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saw {
    Nothing,
    Something,
    Value(Value),
}

impl Saw {
    pub(crate) fn whether(is_there: bool) -> Self {
        if is_there { Self::Something } else { Self::Nothing }
    }

    pub(crate) fn found(value: Option<Value>) -> Self {
        value.map_or(Self::Nothing, Self::Value)
    }
}
