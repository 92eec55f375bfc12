//! A cluster of three primaries.

use crate::Attempt;
use crate::keeper::perform;
use crate::launch::Launch;
use crate::operator::field;
use crate::server::Server;
use crate::wait::{Seen, until};

const NODES: usize = 3;
const SLOTS: usize = 16_384;

/// Three primaries that have all slots among them, in ranges of about the same size.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    /// Starts the nodes and makes them a cluster. Each of them says that its state is `ok` when this
    /// returns.
    ///
    /// # Panics
    ///
    /// As [`Server::start`], and on a server that is not ours.
    pub async fn start() -> Self {
        perform(Self::launch).await
    }

    /// The primaries, in the order of their slots.
    pub fn nodes(&self) -> &[Server] {
        &self.nodes
    }

    /// `redis-cluster://127.0.0.1:P1?node=127.0.0.1:P2&node=127.0.0.1:P3`.
    pub fn url(&self) -> String {
        let ports: Vec<_> = self.nodes.iter().map(Server::port).collect();
        let others: Vec<_> =
            ports[1..].iter().map(|port| format!("node=127.0.0.1:{port}")).collect();
        format!("redis-cluster://127.0.0.1:{}?{}", ports[0], others.join("&"))
    }

    fn launch() -> Attempt<Self> {
        let launch = Launch::server(&[
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            "nodes.conf",
            // How soon a node that is gone is missed.
            "--cluster-node-timeout",
            "1000",
        ]);
        let nodes = (0..NODES).map(|_| Server::launch(&launch)).collect::<Attempt<Vec<_>>>()?;
        let first_port = nodes[0].port().to_string();
        for (at, node) in nodes.iter().enumerate() {
            let operator = node.operator();
            // Not `ADDSLOTSRANGE`, which Redis 6.2 does not have.
            let slots: Vec<_> = (at * SLOTS / NODES..(at + 1) * SLOTS / NODES)
                .map(|slot| slot.to_string())
                .collect();
            let mut add = vec!["CLUSTER", "ADDSLOTS"];
            add.extend(slots.iter().map(String::as_str));
            operator.ask(&add)?;
            // Nodes of one epoch would have to settle who is right before they serve.
            operator.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()])?;
            if at > 0 {
                operator.ask(&["CLUSTER", "MEET", "127.0.0.1", &first_port])?;
            }
        }
        let cluster = Self { nodes };
        cluster.nodes.iter().try_for_each(wait_until_ok)?;
        Ok(cluster)
    }
}

fn wait_until_ok(node: &Server) -> Attempt<()> {
    let awaited = format!("the cluster at {}", node.url());
    until(&awaited, || {
        let info = node.operator().ask_text(&["CLUSTER", "INFO"])?;
        let state = field(&info, "cluster_state");
        let known = field(&info, "cluster_known_nodes");
        if state == Some("ok") && known == Some("3") {
            return Ok(Seen::There(()));
        }
        Ok(Seen::NotYet(info))
    })
}
