//! The sections of sums: the tie-out as waterfalls, breaks by kind, rows, gates.

use maud::{Markup, html};

use super::super::amount::{count, grouped, signed};
use super::super::facts::Facts;
use super::super::text::visible;
use super::super::totals::{at_risk_in_words, by_risk, by_size, kind_words, measure_words};
use super::charts::Axis;
use crate::breaks::{Bridge, RowAccount};

pub(super) fn tie_out(facts: &Facts) -> Markup {
    html! {
        section aria-labelledby="tie-out" {
            h2 #tie-out { "Tie-out" }
            @if facts.statement.bridges.is_empty() {
                p { "No totals: no side states an amount." }
            } @else {
                p {
                    "From one side's total to the other's: every line in between is a reason. Lines that begin with "
                    em { "break" } " are open differences, listed one by one below; all other lines are explained by "
                    "timing, by exclusions or by what a side does not state."
                }
                div.bridges { @for found in by_size(&facts.statement.bridges) { (bridge(facts, found)) } }
            }
        }
    }
}

/// One waterfall: the left total, a step for every line, the right total.
fn bridge(facts: &Facts, bridge: &Bridge) -> Markup {
    let (left, right) = (facts.total_words(bridge.left), facts.total_words(bridge.right));
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

pub(super) fn kinds(facts: &Facts) -> Markup {
    let totals = by_risk(facts);
    let axis = Axis::of_counts(totals.iter().map(|total| total.count));
    html! {
        section aria-labelledby="kinds" {
            h2 #kinds { "Breaks by kind" }
            @if totals.is_empty() {
                p { "No breaks." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Breaks by kind" {
                    table {
                        caption { "What may be lost or owed because of them, most at risk first" }
                        thead { tr {
                            th scope="col" { "Kind" } th.n scope="col" { "Breaks" } th scope="col" { "Share" }
                            th.n scope="col" { "At risk" } th scope="col" { "What it means" }
                        } }
                        tbody {
                            @for total in &totals {
                                tr {
                                    th scope="row" { a href={ "#kind-" (total.kind.name()) } { (kind_words(total.kind)) } }
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

pub(super) fn rows(facts: &Facts) -> Markup {
    let (matched, expected) = if facts.is_sending() { ("Accepted", "Waiting") } else { ("Matched", "Expected") };
    let heads = ["Read", matched, "Suggested", expected, "In breaks", "Quarantined", "Excluded"];
    let numbers = |rows: &RowAccount| {
        [rows.read, rows.matched, rows.suggested, rows.expected, rows.breaks, rows.quarantined, rows.excluded]
    };
    html! {
        section aria-labelledby="rows" {
            h2 #rows { "Rows" }
            div.scroll tabindex="0" role="region" aria-label="Rows" {
                table {
                    caption { "Every row in exactly one outcome; suggested rows are part of the matched ones" }
                    thead { tr {
                        th scope="col" { "Side" }
                        @for head in heads { th.n scope="col" { (head) } }
                        th.n scope="col" { "Unaccounted" }
                    } }
                    tbody {
                        @for account in &facts.statement.rows {
                            tr {
                                th scope="row" { (facts.rows_words(account.side)) }
                                @for number in numbers(account) { td.n { (count(number)) } }
                                td class=(if account.unaccounted == 0 { "n zero" } else { "n fault" }) {
                                    (account.unaccounted)
                                }
                            }
                        }
                    }
                }
            }
            @if !facts.excluded.is_empty() || !facts.expected.is_empty() {
                ul {
                    @for excluded in &facts.excluded {
                        li { (facts.rows_words(excluded.side)) ": " (count(excluded.rows)) " excluded, " bdi { (visible(&excluded.reason)) } }
                    }
                    @for (reason, keys) in &facts.expected { li { (count(*keys)) " expected, " bdi { (visible(reason)) } } }
                }
            }
        }
    }
}

pub(super) fn gates(facts: &Facts) -> Markup {
    html! {
        section aria-labelledby="gates" {
            h2 #gates { "Gates" }
            @if facts.gates.is_empty() {
                p { "The job declares no limit." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Gates" {
                    table {
                        caption { "The limits that the job declares" }
                        thead { tr {
                            th scope="col" { "Gate" } th.n scope="col" { "Limit" } th.n scope="col" { "Found" }
                            th scope="col" { "Outcome" }
                        } }
                        tbody {
                            @for gate in &facts.gates {
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
