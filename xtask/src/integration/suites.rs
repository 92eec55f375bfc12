//! The tests that need Redis: one table, and a check that it keeps up with the crates.

use std::fs;
use std::path::Path;

use crate::metadata::Workspace;
use crate::plan::Failure;

/// A test target, and what it has to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) package: &'static str,
    pub(crate) target: &'static str,
    pub(crate) needs: Needs,
}

/// What a suite needs of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A server of any kind, which may be somebody's own. It is told of which kind by `REDIS_TOPOLOGY`.
    Any,
    /// Servers that it may configure, stop and pause.
    Controlled,
    /// A cluster.
    Cluster,
    /// A primary and a replica behind a sentinel.
    Sentinel,
    /// A server with TLS and a password.
    Secure,
}

/// All of them. They run with all features of their packages.
pub(crate) const SUITES: &[Suite] = &[
    suite("redis-servers", "servers", Needs::Controlled),
    suite("cache-redis", "conformance", Needs::Any),
    suite("cache-redis", "driver", Needs::Controlled),
    suite("cache-redis", "faults", Needs::Controlled),
    suite("cache-redis", "locks", Needs::Controlled),
    suite("cache-redis", "lock_loss", Needs::Controlled),
    suite("cache-redis", "lock_processes", Needs::Controlled),
    suite("cache-redis", "lock_turns", Needs::Controlled),
    suite("cache-redis", "reads", Needs::Controlled),
    suite("cache-redis", "writes", Needs::Controlled),
    suite("cache-redis", "tags", Needs::Controlled),
    suite("cache-redis", "tags_model", Needs::Controlled),
    suite("cache-redis", "allocations", Needs::Controlled),
    suite("cache-redis", "cluster", Needs::Cluster),
    suite("cache-redis", "cluster_faults", Needs::Cluster),
    suite("cache-redis", "tags_model_cluster", Needs::Cluster),
    suite("cache-redis", "sentinel", Needs::Sentinel),
    suite("cache-redis", "secure", Needs::Secure),
    suite("cache", "redis", Needs::Controlled),
    suite("cache", "service_redis", Needs::Controlled),
];

const fn suite(package: &'static str, target: &'static str, needs: Needs) -> Suite {
    Suite { package, target, needs }
}

impl Needs {
    /// Why what needs it does not run on a server that is not ours.
    pub(crate) fn of_ours(self) -> &'static str {
        match self {
            Self::Any => "it was not asked for",
            Self::Controlled => "it stops and configures servers, and this one is not ours",
            Self::Cluster => "it wants a cluster of its own",
            Self::Sentinel => "it wants a sentinel of its own, to fail over",
            Self::Secure => "it wants a server with a certificate of its own making",
        }
    }
}

impl Suite {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.package, self.target)
    }

    pub(crate) fn exists_in(&self, workspace: &Workspace) -> bool {
        let member = workspace.members.iter().find(|member| member.name == self.package);
        member.is_some_and(|member| member.tests().any(|test| test.name == self.target))
    }
}

/// The table against the tests that there are: those that ask for a server by the crate that starts
/// them.
pub(crate) fn check(suites: &[Suite], workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let mut used = vec![];
    for member in &workspace.members {
        for test in member.tests() {
            if uses_servers(&test.src_path)? {
                used.push((member.name.as_str(), test.name.as_str()));
            }
        }
    }
    Ok(complaints(suites, &used, workspace))
}

/// Whether a test, or a module that it shares with others, names the crate.
fn uses_servers(test: &Path) -> Result<bool, Failure> {
    let read = |path: &Path| {
        fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
    };
    let source = read(test)?;
    let names_it = |text: &str| text.contains("redis_servers");
    let folder = test.parent().unwrap_or(Path::new(""));
    for module in modules(&source) {
        for path in [format!("{module}.rs"), format!("{module}/mod.rs")] {
            let path = folder.join(path);
            if path.is_file() && names_it(&read(&path)?) {
                return Ok(true);
            }
        }
    }
    Ok(names_it(&source))
}

/// The modules that a file declares and does not contain.
fn modules(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| line.trim().strip_prefix("mod ")?.strip_suffix(';'))
}

/// Given the package and the target of each test that uses servers.
fn complaints(suites: &[Suite], used: &[(&str, &str)], workspace: &Workspace) -> Vec<String> {
    let is_listed = |(package, target): &(&str, &str)| {
        suites.iter().any(|suite| suite.package == *package && suite.target == *target)
    };
    let unlisted = used.iter().filter(|test| !is_listed(test)).map(|(package, target)| {
        format!(
            "`{package}`: the test `{target}` uses servers and has no row: nothing would run it"
        )
    });
    // A package that has none of its suites yet has not got that far.
    let has_begun = |suite: &&Suite| used.iter().any(|(package, _)| *package == suite.package);
    let absent = suites
        .iter()
        .filter(has_begun)
        .filter(|suite| !suite.exists_in(workspace))
        .map(|suite| format!("`{}`: there is no test `{}`", suite.package, suite.target));
    unlisted.chain(absent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Suite] =
        &[suite("driver", "faults", Needs::Controlled), suite("driver", "cluster", Needs::Cluster)];

    fn workspace(tests: &[&str]) -> Workspace {
        let targets: Vec<_> = tests
            .iter()
            .map(|name| serde_json::json!({"name": name, "kind": ["test"], "src_path": ""}))
            .collect();
        let driver = serde_json::json!({
            "name": "driver", "manifest_path": "", "features": {}, "dependencies": [], "targets": targets,
        });
        Workspace::from_json(&serde_json::json!({ "packages": [driver] }).to_string()).unwrap()
    }

    #[test]
    fn a_table_that_fits_gives_no_complaint() {
        let used = [("driver", "faults"), ("driver", "cluster")];
        let workspace = workspace(&["faults", "cluster", "golden"]);
        assert_eq!(complaints(TABLE, &used, &workspace), Vec::<String>::new());
    }

    #[test]
    fn a_test_that_nothing_would_run_is_named() {
        let used = [("driver", "faults"), ("driver", "cluster"), ("driver", "budget")];
        let found = complaints(TABLE, &used, &workspace(&["faults", "cluster", "budget"]));
        assert_eq!(
            found,
            ["`driver`: the test `budget` uses servers and has no row: nothing would run it"]
        );
    }

    #[test]
    fn a_test_uses_what_its_modules_use() {
        let source = "//! mod none;\nmod support;\nmod here {\n}\nuse other;\n";
        assert_eq!(modules(source).collect::<Vec<_>>(), ["support"]);
        let folder = std::env::temp_dir().join(format!("xtask-suites-{}", std::process::id()));
        fs::create_dir_all(folder.join("support")).unwrap();
        fs::write(folder.join("driver.rs"), source).unwrap();
        fs::write(folder.join("support/mod.rs"), "").unwrap();
        assert!(!uses_servers(&folder.join("driver.rs")).unwrap());
        fs::write(folder.join("support/mod.rs"), "use redis_servers::Server;").unwrap();
        assert!(uses_servers(&folder.join("driver.rs")).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_row_without_a_test_is_named() {
        let found = complaints(TABLE, &[("driver", "faults")], &workspace(&["faults"]));
        assert_eq!(found, ["`driver`: there is no test `cluster`"]);
    }
}
