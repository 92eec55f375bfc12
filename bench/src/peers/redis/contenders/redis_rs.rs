//! `redis` by hand: its `ConnectionManager`, which is what its guide names for one connection that many share and that
//! comes back, with more patience than the half a second that it comes with.

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, IntoConnectionInfo, RedisError};

use super::by_hand::{encode, name};
use crate::fixture::User;
use crate::peers::redis::peer::{GetMany, Peer};
use crate::peers::redis::{PATIENCE, TTL_SECONDS};

pub(crate) struct Manager<const NO_DELAY: bool>(ConnectionManager);

pub(crate) type RedisRs = Manager<false>;

/// With `TCP_NODELAY`, which `redis` does not set by itself.
pub(crate) type RedisRsNoDelay = Manager<true>;

impl<const NO_DELAY: bool> Manager<NO_DELAY> {
    pub(crate) async fn connect(url: &str) -> Self {
        let config = ConnectionManagerConfig::new().set_response_timeout(Some(PATIENCE));
        let info = succeed(url.into_connection_info());
        let tcp = info.tcp_settings().clone().set_nodelay(NO_DELAY);
        let client = succeed(Client::open(info.set_tcp_settings(tcp)));
        Self(succeed(client.get_connection_manager_with_config(config).await))
    }
}

impl<const NO_DELAY: bool> Peer for Manager<NO_DELAY> {
    const NAME: &'static str = if NO_DELAY { "raw redis-rs, TCP_NODELAY" } else { "raw redis-rs" };

    async fn get(&self, id: u64) -> Option<User> {
        let found: Option<Vec<u8>> = succeed(self.0.clone().get(name(id)).await);
        found.map(|bytes| User::decode(&bytes))
    }

    async fn put(&self, user: &User) {
        let stored = self.0.clone().set_ex(name(user.id), encode(user), TTL_SECONDS).await;
        succeed::<()>(stored);
    }
}

impl GetMany for RedisRs {
    async fn get_many(&self, ids: &[u64]) -> Vec<Option<User>> {
        let names: Vec<_> = ids.iter().copied().map(name).collect();
        let found: Vec<Option<Vec<u8>>> = succeed(self.0.clone().mget(names).await);
        found.into_iter().map(|found| found.map(|bytes| User::decode(&bytes))).collect()
    }
}

fn succeed<T>(outcome: Result<T, RedisError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("the server answers redis-rs: {error}"),
    }
}
