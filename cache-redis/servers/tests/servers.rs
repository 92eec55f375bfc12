//! What the servers do, as a client sees it. On whatever `REDIS_SERVERS` says.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use redis::{Client, Connection, RedisResult, Value, cmd, from_redis_value};
use redis_servers::{Cluster, Secure, Sentinel, Server};

fn connect(server: &Server) -> Connection {
    let client = Client::open(server.url()).expect("a URL");
    client.get_connection().expect("a connection")
}

fn text(value: Value) -> String {
    from_redis_value(value).expect("text")
}

fn role(server: &Server) -> String {
    match server.ask(&["ROLE"]) {
        Value::Array(facts) => text(facts[0].clone()),
        other => panic!("{other:?}"),
    }
}

fn is_refused(port: u16) -> bool {
    matches!(TcpStream::connect(("127.0.0.1", port)), Err(error) if error.kind() == ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn a_server_answers_and_is_configured_as_said() {
    let server = Server::start_with(&["--maxmemory", "8mb"]).await;
    assert_eq!(server.ask(&["SET", "key", "value"]), Value::Okay);
    let value: String = cmd("GET").arg("key").query(&mut connect(&server)).unwrap();
    assert_eq!(value, "value");
    let limit: Vec<String> = from_redis_value(server.ask(&["CONFIG", "GET", "maxmemory"])).unwrap();
    assert_eq!(limit, ["maxmemory", "8388608"]);
}

#[tokio::test]
async fn a_password_is_asked_of_all_but_the_operator() {
    let server = Server::start_with(&["--requirepass", "secret"]).await;
    assert_eq!(server.ask(&["PING"]), Value::SimpleString("PONG".to_owned()));
    assert!(!server.url().contains("secret"));
    let refused: RedisResult<String> = cmd("PING").query(&mut connect(&server));
    assert_eq!(refused.unwrap_err().code(), Some("NOAUTH"));
}

#[tokio::test]
async fn a_stopped_server_is_gone_and_comes_back_empty_on_its_port() {
    let server = Server::start_with(&["--maxmemory", "8mb"]).await;
    server.ask(&["SET", "key", "value"]);
    let mut connection = connect(&server);
    let port = server.port();

    server.stop().await;
    assert!(is_refused(port));
    assert!(cmd("PING").query::<String>(&mut connection).is_err());
    server.stop().await;

    server.start_again().await;
    assert_eq!(server.port(), port);
    assert_eq!(server.ask(&["DBSIZE"]), Value::Int(0));
    let limit: Vec<String> = from_redis_value(server.ask(&["CONFIG", "GET", "maxmemory"])).unwrap();
    assert_eq!(limit, ["maxmemory", "8388608"]);
}

#[tokio::test]
async fn a_paused_server_is_silent_until_it_is_resumed() {
    let server = Server::start().await;
    let mut connection = connect(&server);
    connection.set_read_timeout(Some(Duration::from_millis(200))).unwrap();

    server.pause().await;
    // The connection stands, and the request is taken; there is no reply.
    let silence = cmd("PING").query::<String>(&mut connection).unwrap_err();
    assert!(silence.is_timeout(), "{silence}");

    server.resume().await;
    assert_eq!(server.ask(&["PING"]), Value::SimpleString("PONG".to_owned()));
}

#[tokio::test]
async fn a_paused_server_can_be_stopped() {
    let server = Server::start().await;
    server.pause().await;
    server.stop().await;
    assert!(is_refused(server.port()));
    server.start_again().await;
    assert_eq!(server.ask(&["PING"]), Value::SimpleString("PONG".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn virtual_time_does_not_concern_servers() {
    let server = Server::start().await;
    server.stop().await;
    server.start_again().await;
    assert_eq!(server.ask(&["PING"]), Value::SimpleString("PONG".to_owned()));
}

#[tokio::test]
async fn a_server_ends_with_its_value_on_a_runtime_of_one_thread() {
    let server = Server::start().await;
    let port = server.port();
    drop(server);
    assert!(is_refused(port));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_with_its_value_on_a_runtime_of_many() {
    let server = Server::start().await;
    let port = server.port();
    server.pause().await;
    drop(server);
    assert!(is_refused(port));
}

#[test]
fn a_server_ends_with_its_value_outside_of_any_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = runtime.block_on(Server::start());
    drop(runtime);
    let port = server.port();
    drop(server);
    assert!(is_refused(port));
}

#[tokio::test]
async fn a_server_ends_when_its_test_panics() {
    let server = Server::start().await;
    let port = server.port();
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let server = server;
        server.ask(&["NO-SUCH-COMMAND"]);
    }));
    let message = *panicked.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("NO-SUCH-COMMAND"), "{message}");
    assert!(is_refused(port));
}

#[tokio::test]
async fn a_server_that_does_not_come_up_says_why() {
    let start = tokio::spawn(Server::start_with(&["--no-such-directive", "1"]));
    let panicked = start.await.unwrap_err().into_panic();
    let message = panicked.downcast::<String>().unwrap();
    assert!(message.contains("no-such-directive"), "{message}");
}

#[tokio::test]
async fn a_cluster_has_all_slots_on_three_primaries() {
    let cluster = Cluster::start().await;
    let [first, second, third] = cluster.nodes() else { panic!("{cluster:?}") };
    let url = format!(
        "redis-cluster://127.0.0.1:{}?node=127.0.0.1:{}&node=127.0.0.1:{}",
        first.port(),
        second.port(),
        third.port()
    );
    assert_eq!(cluster.url(), url);

    // Keys of the slots 3,300, 7,365 and 15,495: one in each third.
    for (key, owner) in [("b", first), ("c", second), ("a", third)] {
        let takes = |node: &&Server| {
            cmd("SET").arg(key).arg("value").query::<Value>(&mut connect(node)).is_ok()
        };
        let nodes: Vec<_> = cluster.nodes().iter().filter(takes).map(Server::port).collect();
        assert_eq!(nodes, [owner.port()], "{key}");
    }

    // A node that is asked for what it has not names one that can be reached.
    let moved = cmd("GET").arg("a").query::<Value>(&mut connect(first)).unwrap_err();
    let address = format!("127.0.0.1:{}", third.port());
    assert_eq!(moved.redirect_node().map(|(node, _)| node), Some(address.as_str()));
}

#[tokio::test]
async fn a_node_of_a_cluster_comes_back_to_it() {
    let cluster = Cluster::start().await;
    let node = &cluster.nodes()[2];
    node.stop().await;
    node.start_again().await;
    let nodes = text(node.ask(&["CLUSTER", "NODES"]));
    assert_eq!(nodes.lines().filter(|line| line.contains("master")).count(), 3, "{nodes}");
}

#[tokio::test]
async fn a_sentinel_names_the_replica_after_a_failover() {
    let system = Sentinel::start().await;
    let (former, other) = (system.primary().port(), system.replica().port());
    // Replication is not waited for unless it is asked for, by the connection that wrote.
    let mut connection = connect(system.primary());
    cmd("SET").arg("key").arg("value").exec(&mut connection).unwrap();
    let replicas: u32 = cmd("WAIT").arg(1).arg(10_000).query(&mut connection).unwrap();
    assert_eq!(replicas, 1);

    system.fail_over().await;
    assert_eq!(system.primary().port(), other);
    assert_eq!(role(system.primary()), "master");
    assert_eq!(system.replica().port(), former);
    assert_eq!(role(system.replica()), "slave");
    let refused: RedisResult<Value> =
        cmd("SET").arg("key").arg("other").query(&mut connect(system.replica()));
    assert_eq!(refused.unwrap_err().code(), Some("READONLY"));
    assert_eq!(text(system.primary().ask(&["GET", "key"])), "value");
}

#[tokio::test]
async fn a_sentinel_fails_over_from_a_primary_that_is_stopped() {
    let system = Sentinel::start().await;
    let other = system.replica().port();
    system.primary().stop().await;
    system.fail_over().await;
    assert_eq!(system.primary().port(), other);
    assert_eq!(system.primary().ask(&["SET", "key", "value"]), Value::Okay);
}

#[tokio::test]
async fn a_secure_server_wants_tls_a_trusting_client_and_a_password() {
    // Another test of this process may have been first; any of them installs the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let secure = Secure::start().await;
    let authority = std::fs::read(secure.ca_file()).unwrap();
    let ping = |client: Client| {
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(5))?;
        cmd("PING").query::<String>(&mut connection)
    };
    let trusting = |url: &str| {
        let certificates =
            redis::TlsCertificates { client_tls: None, root_cert: Some(authority.clone()) };
        ping(Client::build_with_tls(url, certificates).unwrap())
    };

    assert_eq!(trusting(&secure.url()).unwrap(), "PONG");
    assert_eq!(trusting(&secure.url().replace("localhost", "127.0.0.1")).unwrap(), "PONG");
    let without = trusting(&secure.url().replace(":s3cret@", ""));
    assert_eq!(without.unwrap_err().code(), Some("NOAUTH"));

    ping(Client::open(secure.url()).unwrap()).expect_err("nobody trusts its authority unasked");
    let plain = secure.url().replace("rediss://", "redis://");
    ping(Client::open(plain).unwrap()).expect_err("it speaks TLS");
}
