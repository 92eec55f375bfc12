//! Operations on many keys: one command for each connection, or on a cluster one for each key; all of
//! them are on their way before the first answer is waited for.

use std::collections::HashSet;

use bytes::Bytes;
use cache_core::{Error, Lifetime};
use fred::error::ErrorKind as FredKind;
use fred::interfaces::KeysInterface;
use fred::prelude::FredResult;
use fred::types::Value as Reply;
use futures_util::future::{join, join_all, try_join_all};

use crate::beliefs::Beliefs;
use crate::connection::{Clients, Connection};
use crate::failure::{WrongType, unexpected};
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
        let clients = &*clients;
        let found = each(&names, |name| async move {
            let get = || clients.once().get::<Reply, _>(name.clone());
            let found = get().await;
            clients.follow(found, get).await
        });
        let found = found.await.into_iter().map(|found| absent_if_wrong_type(link, found));
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
        let told = if share.connection.is_clustered() {
            set_each(&clients, &counted).await
        } else {
            set(&clients, counted.into_iter()).await
        };
        // Each of them says something of the connection.
        let judged = |told| share.connection.judge(told, WrongType::Unreadable).map(drop);
        told.into_iter().map(judged).fold(Ok(()), Result::and)
    }))
    .await
    .map(drop)
}

/// Stores entries in their order, as one pipeline. Returns what came of each.
///
/// fred takes a pipeline for one message, and writes to the socket after each command if no other message waits. So
/// the last entry is a message of its own, and what comes before it is written together.
pub(crate) async fn set(
    clients: &Clients,
    mut entries: impl DoubleEndedIterator<Item = Sealed> + ExactSizeIterator,
) -> Vec<FredResult<Reply>> {
    let count = entries.len();
    let Some((name, value, lifetime)) = entries.next_back() else { return Vec::new() };
    let value = Reply::Bytes(value);
    let last = clients.once().set(name, value, expiration(lifetime), None, false);
    let pipeline = clients.pipeline();
    for (name, value, lifetime) in entries {
        let (value, expires) = (Reply::Bytes(value), expiration(lifetime));
        // It is answered at once, before anything is sent.
        if let Err(error) = pipeline.set::<(), _, _>(name, value, expires, None, false).await {
            return vec![Err(error); count];
        }
    }
    let (mut told, last) = join(pipeline.try_all::<Reply>(), last).await;
    // Without their answers there is one error for all of them.
    if let [Err(error)] = &told[..] {
        told = vec![Err(error.clone()); count - 1];
    }
    told.push(last);
    told
}

/// The same on a cluster.
async fn set_each(clients: &Clients, entries: &[Sealed]) -> Vec<FredResult<Reply>> {
    // Of several for one key the last is what stays, and the only one that is sent: else an earlier one that has to be
    // sent again could overtake it.
    let mut later = HashSet::new();
    let mut is_last: Vec<_> = entries.iter().rev().map(|(name, ..)| later.insert(name)).collect();
    is_last.reverse();
    let entries: Vec<_> = entries.iter().zip(is_last).collect();
    each(&entries, |((name, value, lifetime), is_last)| async move {
        if !is_last {
            return Ok(Reply::Null);
        }
        let set = || {
            let (value, expires) = (Reply::Bytes(value.clone()), expiration(*lifetime));
            clients.once().set(name.clone(), value, expires, None, false)
        };
        let told = set().await;
        clients.follow(told, set).await
    })
    .await
}

/// So many commands are sent at once where each goes by itself: what fred keeps for one is some 5,000 bytes.
const AT_ONCE: usize = 1_024;

/// What comes of a command for each of these: on a cluster one has keys of one slot only. Not as a pipeline, of which all
/// commands are told what the first is told that has moved.
///
/// Where one has no answer in time the rest is not asked for, and nothing is told of it: however many there are, a silent
/// node is waited for once.
async fn each<'p, P, F>(parts: &'p [P], command: impl Fn(&'p P) -> F) -> Vec<FredResult<Reply>>
where
    F: Future<Output = FredResult<Reply>>,
{
    let mut all = Vec::with_capacity(parts.len());
    for parts in parts.chunks(AT_ONCE) {
        let told = join_all(parts.iter().map(|part| Box::pin(command(part)))).await;
        let is_late = |told: &FredResult<Reply>| {
            told.as_ref().is_err_and(|error| *error.kind() == FredKind::Timeout)
        };
        let is_end = told.iter().any(is_late);
        all.extend(told);
        if is_end {
            break;
        }
    }
    all
}

/// Removes what lies at the names. Returns what there was, as `forget.lua` says.
pub(crate) async fn forget(share: &Share<'_, Bytes>) -> Result<Vec<Reply>, Error> {
    let Share { connection, parts: names, .. } = share;
    let clients = connection.ready().await?;
    let removed = if connection.is_clustered() {
        let forget = |name| FORGET.run(&clients, std::slice::from_ref(name), &[]);
        each(names, forget).await
    } else {
        vec![FORGET.run(&clients, names, &[]).await]
    };
    let mut all = Vec::with_capacity(names.len());
    for removed in removed {
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
        each(&names, |name| async move {
            let unlink = || clients.once().unlink::<Reply, _>(name.clone());
            let removed = unlink().await;
            clients.follow(removed, unlink).await
        })
        .await
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
