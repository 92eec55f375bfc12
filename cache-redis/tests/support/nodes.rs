//! The nodes of a cluster, and how slots come from one to another.

use redis_servers::redis::from_redis_value;
use redis_servers::{Cluster, Server};

use super::{calls, number, text, until};

pub(crate) fn sum(cluster: &Cluster, command: &str) -> u64 {
    cluster.nodes().iter().map(|node| calls(node).get(command).copied().unwrap_or(0)).sum()
}

/// The node that has the slot of a key's value, and one that has not.
pub(crate) fn owner<'c>(cluster: &'c Cluster, name: &str) -> (&'c Server, &'c Server) {
    let slot = number(cluster.nodes()[0].ask(&["CLUSTER", "KEYSLOT", name]));
    let shards = text(cluster.nodes()[0].ask(&["CLUSTER", "NODES"]));
    let has = |node: &Server| {
        let address = format!(":{}@", node.port());
        let line = shards.lines().find(|line| line.contains(&address)).expect("a node");
        line.split(' ').skip(8).any(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let bounds = from.parse::<i64>().ok().zip(to.parse::<i64>().ok());
            bounds.is_some_and(|(from, to)| (from..=to).contains(&slot))
        })
    };
    let (ours, others): (Vec<_>, Vec<_>) = cluster.nodes().iter().partition(|node| has(node));
    (ours[0], others[0])
}

/// A slot, and the nodes between which it moves.
pub(crate) struct Move<'c> {
    cluster: &'c Cluster,
    pub(crate) slot: String,
    pub(crate) from: &'c Server,
    pub(crate) to: &'c Server,
}

impl<'c> Move<'c> {
    /// Of the slot of this key's value.
    pub(crate) fn of(cluster: &'c Cluster, name: &str) -> Self {
        let (from, to) = owner(cluster, name);
        let slot = number(from.ask(&["CLUSTER", "KEYSLOT", name])).to_string();
        Self { cluster, slot, from, to }
    }

    pub(crate) fn id(node: &Server) -> String {
        text(node.ask(&["CLUSTER", "MYID"]))
    }

    /// It is on its way from now on, and all of its keys have arrived.
    pub(crate) fn begin(&self) {
        let Self { slot, from, to, .. } = self;
        to.ask(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &Self::id(from)]);
        from.ask(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &Self::id(to)]);
        let names = from.ask(&["CLUSTER", "GETKEYSINSLOT", slot, "1000"]);
        for name in from_redis_value::<Vec<String>>(names).expect("a list of keys") {
            from.ask(&["MIGRATE", "127.0.0.1", &to.port().to_string(), &name, "0", "5000"]);
        }
    }

    /// Told to all, since fred may ask any node, and that could still believe in the old one.
    pub(crate) fn end(&self) {
        let id = Self::id(self.to);
        let others = self.cluster.nodes().iter().filter(|node| node.port() != self.to.port());
        for node in [self.to].into_iter().chain(others) {
            node.ask(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &id]);
        }
    }
}

/// A replica of a node, which has all that the node has.
pub(crate) async fn replica_of(node: &Server) -> Server {
    let replica = Server::start_with(&["--cluster-enabled", "yes"]).await;
    let id = Move::id(node);
    replica.ask(&["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string()]);
    until(|| text(replica.ask(&["CLUSTER", "NODES"])).lines().count() == 4).await;
    replica.ask(&["CLUSTER", "REPLICATE", &id]);
    until(|| text(replica.ask(&["INFO", "replication"])).contains("master_link_status:up")).await;
    replica
}

/// Keys whose values lie on a node.
pub(crate) fn keys_on(cluster: &Cluster, node: &Server) -> impl Iterator<Item = String> {
    let keys = (0..).map(|number| format!("k{number}"));
    keys.filter(|key| owner(cluster, &format!("cache:{key}")).0.port() == node.port())
}

pub(crate) fn key_on(cluster: &Cluster, node: &Server) -> String {
    keys_on(cluster, node).next().expect("some key lies there")
}
