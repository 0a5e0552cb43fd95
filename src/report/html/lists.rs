//! The other long lists: suggestions and quarantine, each cut at a bound with a note.

use maud::{Markup, html};

use super::super::amount::count;
use super::super::facts::Facts;
use super::super::table::{Places, Value};
use super::super::text::visible;
use super::breaks::time;
use crate::breaks::{SideFacts, Suggestion};
use crate::frames::Side;
use crate::money::format_minor;
use crate::shared::Shared;

pub(super) fn rest_note(all: usize, shown: usize, place: &str) -> Markup {
    html! {
        @if all > shown {
            p { "Shown are the first " (count(shown as u64)) " of " (count(all as u64)) "; all stand in " (place) "." }
        }
    }
}

/// A cell of a list whose columns a workbook has too.
pub(super) fn cell_of(cell: &Value<'_>) -> Markup {
    match cell {
        Value::Amount { minor, decimals } => html! { td.n { (format_minor(*minor, *decimals)) } },
        Value::Text(text) => html! { td { bdi { (visible(text)) } } },
        _ => html! { td {} },
    }
}

fn sides(sides: &[Option<Shared<SideFacts>>; 3], shared: &str, places: &Places<'_>) -> Markup {
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
    parts.extend(stated.account.as_ref().map(|account| format!("account {account}")));
    parts.extend(stated.valid_from.as_ref().map(|day| format!("valid from {day}")));
    parts.extend(stated.valid_to.as_ref().map(|day| format!("valid to {day}")));
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
            th.id scope="row" { @for key in &suggestion.keys { bdi { (visible(key)) } br; } span.soft { "id " (visible(&suggestion.id)) } }
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
                p { @if facts.quarantine.is_empty() { @if facts.is_sending() { "Every row fits." } @else { "Every row could be read." } } }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Quarantine" {
                    table {
                        caption {
                            @if facts.is_sending() { "Rows that do not fit, or repeat another row: they are not sent" }
                            @else { "Rows that could not be read" }
                            "; what stood there is masked"
                        }
                        thead { tr {
                            th scope="col" { "File" } th.n scope="col" { "Line" } th scope="col" { "Field" }
                            th scope="col" { "Found" } th scope="col" { "Reason" }
                        } }
                        tbody {
                            @for row in shown {
                                tr {
                                    th.id scope="row" { bdi { (visible(&row.file_name)) } }
                                    td.n { (row.line) }
                                    td { (row.field.as_deref().unwrap_or("whole row")) }
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
