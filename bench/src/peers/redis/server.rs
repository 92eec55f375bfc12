//! The server of this section: how it is started, and what it says of itself.

use redis_servers::redis::from_redis_value;
use redis_servers::{Server, Source};

/// With a directive, which somebody else's server would refuse.
pub(crate) async fn start() -> Server {
    Server::start_with(&["--maxmemory-policy", "noeviction"]).await
}

/// A section of its INFO.
pub(crate) fn info(server: &Server, section: &str) -> String {
    match from_redis_value(server.ask(&["INFO", section])) {
        Ok(info) => info,
        Err(error) => panic!("INFO is text: {error}"),
    }
}

/// For the head of the report: its version, and how it runs.
pub(crate) async fn told(server: &Server) -> String {
    let info = info(server, "server");
    let version = |field: &str| {
        let version = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        version.map(str::trim)
    };
    // What Valkey tells as that of Redis is the one that it took over from.
    let version = match version("valkey_version") {
        Some(valkey) => format!("Valkey {valkey}"),
        None => format!("Redis {}", version("redis_version").unwrap_or("unknown")),
    };
    let how = match Source::from_env().await {
        Source::Program(_) => "a program".to_owned(),
        Source::Docker { name, tag } => format!("a container of {name}:{tag}"),
        Source::Running(_) => "not started here".to_owned(),
    };
    format!("{version}, {how}")
}
