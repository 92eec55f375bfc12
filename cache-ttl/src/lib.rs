//! Time-to-live values of a cache: how long an entry may live, and how people write that down.
//!
//! A [`Ttl`] is a whole number of milliseconds from [`Ttl::ZERO`] to [`Ttl::MAX`], or
//! [`Ttl::FOREVER`], or [`Ttl::DEFAULT`] (the cache's own). It cannot be negative and never
//! overflows. Functions that take a TTL take [`IntoTtl`]: a `Ttl`, a
//! [`Duration`](std::time::Duration), an integer of seconds, or text such as `"1h30m"`. Whatever
//! is not a TTL is an [`InvalidTtl`] that says why, or, in [`ttl!`], does not compile.
//!
//! This crate knows nothing of caches.
//!
//! ```
//! use std::time::Duration;
//! use cache_ttl::{IntoTtl, InvalidTtl, Ttl, ttl};
//!
//! # fn main() -> Result<(), InvalidTtl> {
//! let ninety_minutes = Ttl::minutes(90);
//!
//! assert_eq!(ttl!("1h30m"), ninety_minutes); // checked by the compiler
//! assert_eq!("1h30m".into_ttl()?, ninety_minutes);
//! assert_eq!("1 hour 30 minutes".into_ttl()?, ninety_minutes);
//! assert_eq!("1.5h".into_ttl()?, ninety_minutes);
//! assert_eq!(5400.into_ttl()?, ninety_minutes); // a bare integer is seconds
//! assert_eq!(Duration::from_secs(5400).into_ttl()?, ninety_minutes);
//!
//! assert_eq!(ninety_minutes.to_string(), "1h30m");
//! assert!("5M".into_ttl().is_err()); // minutes are `m`, and a month has no fixed length
//! # Ok(())
//! # }
//! ```
//!
//! # The form of a text
//!
//! One or more terms, each a number and a unit, which add up; in at most 64 ASCII bytes:
//!
//! - a number is `digits` or `digits.digits`;
//! - a unit is one of, in lower case,
//!   `ms` `msec` `msecs` `millisecond` `milliseconds`,
//!   `s` `sec` `secs` `second` `seconds`,
//!   `m` `min` `mins` `minute` `minutes`,
//!   `h` `hr` `hrs` `hour` `hours`,
//!   `d` `day` `days` (24 hours),
//!   `w` `week` `weeks` (7 days);
//! - one space may stand between a number and its unit, and between two terms;
//! - terms come in any order and may repeat: `30m1h`, `1h 1h`.
//!
//! Nothing else is a TTL: no sign, no exponent, no bare number, no comma or "and", no months or
//! years, no `M`. Where a TTL is *configured*, through [`FromStr`](std::str::FromStr) or serde, the
//! two words `forever` and `default` are read as well.
//!
//! # Cost
//!
//! Compact forms (whole numbers with `ms`, `s`, `m`, `h`, `d` or `w`, without spaces: `30m`,
//! `1h30m`, `250ms`) are read in one pass over the bytes, without allocation. Spaces, long units
//! and decimals cost about a microsecond a term and allocate; the first of them in a process also
//! compiles a regular expression, a few milliseconds. A text that is not of this form is refused
//! after reading at most 64 bytes of it, however long it is; the error copies at most 64
//! characters.

mod error;
mod evaluate;
mod flaw;
mod grammar;
mod into_ttl;
mod literal;
mod parse;
mod serialize;
mod ttl;
mod units;
mod write;

pub use error::InvalidTtl;
pub use into_ttl::IntoTtl;
#[doc(hidden)]
pub use literal::__literal;
pub use ttl::Ttl;
