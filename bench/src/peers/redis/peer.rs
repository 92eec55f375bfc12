//! What contenders can do, and the same as work, judged alike for all.
//!
//! Each is given an id, and builds of it what it calls a key: as in a service, that is part of the operation.

use std::ops::Range;
use std::sync::Arc;

use super::contest::{self, Load, Work};
use super::users::{USERS, Users};
use crate::fixture::User;

pub(crate) trait Peer: Send + Sync + 'static {
    const NAME: &'static str;

    fn get(&self, id: u64) -> impl Future<Output = Option<User>> + Send;

    /// Stores for [`TTL_SECONDS`](super::TTL_SECONDS).
    fn put(&self, user: &User) -> impl Future<Output = ()> + Send;
}

/// Whoever reads several at once.
pub(crate) trait GetMany: Peer {
    fn get_many(&self, ids: &[u64]) -> impl Future<Output = Vec<Option<User>>> + Send;
}

/// Whoever reads, or else loads and stores.
pub(crate) trait Remember: Peer {
    fn remember(&self, id: u64) -> impl Future<Output = User> + Send;

    /// How often it has loaded.
    fn loads(&self) -> u64;
}

/// Whoever has tags: one of them, that is put on many and flushed.
pub(crate) trait Tagging: Peer {
    /// Stores this user under each of some numbers, and all of that under one tag.
    fn put_under_tag(&self, members: Range<u32>, user: &User) -> impl Future<Output = ()> + Send;

    fn flush(&self) -> impl Future<Output = ()> + Send;

    fn is_there(&self, member: u32) -> impl Future<Output = bool> + Send;
}

/// Reads of what is there, each of which must find the user whole.
pub(crate) struct Gets<P> {
    pub(crate) peer: Arc<P>,
    pub(crate) users: Arc<Users>,
}

impl<P: Peer> Work for Gets<P> {
    async fn once(&self, number: u32) {
        let user = self.users.at(number);
        let found = self.peer.get(user.id).await;
        assert_eq!(found.as_ref(), Some(user), "as {} finds it", P::NAME);
    }
}

pub(crate) struct Puts<P> {
    pub(crate) peer: Arc<P>,
    pub(crate) users: Arc<Users>,
}

impl<P: Peer> Work for Puts<P> {
    async fn once(&self, number: u32) {
        self.peer.put(self.users.at(number)).await;
    }
}

/// How many are read at once.
const MANY: usize = 100;

pub(crate) struct GetsOfMany<P> {
    pub(crate) peer: Arc<P>,
    pub(crate) users: Arc<Users>,
}

impl<P: GetMany> Work for GetsOfMany<P> {
    async fn once(&self, number: u32) {
        let users = self.users.some(number, MANY);
        let ids: Vec<_> = users.iter().map(|user| user.id).collect();
        let found = self.peer.get_many(&ids).await;
        assert!(found.iter().map(Option::as_ref).eq(users.iter().map(Some)), "by {}", P::NAME);
    }
}

pub(crate) struct Remembers<P> {
    pub(crate) peer: Arc<P>,
    pub(crate) users: Arc<Users>,
}

impl<P: Remember> Work for Remembers<P> {
    async fn once(&self, number: u32) {
        let user = self.users.at(number);
        assert_eq!(&self.peer.remember(user.id).await, user, "as {} has it", P::NAME);
    }
}

/// Stores every user, and sees to it that each is there.
pub(crate) async fn fill<P: Peer>(peer: &Arc<P>, users: &Arc<Users>) {
    let puts = Puts { peer: Arc::clone(peer), users: Arc::clone(users) };
    contest::rate(EACH, Arc::new(puts)).await;
    let gets = Gets { peer: Arc::clone(peer), users: Arc::clone(users) };
    contest::rate(EACH, Arc::new(gets)).await;
}

/// Stores every user by loading it, and sees to it that none has to be loaded again.
pub(crate) async fn load<P: Remember>(peer: &Arc<P>, users: &Arc<Users>) {
    for _ in 0..2 {
        let remembers = Remembers { peer: Arc::clone(peer), users: Arc::clone(users) };
        contest::rate(EACH, Arc::new(remembers)).await;
    }
    assert_eq!(peer.loads(), u64::from(USERS), "{} loads each user once", P::NAME);
}

/// So many numbers in a row lead to each user once.
const EACH: Load = Load { tasks: 50, operations: USERS };
