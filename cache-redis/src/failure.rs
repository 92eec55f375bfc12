//! From what fred and the server say to an error that a user can act on.

use cache_core::{Error, ErrorKind};
use fred::error::{Error as FredError, ErrorKind as FredKind};

/// What an operation makes of a key that holds another Redis type: `Decode` of a value or of a lock, or `NotACounter`.
#[derive(Clone, Copy)]
pub(crate) enum WrongType {
    Unreadable,
    NotACounter,
    NoLock,
}

impl WrongType {
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Unreadable => unreadable(),
            Self::NotACounter => Error::new(
                ErrorKind::NotACounter,
                "what is stored there is no integer; it is untouched",
            ),
            Self::NoLock => Error::new(
                ErrorKind::Decode,
                "what lies where the lock would was not written by this library; end it by \
                 `force_release`, or choose another prefix if it is somebody else's",
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

/// There is no connection.
#[cold]
pub(crate) fn away() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the server cannot be reached; it is tried again in the background",
    )
}

/// A node of a cluster has lost slots while all of its keys were looked for.
#[cold]
pub(crate) fn changed() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "a node of the cluster has lost its slots to another meanwhile; do it again",
    )
}

/// The store was closed while something waited.
#[cold]
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store was closed")
}

/// More is asked than the server can do.
#[cold]
pub(crate) fn too_much() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "too much waits for the server; it is slower than what is asked of it",
    )
}

/// What the server says, as [`said`] has it.
fn reply_in(error: &FredError) -> &str {
    without_args(error.details())
}

/// What an error says, without what the server repeats of a command that it does not know: keys, values, passwords.
pub(crate) fn said(error: &FredError) -> String {
    without_args(&error.to_string()).to_owned()
}

fn without_args(text: &str) -> &str {
    text.find(", with args beginning with").map_or(text, |end| &text[..end])
}

/// Whether it is the server that speaks: its errors begin with a word in capitals.
pub(crate) fn is_reply(error: &FredError) -> bool {
    let word = error.details().split(' ').next().unwrap_or_default();
    word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether a cluster has answered that the key is elsewhere, or one of several: then it has done nothing. It is what fred
/// says where it may not follow; of a pipeline it says so to all. (And of a value that reads `MOVED 1 host:1`, which nobody
/// writes here.)
pub(crate) fn has_moved(error: &FredError) -> bool {
    *error.kind() == FredKind::Routing && error.details() == "Too many redirections."
        || is_misread(error)
        || error.details().starts_with("TRYAGAIN")
}

/// Whether fred has not understood where the key is, as with addresses of IPv6. Then it does not ask for the slots either.
pub(crate) fn is_misread(error: &FredError) -> bool {
    *error.kind() == FredKind::Protocol && error.details() == "Invalid cluster redirection error."
}

/// What kept a counter from being counted, in the words of `INCRBY` which the script hands on.
#[cold]
pub(crate) fn uncounted(reply: &str) -> Error {
    of_counting(reply).unwrap_or_else(unexpected)
}

fn of_counting(reply: &str) -> Option<Error> {
    if reply.contains("value is not an integer") {
        return Some(WrongType::NotACounter.error());
    }
    reply.contains("increment or decrement would overflow").then(|| {
        let message = "the sum does not fit into an i64; the counter is untouched";
        Error::new(ErrorKind::CounterOverflow, message)
    })
}

/// Translates an error of an operation.
#[cold]
pub(crate) fn translate(error: &FredError, wrong_type: WrongType) -> Error {
    let reply = error.details();
    let starts = |words: &[&str]| words.iter().any(|word| reply.starts_with(word));
    if starts(&["WRONGTYPE"]) {
        return wrong_type.error();
    }
    if let Some(error) = of_counting(reply) {
        return error;
    }
    // Scripts of Redis 6 put words of their own before it.
    if reply.contains("OOM command not allowed") {
        return unavailable(
            "the server is full (`maxmemory` is reached, and its policy evicts nothing)",
            error,
        );
    }
    if is_forbidden(error) {
        return forbidden(error);
    }
    if is_refusal(error) {
        return unavailable("the server does not accept the user and password of the URL", error);
    }
    if has_moved(error) {
        return unavailable("the cluster is moving the key from one node to another", error);
    }
    if starts(&["READONLY", "-READONLY"]) || reply.contains("READONLY You can't write") {
        return unavailable("the server is a replica now; its primary is looked for", error);
    }
    match error.kind() {
        FredKind::Timeout => Error::new(
            ErrorKind::Timeout,
            "the server did not answer within the command timeout; whether it acted is not known",
        ),
        FredKind::Backpressure => too_much(),
        _ if is_reply(error) => {
            unavailable(format!("the server refused service: {}", reply_in(error)), error)
        }
        _ => away().caused_by(said(error)),
    }
}

/// Translates an error of the first connection, where it may be the URL's fault.
#[cold]
pub(crate) fn of_connecting(error: &FredError) -> Error {
    if is_refusal(error) {
        let message = "the server does not accept the user and password of the URL";
        return Error::new(ErrorKind::Config, message).caused_by(said(error));
    }
    let reply = error.details();
    if reply.contains("unknown command 'SENTINEL'") || reply.contains("unknown command `SENTINEL`")
    {
        let message = "the server is no sentinel: use `redis://` or `rediss://`";
        return Error::new(ErrorKind::Config, message).caused_by(said(error));
    }
    if is_forbidden(error) {
        return forbidden(error);
    }
    if reply.contains("InvalidCertificate") || reply.contains("certificate") {
        let message =
            "the server's certificate is not trusted; name its authority's by the option `ca`";
        return Error::new(ErrorKind::Config, message).caused_by(said(error));
    }
    if reply.contains("cluster support disabled") {
        let message = "the server is no cluster: use `redis://` or `rediss://`";
        return Error::new(ErrorKind::Config, message).caused_by(said(error));
    }
    if reply.contains("DB index is out of range") || reply.contains("invalid DB index") {
        let message = "the server has no database of the URL's number";
        return Error::new(ErrorKind::Config, message).caused_by(said(error));
    }
    unavailable("the server cannot be reached; is it running, and is the URL right?", error)
}

/// Whether the user may not send a command, or the server does not have it.
fn is_forbidden(error: &FredError) -> bool {
    let reply = error.details();
    reply.starts_with("NOPERM")
        || reply.starts_with("ERR unknown command")
        || reply.contains("The user executing the script can't")
        || reply.contains("ACL failure in script")
}

fn forbidden(error: &FredError) -> Error {
    Error::new(
        ErrorKind::Config,
        "the server does not let the user of the URL do this, or is older than Redis 6.2; extend the user's \
         ACL",
    )
    .caused_by(said(error))
}

/// Whether the server refuses who we say we are.
fn is_refusal(error: &FredError) -> bool {
    let reply = error.details();
    *error.kind() == FredKind::Auth
        || ["NOAUTH", "WRONGPASS", "ERR AUTH", "ERR invalid password", "ERR Client sent AUTH"]
            .iter()
            .any(|refusal| reply.starts_with(refusal))
}

fn unavailable(message: impl Into<Box<str>>, cause: &FredError) -> Error {
    Error::new(ErrorKind::Unavailable, message).caused_by(said(cause))
}
