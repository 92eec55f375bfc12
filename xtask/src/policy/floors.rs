//! The floors of the house: a crate depends only on crates of lower floors. So a driver never
//! imports another driver, and the core never learns of what is built on it.
//!
//! Dev-dependencies are free: a test may need a driver, and nothing that is published changes.

use crate::metadata::{Kind, Workspace};

/// The floor of each crate of the workspace.
pub(crate) const FLOORS: &[(&str, u8)] = &[
    ("cache-ttl", 1),
    // Servers for tests. It knows nothing of caches.
    ("redis-servers", 1),
    ("cache-core", 2),
    ("cache-tags", 3),
    ("cache-lock", 3),
    ("cache-memory", 3),
    ("cache-redis", 3),
    ("cache", 4),
    ("bench-report", 1),
    ("bench-gate", 4),
    ("xtask", 5),
];

/// Each dependency that breaks the rule, and each crate that has no floor.
pub(crate) fn complaints(floors: &[(&str, u8)], workspace: &Workspace) -> Vec<String> {
    let floor_of = |name: &str| floors.iter().find(|(known, _)| *known == name).map(|row| row.1);
    let mut complaints = vec![];
    for member in &workspace.members {
        let Some(floor) = floor_of(&member.name) else {
            complaints.push(format!(
                "`{}` has no floor: add it to FLOORS in xtask/src/policy/floors.rs",
                member.name
            ));
            continue;
        };
        for dependency in member.dependencies.iter().filter(|other| other.kind != Kind::Dev) {
            // Neither third parties nor crates without a floor, which have a complaint of their own.
            let Some(other) = floor_of(&dependency.name) else { continue };
            if other >= floor {
                complaints.push(format!(
                    "`{}` (floor {floor}) depends on `{}` (floor {other}); only lower floors may be",
                    member.name, dependency.name
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace from lines such as `cache: cache-core tokio dev:cache-memory build:cc`.
    fn workspace(lines: &[&str]) -> Workspace {
        let members: Vec<_> = lines
            .iter()
            .map(|line| {
                let (name, dependencies) = line.split_once(':').expect(line);
                let dependencies: Vec<_> = dependencies
                    .split_whitespace()
                    .map(|dependency| match dependency.split_once(':') {
                        Some((kind, name)) => serde_json::json!({"name": name, "kind": kind}),
                        None => serde_json::json!({"name": dependency, "kind": null}),
                    })
                    .collect();
                serde_json::json!({
                    "name": name, "manifest_path": "", "features": {}, "dependencies": dependencies,
                })
            })
            .collect();
        Workspace::from_json(&serde_json::json!({ "packages": members }).to_string()).unwrap()
    }

    fn complaints_about(lines: &[&str]) -> Vec<String> {
        complaints(FLOORS, &workspace(lines))
    }

    #[test]
    fn the_house_as_it_was_drawn_passes() {
        let house = [
            "cache-ttl: parse_duration",
            "cache-core: cache-ttl serde",
            "cache-tags: cache-core",
            "cache-lock: cache-core cache-ttl tokio",
            "cache-memory: cache-core quick_cache",
            "cache-redis: cache-core fred",
            "cache: cache-core cache-memory cache-redis cache-tags cache-lock",
            "xtask: serde_json toml",
        ];
        assert_eq!(complaints_about(&house), Vec::<String>::new());
    }

    #[test]
    fn a_driver_may_not_import_a_driver() {
        let house = ["cache-memory: cache-core", "cache-redis: cache-core cache-memory"];
        assert_eq!(
            complaints_about(&house),
            ["`cache-redis` (floor 3) depends on `cache-memory` (floor 3); \
              only lower floors may be"]
        );
    }

    #[test]
    fn a_lower_floor_may_not_import_a_higher_one() {
        let house = ["cache-ttl:", "cache-core: cache-ttl cache", "cache: cache-core"];
        assert_eq!(
            complaints_about(&house),
            ["`cache-core` (floor 2) depends on `cache` (floor 4); only lower floors may be"]
        );
    }

    #[test]
    fn a_build_dependency_counts_and_a_dev_dependency_does_not() {
        assert_eq!(complaints_about(&["cache-core: build:cache-memory"]).len(), 1);
        let house = ["cache-core: cache-ttl dev:cache-core dev:cache-memory"];
        assert_eq!(complaints_about(&house), Vec::<String>::new());
    }

    #[test]
    fn a_crate_without_a_floor_is_told_where_to_get_one() {
        assert_eq!(
            complaints_about(&["cache-disk: cache-core"]),
            ["`cache-disk` has no floor: add it to FLOORS in xtask/src/policy/floors.rs"]
        );
    }

    #[test]
    fn every_breach_is_listed() {
        let house = ["cache-tags: cache-lock cache-tags", "cache-lock: cache"];
        assert_eq!(complaints_about(&house).len(), 3);
    }
}
