//! What a URL says: which servers, as whom, and with which options.

use std::borrow::Cow;
use std::time::Duration;

use cache_core::{Error, ErrorKind};
use cache_ttl::Ttl;
use percent_encoding::percent_decode_str;
use url::Url;

/// The servers that a store talks to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) servers: Servers,
    pub(crate) credentials: Credentials,
    pub(crate) database: u8,
    pub(crate) tls: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

#[derive(Clone)]
pub(crate) enum Servers {
    Standalone(Address),
    /// Some nodes of a cluster; the others are asked of them.
    Cluster(Vec<Address>),
    /// Some sentinels, and the name of what they watch.
    Sentinel {
        sentinels: Vec<Address>,
        service: String,
        credentials: Credentials,
    },
}

/// A user and a password. It has no `Debug`, so that nothing prints it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// The options that are not the target's own.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) prefix: Option<String>,
    pub(crate) connections: Option<usize>,
    pub(crate) command_timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) ca_certificate: Option<String>,
    /// What is not known here, in the order given.
    pub(crate) rest: Vec<(String, String)>,
}

const REDIS_PORT: u16 = 6_379;
const SENTINEL_PORT: u16 = 26_379;

/// The options that are known here, for messages.
pub(crate) const OPTIONS: &str = "`prefix`, `connections`, `command_timeout`, `connect_timeout`, `ca`, `node` \
                                  (cluster and sentinel), `service`, `sentinel_user` and `sentinel_password` (sentinel)";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Topology {
    Standalone,
    Cluster,
    Sentinel,
}

/// Takes a URL apart.
pub(crate) fn parse(url: &str) -> Result<(Target, Settings), Error> {
    refuse_misread(url)?;
    // Of what cannot be taken apart no word is shown: it could be the password.
    let begins = || refused("the URL begins with its scheme, as in `redis://127.0.0.1:6379`");
    let parsed = Url::parse(url).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => begins(),
        error => refused(format!("the URL cannot be taken apart: {error}")),
    })?;
    // `host:6379` and `user:password@host` have a colon, but no scheme.
    let (topology, tls) = scheme(parsed.scheme())
        .map_err(|unknown| if url.contains("://") { unknown } else { begins() })?;
    let default_port = match topology {
        Topology::Sentinel => SENTINEL_PORT,
        Topology::Standalone | Topology::Cluster => REDIS_PORT,
    };
    let host = match parsed.host() {
        None => return Err(refused("the URL names no host, as in `redis://127.0.0.1:6379`")),
        Some(url::Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
    };
    if host.contains(',') {
        return Err(refused("the URL names one host; others follow as `?node=host:port`"));
    }
    if parsed.port() == Some(0) {
        return Err(refused("the URL has the port 0, at which nobody listens"));
    }
    if parsed.fragment().is_some() {
        return Err(refused("the URL has a `#`; write `%23` if it is part of the password"));
    }
    let mut addresses = vec![Address { host, port: parsed.port().unwrap_or(default_port) }];
    let credentials = credentials(&parsed)?;
    let database = database(parsed.path(), topology)?;

    let mut settings = Settings::default();
    let mut seen = Vec::new();
    let mut service = None;
    let mut sentinel = Credentials::default();
    let query = parsed.query().unwrap_or_default();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (option(name, "name")?, option(value, "value")?);
        if name != "node" {
            if seen.contains(&name) {
                return Err(refused(format!("the option `{}` is given twice", short(&name))));
            }
            seen.push(name.clone());
        }
        match &*name {
            "prefix" => settings.prefix = Some(value),
            "connections" => settings.connections = Some(connections(&value)?),
            "command_timeout" => settings.command_timeout = Some(duration(&name, &value)?),
            "connect_timeout" => settings.connect_timeout = Some(duration(&name, &value)?),
            "ca" if value.is_empty() || value.contains(char::is_control) => {
                return Err(refused(
                    "the option `ca` must be the path of a file, without control characters",
                ));
            }
            "ca" if tls => settings.ca_certificate = Some(value),
            "ca" => {
                return Err(refused("the option `ca` is for TLS: begin with `rediss://`"));
            }
            "node" if topology != Topology::Standalone => {
                addresses.push(address(&value, default_port)?);
            }
            "service" if topology == Topology::Sentinel => service = Some(value),
            "sentinel_user" if topology == Topology::Sentinel => {
                sentinel.user = Some(value);
            }
            "sentinel_password" if topology == Topology::Sentinel => {
                sentinel.password = Some(value);
            }
            "node" | "service" | "sentinel_user" | "sentinel_password" => {
                let name = short(&name);
                return Err(refused(format!(
                    "the option `{name}` has no meaning for `{}://`",
                    parsed.scheme()
                )));
            }
            // It may be what follows an `&` in the password, and is shown to nobody.
            _ if value.is_empty() && sentinel.password.is_some() => {
                return Err(refused(
                    "an option after `sentinel_password` has no value; write an `&` of the password as `%26`",
                ));
            }
            _ => settings.rest.push((name, value)),
        }
    }
    if sentinel.user.is_some() && sentinel.password.is_none() {
        return Err(refused("the option `sentinel_user` is given without `sentinel_password`"));
    }
    let servers = match topology {
        Topology::Standalone => Servers::Standalone(addresses.remove(0)),
        Topology::Cluster => Servers::Cluster(addresses),
        Topology::Sentinel => {
            let service = service.filter(|name| !name.is_empty()).ok_or_else(|| {
                refused("sentinels watch a service by name: add `?service=NAME` to the URL")
            })?;
            Servers::Sentinel { sentinels: addresses, service, credentials: sentinel }
        }
    };
    Ok((Target { servers, credentials, database, tls }, settings))
}

/// Refuses a text that the crate `url` would take for another than was meant.
fn refuse_misread(url: &str) -> Result<(), Error> {
    // The crate `url` drops these, and the password would be another.
    if url.ends_with(['\n', '\r', ' ']) {
        return Err(refused("the URL ends with a newline or a space: remove it"));
    }
    if url.contains(char::is_control) {
        return Err(refused(
            "the URL has a control character, such as a newline: in a password it is percent-encoded, elsewhere \
             there is none",
        ));
    }
    // A password that is not percent-encoded ends the host where it has a `/`, `?` or `#`; what follows it would be
    // shown as the path or an option.
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let behind = authority.find(['/', '?', '#']).map_or("", |end| &authority[end..]);
    if behind.contains('@') {
        return Err(refused(
            "the URL has a `@` behind the host; in a user, a password or an option write `%2F` for `/`, `%3F` for \
             `?`, `%23` for `#` and `%40` for `@`",
        ));
    }
    // Of several servers in a row the last would be the host, and the others part of the password.
    let place = &authority[..authority.len() - behind.len()];
    let user = place.rsplit_once('@').map_or("", |(user, _)| user);
    if user.split_once('@').is_some_and(|(_, rest)| rest.contains(',')) {
        return Err(refused(
            "the URL names one host; others follow as `?node=host:port`, without user and password; a `@` that is part \
             of the password is written `%40`",
        ));
    }
    Ok(())
}

/// `redis`, `rediss`, `valkey`, `valkeys`, each alone or with `-cluster` or `-sentinel`.
fn scheme(scheme: &str) -> Result<(Topology, bool), Error> {
    let (base, topology) = if let Some(base) = scheme.strip_suffix("-cluster") {
        (base, Topology::Cluster)
    } else if let Some(base) = scheme.strip_suffix("-sentinel") {
        (base, Topology::Sentinel)
    } else {
        (scheme, Topology::Standalone)
    };
    match base {
        "redis" | "valkey" => Ok((topology, false)),
        "rediss" | "valkeys" => Ok((topology, true)),
        _ => Err(refused(format!(
            "`{}://` is not known; there are `redis://`, `redis-cluster://`, `redis-sentinel://`, with \
             TLS `rediss://` and so on, and the same with `valkey`",
            short(scheme)
        ))),
    }
}

/// The name or the value of an option, which is not to become another by what is no text in it.
fn option(text: &str, what: &str) -> Result<String, Error> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned);
    decoded.map_err(|_| refused(format!("the {what} of an option of the URL is no UTF-8")))
}

fn credentials(url: &Url) -> Result<Credentials, Error> {
    let decode = |text: &str, what: &str| {
        let decoded = percent_decode_str(text).decode_utf8().map(Cow::into_owned);
        decoded.map_err(|_| refused(format!("the {what} of the URL is no UTF-8")))
    };
    let user = match url.username() {
        "" => None,
        user => Some(decode(user, "user")?),
    };
    let password = match url.password() {
        None | Some("") => None,
        Some(password) => Some(decode(password, "password")?),
    };
    if user.is_some() && password.is_none() {
        return Err(refused(
            "the URL names a user and no password; a password alone stands behind a colon, as in \
             `redis://:PASSWORD@host`",
        ));
    }
    Ok(Credentials { user, password })
}

fn database(path: &str, topology: Topology) -> Result<u8, Error> {
    let number = path.strip_prefix('/').unwrap_or(path);
    if number.is_empty() {
        return Ok(0);
    }
    // To `parse`, `+3` is a number as well.
    let database =
        Some(number).filter(|number| is_digits(number)).and_then(|number| number.parse().ok());
    let database = database.ok_or_else(|| {
        // What is encoded may be a password and the `@` behind it.
        let shown =
            if number.contains('%') { "not shown".into() } else { format!("`{}`", short(number)) };
        refused(format!(
            "the path of the URL is {shown}, and must be the number of a database, 0 to 255"
        ))
    })?;
    if database != 0 && topology == Topology::Cluster {
        return Err(refused("a cluster has one database, number 0"));
    }
    Ok(database)
}

fn address(text: &str, default_port: u16) -> Result<Address, Error> {
    // Encoded twice it is an `@` as well.
    if text.contains(['@', '%']) {
        return Err(refused(
            "the option `node` is a host or `host:port`; user and password stand before the first host",
        ));
    }
    let bad = || {
        refused(format!(
            "the option `node` is `{}`, and must be a host or `host:port`",
            short(text)
        ))
    };
    if text.contains(char::is_control) {
        return Err(bad());
    }
    let url = Url::parse(&format!("redis://{text}")).map_err(|_| bad())?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    let host = match url.host() {
        Some(url::Host::Ipv6(address)) if plain => address.to_string(),
        Some(host) if plain => host.to_string(),
        _ => return Err(bad()),
    };
    Ok(Address { host, port: url.port().unwrap_or(default_port) })
}

fn connections(text: &str) -> Result<usize, Error> {
    let number = Some(text).filter(|text| is_digits(text)).and_then(|text| text.parse().ok());
    number.filter(|number| (1..=MAX_CONNECTIONS).contains(number)).ok_or_else(|| {
        refused(format!(
            "the option `connections` is `{}`, and must be a number from 1 to {MAX_CONNECTIONS}",
            short(text)
        ))
    })
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) const MAX_CONNECTIONS: usize = 1_024;

fn duration(name: &str, text: &str) -> Result<Duration, Error> {
    let ttl: Ttl = text
        .parse()
        .map_err(|invalid| refused(format!("the option `{name}` cannot be used: {invalid}")))?;
    ttl.duration().filter(|duration| !duration.is_zero()).ok_or_else(|| {
        refused(format!(
            "the option `{name}` is `{}`, and must be a time such as `1s`",
            short(text)
        ))
    })
}

/// An error of configuration.
#[cold]
pub(crate) fn refused(reason: impl Into<Box<str>>) -> Error {
    Error::new(ErrorKind::Config, reason).during("connect")
}

/// As much of a text as an error should show.
pub(crate) fn short(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => text.escape_debug().to_string(),
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (Target, Settings) {
        parse(url).unwrap_or_else(|error| panic!("{url:?}: {error}"))
    }

    fn at(host: &str, port: u16) -> Address {
        Address { host: host.into(), port }
    }

    #[test]
    fn the_parts_of_a_url() {
        let (target, settings) = parsed(
            "rediss://al%40ice:p%3Ass@db.example:7000/3?prefix=a%3Ab&connections=4&command_timeout=250ms\
             &connect_timeout=2s&ca=/etc/ca.pem&default_ttl=1h",
        );
        assert!(
            matches!(target.servers, Servers::Standalone(server) if server == at("db.example", 7_000))
        );
        assert_eq!(target.credentials.user.as_deref(), Some("al@ice"));
        assert_eq!(target.credentials.password.as_deref(), Some("p:ss"));
        assert!(target.tls && target.database == 3);
        assert_eq!(settings.prefix.as_deref(), Some("a:b"));
        assert_eq!(settings.connections, Some(4));
        assert_eq!(settings.command_timeout, Some(Duration::from_millis(250)));
        assert_eq!(settings.connect_timeout, Some(Duration::from_secs(2)));
        assert_eq!(settings.ca_certificate.as_deref(), Some("/etc/ca.pem"));
        assert_eq!(settings.rest, [("default_ttl".to_owned(), "1h".to_owned())]);
    }

    #[test]
    fn the_least_that_can_be_said() {
        for url in ["redis://localhost", "valkey://localhost/", "redis://localhost:6379/0?"] {
            let (target, settings) = parsed(url);
            let Servers::Standalone(server) = target.servers else { panic!("{url}") };
            assert_eq!(server, at("localhost", 6_379));
            assert!(target.credentials == Credentials::default());
            assert!(!target.tls && target.database == 0 && settings.rest.is_empty());
        }
        let (target, _) = parsed("redis://:secret@[::1]");
        assert_eq!(target.credentials.password.as_deref(), Some("secret"));
        assert!(
            matches!(target.servers, Servers::Standalone(server) if server == at("::1", 6_379))
        );
    }

    #[test]
    fn clusters_and_sentinels() {
        let (target, _) = parsed("redis-cluster://a:1?node=b:2&node=c&node=[::1]:4");
        let Servers::Cluster(nodes) = target.servers else { panic!("a cluster") };
        assert_eq!(nodes, [at("a", 1), at("b", 2), at("c", 6_379), at("::1", 4)]);

        let (target, _) = parsed(
            "valkeys-sentinel://u:p@a/1?node=b:2&service=main&sentinel_user=s&sentinel_password=t",
        );
        assert!(target.tls && target.database == 1);
        let Servers::Sentinel { sentinels, service, credentials } = target.servers else {
            panic!("sentinels")
        };
        assert_eq!(sentinels, [at("a", 26_379), at("b", 2)]);
        assert_eq!(service, "main");
        assert_eq!(credentials.user.as_deref(), Some("s"));
        assert_eq!(credentials.password.as_deref(), Some("t"));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is() {
        for (url, named) in [
            ("redis:", "host"),
            ("redis://", "host"),
            ("redis://:s3cret@", "taken apart"),
            ("redis://:s3cret@host:port", "port"),
            ("redis://:s3cret@host:99999", "port"),
            ("redis://:s3cret#x@host", "`%23`"),
            ("redis://:s3cret@host/#x", "`#`"),
            ("http://u:s3cret@host", "`http://`"),
            ("redis-cluser://u:s3cret@host", "`redis-cluser://`"),
            ("redis://user@host", "no password"),
            ("redis://u:%FF%FEs3cret@host", "UTF-8"),
            ("redis://u:s3cret@host/one", "`one`"),
            ("redis://u:s3cret@host/256", "`256`"),
            ("redis-cluster://u:s3cret@host/1", "number 0"),
            ("redis-sentinel://u:s3cret@host", "service"),
            ("redis-sentinel://u:s3cret@host?service=m&sentinel_user=x", "sentinel_password"),
            ("redis://u:s3cret@host?prefix=a&prefix=b", "twice"),
            ("redis://u:s3cret@host?connections=0", "`connections`"),
            ("redis://u:s3cret@host?connections=many", "`many`"),
            ("redis://u:s3cret@host?command_timeout=10", "`command_timeout`"),
            ("redis://u:s3cret@host?command_timeout=0s", "`command_timeout`"),
            ("redis://u:s3cret@host?command_timeout=forever", "`command_timeout`"),
            ("redis://u:s3cret@host?node=b", "`node`"),
            ("redis://u:s3cret@host?service=b", "`service`"),
            ("redis://u:s3cret@host?sentinel_password=s3cret", "`sentinel_password`"),
            ("redis://u:s3cret@host?ca=/x", "rediss"),
            ("redis-cluster://u:s3cret@host?node=b/x", "`b/x`"),
            ("redis-cluster://u:s3cret@host?node=", "`node`"),
            ("redis-cluster://host?node=u:s3cret%40h2", "`node`"),
            ("redis-cluster://u:s3cret@host,u:s3cret@h2", "one host"),
            ("redis-cluster://u:s3cret@host:7000,u:s3cret@h2:7001/0", "one host"),
            ("redis-cluster://host?node=redis://u:s3cret%40h2", "`node`"),
            ("redis-cluster://host?node=u:s3cret%2540h2", "`node`"),
            ("redis://default:7/s3cret%40host", "database"),
            ("redis://default:/s3cret@host", "`%2F`"),
            ("redis://default:7/s3cret@host", "`%2F`"),
            ("redis://default:?s3cret@host", "`%3F`"),
            ("redis://default:a?x=s3cret@host", "`%3F`"),
            ("redis://u:s3cret@h1,h2:1", "one host"),
            ("redis://u:s3cret@h:0", "port 0"),
            ("redis://u:s3cret@h\n", "newline"),
            ("redis-sentinel://h?service=m&sentinel_password=s3cret ", "a space"),
            ("redis-sentinel://h?service=m&sentinel_password=abc&s3cret", "`%26`"),
            ("redis://u:s3\ncret@h", "control character"),
            ("redis://u:s3cret@h\0", "control character"),
            ("s3cret", "begins with its scheme"),
            ("s3cret:6379", "begins with its scheme"),
            ("u:s3cret@h", "begins with its scheme"),
            ("redis://u:s3cret@h/+3", "`+3`"),
            ("redis://u:s3cret@h//3", "`/3`"),
            ("redis://u:s3cret@h?connections=%2B5", "`connections`"),
            ("redis://u:s3cret@h?prefix=%ff", "UTF-8"),
            ("redis://u:s3cret@h?%ff=1", "UTF-8"),
            ("redis-sentinel://h?service=m&sentinel_password=s3cret%ff", "UTF-8"),
            ("rediss://u:s3cret@h?ca=", "`ca`"),
            ("rediss://u:s3cret@h?ca=/x%0A", "`ca`"),
            ("redis-cluster://u:s3cret@h?node=b%0Ac", "`node` is"),
        ] {
            let error = parse(url).map(|_| ()).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(named), "{url}: {shown}");
            assert!(!shown.contains("s3cret"), "{url}: {shown}");
        }
    }
}
