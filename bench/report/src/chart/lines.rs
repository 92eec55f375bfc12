//! Lines, for what is measured at numbers that go far: a flush of a hundred entries, or of a million.

use super::scale::Scale;
use super::{
    MARGIN, WIDTH, class_of, description, draw_head, figures_of, name_class_of, shortened, varies,
};
use crate::figures::{Figures, grouped};
use crate::record::Unit;
use crate::svg::{Anchor, Svg, width_of};
use crate::view::{Kind, View};

const PLOT: f64 = 330.0;
const TICKS: f64 = 62.0;
/// Between the names at the ends of lines.
const LINE: f64 = 17.0;
const TEXT: f64 = 12.0;
const NAMES_AT_MOST: f64 = 250.0;
/// Enough of them, and far enough apart, to show how something grows.
const CASES: usize = 4;
const FAR: f64 = 100.0;
/// So many tones has the style sheet.
const TONES: usize = 8;

/// The number that each case begins with, if these are worth an axis.
pub(super) fn numbers(view: &View<'_>) -> Option<Vec<f64>> {
    let numbers: Option<Vec<_>> = view.cases.iter().map(|case| number(case.name)).collect();
    let numbers = numbers.filter(|numbers| numbers.len() >= CASES)?;
    let rising = numbers.is_sorted_by(|one, next| one < next);
    let far = numbers[numbers.len() - 1] >= FAR * numbers[0];
    (rising && far && numbers[0] > 0.0).then_some(numbers)
}

fn number(case: &str) -> Option<f64> {
    case.split(' ').next()?.replace(',', "").parse().ok()
}

/// What is counted, if it is the same in all cases.
fn noun<'a>(view: &View<'a>) -> Option<&'a str> {
    let mut nouns = view.cases.iter().map(|case| case.name.split_once(' ').map(|(_, noun)| noun));
    let first = nouns.next()??;
    nouns.all(|noun| noun == Some(first)).then_some(first)
}

/// One contender, along all cases that it has a figure for.
struct Curve<'a> {
    name: &'a str,
    class: String,
    lows: Vec<(f64, f64)>,
    medians: Vec<(f64, f64)>,
    highs: Vec<(f64, f64)>,
    last: f64,
}

pub(super) fn draw(view: &View<'_>, numbers: &[f64]) -> String {
    let figures = figures_of(view);
    let across = Scale::Log { from: numbers[0], to: numbers[numbers.len() - 1] };
    let ends = || view.marks().flat_map(|mark| [mark.value.low, mark.value.high]);
    let up = match view.group.unit {
        Unit::Share => Scale::around(ends().fold(f64::MAX, f64::min), ends().fold(0.0, f64::max)),
        _ => Scale::log(ends()),
    };
    let axes = if matches!(up, Scale::Log { .. }) { " Both axes logarithmic." } else { "" };
    let shade = if varies(view) { " Shaded from p10 to p90." } else { "" };
    let how = format!("{shade}{axes}");

    let mut svg = Svg::new(WIDTH);
    let top = draw_head(&mut svg, view, &how) + 14.0;
    let (left, bottom) = (MARGIN + TICKS, top + PLOT);
    let names = view.contenders().iter().map(|name| width_of(name, TEXT)).fold(0.0, f64::max);
    let right = WIDTH - MARGIN - names.min(NAMES_AT_MOST) - 100.0;
    let x = |value| left + across.at(value) * (right - left);
    let y = |value| bottom - up.at(value) * PLOT;

    for tick in up.ticks() {
        svg.line((left, y(tick)), (right, y(tick)), "grid");
        svg.text((left - 10.0, y(tick) + 4.0), "tick", Anchor::End, &figures.tick(tick));
    }
    for number in numbers {
        svg.line((x(*number), bottom), (x(*number), bottom + 5.0), "axis");
        let text = grouped(&number.to_string());
        svg.text((x(*number), bottom + 19.0), "tick", Anchor::Middle, &text);
    }
    svg.line((left, bottom), (right, bottom), "axis");
    if let Some(noun) = noun(view) {
        let middle = f64::midpoint(left, right);
        svg.text((middle, bottom + 38.0), "quiet", Anchor::Middle, noun);
    }

    let curves = curves(view, numbers, x, y);
    // This project last, so that it lies above the others.
    for curve in curves.iter().rev() {
        curve.draw(&mut svg);
    }
    let height = name_ends(&mut svg, &curves, &figures, (top, bottom)).max(bottom + 44.0);
    svg.finish(height + MARGIN / 2.0, &view.group.title, &description(view, &figures))
}

fn curves<'a>(
    view: &View<'a>,
    numbers: &[f64],
    x: impl Fn(f64) -> f64,
    y: impl Fn(f64) -> f64,
) -> Vec<Curve<'a>> {
    let mut tone = 0;
    let curve = |name: &&'a str| {
        let values = view
            .cases
            .iter()
            .zip(numbers)
            .filter_map(|(case, number)| case.mark(name).map(|mark| (x(*number), mark.value)));
        let values: Vec<_> = values.collect();
        let class = match Kind::of(name) {
            kind @ Kind::Ours => class_of(kind).to_owned(),
            kind => {
                tone += 1;
                format!("{} tone-{}", class_of(kind), (tone - 1) % TONES)
            }
        };
        Curve {
            name,
            class,
            lows: values.iter().map(|(x, value)| (*x, y(value.low))).collect(),
            medians: values.iter().map(|(x, value)| (*x, y(value.median))).collect(),
            highs: values.iter().map(|(x, value)| (*x, y(value.high))).collect(),
            last: values.last().map_or(0.0, |(_, value)| value.median),
        }
    };
    view.contenders().iter().map(curve).collect()
}

impl Curve<'_> {
    fn draw(&self, svg: &mut Svg) {
        let class = &self.class;
        svg.titled(self.name, |svg| {
            let around: Vec<_> = self.highs.iter().chain(self.lows.iter().rev()).copied().collect();
            svg.polygon(&around, &format!("band {class}"));
            svg.polyline(&self.medians, &format!("curve {class}"));
            for point in &self.medians {
                svg.dot(*point, 4.5, &format!("dot {class}"));
            }
        });
    }

    fn end(&self) -> (f64, f64) {
        self.medians.last().copied().unwrap_or_default()
    }
}

/// Writes each name beside the end of its line, or as near as there is room. Returns where the last one ends.
fn name_ends(
    svg: &mut Svg,
    curves: &[Curve<'_>],
    figures: &Figures,
    (top, bottom): (f64, f64),
) -> f64 {
    let mut order: Vec<_> = curves.iter().filter(|curve| !curve.medians.is_empty()).collect();
    order.sort_by(|one, other| one.end().1.total_cmp(&other.end().1));
    let wanted: Vec<_> = order.iter().map(|curve| curve.end().1).collect();
    let right = order.iter().map(|curve| curve.end().0).fold(0.0, f64::max);
    let mut lowest = top;
    for (curve, y) in order.iter().zip(spread_out(&wanted, top, bottom)) {
        let (from, x) = (curve.end(), right + 26.0);
        svg.polyline(
            &[(from.0 + 7.0, from.1), (x - 10.0, y), (x - 5.0, y)],
            &format!("leader {}", curve.class),
        );
        let name = shortened(curve.name, TEXT, NAMES_AT_MOST);
        let class = name_class_of(Kind::of(curve.name));
        svg.text_with_note((x, y + 4.0), class, &name, &figures.value(curve.last));
        lowest = y + LINE / 2.0;
    }
    lowest
}

/// The places, in rising order, moved as little as leaves a line between each two.
fn spread_out(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut places = wanted.to_vec();
    let mut least = top;
    for place in &mut places {
        *place = place.max(least);
        least = *place + LINE;
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - LINE;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Better, OURS, Records};
    use crate::sample::{group, rounds};

    fn numbers_of(cases: &[&str]) -> Option<Vec<f64>> {
        let mut records = Records::default();
        records.group(group("g", Better::Lower));
        for case in cases {
            records.add("g", case, OURS, rounds([1.0; 3]));
        }
        numbers(&View::new(&records.groups[0], &records))
    }

    #[test]
    fn cases_that_are_numbers_and_go_far_become_lines() {
        let cases = ["100 members", "1,000 members", "10,000 members", "1,000,000 members"];
        assert_eq!(numbers_of(&cases), Some(vec![100.0, 1e3, 1e4, 1e6]));
        assert_eq!(numbers_of(&["1 task", "2 tasks", "4 tasks"]), None);
        assert_eq!(numbers_of(&["1 task", "2 tasks", "4 tasks", "8 tasks"]), None);
        assert_eq!(numbers_of(&["p50", "p90", "p99", "p99.9"]), None);
    }

    #[test]
    fn names_do_not_lie_on_one_another() {
        let places = spread_out(&[100.0, 100.0, 101.0, 390.0, 395.0], 50.0, 400.0);
        assert!(places.is_sorted_by(|one, next| next - one >= LINE), "{places:?}");
        assert!(places.iter().all(|place| (50.0..=400.0).contains(place)), "{places:?}");
    }
}
