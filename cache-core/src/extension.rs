//! What crates that extend [`Cache`] build on, apart from its [`Writer`](crate::Writer).

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Cache, Error, ErrorKind, LockStore, Store};

/// State of extensions, by its type.
#[derive(Default)]
pub(crate) struct Extensions(Mutex<Vec<Arc<dyn Any + Send + Sync>>>);

impl Cache {
    /// The locks of the driver; [`Unsupported`](ErrorKind::Unsupported) where it has none.
    #[inline]
    pub fn lock_store(&self) -> Result<&dyn LockStore, Error> {
        locks_of(self.store("lock")?)
    }

    /// The same, also of a cache that has been [closed](Self::close): for what has to be given back.
    ///
    /// Whoever gives something back in the background may be overtaken by a close that was called later. A driver that is
    /// closed does what it still can.
    pub fn lock_store_to_give_back(&self) -> Result<&dyn LockStore, Error> {
        locks_of(&*self.inner.store)
    }

    /// The `T` of this cache and all of its clones, made when it is first asked for: what an extension has to
    /// remember from one call to the next.
    ///
    /// Cost: a lock that is held for a moment.
    pub fn extension<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut all = self.inner.extensions.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().find_map(|one| Arc::clone(one).downcast().ok());
        found.unwrap_or_else(|| {
            let made = Arc::<T>::default();
            all.push(Arc::clone(&made) as _);
            made
        })
    }
}

#[inline]
fn locks_of(store: &dyn Store) -> Result<&dyn LockStore, Error> {
    store.locks().ok_or_else(|| {
        let message = format!("the {} driver has no locks", store.name());
        Error::new(ErrorKind::Unsupported, message).during("lock")
    })
}
