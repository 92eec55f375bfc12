//! Operations on many keys: one command for each connection, or on a cluster one for each key; all of
//! them are on their way before the first answer is waited for.

use bytes::Bytes;
use cache_core::Error;
use fred::interfaces::KeysInterface;
use fred::types::{Expiration, Value as Reply};
use futures_util::future::try_join_all;

use crate::connection::{Clients, Connection, Repeat};
use crate::failure::{WrongType, unexpected};
use crate::store::whole;

/// What goes over one connection, and where each part of it stood in what was asked.
pub(crate) struct Share<'c, T> {
    connection: &'c Connection,
    parts: Vec<T>,
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

/// What lies at the names, in the order of the places.
pub(crate) async fn get(shares: Vec<Share<'_, Bytes>>, count: usize) -> Result<Vec<Reply>, Error> {
    let answers = shares.into_iter().map(|share| async move {
        let asked = share.parts.len();
        let found = get_share(share.connection, share.parts).await?;
        if found.len() == asked { Ok((share.places, found)) } else { Err(unexpected()) }
    });
    let answers = try_join_all(answers).await?;
    let mut all = vec![Reply::Null; count];
    for (places, found) in answers {
        for (place, found) in places.into_iter().zip(found) {
            all[place] = found;
        }
    }
    Ok(all)
}

async fn get_share(connection: &Connection, names: Vec<Bytes>) -> Result<Vec<Reply>, Error> {
    let clients = connection.ready().await?;
    if connection.is_clustered() {
        let pipeline = clients.pipeline(Repeat::Harmless);
        for name in names {
            queued(pipeline.get::<(), _>(name).await)?;
        }
        let found = pipeline.try_all::<Reply>().await;
        // A key of another type is absent here as it is with MGET.
        return found.into_iter().map(|found| absent_if_wrong_type(connection, found)).collect();
    }
    let asked = names.len();
    let names = padded(names);
    let found = clients.again().mget::<Reply, _>(names).await;
    let mut found = array(connection.judge(found, WrongType::Unreadable)?)?;
    found.truncate(asked);
    Ok(found)
}

/// fred takes an array of three to five elements, of which the first is `message`, `subscribe` or the like, for
/// a message of a channel, and gives the answer of the next command to this one. Nothing that this
/// library writes looks like that, but who else may have written something? So no answer is of such a
/// length.
pub(crate) fn padded(mut names: Vec<Bytes>) -> Vec<Bytes> {
    const LONGER_THAN_A_MESSAGE: usize = 6;
    if (3..LONGER_THAN_A_MESSAGE).contains(&names.len()) {
        names.resize(LONGER_THAN_A_MESSAGE, names[0].clone());
    }
    names
}

fn absent_if_wrong_type(
    connection: &Connection,
    found: Result<Reply, fred::error::Error>,
) -> Result<Reply, Error> {
    match found {
        Err(error) if error.details().starts_with("WRONGTYPE") => Ok(Reply::Null),
        found => connection.judge(found, WrongType::Unreadable),
    }
}

/// Stores the values, in their order.
pub(crate) async fn put(
    shares: Vec<Share<'_, (Bytes, Bytes)>>,
    expires: Option<Expiration>,
) -> Result<(), Error> {
    let expires = &expires;
    try_join_all(shares.into_iter().map(|share| async move {
        let pipeline = share.connection.ready().await?.pipeline(Repeat::Harmless);
        let counting = share.connection.counting();
        for (name, value) in share.parts {
            let value = Reply::Bytes(counting.counted(value)?);
            queued(pipeline.set::<(), _, _>(name, value, expires.clone(), None, false).await)?;
        }
        share.connection.judge(pipeline.all::<Reply>().await, WrongType::Unreadable)
    }))
    .await
    .map(drop)
}

/// Removes what lies at the names. Returns how many there were.
pub(crate) async fn forget(shares: Vec<Share<'_, Bytes>>) -> Result<usize, Error> {
    let removed = try_join_all(shares.into_iter().map(|share| async move {
        unlink(share.connection, &*share.connection.ready().await?, share.parts).await
    }));
    Ok(removed.await?.into_iter().sum())
}

/// Removes keys, over one connection.
pub(crate) async fn unlink(
    connection: &Connection,
    clients: &Clients,
    names: Vec<Bytes>,
) -> Result<usize, Error> {
    let removed = if connection.is_clustered() {
        let pipeline = clients.pipeline(Repeat::Never);
        for name in names {
            queued(pipeline.unlink::<(), _>(name).await)?;
        }
        let removed = pipeline.all::<Reply>().await;
        match connection.judge(removed, WrongType::Unreadable)? {
            Reply::Array(removed) => removed,
            // Of one command fred gives no array.
            one => vec![one],
        }
    } else {
        let removed = clients.once().unlink::<Reply, _>(names).await;
        vec![connection.judge(removed, WrongType::Unreadable)?]
    };
    let removed = removed.iter().map(whole).sum::<Result<i64, _>>()?;
    usize::try_from(removed).map_err(|_| unexpected())
}

/// A command of a pipeline is answered at once, before anything is sent.
fn queued(answer: Result<(), fred::error::Error>) -> Result<(), Error> {
    answer.map_err(|error| crate::failure::translate(&error, WrongType::Unreadable))
}

fn array(reply: Reply) -> Result<Vec<Reply>, Error> {
    match reply {
        Reply::Array(replies) => Ok(replies),
        _ => Err(unexpected()),
    }
}
