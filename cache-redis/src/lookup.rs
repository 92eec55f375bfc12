//! Reading what may bear tags: an entry is found only if the versions that it carries are its tags' versions.
//!
//! A version is never given twice. So whoever reads an entry first and its tags' versions afterwards, and finds
//! that they agree, knows that they agreed when the entry was read.

use std::collections::BTreeMap;
use std::future::Future;

use bytes::Bytes;
use cache_core::{Entry, Error};
use fred::interfaces::KeysInterface;
use fred::types::Value as Reply;
use futures_util::future::{OptionFuture, join};

use crate::beliefs::Beliefs;
use crate::envelope::{self, Head, Stored};
use crate::failure::{WrongType, unexpected, unreadable};
use crate::link::Link;
use crate::many;

/// What lies at a name.
pub(crate) enum Found {
    Nothing,
    /// An entry of which a tag was flushed.
    Flushed,
    Live(Entry),
    Unreadable,
}

impl Found {
    pub(crate) fn into_entry(self) -> Result<Option<Entry>, Error> {
        match self {
            Self::Nothing | Self::Flushed => Ok(None),
            Self::Live(entry) => Ok(Some(entry)),
            Self::Unreadable => Err(unreadable()),
        }
    }
}

/// Versions that the server has told, by the names of their tags; `None` if a tag has none.
#[derive(Default)]
pub(crate) struct Known {
    versions: BTreeMap<Bytes, Option<u64>>,
    /// They may have been told before the entry was found. Where they agree with what the entry carries, it was live;
    /// where they do not, it may be younger than they are.
    may_be_early: bool,
}

impl Known {
    fn early(may_be_early: bool) -> Self {
        Self { may_be_early, ..Self::default() }
    }

    fn learn(&mut self, beliefs: &Beliefs, keys: &[Bytes], replies: Vec<Reply>) {
        let versions = replies.into_iter().map(|reply| version_in(&reply));
        self.versions.extend(keys.iter().map(|key| beliefs.tag_at(key)).zip(versions));
    }

    /// Whether the entry with this head is live, if it is known.
    fn judge(&self, head: &Head) -> Option<bool> {
        let mut live = Some(true);
        for (tag, carried) in head.tags() {
            match self.versions.get(tag) {
                Some(now) if *now == Some(carried) => {}
                Some(_) => return Some(false),
                None => live = None,
            }
        }
        live
    }

    /// The tags of an entry whose versions are not known.
    fn missing<'h>(&self, head: &'h Head) -> impl Iterator<Item = &'h [u8]> {
        head.tags().map(|(tag, _)| tag).filter(|tag| !self.versions.contains_key(*tag))
    }
}

/// The version in a reply: 16 hexadecimal digits. Whatever else lies there is none.
pub(crate) fn version_in(reply: &Reply) -> Option<u64> {
    let digits: [u8; 16] = reply.as_bytes()?.try_into().ok()?;
    digits.into_iter().try_fold(0, |version, digit| {
        Some(version << 4 | u64::from(char::from(digit).to_digit(16)?))
    })
}

/// What lies at one name.
///
/// What is only for entries with tags is boxed here and below, so that the others do not carry its state along: a
/// command of fred's is a future of 5,000 bytes.
pub(crate) async fn one(
    link: &Link,
    beliefs: &Beliefs,
    name: Bytes,
) -> Result<Option<Entry>, Error> {
    if let Some(tags) = beliefs.borne_by(&name) {
        let (found, known) = Box::pin(one_and(link, beliefs, &name, &tags)).await?;
        // Nothing, or another type, which is told by the command below.
        if !found.is_null() {
            return opened(link, beliefs, &name, found, known).await;
        }
        beliefs.note_none(&name);
    }
    let clients = link.ready().await?;
    let get = || clients.once().get::<Reply, _>(name.clone());
    let found = get().await;
    let found = clients.follow(found, get).await;
    let found = link.judge(found, WrongType::Unreadable)?;
    drop(clients);
    opened(link, beliefs, &name, found, Known::default()).await
}

/// What lies at a name, and the versions of these tags: before it, so that nothing has to be asked for twice, see
/// [`many::padded`].
async fn one_and(
    link: &Link,
    beliefs: &Beliefs,
    name: &Bytes,
    tags: &[Bytes],
) -> Result<(Reply, Known), Error> {
    let names = [tags, std::slice::from_ref(name)].concat();
    let mut versions = many::find(link, names).await?;
    let found = versions.pop().ok_or_else(unexpected)?;
    // On a cluster several nodes answer.
    let mut known = Known::early(link.clustered);
    known.learn(beliefs, tags, versions);
    Ok((found, known))
}

/// The entry in a reply, if it is live.
pub(crate) async fn opened(
    link: &Link,
    beliefs: &Beliefs,
    name: &Bytes,
    found: Reply,
    known: Known,
) -> Result<Option<Entry>, Error> {
    let Some(bytes) = bytes_in(found)? else { return Ok(None) };
    let Stored { entry, head } = envelope::open(&bytes).ok_or_else(unreadable)?;
    beliefs.note_found(name, head.as_ref());
    match head {
        Some(head) if !is_live(link, beliefs, &head, known).await? => Ok(None),
        _ => Ok(Some(entry)),
    }
}

/// Whether an entry with this head, that has just been found, is live.
pub(crate) async fn is_live(
    link: &Link,
    beliefs: &Beliefs,
    head: &Head,
    mut known: Known,
) -> Result<bool, Error> {
    match known.judge(head) {
        Some(false) if known.may_be_early => known = Known::default(),
        Some(live) => return Ok(live),
        None => {}
    }
    let missing = beliefs.keys_of(known.missing(head));
    let versions = Box::pin(many::find(link, missing.to_vec())).await?;
    known.learn(beliefs, &missing, versions);
    known.judge(head).ok_or_else(unexpected)
}

/// How many of the entries with these heads are live.
pub(crate) async fn live(link: &Link, beliefs: &Beliefs, heads: &[Head]) -> Result<usize, Error> {
    let mut known = Known::default();
    let mut tags: Vec<_> = heads.iter().flat_map(|head| known.missing(head)).collect();
    if tags.is_empty() {
        return Ok(0);
    }
    tags.sort_unstable();
    tags.dedup();
    let keys = beliefs.keys_of(tags.into_iter());
    let versions = many::find(link, keys.to_vec()).await?;
    known.learn(beliefs, &keys, versions);
    Ok(heads.iter().filter(|head| known.judge(head) == Some(true)).count())
}

/// Does something with the entry at `name`, and asks at the same time for the versions of the tags that it bore
/// last.
pub(crate) async fn along<T>(
    link: &Link,
    beliefs: &Beliefs,
    name: &Bytes,
    act: impl Future<Output = T>,
) -> (T, Known) {
    let tags = beliefs.borne_by(name);
    let ask = tags.as_deref().map(|tags| Box::pin(many::find(link, tags.to_vec())));
    let (done, versions) = join(act, OptionFuture::from(ask)).await;
    // What is done may be done later than it was asked for: by another node, or as a script that the server does not
    // know, and is sent again.
    let mut known = Known::early(true);
    // Without an answer they are asked for again, if need be.
    if let (Some(tags), Some(Ok(versions))) = (tags, versions) {
        known.learn(beliefs, &tags, versions);
    }
    (done, known)
}

/// What lies at several names, by whatever asks for that: once, and once more for the versions of tags that the
/// entries were not known to bear. Where the versions may be told earlier than the entries, they are asked for again
/// before an entry is taken for flushed.
pub(crate) async fn all<E, F>(
    beliefs: &Beliefs,
    names: Vec<Bytes>,
    may_be_early: bool,
    find: impl Fn(Vec<Bytes>) -> F,
) -> Result<Vec<Found>, E>
where
    E: From<Error>,
    F: Future<Output = Result<Vec<Reply>, E>>,
{
    let mut known = Known::default();
    let mut tags = Vec::new();
    for name in &names {
        for tag in beliefs.borne_by(name).iter().flat_map(|tags| tags.iter()) {
            if known.versions.insert(beliefs.tag_at(tag), None).is_none() {
                tags.push(tag.clone());
            }
        }
    }
    let mut found = find([&names[..], &tags].concat()).await?;
    let versions = found.split_off(names.len().min(found.len()));
    known.learn(beliefs, &tags, versions);
    let mut stored = Vec::with_capacity(names.len());
    let mut missing = Vec::new();
    for (name, found) in names.iter().zip(found) {
        let opened = bytes_in(found)?.map(|bytes| envelope::open(&bytes));
        if let Some(Some(Stored { head, .. })) = &opened {
            beliefs.note_found(name, head.as_ref());
            let is_dead = |head: &&Head| known.judge(head) == Some(false);
            if let Some(early) = head.as_ref().filter(is_dead).filter(|_| may_be_early) {
                missing.extend(early.tags().map(|(tag, _)| Bytes::copy_from_slice(tag)));
            } else {
                let unknown = head.iter().flat_map(|head| known.missing(head));
                missing.extend(unknown.map(Bytes::copy_from_slice));
            }
        }
        stored.push(opened);
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        missing.dedup();
        let keys = beliefs.keys_of(missing.iter().map(|tag| &**tag));
        let versions = find(keys.to_vec()).await?;
        known.learn(beliefs, &keys, versions);
    }
    let found = stored.into_iter().map(|stored| match stored {
        None => Found::Nothing,
        Some(None) => Found::Unreadable,
        Some(Some(Stored { entry, head })) => match head.map(|head| known.judge(&head)) {
            None | Some(Some(true)) => Found::Live(entry),
            Some(_) => Found::Flushed,
        },
    });
    Ok(found.collect())
}

/// The bytes in a reply.
pub(crate) fn bytes_in(reply: Reply) -> Result<Option<Bytes>, Error> {
    match reply {
        Reply::Null => Ok(None),
        Reply::Bytes(bytes) => Ok(Some(bytes)),
        // fred looks whether bytes are UTF-8 before it says so.
        Reply::String(text) => Ok(Some(text.into_inner())),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_version_is_none() {
        let version = |text: &'static [u8]| version_in(&Reply::Bytes(Bytes::from_static(text)));
        assert_eq!(version(b"00000000000000ff"), Some(255));
        assert_eq!(version(b"FFFFFFFFFFFFFFFF"), Some(u64::MAX));
        for other in
            [&b""[..], b"ff", b"+0000000000000ff", b"0000000000000ff ", b"\xFF000000000000000"]
        {
            assert_eq!(version(other), None, "{other:?}");
        }
        assert_eq!(version_in(&Reply::Null), None);
    }
}
