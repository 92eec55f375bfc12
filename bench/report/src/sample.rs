//! Figures that nobody has measured, for tests.

use crate::record::{Better, Group, OURS, Records, Unit};

/// Eleven rounds of these percentiles.
pub(crate) fn rounds([low, median, high]: [f64; 3]) -> [f64; 11] {
    let (below, above) = (f64::midpoint(low, median), f64::midpoint(median, high));
    [low, low, below, below, below, median, above, above, above, high, high]
}

pub(crate) fn group(id: &str, better: Better) -> Group {
    Group {
        id: id.to_owned(),
        title: format!("The group `{id}`"),
        unit: match better {
            Better::Lower => Unit::Nanoseconds,
            Better::Higher => Unit::PerSecond,
        },
        better,
        note: "Each does the same.".to_owned(),
    }
}

/// A group that becomes panels, and one that becomes lines.
pub(crate) fn records() -> Records {
    let mut records = Records::default();
    records.head.push(("machine".to_owned(), "none, <made up>".to_owned()));
    records.group(group("memory-get", Better::Lower));
    for (contender, figure) in [
        (OURS, [40.0, 42.0, 45.0]),
        ("slow_peer", [60.0, 61.0, 70.0]),
        ("fast_peer", [30.0, 31.0, 32.0]),
        ("raw table", [20.0, 21.0, 22.0]),
    ] {
        records.add("memory-get", "1 task", contender, rounds(figure));
    }
    records.group(group("flush", Better::Lower));
    for (case, others) in
        [("100 keys", 1e4), ("1,000 keys", 1e5), ("10,000 keys", 1e6), ("100,000 keys", 1e7)]
    {
        records.add("flush", case, OURS, rounds([900.0, 1000.0, 1100.0]));
        records.add("flush", case, "index <set>", rounds([others * 0.9, others, others * 1.3]));
    }
    records
}
