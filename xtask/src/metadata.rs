//! The members of the workspace as `cargo metadata` describes them: only the fields that are used.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::plan::Failure;
use crate::process::Call;

/// The workspace's own crates.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "packages")]
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// Each feature with what it enables.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
    /// The registries that it may be published to: absent is any, empty is none.
    publish: Option<Vec<String>>,
}

/// What cargo builds of a crate: its library, an example, a file of integration tests.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The package's name, also where it is renamed.
    pub(crate) name: String,
    #[serde(default, deserialize_with = "kind_or_normal")]
    pub(crate) kind: Kind,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Normal,
    Build,
    Dev,
}

/// A normal dependency has `"kind": null`.
fn kind_or_normal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Workspace {
    /// Asks cargo about the workspace in the current folder.
    pub(crate) fn load() -> Result<Self, Failure> {
        Self::from_json(&Call::cargo("metadata --format-version 1 --no-deps").read()?)
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, Failure> {
        serde_json::from_str(json).map_err(|error| {
            Failure::new(format!("`cargo metadata` printed something unexpected: {error}"))
        })
    }
}

impl Member {
    /// Its integration tests.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.kind == ["test"])
    }

    pub(crate) fn has_examples(&self) -> bool {
        self.targets.iter().any(|target| target.kind == ["example"])
    }

    /// Whether others can depend on it.
    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_prints_is_understood() {
        let workspace = Workspace::from_json(
            r#"{"packages": [{
                "name": "cache", "manifest_path": "/src/cache/Cargo.toml", "publish": null,
                "dependencies": [
                    {"name": "cache-core", "kind": null, "rename": null},
                    {"name": "tokio", "kind": "dev", "rename": null},
                    {"name": "cc", "kind": "build", "rename": null}
                ],
                "features": {"default": ["memory"], "memory": ["dep:cache-memory"]},
                "targets": [
                    {"name": "cache", "kind": ["lib"], "src_path": "/src/cache/src/lib.rs"},
                    {"name": "redis", "kind": ["test"], "src_path": "/src/cache/tests/redis.rs"}
                ]
            }, {
                "name": "xtask", "manifest_path": "/src/xtask/Cargo.toml", "publish": [],
                "dependencies": [], "features": {}
            }]}"#,
        )
        .unwrap();
        let [cache, xtask] = &workspace.members[..] else { panic!("{workspace:?}") };
        let kinds: Vec<_> = cache.dependencies.iter().map(|dependency| dependency.kind).collect();
        assert_eq!(kinds, [Kind::Normal, Kind::Dev, Kind::Build]);
        assert_eq!(cache.features["default"], ["memory"]);
        let tests: Vec<_> = cache.tests().map(|test| test.name.as_str()).collect();
        assert_eq!(tests, ["redis"]);
        assert!(!cache.has_examples());
        assert!(cache.is_published());
        assert!(!xtask.is_published());
    }
}
