//! What of a text may be shown, in an error or by `Debug`, where a URL with a password could have been written.

use std::fmt;

/// A text as it was given, shortened; or nothing of it, if it could be a URL, or part of one.
pub(crate) struct Quoted<'t>(pub(crate) &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_harmless(self.0) {
            write!(f, "`{}`", Short(self.0))
        } else {
            f.write_str("a text that is not shown")
        }
    }
}

/// Whether a text has no part of a URL in which a password could stand.
pub(crate) fn is_harmless(text: &str) -> bool {
    !text.contains(['@', '%']) && !text.contains("//")
}

/// What a setting or a driver is called, where nobody knows it: shown if it could be a name.
pub(crate) struct Name<'t>(pub(crate) &'t str);

impl Name<'_> {
    pub(crate) fn is_shown(&self) -> bool {
        self.0.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_shown() {
            write!(f, "`{}`", Short(self.0))
        } else {
            f.write_str("whose name is not shown")
        }
    }
}

/// As much of a text as an error should show.
struct Short<'t>(&'t str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        match self.0.char_indices().nth(SHOWN) {
            None => self.0.escape_debug().fmt(f),
            Some((end, _)) => write!(f, "{}…", self.0[..end].escape_debug()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_of_what_could_hold_a_password() {
        for text in ["redis://:s3cret@h", "//s3cret", "s3cret@h", "redis%3A%2F%2F:s3cret"] {
            assert_eq!(Quoted(text).to_string(), "a text that is not shown");
            assert_eq!(Name(text).to_string(), "whose name is not shown");
        }
        assert_eq!(Quoted("a#b").to_string(), "`a#b`");
        assert_eq!(Quoted(&"é".repeat(50)).to_string(), format!("`{}…`", "é".repeat(40)));
    }
}
