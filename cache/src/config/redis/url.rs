//! The URL of servers, taken apart as text: its options that are settings, and what of it may be shown.

use crate::config::Flaw;
use crate::config::given::{COMMON, REDIS};
use crate::config::option::{decoded, parts};
use crate::config::scheme::is_scheme;
use crate::config::shown::Name;

/// A URL without the options that are settings, and those.
pub(crate) struct Apart {
    pub(crate) url: String,
    pub(crate) options: Vec<(String, String)>,
}

/// Takes the options out of the URL of servers that are settings of the cache. What remains says which servers.
pub(crate) fn without_settings(url: &str) -> Result<Apart, Flaw> {
    let mut apart = Apart { url: url.to_owned(), options: vec![] };
    let Some((servers, query)) = url.split_once('?') else { return Ok(apart) };
    // A password with a `?` that is not encoded. The driver refuses it, and says so.
    if url.contains('#') || query.contains('@') {
        return Ok(apart);
    }
    let mut kept = vec![];
    for part in parts(query) {
        let (name, value) = decoded(part)?;
        if !is_setting(&name) {
            kept.push(part);
            continue;
        }
        if apart.options.iter().any(|(other, _)| *other == name) {
            return Err(format!("the option {} is given twice", Name(&name)));
        }
        apart.options.push((name, value));
    }
    servers.clone_into(&mut apart.url);
    if !kept.is_empty() {
        apart.url.push('?');
        apart.url.push_str(&kept.join("&"));
    }
    Ok(apart)
}

fn is_setting(name: &str) -> bool {
    COMMON.contains(&name) || (REDIS.keys.contains(&name) && name != "url")
}

/// A URL that the driver takes, with what it says of servers, and `***` for everything that is or could be secret.
pub(crate) fn redacted(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| is_scheme(scheme))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let mut shown = format!("{scheme}://");
    let host = match authority.rsplit_once('@') {
        None => authority,
        Some((user, host)) => {
            shown.push_str(user.split(':').next().unwrap_or_default());
            shown.push_str(":***@");
            host
        }
    };
    shown.push_str(host);
    if !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_digit()) {
        shown.push('/');
        shown.push_str(path);
    }
    for (at, part) in parts(query).enumerate() {
        shown.push(if at == 0 { '?' } else { '&' });
        let is_public = ["node=", "service="].iter().any(|name| part.starts_with(name));
        let is_plain = !part.contains(['@', '%']);
        shown.push_str(if is_public && is_plain { part } else { "***" });
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_out_and_servers_stay() {
        for (url, servers, settings) in [
            ("redis://h", "redis://h", ""),
            ("redis://h?", "redis://h", ""),
            ("redis://h/1?prefix=a%3Ab&lazy=true", "redis://h/1", "prefix=a:b lazy=true"),
            (
                "redis-cluster://h?node=a&ca=/x+y&node=b",
                "redis-cluster://h?node=a&node=b",
                "ca=/x y",
            ),
            ("redis://h?unknown=1&&connections=2", "redis://h?unknown=1", "connections=2"),
            ("redis://h?url=x", "redis://h?url=x", ""),
            ("redis://default:a?prefix=s3cret@h", "redis://default:a?prefix=s3cret@h", ""),
        ] {
            let apart = without_settings(url).unwrap();
            assert_eq!(apart.url, servers);
            let said: Vec<_> =
                apart.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(said.join(" "), settings, "{url}");
        }
        assert!(without_settings("redis://h?lazy=true&lazy=true").is_err());
    }

    #[test]
    fn what_is_secret_is_redacted() {
        for (url, shown) in [
            ("redis://h", "redis://h"),
            ("redis://u:s3cret@h:1/2", "redis://u:***@h:1/2"),
            ("rediss://:s3@cret@[::1]", "rediss://:***@[::1]"),
            (
                "redis-sentinel://a?node=b:2&service=main&sentinel_user=u&sentinel_password=s3cret",
                "redis-sentinel://a?node=b:2&service=main&***&***",
            ),
            ("redis://h?s3cret", "redis://h?***"),
        ] {
            assert_eq!(redacted(url).as_deref(), Some(shown));
        }
        assert_eq!(redacted("s3cret@h://x"), None);
    }
}
