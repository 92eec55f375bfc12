//! Asks a server as its operator does: one command, over a connection of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use redis::{Client, ConnectionLike, RedisError, RedisResult, Value};

use crate::Attempt;

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// For one reply. Longer than any command of a test takes.
const REPLY_LIMIT: Duration = Duration::from_secs(10);

/// How to reach a server, and its password.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    url: String,
}

impl Operator {
    /// The operator of a server of ours.
    pub(crate) fn new(port: u16, password: Option<&str>) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let password = password.map(|password| format!(":{password}@")).unwrap_or_default();
        Self { url: format!("redis://{password}{address}") }
    }

    /// A guest on somebody else's.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    /// The reply to a command, or the error that it is.
    pub(crate) fn try_ask(&self, command: &[&str]) -> RedisResult<Value> {
        let mut connection =
            Client::open(self.url.as_str())?.get_connection_with_timeout(CONNECT_LIMIT)?;
        connection.set_read_timeout(Some(REPLY_LIMIT))?;
        connection.set_write_timeout(Some(REPLY_LIMIT))?;
        let mut request = redis::Cmd::new();
        request.arg(command);
        // The connection hands out an error of the server as a value.
        connection.req_command(&request)?.extract_error()
    }

    /// The reply to a command that has to succeed.
    pub(crate) fn ask(&self, command: &[&str]) -> Attempt<Value> {
        self.try_ask(command).map_err(|error| complaint(command, &error))
    }

    /// The reply to a command that has to succeed and to be text.
    pub(crate) fn ask_text(&self, command: &[&str]) -> Attempt<String> {
        redis::from_redis_value(self.ask(command)?).map_err(|error| {
            format!("the reply to `{}` is not the text expected: {error}", command.join(" "))
        })
    }
}

fn complaint(command: &[&str], error: &RedisError) -> String {
    // A cluster's lists of slots are long, and the beginning tells enough.
    let shown: Vec<_> = command.iter().take(6).copied().collect();
    format!("the server answers `{}` with: {error}", shown.join(" "))
}

/// The value of a line `name:value` of what `INFO` or `CLUSTER INFO` prints.
pub(crate) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "# Replication\r\nmaster_link_status:up\r\nmaster_link:x\r\n";
        assert_eq!(field(info, "master_link_status"), Some("up"));
        assert_eq!(field(info, "master_link"), Some("x"));
        assert_eq!(field(info, "link"), None);
    }
}
