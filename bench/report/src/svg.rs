//! A drawing, element by element. What things look like is said by classes, in one style sheet for light and dark.

use std::fmt::{Display, Write as _};

pub(crate) struct Svg {
    width: f64,
    elements: String,
}

#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

const STYLE: &str = include_str!("style.css");
/// Hatching: what is drawn with it is not filled by a colour of its own.
const HATCH: &str = "<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
    patternTransform=\"rotate(45)\"><rect class=\"hatch-ground\" width=\"6\" height=\"6\"/>\
    <line class=\"hatch-line\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern>";

impl Svg {
    pub(crate) fn new(width: f64) -> Self {
        Self { width, elements: String::new() }
    }

    pub(crate) fn text(&mut self, at: (f64, f64), class: &str, anchor: Anchor, text: &str) {
        let (x, y) = at;
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.put(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// A text, and after it another one that explains it.
    pub(crate) fn text_with_note(&mut self, at: (f64, f64), class: &str, text: &str, note: &str) {
        let ((x, y), text, note) = (at, escape(text), escape(note));
        self.put(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}<tspan class=\"note\" dx=\"7\">{note}</tspan></text>"
        ));
    }

    pub(crate) fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str) {
        let ((x, y), (width, height)) = (at, size);
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\"/>"
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    pub(crate) fn dot(&mut self, at: (f64, f64), radius: f64, class: &str) {
        let (x, y) = at;
        self.put(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
        ));
    }

    pub(crate) fn polyline(&mut self, points: &[(f64, f64)], class: &str) {
        let points = joined(points);
        self.put(format_args!("<polyline class=\"{class}\" points=\"{points}\"/>"));
    }

    pub(crate) fn polygon(&mut self, points: &[(f64, f64)], class: &str) {
        let points = joined(points);
        self.put(format_args!("<polygon class=\"{class}\" points=\"{points}\"/>"));
    }

    /// What is drawn by `inside` has a title, which a pointer shows and a reader for the blind says.
    pub(crate) fn titled(&mut self, title: &str, inside: impl FnOnce(&mut Self)) {
        self.put(format_args!("<g><title>{}</title>", escape(title)));
        inside(self);
        self.put("</g>");
    }

    /// The whole file.
    pub(crate) fn finish(self, height: f64, title: &str, description: &str) -> String {
        let Self { width, elements } = self;
        let (title, description) = (escape(title), escape(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"title desc\">\n\
             <title id=\"title\">{title}</title>\n<desc id=\"desc\">{description}</desc>\n\
             <style>\n{STYLE}</style>\n<defs>{HATCH}</defs>\n\
             <rect class=\"ground\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"8\"/>\n{elements}</svg>\n"
        )
    }

    fn put(&mut self, element: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.elements, "{element}");
    }
}

fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// How wide a text is at most, of letters of this size. Which font a viewer has is not known here.
pub(crate) fn width_of(text: &str, size: f64) -> f64 {
    text.chars().map(|_| size * 0.6).sum()
}

/// Plain text: what begins code in Markdown is dropped, as is what XML does not allow.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '`' => {}
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_does_not_become_markup() {
        let mut svg = Svg::new(100.0);
        svg.text((1.0, 2.0), "name", Anchor::End, "Cache<K, V> & `co`");
        svg.titled("\"a\" < \u{1}b", |_| {});
        let file = svg.finish(50.0, "<title>", "a & b");
        for expected in [
            ">Cache&lt;K, V&gt; &amp; co</text>",
            "<title>&quot;a&quot; &lt;  b</title>",
            ">&lt;title&gt;</title>",
            ">a &amp; b</desc>",
        ] {
            assert!(file.contains(expected), "{expected}: {file}");
        }
    }
}
