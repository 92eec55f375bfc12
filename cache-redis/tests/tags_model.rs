//! Tags against a model, on one server.

mod model;

use redis_servers::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_flush_nobody_is_served_what_was_written_before() {
    let server = Server::start().await;
    model::run(&server.url()).await;
}
