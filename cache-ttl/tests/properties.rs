//! What holds for every text and every TTL, against an independent reading and against
//! `parse_duration` itself.

mod reference;

use std::time::Duration;

use cache_ttl::{IntoTtl, Ttl};
use proptest::prelude::*;
use proptest::sample::select;
use reference::{MAX_NANOS, MS, UNITS};

const SYMBOLS: [&str; 6] = ["ms", "s", "m", "h", "d", "w"];

/// 500 years of 365 days.
const MAX_MILLIS: u64 = 500 * 365 * 86_400_000;

/// Most numbers small, some around the longest TTL, some far beyond.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0_u64..200).prop_map(|number| number.to_string()),
        2 => (0_u64..2 * MAX_MILLIS).prop_map(|number| number.to_string()),
        1 => "[0-9]{1,24}",
    ]
}

fn compact_text() -> impl Strategy<Value = String> {
    prop::collection::vec((number(), select(&SYMBOLS[..])), 1..8)
        .prop_map(|terms| terms.into_iter().map(|(number, unit)| number + unit).collect())
}

/// Terms with fractions of up to `extra` digits more than a nanosecond needs, any unit, and
/// spaces or none.
fn long_text(extra: usize) -> impl Strategy<Value = String> {
    let term = (number(), "[0-9]{0,9}", "[0-9]{0,9}", select(&UNITS[..]), any::<[bool; 2]>());
    prop::collection::vec(term, 1..5).prop_map(move |terms| {
        let mut text = String::new();
        for (whole, fraction, finer, (unit, nanos), [inside, between]) in terms {
            let exact = if nanos == MS { 6 } else { 9 };
            let fraction = fraction[..fraction.len().min(exact)].to_owned();
            let fraction = fraction + &finer[..finer.len().min(extra)];
            if between && !text.is_empty() {
                text.push(' ');
            }
            text += &whole;
            if !fraction.is_empty() {
                text += ".";
                text += &fraction;
            }
            text += if inside { " " } else { "" };
            text += unit;
        }
        text
    })
}

/// What looks like a TTL, and often is none.
fn nearly_text() -> impl Strategy<Value = String> {
    let pieces = [
        "0",
        "1",
        "5",
        "30",
        "250",
        "999999999",
        "ms",
        "s",
        "sec",
        "m",
        "min",
        "minutes",
        "h",
        "hr",
        "hours",
        "d",
        "days",
        "w",
        "week",
        " ",
        " ",
        " ",
        ".",
        "e",
        "E9",
        "-",
        "+",
        ",",
        "M",
        "mo",
        "y",
        "S",
        "and",
        "forever",
        "default",
        "é",
        "٥",
        "\t",
        "\0",
        "_",
    ];
    prop::collection::vec(select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

fn read(text: &str) -> Option<Ttl> {
    text.into_ttl().ok()
}

/// The exact sum of the terms, rounded up to milliseconds, by the independent reading.
fn expected(text: &str) -> Option<Ttl> {
    reference::millis(text).map(Ttl::milliseconds)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn compact_forms_agree_with_parse_duration(text in compact_text()) {
        let theirs = parse_duration::parse(&text)
            .ok()
            .filter(|duration| *duration <= Duration::from_millis(MAX_MILLIS))
            .filter(|_| text.len() <= 64);
        prop_assert_eq!(read(&text).and_then(Ttl::duration), theirs);
    }

    #[test]
    fn compact_forms_agree_with_the_reference(text in compact_text()) {
        prop_assert_eq!(read(&text), expected(&text));
    }

    #[test]
    fn long_forms_down_to_nanoseconds_are_exact_and_rounded_up(text in long_text(0)) {
        prop_assert_eq!(read(&text), expected(&text));
    }

    #[test]
    fn digits_finer_than_a_nanosecond_are_cut_off_but_never_to_zero(text in long_text(9)) {
        prop_assert_eq!(read(&text), expected(&text));
    }

    #[test]
    fn exactly_what_the_reference_accepts_is_accepted(text in nearly_text()) {
        prop_assert_eq!(read(&text), expected(&text), "{:?}", text);
    }

    #[test]
    fn a_text_of_grammar_characters_is_read_as_by_the_reference(
        text in "([0-9]{1,3}(\\.[0-9]{0,3})? {0,2}(ms|s|min|m|hours|d|w|e)? {0,2}){1,4}"
    ) {
        prop_assert_eq!(read(&text), expected(&text), "{:?}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in any::<String>()) {
        prop_assert_eq!(read(&text), expected(&text));
        if let Err(invalid) = text.into_ttl() {
            prop_assert!(invalid.to_string().chars().count() < 1200);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in any::<Vec<u8>>()) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert_eq!(read(&text), expected(&text));
    }

    #[test]
    fn every_ttl_is_read_back_from_its_text(millis in 0..=MAX_MILLIS, shift in 0..44) {
        let ttl = Ttl::milliseconds(millis >> shift);
        let text = ttl.to_string();
        prop_assert_eq!(text.parse(), Ok(ttl));
        prop_assert_eq!(text.clone().into_ttl(), Ok(ttl));
        prop_assert_eq!(expected(&text), Some(ttl));

        let json = serde_json::to_string(&ttl)?;
        prop_assert_eq!(&json, &format!("\"{text}\""));
        prop_assert_eq!(serde_json::from_str::<Ttl>(&json)?, ttl);
    }

    #[test]
    fn every_duration_is_rounded_up_to_milliseconds(secs in any::<u64>(), shift in 0..64, nanos in 0..1_000_000_000_u32) {
        let duration = Duration::new(secs >> shift, nanos);
        let ttl = duration.into_ttl().ok();
        if duration.as_nanos() > MAX_NANOS {
            prop_assert_eq!(ttl, None);
        } else {
            let millis = u64::try_from(duration.as_nanos().div_ceil(MS))?;
            prop_assert_eq!(ttl, Some(Ttl::milliseconds(millis)));
        }
    }

    #[test]
    fn integers_are_seconds_or_refused(seconds in any::<i64>(), shift in 0..64_u32) {
        let seconds: i64 = seconds >> shift;
        let expected = u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds <= MAX_MILLIS / 1000)
            .map(Ttl::seconds);
        prop_assert_eq!(seconds.into_ttl().ok(), expected);
    }
}
