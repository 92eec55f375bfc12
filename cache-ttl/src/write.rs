//! From a TTL to text: compact, exact, and read back by `parse.rs`.

use std::fmt;

use crate::ttl::Ttl;
use crate::units::SYMBOLS;

pub(crate) const FOREVER_WORD: &str = "forever";
pub(crate) const DEFAULT_WORD: &str = "default";

/// Writes the compact form, such as `1w2d3h4m5s6ms`, without units of which there are none; `0s`
/// for zero; `forever` and `default` for those two. Nothing is lost: parsing the text gives the
/// same TTL.
///
/// ```
/// use cache_ttl::Ttl;
///
/// assert_eq!(Ttl::milliseconds(5_400_250).to_string(), "1h30m250ms");
/// assert_eq!(Ttl::days(10).to_string(), "1w3d");
/// assert_eq!(Ttl::ZERO.to_string(), "0s");
/// assert_eq!(Ttl::FOREVER.to_string(), "forever");
/// assert_eq!(Ttl::DEFAULT.to_string(), "default");
/// ```
impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(mut rest) = self.millis() else {
            return f.write_str(if self.is_forever() { FOREVER_WORD } else { DEFAULT_WORD });
        };
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, symbol) in SYMBOLS {
            let count = rest / unit;
            rest %= unit;
            if count > 0 {
                write!(f, "{count}{symbol}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ttl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_written_compactly_and_exactly() {
        for (ttl, text) in [
            (Ttl::ZERO, "0s"),
            (Ttl::milliseconds(1), "1ms"),
            (Ttl::milliseconds(1500), "1s500ms"),
            (Ttl::minutes(90), "1h30m"),
            (Ttl::milliseconds(788_645_006), "1w2d3h4m5s6ms"),
            (Ttl::MAX, "26071w3d"),
            (Ttl::FOREVER, "forever"),
            (Ttl::DEFAULT, "default"),
        ] {
            assert_eq!(ttl.to_string(), text);
            assert_eq!(format!("{ttl:?}"), format!("Ttl({text})"));
        }
    }
}
