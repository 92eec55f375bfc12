//! Text in Markdown, where it must not become markup.

/// Plain text, but for code between backticks, on one line.
pub(crate) fn escape(text: &str) -> String {
    let has_code = text.matches('`').count().is_multiple_of(2);
    let mut escaped = String::with_capacity(text.len());
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '`' if has_code => in_code = !in_code,
            // A table ends its cells even inside of code.
            '|' => escaped.push('\\'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' if !in_code => escaped.push('\\'),
            _ => {}
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

/// A row of a table, of cells that are Markdown.
pub(crate) fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<_> = cells.into_iter().collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The line below a table's head: the first `left` columns to the left, numbers to the right.
pub(crate) fn rule(columns: usize, left: usize) -> String {
    let cells = (0..columns).map(|column| if column < left { "---" } else { "---:" });
    format!("|{}|\n", cells.collect::<Vec<_>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_does_not_become_markup() {
        assert_eq!(escape("a|b *c* <d> quick_cache"), r"a\|b \*c\* \<d\> quick\_cache");
        assert_eq!(escape("two\nlines"), "two lines");
    }

    #[test]
    fn code_stays_code() {
        assert_eq!(escape("`get_shared` of a|b"), r"`get_shared` of a\|b");
        assert_eq!(escape("a lone ` stays"), r"a lone \` stays");
    }
}
