//! What may be passed where a TTL is expected. No parsing happens here.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::{Given, InvalidTtl};
use crate::flaw::Flaw;
use crate::parse::parse;
use crate::ttl::Ttl;

/// What can be a [`Ttl`]: a parameter of type `impl IntoTtl` takes all of these.
///
/// | given | read as |
/// |---|---|
/// | [`Ttl`] | itself |
/// | [`Duration`] | rounded up to whole milliseconds |
/// | an integer of up to 64 bits | seconds, not negative |
/// | `&str`, `String`, `&String`, `Cow<str>` | [the form of a text](crate#the-form-of-a-text), decimals and rounding as in [`FromStr`](Ttl#impl-FromStr-for-Ttl) |
///
/// Whatever is negative, beyond [`Ttl::MAX`] or not of that form is an [`InvalidTtl`]; nothing is
/// shortened silently.
///
/// The words `forever` and `default` are *not* read here: in code they are better the constants
/// [`Ttl::FOREVER`] and [`Ttl::DEFAULT`], which the compiler checks, and text that came from
/// outside cannot ask for an entry without end. Configuration reads the words through
/// [`FromStr`](std::str::FromStr) or serde.
///
/// ```
/// use std::time::Duration;
/// use cache_ttl::{IntoTtl, InvalidTtl, Ttl};
///
/// fn put(ttl: impl IntoTtl) -> Result<Ttl, InvalidTtl> {
///     ttl.into_ttl()
/// }
///
/// assert_eq!(put(3600), Ok(Ttl::hours(1)));
/// assert_eq!(put("1h"), Ok(Ttl::hours(1)));
/// assert_eq!(put(Duration::from_secs(3600)), Ok(Ttl::hours(1)));
/// assert_eq!(put(Ttl::FOREVER), Ok(Ttl::FOREVER));
///
/// assert!(put(-1).is_err());
/// assert!(put("forever").unwrap_err().to_string().contains("Ttl::FOREVER"));
/// ```
pub trait IntoTtl {
    /// Converts to a TTL, or says why this is none.
    fn into_ttl(self) -> Result<Ttl, InvalidTtl>;
}

impl IntoTtl for Ttl {
    #[inline]
    fn into_ttl(self) -> Result<Ttl, InvalidTtl> {
        Ok(self)
    }
}

impl IntoTtl for Duration {
    #[inline]
    fn into_ttl(self) -> Result<Ttl, InvalidTtl> {
        Ttl::from_duration(self)
    }
}

impl IntoTtl for &str {
    #[inline]
    fn into_ttl(self) -> Result<Ttl, InvalidTtl> {
        parse(self)
    }
}

impl IntoTtl for String {
    #[inline]
    fn into_ttl(self) -> Result<Ttl, InvalidTtl> {
        parse(&self)
    }
}

impl IntoTtl for &String {
    #[inline]
    fn into_ttl(self) -> Result<Ttl, InvalidTtl> {
        parse(self)
    }
}

impl IntoTtl for Cow<'_, str> {
    #[inline]
    fn into_ttl(self) -> Result<Ttl, InvalidTtl> {
        parse(&self)
    }
}

macro_rules! integers_are_seconds {
    ($($integer:ty)*) => {$(
        impl IntoTtl for $integer {
            #[inline]
            fn into_ttl(self) -> Result<Ttl, InvalidTtl> {
                // Every integer of up to 64 bits fits; `From` does not exist for `usize`.
                #[allow(clippy::cast_lossless)]
                seconds(self as i128)
            }
        }
    )*};
}

integers_are_seconds! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize }

fn seconds(seconds: i128) -> Result<Ttl, InvalidTtl> {
    let flaw = match u64::try_from(seconds) {
        Ok(count) => match Ttl::rounded_up(Duration::from_secs(count)) {
            Some(ttl) => return Ok(ttl),
            None => Flaw::TooLong,
        },
        Err(_) => Flaw::Negative,
    };
    Err(InvalidTtl::new(Given::Seconds(seconds), flaw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(ttl: impl IntoTtl) -> Result<Ttl, InvalidTtl> {
        ttl.into_ttl()
    }

    #[test]
    fn a_ttl_is_itself() {
        for ttl in [Ttl::DEFAULT, Ttl::FOREVER, Ttl::ZERO, Ttl::MAX] {
            assert_eq!(taken(ttl), Ok(ttl));
        }
    }

    #[test]
    fn a_bare_integer_literal_is_seconds() {
        assert_eq!(taken(3600), Ok(Ttl::hours(1)));
        assert!(taken(-1).is_err());
    }

    #[test]
    fn every_integer_type_is_seconds() {
        let minute = Ok(Ttl::minutes(1));
        assert_eq!(taken(60_u8), minute);
        assert_eq!(taken(60_u16), minute);
        assert_eq!(taken(60_u32), minute);
        assert_eq!(taken(60_u64), minute);
        assert_eq!(taken(60_usize), minute);
        assert_eq!(taken(60_i8), minute);
        assert_eq!(taken(60_i16), minute);
        assert_eq!(taken(60_i32), minute);
        assert_eq!(taken(60_i64), minute);
        assert_eq!(taken(60_isize), minute);
    }

    #[test]
    fn integers_beyond_max_are_refused_rather_than_shortened() {
        let max = 500 * 365 * 86_400_u64;
        assert_eq!(taken(max), Ok(Ttl::MAX));
        assert!(taken(max + 1).is_err());
        assert!(taken(u64::MAX).is_err());
        assert!(taken(u64::MAX - 1).is_err());
        assert!(taken(i64::MIN).is_err());
    }

    #[test]
    fn every_kind_of_text_is_read() {
        let text = String::from("1h30m");
        let ttl = Ok(Ttl::minutes(90));
        assert_eq!(taken("1h30m"), ttl);
        assert_eq!(taken(text.as_str()), ttl);
        assert_eq!(taken(&text), ttl);
        assert_eq!(taken(Cow::from("1h30m")), ttl);
        assert_eq!(taken(Cow::from(text.clone())), ttl);
        assert_eq!(taken(text), ttl);
    }

    #[test]
    fn the_words_are_refused() {
        for (word, constant) in [("forever", "Ttl::FOREVER"), ("default", "Ttl::DEFAULT")] {
            let refused = taken(word).unwrap_err().to_string();
            assert!(refused.contains(constant), "{refused}");
        }
    }
}
