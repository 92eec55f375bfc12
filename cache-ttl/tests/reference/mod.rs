//! An independent reading of a TTL text, to compare the crate with: a backtracking recogniser by
//! prefixes and exact arithmetic in `u128`. Slow, short, and shares nothing with the crate.

/// Names of units and their lengths in nanoseconds.
pub(crate) const UNITS: [(&str, u128); 28] = [
    ("ms", MS),
    ("msec", MS),
    ("msecs", MS),
    ("millisecond", MS),
    ("milliseconds", MS),
    ("s", SECOND),
    ("sec", SECOND),
    ("secs", SECOND),
    ("second", SECOND),
    ("seconds", SECOND),
    ("m", 60 * SECOND),
    ("min", 60 * SECOND),
    ("mins", 60 * SECOND),
    ("minute", 60 * SECOND),
    ("minutes", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("hr", 3600 * SECOND),
    ("hrs", 3600 * SECOND),
    ("hour", 3600 * SECOND),
    ("hours", 3600 * SECOND),
    ("d", DAY),
    ("day", DAY),
    ("days", DAY),
    ("w", 7 * DAY),
    ("week", 7 * DAY),
    ("weeks", 7 * DAY),
    // Two spellings twice, so that a generator meets the commonest more often.
    ("s", SECOND),
    ("h", 3600 * SECOND),
];

pub(crate) const MS: u128 = 1_000_000;
const SECOND: u128 = 1_000 * MS;
const DAY: u128 = 86_400 * SECOND;

/// 500 years of 365 days.
pub(crate) const MAX_NANOS: u128 = 500 * 365 * DAY;

/// The milliseconds of a text, `None` for what is not a TTL or is beyond the longest.
pub(crate) fn millis(text: &str) -> Option<u64> {
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let (nanos, zero) = terms(text)?;
    if nanos > MAX_NANOS {
        return None;
    }
    let millis = u64::try_from(nanos.div_ceil(MS)).ok()?;
    Some(if zero { 0 } else { millis.max(1) })
}

/// Nanoseconds of the terms, and whether all digits are zero.
fn terms(text: &str) -> Option<(u128, bool)> {
    let (whole, rest) = digits(text)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest)?,
        None => ("", rest),
    };
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    UNITS.iter().find_map(|(name, nanos)| {
        let rest = rest.strip_prefix(name)?;
        let (others, others_zero) = match rest {
            "" => (0, true),
            _ => terms(rest.strip_prefix(' ').unwrap_or(rest))?,
        };
        let zero = (whole.to_owned() + fraction).chars().all(|digit| digit == '0');
        Some((others.saturating_add(term(whole, fraction, *nanos)), zero && others_zero))
    })
}

/// A term in nanoseconds, what is finer cut off.
fn term(whole: &str, fraction: &str, unit: u128) -> u128 {
    let whole: u128 = whole.parse().unwrap_or(u128::MAX);
    // 22 digits tell a nanosecond of the longest unit, and stay within `u128`.
    let fraction = &fraction[..fraction.len().min(22)];
    let places = u32::try_from(fraction.len()).unwrap_or(0);
    let numerator: u128 = fraction.parse().unwrap_or(0);
    whole.saturating_mul(unit).saturating_add(numerator * unit / 10_u128.pow(places))
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.strip_suffix(rest)?;
    if digits.is_empty() { None } else { Some((digits, rest)) }
}
