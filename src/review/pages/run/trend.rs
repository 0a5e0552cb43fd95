//! The last periods of a job up to one: match rate and break amount as two small charts, with the numbers as a table.

use maud::{Markup, html};

use super::super::overview::look::figures;
use crate::journal::{Journal, JournalError};
use crate::report::{Figures, count, money};
use crate::review::address;
use crate::text::visible;

/// So many periods are shown.
const PERIODS: u32 = 30;
/// The width and height of a chart, in its own units; the page stretches it.
const WIDTH: u64 = 1_000;
const HEIGHT: u64 = 100;
/// The match rate's whole, in hundredths of a percent.
const ALL: u64 = 10_000;

/// One period of the trend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) period: String,
    pub(super) figures: Figures,
}

impl Point {
    /// Matched rows of those read, in hundredths of a percent, rounded down: all of them or not quite. None where no row
    /// was read, or the run is of before matched rows were kept.
    fn rate(&self) -> Option<u64> {
        let read: u64 = self.figures.rows.values().sum();
        let matched: u64 = self.figures.matched.values().sum();
        let is_told = read > 0 && !self.figures.matched.is_empty();
        is_told.then(|| u64::try_from(u128::from(matched) * u128::from(ALL) / u128::from(read)).unwrap_or(ALL))
    }

    fn at_risk(&self, currency: &str) -> u64 {
        self.figures.at_risk_minor.get(currency).copied().unwrap_or_default().max(0).unsigned_abs()
    }
}

/// The last finished periods up to this one, the earliest first.
pub(super) async fn points(journal: &Journal, job: &str, period: &str) -> Result<Vec<Point>, JournalError> {
    let mut labels = journal.finished_up_to(job, period, PERIODS).await?;
    labels.reverse();
    let mut figures = figures(journal, job, &labels).await?;
    let point = |period: String| Some(Point { figures: figures.remove(&period)?, period });
    Ok(labels.into_iter().filter_map(point).collect())
}

/// `98.76%`
fn percent(rate: u64) -> String {
    format!("{}.{:02}%", rate / 100, rate % 100)
}

/// Nothing where there is but one period.
pub(super) fn trend(job: &str, points: &[Point]) -> Markup {
    let mut sums = std::collections::BTreeMap::<&str, u128>::new();
    for (currency, minor) in points.iter().flat_map(|point| &point.figures.at_risk_minor) {
        *sums.entry(currency).or_default() += u128::from(minor.unsigned_abs());
    }
    let most = sums.into_iter().max_by_key(|(_, sum)| *sum).map(|(currency, _)| currency);
    html! {
        @if points.len() > 1 {
            section aria-labelledby="trend" {
                h2 #trend { "The last " (points.len()) " periods" }
                div.trends {
                    (rates(points))
                    @if let Some(currency) = most { (amounts(points, currency)) }
                }
                details {
                    summary { "The numbers" }
                    (table(job, points))
                }
            }
        }
    }
}

/// From left to right, in the chart's own units.
fn at(place: usize, of: usize) -> u64 {
    let (place, of) = (place as u64, of as u64);
    (2 * place + 1) * WIDTH / (2 * of)
}

/// A line from the lowest rate, or less, up to all.
fn rates(points: &[Point]) -> Markup {
    let rates: Vec<(u64, u64)> =
        points.iter().enumerate().filter_map(|(place, point)| Some((at(place, points.len()), point.rate()?))).collect();
    let Some(lowest) = rates.iter().map(|(_, rate)| *rate).min() else { return html! {} };
    // Whole percents, and never a line along the bottom.
    let low = (lowest / 100).saturating_sub(1) * 100;
    let height = |rate: u64| HEIGHT - (rate - low) * HEIGHT / (ALL - low);
    let spot = |(x, rate): &(u64, u64)| format!("{x},{}", height(*rate));
    let line: Vec<String> = rates.iter().map(spot).collect();
    html! {
        figure {
            figcaption { strong { "Match rate" } ": rows that have found their counterpart, of all rows read" }
            svg.trend viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                line.axis x1="0" y1="0" x2="1000" y2="0" {}
                line.axis x1="0" y1="100" x2="1000" y2="100" {}
                polyline.line points=(line.join(" ")) {}
                @for spot in &line { path.spot d={ "M" (spot) "h0" } {} }
            }
            (ends(points, &format!("{} to {}", percent(low), percent(ALL))))
        }
    }
}

/// A bar a period, from zero.
fn amounts(points: &[Point], currency: &str) -> Markup {
    let highest = points.iter().map(|point| point.at_risk(currency)).max().unwrap_or_default().max(1);
    let width = (WIDTH / points.len() as u64).clamp(4, 120) * 7 / 10;
    let bar = |place: usize, point: &Point| {
        let sum = point.at_risk(currency);
        let height = u64::try_from(u128::from(sum) * u128::from(HEIGHT) / u128::from(highest)).unwrap_or(HEIGHT);
        // A sliver shows that there is something, however small.
        let height = if sum > 0 { height.max(2) } else { 0 };
        let class = if place + 1 == points.len() { "now" } else { "bar" };
        html! { rect class=(class) x=(at(place, points.len()) - width / 2) y=(HEIGHT - height) width=(width) height=(height) {} }
    };
    html! {
        figure {
            figcaption { strong { "At risk by open breaks" } ", in " bdi { (visible(currency)) } "; this period stands out" }
            svg.trend viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                line.axis x1="0" y1="100" x2="1000" y2="100" {}
                @for (place, point) in points.iter().enumerate() { (bar(place, point)) }
            }
            (ends(points, &format!("0 to {}", money(highest.into(), currency))))
        }
    }
}

fn ends(points: &[Point], axis: &str) -> Markup {
    let label = |point: Option<&Point>| point.map(|point| point.period.clone()).unwrap_or_default();
    html! {
        div.ends { span { (visible(&label(points.first()))) } span { (visible(axis)) } span { (visible(&label(points.last()))) } }
    }
}

fn table(job: &str, points: &[Point]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Periods in numbers" {
            table {
                caption { "The last finished attempt of each period, the latest first" }
                thead { tr {
                    th scope="col" { "Period" } th.n scope="col" { "Rows read" } th.n scope="col" { "Match rate" }
                    th.n scope="col" { "Open breaks" } th.n scope="col" { "At risk" }
                } }
                tbody {
                    @for point in points.iter().rev() {
                        tr {
                            th scope="row" {
                                a href=(address::run(&format!("{job}/{}", point.period))) { bdi { (visible(&point.period)) } }
                            }
                            td.n { (count(point.figures.rows.values().sum())) }
                            td.n { @if let Some(rate) = point.rate() { (percent(rate)) } @else { "not kept" } }
                            td.n { (count(point.figures.open_breaks())) }
                            td.n {
                                @for (currency, minor) in &point.figures.at_risk_minor {
                                    bdi { (money((*minor).into(), currency)) } br;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
