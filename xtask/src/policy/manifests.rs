//! A member's manifest takes each dependency from the workspace's table, where it is declared once,
//! with its version, its features and its reason.

use toml::{Table, Value};

/// Where a manifest, or a `target.…` part of it, lists dependencies.
const SECTIONS: &[&str] = &["dependencies", "build-dependencies", DEV];
const DEV: &str = "dev-dependencies";

/// Each dependency of the manifest that is declared in place.
pub(crate) fn complaints(member: &str, manifest: &str) -> Result<Vec<String>, toml::de::Error> {
    let manifest: Table = manifest.parse()?;
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let conditional = targets.filter_map(|(_, target)| target.as_table());
    let mut complaints = vec![];
    for table in std::iter::once(&manifest).chain(conditional) {
        for &section in SECTIONS {
            let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
            for (name, entry) in entries {
                let is_fine = is_inherited(entry) || (section == DEV && is_house_path(entry));
                if !is_fine {
                    complaints.push(format!(
                        "`{member}`: `{name}` in [{section}]: declare it in \
                         [workspace.dependencies] and take it with `workspace = true`"
                    ));
                }
            }
        }
    }
    Ok(complaints)
}

fn is_inherited(entry: &Value) -> bool {
    entry.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// A crate of the house by its path alone: cargo leaves such a dev-dependency out of what it
/// publishes, so that a crate can be tested with itself or with one that depends on it.
fn is_house_path(entry: &Value) -> bool {
    entry.get("path").is_some() && entry.get("version").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(manifest: &str) -> Vec<String> {
        let name = |complaint: &String| complaint.split('`').nth(3).map(str::to_owned);
        complaints("cache", manifest).unwrap().iter().filter_map(name).collect()
    }

    #[test]
    fn inherited_dependencies_pass_in_every_spelling() {
        let manifest = r#"
            [dependencies]
            cache-core.workspace = true
            tokio = { workspace = true, features = ["sync"] }
            [dependencies.serde]
            workspace = true
            optional = true
        "#;
        assert_eq!(names(manifest), Vec::<String>::new());
    }

    #[test]
    fn versions_paths_and_sources_in_place_are_listed() {
        let manifest = r#"
            [dependencies]
            fred = "10"
            url = { version = "2" }
            cache-core = { path = "../cache-core" }
            [build-dependencies]
            cc = { git = "https://example.com/cc" }
            [dev-dependencies]
            tokio-test = "0.4"
        "#;
        assert_eq!(names(manifest), ["cache-core", "fred", "url", "cc", "tokio-test"]);
    }

    #[test]
    fn conditional_dependencies_are_looked_at_too() {
        let manifest = "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"";
        assert_eq!(names(manifest), ["libc"]);
    }

    #[test]
    fn a_dev_dependency_on_the_house_may_be_a_bare_path() {
        let manifest = r#"
            [dev-dependencies]
            cache-core = { path = ".", features = ["conformance"] }
            cache-memory = { path = "../cache-memory", version = "0.1.0" }
        "#;
        assert_eq!(names(manifest), ["cache-memory"]);
    }
}
