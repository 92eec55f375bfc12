//! Tags as most libraries have them, by hand with `fred`: beside what bears a tag its key is added to the tag's set,
//! and a flush removes the members of the set. Between the two steps of a flush an entry can be added that it misses.

use std::ops::Range;

use fred::bytes::Bytes;
use fred::prelude::{Client, KeysInterface, SetsInterface};
use fred::types::{Expiration, Key};
use futures_util::future::try_join_all;

use super::by_hand::{encode, name};
use super::fred::{connect, succeed};
use crate::fixture::User;
use crate::peers::redis::TTL_SECONDS;
use crate::peers::redis::peer::{Peer, Tagging};

pub(crate) struct SetIndex(Client);

/// How many tags there are beside the one that all bear.
const GROUPS: u64 = 100;

/// The set of a tag that is flushed.
const FLUSHED: &str = "tag:flushed";

/// How many keys one command removes.
const BATCH: usize = 1_000;

const fn expires() -> Expiration {
    Expiration::EX(TTL_SECONDS.cast_signed())
}

impl SetIndex {
    pub(crate) async fn connect(url: &str) -> Self {
        Self(connect(url).await)
    }
}

impl Peer for SetIndex {
    const NAME: &'static str = "set index";

    async fn get(&self, id: u64) -> Option<User> {
        let found: Option<Bytes> = succeed(self.0.get(name(id)).await);
        found.map(|bytes| User::decode(&bytes))
    }

    async fn put(&self, user: &User) {
        let name = name(user.id);
        let group = format!("tag:group:{}", user.id % GROUPS);
        let pipeline = self.0.pipeline();
        let bytes = Bytes::from(encode(user));
        succeed(pipeline.set::<(), _, _>(&name, bytes, Some(expires()), None, false).await);
        succeed(pipeline.sadd::<(), _, _>("tag:users", &name).await);
        succeed(pipeline.sadd::<(), _, _>(group, name).await);
        succeed(pipeline.all::<()>().await);
    }
}

impl Tagging for SetIndex {
    async fn put_under_tag(&self, members: Range<u32>, user: &User) {
        let bytes = Bytes::from(encode(user));
        let names: Vec<Key> = members.map(|member| format!("member:{member}").into()).collect();
        let pipeline = self.0.pipeline();
        for name in &names {
            let bytes = bytes.clone();
            succeed(pipeline.set::<(), _, _>(name, bytes, Some(expires()), None, false).await);
        }
        succeed(pipeline.sadd::<(), _, _>(FLUSHED, names).await);
        succeed(pipeline.all::<()>().await);
    }

    /// All batches are sent without waiting in between, which is more than most libraries do.
    async fn flush(&self) {
        let members: Vec<Key> = succeed(self.0.smembers(FLUSHED).await);
        let batches = members.chunks(BATCH).map(|batch| self.0.unlink::<(), _>(batch.to_vec()));
        succeed(try_join_all(batches).await);
        succeed(self.0.unlink::<(), _>(FLUSHED).await);
    }

    async fn is_there(&self, member: u32) -> bool {
        succeed(self.0.exists::<u32, _>(format!("member:{member}")).await) == 1
    }
}
