//! `fred` by hand, with the `TCP_NODELAY` that its README sets, and otherwise as it comes: without a timeout, without a
//! bound on what waits.

use std::time::Duration;

use fred::bytes::Bytes;
use fred::error::Error;
use fred::prelude::{Builder, Client, ClientLike, Config, KeysInterface, TcpConfig};
use fred::types::Expiration;

use super::by_hand::{encode, name};
use crate::fixture::User;
use crate::peers::redis::TTL_SECONDS;
use crate::peers::redis::peer::{GetMany, Peer};

pub(crate) struct Fred(Client);

pub(crate) async fn connect(url: &str) -> Client {
    let config = succeed(Config::from_url(url));
    let mut builder = Builder::from_config(config);
    builder.with_connection_config(|connection| {
        connection.connection_timeout = Duration::from_secs(5);
        connection.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
    });
    let client = succeed(builder.build());
    succeed(client.init().await);
    client
}

impl Fred {
    pub(crate) async fn connect(url: &str) -> Self {
        Self(connect(url).await)
    }
}

impl Peer for Fred {
    const NAME: &'static str = "raw fred";

    async fn get(&self, id: u64) -> Option<User> {
        let found: Option<Bytes> = succeed(self.0.get(name(id)).await);
        found.map(|bytes| User::decode(&bytes))
    }

    async fn put(&self, user: &User) {
        let bytes = Bytes::from(encode(user));
        let expires = Some(Expiration::EX(TTL_SECONDS.cast_signed()));
        succeed(self.0.set::<(), _, _>(name(user.id), bytes, expires, None, false).await);
    }
}

impl GetMany for Fred {
    async fn get_many(&self, ids: &[u64]) -> Vec<Option<User>> {
        let names: Vec<_> = ids.iter().copied().map(name).collect();
        let found: Vec<Option<Bytes>> = succeed(self.0.mget(names).await);
        found.into_iter().map(|found| found.map(|bytes| User::decode(&bytes))).collect()
    }
}

pub(crate) fn succeed<T>(outcome: Result<T, Error>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("the server answers fred: {error}"),
    }
}
