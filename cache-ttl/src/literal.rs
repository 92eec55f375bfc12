//! `ttl!`: a TTL written as text in code and checked by the compiler, with the same walk as at
//! run time.

use crate::grammar::{Reading, read};
use crate::ttl::Ttl;

/// A [`Ttl`](crate::Ttl) from text, computed at compile time.
///
/// Takes every [form of a text](crate#the-form-of-a-text) in whole numbers, and the name of a
/// `const` text. Costs nothing at run time. What is not a TTL does not compile, and neither do
/// decimals: for `1.5h` write `1h30m`.
///
/// ```
/// use cache_ttl::{Ttl, ttl};
///
/// const SESSION: Ttl = ttl!("1h30m");
///
/// assert_eq!(SESSION, Ttl::minutes(90));
/// assert_eq!(ttl!("1 hour 30 minutes"), SESSION);
/// assert_eq!(ttl!("250ms"), Ttl::milliseconds(250));
/// ```
///
/// These do not compile:
///
/// ```compile_fail,E0080
/// cache_ttl::ttl!("5x"); // the unit is not known
/// ```
///
/// ```compile_fail,E0080
/// cache_ttl::ttl!("10"); // a number has no unit
/// ```
///
/// ```compile_fail,E0080
/// cache_ttl::ttl!("5M"); // months and years have no fixed length
/// ```
///
/// ```compile_fail,E0080
/// cache_ttl::ttl!("-5s"); // a TTL has no sign
/// ```
///
/// ```compile_fail,E0080
/// cache_ttl::ttl!("1.5h"); // write "1h30m"
/// ```
///
/// ```compile_fail,E0080
/// cache_ttl::ttl!("forever"); // the constant Ttl::FOREVER
/// ```
///
/// ```compile_fail,E0080
/// cache_ttl::ttl!("501w 200000d"); // longer than Ttl::MAX
/// ```
#[macro_export]
macro_rules! ttl {
    ($text:expr) => {
        const {
            // An item is evaluated by `cargo check` too; a bare block only when code is generated.
            const __LITERAL: $crate::Ttl = $crate::__literal($text);
            __LITERAL
        }
    };
}

/// What `ttl!` calls. Not for use by hand: it panics on what is not a TTL, which only at compile
/// time is a message to the one who can mend it.
#[doc(hidden)]
#[must_use]
#[track_caller]
pub const fn __literal(text: &str) -> Ttl {
    match read(text) {
        Ok(Reading::Compact(ttl)) => ttl,
        Ok(Reading::Long(long)) => match long.whole() {
            Some(ttl) => ttl,
            None => {
                panic!("a literal TTL has no decimals: write \"1h30m\" for \"1.5h\"")
            }
        },
        Err(flaw) => refuse(flaw.summary()),
    }
}

/// A panic at compile time shows the line, and of the message only one argument.
#[track_caller]
const fn refuse(summary: &str) -> ! {
    panic!("{}", summary)
}

#[cfg(test)]
mod tests {
    use crate::{IntoTtl, Ttl};

    #[test]
    fn a_literal_is_the_same_at_compile_time_and_at_run_time() {
        const TEXT: &str = "2 weeks 1d";
        assert_eq!(ttl!("1h30m"), Ttl::minutes(90));
        assert_eq!(ttl!("1 hour 30 minutes"), Ttl::minutes(90));
        assert_eq!(ttl!("0s"), Ttl::ZERO);
        assert_eq!(ttl!("182500d"), Ttl::MAX);
        assert_eq!(ttl!(TEXT), TEXT.into_ttl().unwrap());
    }
}
