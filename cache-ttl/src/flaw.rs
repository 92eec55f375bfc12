//! Why something is not a TTL: small, `Copy`, known at compile time. The full message, which
//! names what was given, is in `error.rs`.

/// Part of a text of at most 64 bytes, as byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    from: u8,
    to: u8,
}

impl Span {
    /// The offsets fit: a text is walked only after its length was checked.
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) const fn new(from: usize, to: usize) -> Self {
        Self { from: from as u8, to: to as u8 }
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(usize::from(self.from)..usize::from(self.to)).unwrap_or(text)
    }
}

/// The reason for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Empty,
    TooManyBytes,
    NotAscii,
    Space,
    Sign,
    Exponent,
    Decimal,
    Character(u8),
    /// A unit, or another word, where a number belongs.
    NoNumber(Span),
    /// A number that no unit follows.
    NoUnit(Span),
    UnknownUnit(Span),
    Capitals(Span),
    Calendar(Span),
    /// Longer than `Ttl::MAX`.
    TooLong,
    /// A negative integer.
    Negative,
    /// The word `forever` where only the constant is taken.
    Forever,
    /// The word `default` where only the constant is taken.
    Default,
    /// `parse_duration` did not read what the grammar accepted.
    Unread,
}

impl Flaw {
    /// The reason without the text, for a panic at compile time, which shows the text itself.
    pub(crate) const fn summary(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::TooManyBytes => "it is longer than 64 bytes",
            Self::NotAscii => "it is not ASCII",
            Self::Space => {
                "a single space may stand between a number and its unit and between two terms, \
                 and nowhere else"
            }
            Self::Sign => "a TTL has no sign",
            Self::Exponent => "a TTL has no exponent",
            Self::Decimal => "a decimal point stands between two digits, as in \"0.5s\"",
            Self::Character(_) => "it contains a character that is no part of a TTL",
            Self::NoNumber(_) => "a number is missing in front of a word",
            Self::NoUnit(_) => "a number has no unit (units: ms, s, m, h, d, w)",
            Self::UnknownUnit(_) => "the unit is not known (units: ms, s, m, h, d, w)",
            Self::Capitals(_) => "units are lower case",
            Self::Calendar(_) => {
                "months and years have no fixed length; count days instead, such as \"30d\" \
                 (minutes are \"m\")"
            }
            Self::TooLong => {
                "it is longer than Ttl::MAX, 500 years of 365 days; for no end use Ttl::FOREVER"
            }
            Self::Negative => "a TTL is never negative",
            Self::Forever => "in code, no end is the constant Ttl::FOREVER",
            Self::Default => "in code, the TTL of the cache is the constant Ttl::DEFAULT",
            Self::Unread => "it could not be evaluated",
        }
    }
}
