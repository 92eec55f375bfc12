//! The README's blocks of Rust are shown as they are compiled. They are doc tests, and of a doc test rustdoc hides lines
//! that begin with `# `; whoever reads the README elsewhere would see them, and could not compile what they copy.

/// Each line of a block of Rust that rustdoc would hide.
pub(crate) fn complaints(readme: &str) -> Vec<String> {
    let mut complaints = vec![];
    // The language of the block that a line is in.
    let mut language = None;
    for (number, line) in (1..).zip(readme.lines().map(str::trim)) {
        match (line.strip_prefix("```"), language) {
            (Some(info), None) => language = Some(info),
            (Some(_), Some(_)) => language = None,
            (None, Some(info)) if is_rust(info) && is_hidden(line) => complaints.push(format!(
                "line {number}, `{line}`: write what is shown in full, or make do without it"
            )),
            (None, _) => {}
        }
    }
    complaints
}

/// As rustdoc has it: unless another language is named.
fn is_rust(info: &str) -> bool {
    matches!(info.split(',').next(), Some("" | "rust" | "no_run" | "should_panic"))
}

fn is_hidden(line: &str) -> bool {
    line == "#" || line.starts_with("# ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_line_is_named_in_every_block_of_rust() {
        for info in ["", "rust", "rust,no_run", "no_run"] {
            for hidden in ["# use cache::prelude::*;", "    # Ok(())", "#"] {
                let readme = format!("text\n```{info}\nlet one = 1;\n{hidden}\n```\n");
                let found = complaints(&readme);
                assert_eq!(found.len(), 1, "{info}: {hidden}");
                assert!(found[0].starts_with("line 4, `#"), "{found:?}");
            }
        }
    }

    #[test]
    fn attributes_comments_of_a_shell_and_headings_pass() {
        let readme = "\
# A heading
```rust
#[derive(Debug)]
#![allow(dead_code)]
struct One;
```
## Another
```sh
# what it does
cargo test    # and why
```
```toml
# a comment
```
";
        assert_eq!(complaints(readme), Vec::<String>::new());
    }
}
