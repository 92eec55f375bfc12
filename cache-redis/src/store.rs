//! The store: each operation as the command that it is.

use std::fmt;

use bytes::Bytes;
use cache_core::{
    Encoded, Entry, Error, ErrorKind, Kept, Key, Lifetime, LockStore, Payload, Store, StoreFuture,
    TagStore, Tagging, Terms, Ttl,
};
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::{Expiration, SetOptions, Value as Reply};
use futures_util::future::join_all;

use crate::builder::RedisStoreBuilder;
use crate::connection::Connection;
use crate::failure::{WrongType, unexpected, unreadable};
use crate::keys::Keyspace;
use crate::scripts::{INCREMENT, TOUCH_FOREVER};
use crate::target::refused;
use crate::{envelope, flush, many};

/// A store on a Redis or Valkey server, a cluster of them, or one that sentinels watch.
///
/// Every operation is one round trip, those of many keys one per server, sent at once; `flush` takes one for
/// each thousand keys of the database and one for each thousand that it removes. Except on a cluster, `get`s
/// that are called for at the same time share a command, and where some of them find nothing an EXISTS, which tells an
/// absent key from one of another type. It goes along with the command as long as there are such, and after it where
/// there were none.
///
/// A store is made for one cache; clones of that cache share it. Another store with the same prefix on the
/// same server, in whatever process, sees the same entries. It belongs to the tokio runtime in which it was
/// opened, and disconnects when it is dropped.
pub struct RedisStore {
    keyspace: Keyspace,
    connections: Vec<Connection>,
}

/// The oldest server that has `GETDEL`: major and minor version.
const OLDEST: (u64, u64) = (6, 2);

impl RedisStore {
    /// What keys begin with unless said.
    pub const DEFAULT_PREFIX: &str = "cache";

    /// Connects to the servers that `url` names:
    ///
    /// | URL | servers |
    /// |---|---|
    /// | `redis://host:port/database` | one |
    /// | `redis-cluster://host:port?node=host:port&node=…` | a cluster, by any of its nodes |
    /// | `redis-sentinel://host:port/database?service=NAME&node=…` | what the sentinels call `NAME` |
    /// | `rediss://…`, `rediss-cluster://…`, `rediss-sentinel://…` | the same with TLS (feature `tls`) |
    ///
    /// `valkey` and `valkeys` mean the same as `redis` and `rediss`. User and password stand before the host,
    /// `user:password@`, percent-encoded where need be. Options follow a `?`, in which a `+` is a space:
    ///
    /// | option | meaning | default |
    /// |---|---|---|
    /// | `prefix` | what all keys of the cache begin with | `cache` |
    /// | `connections` | how many share the work | 1 |
    /// | `command_timeout` | how long an operation waits for its answer, as in `250ms` | `1s` |
    /// | `connect_timeout` | how long each step of connecting may take | `5s` |
    /// | `ca` | a file with certificates (PEM) to trust instead of the system's | |
    /// | `node` | another node of the cluster, or another sentinel; may be repeated | |
    /// | `service` | what the sentinels watch | |
    /// | `sentinel_user`, `sentinel_password` | for sentinels that ask for them | |
    ///
    /// Errors: [`Config`](ErrorKind::Config) for what no later attempt could mend, naming the part of the URL
    /// and never showing a password; [`Unavailable`](ErrorKind::Unavailable) if the server cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url)?.connect().await
    }

    /// The settings of `url`, to be changed before the store is [connected](RedisStoreBuilder::connect).
    pub fn builder(url: &str) -> Result<RedisStoreBuilder, Error> {
        RedisStoreBuilder::from_url(url)
    }

    pub(crate) fn new(keyspace: Keyspace, connections: Vec<Connection>) -> Self {
        Self { keyspace, connections }
    }

    /// Refuses servers that lack what the driver sends.
    pub(crate) async fn check_version(connections: &[Connection]) -> Result<(), Error> {
        let Some(connection) = connections.first() else { return Ok(()) };
        match connection.ready().await?.client().server_version() {
            Some(version) if (version.major, version.minor) < OLDEST => Err(refused(format!(
                "the server is Redis {version}; 6.2 is the oldest that will do"
            ))),
            _ => Ok(()),
        }
    }

    /// The connection of all operations on `name`: so one follows the other.
    #[inline]
    fn connection(&self, name: &[u8]) -> &Connection {
        &self.connections[self.connection_index(name)]
    }

    #[inline]
    fn connection_index(&self, name: &[u8]) -> usize {
        match self.connections.len() {
            1 => 0,
            several => usize::from(fred::util::redis_keyslot(name)) % several,
        }
    }

    /// A read that goes alone.
    async fn find(&self, name: Bytes) -> Result<Option<Entry>, Error> {
        let connection = self.connection(&name);
        let clients = connection.ready().await?;
        let found = clients.again().get::<Reply, _>(name).await;
        entry(connection.judge(found, WrongType::Unreadable)?)
    }

    async fn set(
        &self,
        name: Bytes,
        value: Bytes,
        expires: Option<Expiration>,
        only_if: Option<SetOptions>,
    ) -> Result<Reply, Error> {
        let connection = self.connection(&name);
        let value = Reply::Bytes(connection.counting().counted(value)?);
        let clients = connection.ready().await?;
        // What depends on what is there would find itself the second time.
        let client = if only_if.is_some() { clients.once() } else { clients.again() };
        let set = client.set::<Reply, _, _>(name, value, expires, only_if, false).await;
        connection.judge(set, WrongType::Unreadable)
    }

    async fn remove(&self, key: Key<'_>) -> Result<bool, Error> {
        let name = self.keyspace.value(key);
        let connection = self.connection(&name);
        let clients = connection.ready().await?;
        let removed = clients.once().unlink::<Reply, _>(name).await;
        let removed = connection.judge(removed, WrongType::Unreadable)?;
        whole(&removed).map(|removed| removed > 0)
    }
}

impl Store for RedisStore {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn get<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        let name = self.keyspace.value(key);
        let connection = self.connection(&name);
        // On a cluster a command has keys of one slot.
        if connection.reads().are_many() && !connection.is_clustered() {
            return StoreFuture::pending(async move { entry(connection.reads().get(name).await?) });
        }
        StoreFuture::pending_at(|| self.find(name))
    }

    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        let keys = keys.to_vec();
        let names = many::by_connection(
            &self.connections,
            keys.iter().map(|key| self.keyspace.value(*key)),
            |name| self.connection_index(name),
        );
        StoreFuture::pending(async move {
            let found = many::get(names, keys.len()).await?;
            let read = |(found, key): (Reply, &Key<'_>)| {
                entry(found).map_err(|error| error.on(key.as_str()))
            };
            found.into_iter().zip(&keys).map(read).collect()
        })
    }

    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let connection = self.connection(&name);
            let clients = connection.ready().await?;
            let there = clients.again().exists::<Reply, _>(name).await;
            let there = connection.judge(there, WrongType::Unreadable)?;
            whole(&there).map(|there| there > 0)
        })
    }

    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let connection = self.connection(&name);
            let clients = connection.ready().await?;
            let left = clients.again().pttl::<Reply, _>(name).await;
            Ok(match whole(&connection.judge(left, WrongType::Unreadable)?)? {
                -1 => Some(Ttl::FOREVER),
                ..=-2 => None,
                // In the very millisecond of its deadline there are none left, and it is there.
                millis => Some(Ttl::milliseconds(millis.unsigned_abs().max(1))),
            })
        })
    }

    fn put<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        let expires = match untagged(terms) {
            Ok(lifetime) => expiration(lifetime),
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let name = self.keyspace.value(key);
        let value = envelope::seal(payload);
        StoreFuture::pending(async move { self.set(name, value, expires, None).await.map(drop) })
    }

    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        let expires = match untagged(terms) {
            Ok(lifetime) => expiration(lifetime),
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let entries = many::by_connection(
            &self.connections,
            entries
                .iter()
                .map(|(key, payload)| (self.keyspace.value(*key), envelope::seal(*payload))),
            |(name, _)| self.connection_index(name),
        );
        StoreFuture::pending(many::put(entries, expires))
    }

    fn add<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, bool> {
        let expires = match untagged(terms) {
            Ok(lifetime) => expiration(lifetime),
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let name = self.keyspace.value(key);
        let value = envelope::seal(payload);
        StoreFuture::pending(async move {
            let stored = self.set(name, value, expires, Some(SetOptions::NX)).await?;
            Ok(!stored.is_null())
        })
    }

    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let connection = self.connection(&name);
            let clients = connection.ready().await?;
            let found = clients.once().getdel::<Reply, _>(name).await;
            entry(connection.judge(found, WrongType::Unreadable)?)
        })
    }

    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        StoreFuture::pending(self.remove(key))
    }

    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
        let names = many::by_connection(
            &self.connections,
            keys.iter().map(|key| self.keyspace.value(*key)),
            |name| self.connection_index(name),
        );
        StoreFuture::pending(many::forget(names))
    }

    fn touch<'a>(&'a self, key: Key<'a>, lifetime: Option<Lifetime>) -> StoreFuture<'a, bool> {
        let Some(lifetime) = lifetime else { return self.forget(key) };
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let connection = self.connection(&name);
            let clients = connection.ready().await?;
            let client = clients.again();
            let touched = match lifetime {
                Lifetime::Millis(millis) => {
                    client.pexpire::<Reply, _>(name, signed(millis.get()), None).await
                }
                Lifetime::Forever => TOUCH_FOREVER.run(client, name.clone(), &[]).await,
            };
            let touched = connection.judge(touched, WrongType::Unreadable)?;
            whole(&touched).map(|touched| touched > 0)
        })
    }

    fn increment<'a>(&'a self, key: Key<'a>, by: i64, created: Terms<'_>) -> StoreFuture<'a, i64> {
        let lifetime = match untagged(created) {
            Ok(Lifetime::Forever) => Reply::from_static_str(""),
            Ok(Lifetime::Millis(millis)) => signed(millis.get()).into(),
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let connection = self.connection(&name);
            let clients = connection.ready().await?;
            let args = [by.into(), lifetime];
            let sum = INCREMENT.run(clients.once(), name.clone(), &args).await;
            let sum = connection.judge(sum, WrongType::NotACounter)?;
            sum.as_str().and_then(|sum| sum.parse().ok()).ok_or_else(unexpected)
        })
    }

    fn kept(&self, _: Key<'_>) -> Option<Kept> {
        None
    }

    fn keep(&self, _: Key<'_>, _: &Encoded, _: Encoded) {}

    fn flush(&self) -> StoreFuture<'_, ()> {
        StoreFuture::pending(flush::flush(&self.keyspace, &self.connections))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        StoreFuture::pending(async move {
            join_all(self.connections.iter().map(Connection::close)).await;
            Ok(())
        })
    }

    fn tags(&self) -> Option<&dyn TagStore> {
        None
    }

    fn locks(&self) -> Option<&dyn LockStore> {
        None
    }
}

/// The entry in a reply: what the server has at a key, or nothing.
fn entry(found: Reply) -> Result<Option<Entry>, Error> {
    let bytes: Bytes = match found {
        Reply::Null => return Ok(None),
        Reply::Bytes(bytes) => bytes,
        // fred looks whether bytes are UTF-8 before it says so.
        Reply::String(text) => text.into_inner(),
        _ => return Err(unexpected()),
    };
    envelope::open(&bytes).map(Some).ok_or_else(unreadable)
}

/// The number in a reply.
pub(crate) fn whole(reply: &Reply) -> Result<i64, Error> {
    reply.as_i64().ok_or_else(unexpected)
}

fn expiration(lifetime: Lifetime) -> Option<Expiration> {
    match lifetime {
        Lifetime::Forever => None,
        Lifetime::Millis(millis) => Some(Expiration::PX(signed(millis.get()))),
    }
}

/// The longest lifetime is some 500 years.
fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

fn untagged(terms: Terms<'_>) -> Result<Lifetime, Error> {
    match terms.tags {
        Tagging::Untagged => Ok(terms.lifetime),
        _ => Err(Error::new(ErrorKind::Unsupported, "the redis driver has no tags yet")),
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.keyspace)
            .field("connections", &self.connections.len())
            .finish_non_exhaustive()
    }
}
