//! Keys in the table: short ones lie in it, so that a look-up does not have to follow them; long ones are
//! shared, so that a sweep can name them without copying them.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use cache_core::Key;
use ecow::EcoString;
use quick_cache::Equivalent;

/// The text of a key, owned by the table. Up to 15 bytes it has no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableKey(EcoString);

impl From<Key<'_>> for TableKey {
    #[inline]
    fn from(key: Key<'_>) -> Self {
        Self(EcoString::from(key.as_str()))
    }
}

impl TableKey {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A key that is looked up, and no more.
pub(crate) struct Sought<'k>(pub(crate) Key<'k>);

impl Equivalent<TableKey> for Sought<'_> {
    #[inline]
    fn equivalent(&self, key: &TableKey) -> bool {
        *self.0.as_str() == *key.0
    }
}

/// The bytes alone, without the mark that ends a `str` among other fields: there are none, and it would be one
/// more step before a look-up can begin.
#[inline]
fn hash_bytes<H: Hasher>(text: &str, state: &mut H) {
    state.write(text.as_bytes());
}

impl Hash for TableKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_bytes(&self.0, state);
    }
}

impl Hash for Sought<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_bytes(self.0.as_str(), state);
    }
}

/// A key that is looked up and becomes the table's own only where it is missing.
///
/// `quick_cache` asks for `Q: ToOwned<Owned = K>` wherever it may insert, and a `str` can only become a
/// `String`: so this is a view that borrows as a trait object, and becomes a [`TableKey`].
pub(crate) trait LookUp {
    fn text(&self) -> &str;
}

impl LookUp for Key<'_> {
    fn text(&self) -> &str {
        self.as_str()
    }
}

impl LookUp for TableKey {
    fn text(&self) -> &str {
        &self.0
    }
}

impl Hash for dyn LookUp + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_bytes(self.text(), state);
    }
}

impl PartialEq for dyn LookUp + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for dyn LookUp + '_ {}

impl<'a> Borrow<dyn LookUp + 'a> for TableKey {
    fn borrow(&self) -> &(dyn LookUp + 'a) {
        self
    }
}

impl ToOwned for dyn LookUp + '_ {
    type Owned = TableKey;

    fn to_owned(&self) -> TableKey {
        TableKey(EcoString::from(self.text()))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[test]
    fn every_view_of_a_key_hashes_alike() {
        let hasher = RandomState::new();
        let key = Key::new("naïve ☕").unwrap();
        let owned = TableKey::from(key);
        let hash = hasher.hash_one(&owned);
        assert_eq!(hash, hasher.hash_one(Sought(key)));
        assert_eq!(hash, hasher.hash_one(&key as &dyn LookUp));
        assert!((&key as &dyn LookUp).to_owned() == owned);
    }
}
