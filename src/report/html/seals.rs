//! That the period is sealed, and what sealed periods leave to this one.

use maud::{Markup, html};

use super::super::amount::{count, grouped, signed};
use super::super::facts::Facts;
use super::super::json::Summary;
use super::super::seals::{COLUMNS, MEANING, cells, headline_of, sentence};
use super::super::text::visible;
use super::lists::{cell_of, rest_note};
use crate::seals::adjustments::{Adjustment, totals};

/// At the head of a late attempt's page.
pub(super) fn seal(summary: &Summary) -> Markup {
    html! {
        @if let Some(seal) = &summary.seal {
            p.sandbox { strong { bdi { (visible(&headline_of(seal))) } } " " (MEANING) }
        }
    }
}

pub(super) fn adjustments(found: &[Adjustment], facts: &Facts, page_rows: usize) -> Markup {
    let shown = &found[..found.len().min(page_rows)];
    html! {
        section aria-labelledby="adjustments" {
            h2 #adjustments { "Adjustments from sealed periods" }
            @if let Some(sentence) = sentence(facts) {
                p { bdi { (sentence) } }
                (sums(found))
                div.scroll tabindex="0" role="region" aria-label="Adjustments from sealed periods" {
                    table {
                        caption { "What differs from the sealed attempts, less what periods between have booked" }
                        thead { tr { @for (title, _) in COLUMNS { th scope="col" { (title) } } } }
                        tbody { @for one in shown { tr { @for cell in cells(one) { (cell_of(&cell)) } } } }
                    }
                }
                (rest_note(found.len(), shown.len(), "adjustments.jsonl, and in report.xlsx, where the job asks for it"))
            } @else {
                p { "None: the periods before this one that are sealed still say what they were sealed with." }
            }
        }
    }
}

fn sums(found: &[Adjustment]) -> Markup {
    let totals = totals(found);
    html! {
        @if !totals.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Totals of the adjustments" {
                table {
                    caption { "At risk by the adjusted breaks" }
                    thead { tr {
                        th scope="col" { "Currency" } th.n scope="col" { "Adjustments" } th.n scope="col" { "As sealed" }
                        th.n scope="col" { "Adjustment" } th.n scope="col" { "Now" }
                    } }
                    tbody {
                        @for (currency, total) in totals {
                            tr {
                                th scope="row" { bdi { (visible(currency)) } }
                                td.n { (count(total.count)) }
                                td.n { (grouped(total.before_minor, currency)) }
                                td.n { (signed(total.after_minor - total.before_minor, currency)) }
                                td.n { (grouped(total.after_minor, currency)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
