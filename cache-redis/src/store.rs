//! The store: each operation as the command that it is.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use cache_core::{
    Encoded, Entry, Error, Kept, Key, Lifetime, LockStore, NotKept, Payload, Store, StoreFuture,
    TagStore, Terms, Ttl,
};
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::Value as Reply;
use futures_util::future::{join_all, try_join_all};

use crate::beliefs::Beliefs;
use crate::builder::RedisStoreBuilder;
use crate::connection::Connection;
use crate::envelope::Head;
use crate::failure::{WrongType, unexpected};
use crate::keys::Keyspace;
use crate::lookup::{Found, Known, bytes_in};
use crate::many::Share;
use crate::numbers::{expiration, millis_of, sum, whole};
use crate::scripts::{ADD, FORGET, HAS, INCREMENT, Script, TOUCH, TTL};
use crate::subscriber::Subscriber;
use crate::tags::Bearing;
use crate::target::refused;
use crate::{envelope, flush, lookup, many};

/// A store on a Redis or Valkey server, a cluster of them, or one that sentinels watch.
///
/// Every operation is one round trip, those of many keys one per server, sent at once. What bears tags takes a
/// second one where this process does not know yet which tags those are, or what has happened to them; a third one to
/// be stored, where somebody else has flushed one of them. A `forget_many` of some that bear tags takes two, and so
/// does on a cluster an `add` under tags. `flush` takes one for each
/// thousand keys of the database and one for each thousand that it removes.
///
/// Except on a cluster, `get`s of which many are called for at the same time share a command, and where some of them find
/// nothing an EXISTS, which tells an absent key from one of another type. It goes along with the command as long as
/// there are such, and after it where there were none. Many `put`s without tags share a script, which stores each and
/// tells of each; values of 64 KiB and more go by themselves.
///
/// Locks are taken, renewed and released in one round trip each. The first who waits for one opens another connection,
/// which hears of releases, on the channel `PREFIX#wake:ID`. Of each release one store is told, the first that waits;
/// if somebody else was quicker, it waits anew, behind the others.
///
/// A store is made for one cache; clones of that cache share it. Another store with the same prefix on the
/// same server, in whatever process, sees the same entries. It belongs to the tokio runtime in which it was
/// opened, and disconnects when it is dropped.
pub struct RedisStore {
    keyspace: Keyspace,
    beliefs: Arc<Beliefs>,
    connections: Vec<Connection>,
    subscriber: Subscriber,
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
    /// | `node` | another node of the cluster, or another sentinel, of which all are to be named; may be repeated | |
    /// | `service` | what the sentinels watch | |
    /// | `sentinel_user`, `sentinel_password` | for sentinels that ask for them | |
    ///
    /// Errors: [`Config`](cache_core::ErrorKind::Config) for what no later attempt could mend, naming the part of the URL
    /// and never showing a password; [`Unavailable`](cache_core::ErrorKind::Unavailable) if the server cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url)?.connect().await
    }

    /// The settings of `url`, to be changed before the store is [connected](RedisStoreBuilder::connect).
    pub fn builder(url: &str) -> Result<RedisStoreBuilder, Error> {
        RedisStoreBuilder::from_url(url)
    }

    pub(crate) fn new(
        keyspace: Keyspace,
        beliefs: Arc<Beliefs>,
        connections: Vec<Connection>,
        subscriber: Subscriber,
    ) -> Self {
        Self { keyspace, beliefs, connections, subscriber }
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

    pub(crate) fn beliefs(&self) -> &Beliefs {
        &self.beliefs
    }

    pub(crate) fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    pub(crate) fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// The connection of all operations on `name`: so one follows the other.
    #[inline]
    pub(crate) fn connection(&self, name: &[u8]) -> &Connection {
        &self.connections[self.connection_index(name)]
    }

    #[inline]
    fn connection_index(&self, name: &[u8]) -> usize {
        index_of(name, self.connections.len())
    }

    /// Parts of an operation by the connections of what they are about.
    pub(crate) fn shares<T>(
        &self,
        parts: impl ExactSizeIterator<Item = T>,
        name: impl Fn(&T) -> &Bytes,
    ) -> Vec<Share<'_, T>> {
        many::by_connection(&self.connections, parts, |part| self.connection_index(name(part)))
    }

    async fn set(&self, name: Bytes, value: Bytes, lifetime: Lifetime) -> Result<(), Error> {
        let connection = self.connection(&name);
        let value = connection.counting().counted(value)?;
        let clients = connection.ready().await?;
        let set = || {
            let (value, expires) = (Reply::Bytes(value.clone()), expiration(lifetime));
            clients.once().set::<Reply, _, _>(name.clone(), value, expires, None, false)
        };
        let answer = set().await;
        let answer = clients.follow(answer, set).await;
        connection.judge(answer, WrongType::Unreadable).map(drop)
    }

    /// Runs a script on one key, and asks along for the versions of the tags that it bore last.
    async fn run(
        &self,
        script: &Script,
        name: &Bytes,
        args: &[Reply],
    ) -> Result<(Reply, Known), Error> {
        self.run_on(script, std::slice::from_ref(name), args).await
    }

    /// The same on one key and others, which are on the same server.
    async fn run_on(
        &self,
        script: &Script,
        names: &[Bytes],
        args: &[Reply],
    ) -> Result<(Reply, Known), Error> {
        let Some(name) = names.first() else { return Err(unexpected()) };
        let connection = self.connection(name);
        let clients = connection.ready().await?;
        let run = script.run(&clients, names, args);
        let (answer, known) = lookup::along(connection.link(), &self.beliefs, name, run).await;
        // Of the scripts only that which counts tells of another type.
        Ok((connection.judge(answer, WrongType::NotACounter)?, known))
    }

    async fn is_live(&self, name: &Bytes, head: &Head, known: Known) -> Result<bool, Error> {
        self.beliefs.note_found(name, Some(head));
        lookup::is_live(self.connection(name).link(), &self.beliefs, head, known).await
    }

    /// Whether something is there, or there was, by what a script says of it.
    async fn was_there(&self, name: &Bytes, said: Reply, known: Known) -> Result<bool, Error> {
        match There::said(said)? {
            There::Nothing => Ok(false),
            There::Untagged => Ok(true),
            There::Tagged(head) => self.is_live(name, &head, known).await,
        }
    }

    async fn remove(&self, name: Bytes) -> Result<bool, Error> {
        let (gone, known) = self.run(&FORGET, &name, &[]).await?;
        let Reply::Array(mut gone) = gone else { return Err(unexpected()) };
        let gone = gone.pop().ok_or_else(unexpected)?;
        self.was_there(&name, gone, known).await
    }

    async fn remove_share(&self, share: Share<'_, Bytes>) -> Result<usize, Error> {
        let mut heads = Vec::new();
        let mut count = 0;
        for gone in many::forget(&share).await? {
            match There::said(gone)? {
                There::Nothing => {}
                There::Untagged => count += 1,
                There::Tagged(head) => heads.push(head),
            }
        }
        Ok(count + lookup::live(share.connection.link(), &self.beliefs, &heads).await?)
    }

    async fn add_new(
        &self,
        name: Bytes,
        mut sealed: Bytes,
        lifetime: Lifetime,
        bearing: Option<Bearing>,
    ) -> Result<bool, Error> {
        let connection = self.connection(&name);
        // Of what was stored under versions that are found to be past afterwards nobody could tell whether it has been
        // served. So the script looks; on a cluster, where the tags may be elsewhere, they are asked for before.
        let mut keys = vec![name.clone()];
        let mut versions = Vec::new();
        if let Some(bearing) = &bearing {
            if bearing.is_believed() && !connection.is_clustered() {
                keys.extend_from_slice(&bearing.tags);
                versions = bearing.believed_texts();
            } else if !bearing.is_given() {
                sealed = envelope::renew(&sealed, &self.renewed(connection, bearing).await?);
            }
        }
        let mut dead = Bytes::new();
        loop {
            let value = connection.counting().counted(sealed.clone())?;
            let mut args =
                vec![Reply::Bytes(value), millis_of(lifetime), Reply::Bytes(dead.clone())];
            args.append(&mut versions);
            let (said, known) = self.run_on(&ADD, &keys, &args).await?;
            if matches!(said, Reply::Integer(-1)) {
                let Some(bearing) = &bearing else { return Err(unexpected()) };
                sealed = envelope::renew(&sealed, &self.renewed(connection, bearing).await?);
                keys.truncate(1);
                continue;
            }
            match There::said(said)? {
                There::Nothing => return Ok(false),
                // It was stored.
                There::Untagged => return Ok(true),
                There::Tagged(head) if self.is_live(&name, &head, known).await? => {
                    return Ok(false);
                }
                There::Tagged(head) => dead = head.bytes().clone(),
            }
            versions.extend(args.drain(3..));
        }
    }

    async fn count(
        &self,
        name: Bytes,
        by: i64,
        lifetime: Lifetime,
        bearing: Option<Bearing>,
    ) -> Result<i64, Error> {
        let connection = self.connection(&name);
        let is_given = bearing.as_ref().is_some_and(Bearing::is_given);
        // What a counter begins with that is created here.
        let mut fresh = match &bearing {
            None => Bytes::new(),
            Some(bearing) => bearing.seal(Payload::Integer(0)),
        };
        fresh.truncate(envelope::head_length(&fresh));
        if let Some(bearing) = &bearing
            && !bearing.is_known()
        {
            fresh = envelope::renew(&fresh, &self.renewed(connection, bearing).await?);
        }
        let mut dead = Bytes::new();
        loop {
            let [created, replaced] = [&fresh, &dead].map(|head| Reply::Bytes(head.clone()));
            let args = [by.into(), millis_of(lifetime), created, replaced];
            let (said, known) = self.run(&INCREMENT, &name, &args).await?;
            let Reply::Array(parts) = said else { return sum(&said) };
            let Ok([head, counted]) = <[Reply; 2]>::try_from(parts) else {
                return Err(unexpected());
            };
            let head = bytes_in(head)?.and_then(|head| Head::of(&head));
            // It is of a later version of the library, or of somebody else.
            let head = head.ok_or_else(|| WrongType::NotACounter.error())?;
            // What is dead under versions that were given has been created anew, and will not be more alive.
            let is_settled = is_given && *head.bytes() == fresh && dead == fresh;
            if is_settled || self.is_live(&name, &head, known).await? {
                return sum(&counted);
            }
            if *head.bytes() == fresh
                && !is_given
                && let Some(bearing) = &bearing
            {
                fresh = envelope::renew(&fresh, &self.renewed(connection, bearing).await?);
            }
            dead = head.bytes().clone();
        }
    }
}

/// What a script says of what is, or was, at a key.
enum There {
    Nothing,
    Untagged,
    Tagged(Head),
}

impl There {
    fn said(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Integer(0) => Ok(Self::Nothing),
            Reply::Integer(_) => Ok(Self::Untagged),
            // With a head that is of a later version, something is there as well.
            reply => Ok(bytes_in(reply)?
                .and_then(|head| Head::of(&head))
                .map_or(Self::Untagged, Self::Tagged)),
        }
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
            return StoreFuture::pending(connection.reads().get(name));
        }
        StoreFuture::pending_at(|| lookup::one(connection.link(), &self.beliefs, name))
    }

    fn get_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, Vec<Option<Entry>>> {
        let shares = self.shares(self.keyspace.values(keys).into_iter(), |name| name);
        let keys = keys.to_vec();
        StoreFuture::pending(async move {
            let found = many::get(shares, &self.beliefs, keys.len()).await?;
            let read = |(found, key): (Found, &Key<'_>)| {
                found.into_entry().map_err(|error| error.on(key.as_str()))
            };
            found.into_iter().zip(&keys).map(read).collect()
        })
    }

    fn has<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let (said, known) = self.run(&HAS, &name, &[]).await?;
            self.was_there(&name, said, known).await
        })
    }

    fn ttl<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Ttl>> {
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let (said, known) = self.run(&TTL, &name, &[]).await?;
            let Reply::Array(parts) = said else { return Err(unexpected()) };
            let Ok([left, head]) = <[Reply; 2]>::try_from(parts) else { return Err(unexpected()) };
            let head = bytes_in(head)?.and_then(|head| Head::of(&head));
            if let Some(head) = head
                && !self.is_live(&name, &head, known).await?
            {
                return Ok(None);
            }
            Ok(match whole(&left)? {
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
        let bearing = match self.bearing(terms) {
            Ok(bearing) => bearing,
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let name = self.keyspace.value(key);
        match bearing {
            None => {
                self.beliefs.note_none(&name);
                let value = envelope::seal(payload);
                let connection = self.connection(&name);
                // On a cluster keys lie on several nodes.
                if connection.writes().are_many_like(&value) && !connection.is_clustered() {
                    return StoreFuture::pending(connection.writes().put((
                        name,
                        value,
                        terms.lifetime,
                    )));
                }
                StoreFuture::pending_at(|| self.set(name, value, terms.lifetime))
            }
            Some(bearing) => {
                self.beliefs.note(&name, bearing.tags.clone());
                let entry = (name, bearing.seal(payload));
                let shares = self.shares(std::iter::once(entry), |(name, _)| name);
                StoreFuture::pending(async move {
                    self.put_tagged(shares, &bearing, terms.lifetime).await
                })
            }
        }
    }

    fn put_many<'a>(
        &'a self,
        entries: &[(Key<'a>, Payload<'_>)],
        terms: Terms<'_>,
    ) -> StoreFuture<'a, ()> {
        let bearing = match self.bearing(terms) {
            Ok(bearing) => bearing,
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let sealed = entries.iter().map(|(key, payload)| {
            let name = self.keyspace.value(*key);
            match &bearing {
                None => {
                    self.beliefs.note_none(&name);
                    (name, envelope::seal(*payload))
                }
                Some(bearing) => {
                    self.beliefs.note(&name, bearing.tags.clone());
                    (name, bearing.seal(*payload))
                }
            }
        });
        let shares = self.shares(sealed, |(name, _)| name);
        StoreFuture::pending(async move {
            match &bearing {
                Some(bearing) => self.put_tagged(shares, bearing, terms.lifetime).await,
                None => many::put(&shares, Bytes::clone, terms.lifetime).await,
            }
        })
    }

    fn add<'a>(
        &'a self,
        key: Key<'a>,
        payload: Payload<'_>,
        terms: Terms<'_>,
    ) -> StoreFuture<'a, bool> {
        let bearing = match self.bearing(terms) {
            Ok(bearing) => bearing,
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let name = self.keyspace.value(key);
        let sealed = match &bearing {
            None => envelope::seal(payload),
            Some(bearing) => {
                self.beliefs.note_first(&name, &bearing.tags);
                bearing.seal(payload)
            }
        };
        StoreFuture::pending(self.add_new(name, sealed, terms.lifetime, bearing))
    }

    fn take<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, Option<Entry>> {
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let connection = self.connection(&name);
            let clients = connection.ready().await?;
            let take = || clients.once().getdel::<Reply, _>(name.clone());
            let taken = async {
                let taken = take().await;
                clients.follow(taken, take).await
            };
            let (taken, known) =
                lookup::along(connection.link(), &self.beliefs, &name, taken).await;
            let taken = connection.judge(taken, WrongType::Unreadable)?;
            lookup::opened(connection.link(), &self.beliefs, &name, taken, known).await
        })
    }

    fn forget<'a>(&'a self, key: Key<'a>) -> StoreFuture<'a, bool> {
        StoreFuture::pending(self.remove(self.keyspace.value(key)))
    }

    fn forget_many<'a>(&'a self, keys: &[Key<'a>]) -> StoreFuture<'a, usize> {
        let shares = self.shares(self.keyspace.values(keys).into_iter(), |name| name);
        StoreFuture::pending(async move {
            let gone = shares.into_iter().map(|share| self.remove_share(share));
            Ok(try_join_all(gone).await?.into_iter().sum())
        })
    }

    fn touch<'a>(&'a self, key: Key<'a>, lifetime: Option<Lifetime>) -> StoreFuture<'a, bool> {
        let Some(lifetime) = lifetime else { return self.forget(key) };
        let name = self.keyspace.value(key);
        StoreFuture::pending(async move {
            let args = [millis_of(lifetime)];
            let (said, known) = self.run(&TOUCH, &name, &args).await?;
            match There::said(said)? {
                There::Nothing => Ok(false),
                There::Untagged => Ok(true),
                There::Tagged(head) => {
                    if !self.is_live(&name, &head, known).await? {
                        return Ok(false);
                    }
                    self.prolong(self.connection(&name), &head, lifetime).await?;
                    Ok(true)
                }
            }
        })
    }

    fn increment<'a>(&'a self, key: Key<'a>, by: i64, created: Terms<'_>) -> StoreFuture<'a, i64> {
        let bearing = match self.bearing(created) {
            Ok(bearing) => bearing,
            Err(error) => return StoreFuture::ready(Err(error)),
        };
        let name = self.keyspace.value(key);
        if let Some(bearing) = &bearing {
            self.beliefs.note_first(&name, &bearing.tags);
        }
        StoreFuture::pending(self.count(name, by, created.lifetime, bearing))
    }

    fn kept(&self, _: Key<'_>, _: &mut NotKept) -> Option<Kept> {
        None
    }

    fn keep(&self, _: Key<'_>, _: &Encoded, _: Encoded) {}

    fn flush(&self) -> StoreFuture<'_, ()> {
        StoreFuture::pending(flush::flush(&self.keyspace, &self.connections))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        StoreFuture::pending(async move {
            // Also if this future is dropped, wherever it has got to.
            let _disconnect: Vec<_> =
                self.connections.iter().map(Connection::disconnect_in_the_end).collect();
            self.subscriber.close().await;
            join_all(self.connections.iter().map(Connection::close)).await;
            Ok(())
        })
    }

    fn tags(&self) -> Option<&dyn TagStore> {
        Some(self)
    }

    fn locks(&self) -> Option<&dyn LockStore> {
        Some(self)
    }
}

/// Which of so many connections is that of all operations on `name`.
#[inline]
pub(crate) fn index_of(name: &[u8], connections: usize) -> usize {
    match connections {
        1 => 0,
        several => usize::from(fred::util::redis_keyslot(name)) % several,
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
