//! Commands of other programs, written down as data, echoed before they run.

use std::borrow::Cow;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::process::{Command, ExitStatus, Output, Stdio};

use crate::plan::Failure;

/// A call of a program: arguments, and variables to set for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    program: &'static str,
    args: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

const CARGO: &str = "cargo";

impl Call {
    /// A call of cargo with the given arguments, which are separated by spaces.
    pub(crate) fn cargo(args: &str) -> Self {
        Self::program(CARGO, args)
    }

    /// A call of another program, which is looked up on PATH.
    pub(crate) fn program(program: &'static str, args: &str) -> Self {
        let args = args.split_whitespace().map(str::to_owned).collect();
        Self { program, args, variables: vec![] }
    }

    /// Adds arguments, each as it is.
    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable for this call.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Echoes and runs the call; its output goes where this program's own goes.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        self.echo();
        let status = self.command().status().map_err(|error| self.cannot_start(&error))?;
        self.judge(status)
    }

    /// Echoes and runs the call, and returns what it printed; its complaints are shown.
    pub(crate) fn read(&self) -> Result<String, Failure> {
        self.echo();
        let output = self.capture(Stdio::inherit())?;
        self.judge(output.status)?;
        String::from_utf8(output.stdout)
            .map_err(|error| Failure::new(format!("`{self}` printed no UTF-8: {error}")))
    }

    /// Runs the call silently: what it printed, or `None` where it failed. For asking whether a
    /// tool is there.
    pub(crate) fn probe(&self) -> Option<String> {
        let output = self.capture(Stdio::null()).ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn capture(&self, complaints: Stdio) -> Result<Output, Failure> {
        self.command().stderr(complaints).output().map_err(|error| self.cannot_start(&error))
    }

    fn judge(&self, status: ExitStatus) -> Result<(), Failure> {
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{self}` ended with {status}")))
    }

    fn command(&self) -> Command {
        let program = match self.program {
            // The cargo that started this program, so that `cargo +toolchain xtask` keeps to it.
            CARGO => env::var_os("CARGO").unwrap_or_else(|| OsString::from(CARGO)),
            other => OsString::from(other),
        };
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| is_of_a_package(name)) {
            command.env_remove(name);
        }
        command.args(&self.args).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn echo(&self) {
        eprintln!("$ {self}");
    }

    fn cannot_start(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("`{self}` could not be started: {error}"))
    }
}

/// Whether cargo has told this program something about itself by it. Build scripts ask for some of that, would see another
/// environment than from a shell, and all that depends on them would be built anew with each change between the two.
fn is_of_a_package(variable: &OsStr) -> bool {
    let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    told.iter().any(|prefix| variable.as_encoded_bytes().starts_with(prefix.as_bytes()))
}

/// As it would be typed into a shell, but for the passwords of URLs.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}={} ", Quoted(&without_password(value)))?;
        }
        f.write_str(self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", Quoted(arg)))
    }
}

/// The text, where it is or ends with a URL that holds a password, with asterisks for that.
pub(crate) fn without_password(text: &str) -> Cow<'_, str> {
    let secret = text.split_once("://").and_then(|(scheme, rest)| {
        // What stands before the last `@` of the authority, and there after the first colon.
        let authority = rest.split(['/', '?', '#']).next()?;
        let (userinfo, _) = authority.rsplit_once('@')?;
        let (user, password) = userinfo.split_once(':')?;
        let start = scheme.len() + "://".len() + user.len() + 1;
        Some(start..start + password.len())
    });
    match secret {
        Some(secret) => format!("{}***{}", &text[..secret.start], &text[secret.end..]).into(),
        None => text.into(),
    }
}

/// A word of a shell's command line, quoted only where it has to be.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "'{}'", self.0.replace('\'', r"'\''"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_told_of_this_package_is_not_passed_on() {
        assert_eq!(env::var_os("CARGO_PKG_NAME").as_deref(), Some(OsStr::new("xtask")));
        let output = Call::program("env", "").command().output().unwrap();
        let passed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(passed.contains("PATH="), "{passed}");
        assert!(!passed.contains("CARGO_PKG_") && !passed.contains("CARGO_MANIFEST_"), "{passed}");
    }

    #[test]
    fn a_call_is_shown_as_it_would_be_typed() {
        let doc = Call::cargo("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(doc.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
        let test = Call::cargo("test").args(["it's", ""]);
        assert_eq!(test.to_string(), r"cargo test 'it'\''s' ''");
    }

    #[test]
    fn the_password_of_a_url_is_not_shown() {
        let call = Call::program("docker", "ps").env("SERVERS", "url:redis://user:p@ss@host/0");
        assert_eq!(call.to_string(), "SERVERS='url:redis://user:***@host/0' docker ps");
        for harmless in ["redis://host:6379/0", "redis://host/?a=b:c@d", "docker:redis:8.0", ""] {
            assert_eq!(without_password(harmless), harmless);
        }
    }

    #[test]
    fn a_call_that_fails_says_which_it_was() {
        let call = Call::cargo("no-such-subcommand");
        let status = call.capture(Stdio::null()).unwrap().status;
        let failure = call.judge(status).expect_err("no such subcommand");
        assert!(failure.to_string().contains("`cargo no-such-subcommand`"), "{failure}");
        assert_eq!(call.probe(), None);
    }
}
