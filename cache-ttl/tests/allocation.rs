//! The compact forms of a TTL are read without a single allocation.

use std::time::Duration;

use allocation_counter::measure;
use cache_ttl::{IntoTtl, Ttl};

/// Allocations of this thread while the text is read.
fn allocations(text: &str) -> u64 {
    measure(|| assert!(text.into_ttl().is_ok())).count_total
}

#[test]
fn compact_forms_allocate_nothing() {
    for text in ["30m", "1h30m", "250ms", "1w2d3h4m5s6ms", "0s", "007s", "182500d"] {
        assert_eq!(allocations(text), 0, "{text}");
    }
}

#[test]
fn numbers_and_durations_allocate_nothing() {
    let counted = measure(|| {
        assert_eq!(3600.into_ttl(), Ok(Ttl::hours(1)));
        assert_eq!(Duration::from_millis(5).into_ttl(), Ok(Ttl::milliseconds(5)));
        assert_eq!("1h30m".parse(), Ok(Ttl::minutes(90)));
        assert_eq!("forever".parse(), Ok(Ttl::FOREVER));
        assert!((-1).into_ttl().is_err());
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_refusal_allocates_the_text_of_its_message_once() {
    for text in ["5x", "", "1e999999999s", &"é".repeat(1 << 20)] {
        let counted = measure(|| assert!(text.into_ttl().is_err()));
        assert!(counted.count_total <= 1, "{} allocations", counted.count_total);
        assert!(counted.bytes_total <= 256, "{} bytes", counted.bytes_total);
    }
}

#[test]
fn the_counter_counts() {
    assert!(allocations("1 hour 30 minutes") > 0);
}
