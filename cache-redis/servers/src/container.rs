//! A server as a container, by testcontainers.

use std::sync::Arc;
use std::time::Duration;

use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use crate::Attempt;
use crate::keeper::wait_for;
use crate::launch::Launch;
use crate::wait::{Seen, until};

/// Where the server runs and finds its files, inside the container.
const FOLDER: &str = "/redis-servers";
/// For an image that has to be pulled first, and for an engine that is busy.
const START_LIMIT: Duration = Duration::from_secs(120);
const PING_LIMIT: Duration = Duration::from_secs(5);

/// Removed with the value.
#[derive(Debug)]
pub(crate) struct Container {
    /// There until it is dropped. Shared with the keeper's tasks, none of which is left when a call of it has returned.
    container: Option<Arc<ContainerAsync<GenericImage>>>,
}

/// Whether there is a Docker engine.
pub(crate) fn engine_answers() -> bool {
    wait_for(async {
        let ping = async { docker_client_instance().await.ok()?.ping().await.ok() };
        tokio::time::timeout(PING_LIMIT, ping).await.ok().flatten().is_some()
    })
}

impl Container {
    pub(crate) fn start(name: &str, tag: &str, launch: &Launch, port: u16) -> Attempt<Self> {
        let program = if name.contains("valkey") { "valkey-server" } else { "redis-server" };
        let mut request = GenericImage::new(name, tag)
            // Not what the image has for one, which may be nothing, or may give up the right to
            // write in the folder.
            .with_entrypoint(program)
            .with_cmd(launch.arguments_on(port))
            .with_network("host")
            // By which those of a test that was killed can be found.
            .with_label("redis-servers", env!("CARGO_PKG_VERSION"))
            .with_working_dir(FOLDER)
            .with_startup_timeout(START_LIMIT);
        for file in &launch.files {
            request = request.with_copy_to(format!("{FOLDER}/{}", file.name), file.content.clone());
        }
        let container = wait_for(request.start())
            .map_err(|error| format!("cannot start a container of {name}:{tag}: {error}"))?;
        Ok(Self { container: Some(Arc::new(container)) })
    }

    pub(crate) fn start_again(&self) -> Attempt<()> {
        let container = self.container();
        wait_for(async move { container.start().await })
            .map_err(|error| self.complaint("start", &error))
    }

    /// Ends it at once, in whatever state it is, and returns when it is dead.
    pub(crate) fn stop(&self) -> Attempt<()> {
        if !self.is_running()? {
            return Ok(());
        }
        let container = self.container();
        let result = wait_for(async move {
            let engine = docker_client_instance().await.map_err(|error| error.to_string())?;
            engine.kill_container(container.id(), None).await.map_err(|error| error.to_string())
        });
        result.map_err(|error| self.complaint("kill", &error))?;
        until("a container to be dead", || {
            Ok(if self.is_running()? {
                Seen::NotYet("it runs".to_owned())
            } else {
                Seen::There(())
            })
        })
    }

    pub(crate) fn pause(&self) -> Attempt<()> {
        let container = self.container();
        wait_for(async move { container.pause().await })
            .map_err(|error| self.complaint("pause", &error))
    }

    pub(crate) fn resume(&self) -> Attempt<()> {
        let container = self.container();
        wait_for(async move { container.unpause().await })
            .map_err(|error| self.complaint("resume", &error))
    }

    pub(crate) fn is_running(&self) -> Attempt<bool> {
        let container = self.container();
        wait_for(async move { container.is_running().await })
            .map_err(|error| self.complaint("look at", &error))
    }

    pub(crate) fn printed(&self) -> String {
        let container = self.container();
        wait_for(async move {
            let mut printed = container.stdout_to_vec().await.unwrap_or_default();
            printed.extend(container.stderr_to_vec().await.unwrap_or_default());
            String::from_utf8_lossy(&printed).into_owned()
        })
    }

    fn container(&self) -> Arc<ContainerAsync<GenericImage>> {
        self.container.clone().expect("it is there until it is dropped")
    }

    fn complaint(&self, what: &str, error: &dyn std::fmt::Display) -> String {
        format!("cannot {what} container {}: {error}", self.container().id())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let container = self.container.take().and_then(Arc::into_inner);
        // By the keeper, whichever runtime, or none, this thread is on.
        let removed = wait_for(async move {
            match container {
                Some(container) => container.rm().await,
                None => Ok(()),
            }
        });
        if let Err(error) = removed {
            eprintln!("a server's container could not be removed: {error}");
        }
    }
}
