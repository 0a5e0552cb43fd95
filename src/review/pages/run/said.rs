//! What only a summary says beside the parts of a report: breaks by status, the top breaks, effects, adjustments,
//! quarantine.

use maud::{Markup, html};

use super::super::top::TopBreak;
use crate::report::html::parts;
use crate::report::json::{EffectsSummary, QuarantineSummary, Summary};
use crate::report::{count, money};
use crate::review::address;
use crate::text::visible;

/// Rows of a list on this page.
const FIRST: usize = 20;

/// How many breaks stand where, and what is at risk by the open ones.
pub(super) fn statuses(summary: &Summary, run: &str) -> Markup {
    let breaks = &summary.breaks;
    let numbers = [
        ("open", breaks.open),
        ("confirmed, of the open ones", breaks.confirmed),
        ("in dispute, of the open ones", breaks.in_dispute),
        ("resolved", breaks.resolved),
        ("written off", breaks.written_off),
        ("force matched", breaks.force_matched),
    ];
    let told: Vec<String> = numbers
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| format!("{} {name}", count(*number)))
        .collect();
    html! {
        @if breaks.count > 0 {
            p {
                a href={ (run) "/breaks" } { (count(breaks.count)) " " @if breaks.count == 1 { "break" } @else { "breaks" } }
                ": " (told.join(", ")) "."
                @for sum in &breaks.at_risk {
                    " At risk " bdi { (money(sum.at_risk_minor.0, &sum.currency)) } " of " (sum.measure.name().replace('_', " ")) "."
                }
            }
        }
    }
}

/// The breaks with the most at risk.
pub(super) fn top(found: &[TopBreak], run: &str) -> Markup {
    html! {
        @if !found.is_empty() {
            section aria-labelledby="top" {
                h2 #top { "Most at risk" }
                div.scroll tabindex="0" role="region" aria-label="Table: Most at risk" {
                    table data-rows="" {
                        caption { "The open breaks with the most at risk" }
                        thead { tr {
                            th scope="col" { "Key" } th scope="col" { "Kind" } th.n scope="col" { "At risk" }
                            th scope="col" { "Status" } th scope="col" { "What differs" }
                        } }
                        tbody {
                            @for one in found {
                                tr {
                                    th.id scope="row" {
                                        a href={ (run) "/breaks/" (address::segment(&one.id)) } { bdi { (visible(&one.key)) } }
                                    }
                                    td { (visible(&one.kind.replace('_', " "))) }
                                    td.n { bdi { (money(one.at_risk_minor.into(), &one.currency)) } }
                                    td { (visible(&one.status.replace('_', " "))) }
                                    td.wide { bdi { (visible(&one.detail)) } }
                                }
                            }
                        }
                    }
                }
                p { a href={ (run) "/breaks" } { "All breaks of this run" } }
            }
        }
    }
}

/// What is asked of the provider, in sums.
pub(super) fn effects(found: &EffectsSummary, run: &str) -> Markup {
    html! {
        section aria-labelledby="effects" {
            h2 #effects { "Effects" }
            @if let Some(stopped) = &found.stopped { p.urgent { "Sending ended early: " bdi { (visible(stopped)) } "." } }
            @for why in &found.held { p { "Held back: " bdi { (visible(why)) } "." } }
            @if !found.in_doubt.is_empty() {
                p.urgent { (count(found.in_doubt.len() as u64)) " in doubt when this run ended: " a href="/in-doubt" { "what is in doubt now" } "." }
            }
            (parts::effects(found))
            @if !found.news.is_empty() {
                p { "News of audits in this log:" }
                ul {
                    @for news in found.news.iter().take(FIRST) {
                        li { span.id { bdi { (visible(&news.transaction)) } } ": " bdi { (visible(&news.words)) } }
                    }
                    (rest(found.news.len()))
                }
            }
            @if !found.silent.is_empty() {
                p { "Audits without news for longer than the job allows:" }
                ul {
                    @for silent in found.silent.iter().take(FIRST) {
                        li { span.id { bdi { (visible(&silent.transaction)) } } ", " (silent.days) " days" }
                    }
                    (rest(found.silent.len()))
                }
            }
            p { a href={ (run) "/effects" } { "The effects of this run, and the calls that they are" } }
            p.soft { "Plan " span.id { (visible(&found.plan)) } }
            @if let Some(anchor) = &found.anchor {
                p.soft { "Journal at entry " (anchor.sequence) ", hash " span.id { (visible(&anchor.hash)) } }
            }
        }
    }
}

/// What sealed periods leave to this one.
pub(super) fn adjustments(summary: &Summary) -> Markup {
    let Some(found) = summary.adjustments.as_ref().filter(|found| found.count > 0) else { return html! {} };
    html! {
        section aria-labelledby="adjustments" {
            h2 #adjustments { "Adjustments from sealed periods" }
            p { (count(found.count)) " in all: " (count(found.new)) " new, " (count(found.gone)) " gone, " (count(found.changed)) " changed." }
            div.scroll tabindex="0" role="region" aria-label="Totals of the adjustments" {
                table {
                    caption { "At risk by the adjusted breaks" }
                    thead { tr {
                        th scope="col" { "Currency" } th.n scope="col" { "Adjustments" } th.n scope="col" { "As sealed" }
                        th.n scope="col" { "Adjustment" } th.n scope="col" { "Now" }
                    } }
                    tbody {
                        @for total in &found.totals {
                            tr {
                                th scope="row" { bdi { (visible(&total.currency)) } }
                                td.n { (count(total.count)) }
                                td.n { (money(total.before_minor.0, &total.currency)) }
                                td.n { (money(total.change_minor.0, &total.currency)) }
                                td.n { (money(total.after_minor.0, &total.currency)) }
                            }
                        }
                    }
                }
            }
            ul {
                @for period in found.periods.iter().take(FIRST) {
                    li {
                        bdi { (visible(&period.period)) } ": sealed "
                        a href=(address::run(&period.sealed_run)) { bdi { (visible(&period.sealed_run)) } } ", now "
                        a href=(address::run(&period.late_run)) { bdi { (visible(&period.late_run)) } }
                    }
                }
                (rest(found.periods.len()))
            }
        }
    }
}

/// Rows that could not be read, by reason, and the first of them.
pub(super) fn quarantine(found: &QuarantineSummary) -> Markup {
    html! {
        @if found.count > 0 {
            section aria-labelledby="quarantine" {
                h2 #quarantine { "Quarantine" }
                p { (count(found.count)) " " @if found.count == 1 { "row is" } @else { "rows are" } " in no comparison:" }
                ul { @for (reason, rows) in &found.by_reason { li { (count(*rows)) ": " bdi { (visible(reason)) } } } }
                div.scroll tabindex="0" role="region" aria-label="Quarantined rows" {
                    table {
                        caption { "The first rows; what stood there is masked" }
                        thead { tr {
                            th scope="col" { "File" } th.n scope="col" { "Line" } th scope="col" { "Field" }
                            th scope="col" { "Found" } th scope="col" { "Reason" }
                        } }
                        tbody {
                            @for row in found.first.iter().take(FIRST) {
                                tr {
                                    th.id scope="row" { bdi { (visible(&row.file)) } }
                                    td.n { (row.line) }
                                    td { bdi { (visible(row.field.as_deref().unwrap_or("whole row"))) } }
                                    td.id { bdi { (visible(&row.value)) } }
                                    td.wide { bdi { (visible(&row.reason)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rest(all: usize) -> Markup {
    html! { @if all > FIRST { li.soft { "and " (count((all - FIRST) as u64)) " more, in summary.json" } } }
}
