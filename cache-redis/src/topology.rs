//! The primaries of a cluster, and whether one that is silent was replaced.
//!
//! fred learns that a node has lost its slots from that node. One that is silent does not say so, though its replica may
//! have taken over long ago; and that others answer hides it.

use fred::interfaces::{ClientLike, ClusterInterface};
use fred::prelude::{FredResult, Server};
use fred::types::cluster::ClusterRouting;
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use futures_util::future::join_all;

use crate::connection::Clients;
use crate::failure::is_reply;

/// A node that has slots, and one of them.
///
/// It is asked by that slot. Where fred is given the name of a node that it has left meanwhile, it ends all connections.
pub(crate) struct Primary {
    pub(crate) server: Server,
    slot: u16,
}

impl Primary {
    /// All that fred knows.
    pub(crate) fn known(clients: &Clients) -> Option<Vec<Self>> {
        let state = clients.client().cached_cluster_state()?;
        let slots = state.unique_hash_slots().into_iter();
        let primary = |slot| Some(Self { server: state.get_server(slot)?.clone(), slot });
        Some(slots.filter_map(primary).collect())
    }

    /// Whether it has the slot still: then whatever was answered was answered by this node.
    pub(crate) fn is_current(&self, clients: &Clients) -> bool {
        let state = clients.client().cached_cluster_state();
        state.is_some_and(|state| state.get_server(self.slot) == Some(&self.server))
    }

    pub(crate) async fn is_silent(&self, clients: &Clients) -> bool {
        let pong = Box::pin(ask(clients, Some(self), "PING", Vec::new())).await;
        pong.is_err_and(|error| !is_reply(&error))
    }

    /// Who has slots, as this node says, under the names that fred has for them.
    async fn primaries(&self, clients: &Clients) -> FredResult<Vec<Server>> {
        let said = ask(clients, Some(self), "CLUSTER", vec!["SLOTS".into()]).await?;
        let slots = ClusterRouting::from_cluster_slots(said, self.server.host.clone())?;
        Ok(slots.unique_primary_nodes())
    }
}

/// The answer of whoever has a primary's slot when this is sent; without one, of the only server.
pub(crate) async fn ask(
    clients: &Clients,
    primary: Option<&Primary>,
    command: &'static str,
    args: Vec<Reply>,
) -> FredResult<Reply> {
    let slot = primary.map_or(ClusterHash::FirstKey, |primary| ClusterHash::Custom(primary.slot));
    clients.once().custom(CustomCommand::new_static(command, slot, false), args).await
}

/// Nodes that answer, and others that do not.
pub(crate) struct Sounded {
    pub(crate) there: Vec<Primary>,
    pub(crate) silent: Vec<Primary>,
}

impl Sounded {
    /// Asks all of them.
    pub(crate) async fn of(clients: &Clients) -> Self {
        let asked = Primary::known(clients).unwrap_or_default().into_iter().map(|node| async {
            let is_silent = node.is_silent(clients).await;
            (node, is_silent)
        });
        let (silent, there): (Vec<_>, Vec<_>) =
            join_all(asked).await.into_iter().partition(|(_, is_silent)| *is_silent);
        let nodes = |nodes: Vec<(Primary, bool)>| nodes.into_iter().map(|(node, _)| node).collect();
        Self { there: nodes(there), silent: nodes(silent) }
    }

    /// A node that answers, and says of one which does not that it has no slots any more.
    pub(crate) async fn heir(&self, clients: &Clients) -> Option<&Server> {
        for node in &self.there {
            if let Ok(primaries) = Box::pin(node.primaries(clients)).await
                && self.silent.iter().any(|silent| !primaries.contains(&silent.server))
            {
                return Some(&node.server);
            }
        }
        None
    }
}
