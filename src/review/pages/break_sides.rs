//! What each side says of a break, field by field, and which of them differ.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::parts::said;
use crate::breaks::Rule;
use crate::frames::Side;
use crate::report::money;
use crate::review::store::BreakRow;

/// Field of `breaks.parquet` behind the side's name, and its name for people.
const AMOUNTS: [(&str, &str); 3] = [
    ("amount_minor", "Amount"),
    ("issuer_commission_minor", "Issuer commission"),
    ("user_reward_minor", "User reward"),
];

const TEXTS: [(&str, &str); 11] = [
    ("currency", "Currency"),
    ("status", "Status"),
    ("user", "User"),
    ("merchant", "Merchant"),
    ("card_first_six", "Card, first six"),
    ("card_last_four", "Card, last four"),
    ("payment_status", "Payment status"),
    ("reason", "Reason"),
    ("account", "Account"),
    ("valid_from", "Valid from"),
    ("valid_to", "Valid to"),
];

/// What one side says in one field.
struct Says {
    /// None: the side says nothing of it.
    text: Option<String>,
    shown: Markup,
}

/// The sides side by side.
pub(super) fn sides(row: &BreakRow) -> Markup {
    let fields = fields(row);
    html! {
        h2 { "What each side says" }
        div.scroll role="region" aria-label="What each side says" tabindex="0" {
            table.sides {
                caption { "Field by field; what differs is marked" }
                thead {
                    tr {
                        th scope="col" { "Field" }
                        @for side in Side::ALL { th scope="col" { (title(side)) } }
                        th scope="col" { "Compared" }
                    }
                }
                tbody {
                    @for (name, says) in &fields {
                        @let verdict = verdict(row, says);
                        tr.differs[verdict == Verdict::Differs] {
                            th scope="row" { (name) }
                            @for (side, one) in Side::ALL.into_iter().zip(says) {
                                td {
                                    @if one.text.is_some() { (one.shown) }
                                    @else if is_there(row, side) { span.soft { "not stated" } }
                                    @else if is_of_file_alone(row) && side != Side::File { span.soft { "not looked at" } }
                                    @else { span.soft { "no row" } }
                                }
                            }
                            td { (if is_of_file_alone(row) { "not compared" } else { words(verdict) }) }
                        }
                    }
                }
            }
        }
    }
}

/// The name of a side, for people.
pub(super) const fn title(side: Side) -> &'static str {
    match side {
        Side::File => "File",
        Side::Ledger => "Ledger",
        Side::Webhooks => "Webhooks",
    }
}

/// The fields of which any side says something.
fn fields(row: &BreakRow) -> Vec<(&'static str, Vec<Says>)> {
    let column = |side: Side, field: &str| format!("{side}_{field}");
    let amount = |side: Side, field: &str| {
        let minor = row.whole(&column(side, field))?;
        let currency = row.text(&column(side, "currency")).unwrap_or_else(|| row.said("currency")).to_owned();
        Some(money(minor.into(), &currency))
    };
    let of_all = |text: &dyn Fn(Side) -> Option<String>| -> Vec<Says> {
        let says = Side::ALL.map(text).map(|text| Says { shown: said(text.as_deref().unwrap_or_default()), text });
        says.into()
    };
    let mut fields = Vec::new();
    for (field, name) in AMOUNTS {
        fields.push((name, of_all(&|side| amount(side, field))));
    }
    for (field, name) in TEXTS {
        fields.push((name, of_all(&|side| row.text(&column(side, field)).map(str::to_owned))));
    }
    let times = Side::ALL.map(|side| row.time(&column(side, "occurred_at")));
    let times = times.map(|at| Says {
        text: at.map(|at| at.to_rfc3339()),
        shown: html! { @if let Some(at) = at { (at.format("%Y-%m-%d %H:%M:%S UTC")) } },
    });
    fields.push(("Time", times.into()));
    fields.retain(|(_, says)| says.iter().any(|says| says.text.is_some()));
    fields
}

/// The file was held against that of the run before.
fn is_of_file_alone(row: &BreakRow) -> bool {
    row.text("rule") == Some(Rule::StatusChange.name())
}

fn is_there(row: &BreakRow, side: Side) -> bool {
    row.text(&format!("{side}_lines")).is_some()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Differs,
    /// One side alone says it, though another has a row.
    OneSays,
    /// Only one side has a row at all.
    OneIsThere,
}

fn verdict(row: &BreakRow, says: &[Says]) -> Verdict {
    let different: BTreeSet<&str> = says.iter().filter_map(|says| says.text.as_deref()).collect();
    let saying = says.iter().filter(|says| says.text.is_some()).count();
    let there = Side::ALL.into_iter().filter(|side| is_there(row, *side)).count();
    match (different.len(), saying) {
        (0 | 1, 2..) => Verdict::Same,
        (2.., _) => Verdict::Differs,
        _ if there > 1 => Verdict::OneSays,
        _ => Verdict::OneIsThere,
    }
}

const fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Differs => "differs",
        Verdict::OneSays => "stated once",
        Verdict::OneIsThere => "on one side only",
    }
}
