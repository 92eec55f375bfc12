//! The one error of the crate: what was given, why it is not a TTL, what to write instead.

use std::fmt;
use std::time::Duration;

use crate::flaw::Flaw;

/// Something that is not a [`Ttl`](crate::Ttl).
///
/// The message names what was given, why it was refused and what to write instead. Text is shown
/// escaped, and at most 64 characters of it, so that a message is short and safe to log whatever
/// was given.
///
/// ```
/// use cache_ttl::IntoTtl;
///
/// let refused = "5x".into_ttl().unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     r#""5x" is not a TTL: "x" is not a unit; write a number and a unit, such as "30s", "5m", "1h30m" or "1 hour 30 minutes" (units: ms, s, m, h, d, w)"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTtl {
    given: Given,
    flaw: Flaw,
}

/// What was given; of a text its first 64 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Text { shown: Box<str>, cut: bool },
    Duration(Duration),
    Seconds(i128),
}

/// Enough to recognise the text, and all of any text that is short enough to be a TTL.
const SHOWN_CHARS: usize = 64;

impl InvalidTtl {
    pub(crate) fn new(given: Given, flaw: Flaw) -> Self {
        Self { given, flaw }
    }

    /// Out of line, so that reading a good text carries none of it.
    #[cold]
    pub(crate) fn text(text: &str, flaw: Flaw) -> Self {
        let end = text.char_indices().nth(SHOWN_CHARS).map_or(text.len(), |(at, _)| at);
        let (shown, rest) = text.split_at(end);
        Self::new(Given::Text { shown: shown.into(), cut: !rest.is_empty() }, flaw)
    }
}

impl std::error::Error for InvalidTtl {}

impl fmt::Display for InvalidTtl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.given {
            Given::Text { shown, cut } => {
                write!(f, "{shown:?}{} is not a TTL: ", if *cut { "…" } else { "" })?;
                write_reason(f, shown, self.flaw)?;
                f.write_str(
                    "; write a number and a unit, such as \"30s\", \"5m\", \"1h30m\" or \
                     \"1 hour 30 minutes\" (units: ms, s, m, h, d, w)",
                )
            }
            Given::Duration(duration) => {
                write!(f, "{duration:?} is not a TTL: {}", self.flaw.summary())
            }
            Given::Seconds(seconds) => {
                write!(f, "{seconds} seconds is not a TTL: {}", self.flaw.summary())
            }
        }
    }
}

/// The reason with the part of the text that it is about.
fn write_reason(f: &mut fmt::Formatter<'_>, text: &str, flaw: Flaw) -> fmt::Result {
    match flaw {
        Flaw::Character(byte) => write!(f, "{:?} is no part of a TTL", char::from(byte)),
        Flaw::NoNumber(word) => write!(f, "a number is missing before {:?}", word.of(text)),
        Flaw::NoUnit(number) => match number.of(text) {
            all if all == text && !all.contains('.') => {
                write!(f, "it has no unit, for seconds write \"{all}s\" or the integer {all}")
            }
            part => write!(f, "{part} has no unit, for seconds write \"{part}s\""),
        },
        Flaw::UnknownUnit(word) => write!(f, "{:?} is not a unit", word.of(text)),
        Flaw::Capitals(word) => {
            write!(f, "{:?} is not a unit, units are lower case", word.of(text))
        }
        Flaw::Calendar(word) => {
            write!(f, "{:?} is not a unit, {}", word.of(text), flaw.summary())
        }
        other => f.write_str(other.summary()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{IntoTtl, InvalidTtl};

    const FORM: &str = "; write a number and a unit, such as \"30s\", \"5m\", \"1h30m\" or \
                        \"1 hour 30 minutes\" (units: ms, s, m, h, d, w)";

    fn refusal(given: impl IntoTtl) -> String {
        given.into_ttl().unwrap_err().to_string()
    }

    #[track_caller]
    fn says(text: &str, reason: &str) {
        assert_eq!(refusal(text), format!("{text:?} is not a TTL: {reason}{FORM}"));
    }

    #[test]
    fn a_refusal_names_the_text_the_reason_and_the_form() {
        says("5x", "\"x\" is not a unit");
        says("", "it is empty");
        says("5é", "it is not ASCII");
        says("٥s", "it is not ASCII");
    }

    #[test]
    fn a_bare_number_is_told_both_ways_to_write_seconds() {
        says("10", "it has no unit, for seconds write \"10s\" or the integer 10");
        says("1.5", "1.5 has no unit, for seconds write \"1.5s\"");
        says("1h30", "30 has no unit, for seconds write \"30s\"");
        says("1 30s", "1 has no unit, for seconds write \"1s\"");
    }

    #[test]
    fn signs_and_exponents_are_named() {
        for text in ["-5s", "+5s", "1h-30m", "5-s", "- 5s"] {
            says(text, "a TTL has no sign");
        }
        for text in ["1e3s", "1E3s", "1.5e3s", "1e-3s", "1e+3s", "1e999999999s"] {
            says(text, "a TTL has no exponent");
        }
        says("1es", "\"es\" is not a unit");
        says("1e", "\"e\" is not a unit");
    }

    #[test]
    fn months_and_years_have_no_fixed_length() {
        for (text, unit) in
            [("5M", "M"), ("1 month", "month"), ("2 years", "years"), ("1y", "y"), ("1MO", "MO")]
        {
            says(
                text,
                &format!(
                    "{unit:?} is not a unit, months and years have no fixed length; count days \
                     instead, such as \"30d\" (minutes are \"m\")"
                ),
            );
        }
    }

    #[test]
    fn capitals_are_told_that_units_are_lower_case() {
        says("5S", "\"S\" is not a unit, units are lower case");
        says("5 Minutes", "\"Minutes\" is not a unit, units are lower case");
        says("5MS", "\"MS\" is not a unit, units are lower case");
    }

    #[test]
    fn a_decimal_point_stands_between_digits() {
        for text in [".5s", "1.s", "1..5s", "1.5.5s", "1h.5m", "1h .5m", "."] {
            says(text, "a decimal point stands between two digits, as in \"0.5s\"");
        }
    }

    #[test]
    fn spaces_are_single_and_inside() {
        for text in [" 5s", "5s ", "5  s", "1h  5s", " ", "5 "] {
            says(
                text,
                "a single space may stand between a number and its unit and between two terms, \
                 and nowhere else",
            );
        }
    }

    #[test]
    fn other_characters_and_words_are_named() {
        says("1h,30m", "',' is no part of a TTL");
        says("5_s", "'_' is no part of a TTL");
        says("5\ts", "'\\t' is no part of a TTL");
        says("5s\n", "'\\n' is no part of a TTL");
        says("5s\0", "'\\0' is no part of a TTL");
        says("1 hour and 30 minutes", "a number is missing before \"and\"");
        says("h", "a number is missing before \"h\"");
        says("Forever", "a number is missing before \"Forever\"");
    }

    #[test]
    fn the_words_are_constants_in_code() {
        says("forever", "in code, no end is the constant Ttl::FOREVER");
        says("default", "in code, the TTL of the cache is the constant Ttl::DEFAULT");
    }

    #[test]
    fn beyond_max_forever_is_recommended() {
        let reason = "it is longer than Ttl::MAX, 500 years of 365 days; for no end use \
                      Ttl::FOREVER";
        says("182501d", reason);
        says("182501 days", reason);
        says("182500.1d", reason);
        says("99999999999999999999999999999999999999999999999999999999999999w", reason);
        assert_eq!(refusal(u64::MAX), format!("{} seconds is not a TTL: {reason}", u64::MAX));
    }

    #[test]
    fn a_negative_integer_is_named() {
        assert_eq!(refusal(-1), "-1 seconds is not a TTL: a TTL is never negative");
        assert_eq!(
            refusal(i64::MIN),
            "-9223372036854775808 seconds is not a TTL: a TTL is never negative"
        );
    }

    #[test]
    fn a_long_text_is_cut_to_64_characters() {
        let long = "é".repeat(100);
        let start = format!("\"{}\"… is not a TTL: it is longer than 64 bytes;", "é".repeat(64));
        assert!(refusal(&long).starts_with(&start), "{}", refusal(&long));

        let all = "9".repeat(64);
        assert!(refusal(&all).starts_with(&format!("\"{all}\" is not")), "{}", refusal(&all));
    }

    #[test]
    fn control_characters_are_escaped() {
        assert!(refusal("\u{1b}[31m").starts_with(r#""\u{1b}[31m" is not"#));
    }

    #[test]
    fn the_error_is_small_and_crosses_threads() {
        fn is_an_error<E: std::error::Error + Clone + Eq + Send + Sync + 'static>() {}
        is_an_error::<InvalidTtl>();
        assert!(size_of::<InvalidTtl>() <= 64);
    }
}
