//! What must not get into a crate by any way, and who would bring it in.

/// A crate, and the packages that neither it nor what it depends on may use.
#[derive(Debug)]
pub(crate) struct KeptOut {
    pub(crate) package: &'static str,
    unwanted: &'static [&'static str],
}

pub(crate) const KEPT_OUT: &[KeptOut] = &[
    // The core knows neither Redis nor HTTP nor URLs.
    KeptOut { package: "cache-core", unwanted: &["fred", "axum", "url"] },
    // Tests that only want memory build nothing of Redis, of the web or of containers.
    KeptOut { package: "cache-memory", unwanted: &["fred", "axum", "testcontainers"] },
    // What starts and asks servers for tests stays with the tests.
    KeptOut { package: "cache", unwanted: &["redis", "redis-servers", "testcontainers"] },
];

/// Each unwanted package in what `cargo tree --prefix none` printed about the crate.
pub(crate) fn complaints(rule: &KeptOut, tree: &str) -> Vec<String> {
    let is_in_tree =
        |name: &str| tree.lines().any(|line| line.split_whitespace().next() == Some(name));
    let complaint = |name: &&str| {
        let package = rule.package;
        format!(
            "`{package}` reaches `{name}`; see how with \
             `cargo tree --edges normal --all-features --target all -p {package} -i {name}`"
        )
    };
    rule.unwanted.iter().filter(|name| is_in_tree(name)).map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: KeptOut = KeptOut { package: "cache-core", unwanted: &["fred", "url"] };

    #[test]
    fn a_package_is_found_at_any_depth() {
        let tree =
            "cache-core v0.1.0 (/src/cache-core)\nclient v1.0.0\nfred v10.1.0\nurl v2.5.0 (*)";
        let found = complaints(&RULE, tree);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("`cache-core` reaches `fred`"), "{found:?}");
    }

    #[test]
    fn a_name_is_not_found_inside_another() {
        let tree = "cache-core v0.1.0 (/home/fred/url)\nform_urlencoded v1.2.0\nfred-macros v1.0.0";
        assert_eq!(complaints(&RULE, tree), Vec::<String>::new());
    }
}
