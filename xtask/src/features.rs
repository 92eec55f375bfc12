//! The sets of features that users build, and a check that the table keeps up with the crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::metadata::Workspace;

/// One crate with some of its features.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeatureSet {
    package: &'static str,
    defaults: Defaults,
    features: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defaults {
    On,
    Off,
}

use Defaults::{Off, On};

/// What lint builds one by one. All features at once, which it builds too, need no row.
pub(crate) const FEATURE_SETS: &[FeatureSet] = &[
    // The smallest thing that can be depended on.
    set("cache-ttl", On, &[]),
    // What a driver depends on.
    set("cache-core", On, &[]),
    // For values that bincode cannot carry.
    set("cache-core", On, &["json"]),
    // What the tests of a third party's driver depend on.
    set("cache-core", On, &["conformance"]),
    // The memory driver without the umbrella.
    set("cache-memory", On, &[]),
    // Locks without the umbrella.
    set("cache-lock", On, &[]),
    // Its part of the tests of a third party's driver.
    set("cache-lock", On, &["conformance"]),
    // Tags without the umbrella.
    set("cache-tags", On, &[]),
    // The Redis driver without the umbrella.
    set("cache-redis", On, &[]),
    // With servers that speak TLS.
    set("cache-redis", On, &["tls"]),
    // The umbrella as it comes: memory.
    set("cache", On, &[]),
    // For drivers of one's own.
    set("cache", Off, &[]),
    // Production that has no use for memory.
    set("cache", Off, &["redis"]),
    // Memory in tests, Redis in production.
    set("cache", On, &["redis"]),
    // With servers that speak TLS.
    set("cache", On, &["redis-tls"]),
    // Types that a format without names cannot carry.
    set("cache", On, &["json"]),
    // Configuration from TOML.
    set("cache", On, &["toml"]),
    // Configuration from TOML, where memory is not for production.
    set("cache", Off, &["redis", "toml"]),
    // In the handlers of a web service.
    set("cache", On, &["axum"]),
];

const fn set(
    package: &'static str,
    defaults: Defaults,
    features: &'static [&'static str],
) -> FeatureSet {
    FeatureSet { package, defaults, features }
}

impl FeatureSet {
    /// The arguments that make cargo build it.
    pub(crate) fn args(&self) -> Vec<&'static str> {
        let mut args = vec!["-p", self.package];
        if self.defaults == Off {
            args.push("--no-default-features");
        }
        for feature in self.features {
            args.extend(["--features", feature]);
        }
        args
    }
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.args()[1..].join(" "))
    }
}

/// What the table says that is not so, and what is so that it does not say.
pub(crate) fn complaints(sets: &[FeatureSet], workspace: &Workspace) -> Vec<String> {
    let mut complaints = vec![];
    let mut covered: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for set in sets {
        let Some(member) = workspace.members.iter().find(|member| member.name == set.package)
        else {
            complaints.push(format!("`{set}`: there is no crate `{}`", set.package));
            continue;
        };
        let covered = covered.entry(set.package).or_default();
        covered.extend(set.features);
        if set.defaults == On {
            covered.insert("default");
            covered
                .extend(member.features.get("default").into_iter().flatten().map(String::as_str));
        }
        for feature in set.features {
            if !member.features.contains_key(*feature) {
                complaints.push(format!("`{set}`: `{}` has no feature `{feature}`", set.package));
            }
        }
    }
    for member in workspace.members.iter().filter(|member| member.is_published()) {
        let Some(covered) = covered.get(member.name.as_str()) else {
            complaints.push(format!("no row builds `{}` by itself", member.name));
            continue;
        };
        for feature in member.features.keys().filter(|name| !covered.contains(name.as_str())) {
            complaints.push(format!("no row builds the feature `{feature}` of `{}`", member.name));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::from_json(
            r#"{"packages": [
                {"name": "cache", "manifest_path": "", "dependencies": [],
                 "features": {"default": ["memory"], "memory": [], "redis": []}},
                {"name": "xtask", "manifest_path": "", "dependencies": [], "features": {},
                 "publish": []}
            ]}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_table_that_fits_gives_no_complaint() {
        let sets = [set("cache", On, &[]), set("cache", Off, &["redis"])];
        assert_eq!(complaints(&sets, &workspace()), Vec::<String>::new());
    }

    #[test]
    fn a_feature_without_a_row_is_named() {
        let sets = [set("cache", Off, &["redis"])];
        assert_eq!(
            complaints(&sets, &workspace()),
            [
                "no row builds the feature `default` of `cache`",
                "no row builds the feature `memory` of `cache`",
            ]
        );
        assert_eq!(complaints(&[], &workspace()), ["no row builds `cache` by itself"]);
    }

    #[test]
    fn a_row_without_a_crate_or_a_feature_is_named() {
        let sets = [
            set("cache", On, &["redis"]),
            set("cache", On, &["rediss"]),
            set("cache-gone", On, &[]),
        ];
        assert_eq!(
            complaints(&sets, &workspace()),
            [
                "`cache --features rediss`: `cache` has no feature `rediss`",
                "`cache-gone`: there is no crate `cache-gone`",
            ]
        );
    }

    #[test]
    fn a_set_becomes_arguments() {
        let set = set("cache", Off, &["redis"]);
        assert_eq!(set.args(), ["-p", "cache", "--no-default-features", "--features", "redis"]);
        assert_eq!(set.to_string(), "cache --no-default-features --features redis");
    }
}
