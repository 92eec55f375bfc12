//! Tags against a model, on a cluster: an entry and its tags lie on several servers.

mod model;

use redis_servers::Cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_flush_nobody_is_served_what_was_written_before() {
    let cluster = Cluster::start().await;
    model::run(&cluster.url()).await;
}
