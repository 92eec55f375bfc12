//! Which sums a counter may have.

use std::collections::HashSet;

use super::history::{Event, Span, What};

/// The tags of each counter, always the same.
pub(crate) const BORNE: [u8; 2] = [0b001, 0b110];

/// Checks the sums of a counter in a round that it began with `initial`. Returns how many sums were known exactly
/// from below.
pub(crate) fn check(events: &[Event], of: usize, initial: i64) -> usize {
    let mut counts = Vec::new();
    let mut resets = Vec::new();
    let mut seen = Vec::new();
    for Event { span, what } in events {
        match *what {
            What::Count { counter, sum } if counter == of => {
                counts.push((*span, sum));
                seen.extend(sum.map(|sum| (*span, sum, true)));
            }
            What::CounterRead { counter, saw } if counter == of => seen.push((*span, saw, false)),
            What::CounterRemoval { counter } if counter == of => resets.push(*span),
            What::Flush { tags } if tags & BORNE[of] != 0 => resets.push(*span),
            _ => {}
        }
    }
    let counts_in = |since: u64, read: &Span| {
        let may_count = |(count, _): &&(Span, _)| count.over() > since && count.begun < read.ended;
        i64::try_from(counts.iter().filter(may_count).count()).expect("a few")
    };
    let mut exact = 0;
    for (read, sum, is_count) in &seen {
        let mut most = initial + counts_in(0, read);
        for reset in resets.iter().filter(|reset| !reset.is_dropped && reset.ended < read.begun) {
            most = most.min(counts_in(reset.begun, read));
        }
        let mut least = i64::from(*is_count);
        let is_reset_since = |since: u64| {
            let meets = |reset: &&Span| reset.over() > since && reset.begun < read.ended;
            resets.iter().filter(meets).any(|reset| reset.call != read.call)
        };
        if !is_reset_since(0) {
            let counted =
                counts.iter().filter(|(span, _)| !span.is_dropped && span.ended < read.begun);
            least += initial + i64::try_from(counted.count()).expect("a few");
            exact += 1;
        }
        for (before, sum) in counts.iter().filter(|(before, _)| before.over() < read.begun) {
            if let Some(sum) = sum
                && !is_reset_since(before.begun)
            {
                least = least.max(sum + i64::from(*is_count));
            }
        }
        assert!(
            (least..=most).contains(sum),
            "{read:?} saw {sum} at counter {of}, which is {least} to {most}\n{counts:#?}\n{resets:#?}"
        );
    }
    if resets.is_empty() {
        let sums: Vec<_> = counts.iter().filter_map(|(_, sum)| *sum).collect();
        let distinct: HashSet<_> = sums.iter().collect();
        assert_eq!(distinct.len(), sums.len(), "no sum of counter {of} is given twice: {sums:?}");
    }
    exact
}
