//! A panel for each case, and in it a row for each contender, best first.

use super::scale::Scale;
use super::{
    MARGIN, WIDTH, class_of, description, draw_head, figures_of, name_class_of, shortened, varies,
};
use crate::figures::Figures;
use crate::record::Unit;
use crate::svg::{Anchor, Svg, width_of};
use crate::view::{Case, Kind, Mark, View};

const ROW: f64 = 23.0;
const BAR: f64 = 14.0;
const CASE: f64 = 22.0;
const GAP: f64 = 14.0;
const TEXT: f64 = 12.0;
/// Names longer than this are cut; the title of the row has them whole.
const NAMES_AT_MOST: f64 = 230.0;
/// What is shown beside a mark: its figure, and how it compares.
const VALUES: f64 = 118.0;
/// A bar shorter than the longest by more than this is hard to tell from nothing.
const FAR_APART: f64 = 15.0;

/// What the marks of a picture are, and along which axis.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plan {
    Bars(Scale),
    /// Cases that have nothing in common but the contenders: each along an axis of its own.
    BarsOfEachCase,
    Dots(Scale),
}

impl Plan {
    fn of(view: &View<'_>) -> Self {
        let ends = || view.marks().flat_map(|mark| [mark.value.low, mark.value.high]);
        if view.group.unit == Unit::Share {
            let lowest = ends().fold(f64::MAX, f64::min);
            return Self::Dots(Scale::around(lowest, highest(view.marks())));
        }
        if ratio(view.marks()) <= FAR_APART {
            Self::Bars(Scale::from_zero(highest(view.marks())))
        } else if view.cases.iter().all(|case| ratio(case.marks.iter().copied()) <= FAR_APART) {
            Self::BarsOfEachCase
        } else {
            Self::Dots(Scale::log(ends()))
        }
    }

    /// What a reader has to be told of it.
    fn how(self, view: &View<'_>) -> String {
        let raw = view.marks().any(|mark| mark.kind() == Kind::Raw);
        let (axis, look) = match self {
            Self::BarsOfEachCase => (" Each case along an axis of its own.", "hatched"),
            Self::Dots(Scale::Log { .. }) => (" Logarithmic axis.", "hollow"),
            Self::Dots(Scale::Linear { .. }) => ("", "hollow"),
            Self::Bars(_) => ("", "hatched"),
        };
        let raw = if raw { format!(" Raw parts are {look}.") } else { String::new() };
        let whiskers = if varies(view) { " Whiskers from p10 to p90." } else { "" };
        format!("{whiskers}{axis}{raw}")
    }

    fn scale(self, case: &Case<'_>) -> Scale {
        match self {
            Self::Bars(scale) | Self::Dots(scale) => scale,
            Self::BarsOfEachCase => Scale::from_zero(highest(case.marks.iter().copied())),
        }
    }

    /// The axis of all cases, if they have one in common.
    const fn common(self) -> Option<Scale> {
        match self {
            Self::Bars(scale) | Self::Dots(scale) => Some(scale),
            Self::BarsOfEachCase => None,
        }
    }
}

fn highest<'a>(marks: impl Iterator<Item = Mark<'a>>) -> f64 {
    marks.map(|mark| mark.value.high.max(mark.value.median)).fold(0.0, f64::max)
}

fn ratio<'a>(marks: impl Iterator<Item = Mark<'a>> + Clone) -> f64 {
    let lowest = marks.clone().map(|mark| mark.value.median).fold(f64::MAX, f64::min);
    highest(marks) / lowest.max(f64::MIN_POSITIVE)
}

/// The part of the picture in which marks lie.
struct Field {
    left: f64,
    width: f64,
}

impl Field {
    fn x(&self, scale: Scale, value: f64) -> f64 {
        self.left + scale.at(value) * self.width
    }
}

pub(crate) fn draw(view: &View<'_>) -> String {
    let (plan, figures) = (Plan::of(view), figures_of(view));
    let names = view.contenders().iter().map(|name| width_of(name, TEXT)).fold(0.0, f64::max);
    let left = MARGIN + names.min(NAMES_AT_MOST) + 10.0;
    let field = Field { left, width: WIDTH - MARGIN - VALUES - left };
    let mut svg = Svg::new(WIDTH);
    let top = draw_head(&mut svg, view, &plan.how(view)) + 2.0;
    let panels = view.cases.iter().map(|case| ROW * count(case.marks.len()) + CASE + GAP);
    let bottom = top + panels.sum::<f64>() - GAP / 2.0;
    if let Some(scale) = plan.common() {
        draw_axis(&mut svg, &field, scale, &figures, (top + CASE, bottom));
    }
    let mut y = top;
    for case in &view.cases {
        svg.text((MARGIN, y + 14.0), "case", Anchor::Start, case.name);
        y += CASE;
        let end = y + ROW * count(case.marks.len());
        if !matches!(plan, Plan::Dots(_)) {
            svg.line((left, y), (left, end), "axis");
        }
        for mark in case.ranked(view.group.better) {
            let row = Row { mark, ours: case.ours(), unit: view.group.unit, y: y + ROW / 2.0 };
            row.draw(&mut svg, &field, plan, plan.scale(case), &figures);
            y += ROW;
        }
        y += GAP;
    }
    let height = bottom + if plan.common().is_some() { 18.0 } else { 0.0 } + MARGIN / 2.0;
    svg.finish(height, &view.group.title, &description(view, &figures))
}

fn draw_axis(
    svg: &mut Svg,
    field: &Field,
    scale: Scale,
    figures: &Figures,
    (top, bottom): (f64, f64),
) {
    for tick in scale.ticks() {
        let x = field.x(scale, tick);
        svg.line((x, top), (x, bottom), "grid");
        svg.text((x, bottom + 15.0), "tick", Anchor::Middle, &figures.tick(tick));
    }
}

struct Row<'a> {
    mark: Mark<'a>,
    ours: Option<Mark<'a>>,
    unit: Unit,
    /// Its middle.
    y: f64,
}

impl Row<'_> {
    fn draw(&self, svg: &mut Svg, field: &Field, plan: Plan, scale: Scale, figures: &Figures) {
        let (mark, base) = (self.mark, self.y + 4.0);
        let (median, range) = figures.spread(mark.value);
        let unit = figures.unit().unwrap_or_default();
        let title = format!("{}: {median} {} {unit}", mark.contender, range.unwrap_or_default());
        svg.titled(&title, |svg| {
            let name = shortened(mark.contender, TEXT, NAMES_AT_MOST);
            svg.text((field.left - 8.0, base), name_class_of(mark.kind()), Anchor::End, &name);
            let end = match plan {
                Plan::Dots(_) => self.draw_dot(svg, field, scale),
                Plan::Bars(_) | Plan::BarsOfEachCase => self.draw_bar(svg, field, scale),
            };
            let value = figures.value(mark.value.median);
            let class = if mark.kind() == Kind::Ours { "ours-value" } else { "value" };
            let comparison = self.comparison().unwrap_or_default();
            svg.text_with_note((end + 8.0, base), class, &value, &comparison);
        });
    }

    /// Returns where it ends.
    fn draw_bar(&self, svg: &mut Svg, field: &Field, scale: Scale) -> f64 {
        let class = format!("bar {}", class_of(self.mark.kind()));
        let [low, median, high] = self.places(field, scale);
        svg.rect((field.left, self.y - BAR / 2.0), ((median - field.left).max(1.5), BAR), &class);
        if high - low >= 1.0 {
            svg.line((low, self.y), (high, self.y), "whisker");
            for x in [low, high] {
                svg.line((x, self.y - 4.0), (x, self.y + 4.0), "whisker");
            }
        }
        high.max(median)
    }

    /// Returns where it ends.
    fn draw_dot(&self, svg: &mut Svg, field: &Field, scale: Scale) -> f64 {
        let class = class_of(self.mark.kind());
        let [low, median, high] = self.places(field, scale);
        svg.line((field.left, self.y), (field.left + field.width, self.y), "track");
        if high - low >= 1.0 {
            svg.line((low, self.y), (high, self.y), &format!("span {class}"));
        }
        svg.dot((median, self.y), 5.5, &format!("dot {class}"));
        high.max(median + 4.0)
    }

    fn places(&self, field: &Field, scale: Scale) -> [f64; 3] {
        let value = self.mark.value;
        [value.low, value.median, value.high].map(|value| field.x(scale, value))
    }

    /// The multiple of this project's figure. Of shares, the figures themselves say more.
    fn comparison(&self) -> Option<String> {
        let ours = self.ours.filter(|ours| *ours != self.mark && self.unit != Unit::Share)?;
        let factor = self.mark.value.median / ours.value.median;
        factor.is_finite().then(|| format!("{factor:.2}×"))
    }
}

/// How many, as a factor of lengths.
fn count(rows: usize) -> f64 {
    u32::try_from(rows).map_or(0.0, f64::from)
}
