//! The options of a URL, decoded.

use super::Flaw;
use super::shown::Name;

/// All of them, in the order given.
#[cfg(feature = "memory")]
pub(crate) fn options(query: &str) -> Result<Vec<(String, String)>, Flaw> {
    parts(query).map(decoded).collect()
}

/// Each as it was written.
pub(crate) fn parts(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|part| !part.is_empty())
}

/// One of [`parts`] as name and value, or that it is no text.
pub(crate) fn decoded(part: &str) -> Result<(String, String), Flaw> {
    let (name, value) = form_urlencoded::parse(part.as_bytes()).next().unwrap_or_default();
    // What is no UTF-8 is replaced, and so one setting would be taken for another.
    let said = unknown_letters(part) + part.to_ascii_uppercase().matches("%EF%BF%BD").count();
    if unknown_letters(&name) + unknown_letters(&value) > said {
        return Err(format!("the option {} is no UTF-8", Name(&name)));
    }
    Ok((name.into_owned(), value.into_owned()))
}

fn unknown_letters(text: &str) -> usize {
    text.matches(char::REPLACEMENT_CHARACTER).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_refused_and_what_looks_so_is_not() {
        for (part, expected) in [
            ("a=b+c%20d", Some(("a", "b c d"))),
            ("a", Some(("a", ""))),
            ("a=%C3%A9é", Some(("a", "éé"))),
            ("a=%EF%bf%BD\u{fffd}", Some(("a", "\u{fffd}\u{fffd}"))),
            ("a=%ff", None),
            ("%ff=a", None),
            ("a=%C3", None),
            ("a=%EF%BF%BD%FF", None),
            ("a=%F0%EF%BF%BD", None),
        ] {
            let decoded = decoded(part).ok();
            let decoded = decoded.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(decoded, expected, "{part}");
        }
    }
}
