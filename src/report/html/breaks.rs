//! The list of breaks: what each side says stands side by side, and what differs stands out.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::super::amount::{count, grouped, money, signed};
use super::super::facts::{Facts, LifeFacts};
use super::super::table::Places;
use super::super::text::{counted, visible};
use super::super::totals::{kind_words, measure_words};
use super::lists::rest_note;
use crate::breaks::{Break, BreakStatus, Rule, SideFacts};
use crate::frames::{Field, Measure, Side};

pub(super) fn breaks(facts: &Facts, page_rows: usize) -> Markup {
    let places = Places::new(facts);
    let shown: Vec<Break> = facts.breaks.between(0..facts.breaks.len().min(page_rows)).collect();
    let sides = compared(facts);
    html! {
        section aria-labelledby="breaks" {
            h2 #breaks { "All breaks" }
            @if shown.is_empty() {
                p { @if facts.breaks.is_empty() { "None." } }
            } @else {
                p { "What the sides state differently is " span.differs { "marked" } "." }
                div.scroll tabindex="0" role="region" aria-label="All breaks" {
                    table {
                        caption { (counted(facts.breaks.len() as u64, "break", "breaks")) ", by kind, most at risk first" }
                        thead { tr {
                            th scope="col" { "Key and what differs" } th.n scope="col" { "At risk" }
                            @for side in &sides { th scope="col" { (side_head(facts, *side)) } }
                        } }
                        tbody { @for found in &shown { (row(found, &sides, &places)) } }
                    }
                }
            }
            (rest_note(facts.breaks.len(), shown.len(), "breaks.csv, breaks.parquet or report.xlsx, as far as the job asks for them"))
        }
    }
}

/// The sides that take part, in their order.
fn compared(facts: &Facts) -> Vec<Side> {
    let takes_part = |side: &Side| {
        facts.statement.rows.iter().any(|rows| rows.side == *side)
            || facts.breaks.heads().any(|found| found.stated()[*side as usize])
    };
    Side::ALL.into_iter().filter(takes_part).collect()
}

fn side_head(facts: &Facts, side: Side) -> Markup {
    let files = facts.inputs.iter().filter(|input| input.side == side).count();
    let name = match side {
        Side::File => "File",
        Side::Ledger => "Ledger",
        Side::Webhooks => "Webhooks",
    };
    html! { (name) @if files > 1 { " (" (count(files as u64)) " files)" } }
}

fn row(found: &Break, sides: &[Side], places: &Places<'_>) -> Markup {
    html! {
        tr {
            th scope="row" .what {
                span.id { bdi { (visible(&found.key)) } } br;
                strong { (kind_words(found.kind)) } @if found.status != BreakStatus::Open { " (" (found.status.words()) ")" } br;
                bdi { (visible(&found.detail)) } br;
                span.soft { "id " (visible(&found.id)) @if found.age_days != 0 { ", " (age(found.age_days)) } }
                @if let Some(life) = places.life(&found.id) { br; span.soft { bdi { (lived(life)) } } }
            }
            td.n {
                @if !found.currency.is_empty() {
                    bdi { (visible(&found.currency)) } " " (grouped(found.at_risk_minor.into(), &found.currency))
                    br; span.soft { (measure_words(found.measure)) }
                    @if let Some(difference) = found.difference_minor {
                        br; span.soft { "difference " (signed(difference.into(), &found.currency)) }
                    }
                }
            }
            @for side in sides {
                td.side {
                    @if let Some(stated) = found.side(*side) {
                        (statement(found, *side, stated, places))
                    } @else if found.kind.rule() == Rule::StatusChange && *side != Side::File {
                        // The file was held against that of the run before.
                        span.soft { "not looked at" }
                    } @else if !found.currency.is_empty() {
                        span.soft { "not there" }
                    }
                }
            }
        }
    }
}

/// `first seen in 2025-03-19, 3 business days old, owner Mara Lind, 2 comments`
fn lived(life: &LifeFacts) -> String {
    let days = life.age_business_days.unsigned_abs();
    let parts = [
        Some(format!("first seen in {}", visible(&life.first_period))),
        (days > 0).then(|| format!("{} old", counted(days, "business day", "business days"))),
        life.owner.as_deref().map(|owner| format!("owner {}", visible(owner))),
        (life.comments > 0).then(|| counted(life.comments.into(), "comment", "comments")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn age(days: i64) -> String {
    let words = counted(days.unsigned_abs(), "day", "days");
    if days < 0 { format!("{words} ahead") } else { format!("{words} old") }
}

/// What one side says, a line for each subject, and where it says so.
fn statement(found: &Break, side: Side, stated: &SideFacts, places: &Places<'_>) -> Markup {
    let currency = stated.currency.as_deref().unwrap_or(&found.currency);
    let amounts = [
        (Measure::TransactionAmount, "", stated.amount_minor),
        (Measure::IssuerCommission, "commission ", stated.issuer_commission_minor),
        (Measure::UserReward, "reward ", stated.user_reward_minor),
    ];
    html! {
        @for (measure, name, minor) in amounts {
            @if let Some(minor) = minor {
                (line(&format!("{name}{}", money(minor.into(), currency)), differs(found, |side| money_of(side, measure))))
            }
        }
        @for words in texts(found, stated) {
            @if words.iter().any(|(text, _)| text.is_some()) { (texts_line(&words)) }
        }
        @if let Some(at) = stated.occurred_at { div { (time(at)) } }
        @if !stated.rows.is_empty() { div.soft { bdi { (visible(&places.in_words(side, &stated.rows))) } } }
    }
}

/// A text of a side, the name before it already there, and whether the sides differ in it.
type Said = (Option<String>, bool);

/// The texts of a side, line by line.
fn texts(found: &Break, stated: &SideFacts) -> [Vec<Said>; 5] {
    let named = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name}{text}"));
    // What a job does not compare may differ by its nature: a merchant's name here, its number there.
    let identity = |field: Field, read: fn(&SideFacts) -> Option<&str>| {
        found.kind.rule() == Rule::Identity && found.detail.contains(field.name()) && differs(found, read)
    };
    let user = identity(Field::User, |side| side.user.as_deref());
    let card = identity(Field::CardLastFour, |side| side.card_last_four.as_deref());
    let merchant = identity(Field::Merchant, |side| side.merchant.as_deref());
    let account = identity(Field::Account, |side| side.account.as_deref());
    let status = differs(found, |side| side.status.as_deref());
    let validity = |read: fn(&SideFacts) -> Option<&str>| found.kind.rule() == Rule::Validity && differs(found, read);
    let from = validity(|side| side.valid_from.as_deref());
    let to = validity(|side| side.valid_to.as_deref());
    [
        vec![(stated.status.clone(), status), (stated.payment_status.clone(), false)],
        vec![
            (named("user ", &stated.user), user),
            (named("card ", &stated.card_last_four), card),
            (named("account ", &stated.account), account),
        ],
        vec![(named("merchant ", &stated.merchant), merchant), (stated.reason.clone(), false)],
        vec![(named("valid from ", &stated.valid_from), from)],
        vec![(named("valid to ", &stated.valid_to), to)],
    ]
}

fn texts_line(words: &[Said]) -> Markup {
    let stated = words.iter().filter_map(|(text, differs)| Some((text.as_deref()?, *differs)));
    html! {
        div {
            @for (index, (text, differs)) in stated.enumerate() {
                @if index > 0 { ", " }
                (marked(text, differs))
            }
        }
    }
}

fn money_of(stated: &SideFacts, measure: Measure) -> Option<(i64, Option<&str>)> {
    let minor = match measure {
        Measure::TransactionAmount => stated.amount_minor,
        Measure::IssuerCommission => stated.issuer_commission_minor,
        Measure::UserReward => stated.user_reward_minor,
    };
    Some((minor?, stated.currency.as_deref()))
}

/// Whether two sides state a thing differently; a side that does not state it has no part in this.
fn differs<'a, T: PartialEq>(found: &'a Break, read: impl Fn(&'a SideFacts) -> Option<T>) -> bool {
    let mut stated = Side::ALL.into_iter().filter_map(|side| found.side(side)).filter_map(read);
    let Some(first) = stated.next() else { return false };
    stated.any(|other| other != first)
}

fn line(text: &str, differs: bool) -> Markup {
    html! { div { (marked(text, differs)) } }
}

fn marked(text: &str, differs: bool) -> Markup {
    html! { @if differs { bdi.differs { (visible(text)) } } @else { bdi { (visible(text)) } } }
}

pub(super) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
