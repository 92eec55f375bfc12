//! With which of several servers an attempt to connect begins.
//!
//! fred asks the next node or sentinel only where it cannot speak to one at all, and not where it speaks to one that then
//! answers nothing, or knows nothing. And of a cluster it asks them in the order of their names, whatever they are given in.

use fred::prelude::{Builder, Server, ServerConfig};

/// The servers of a URL, and others of their cluster.
pub(crate) struct Ways {
    hosts: Vec<Server>,
    /// Had slots when the last connection ended. A cluster outlives every node that a URL names.
    learnt: Vec<Server>,
    /// The first attempt is fred's own way.
    turn: usize,
    is_cluster: bool,
}

impl Ways {
    pub(crate) fn of(builder: &Builder) -> Self {
        let hosts = match builder.get_config().map(|config| &config.server) {
            Some(ServerConfig::Clustered { hosts, .. } | ServerConfig::Sentinel { hosts, .. }) => {
                hosts.clone()
            }
            _ => Vec::new(),
        };
        let is_cluster = builder.get_config().is_some_and(|config| config.server.is_clustered());
        Self { hosts, learnt: Vec::new(), turn: 0, is_cluster }
    }

    /// Remembers the nodes of a cluster, in the place of those before.
    pub(crate) fn learn(&mut self, nodes: Vec<Server>) {
        if !nodes.is_empty() {
            self.learnt = nodes;
            self.learnt.retain(|node| !self.hosts.contains(node));
        }
    }

    /// Begins anew with fred's own way.
    pub(crate) fn reset(&mut self, builder: &mut Builder) {
        self.turn = 0;
        self.set(builder);
    }

    /// Has the next attempt go another way. Returns whether there is one that was not gone since the beginning.
    pub(crate) fn next(&mut self, builder: &mut Builder) -> bool {
        self.turn += 1;
        let is_new = self.turn < self.count();
        if !is_new {
            self.turn = 0;
        }
        self.set(builder);
        is_new
    }

    /// Has the next attempt on a cluster begin with a node.
    pub(crate) fn begin_with(builder: &mut Builder, node: Server) {
        set_nodes(builder, vec![node]);
    }

    /// How many servers one after another are asked at most, by all ways of the first time.
    pub(crate) fn most_asked(&self) -> u32 {
        let hosts = self.hosts.len();
        let asked = match self.count() {
            1 => hosts,
            ways if self.is_cluster => hosts + ways - 1,
            // Each sentinel may be tried each time.
            ways => hosts * ways,
        };
        // And whoever those name.
        u32::try_from(asked + 1).unwrap_or(u32::MAX)
    }

    fn count(&self) -> usize {
        if self.is_cluster { 1 + self.alone().count() } else { self.hosts.len().max(1) }
    }

    /// The nodes of a cluster that are asked by themselves after those of the URL together.
    fn alone(&self) -> impl Iterator<Item = &Server> {
        let hosts = if self.hosts.len() > 1 { &*self.hosts } else { &[] };
        hosts.iter().chain(&self.learnt)
    }

    fn set(&self, builder: &mut Builder) {
        // Of a cluster all of them, and then each by itself.
        let nodes = match self.turn.checked_sub(1) {
            None => self.hosts.clone(),
            Some(at) => self.alone().nth(at).cloned().into_iter().collect(),
        };
        set_nodes(builder, nodes);
        builder.with_config(|config| {
            if let ServerConfig::Sentinel { hosts, .. } = &mut config.server {
                hosts.clone_from(&self.hosts);
                hosts.rotate_left(self.turn);
            }
        });
    }
}

fn set_nodes(builder: &mut Builder, nodes: Vec<Server>) {
    builder.with_config(|config| {
        if let ServerConfig::Clustered { hosts, .. } = &mut config.server {
            *hosts = nodes;
        }
    });
}

#[cfg(test)]
mod tests {
    use fred::prelude::Config;
    use fred::types::config::ClusterDiscoveryPolicy;

    use super::*;

    fn hosts(names: &[&str]) -> Vec<Server> {
        names.iter().map(|name| Server::new(*name, 1)).collect()
    }

    fn cluster(names: &[&str]) -> ServerConfig {
        let policy = ClusterDiscoveryPolicy::default();
        ServerConfig::Clustered { hosts: hosts(names), policy }
    }

    /// The hosts of so many attempts, and whether there was another way to go.
    fn ways(server: ServerConfig, attempts: usize) -> Vec<(String, bool)> {
        let mut builder = Builder::from_config(Config { server, ..Config::default() });
        let mut ways = Ways::of(&builder);
        let hosts_of = |builder: &Builder| match &builder.get_config().unwrap().server {
            ServerConfig::Clustered { hosts, .. } | ServerConfig::Sentinel { hosts, .. } => {
                hosts.iter().map(|host| host.host.to_string()).collect()
            }
            ServerConfig::Centralized { .. } => String::new(),
        };
        let mut gone = vec![(hosts_of(&builder), true)];
        for _ in 1..attempts {
            let is_new = ways.next(&mut builder);
            gone.push((hosts_of(&builder), is_new));
        }
        gone
    }

    fn expected(gone: &[(&str, bool)]) -> Vec<(String, bool)> {
        gone.iter().map(|(hosts, is_new)| ((*hosts).to_owned(), *is_new)).collect()
    }

    #[test]
    fn of_a_cluster_each_node_is_asked_by_itself_after_all_of_them() {
        let gone = ways(cluster(&["b", "a", "c"]), 6);
        let expected =
            [("bac", true), ("b", true), ("a", true), ("c", true), ("bac", false), ("b", true)];
        assert_eq!(gone, self::expected(&expected));
    }

    #[test]
    fn nodes_that_were_learnt_are_asked_after_those_of_the_url() {
        let config = Config { server: cluster(&["a"]), ..Config::default() };
        let mut builder = Builder::from_config(config);
        let mut ways = Ways::of(&builder);
        ways.learn(hosts(&["old"]));
        ways.learn(hosts(&["c", "a", "b"]));
        ways.learn(Vec::new());
        let mut next = || {
            let is_new = ways.next(&mut builder);
            let config = builder.get_config().unwrap();
            let names = config.server.hosts().into_iter().map(|host| host.host.to_string());
            (names.collect::<String>(), is_new)
        };
        let gone: Vec<_> = (0..3).map(|_| next()).collect();
        assert_eq!(gone, expected(&[("c", true), ("b", true), ("a", false)]));
    }

    #[test]
    fn of_sentinels_each_is_the_first_once() {
        let sentinels = ServerConfig::Sentinel {
            hosts: hosts(&["b", "a"]),
            service_name: "m".to_owned(),
            username: None,
            password: None,
        };
        let gone = ways(sentinels, 4);
        let expected = [("ba", true), ("ab", true), ("ba", false), ("ab", true)];
        assert_eq!(gone, self::expected(&expected));
    }

    #[test]
    fn one_server_is_one_way() {
        let gone = ways(Config::default().server, 2);
        assert_eq!(gone, expected(&[("", true), ("", false)]));
        let gone = ways(cluster(&["a"]), 2);
        assert_eq!(gone, expected(&[("a", true), ("a", false)]));
    }
}
