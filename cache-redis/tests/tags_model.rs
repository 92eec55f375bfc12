//! Tags against a model, on one server.

mod model;
mod support;

use redis_servers::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_flush_nobody_is_served_what_was_written_before() {
    let server = Server::start().await;
    model::run(&server.url()).await;
    // Only what is gathered is stored by this command.
    let gathered = support::calls(&server).remove("psetex").unwrap_or(0);
    assert!(gathered > 1_000, "{gathered} puts were gathered");
}
