//! A cheap handle to a decoded value, which a store may keep beside its bytes.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A decoded value that is shared rather than copied: what
/// [`Cache::get_shared`](crate::Cache::get_shared) hands out.
///
/// It derefs to the value, clones for the price of a counter, and stays valid whatever becomes of
/// the entry that it came from.
pub struct Shared<T>(Arc<Held<T>>);

/// Object and bytes behind one pointer, so that a hit touches one allocation.
struct Held<T> {
    value: T,
    bytes: Arc<[u8]>,
}

/// A decoded value that a store keeps beside its bytes, of a type that the store does not know.
#[derive(Clone)]
pub struct Kept(pub(crate) Arc<dyn Holding>);

/// A [`Held`] of any type.
pub(crate) trait Holding: Any + Send + Sync {
    fn bytes(&self) -> &Arc<[u8]>;
}

impl<T: Send + Sync + 'static> Holding for Held<T> {
    #[inline]
    fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(value: T, bytes: Arc<[u8]>) -> Self {
        Self(Arc::new(Held { value, bytes }))
    }
}

impl<T: Send + Sync + 'static> Shared<T> {
    pub(crate) fn as_kept(&self) -> Kept {
        Kept(Arc::clone(&self.0) as _)
    }

    /// The object, where it is a `T`.
    #[inline]
    pub(crate) fn from_kept(kept: Kept) -> Option<Self> {
        let any: Arc<dyn Any + Send + Sync> = kept.0;
        match any.downcast() {
            Ok(object) => Some(Self(object)),
            Err(other) => {
                let_go(other);
                None
            }
        }
    }
}

/// Apart, so that the pointer of an object that is found need not lie in memory to be dropped.
#[cold]
fn let_go(other: Arc<dyn Any + Send + Sync>) {
    drop(other);
}

impl Kept {
    #[inline]
    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
        self.0.bytes()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// As the value itself: an answer can be written from what the cache keeps, without a copy.
impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Shared<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_type_that_was_kept_comes_back() {
        let shared = Shared::new(String::from("John"), Arc::from(&b"bytes"[..]));
        let kept = shared.as_kept();
        assert_eq!(&**kept.bytes(), b"bytes");
        assert!(Shared::<Vec<u8>>::from_kept(kept.clone()).is_none());
        assert_eq!(Shared::<String>::from_kept(kept).unwrap().as_str(), "John");
    }

    #[test]
    fn it_is_written_as_the_value_itself() {
        let shared = Shared::new(vec![1, 2], Arc::from(&b"bytes"[..]));
        assert_eq!(serde_json::to_string(&shared).unwrap(), "[1,2]");
    }
}
