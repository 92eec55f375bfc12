//! Operations on many keys: one command for each connection, or on a cluster one for each key; all of
//! them are on their way before the first answer is waited for.

use std::collections::HashSet;

use bytes::Bytes;
use cache_core::{Error, Lifetime};
use fred::interfaces::{ClientLike, KeysInterface};
use fred::prelude::FredResult;
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use fred::util::redis_keyslot;
use futures_util::future::{join, join_all, try_join_all};

use crate::beliefs::Beliefs;
use crate::connection::{Clients, Connection, REDIRECTIONS};
use crate::failure::{self, WrongType, unexpected};
use crate::keys::is_own;
use crate::link::Link;
use crate::lookup::{self, Found};
use crate::numbers::expiration;
use crate::scripts::FORGET;
use crate::writes::Sealed;

/// What goes over one connection, and where each part of it stood in what was asked.
pub(crate) struct Share<'c, T> {
    pub(crate) connection: &'c Connection,
    pub(crate) parts: Vec<T>,
    places: Vec<usize>,
}

/// Splits what is asked by the connections that it goes over, in its order.
pub(crate) fn by_connection<T>(
    connections: &[Connection],
    parts: impl ExactSizeIterator<Item = T>,
    connection: impl Fn(&T) -> usize,
) -> Vec<Share<'_, T>> {
    let expected = parts.len() / connections.len();
    let mut shares: Vec<_> = connections
        .iter()
        .map(|connection| Share {
            connection,
            parts: Vec::with_capacity(expected),
            places: Vec::with_capacity(expected),
        })
        .collect();
    for (place, part) in parts.enumerate() {
        let share = &mut shares[connection(&part)];
        share.parts.push(part);
        share.places.push(place);
    }
    shares.retain(|share| !share.parts.is_empty());
    shares
}

/// The same in parts, of which each is one command that keeps the server from serving others for a moment.
pub(crate) fn in_steps(shares: Vec<Share<'_, (Bytes, Bytes)>>) -> Vec<Share<'_, (Bytes, Bytes)>> {
    const MOST_BYTES: usize = 1 << 20;
    let mut steps: Vec<Share<'_, _>> = Vec::with_capacity(shares.len());
    for Share { connection, parts, places } in shares {
        let mut bytes = 0;
        let mut step = Share { connection, parts: Vec::new(), places: Vec::new() };
        for (part, place) in parts.into_iter().zip(places) {
            bytes += part.1.len();
            if step.parts.len() == STEP || bytes > MOST_BYTES && !step.parts.is_empty() {
                bytes = part.1.len();
                let next = Share { connection, parts: Vec::new(), places: Vec::new() };
                steps.push(std::mem::replace(&mut step, next));
            }
            step.parts.push(part);
            step.places.push(place);
        }
        steps.push(step);
    }
    steps
}

/// So many keys of one script take the server some 0.1 ms.
const STEP: usize = 256;

/// What lies at the names, in the order of the places.
pub(crate) async fn get(
    shares: Vec<Share<'_, Bytes>>,
    beliefs: &Beliefs,
    count: usize,
) -> Result<Vec<Found>, Error> {
    let answers = shares.into_iter().map(|share| async move {
        let link = share.connection.link();
        let found =
            lookup::all(beliefs, share.parts, link.clustered, |names| find(link, names)).await?;
        Ok::<_, Error>((share.places, found))
    });
    let mut answers = try_join_all(answers).await?;
    if let [(_, found)] = &mut answers[..] {
        return Ok(std::mem::take(found));
    }
    let mut all: Vec<_> = std::iter::repeat_with(|| Found::Nothing).take(count).collect();
    for (places, found) in answers {
        for (place, found) in places.into_iter().zip(found) {
            all[place] = found;
        }
    }
    Ok(all)
}

/// What lies at the names, an answer for each. A key of another type is absent here.
pub(crate) async fn find(link: &Link, names: Vec<Bytes>) -> Result<Vec<Reply>, Error> {
    let clients = link.ready().await?;
    let asked = names.len();
    let mut found = if link.clustered {
        let found = each(&clients, "GET", &names).await.into_iter();
        let found = found.map(|found| absent_if_wrong_type(link, found));
        found.collect::<Result<_, _>>()?
    } else {
        let found = clients.once().mget::<Reply, _>(padded(names)).await;
        array(link.judge(found, WrongType::Unreadable)?)?
    };
    if found.len() < asked {
        return Err(unexpected());
    }
    found.truncate(asked);
    Ok(found)
}

/// fred takes an array of three to five elements, of which the first is `message`, `subscribe` or the like, for
/// a message of a channel, and gives the answer of the next command to this one. Nothing that this
/// library writes looks like that, but who else may have written something? So no answer that begins with what lies at
/// a user's key is of such a length; at the library's own keys nobody else writes. The last name is asked for again:
/// where entries bear tags that is a tag, and what lies there is short.
pub(crate) fn padded(mut names: Vec<Bytes>) -> Vec<Bytes> {
    const LONGER_THAN_A_MESSAGE: usize = 6;
    if (3..LONGER_THAN_A_MESSAGE).contains(&names.len()) && !is_own(&names[0]) {
        names.resize(LONGER_THAN_A_MESSAGE, names[names.len() - 1].clone());
    }
    names
}

fn absent_if_wrong_type(
    link: &Link,
    found: Result<Reply, fred::error::Error>,
) -> Result<Reply, Error> {
    match found {
        Err(error) if error.details().starts_with("WRONGTYPE") => Ok(Reply::Null),
        found => link.judge(found, WrongType::Unreadable),
    }
}

/// Stores the values, in their order.
pub(crate) async fn put(
    shares: &[Share<'_, (Bytes, Bytes)>],
    value: impl Fn(&Bytes) -> Bytes,
    lifetime: Lifetime,
) -> Result<(), Error> {
    let value = &value;
    try_join_all(shares.iter().map(|share| async move {
        let clients = share.connection.ready().await?;
        let counting = share.connection.counting();
        let counted = share
            .parts
            .iter()
            .map(|(name, sealed)| Ok((name.clone(), counting.counted(value(sealed))?, lifetime)));
        let counted: Vec<_> = counted.collect::<Result<_, Error>>()?;
        let told = set(&clients, counted.into_iter()).await.into_iter();
        // Each of them says something of the connection.
        let told = told.map(|told| share.connection.judge(told, WrongType::Unreadable).map(drop));
        told.fold(Ok(()), Result::and)
    }))
    .await
    .map(drop)
}

/// Stores entries in their order. Returns what came of each.
pub(crate) async fn set(
    clients: &Clients,
    entries: impl Iterator<Item = Sealed>,
) -> Vec<FredResult<Reply>> {
    let entries: Vec<_> = entries.collect();
    let mut told = set_once(clients, &entries).await;
    for _ in 0..REDIRECTIONS {
        let moved = moved(&told);
        if moved.is_empty() {
            return told;
        }
        // What stays is the last of those for one key; it may have been stored by now.
        let mut later = HashSet::new();
        let is_last: Vec<_> = entries.iter().rev().map(|(name, ..)| later.insert(name)).collect();
        let (last, earlier): (Vec<_>, Vec<_>) =
            moved.into_iter().partition(|at| is_last[entries.len() - 1 - at]);
        let again: Vec<_> = last.iter().map(|at| entries[*at].clone()).collect();
        let answers = set_once(clients, &again).await;
        let earlier = earlier.into_iter().map(|at| (at, Ok(Reply::Null)));
        for (at, answer) in last.into_iter().zip(answers).chain(earlier) {
            told[at] = answer;
        }
    }
    clients.flush().await;
    told
}

/// The same, of which nothing is sent again where it has moved.
///
/// fred takes a pipeline for one message, and writes to the socket after each command if no other message waits. So
/// the last entry is a message of its own, and what comes before it is written together.
async fn set_once(clients: &Clients, entries: &[Sealed]) -> Vec<FredResult<Reply>> {
    let Some((last, before)) = entries.split_last() else { return Vec::new() };
    let (name, value, lifetime) = last.clone();
    let value = Reply::Bytes(value);
    let last = clients.once().set(name, value, expiration(lifetime), None, false);
    let pipeline = clients.pipeline();
    for (name, value, lifetime) in before.iter().cloned() {
        let (value, expires) = (Reply::Bytes(value), expiration(lifetime));
        // It is answered at once, before anything is sent.
        if let Err(error) = pipeline.set::<(), _, _>(name, value, expires, None, false).await {
            return vec![Err(error); entries.len()];
        }
    }
    let (told, last) = join(pipeline.try_all::<Reply>(), last).await;
    let mut told = for_each(told, before.len());
    told.push(last);
    told
}

/// Where a pipeline has no answers there is one error for all of them.
fn for_each(told: Vec<FredResult<Reply>>, count: usize) -> Vec<FredResult<Reply>> {
    match &told[..] {
        [Err(error)] => vec![Err(error.clone()); count],
        _ => told,
    }
}

/// The places of what a cluster has moved.
fn moved(told: &[FredResult<Reply>]) -> Vec<usize> {
    let places = told.iter().enumerate();
    places
        .filter(|(_, told)| told.as_ref().is_err_and(failure::has_moved))
        .map(|(at, _)| at)
        .collect()
}

/// A command for each of the keys: on a cluster one has keys of one slot only. Returns what came of each.
async fn each(clients: &Clients, command: &'static str, names: &[Bytes]) -> Vec<FredResult<Reply>> {
    let mut told = each_once(clients, command, names).await;
    for _ in 0..REDIRECTIONS {
        let moved = moved(&told);
        if moved.is_empty() {
            return told;
        }
        let again: Vec<_> = moved.iter().map(|at| names[*at].clone()).collect();
        for (at, answer) in moved.into_iter().zip(each_once(clients, command, &again).await) {
            told[at] = answer;
        }
    }
    clients.flush().await;
    told
}

async fn each_once(
    clients: &Clients,
    command: &'static str,
    names: &[Bytes],
) -> Vec<FredResult<Reply>> {
    let pipeline = clients.pipeline();
    for name in names {
        let slot = ClusterHash::Custom(redis_keyslot(name));
        let command = CustomCommand::new_static(command, slot, false);
        // It is answered at once, before anything is sent.
        let queued = pipeline.custom::<(), _>(command, vec![Reply::Bytes(name.clone())]).await;
        if let Err(error) = queued {
            return vec![Err(error); names.len()];
        }
    }
    for_each(pipeline.try_all::<Reply>().await, names.len())
}

/// Removes what lies at the names. Returns what there was, as `forget.lua` says.
pub(crate) async fn forget(share: &Share<'_, Bytes>) -> Result<Vec<Reply>, Error> {
    let Share { connection, parts: names, .. } = share;
    let clients = connection.ready().await?;
    // On a cluster a command has keys of one slot.
    let together = if connection.is_clustered() { 1 } else { names.len() };
    let removed =
        join_all(names.chunks(together.max(1)).map(|names| FORGET.run(&clients, names, &[])));
    let mut all = Vec::with_capacity(names.len());
    for removed in removed.await {
        all.extend(array(connection.judge(removed, WrongType::Unreadable)?)?);
    }
    Ok(all)
}

/// Removes what lies at the names.
pub(crate) async fn remove(shares: Vec<Share<'_, Bytes>>) -> Result<(), Error> {
    let removed = try_join_all(shares.into_iter().map(|share| async move {
        let Share { connection, parts, .. } = share;
        unlink(connection, &*connection.ready().await?, parts).await
    }));
    removed.await.map(drop)
}

/// Removes keys, over one connection.
pub(crate) async fn unlink(
    connection: &Connection,
    clients: &Clients,
    names: Vec<Bytes>,
) -> Result<(), Error> {
    let removed = if connection.is_clustered() {
        each(clients, "UNLINK", &names).await
    } else {
        vec![clients.once().unlink::<Reply, _>(names).await]
    };
    let removed = removed.into_iter();
    let removed = removed.map(|removed| connection.judge(removed, WrongType::Unreadable).map(drop));
    removed.fold(Ok(()), Result::and)
}

fn array(reply: Reply) -> Result<Vec<Reply>, Error> {
    match reply {
        Reply::Array(replies) => Ok(replies),
        _ => Err(unexpected()),
    }
}
