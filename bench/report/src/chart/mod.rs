//! One picture for a group, of the kind that its figures ask for.
//!
//! Cases that are numbers and go far become lines (`lines`). Otherwise each case is a panel with a row for each
//! contender, best first (`panels`): bars from zero where lengths can be compared, dots with whiskers where they
//! cannot.

mod lines;
mod panels;
mod scale;

use crate::figures::Figures;
use crate::record::{Better, Unit};
use crate::svg::{Anchor, Svg, width_of};
use crate::view::{Kind, View};

/// As wide as the text column of the places where the report is read.
const WIDTH: f64 = 840.0;
const MARGIN: f64 = 24.0;

pub(crate) fn draw(view: &View<'_>) -> String {
    match lines::numbers(view) {
        Some(numbers) => lines::draw(view, &numbers),
        None => panels::draw(view),
    }
}

fn figures_of(view: &View<'_>) -> Figures {
    Figures::new(view.group.unit, view.marks().map(|mark| mark.value.median))
}

/// The class of whatever is drawn for a contender among others that look alike.
const fn class_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Ours => "ours",
        Kind::Peer => "peer",
        Kind::Raw => "raw",
    }
}

const fn name_class_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Ours => "ours-name",
        Kind::Peer => "name",
        Kind::Raw => "raw-name",
    }
}

/// Draws title and explanation, and returns where the rest begins.
fn draw_head(svg: &mut Svg, view: &View<'_>, how: &str) -> f64 {
    let mut y = MARGIN + 14.0;
    for line in wrapped(&view.group.title, 17.0) {
        svg.text((MARGIN, y), "title", Anchor::Start, &line);
        y += 23.0;
    }
    for line in wrapped(&explanation(view, how), 12.0) {
        svg.text((MARGIN, y), "quiet", Anchor::Start, &line);
        y += 17.0;
    }
    y
}

fn explanation(view: &View<'_>, how: &str) -> String {
    let (unit, better) = (unit_name(view.group.unit), better_name(view.group.better));
    let median = if varies(view) { " Median." } else { "" };
    format!("{unit}, {better} is better.{median}{how}")
}

/// Whether any of the rounds differed: bytes are counted once.
fn varies(view: &View<'_>) -> bool {
    view.marks().any(|mark| mark.value.low < mark.value.high)
}

/// What a picture says, for those who cannot see it.
fn description(view: &View<'_>, figures: &Figures) -> String {
    let cases = view.cases.iter().map(|case| {
        let marks = case.ranked(view.group.better);
        let marks: Vec<_> = marks
            .iter()
            .map(|mark| format!("{} {}", mark.contender, figures.value(mark.value.median)))
            .collect();
        format!("{}: {}.", case.name, marks.join(", "))
    });
    let cases: Vec<_> = cases.collect();
    format!("{} {}", explanation(view, ""), cases.join(" "))
}

const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds | Unit::Microseconds | Unit::Milliseconds => "Time",
        Unit::PerSecond => "Operations per second",
        Unit::Bytes => "Bytes",
        Unit::Count => "Number",
        Unit::Share => "Share",
    }
}

const fn better_name(better: Better) -> &'static str {
    match better {
        Better::Lower => "lower",
        Better::Higher => "higher",
    }
}

/// The text in lines that fit.
fn wrapped(text: &str, size: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.len() - 1;
        let longer = format!("{} {word}", lines[line]);
        if lines[line].is_empty() {
            word.clone_into(&mut lines[line]);
        } else if width_of(&longer, size) <= WIDTH - 2.0 * MARGIN {
            lines[line] = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// The text, or as much of its beginning as fits.
fn shortened(text: &str, size: f64, width: f64) -> String {
    if width_of(text, size) <= width {
        return text.to_owned();
    }
    let mut short: Vec<_> = text.chars().collect();
    while short.len() > 1 && width_of(&short.iter().collect::<String>(), size) + size > width {
        short.pop();
    }
    short.into_iter().collect::<String>().trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_wrapped_or_cut() {
        let long = "word ".repeat(40);
        assert!(wrapped(&long, 17.0).len() > 1);
        assert!(wrapped(&long, 17.0).iter().all(|line| width_of(line, 17.0) <= WIDTH));
        assert_eq!(shortened("moka", 12.0, 100.0), "moka");
        let cut = shortened("a name that nobody would give", 12.0, 100.0);
        assert!(cut.ends_with('…') && width_of(&cut, 12.0) <= 100.0, "{cut}");
    }
}
