//! Numbers and lifetimes, as commands and scripts take them and as replies bring them.

use cache_core::{Error, Lifetime};
use fred::types::{Expiration, Value as Reply};

use crate::failure::{uncounted, unexpected};

/// The number in a reply.
pub(crate) fn whole(reply: &Reply) -> Result<i64, Error> {
    reply.as_i64().ok_or_else(unexpected)
}

/// The sum in a reply, or what kept it from being counted.
pub(crate) fn sum(reply: &Reply) -> Result<i64, Error> {
    let text = reply.as_str().ok_or_else(unexpected)?;
    text.parse().map_err(|_| uncounted(&text))
}

/// A lifetime as commands take it.
pub(crate) fn expiration(lifetime: Lifetime) -> Option<Expiration> {
    match lifetime {
        Lifetime::Forever => None,
        Lifetime::Millis(millis) => Some(Expiration::PX(signed(millis.get()))),
    }
}

/// A lifetime as scripts take it.
pub(crate) fn millis_of(lifetime: Lifetime) -> Reply {
    match lifetime {
        Lifetime::Forever => Reply::from_static_str(""),
        Lifetime::Millis(millis) => signed(millis.get()).into(),
    }
}

/// The longest lifetime is some 500 years.
pub(crate) fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
