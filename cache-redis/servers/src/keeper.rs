//! The runtime on which servers are kept. A test's own may have paused its clock, may have one thread,
//! and ends with its test, while the connection to the Docker engine serves them all.

use std::panic::resume_unwind;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::Attempt;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("redis-servers")
            .enable_all()
            .build()
            .expect("a runtime for the servers of tests")
    })
}

/// Does something that blocks, without blocking the caller's runtime.
///
/// # Panics
///
/// Where it failed, here in the caller's task, so that it is the caller's test that fails.
pub(crate) async fn perform<T: Send + 'static>(
    job: impl FnOnce() -> Attempt<T> + Send + 'static,
) -> T {
    match runtime().spawn_blocking(job).await {
        Ok(Ok(value)) => value,
        Ok(Err(complaint)) => panic!("{complaint}"),
        Err(error) => resume_unwind(error.into_panic()),
    }
}

/// Runs a future to its end, from code that may block: a job, or a drop.
///
/// It runs on the keeper's own threads, since a thread that polls another runtime may wait for this one
/// and must not enter it.
pub(crate) fn wait_for<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    runtime().spawn(async move {
        // Nobody waits any more only where the waiting thread has gone, and its panic with it.
        let _ = send.send(future.await);
    });
    receive.recv().expect("a job of the keeper has panicked; its message is above")
}
