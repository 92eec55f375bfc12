//! How a URL begins: with what says which driver it is for.

use super::Flaw;

/// Takes a URL apart into the driver's name and what follows the colon.
pub(crate) fn driver(url: &str) -> Result<(&str, &str), Flaw> {
    url.split_once(':').filter(|(name, _)| is_scheme(name)).ok_or_else(|| {
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

/// `redis`, `rediss`, `valkey`, `valkeys`, and whatever follows a hyphen: the driver judges that.
pub(crate) fn is_redis(scheme: &str) -> bool {
    let base = scheme.split_once('-').map_or(scheme, |(base, _)| base);
    ["redis", "rediss", "valkey", "valkeys"].iter().any(|known| base.eq_ignore_ascii_case(known))
}
