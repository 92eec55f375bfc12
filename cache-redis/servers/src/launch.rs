//! What a server is started with, whichever way it is started.

/// The arguments of a server's program, and the files that they name, which lie in its folder.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) arguments: Vec<String>,
    pub(crate) files: Vec<File>,
    /// What the operator authenticates with.
    pub(crate) password: Option<String>,
}

/// A file in the server's folder, which is also where it runs.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) content: Vec<u8>,
}

impl Launch {
    /// A server that keeps nothing on disk, with directives as its command line has them.
    pub(crate) fn server(directives: &[&str]) -> Self {
        let mut arguments = owned(&["--save", "", "--appendonly", "no"]);
        // What is said later wins: a test may ask for persistence.
        arguments.extend(owned(directives));
        let password = directives
            .iter()
            .position(|directive| *directive == "--requirepass")
            .and_then(|at| directives.get(at + 1))
            .map(|password| (*password).to_owned());
        Self { arguments, files: vec![], password }
    }

    /// A sentinel with the lines of its configuration, which it rewrites as it learns.
    pub(crate) fn sentinel(configuration: &str) -> Self {
        const FILE: &str = "sentinel.conf";
        Self {
            arguments: owned(&[FILE, "--sentinel"]),
            files: vec![File { name: FILE, content: configuration.into() }],
            password: None,
        }
    }

    pub(crate) fn file(mut self, name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push(File { name, content: content.into() });
        self
    }

    /// All arguments of the program, for a port of this machine's own addresses; that of IPv6 only where there is one.
    pub(crate) fn arguments_on(&self, port: u16) -> Vec<String> {
        let mut arguments = self.arguments.clone();
        arguments.extend(owned(&["--bind", "127.0.0.1", "-::1", "--port", &port.to_string()]));
        arguments
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_knows_the_password_that_a_directive_sets() {
        let launch = Launch::server(&["--maxmemory", "8mb", "--requirepass", "secret"]);
        assert_eq!(launch.password.as_deref(), Some("secret"));
        assert_eq!(Launch::server(&["--maxmemory", "8mb"]).password, None);
    }

    #[test]
    fn a_server_listens_on_this_machine_alone() {
        let arguments = Launch::server(&["--maxmemory", "8mb"]).arguments_on(15_000).join(" ");
        assert!(
            arguments.ends_with("--maxmemory 8mb --bind 127.0.0.1 -::1 --port 15000"),
            "{arguments}"
        );
    }
}
