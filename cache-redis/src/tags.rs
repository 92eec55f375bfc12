//! What bears tags: how it is written under their versions, and how those are made, read and flushed.
//!
//! A version lies at a key of its own and is never given twice. Flushing a tag removes it: what carries it is
//! dead from then on, since a missing version equals none, and the next entry is given another. So a flush is one
//! command, leaves nothing behind, and needs no agreement with whoever is writing at the time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cache_core::{
    Error, ErrorKind, Lifetime, Payload, StoreFuture, Tag, TagStore, TagVersions, Tagging, Terms,
};
use fred::types::Value as Reply;
use futures_util::future::{OptionFuture, join, try_join_all};

use crate::beliefs::{Kept, Need, TagKeys};
use crate::connection::Connection;
use crate::envelope::Head;
use crate::failure::{WrongType, unexpected};
use crate::lookup::version_in;
use crate::many::Share;
use crate::numbers::{millis_of, signed, whole};
use crate::scripts::{PUT, VERSION};
use crate::store::RedisStore;
use crate::{envelope, many};

/// The tags that something is to bear.
pub(crate) struct Bearing {
    pub(crate) tags: TagKeys,
    names: Box<[Box<str>]>,
    versions: Versions,
    need: Need,
}

enum Versions {
    /// Believed to be current. That has to be confirmed.
    Believed(Vec<u64>),
    /// To be asked for before anything is written.
    Unknown,
    /// Read before the value was loaded: it is stored under these, whatever has become of them.
    Given(Vec<u64>),
}

impl Bearing {
    /// The bytes to store; with versions of zero where they are not known yet.
    pub(crate) fn seal(&self, payload: Payload<'_>) -> Bytes {
        let number = |place: usize| match &self.versions {
            Versions::Believed(versions) | Versions::Given(versions) => versions[place],
            Versions::Unknown => 0,
        };
        let names = self.names.iter().enumerate();
        envelope::seal_tagged(payload, names.map(|(place, name)| (&**name, number(place))))
    }

    pub(crate) fn is_known(&self) -> bool {
        !matches!(self.versions, Versions::Unknown)
    }

    /// The versions that are believed, as scripts take them; none if others were sealed.
    pub(crate) fn believed_texts(&self) -> Vec<Reply> {
        match &self.versions {
            Versions::Believed(versions) => texts_of(versions),
            _ => Vec::new(),
        }
    }

    /// Whether the versions are those from before a load.
    pub(crate) fn is_given(&self) -> bool {
        matches!(self.versions, Versions::Given(_))
    }

    /// Whether what was written under the versions that were known at first has to be confirmed.
    pub(crate) fn is_believed(&self) -> bool {
        matches!(self.versions, Versions::Believed(_))
    }

    /// Whether these are the versions that were believed.
    pub(crate) fn is_confirmed_by(&self, now: &[u64]) -> bool {
        matches!(&self.versions, Versions::Believed(believed) if believed == now)
    }
}

impl RedisStore {
    /// What an entry on these terms is to bear, if anything.
    pub(crate) fn bearing(&self, terms: Terms<'_>) -> Result<Option<Bearing>, Error> {
        let need = Need::of(terms.lifetime);
        let names: Box<[Box<str>]> = match terms.tags {
            Tagging::Untagged => return Ok(None),
            Tagging::Current(tags) => tags.iter().map(|tag| tag.as_str().into()).collect(),
            Tagging::AsOf(seen) => seen.iter().map(|(tag, _)| tag.into()).collect(),
            _ => {
                let message = "the redis driver is older than what it is asked for";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        if names.is_empty() {
            return Ok(None);
        }
        let tags = self.beliefs().keys_of(names.iter().map(|name| name.as_bytes()));
        let versions = match terms.tags {
            Tagging::AsOf(seen) => Versions::Given(seen.iter().map(|(_, number)| number).collect()),
            _ => match self.beliefs().versions_of(&tags, need) {
                Some(versions) => Versions::Believed(versions),
                None => Versions::Unknown,
            },
        };
        Ok(Some(Bearing { tags, names, versions, need }))
    }

    /// Stores what bears tags, sealed with the versions that are known. Where they turn out to be past, it is stored
    /// with those that the tags have now; but not what was loaded earlier: its load may have read what has been
    /// changed since.
    pub(crate) async fn put_tagged(
        &self,
        shares: Vec<Share<'_, (Bytes, Bytes)>>,
        bearing: &Bearing,
        lifetime: Lifetime,
    ) -> Result<(), Error> {
        let Some(connection) = shares.first().map(|share| share.connection) else { return Ok(()) };
        let Bearing { tags, versions, need, .. } = bearing;
        let put = async |shares: &[Share<'_, (Bytes, Bytes)>]| {
            many::put(shares, Bytes::clone, lifetime).await
        };
        let stale = match versions {
            Versions::Unknown => shares,
            Versions::Given(given) => {
                let is_kept = self.beliefs().versions_of(tags, *need).as_ref() == Some(given);
                let keep = (!is_kept).then(|| Box::pin(self.make(connection, tags, *need)));
                // On a cluster they are written in any case: what is dead is never served.
                let stored = async {
                    if connection.is_clustered() {
                        return put(&shares).await;
                    }
                    self.put_if_current(shares, given, bearing, lifetime).await.map(drop)
                };
                let (stored, kept) = join(stored, OptionFuture::from(keep)).await;
                return stored.and(kept.transpose().map(drop));
            }
            Versions::Believed(_) if connection.is_clustered() => {
                // The nodes answer in any order. So the entries may have been served in the moment before a flush, and
                // are then stored once more although somebody has taken them.
                let (now, stored) = join(self.read(connection, tags), put(&shares)).await;
                stored?;
                if now?.is_some_and(|now| bearing.is_confirmed_by(&now)) {
                    return Ok(());
                }
                shares
            }
            Versions::Believed(believed) => {
                self.put_if_current(shares, believed, bearing, lifetime).await?
            }
        };
        if stale.is_empty() {
            return Ok(());
        }
        let versions = self.make(connection, tags, *need).await?;
        many::put(&stale, |sealed| envelope::renew(sealed, &versions), lifetime).await
    }

    /// Stores entries if their tags have these versions, on one server. Returns those that were not.
    async fn put_if_current<'c>(
        &self,
        shares: Vec<Share<'c, (Bytes, Bytes)>>,
        versions: &[u64],
        bearing: &Bearing,
        lifetime: Lifetime,
    ) -> Result<Vec<Share<'c, (Bytes, Bytes)>>, Error> {
        let versions = &texts_of(versions);
        let steps = many::in_steps(shares).into_iter().map(|share| async move {
            let clients = share.connection.ready().await?;
            let counting = share.connection.counting();
            let names = share.parts.iter().map(|(name, _)| name);
            let keys: Vec<_> = names.chain(&*bearing.tags).cloned().collect();
            let mut args = Vec::with_capacity(2 + keys.len());
            let count = i64::try_from(share.parts.len()).map_err(|_| unexpected())?;
            args.extend([count.into(), millis_of(lifetime)]);
            for (_, sealed) in &share.parts {
                args.push(Reply::Bytes(counting.counted(sealed.clone())?));
            }
            args.extend_from_slice(versions);
            let stored = PUT.run(&clients, &keys, &args).await;
            let stored = whole(&share.connection.judge(stored, WrongType::Unreadable)?)?;
            Ok::<_, Error>((stored == 0).then_some(share))
        });
        Ok(try_join_all(steps).await?.into_iter().flatten().collect())
    }

    /// The versions of what is to bear tags, as they are now and will be kept.
    pub(crate) async fn renewed(
        &self,
        connection: &Connection,
        bearing: &Bearing,
    ) -> Result<Vec<u64>, Error> {
        self.make(connection, &bearing.tags, bearing.need).await
    }

    /// Sees to it that an entry with this head, which has been given another lifetime, outlives none of the versions
    /// that it carries.
    pub(crate) async fn prolong(
        &self,
        connection: &Connection,
        head: &Head,
        lifetime: Lifetime,
    ) -> Result<(), Error> {
        let need = Need::of(lifetime);
        let (tags, carried): (Vec<_>, Vec<_>) = head.tags().unzip();
        let tags = self.beliefs().keys_of(tags.into_iter());
        if self.beliefs().versions_of(&tags, need) == Some(carried) {
            return Ok(());
        }
        self.make(connection, &tags, need).await.map(drop)
    }

    /// The versions of tags, if each has one.
    pub(crate) async fn read(
        &self,
        connection: &Connection,
        tags: &[Bytes],
    ) -> Result<Option<Vec<u64>>, Error> {
        let found = many::find(connection.link(), tags.to_vec()).await?;
        Ok(found.iter().map(version_in).collect())
    }

    /// The versions of tags, made where there are none, and kept for as long as is needed.
    async fn make(
        &self,
        connection: &Connection,
        tags: &[Bytes],
        need: Need,
    ) -> Result<Vec<u64>, Error> {
        let clients = &*connection.ready().await?;
        let least = need.least.map_or(Reply::from_static_str(""), |least| millis(least).into());
        let given = Reply::from(millis(need.given));
        let sent = Instant::now();
        try_join_all(tags.iter().map(|tag| {
            let fresh = text_of(self.beliefs().make_version());
            let args = [fresh, least.clone(), given.clone()];
            async move {
                let made = VERSION.run(clients, std::slice::from_ref(tag), &args).await;
                let made = connection.judge(made, WrongType::Unreadable)?;
                let Reply::Array(parts) = made else { return Err(unexpected()) };
                let [version, left] = &parts[..] else { return Err(unexpected()) };
                let version = version_in(version).ok_or_else(unexpected)?;
                let left = u64::try_from(whole(left)?).ok();
                // From when it was sent: the server counts from later.
                let end = left.map(|left| sent.checked_add(Duration::from_millis(left)));
                let kept = end.flatten().map_or(Kept::Forever, Kept::Until);
                self.beliefs().learn(tag, version, kept);
                Ok(version)
            }
        }))
        .await
    }
}

/// A version as it lies on the server: see [`version_in`].
fn text_of(version: u64) -> Reply {
    format!("{version:016x}").into()
}

fn texts_of(versions: &[u64]) -> Vec<Reply> {
    versions.iter().map(|version| text_of(*version)).collect()
}

fn millis(duration: Duration) -> i64 {
    signed(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl TagStore for RedisStore {
    fn versions<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, TagVersions> {
        let names: Vec<Box<str>> = tags.iter().map(|tag| tag.as_str().into()).collect();
        let keys = self.beliefs().keys_of(names.iter().map(|name| name.as_bytes()));
        let Some(first) = keys.first() else { return StoreFuture::ok(TagVersions::default()) };
        let connection = self.connection(first);
        StoreFuture::pending(async move {
            let need = Need::of_a_load();
            // Where they are likely to be there and to stay it is enough to look.
            let found = match self.beliefs().versions_of(&keys, need) {
                // Others are kept for nobody knows how long.
                Some(believed) => {
                    let found = self.read(connection, &keys).await?;
                    found.filter(|found| *found == believed)
                }
                None => None,
            };
            let versions = match found {
                Some(versions) => versions,
                None => self.make(connection, &keys, need).await?,
            };
            Ok(TagVersions::new(names.into_iter().zip(versions)))
        })
    }

    fn flush<'a>(&'a self, tags: &[Tag<'_>]) -> StoreFuture<'a, ()> {
        let keys = self.beliefs().keys_of(tags.iter().map(|tag| tag.as_str().as_bytes()));
        let shares = self.shares(keys.iter().cloned(), |key| key);
        StoreFuture::pending(async move {
            many::remove(shares).await?;
            self.beliefs().doubt(&keys);
            Ok(())
        })
    }
}
