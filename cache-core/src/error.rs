//! The one error of the cache: opaque, one word wide, cheap to clone.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use cache_ttl::InvalidTtl;

/// Why an operation failed.
///
/// What went wrong is [`kind`](Self::kind); the message says what was attempted, on which key, why
/// it failed and what to do; [`source`](StdError::source) is what lies beneath, where there is
/// something. One word wide, so that a `Result` of the cache stays small, and cheap to clone, so
/// that all who waited for one failed load can have it.
///
/// A miss is not an error: it is `Ok(None)`.
#[derive(Clone)]
pub struct Error(Arc<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    message: Box<str>,
    operation: Option<&'static str>,
    subject: Option<Box<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key is empty or longer than [`Key::MAX_BYTES`](crate::Key::MAX_BYTES).
    InvalidKey,
    /// The tag is empty or too long, or there are too many of them.
    InvalidTag,
    /// The text, number or duration given is no TTL.
    InvalidTtl,
    /// The value cannot be written by the codec in use.
    Encode,
    /// What is stored was not written as the type that was asked for. The entry is untouched, except by
    /// [`pull`](crate::Cache::pull), which has removed it.
    Decode,
    /// The value is larger than the cache or its store accepts.
    TooLarge,
    /// The entry to be counted is no integer. It is untouched.
    NotACounter,
    /// The count would leave the range of `i64`. The counter is untouched.
    CounterOverflow,
    /// The load that this call waited for failed; its own caller has the original error.
    LoadFailed,
    /// The lock was not free within the time to wait.
    LockTimeout,
    /// The lease of the lock ended before it was released.
    LockLost,
    /// The store cannot be reached, or refuses service.
    Unavailable,
    /// The store did not answer in time. Whether it acted is not known.
    Timeout,
    /// The driver in use cannot do this.
    Unsupported,
    /// The configuration cannot be used.
    Config,
    /// The cache was closed.
    Closed,
}

impl Error {
    /// An error of this kind. The message says why it failed and what to do; what was attempted, and
    /// on which key, is added by the cache.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Repr {
            kind,
            message: message.into(),
            operation: None,
            subject: None,
            source: None,
        }))
    }

    /// Names the key, tag or lock concerned, unless one is named already.
    #[must_use]
    pub fn on(mut self, subject: &str) -> Self {
        let repr = Arc::make_mut(&mut self.0);
        repr.subject.get_or_insert_with(|| shortened(subject));
        self
    }

    /// Names the operation that was attempted, unless one is named already.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        Arc::make_mut(&mut self.0).operation.get_or_insert(operation);
        self
    }

    /// Adds what lies beneath. It must not hold a secret: it is printed.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed later, with nothing changed: the store was out of reach, or
    /// slow, or a lock was taken.
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::LockTimeout)
    }
}

/// Enough of a key to recognise it, however long it is.
fn shortened(subject: &str) -> Box<str> {
    const SHOWN: usize = 128;
    match subject.char_indices().nth(SHOWN) {
        None => subject.into(),
        Some((end, _)) => format!("{}…", &subject[..end]).into(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.operation, &self.0.subject) {
            (Some(operation), Some(subject)) => write!(f, "{operation} of {subject:?}: ")?,
            (Some(operation), None) => write!(f, "{operation}: ")?,
            (None, Some(subject)) => write!(f, "{subject:?}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &self.0.kind).field("message", &format_args!("{self}"));
        if let Some(source) = &self.0.source {
            shown.field("source", source);
        }
        shown.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<InvalidTtl> for Error {
    fn from(refused: InvalidTtl) -> Self {
        Self::new(ErrorKind::InvalidTtl, refused.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_word_and_says_what_where_and_why() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        let error = Error::new(ErrorKind::Decode, "written as another type; forget it")
            .during("get")
            .on("user:1")
            .on("not this")
            .caused_by("trailing bytes");
        assert_eq!(error.to_string(), r#"get of "user:1": written as another type; forget it"#);
        assert_eq!(error.source().unwrap().to_string(), "trailing bytes");
        assert!(format!("{error:?}").starts_with("Error { kind: Decode"));
    }

    #[test]
    fn only_what_may_pass_is_temporary() {
        let temporary = |kind| Error::new(kind, "x").is_temporary();
        assert!(temporary(ErrorKind::Unavailable) && temporary(ErrorKind::Timeout));
        assert!(!temporary(ErrorKind::Decode) && !temporary(ErrorKind::Closed));
    }
}
