//! The units: their lengths in milliseconds and their names. Nothing else in the crate knows
//! either.

pub(crate) const MILLISECOND: u64 = 1;
pub(crate) const SECOND: u64 = 1000 * MILLISECOND;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;
pub(crate) const WEEK: u64 = 7 * DAY;

/// The symbols, longest unit first: how a TTL is written.
pub(crate) const SYMBOLS: [(u64, &str); 6] =
    [(WEEK, "w"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (MILLISECOND, "ms")];

/// The unit whose symbol stands at `at`, and where the symbol ends; `None` if the word there is
/// none. Looks at three bytes at most: what the compact forms need is here, and fast.
#[inline]
pub(crate) const fn symbol(text: &[u8], at: usize) -> Option<(u64, usize)> {
    if at >= text.len() {
        return None;
    }
    let (millis, end) = match text[at] {
        b'm' if at + 1 < text.len() && text[at + 1] == b's' => (MILLISECOND, at + 2),
        b's' => (SECOND, at + 1),
        b'm' => (MINUTE, at + 1),
        b'h' => (HOUR, at + 1),
        b'd' => (DAY, at + 1),
        b'w' => (WEEK, at + 1),
        _ => return None,
    };
    if end < text.len() && text[end].is_ascii_alphabetic() { None } else { Some((millis, end)) }
}

/// The unit of this word that is not a symbol, `None` if there is none.
pub(crate) const fn word(word: &[u8]) -> Option<u64> {
    Some(match word {
        b"msec" | b"msecs" | b"millisecond" | b"milliseconds" => MILLISECOND,
        b"sec" | b"secs" | b"second" | b"seconds" => SECOND,
        b"min" | b"mins" | b"minute" | b"minutes" => MINUTE,
        b"hr" | b"hrs" | b"hour" | b"hours" => HOUR,
        b"day" | b"days" => DAY,
        b"week" | b"weeks" => WEEK,
        _ => return None,
    })
}

/// What a name that is not a unit was probably meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// A unit in capitals.
    Capitals,
    /// A month or a year.
    Calendar,
    /// Nothing known.
    Unknown,
}

/// Tells names that are not units apart, for the message only.
pub(crate) const fn stranger(name: &[u8]) -> Stranger {
    let mut lower = [0; 12];
    if name.len() > lower.len() {
        return Stranger::Unknown;
    }
    let mut at = 0;
    while at < name.len() {
        lower[at] = name[at].to_ascii_lowercase();
        at += 1;
    }
    match lower.split_at(name.len()).0 {
        // In other grammars, that of `parse_duration` among them, a capital M is a month.
        b"m" | b"mo" | b"mos" | b"mon" | b"month" | b"months" | b"y" | b"yr" | b"yrs" | b"year"
        | b"years" => Stranger::Calendar,
        lower if symbol(lower, 0).is_some() || word(lower).is_some() => Stranger::Capitals,
        _ => Stranger::Unknown,
    }
}
