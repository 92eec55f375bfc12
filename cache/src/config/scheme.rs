//! How a URL begins: with what says which driver it is for.

use super::Flaw;

/// Takes a URL apart into the driver's name and what follows the colon.
pub(crate) fn driver(url: &str) -> Result<(&str, &str), Flaw> {
    // The crate `url` would drop them, and so the password would be another.
    if url.ends_with(['\n', '\r']) {
        return Err("the URL ends with a newline, as files do: remove it".into());
    }
    if url.contains(char::is_control) {
        return Err("the URL has a control character, such as a newline: in a password it is \
                    percent-encoded, elsewhere there is none"
            .into());
    }
    // `host:6379` and `user:password@host` begin with no driver either.
    let is_driver = |(name, rest): &(&str, &str)| {
        is_scheme(name) && (rest.starts_with("//") || is_memory(name) || is_one(name, REDIS))
    };
    url.split_once(':').filter(is_driver).ok_or_else(|| {
        // Not a word of it is shown: it could be a password as well.
        "a URL begins with the name of a driver and a colon, such as `memory:` or `redis://…`"
            .into()
    })
}

/// As RFC 3986 has it.
pub(crate) fn is_scheme(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(allowed)
}

const REDIS: &[&str] = &["redis", "rediss", "valkey", "valkeys"];

/// Schemes have no upper and lower case.
fn is_one(scheme: &str, names: &[&str]) -> bool {
    names.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

pub(crate) fn is_memory(scheme: &str) -> bool {
    is_one(scheme, &["memory"])
}

/// `redis`, `rediss`, `valkey`, `valkeys`, and whatever follows a hyphen: the driver judges that.
pub(crate) fn is_redis(scheme: &str) -> bool {
    is_one(scheme.split_once('-').map_or(scheme, |(base, _)| base), REDIS)
}
