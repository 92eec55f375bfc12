//! Removes every value of a cache: a walk over the keys of the server, on a cluster of each primary.

use bytes::Bytes;
use cache_core::Error;
use fred::types::Value as Reply;
use futures_util::future::try_join_all;

use crate::connection::{Clients, Connection};
use crate::failure::{WrongType, away, changed, unexpected};
use crate::keys::Keyspace;
use crate::many;
use crate::topology::{Primary, ask};

/// How many keys the server looks at in one step. It serves nobody else meanwhile: some 0.1 ms.
const STEP: i64 = 1_000;

/// What was stored before the flush began is gone when it returns: SCAN finds each key that is there all the
/// while.
///
/// All of it goes over the connection that there is at its beginning: a cursor means nothing to another process.
/// If that breaks, the flush fails, and also if a node loses its slots meanwhile: its keys are elsewhere then.
pub(crate) async fn flush(keyspace: &Keyspace, connections: &[Connection]) -> Result<(), Error> {
    let Some((walker, others)) = connections.split_first() else { return Ok(()) };
    let clients = &*walker.ready().await?;
    let primaries = primaries(walker, clients).await?;
    // Writes that were given up may still be on their way over other connections. They come before.
    try_join_all(others.iter().map(overtake)).await?;
    let walks = primaries.iter().map(|primary| walk(keyspace, walker, clients, primary.as_ref()));
    try_join_all(walks).await.map(drop)
}

/// Waits until all that is on its way over a connection has arrived. On a cluster it is on its way to the servers that
/// this connection knows, which need not be those that there are by now.
async fn overtake(connection: &Connection) -> Result<(), Error> {
    let clients = &*connection.ready().await?;
    let pings = known_primaries(connection, clients)?.into_iter().map(|primary| async move {
        let pong = ask(clients, primary.as_ref(), "PING", Vec::new()).await;
        connection.judge(pong, WrongType::Unreadable)
    });
    try_join_all(pings).await.map(drop)
}

/// The servers to walk over: on a cluster all that have slots, else the only one.
async fn primaries(
    connection: &Connection,
    clients: &Clients,
) -> Result<Vec<Option<Primary>>, Error> {
    if connection.is_clustered() {
        connection.judge(clients.sync().await, WrongType::Unreadable)?;
    }
    known_primaries(connection, clients)
}

fn known_primaries(
    connection: &Connection,
    clients: &Clients,
) -> Result<Vec<Option<Primary>>, Error> {
    if !connection.is_clustered() {
        return Ok(vec![None]);
    }
    let primaries = Primary::known(clients).ok_or_else(unexpected)?;
    Ok(primaries.into_iter().map(Some).collect())
}

async fn walk(
    keyspace: &Keyspace,
    connection: &Connection,
    clients: &Clients,
    primary: Option<&Primary>,
) -> Result<(), Error> {
    let pattern = keyspace.pattern();
    let mut cursor = Reply::from_static_str("0");
    loop {
        if !connection.lasts(clients) {
            return Err(away());
        }
        let args: Vec<Reply> =
            vec![cursor, "MATCH".into(), (&pattern).into(), "COUNT".into(), STEP.into()];
        let page = ask(clients, primary, "SCAN", args).await;
        let page = connection.judge(page, WrongType::Unreadable)?;
        // Another node would take the cursor for one of its own.
        if primary.is_some_and(|primary| !primary.is_current(clients)) {
            return Err(changed());
        }
        let (next, names) = page_of(page)?;
        let values: Vec<_> = names.into_iter().filter(|name| keyspace.holds(name)).collect();
        if !values.is_empty() {
            many::unlink(connection, clients, values).await?;
        }
        if next.as_str().as_deref() == Some("0") {
            return Ok(());
        }
        cursor = next;
    }
}

/// The cursor of the next page, and the names on this one.
fn page_of(page: Reply) -> Result<(Reply, Vec<Bytes>), Error> {
    let Reply::Array(parts) = page else { return Err(unexpected()) };
    let Ok([cursor, Reply::Array(names)]) = <[Reply; 2]>::try_from(parts) else {
        return Err(unexpected());
    };
    let names = names.into_iter().map(|name| name.into_bytes().ok_or_else(unexpected));
    Ok((cursor, names.collect::<Result<_, _>>()?))
}
