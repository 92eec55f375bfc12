//! The contract of a driver, on real servers of the topology that `REDIS_TOPOLOGY` names: `standalone` (which
//! it is unless said), `cluster`, `sentinel`, `secure`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use cache_core::conformance::Suite;
use cache_redis::RedisStore;
use redis_servers::{Cluster, Secure, Sentinel, Server};

/// Servers that end when the suite has.
enum Servers {
    Standalone(Server),
    Cluster(Cluster),
    Sentinel(Sentinel),
    Secure(Secure),
}

impl Servers {
    async fn start(topology: &str) -> Self {
        match topology {
            "standalone" => Self::Standalone(Server::start().await),
            "cluster" => Self::Cluster(Cluster::start().await),
            "sentinel" => Self::Sentinel(Sentinel::start().await),
            "secure" => Self::Secure(Secure::start().await),
            other => {
                panic!("REDIS_TOPOLOGY is `{other}`: not standalone, cluster, sentinel or secure")
            }
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Standalone(server) => server.url(),
            Self::Cluster(cluster) => cluster.url(),
            Self::Sentinel(sentinel) => sentinel.url(),
            Self::Secure(secure) => secure.url(),
        }
    }
}

fn main() -> ExitCode {
    let topology = std::env::var("REDIS_TOPOLOGY").unwrap_or_else(|_| "standalone".into());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let servers = runtime.block_on(Servers::start(&topology));
    let (url, ca) = match &servers {
        Servers::Secure(secure) => (servers.url(), Some(secure.ca_file())),
        _ => (servers.url(), None),
    };
    // Stores are apart from each other by their prefix, and from those of an earlier run on the same server.
    let run = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos();
    let count = AtomicU64::new(0);
    let verdict = Suite::new(move || {
        let prefix = format!("conformance-{run}-{}", count.fetch_add(1, Ordering::Relaxed));
        let (url, ca) = (url.clone(), ca.clone());
        async move {
            let mut builder = RedisStore::builder(&url).expect("a URL").prefix(prefix);
            if let Some(ca) = ca {
                builder = builder.ca_certificate(ca.to_str().expect("a path in UTF-8"));
            }
            builder.connect().await.expect("the server answers")
        }
    })
    .with(cache_lock::conformance::cases())
    .main();
    drop(servers);
    verdict
}
