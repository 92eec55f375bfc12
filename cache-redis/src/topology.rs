//! Whether a cluster still has the primaries that a client knows.
//!
//! fred learns that a node has lost its slots from that node. One that is silent does not say so, though its replica may
//! have taken over long ago.

use fred::error::{Error as FredError, ErrorKind as FredKind};
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::prelude::{FredResult, Options, Server};
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use futures_util::future::select_ok;

use crate::connection::Clients;

/// Whether a node has no slots any more, by what the first of all says that answers.
pub(crate) async fn has_lost_a_primary(clients: &Clients) -> bool {
    let Some(state) = clients.client().cached_cluster_state() else { return false };
    let known = state.unique_primary_nodes();
    if known.is_empty() {
        return false;
    }
    let asked = known.iter().map(|node| Box::pin(primaries_by(clients, node)));
    let Ok((now, _)) = select_ok(asked).await else { return false };
    // If none is there the nodes have other names for themselves, which say nothing.
    let there = known.iter().filter(|node| now.contains(&(node.host.to_string(), node.port)));
    (1..known.len()).contains(&there.count())
}

/// Host and port of all that have slots, as a node says.
async fn primaries_by(clients: &Clients, node: &Server) -> FredResult<Vec<(String, u16)>> {
    let once = clients.once().options().clone();
    let options = Options { cluster_node: Some(node.clone()), ..once };
    let client = clients.client().with_options(&options);
    let command = CustomCommand::new_static("CLUSTER", ClusterHash::FirstKey, false);
    let said: Reply = client.custom(command, vec!["SLOTS"]).await?;
    primaries_in(&said, &node.host)
        .ok_or_else(|| FredError::new(FredKind::Protocol, "no slots of a cluster"))
}

/// Each range is its ends, and then who has it: the primary first, by host, port and more. A node that does not know its
/// own host is where it was `asked`.
fn primaries_in(said: &Reply, asked: &str) -> Option<Vec<(String, u16)>> {
    let Reply::Array(ranges) = said else { return None };
    let primary = |range: &Reply| {
        let Reply::Array(range) = range else { return None };
        let [_, _, Reply::Array(primary), ..] = &range[..] else { return None };
        let [host, port, ..] = &primary[..] else { return None };
        let host = host.as_string().filter(|host| !host.is_empty());
        let port = port.as_u64().and_then(|port| port.try_into().ok())?;
        Some((host.unwrap_or_else(|| asked.to_owned()), port))
    };
    ranges.iter().map(primary).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(parts: impl IntoIterator<Item = Reply>) -> Reply {
        Reply::Array(parts.into_iter().collect())
    }

    fn range(primary: Reply) -> Reply {
        let replica = array(["replica".into(), 1.into()]);
        array([0.into(), 99.into(), primary, replica])
    }

    #[test]
    fn the_first_of_each_range_is_its_primary() {
        let said = array([
            range(array(["10.0.0.1".into(), 6379.into(), "id".into()])),
            range(array(["".into(), 6380.into()])),
            range(array([Reply::Null, 6381.into()])),
        ]);
        let expected = [("10.0.0.1", 6379), ("asked", 6380), ("asked", 6381)];
        let expected = expected.map(|(host, port)| (host.to_owned(), port));
        assert_eq!(primaries_in(&said, "asked"), Some(expected.to_vec()));
    }

    #[test]
    fn what_is_something_else_says_nothing() {
        for said in [
            Reply::Null,
            array([Reply::Null]),
            array([array([0.into(), 99.into()])]),
            array([range(array(["10.0.0.1".into()]))]),
            array([range(array(["10.0.0.1".into(), 70_000.into()]))]),
        ] {
            assert_eq!(primaries_in(&said, "asked"), None, "{said:?}");
        }
    }
}
