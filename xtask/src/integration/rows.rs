//! What runs on what: the rows of a run, each a kind of servers from one origin with the suites that
//! can run on it. Nothing here runs anything.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::integration::suites::{Needs, Suite};
use crate::process::{Call, without_password};

/// The servers that the driver promises to work on.
pub(crate) const IMAGES: &[&str] = &["redis:7.0", "redis:8.0", "valkey/valkey:8.1"];
/// The one of them on which the further topologies run.
const TOPOLOGIES_ON: &str = "redis:8.0";

/// Where a row's servers come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Image(String),
    Program(PathBuf),
    Url(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topology {
    Standalone,
    Cluster,
    Sentinel,
    Secure,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) origin: Origin,
    pub(crate) topology: Topology,
}

impl Origin {
    /// The value of `REDIS_SERVERS` that means it.
    fn variable(&self) -> String {
        match self {
            Self::Image(image) => format!("docker:{image}"),
            Self::Program(path) => format!("program:{}", path.display()),
            Self::Url(url) => format!("url:{url}"),
        }
    }
}

/// As it is shown: without what it is for the machine, and without a password.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => f.write_str(image),
            Self::Program(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(&without_password(url)),
        }
    }
}

impl Topology {
    const ALL: [Self; 4] = [Self::Standalone, Self::Cluster, Self::Sentinel, Self::Secure];

    /// The value of `REDIS_TOPOLOGY` that means it.
    fn variable(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
            Self::Secure => "secure",
        }
    }

    /// Whether a suite belongs to it.
    fn has(self, needs: Needs) -> bool {
        match needs {
            Needs::Any => true,
            Needs::Controlled => self == Self::Standalone,
            Needs::Cluster => self == Self::Cluster,
            Needs::Sentinel => self == Self::Sentinel,
            Needs::Secure => self == Self::Secure,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.origin, self.topology.variable())
    }
}

/// The rows for images: each standalone, and the rest on one of them.
pub(crate) fn of_images(images: &[String]) -> Vec<Row> {
    let row = |image: &String, topology| Row { origin: Origin::Image(image.clone()), topology };
    let standalone = images.iter().map(|image| row(image, Topology::Standalone));
    let on = images.iter().find(|image| *image == TOPOLOGIES_ON).or(images.first());
    let others = Topology::ALL[1..].iter().filter_map(|topology| on.map(|on| row(on, *topology)));
    standalone.chain(others).collect()
}

/// The rows for a program, which can be all kinds of server.
pub(crate) fn of_program(path: &Path) -> Vec<Row> {
    let row = |topology| Row { origin: Origin::Program(path.to_path_buf()), topology };
    Topology::ALL.map(row).into()
}

/// The row for a server that runs already.
pub(crate) fn of_url(url: &str) -> Vec<Row> {
    vec![Row { origin: Origin::Url(url.to_owned()), topology: Topology::Standalone }]
}

impl Row {
    /// The suites that belong to this kind of servers, and why one of them cannot run where it cannot. Of a
    /// server that is not ours, they are all of them.
    pub(crate) fn suites<'a>(
        &self,
        suites: &'a [Suite],
    ) -> impl Iterator<Item = (&'a Suite, Option<&'static str>)> {
        let (topology, is_ours) = (self.topology, !matches!(self.origin, Origin::Url(_)));
        suites.iter().filter_map(move |suite| match suite.needs {
            Needs::Any => Some((suite, None)),
            needs if !is_ours => Some((suite, Some(needs.of_ours()))),
            needs => topology.has(needs).then_some((suite, None)),
        })
    }

    /// How a suite is run on it.
    pub(crate) fn call(&self, suite: &Suite, cargo_args: &[String]) -> Call {
        Call::cargo("test --all-features -p")
            .args([suite.package, "--test", suite.target])
            .args(cargo_args.iter().cloned())
            .env("REDIS_SERVERS", self.origin.variable())
            .env("REDIS_TOPOLOGY", self.topology.variable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integration::suites::SUITES;

    fn names(rows: &[Row]) -> Vec<String> {
        rows.iter().map(Row::to_string).collect()
    }

    fn owned(images: &[&str]) -> Vec<String> {
        images.iter().map(|image| (*image).to_owned()).collect()
    }

    #[test]
    fn the_matrix_is_every_image_alone_and_each_topology_once() {
        assert_eq!(
            names(&of_images(&owned(IMAGES))),
            [
                "redis:7.0 standalone",
                "redis:8.0 standalone",
                "valkey/valkey:8.1 standalone",
                "redis:8.0 cluster",
                "redis:8.0 sentinel",
                "redis:8.0 secure",
            ]
        );
    }

    #[test]
    fn topologies_run_on_the_first_of_other_images() {
        let rows = names(&of_images(&owned(&["redis:6.2", "redis:7.4"])));
        assert_eq!(rows[2..], ["redis:6.2 cluster", "redis:6.2 sentinel", "redis:6.2 secure"]);
        assert_eq!(of_images(&[]), []);
    }

    #[test]
    fn every_suite_runs_somewhere_in_the_matrix_and_on_a_program() {
        for rows in [of_images(&owned(IMAGES)), of_program(Path::new("redis-server"))] {
            for suite in SUITES {
                let runs = |row: &Row| row.suites(SUITES).any(|found| found == (suite, None));
                assert!(rows.iter().any(runs), "{suite:?}");
            }
        }
    }

    #[test]
    fn a_server_that_is_not_ours_is_neither_stopped_nor_configured() {
        let [row] = &of_url("redis://127.0.0.1:6379")[..] else { panic!("one row") };
        let suites: Vec<_> = row.suites(SUITES).collect();
        assert_eq!(suites.len(), SUITES.len());
        for (suite, reason) in suites {
            assert_eq!(reason.is_none(), suite.needs == Needs::Any, "{suite:?}");
        }
    }

    #[test]
    fn a_suite_is_told_where_its_servers_come_from() {
        let suite = Suite { package: "driver", target: "faults", needs: Needs::Controlled };
        let row = &of_images(&owned(&["valkey/valkey:8.1"]))[0];
        assert_eq!(
            row.call(&suite, &owned(&["oom"])).to_string(),
            "REDIS_SERVERS=docker:valkey/valkey:8.1 REDIS_TOPOLOGY=standalone \
             cargo test --all-features -p driver --test faults oom"
        );
    }

    #[test]
    fn a_password_is_neither_in_a_name_nor_in_a_call() {
        let row = &of_url("redis://:secret@127.0.0.1:6379")[0];
        assert_eq!(row.to_string(), "redis://:***@127.0.0.1:6379 standalone");
        assert!(!row.call(&SUITES[0], &[]).to_string().contains("secret"));
    }
}
