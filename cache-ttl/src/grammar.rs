//! The grammar of a text: one walk over its bytes, at run time and at compile time alike.
//!
//! The walk decides whether a text is a TTL, and computes it unless a decimal occurs. It does not
//! evaluate decimals (`evaluate.rs`) and knows no words (`parse.rs`), except to refuse them well.

use crate::flaw::{Flaw, Span};
use crate::ttl::{MAX_MILLIS, Ttl};
use crate::units::{self, Stranger};

/// The longest text that is looked at. Bounds the cost of a refusal and of an evaluation.
const MAX_BYTES: usize = 64;

/// A text that is a TTL by its grammar.
#[derive(Clone, Copy)]
pub(crate) enum Reading<'a> {
    /// Whole numbers with the symbols of units, without spaces: computed, done.
    Compact(Ttl),
    /// Every other form.
    Long(Long<'a>),
}

/// A text with spaces, long units or decimals that the walk has accepted as a whole.
///
/// Only the walk makes one, so that nothing else can ever reach `parse_duration`.
#[derive(Clone, Copy)]
pub(crate) struct Long<'a> {
    text: &'a str,
    /// The TTL, if all numbers are whole.
    whole: Option<Ttl>,
    /// All digits are zero.
    zero: bool,
}

impl<'a> Long<'a> {
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) const fn whole(&self) -> Option<Ttl> {
        self.whole
    }

    pub(crate) const fn is_zero(&self) -> bool {
        self.zero
    }
}

/// Reads a text. At most 64 bytes of it are looked at, in a single pass; nothing is allocated.
pub(crate) const fn read(text: &str) -> Result<Reading<'_>, Flaw> {
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(Flaw::TooManyBytes);
    }
    match walk(text.as_bytes()) {
        Ok(walked) => walked.reading(text),
        Err(_) if !text.is_ascii() => Err(Flaw::NotAscii),
        Err(flaw) => Err(flaw),
    }
}

/// What the walk has learnt of an accepted text.
struct Walked {
    /// The sum of all terms without their fractions, saturated.
    millis: u64,
    compact: bool,
    decimal: bool,
    zero: bool,
}

impl Walked {
    #[inline]
    const fn reading(self, text: &str) -> Result<Reading<'_>, Flaw> {
        let Some(ttl) = Ttl::exactly(self.millis) else {
            return Err(Flaw::TooLong);
        };
        if self.compact {
            return Ok(Reading::Compact(ttl));
        }
        let whole = if self.decimal { None } else { Some(ttl) };
        Ok(Reading::Long(Long { text, whole, zero: self.zero }))
    }
}

#[inline]
const fn walk(text: &[u8]) -> Result<Walked, Flaw> {
    let mut walked = Walked { millis: 0, compact: true, decimal: false, zero: true };
    let mut at = 0;
    while at < text.len() {
        let number = at;
        let mut count = 0_u64;
        while at < text.len() && text[at].is_ascii_digit() {
            count = next_digit(count, text[at]);
            at += 1;
        }
        if at == number {
            return Err(no_number(text, at));
        }
        if count > 0 {
            walked.zero = false;
        }

        if at < text.len() && text[at] == b'.' {
            walked.compact = false;
            walked.decimal = true;
            at += 1;
            let fraction = at;
            while at < text.len() && text[at].is_ascii_digit() {
                walked.zero &= text[at] == b'0';
                at += 1;
            }
            if at == fraction {
                return Err(Flaw::Decimal);
            }
        }

        let number_end = at;
        if at < text.len() && text[at] == b' ' {
            walked.compact = false;
            at += 1;
        }

        let unit = if let Some((unit, end)) = units::symbol(text, at) {
            at = end;
            unit
        } else {
            walked.compact = false;
            let end = word_end(text, at);
            let Some(unit) = units::word(part(text, at, end)) else {
                return Err(no_unit(text, Span::new(number, number_end), at));
            };
            at = end;
            unit
        };
        walked.millis = walked.millis.saturating_add(count.saturating_mul(unit));

        if at < text.len() && text[at] == b' ' {
            walked.compact = false;
            at += 1;
            if at == text.len() {
                return Err(Flaw::Space);
            }
        }
    }
    Ok(walked)
}

/// Stops growing beyond `MAX`, where the sum is refused whatever its unit is: 64 digits fit.
#[inline]
const fn next_digit(count: u64, digit: u8) -> u64 {
    if count > MAX_MILLIS { count } else { count * 10 + (digit - b'0') as u64 }
}

#[inline]
const fn word_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < text.len() && text[at].is_ascii_alphabetic() {
        at += 1;
    }
    at
}

#[inline]
const fn part(text: &[u8], from: usize, to: usize) -> &[u8] {
    text.split_at(to).0.split_at(from).1
}

/// Why there is no number at `at`, where a term should begin.
#[cold]
const fn no_number(text: &[u8], at: usize) -> Flaw {
    match text {
        b"forever" => return Flaw::Forever,
        b"default" => return Flaw::Default,
        _ => {}
    }
    match text[at] {
        byte if byte.is_ascii_alphabetic() => Flaw::NoNumber(Span::new(at, word_end(text, at))),
        byte => misplaced(byte),
    }
}

/// Why there is no unit at `at`, after a number and perhaps a space.
#[cold]
const fn no_unit(text: &[u8], number: Span, at: usize) -> Flaw {
    let end = word_end(text, at);
    if at < end {
        let span = Span::new(at, end);
        return match part(text, at, end) {
            b"e" | b"E" if end < text.len() && matches!(text[end], b'0'..=b'9' | b'+' | b'-') => {
                Flaw::Exponent
            }
            name => match units::stranger(name) {
                Stranger::Calendar => Flaw::Calendar(span),
                Stranger::Capitals => Flaw::Capitals(span),
                Stranger::Unknown => Flaw::UnknownUnit(span),
            },
        };
    }
    if at == text.len() {
        return if text[at - 1] == b' ' { Flaw::Space } else { Flaw::NoUnit(number) };
    }
    match text[at] {
        b'0'..=b'9' => Flaw::NoUnit(number),
        byte => misplaced(byte),
    }
}

const fn misplaced(byte: u8) -> Flaw {
    match byte {
        b' ' => Flaw::Space,
        b'+' | b'-' => Flaw::Sign,
        b'.' => Flaw::Decimal,
        _ => Flaw::Character(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(text: &str) -> Flaw {
        match read(text) {
            Ok(_) => panic!("{text:?} was read"),
            Err(flaw) => flaw,
        }
    }

    fn compact(text: &str) -> Option<Ttl> {
        match read(text) {
            Ok(Reading::Compact(ttl)) => Some(ttl),
            _ => None,
        }
    }

    fn long(text: &str) -> Option<(Option<Ttl>, bool)> {
        match read(text) {
            Ok(Reading::Long(long)) => Some((long.whole(), long.is_zero())),
            _ => None,
        }
    }

    #[test]
    fn compact_forms_are_computed_by_the_walk() {
        assert_eq!(compact("250ms"), Some(Ttl::milliseconds(250)));
        assert_eq!(compact("1h30m"), Some(Ttl::minutes(90)));
        assert_eq!(compact("30m1h30m"), Some(Ttl::hours(2)));
        assert_eq!(compact("1w1d1h1m1s1ms"), Some(Ttl::milliseconds(694_861_001)));
        assert_eq!(compact("007s"), Some(Ttl::seconds(7)));
        assert_eq!(compact("0w"), Some(Ttl::ZERO));
        assert_eq!(compact("182500d"), Some(Ttl::MAX));
    }

    #[test]
    fn spaces_and_long_units_are_long_and_whole() {
        for text in ["1 h", "1h 0m", "1hour", "1 hour", "60mins", "1hr", "0days 3600 secs"] {
            assert_eq!(long(text), Some((Some(Ttl::hours(1)), false)), "{text}");
        }
        assert_eq!(long("0 hours"), Some((Some(Ttl::ZERO), true)));
    }

    #[test]
    fn decimals_are_left_to_the_evaluation() {
        assert_eq!(long("1.5h"), Some((None, false)));
        assert_eq!(long("0.0000000001s"), Some((None, false)));
        assert_eq!(long("0.00s"), Some((None, true)));
    }

    #[test]
    fn the_length_is_checked_before_anything_else_is_read() {
        for text in ["x".repeat(65), "-".repeat(1 << 20), "é".repeat(33), "1s".repeat(33)] {
            assert_eq!(flaw(&text), Flaw::TooManyBytes);
        }
        assert_eq!(compact(&"1s".repeat(32)), Some(Ttl::seconds(32)));
    }

    #[test]
    fn no_number_of_digits_overflows_the_walk() {
        let digits = "9".repeat(63);
        for unit in ["s", "m", "h", "d", "w"] {
            assert_eq!(flaw(&format!("{digits}{unit}")), Flaw::TooLong);
        }
        assert_eq!(compact(&format!("{}5s", "0".repeat(62))), Some(Ttl::seconds(5)));
        assert_eq!(flaw(&"9999999999999w".repeat(4)), Flaw::TooLong);
    }
}
