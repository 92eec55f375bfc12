//! From text to a TTL at run time: the grammar for code, the grammar and two words for
//! configuration.

use std::str::FromStr;

use crate::error::InvalidTtl;
use crate::evaluate::evaluate;
use crate::grammar::{Reading, read};
use crate::ttl::Ttl;
use crate::write::{DEFAULT_WORD, FOREVER_WORD};

/// Reads the grammar only, no words.
#[inline]
pub(crate) fn parse(text: &str) -> Result<Ttl, InvalidTtl> {
    let read = match read(text) {
        Ok(Reading::Compact(ttl)) => return Ok(ttl),
        Ok(Reading::Long(long)) => evaluate(&long),
        Err(flaw) => Err(flaw),
    };
    read.map_err(|flaw| InvalidTtl::text(text, flaw))
}

/// Reads what [`Display`](std::fmt::Display) writes: [the form of a text](crate#the-form-of-a-text),
/// or one of the words `forever` and `default`.
///
/// Each decimal is read to whole nanoseconds, and the sum is rounded up to whole milliseconds;
/// a TTL that is not zero is at least one millisecond.
///
/// ```
/// use cache_ttl::Ttl;
///
/// assert_eq!("1h30m".parse(), Ok(Ttl::minutes(90)));
/// assert_eq!("0.0015s".parse(), Ok(Ttl::milliseconds(2)));
/// assert_eq!("forever".parse(), Ok(Ttl::FOREVER));
/// assert_eq!("default".parse(), Ok(Ttl::DEFAULT));
/// assert!("10".parse::<Ttl>().is_err()); // ten of what?
/// ```
impl FromStr for Ttl {
    type Err = InvalidTtl;

    fn from_str(text: &str) -> Result<Self, InvalidTtl> {
        match text {
            FOREVER_WORD => Ok(Self::FOREVER),
            DEFAULT_WORD => Ok(Self::DEFAULT),
            _ => parse(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::calls;

    #[test]
    fn the_words_are_read_as_they_are_written() {
        for ttl in [Ttl::FOREVER, Ttl::DEFAULT, Ttl::ZERO, Ttl::MAX] {
            assert_eq!(ttl.to_string().parse(), Ok(ttl));
        }
        for text in ["Forever", "DEFAULT", " forever", "forever 1s", "1s default", "never"] {
            assert!(text.parse::<Ttl>().is_err(), "{text}");
        }
    }

    #[test]
    fn long_forms_are_evaluated() {
        for (text, ttl) in [
            ("1 hour 30 minutes", Ttl::minutes(90)),
            ("1hour30minutes", Ttl::minutes(90)),
            ("1.5h", Ttl::minutes(90)),
            ("1.5 hrs", Ttl::minutes(90)),
            ("0.5 weeks 0.5 days", Ttl::days(4)),
            ("100 msecs 1 sec", Ttl::milliseconds(1100)),
            ("182500.0 days", Ttl::MAX),
            ("0.0 s", Ttl::ZERO),
        ] {
            assert_eq!(parse(text), Ok(ttl), "{text}");
        }
    }

    #[test]
    fn what_is_not_zero_is_at_least_a_millisecond() {
        for text in ["0.0000000001s", "0.1ms", "0.00000000000000000000000000000000000001 weeks"] {
            assert_eq!(parse(text), Ok(Ttl::milliseconds(1)), "{text}");
        }
        assert_eq!(parse("1.0001ms"), Ok(Ttl::milliseconds(2)));
    }

    #[test]
    fn only_long_forms_reach_parse_duration() {
        for (text, evaluations) in
            [("1h30m", 0), ("250ms", 0), ("1 h", 1), ("1hour", 1), ("1.5h", 1), ("182500.1d", 1)]
        {
            assert_eq!(calls::during(|| parse(text).is_ok()).0, evaluations, "{text}");
        }
    }

    #[test]
    fn what_costs_parse_duration_most_never_reaches_it() {
        let exponents = format!("1e{}s", "9".repeat(1 << 20));
        for text in [&exponents, "1e999999999s", "1s 1e99999999 s", "5M", "1y", "1h, 30m", "10"] {
            assert!(matches!(calls::during(|| parse(text)), (0, Err(_))));
        }
    }

    proptest! {
        #[test]
        fn whatever_the_grammar_refuses_never_reaches_parse_duration(
            text in prop_oneof![
                any::<String>(),
                "[0-9 .esmhdwM+-]{0,70}",
                "([0-9]{1,5}(\\.[0-9]{1,5})? ?(ms|s|m|h|day|e9s|e|M|,)? ?){1,8}",
            ]
        ) {
            let refused = read(&text).is_err();
            let (evaluations, result) = calls::during(|| parse(&text));
            if refused {
                prop_assert_eq!(evaluations, 0);
                prop_assert!(result.is_err());
            }
        }
    }
}
