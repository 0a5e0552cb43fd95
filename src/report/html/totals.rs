//! The sections of sums: the tie-out as waterfalls, breaks by kind, rows, gates.

use maud::{Markup, html};

use super::super::amount::{count, grouped, signed};
use super::super::as_read::{bridges, by_age, by_kind};
use super::super::json::Summary;
use super::super::text::visible;
use super::super::totals::{AgeTotal, at_risk_in_words, by_size, kind_words, measure_words, most_at_risk_first};
use super::charts::Axis;
use super::links::Links;
use crate::breaks::{Bridge, RowAccount};

pub fn tie_out(summary: &Summary) -> Markup {
    html! {
        section aria-labelledby="tie-out" {
            h2 #tie-out { "Tie-out" }
            @if summary.statement.bridges.is_empty() {
                p { "No totals: no side states an amount." }
            } @else {
                p {
                    "From one side's total to the other's: every line in between is a reason. Lines that begin with "
                    em { "break" } " are open differences, listed one by one; all other lines are explained by "
                    "timing, by exclusions or by what a side does not state."
                }
                div.bridges { @for found in by_size(&bridges(summary)) { (bridge(summary, found)) } }
            }
        }
    }
}

/// One waterfall: the left total, a step for every line, the right total.
fn bridge(summary: &Summary, bridge: &Bridge) -> Markup {
    let (left, right) = (summary.total_words(bridge.left), summary.total_words(bridge.right));
    let currency = &bridge.currency;
    let mut level = bridge.left_total_minor;
    let mut levels = vec![level];
    for line in &bridge.lines {
        level = level.saturating_add(line.amount_minor);
        levels.push(level);
    }
    let mut all = levels.clone();
    all.push(bridge.right_total_minor);
    let axis = Axis::of_levels(&all);
    let label = format!("{} {}, {left} to {right}", visible(currency), measure_words(bridge.measure));
    let (class, residual) = match bridge.residual_minor {
        0 => ("zero", grouped(0, currency)),
        open => ("fault", signed(open, currency)),
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                caption {
                    strong { bdi { (visible(currency)) } " " (measure_words(bridge.measure)) } ", "
                    (left) " to " (right)
                    @if !axis.begins_at_zero() { " (bars do not begin at zero)" }
                }
                thead { tr {
                    th scope="col" { "Line" } th.n scope="col" { "Items" } th scope="col" { "Bridge" }
                    th.n scope="col" { "Amount" }
                } }
                tbody {
                    (total_row(&format!("Total of {left}"), bridge.left_total_minor, currency, axis))
                    @for (index, line) in bridge.lines.iter().enumerate() {
                        tr.break[line.is_of_breaks()] {
                            th scope="row" { bdi { (visible(&line.label)) } }
                            td.n { (count(line.count)) }
                            td.chart { (axis.step(levels[index], levels[index + 1])) }
                            td.n { (signed(line.amount_minor, currency)) }
                        }
                    }
                    (total_row(&format!("Total of {right}"), bridge.right_total_minor, currency, axis))
                    tr class=(class) {
                        th scope="row" { "Unexplained (must be zero)" } td {} td {} td.n { (residual) }
                    }
                    tr {
                        th scope="row" { "Of the difference, in breaks" } td {} td {}
                        td.n { (signed(bridge.in_breaks_minor(), currency)) }
                    }
                }
            }
        }
    }
}

fn total_row(label: &str, minor: i128, currency: &str, axis: Axis) -> Markup {
    html! {
        tr.total {
            th scope="row" { (label) } td {} td.chart { (axis.whole(minor, "total")) }
            td.n { (grouped(minor, currency)) }
        }
    }
}

pub fn kinds(summary: &Summary, links: &Links) -> Markup {
    let totals = most_at_risk_first(by_kind(summary));
    let axis = Axis::of_counts(totals.iter().map(|total| total.count));
    html! {
        section aria-labelledby="kinds" {
            h2 #kinds { "Breaks by kind" }
            @if totals.is_empty() {
                p { "No breaks." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Table: Breaks by kind" {
                    table {
                        caption { "What may be lost or owed because of them, most at risk first" }
                        thead { tr {
                            th scope="col" { "Kind" } th.n scope="col" { "Breaks" } th scope="col" { "Share" }
                            th.n scope="col" { "At risk" } th scope="col" { "What it means" }
                        } }
                        tbody {
                            @for total in &totals {
                                tr {
                                    th scope="row" { a href=(links.kind(total.kind)) { (kind_words(total.kind)) } }
                                    td.n { (count(total.count)) }
                                    td.chart { (axis.whole(total.count.into(), "bar")) }
                                    td.n { (at_risk_in_words(&total.at_risk)) }
                                    td.wide { (total.kind.words()) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The open breaks by age; nothing where none is open.
pub fn ages(summary: &Summary, links: &Links) -> Markup {
    let totals = by_age(summary);
    let axis = Axis::of_counts(totals.iter().map(|total| total.count));
    html! {
        @if !totals.is_empty() {
            section aria-labelledby="ages" {
                h2 #ages { "Open breaks by age" }
                div.scroll tabindex="0" role="region" aria-label="Table: Open breaks by age" {
                    table {
                        caption { "Business days from the period that had them first to the end of this one" }
                        thead { tr {
                            th scope="col" { "Age" } th.n scope="col" { "Breaks" } th scope="col" { "Share" }
                            th.n scope="col" { "At risk" }
                        } }
                        tbody {
                            @for total in &totals {
                                tr {
                                    th scope="row" { (links.age(total, &age_words(total))) }
                                    td.n { (count(total.count)) }
                                    td.chart { @if total.count > 0 { (axis.whole(total.count.into(), "bar")) } }
                                    td.n { (at_risk_in_words(&total.at_risk)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `new`, `1 to 5 business days`, `22 business days and more`
fn age_words(total: &AgeTotal) -> String {
    match (total.from_days, total.to_days) {
        (0, Some(0)) => "new".to_owned(),
        (from, Some(to)) => format!("{from} to {to} business days"),
        (from, None) => format!("{from} business days and more"),
    }
}

pub fn rows(summary: &Summary) -> Markup {
    let (matched, expected) = if summary.is_sending() { ("Accepted", "Waiting") } else { ("Matched", "Expected") };
    let heads = ["Read", matched, "Suggested", expected, "In breaks", "Quarantined", "Excluded"];
    let numbers = |rows: &RowAccount| {
        [rows.read, rows.matched, rows.suggested, rows.expected, rows.breaks, rows.quarantined, rows.excluded]
    };
    html! {
        section aria-labelledby="rows" {
            h2 #rows { "Rows" }
            div.scroll tabindex="0" role="region" aria-label="Table: Rows" {
                table {
                    caption { "Every row in exactly one outcome; suggested rows are part of the matched ones" }
                    thead { tr {
                        th scope="col" { "Side" }
                        @for head in heads { th.n scope="col" { (head) } }
                        th.n scope="col" { "Unaccounted" }
                    } }
                    tbody {
                        @for account in &summary.statement.rows {
                            tr {
                                th scope="row" { (summary.rows_words(account.side)) }
                                @for number in numbers(account) { td.n { (count(number)) } }
                                td class=(if account.unaccounted == 0 { "n zero" } else { "n fault" }) {
                                    (account.unaccounted)
                                }
                            }
                        }
                    }
                }
            }
            @if !summary.excluded.is_empty() || !summary.expected.is_empty() {
                ul {
                    @for excluded in &summary.excluded {
                        li { (summary.rows_words(excluded.side)) ": " (count(excluded.rows)) " excluded, " bdi { (visible(&excluded.reason)) } }
                    }
                    @for (reason, keys) in &summary.expected { li { (count(*keys)) " expected, " bdi { (visible(reason)) } } }
                }
            }
        }
    }
}

pub fn gates(summary: &Summary) -> Markup {
    html! {
        section aria-labelledby="gates" {
            h2 #gates { "Gates" }
            @if summary.gates.is_empty() {
                p { "The job declares no limit." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Table: Gates" {
                    table {
                        caption { "The limits that the job declares" }
                        thead { tr {
                            th scope="col" { "Gate" } th.n scope="col" { "Limit" } th.n scope="col" { "Found" }
                            th scope="col" { "Outcome" }
                        } }
                        tbody {
                            @for gate in &summary.gates {
                                tr {
                                    th scope="row" { (visible(&gate.gate)) }
                                    td.n { (visible(&gate.limit)) }
                                    td.n { (visible(&gate.found)) }
                                    @if gate.breached { td.fault { "breached" } } @else { td { "kept" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
