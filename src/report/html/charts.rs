//! Bars as inline SVG, one in each row of the table whose numbers it shows: the labels stay text,
//! readable at any width, and the table is the chart's own text alternative.

use maud::{Markup, html};

/// The width of a bar's drawing, in its own units; the page stretches it.
const WIDTH: f64 = 1000.0;

/// From where to where an axis runs, in minor units or items.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis from zero over these counts.
    pub(super) fn of_counts(counts: impl Iterator<Item = u64>) -> Self {
        Self { low: 0.0, high: counts.map(|count| float(count.into())).fold(1.0, f64::max) }
    }

    /// An axis over the levels that a waterfall passes. It begins at zero unless the movements
    /// would be too small to see beside the totals; then it begins just below the lowest level.
    pub(super) fn of_levels(levels: &[i128]) -> Self {
        let low = levels.iter().copied().map(float).fold(f64::INFINITY, f64::min);
        let high = levels.iter().copied().map(float).fold(f64::NEG_INFINITY, f64::max);
        let spread = high - low;
        if low > 0.0 && spread > 0.0 && spread < low {
            Self { low: (low - spread * 0.6).max(0.0), high }
        } else {
            Self { low: low.min(0.0), high: high.max(0.0) }
        }
    }

    /// Whether bars begin at zero, as a reader expects.
    pub(super) fn begins_at_zero(self) -> bool {
        self.low <= 0.0
    }

    fn at(self, value: f64) -> f64 {
        let span = self.high - self.low;
        if span > 0.0 { ((value - self.low) / span * WIDTH).clamp(0.0, WIDTH) } else { 0.0 }
    }

    /// A bar from the axis' zero (or its beginning) to the value.
    pub(super) fn whole(self, value: i128, class: &str) -> Markup {
        self.bar(self.low.max(0.0), float(value), class)
    }

    /// A bar from one level to the next.
    pub(super) fn step(self, from: i128, to: i128) -> Markup {
        self.bar(float(from), float(to), if to < from { "down" } else { "up" })
    }

    fn bar(self, from: f64, to: f64, class: &str) -> Markup {
        let (start, end) = (self.at(from.min(to)), self.at(from.max(to)));
        // A sliver shows that there is something, however small.
        let width = (end - start).max(4.0);
        let start = start.min(WIDTH - width);
        let zero = self.at(self.low.max(0.0));
        html! {
            svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                rect .axis x=(format!("{:.1}", zero.min(WIDTH - 2.0))) y="-4" width="2" height="28" {}
                rect class=(class) x=(format!("{start:.1}")) y="3" width=(format!("{width:.1}")) height="14" {}
            }
        }
    }
}

/// For drawing only: a bar is not exact.
#[expect(clippy::cast_precision_loss, reason = "a bar's length on a screen; the exact amount stands beside it")]
fn float(value: i128) -> f64 {
    value as f64
}
