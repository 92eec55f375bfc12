//! Whether a node of a cluster that is silent was replaced.
//!
//! fred learns that a node has lost its slots from that node. One that is silent does not say so, though its replica may
//! have taken over long ago; and that others answer hides it.

use fred::clients::{Client, WithOptions};
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::prelude::{FredResult, Options, Server};
use fred::types::cluster::ClusterRouting;
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use futures_util::future::join_all;

use crate::connection::Clients;
use crate::failure::is_reply;

/// A node that answers, and says of one which does not that it has no slots any more.
pub(crate) async fn heir_of_a_silent_node(clients: &Clients) -> Option<Server> {
    let known = clients.client().cached_cluster_state()?.unique_primary_nodes();
    let asked = known.into_iter().map(|node| async {
        let answers = match on(clients, &node).ping::<Reply>(None).await {
            Ok(_) => true,
            Err(error) => is_reply(&error),
        };
        (node, answers)
    });
    let (there, silent): (Vec<_>, Vec<_>) =
        join_all(asked.map(Box::pin)).await.into_iter().partition(|(_, answers)| *answers);
    if silent.is_empty() {
        return None;
    }
    for (node, _) in there {
        if let Ok(primaries) = Box::pin(primaries_by(clients, &node)).await
            && silent.iter().any(|(silent, _)| !primaries.contains(silent))
        {
            return Some(node);
        }
    }
    None
}

/// Who has slots, as a node says, under the names that fred has for them.
async fn primaries_by(clients: &Clients, node: &Server) -> FredResult<Vec<Server>> {
    let command = CustomCommand::new_static("CLUSTER", ClusterHash::FirstKey, false);
    let said: Reply = on(clients, node).custom(command, vec!["SLOTS"]).await?;
    let slots = ClusterRouting::from_cluster_slots(said, node.host.clone())?;
    Ok(slots.unique_primary_nodes())
}

/// For what one node is asked.
pub(crate) fn on(clients: &Clients, node: &Server) -> WithOptions<Client> {
    let once = clients.once().options().clone();
    clients.client().with_options(&Options { cluster_node: Some(node.clone()), ..once })
}
