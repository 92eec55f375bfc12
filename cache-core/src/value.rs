//! Values as drivers see them: integers, and bytes that only a codec understands.
//!
//! No driver ever sees a user's type.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::shared::{Kept, Shared};
use crate::{NotKept, StoreFuture};

/// A value on its way into a store.
///
/// It lives no longer than the call that hands it over: a store copies what it keeps before it
/// returns its future, into whatever layout it likes, so that a value is copied once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload<'p> {
    /// Anything that serde sees as an integer that fits, at any nesting of newtypes: a counter.
    Integer(i64),
    /// What the codec wrote, its marks included. Opaque to a store.
    Encoded(&'p [u8]),
}

/// A value as a store keeps it and hands it out. Cheap to clone.
#[derive(Clone)]
pub enum Value {
    /// A counter, or any other integer.
    Integer(i64),
    /// What the codec wrote.
    Encoded(Encoded),
}

/// What [`Store::get`](crate::Store::get) finds: a live entry.
#[derive(Clone)]
pub struct Entry(Content);

#[derive(Clone)]
enum Content {
    Value(Value),
    /// What a server sent, in the buffer that it came in.
    Received(Bytes),
}

/// The bytes that a codec wrote, shared, and beside them the object that was read from them where
/// the store keeps it.
#[derive(Clone)]
pub struct Encoded(Repr);

#[derive(Clone)]
enum Repr {
    Bytes(Arc<[u8]>),
    Kept(Kept),
}

impl Payload<'_> {
    /// An owned copy: one allocation for bytes, none for an integer.
    #[inline]
    pub fn to_value(self) -> Value {
        match self {
            Self::Integer(integer) => Value::Integer(integer),
            Self::Encoded(bytes) => Value::Encoded(Encoded::new(bytes.into())),
        }
    }

    /// The bytes that an owned copy takes on the heap.
    #[inline]
    pub fn heap_bytes(self) -> usize {
        match self {
            Self::Integer(_) => 0,
            Self::Encoded(bytes) => bytes.len(),
        }
    }
}

impl Value {
    /// The value as it was handed over.
    #[inline]
    pub fn as_payload(&self) -> Payload<'_> {
        match self {
            Self::Integer(integer) => Payload::Integer(*integer),
            Self::Encoded(encoded) => Payload::Encoded(encoded.bytes()),
        }
    }

    /// The object that is kept beside the bytes of a live entry, or what there is instead in `why`: what
    /// [`Store::kept`](crate::Store::kept) answers. Nothing is moved but a pointer: see [`StoreFuture::hit`].
    #[inline]
    pub fn into_kept(self, why: &mut NotKept) -> Option<Kept> {
        match self {
            Self::Integer(integer) => {
                *why = NotKept::Found(Entry::new(Self::Integer(integer)));
                None
            }
            Self::Encoded(Encoded(Repr::Bytes(bytes))) => {
                found_bytes(bytes, why);
                None
            }
            Self::Encoded(Encoded(Repr::Kept(kept))) => Some(kept),
        }
    }

    /// The bytes that the value takes on the heap, without an object that is kept beside them.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.as_payload().heap_bytes()
    }
}

impl Entry {
    /// A live entry that holds this value.
    #[inline]
    pub fn new(value: Value) -> Self {
        Self(Content::Value(value))
    }

    /// A live entry that holds what the codec wrote, as it came from elsewhere: for stores that read
    /// an entry anew each time. It is decoded where it lies; nothing is copied.
    ///
    /// Cost: one allocation, and none where `owner` is a `bytes::Bytes`.
    #[inline]
    pub fn received(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        // So that no type of another crate is in the signature.
        let mut owner = Some(owner);
        let received = match (&mut owner as &mut dyn Any).downcast_mut::<Option<Bytes>>() {
            Some(bytes) => bytes.take(),
            None => owner.map(Bytes::from_owner),
        };
        Self(Content::Received(received.unwrap_or_default()))
    }

    /// What it holds, as it was handed over.
    #[inline]
    pub fn payload(&self) -> Payload<'_> {
        match &self.0 {
            Content::Value(value) => value.as_payload(),
            Content::Received(bytes) => Payload::Encoded(bytes),
        }
    }

    /// The object that is kept beside it, where it is a `T`.
    pub(crate) fn object<T: Send + Sync + 'static>(&self) -> Option<Shared<T>> {
        match &self.encoded()?.0 {
            Repr::Bytes(_) => None,
            Repr::Kept(kept) => Shared::from_kept(kept.clone()),
        }
    }

    /// The bytes that a store may [keep](crate::Store::keep) an object beside: none for an integer, nor for
    /// what was [received](Self::received).
    #[inline]
    pub fn encoded(&self) -> Option<&Encoded> {
        match &self.0 {
            Content::Value(Value::Encoded(encoded)) => Some(encoded),
            _ => None,
        }
    }
}

impl Encoded {
    /// Wraps the bytes of a [`Payload::Encoded`].
    #[inline]
    pub fn new(bytes: Arc<[u8]>) -> Self {
        Self(Repr::Bytes(bytes))
    }

    /// The bytes, as the codec wrote them.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.arc()
    }

    /// Whether both are one and the same written value: not equal bytes, but the same bytes.
    #[inline]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.arc(), other.arc())
    }

    /// Whether an object is kept beside the bytes.
    #[inline]
    pub fn keeps_object(&self) -> bool {
        matches!(self.0, Repr::Kept(_))
    }

    #[inline]
    pub(crate) fn arc(&self) -> &Arc<[u8]> {
        match &self.0 {
            Repr::Bytes(bytes) => bytes,
            Repr::Kept(kept) => kept.bytes(),
        }
    }

    /// The same bytes, and beside them the object that was read from them.
    pub(crate) fn keeping<T: Send + Sync + 'static>(object: &Shared<T>) -> Self {
        Self(Repr::Kept(object.as_kept()))
    }
}

impl StoreFuture<'_, Option<Entry>> {
    /// A hit that is there: the same as [`ok`](Self::ok) of an entry that holds `value`.
    ///
    /// It takes the value apart and hands its pointer on in registers. Moved as a whole, the parts that a table
    /// has just written one by one would be read in one wider load, which no processor forwards from its
    /// store buffer: it waits until they are in its cache, and all that came before with them. That costs
    /// as much as the look-up.
    #[inline]
    pub fn hit(value: Value) -> Self {
        match value {
            Value::Integer(integer) => Self::ok(Some(Entry::new(Value::Integer(integer)))),
            Value::Encoded(Encoded(Repr::Bytes(bytes))) => hit_bytes(bytes),
            Value::Encoded(Encoded(Repr::Kept(kept))) => hit_kept(kept),
        }
    }
}

/// Apart, as the ways beside it: else the value would have to lie in memory, and be moved there.
#[inline(never)]
fn found_bytes(bytes: Arc<[u8]>, why: &mut NotKept) {
    *why = NotKept::Found(Entry::new(Value::Encoded(Encoded(Repr::Bytes(bytes)))));
}

#[inline(never)]
fn hit_bytes<'a>(bytes: Arc<[u8]>) -> StoreFuture<'a, Option<Entry>> {
    StoreFuture::ok(Some(Entry::new(Value::Encoded(Encoded(Repr::Bytes(bytes))))))
}

#[inline(never)]
fn hit_kept<'a>(kept: Kept) -> StoreFuture<'a, Option<Entry>> {
    StoreFuture::ok(Some(Entry::new(Value::Encoded(Encoded(Repr::Kept(kept))))))
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => write!(f, "Integer({integer})"),
            Self::Encoded(bytes) => write!(f, "Encoded({} bytes)", bytes.len()),
        }
    }
}

// Contents stay out of logs: what is cached may be personal.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_payload().fmt(f)
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Payload::Encoded(self.bytes()).fmt(f)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.payload()).finish()
    }
}
