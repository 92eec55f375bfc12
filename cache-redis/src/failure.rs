//! From what fred and the server say to an error that a user can act on.

use cache_core::{Error, ErrorKind};
use fred::error::{Error as FredError, ErrorKind as FredKind};

/// What an operation makes of a key that holds another Redis type: `Decode`, or `NotACounter`.
#[derive(Clone, Copy)]
pub(crate) enum WrongType {
    Unreadable,
    NotACounter,
}

impl WrongType {
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Unreadable => unreadable(),
            Self::NotACounter => Error::new(
                ErrorKind::NotACounter,
                "what is stored there is no integer; it is untouched",
            ),
        }
    }
}

/// A value under our prefix that this library did not write.
#[cold]
pub(crate) fn unreadable() -> Error {
    Error::new(
        ErrorKind::Decode,
        "what is stored there was not written by this version of the library; `forget` the key, or \
         choose another prefix if the key is somebody else's",
    )
}

/// The server sent something that is no answer to what was asked.
#[cold]
pub(crate) fn unexpected() -> Error {
    Error::new(ErrorKind::Unavailable, "the server's answer was not understood; is it a Redis?")
}

/// Whether it is the server that speaks: its errors begin with a word in capitals.
pub(crate) fn is_reply(error: &FredError) -> bool {
    let word = error.details().split(' ').next().unwrap_or_default();
    word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Translates an error of an operation.
#[cold]
pub(crate) fn translate(error: &FredError, wrong_type: WrongType) -> Error {
    let said = error.details();
    let starts = |words: &[&str]| words.iter().any(|word| said.starts_with(word));
    if starts(&["WRONGTYPE"]) {
        return wrong_type.error();
    }
    // Errors of a counter: of `INCRBY`, handed on by the script.
    if said.contains("value is not an integer") {
        return WrongType::NotACounter.error();
    }
    if said.contains("increment or decrement would overflow") {
        let message = "the sum does not fit into an i64; the counter is untouched";
        return Error::new(ErrorKind::CounterOverflow, message);
    }
    // Scripts of Redis 6 put words of their own before it.
    if said.contains("OOM command not allowed") {
        return unavailable(
            "the server is full (`maxmemory` is reached, and its policy evicts nothing)",
            error,
        );
    }
    if starts(&["NOPERM"]) {
        return Error::new(
            ErrorKind::Config,
            "the user of the URL may not do this on the server; extend its ACL",
        )
        .caused_by(error.to_string());
    }
    if is_refusal(error) {
        return unavailable("the server does not accept the user and password of the URL", error);
    }
    if starts(&["READONLY", "-READONLY"]) || said.contains("READONLY You can't write") {
        return unavailable("the server is a replica now; its primary is looked for", error);
    }
    match error.kind() {
        FredKind::Timeout => Error::new(
            ErrorKind::Timeout,
            "the server did not answer within the command timeout; whether it acted is not known",
        ),
        FredKind::Backpressure => unavailable(
            "too many operations wait for the server; it is slower than what is asked of it",
            error,
        ),
        _ if is_reply(error) => unavailable("the server refused service", error),
        _ => {
            unavailable("the server cannot be reached; it is tried again in the background", error)
        }
    }
}

/// Translates an error of the first connection, where it may be the URL's fault.
#[cold]
pub(crate) fn of_connecting(error: &FredError) -> Error {
    if is_refusal(error) {
        let message = "the server does not accept the user and password of the URL";
        return Error::new(ErrorKind::Config, message).caused_by(error.to_string());
    }
    let said = error.details();
    if said.contains("InvalidCertificate") || said.contains("certificate") {
        let message =
            "the server's certificate is not trusted; name its authority's by the option `ca`";
        return Error::new(ErrorKind::Config, message).caused_by(error.to_string());
    }
    if said.contains("cluster support disabled") {
        let message = "the server is no cluster: use `redis://` or `rediss://`";
        return Error::new(ErrorKind::Config, message).caused_by(error.to_string());
    }
    if said.contains("DB index is out of range") || said.contains("invalid DB index") {
        let message = "the server has no database of the URL's number";
        return Error::new(ErrorKind::Config, message).caused_by(error.to_string());
    }
    unavailable("the server cannot be reached; is it running, and is the URL right?", error)
}

/// Whether the server refuses who we say we are.
fn is_refusal(error: &FredError) -> bool {
    let said = error.details();
    *error.kind() == FredKind::Auth
        || ["NOAUTH", "WRONGPASS", "ERR AUTH", "ERR invalid password", "ERR Client sent AUTH"]
            .iter()
            .any(|refusal| said.starts_with(refusal))
}

fn unavailable(message: &str, cause: &FredError) -> Error {
    Error::new(ErrorKind::Unavailable, message).caused_by(cause.to_string())
}
