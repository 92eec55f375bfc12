//! Where servers come from: what the environment says, or what this machine has.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::{Attempt, container};

/// The variable that says it.
const VARIABLE: &str = "REDIS_SERVERS";
/// What runs in Docker unless something else is asked for.
const IMAGE: (&str, &str) = ("redis", "8.0");
/// What to do where there is nothing.
const REMEDIES: &str = "there is no Redis to test with: no Docker engine answers, and neither \
    `redis-server` nor `valkey-server` is on PATH. Run the tests by `cargo xtask test`, which finds or \
    installs one; or start Docker; or install one (Debian: `apt-get install redis-server`); or set \
    REDIS_SERVERS to `docker:IMAGE`, `program:PATH` or `url:redis://…`";

/// Where servers come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Containers of an image.
    Docker {
        /// The image's name, without its tag.
        name: String,
        /// Its tag.
        tag: String,
    },
    /// Processes of a program: a path, or a name on `PATH`.
    Program(PathBuf),
    /// The server that a URL leads to. It is not ours to configure or to stop.
    Running(String),
}

impl Source {
    /// What `REDIS_SERVERS` says, or else what is found here. It is looked at once per process.
    ///
    /// # Panics
    ///
    /// Where the variable makes no sense, or there is nothing to find. The message says what to do.
    pub async fn from_env() -> Self {
        crate::keeper::perform(|| Self::chosen().cloned()).await
    }

    /// The same for code that may block.
    pub(crate) fn chosen() -> Attempt<&'static Self> {
        static CHOSEN: OnceLock<Attempt<Source>> = OnceLock::new();
        let choose = || match env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => Self::parse(&text),
            _ => Self::find(),
        };
        CHOSEN.get_or_init(choose).as_ref().map_err(Clone::clone)
    }

    /// Reads a value of `REDIS_SERVERS`.
    fn parse(text: &str) -> Attempt<Self> {
        match text.split_once(':') {
            Some(("docker", image)) if !image.is_empty() => {
                // The colon of a tag comes after the last slash; one before it is of a port.
                let name_at = image.rfind('/').map_or(0, |slash| slash + 1);
                let (name, tag) = match image[name_at..].rfind(':') {
                    Some(colon) => (&image[..name_at + colon], &image[name_at + colon + 1..]),
                    None => (image, "latest"),
                };
                Ok(Self::Docker { name: name.to_owned(), tag: tag.to_owned() })
            }
            Some(("program", path)) if !path.is_empty() => Ok(Self::Program(path.into())),
            Some(("url", url)) if url.contains("://") => Ok(Self::Running(url.to_owned())),
            _ => Err(format!(
                "{VARIABLE} is to be `docker:IMAGE[:TAG]`, `program:PATH` or `url:redis://…`, and is `{text}`"
            )),
        }
    }

    fn find() -> Attempt<Self> {
        if container::engine_answers() {
            let (name, tag) = IMAGE;
            return Ok(Self::Docker { name: name.to_owned(), tag: tag.to_owned() });
        }
        let folders: Vec<_> = env::var_os("PATH").iter().flat_map(env::split_paths).collect();
        ["redis-server", "valkey-server"]
            .iter()
            .flat_map(|program| folders.iter().map(move |folder| folder.join(program)))
            .find(|path| path.is_file())
            .map(Self::Program)
            .ok_or_else(|| REMEDIES.to_owned())
    }
}

/// As `REDIS_SERVERS` says it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Docker { name, tag } => write!(f, "docker:{name}:{tag}"),
            Self::Program(path) => write!(f, "program:{}", path.display()),
            Self::Running(url) => write!(f, "url:{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "docker:redis:8.0",
            "docker:valkey/valkey:8.1",
            "docker:localhost:5000/team/redis:7.0",
            "program:/usr/bin/redis-server",
            "program:valkey-server",
            "url:redis://127.0.0.1:6379/3",
        ] {
            assert_eq!(Source::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        let text = |image| Source::parse(image).unwrap().to_string();
        assert_eq!(text("docker:redis"), "docker:redis:latest");
        assert_eq!(text("docker:localhost:5000/redis"), "docker:localhost:5000/redis:latest");
    }

    #[test]
    fn what_makes_no_sense_is_repeated_with_the_forms_expected() {
        for text in ["redis:8.0", "docker:", "program:", "url:6379", "docker", ""] {
            let complaint = Source::parse(text).unwrap_err();
            assert!(complaint.contains(&format!("is `{text}`")), "{complaint}");
            assert!(complaint.contains("`program:PATH`"), "{complaint}");
        }
    }
}
