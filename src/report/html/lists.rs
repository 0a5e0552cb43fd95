//! The long lists: breaks, suggestions, quarantine, each cut at a bound with a note.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::super::amount::{count, grouped, signed};
use super::super::facts::Facts;
use super::super::table::Places;
use super::super::text::{counted, visible};
use super::super::totals::{kind_words, measure_words};
use crate::breaks::{Break, SideFacts, Suggestion};
use crate::frames::{Field, Side};

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn rest_note(all: usize, shown: usize, place: &str) -> Markup {
    html! {
        @if all > shown {
            p { "Shown are the first " (count(shown as u64)) " of " (count(all as u64)) "; all stand in " (place) "." }
        }
    }
}

pub(super) fn breaks(facts: &Facts, page_rows: usize) -> Markup {
    let places = Places::new(facts);
    let shown = &facts.breaks[..facts.breaks.len().min(page_rows)];
    html! {
        section aria-labelledby="breaks" {
            h2 #breaks { "All breaks" }
            @if shown.is_empty() {
                p { @if facts.breaks.is_empty() { "None." } }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="All breaks" {
                    table {
                        caption { (counted(facts.breaks.len() as u64, "break", "breaks")) ", by kind, most at risk first" }
                        thead { tr {
                            th scope="col" { "Key" } th scope="col" { "Kind" } th.n scope="col" { "At risk" }
                            th scope="col" { "What differs" } th scope="col" { "What the sides say" }
                            th.n scope="col" { "Age" }
                        } }
                        tbody { @for found in shown { (break_row(found, &places)) } }
                    }
                }
            }
            (rest_note(facts.breaks.len(), shown.len(), "breaks.csv, breaks.parquet or report.xlsx, as far as the job asks for them"))
        }
    }
}

fn break_row(found: &Break, places: &Places<'_>) -> Markup {
    html! {
        tr {
            th.id scope="row" { bdi { (visible(&found.key)) } br; span.soft { (visible(&found.id)) } }
            td { (kind_words(found.kind)) }
            td.n {
                @if !found.currency.is_empty() {
                    bdi { (visible(&found.currency)) } " " (grouped(found.at_risk_minor.into(), &found.currency))
                    br; span.soft { (measure_words(found.measure)) }
                    @if let Some(difference) = found.difference_minor {
                        br; span.soft { "difference " (signed(difference.into(), &found.currency)) }
                    }
                }
            }
            td.wide { bdi { (visible(&found.detail)) } }
            td.wide { (sides(&found.sides, &found.currency, places)) }
            td.n {
                (counted(found.age_days.unsigned_abs(), "day", "days"))
                @if found.age_days < 0 { " ahead" }
            }
        }
    }
}

fn sides(sides: &[Option<SideFacts>; 3], shared: &str, places: &Places<'_>) -> Markup {
    html! {
        @for (side, stated) in Side::ALL.iter().zip(sides) {
            @if let Some(stated) = stated {
                div {
                    strong { (side) } ": " bdi { (visible(&said(stated, shared))) }
                    @if !stated.rows.is_empty() { " " span.soft { bdi { (visible(&places.in_words(*side, &stated.rows))) } } }
                }
            }
        }
    }
}

/// What a side says about money, status and time, in one line.
fn said(stated: &SideFacts, shared: &str) -> String {
    let currency = stated.currency.as_deref().unwrap_or(shared);
    let amounts = [
        ("", stated.amount_minor),
        ("commission ", stated.issuer_commission_minor),
        ("reward ", stated.user_reward_minor),
    ];
    let mut parts: Vec<String> = amounts
        .into_iter()
        .filter_map(|(name, minor)| Some(format!("{name}{}", super::super::amount::money(minor?.into(), currency))))
        .collect();
    parts.extend([&stated.status, &stated.payment_status, &stated.reason].into_iter().flatten().cloned());
    parts.extend(stated.user.as_ref().map(|user| format!("user {user}")));
    parts.extend(stated.card_last_four.as_ref().map(|digits| format!("card {digits}")));
    parts.extend(stated.occurred_at.map(time));
    parts.join(", ")
}

pub(super) fn suggestions(facts: &Facts, page_rows: usize) -> Markup {
    let places = Places::new(facts);
    let shown = &facts.suggestions[..facts.suggestions.len().min(page_rows)];
    html! {
        section aria-labelledby="suggested" {
            h2 #suggested { "Suggested" }
            @if shown.is_empty() {
                p { @if facts.suggestions.is_empty() { "None." } }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Suggested" {
                    table {
                        caption { "Paired by a weaker rule: counted as matched, to be reviewed" }
                        thead { tr {
                            th scope="col" { "Keys" } th scope="col" { "Rule" } th scope="col" { "What the sides say" }
                        } }
                        tbody { @for suggestion in shown { (suggestion_row(suggestion, &places)) } }
                    }
                }
            }
            (rest_note(facts.suggestions.len(), shown.len(), "report.xlsx, where the job asks for it"))
        }
    }
}

fn suggestion_row(suggestion: &Suggestion, places: &Places<'_>) -> Markup {
    html! {
        tr {
            th.id scope="row" { @for key in &suggestion.keys { bdi { (visible(key)) } br; } }
            td { bdi { (visible(&suggestion.rule)) } }
            td.wide { (sides(&suggestion.sides, &suggestion.currency, places)) }
        }
    }
}

pub(super) fn quarantine(facts: &Facts, page_rows: usize) -> Markup {
    let shown = &facts.quarantine[..facts.quarantine.len().min(page_rows)];
    html! {
        section aria-labelledby="quarantine" {
            h2 #quarantine { "Quarantine" }
            @if shown.is_empty() {
                p { @if facts.quarantine.is_empty() { "Every row could be read." } }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Quarantine" {
                    table {
                        caption { "Rows that could not be read; what stood there is masked" }
                        thead { tr {
                            th scope="col" { "File" } th.n scope="col" { "Line" } th scope="col" { "Field" }
                            th scope="col" { "Found" } th scope="col" { "Reason" }
                        } }
                        tbody {
                            @for row in shown {
                                tr {
                                    th.id scope="row" { bdi { (visible(&row.file_name)) } }
                                    td.n { (row.line) }
                                    td { (row.field.map_or("whole row", Field::name)) }
                                    td.id { bdi { (visible(&row.value)) } }
                                    td.wide { bdi { (visible(&row.reason)) } }
                                }
                            }
                        }
                    }
                }
            }
            (rest_note(facts.quarantine.len(), shown.len(), "report.xlsx, where the job asks for it"))
        }
    }
}
