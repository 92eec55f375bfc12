//! `REPORT.md`: first the machine, then where others are ahead, then group by group.

use std::fmt::Write as _;

use crate::figures::{Figures, multiple};
use crate::markdown::{escape, row, rule};
use crate::record::{Better, OURS, Unit};
use crate::standing::{Standing, Win};
use crate::view::{Case, Kind, View};

/// Written by hand: it explains. Its figures are of profiles, and are not measured again with each run.
const DISTANCE: &str = include_str!("distance.md");
const ORIGIN: &str = "<!-- Written by `cargo xtask bench report` from bench/target/records.json. \
    Only the section on the distance is written by hand: bench/report/src/distance.md -->";

pub(crate) fn write(head: &[(String, String)], views: &[View<'_>]) -> String {
    let mut text = format!("{ORIGIN}\n\n# `{OURS}` beside its peers\n\n");
    text += &how_to_read();
    if !head.is_empty() {
        text += "\n";
        text += &row([String::new(), String::new()]);
        text += &rule(2, 2);
        for (name, value) in head {
            text += &row([escape(name), escape(value)]);
        }
    }
    text.extend(["\n## Where a peer wins\n\n", &wins(views)]);
    for view in views {
        text.extend(["\n", &group(view)]);
    }
    text + "\n<a id=\"the-distance\"></a>\n\n" + DISTANCE
}

fn how_to_read() -> String {
    format!(
        "Figures are the median over the rounds, in brackets the 10th and the 90th percentile. The best of a case is \
         **bold**; what is called *raw* are the parts beneath, by hand: no cache, and so neither a peer nor the best. \
         In charts, what stands behind a figure is its multiple of that of `{OURS}`. How it is measured is told in the \
         [README](README.md); `cargo xtask bench` measures it on your machine.\n"
    )
}

/// Where peers are ahead, and then where the parts beneath are.
fn wins(views: &[View<'_>]) -> String {
    let peers = Standing::beside(Kind::Peer, views);
    if peers.compared == 0 {
        return "Nothing was compared with a peer.\n".to_owned();
    }
    let mut text = format!(
        "Rounds are compared one by one: what disturbs the machine for a while disturbs both. Ahead is who is ahead in the \
         middle of all rounds by half a percent, or 0.05 points of hits; and by more than chance, who is so in so many of \
         them that a coin would do as well once in twenty times at the most (the sign test; of fewer than five rounds, in \
         all of them). Among so many comparisons chance does it in a few all the same, for either side.\n\nIn {} of {} comparisons of a peer with `{OURS}` in one case the peer is ahead by more than chance.\n",
        peers.certain.len(),
        peers.compared
    );
    text += &table_of_wins(&peers.certain);
    if !peers.open.is_empty() {
        let _ = writeln!(
            text,
            "\n### Ahead, and perhaps by chance\n\nIn {} more the peer is ahead in the middle of the rounds.",
            peers.open.len()
        );
        text += &table_of_wins(&peers.open);
    }
    let raw = Standing::beside(Kind::Raw, views);
    let _ = writeln!(
        text,
        "\n## Where the parts beneath are ahead\n\nWhat is called *raw* does less; what that is stands with each group, \
         and at the [end](#the-distance). In {} of {} comparisons it is ahead by more than chance, in {} perhaps by chance.",
        raw.certain.len(),
        raw.compared,
        raw.open.len()
    );
    text + &table_of_wins(&raw.certain)
}

fn table_of_wins(wins: &[Win<'_>]) -> String {
    if wins.is_empty() {
        return String::new();
    }
    let heads = ["what", "case", "who", "its figure", OURS, "ahead by", "in rounds"];
    let rows = wins.iter().map(win_row);
    format!(
        "\n{}{}{}",
        row(heads.map(str::to_owned)),
        rule(heads.len(), 3),
        rows.collect::<String>()
    )
}

fn win_row(win: &Win<'_>) -> String {
    let (other, ours, lead) = (win.other.value, win.ours.value, win.lead);
    let figures = Figures::new(win.group.unit, [other.median, ours.median]);
    let unit = figures.unit().map(|unit| format!(" {unit}")).unwrap_or_default();
    let shown = |spread| match figures.spread(spread) {
        (median, Some(range)) => format!("{median}{unit} {range}"),
        (median, None) => format!("{median}{unit}"),
    };
    let by = match win.group.unit {
        Unit::Share => format!("{:.1} points", lead.distance * 100.0),
        _ => multiple(lead.factor),
    };
    row([
        format!("[{}](#{})", escape(&win.group.title), win.group.id),
        escape(win.case),
        escape(win.other.contender),
        shown(other),
        shown(ours),
        by,
        format!("{} of {}", lead.ahead, lead.decided),
    ])
}

fn group(view: &View<'_>) -> String {
    let group = view.group;
    let title = escape(&group.title);
    let mut text = format!("<a id=\"{}\"></a>\n\n## {title}\n\n", group.id);
    if view.is_empty() {
        text += "Not measured in this run.\n";
    } else {
        let alternative = group.title.replace(['[', ']', '`'], "");
        let _ = writeln!(text, "![{}]({})\n", escape(&alternative), crate::chart_of(view));
        text += &table(view);
    }
    let note = group.note.trim();
    if !note.is_empty() {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// A row for each contender, a column for each case.
fn table(view: &View<'_>) -> String {
    let group = view.group;
    let figures = Figures::new(group.unit, view.marks().map(|mark| mark.value.median));
    let better = match group.better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
    };
    let corner = match figures.unit() {
        Some(unit) => format!("{unit}, {better}"),
        None => better.to_owned(),
    };
    let cases = view.cases.iter().map(|case| escape(case.name));
    let mut text = row(std::iter::once(corner).chain(cases));
    text += &rule(view.cases.len() + 1, 1);
    for contender in view.contenders() {
        let name = match Kind::of(contender) {
            Kind::Ours => format!("▸ {}", escape(contender)),
            Kind::Peer => escape(contender),
            Kind::Raw => format!("*{}*", escape(contender)),
        };
        let cells = view.cases.iter().map(|case| cell(case, contender, &figures, group.better));
        text += &row(std::iter::once(name).chain(cells));
    }
    text
}

fn cell(case: &Case<'_>, contender: &str, figures: &Figures, better: Better) -> String {
    let Some(mark) = case.mark(contender) else { return "–".to_owned() };
    let (median, range) = figures.spread(mark.value);
    let is_best = mark.kind() != Kind::Raw
        && case.best(better).is_some_and(|best| !better.is_ahead(best, mark.value.median));
    let median = if is_best { format!("**{median}**") } else { median };
    match range {
        Some(range) => format!("{median} {range}"),
        None => median,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Records;
    use crate::sample;

    fn written(records: &Records) -> String {
        let views: Vec<_> = records.groups.iter().map(|group| View::new(group, records)).collect();
        write(&records.head, &views)
    }

    #[test]
    fn a_peer_that_wins_comes_before_every_group() {
        let text = written(&sample::records());
        let win = text
            .find("| fast\\_peer | 31.0 ns (30.0–32.0) | 42.0 ns (40.0–45.0) | 1.35× | 11 of 11 |");
        let group = text.find("## The group `memory-get`");
        assert!(win.is_some_and(|win| group.is_some_and(|group| win < group)), "{text}");
        assert!(text.contains("In 1 of 6 comparisons"), "{text}");
        let raw = text.find("## Where the parts beneath are ahead");
        let raw_wins = text.find("| raw table | 21.0 ns (20.0–22.0) |");
        assert!(win < raw && raw < raw_wins && raw_wins < group, "{text}");
    }

    #[test]
    fn where_no_peer_wins_it_says_so() {
        let mut records = sample::records();
        records.records.retain(|record| record.contender != "fast_peer");
        assert!(written(&records).contains("In 0 of 5 comparisons"));
    }

    #[test]
    fn the_best_is_bold_and_raw_parts_are_not_it() {
        let text = written(&sample::records());
        for line in [
            "| ▸ cache | 42.0 (40.0–45.0) |",
            r"| fast\_peer | **31.0** (30.0–32.0) |",
            "| *raw table* | 21.0 (20.0–22.0) |",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn nobody_is_the_best_of_one() {
        let mut records = sample::records();
        records.records.retain(|record| [OURS, "raw table"].contains(&record.contender.as_str()));
        assert!(!written(&records).contains("**4"));
    }

    #[test]
    fn text_of_records_does_not_become_markup() {
        let text = written(&sample::records());
        assert!(text.contains(r"| machine | none, \<made up\> |"), "{text}");
        assert!(text.contains(r"| index \<set\> |"), "{text}");
    }
}
