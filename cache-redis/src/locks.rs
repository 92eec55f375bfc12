//! Locks: leases on the server, compared by owner in one step; and waiting for their end.

use std::time::Duration;

use bytes::Bytes;
use cache_core::{Acquisition, Error, Fence, Key, LockState, LockStore, Owner, StoreFuture};
use fred::bytes_utils::Str;
use fred::interfaces::{ClientLike, FredResult};
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use fred::util::redis_keyslot;

use crate::failure::{WrongType, unexpected};
use crate::keys::LockKeys;
use crate::link::Link;
use crate::numbers::{signed, whole};
use crate::scripts::{ACQUIRE, INSPECT, LOOK, RELEASE, RENEW, Script};
use crate::store::RedisStore;
use crate::subscriber::Subscriber;
use crate::supervisor::chance;
use crate::wakes::News;

/// The longest lease: what an operator's `SET` without an end has left is said to be as much.
const LONGEST: Duration = Duration::from_secs(500 * 365 * 24 * 60 * 60);

/// What a lock without an end is said to have left.
const ENDLESS: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long the last fence is kept at least. From then on the clock has long gone beyond it, unless it was set
/// back by more than this.
const FENCE_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How often who waits looks at the lock though it would be told: it may be gone without a release, by eviction or
/// with a server that another has taken over from. Chance adds up to as much again.
const PAUSE: Duration = Duration::from_secs(2);

/// How often if it would not be told.
const PAUSE_UNTOLD: Duration = Duration::from_millis(500);

/// For how long it is kept on the server who waits since it has looked: so long that a look or two may fail.
const WAIT_KEPT: Duration = Duration::from_secs(10);

impl RedisStore {
    async fn ask(&self, script: &Script, keys: &[Bytes], args: &[Reply]) -> Result<Reply, Error> {
        ask(self.connection(&keys[0]).link(), script, keys, args).await
    }

    /// Ends the lease of an owner, or whosever it is.
    async fn end(&self, name: Key<'_>, owner: Option<Owner>) -> Result<bool, Error> {
        let lock = self.keyspace().lock(name);
        let owner = owner.map_or(Reply::from_static_str(""), text);
        let holder = lock.holder();
        let subscriber = self.subscriber();
        // A place of this store's is left from before it had the lock. To be told of it would be one hop more, and lost
        // if this store is closed now.
        let passed_over = (!subscriber.has_line(&holder)).then(|| PassedOver(subscriber, &holder));
        let own = passed_over.as_ref().map_or_else(Str::new, |_| subscriber.channel().clone());
        end(self.connection(&holder).link(), &lock, owner, own).await
    }

    /// What the lease on a lock has left, if there is one; and whether this store is told of its end.
    async fn look(
        &self,
        keys: &[Bytes; 3],
        is_subscribed: bool,
    ) -> Result<Option<(Duration, bool)>, Error> {
        let channel = if is_subscribed { self.subscriber().channel().clone() } else { Str::new() };
        let args = [Reply::String(channel), millis(WAIT_KEPT)];
        let said = self.ask(&LOOK, keys, &args).await?;
        let (left, is_told) = pair(&said)?;
        Ok(match whole(left)? {
            ..=-2 => None,
            left => Some((lasting(left), whole(is_told)? == 1)),
        })
    }
}

/// A release that passes over what place this store has. Whoever has begun to wait by its end, however it ends, may
/// have had that place, and looks again.
struct PassedOver<'s>(&'s Subscriber, &'s Bytes);

impl Drop for PassedOver<'_> {
    fn drop(&mut self) {
        self.0.wake_line(self.1);
    }
}

async fn ask(link: &Link, script: &Script, keys: &[Bytes], args: &[Reply]) -> Result<Reply, Error> {
    let clients = link.ready().await?;
    let said = script.run(&clients, keys, args).await;
    link.judge(said, WrongType::NoLock)
}

/// Ends the lease of an owner, and has the next one told; if there is none, the next one is told all the same.
pub(crate) async fn end(
    link: &Link,
    lock: &LockKeys<'_>,
    owner: Reply,
    passed_over: Str,
) -> Result<bool, Error> {
    let args = [owner, i64::from(!link.clustered).into(), Reply::String(passed_over)];
    let said = ask(link, &RELEASE, &[lock.holder(), lock.waiters()], &args).await?;
    Ok(whole(&said)? == 1)
}

/// Gives up the place of a channel. `false` if it had none: it may have been told.
pub(crate) async fn leave(link: &Link, lock: &LockKeys<'_>, channel: &Str) -> Result<bool, Error> {
    let clients = link.ready().await?;
    let key = lock.waiters();
    let command =
        CustomCommand::new_static("ZREM", ClusterHash::Custom(redis_keyslot(&key)), false);
    let args = [Reply::Bytes(key), Reply::String(channel.clone())];
    let leave = || clients.once().custom(command.clone(), args.to_vec());
    let left: FredResult<Reply> = clients.follow(leave().await, leave).await;
    Ok(whole(&link.judge(left, WrongType::NoLock)?)? > 0)
}

impl LockStore for RedisStore {
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition> {
        StoreFuture::pending_at(|| async move {
            let kept = FENCE_KEPT.max(lease.saturating_mul(2));
            let args = [text(owner), millis(lease), millis(kept)];
            let lock = self.keyspace().lock(name);
            let keys = [lock.holder(), lock.fence()];
            let said = self.ask(&ACQUIRE, &keys, &args).await?;
            match pair(&said)? {
                (Reply::Integer(0), left) => Ok(Acquisition::Held(lasting(whole(left)?))),
                (_, fence) => {
                    let fence = fence.as_str().and_then(|fence| fence.parse().ok());
                    Ok(Acquisition::Acquired(Fence(fence.ok_or_else(unexpected)?)))
                }
            }
        })
    }

    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        StoreFuture::pending(async move {
            let keys = [self.keyspace().lock(name).holder()];
            let args = [text(owner), millis(lease)];
            let said = self.ask(&RENEW, &keys, &args).await?;
            Ok(whole(&said)? == 1)
        })
    }

    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        StoreFuture::pending_at(|| self.end(name, Some(owner)))
    }

    /// Of a release one store is told, the one that came first; and all who wait in it. Each costs the server a look
    /// every two to four seconds.
    ///
    /// If the process that is told dies before it has tried, or is stopped, the others find out by their looks.
    fn freed<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, ()> {
        StoreFuture::pending(async move {
            let lock = self.keyspace().lock(name);
            let keys = [lock.holder(), lock.waiters(), lock.looks()];
            let mut waiter = self.subscriber().join(keys[0].clone()).await?;
            loop {
                // Only now: a release after this look is told.
                let Some((left, is_told)) = self.look(&keys, waiter.is_subscribed()).await? else {
                    break;
                };
                let pause = if is_told { PAUSE } else { PAUSE_UNTOLD };
                let pause = pause + pause.mul_f64(chance());
                // The server ends a lease with the millisecond of its deadline.
                let left = left + Duration::from_millis(1);
                match tokio::time::timeout(left.min(pause), waiter.news()).await {
                    Ok(news) => match news? {
                        News::Woken => break,
                        News::Subscribed => {}
                    },
                    Err(_) if left <= pause => break,
                    Err(_) => {}
                }
            }
            waiter.heed();
            Ok(())
        })
    }

    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        StoreFuture::pending(async move {
            let keys = [self.keyspace().lock(name).holder()];
            let said = self.ask(&INSPECT, &keys, &[]).await?;
            if let Reply::Integer(0) = said {
                return Ok(None);
            }
            let (owner, left) = pair(&said)?;
            let owner = owner.as_str().and_then(|text| owner_in(&text));
            let owner = owner.ok_or_else(|| WrongType::NoLock.error())?;
            Ok(Some(LockState { owner, left: lasting(whole(left)?) }))
        })
    }

    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        StoreFuture::pending(self.end(name, None))
    }
}

/// An owner as it lies on the server.
fn text(owner: Owner) -> Reply {
    format!("{:032x}", owner.0).into()
}

fn owner_in(text: &str) -> Option<Owner> {
    let is_ours = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_ours.then(|| u128::from_str_radix(text, 16).ok())?.map(Owner)
}

/// In whole milliseconds, which is what the server counts in; at least one, and no less than what was asked for.
fn millis(lease: Duration) -> Reply {
    let lease = lease.min(LONGEST);
    let millis = lease.as_nanos().div_ceil(1_000_000).max(1);
    signed(u64::try_from(millis).unwrap_or(u64::MAX)).into()
}

/// From the answer of PTTL. In the very millisecond of its end there is nothing left, and the lock is there.
fn lasting(left: i64) -> Duration {
    match u64::try_from(left) {
        Ok(left) => Duration::from_millis(left.max(1)),
        Err(_) => ENDLESS,
    }
}

fn pair(reply: &Reply) -> Result<(&Reply, &Reply), Error> {
    match reply {
        Reply::Array(parts) => match &parts[..] {
            [first, second] => Ok((first, second)),
            _ => Err(unexpected()),
        },
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_rounded_up_and_bounded() {
        for (lease, expected) in [
            (Duration::ZERO, 1_i64),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(1), 1),
            (Duration::from_micros(1_001), 2),
            (Duration::from_secs(30), 30_000),
            (Duration::MAX, 15_768_000_000_000),
        ] {
            assert_eq!(millis(lease), Reply::from(expected), "{lease:?}");
        }
    }

    #[test]
    fn an_owner_reads_back_and_nothing_else_is_one() {
        for owner in [0, 1, u128::MAX, 0xAB << 120] {
            let text = text(Owner(owner));
            assert_eq!(text.as_str().and_then(|text| owner_in(&text)), Some(Owner(owner)));
        }
        let plus = format!("+{}", "0".repeat(31));
        for other in ["", "1", &plus, &"0".repeat(33), &"g".repeat(32)] {
            assert_eq!(owner_in(other), None, "{other:?}");
        }
    }
}
