//! Tags as a user names them: checked, and each of them once.

use std::sync::Arc;

use cache_core::{Error, ErrorKind, Tag};

/// The tags of a `TaggedCache`, or what is wrong with one of them.
#[derive(Clone, Debug)]
pub(crate) struct TagSet(Result<Arc<[Box<str>]>, Error>);

impl TagSet {
    pub(crate) fn new<T: AsRef<str>>(given: impl IntoIterator<Item = T>) -> Self {
        Self(checked(given).map(Arc::from))
    }

    pub(crate) fn during(&self, operation: &'static str) -> Result<Vec<Tag<'_>>, Error> {
        let tags = self.0.as_ref().map_err(|error| error.clone().during(operation))?;
        tags.iter().map(|tag| Tag::new(tag)).collect()
    }
}

fn checked<T: AsRef<str>>(given: impl IntoIterator<Item = T>) -> Result<Vec<Box<str>>, Error> {
    let mut tags: Vec<Box<str>> = Vec::new();
    for tag in given {
        let tag = Tag::new(tag.as_ref())?.as_str();
        if tags.iter().any(|there| **there == *tag) {
            continue;
        }
        if tags.len() == Tag::MAX_PER_ENTRY {
            let message = format!(
                "one tag too many: an entry bears at most {} tags, and one flush takes no more; flush the \
                 others in another call",
                Tag::MAX_PER_ENTRY
            );
            return Err(Error::new(ErrorKind::InvalidTag, message).on(tag));
        }
        tags.push(tag.into());
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(set: &TagSet) -> Vec<String> {
        let tags = set.during("put").unwrap();
        tags.iter().map(|tag| tag.as_str().to_owned()).collect()
    }

    #[test]
    fn a_tag_that_is_named_twice_counts_once() {
        assert_eq!(names(&TagSet::new(["b", "a", "b", "a", "c"])), ["b", "a", "c"]);
        assert_eq!(names(&TagSet::new([""; 0])), [""; 0]);
    }

    #[test]
    fn so_many_tags_are_taken_and_no_more() {
        let many: Vec<_> = (0..Tag::MAX_PER_ENTRY).map(|n| n.to_string()).collect();
        let twice = many.iter().chain(&many);
        assert_eq!(names(&TagSet::new(twice)).len(), Tag::MAX_PER_ENTRY);
        let refused = TagSet::new(many.iter().map(String::as_str).chain(["more"]));
        for operation in ["put", "flush"] {
            let error = refused.during(operation).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidTag);
            let said = error.to_string();
            for part in
                [operation, "\"more\"", "at most 255 tags", "flush the others in another call"]
            {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
    }
}
