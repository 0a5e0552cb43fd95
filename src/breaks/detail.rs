//! Breaks in words: one plain sentence each, with the numbers that differ.

use crate::frames::{Field, Measure, Side};
use crate::matching::agree::{ENDS, texts_differ};
use crate::matching::standing::Standing;
use crate::matching::{Flags, KeyFacts, KeySide, Rules};
use crate::money::{exponent, format_minor};
use crate::period::duration_words;

/// `12.50 USD`
pub fn money(minor: i64, currency: &str) -> String {
    format!("{} {currency}", format_minor(i128::from(minor), exponent(currency).unwrap_or(2)))
}

/// `file 12.50 USD, ledger 12.00 USD, webhooks not stated`
pub fn amounts(facts: &KeyFacts, measure: Measure) -> String {
    let said = each(facts, |side| side.values()[measure as usize].map(|minor| money(minor, side.currency())));
    format!("{}: {said}", measure.name().replace('_', " "))
}

/// `status: file SETTLED, ledger APPROVED`
pub fn texts(facts: &KeyFacts, what: &str, text: impl Fn(&KeySide) -> Option<String>) -> String {
    format!("{what}: {}", each(facts, text))
}

pub fn times(facts: &KeyFacts) -> String {
    let shown = |side: &KeySide| side.facts.occurred_at.map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    format!("time: {}", each(facts, shown))
}

/// Whether any two sides state a text differently.
fn any_differ(field: Field, facts: &KeyFacts) -> bool {
    let stated: Vec<(Side, &KeySide)> =
        Side::ALL.into_iter().filter_map(|side| Some((side, facts.side(side)?))).collect();
    stated.iter().any(|left| stated.iter().any(|right| texts_differ(field, *left, *right)))
}

pub fn identity(rules: &Rules, facts: &KeyFacts) -> String {
    let differs = |field: &Field| any_differ(*field, facts);
    let parts: Vec<String> = rules
        .matching
        .identity
        .iter()
        .filter(|field| differs(field))
        .map(|field| texts(facts, field.name(), |side| side.text(*field).map(str::to_owned)))
        .collect();
    parts.join("; ")
}

/// `valid_to: file 2025-12-31, ledger 2026-12-31`
pub fn validity(facts: &KeyFacts) -> String {
    let parts = ENDS.into_iter().filter(|field| any_differ(*field, facts));
    let parts = parts.map(|field| texts(facts, field.name(), |side| side.text(field).map(str::to_owned)));
    parts.collect::<Vec<_>>().join("; ")
}

/// `balance: file 12.50 USD (1 row), ledger 12.00 USD (3 rows)`
pub fn balance(facts: &KeyFacts) -> String {
    let said = each(facts, |side| {
        let rows = (side.facts.rows.len() as u64).saturating_sub(side.duplicate_rows);
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        Some(format!("{} ({rows})", money(side.facts.amount_minor?, side.currency())))
    });
    format!("balance: {said}")
}

/// `the provider states ISSUE_FAILED: insufficient funds`
pub fn failed(file: &KeySide) -> String {
    let status = file.facts.status.as_deref().unwrap_or("no status");
    let reason =
        file.facts.reason.as_deref().map_or_else(|| ", and gives no reason".to_owned(), |reason| format!(": {reason}"));
    format!("the provider states {status}{reason}")
}

/// `the provider has it ACTIVE on 2025-03-19, and its validity ended on 2025-02-28 (file)`
pub fn open_after_end(rules: &Rules, facts: &KeyFacts, stating: Side) -> String {
    let text =
        |side: Side, field: Field| facts.side(side).and_then(|stated| stated.text(field)).unwrap_or("not stated");
    let (status, end) = (text(Side::File, Field::Status), text(stating, Field::ValidTo));
    format!("the provider has it {status} on {}, and its validity ended on {end} ({stating})", rules.last_day())
}

/// `status: PENDING in 2025-03-18, DECLINED now`
pub fn status_changed(period: &str, before: Option<&str>, now: Option<&str>) -> String {
    let said = |status: Option<&str>| status.unwrap_or("not stated").to_owned();
    format!("status: {} in {period}, {} now", said(before), said(now))
}

/// `in the file of 2025-03-18 (ACTIVE, 10.00 USD), and gone from this one`
pub fn vanished(period: &str, then: &Standing<'_>, unread: usize) -> String {
    let amount = then.amount_minor.map(|minor| money(minor, then.currency));
    let said: Vec<String> = then.status.map(str::to_owned).into_iter().chain(amount).collect();
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
    // It may be one of these.
    let unread = match unread {
        0 => String::new(),
        1 => ", of which 1 row cannot be read".to_owned(),
        rows => format!(", of which {rows} rows cannot be read"),
    };
    format!("in the file of {period}{said}, and gone from this one{unread}")
}

pub fn presence(rules: &Rules, facts: &KeyFacts, states: impl Fn(Side) -> bool) -> String {
    let (here, gone): (Vec<Side>, Vec<Side>) = rules.sides.iter().partition(|side| states(**side));
    let first = here.iter().find_map(|side| facts.side(*side));
    let amount = first.and_then(|side| side.facts.amount_minor.map(|minor| money(minor, side.currency())));
    let what = amount.map_or_else(String::new, |money| format!(" ({money})"));
    let failed = Side::ALL.into_iter().filter_map(|side| Some((side, facts.side(side)?)));
    let failed = failed.filter(|(_, stated)| stated.flags.has(Flags::FAILED)).map(|(side, stated)| {
        let reason = stated.facts.reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
        format!("; {side} only say that the transaction failed{reason}")
    });
    let failed: String = failed.collect();
    format!("in {}{what}, not in {}{failed}", list(&here, "nothing"), list(&gone, "nothing"))
}

/// `authorised 2025-03-09 12:00:00 UTC (10.00 USD), and 10 days later neither settled nor voided; the job allows 10d`
pub fn unsettled(rules: &Rules, facts: &KeyFacts) -> String {
    let at = facts.latest().and_then(chrono::DateTime::from_timestamp_micros);
    let since = at.map_or_else(String::new, |at| at.format(" %Y-%m-%d %H:%M:%S UTC").to_string());
    let days = at.map_or(0, |at| (rules.period.end - at).num_days());
    let later = match days {
        0 => "within the day".to_owned(),
        1 => "1 day later".to_owned(),
        days => format!("{days} days later"),
    };
    let stated = facts.sides.iter().flatten().find_map(|side| Some((side.facts.amount_minor?, side.currency())));
    let what = stated.map_or_else(String::new, |(minor, currency)| format!(" ({})", money(minor, currency)));
    let allowed =
        rules.settles_within.map_or_else(String::new, |within| format!("; the job allows {}", duration_words(within)));
    format!("authorised{since}{what}, and {later} neither settled nor voided{allowed}")
}

pub fn ambiguous(candidates: &[String], rule: &str) -> String {
    format!("{rule} brings more than two together, and not only one way: this one and {}", candidates.join(", "))
}

/// Rows of a balance in several currencies.
pub fn several_currencies(sides: &[Side]) -> String {
    format!(
        "rows of this key are of several currencies in {}; no sum holds them, and none is compared: join the currency \
         to the key",
        list(sides, "no side")
    )
}

pub fn conflict(sides: &[Side]) -> String {
    format!("rows of this key contradict each other in {}; none of them is compared", list(sides, "no side"))
}

pub fn duplicates(facts: &KeyFacts, sides: &[Side]) -> String {
    let counts: Vec<String> = sides
        .iter()
        .filter_map(|side| facts.side(*side).map(|stated| format!("{side} {} more", stated.duplicate_rows)))
        .collect();
    format!("the same row stands again: {}; counted once", counts.join(", "))
}

pub fn split(side: Side, currency: &str, gap_minor: i64) -> String {
    let gap = money(gap_minor.saturating_abs(), currency);
    if gap_minor < 0 {
        format!("in {side} the settled parts are {gap} short of what was authorised")
    } else {
        format!("in {side} the settled parts are {gap} more than what was authorised")
    }
}

pub fn returns(facts: &KeyFacts) -> String {
    let net = facts.sides.iter().flatten().filter(|side| side.flags.has(Flags::RETURNS_EXCEED));
    let net: Vec<String> =
        net.filter_map(|side| side.facts.amount_minor.map(|minor| money(minor, side.currency()))).collect();
    format!("more came back than was bought: net {}", net.join(", "))
}

pub fn paid_out(facts: &KeyFacts) -> String {
    let commission = facts
        .side(Side::File)
        .and_then(|file| file.facts.issuer_commission_minor.map(|minor| money(minor, file.currency())));
    let paid = commission.map_or_else(|| "it".to_owned(), |paid| format!("a commission of {paid}"));
    format!("the ledger has it reversed or returned, but the provider paid {paid} in full")
}

pub fn clawback(facts: &KeyFacts, reason: Option<&str>) -> String {
    let held = facts
        .side(Side::Ledger)
        .and_then(|side| side.facts.user_reward_minor.map(|minor| money(minor, side.currency())))
        .unwrap_or_default();
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("the provider claws the reward back{reason}, the ledger still holds {held}")
}

/// What each side that states the key says, in the order of the sides.
fn each(facts: &KeyFacts, text: impl Fn(&KeySide) -> Option<String>) -> String {
    let parts: Vec<String> = Side::ALL
        .into_iter()
        .filter_map(|side| {
            let said = text(facts.side(side)?).unwrap_or_else(|| "not stated".to_owned());
            Some(format!("{side} {said}"))
        })
        .collect();
    parts.join(", ")
}

fn list(sides: &[Side], none: &str) -> String {
    match sides {
        [] => none.to_owned(),
        [one] => one.to_string(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(|side| side.name()).collect();
            format!("{} and {last}", most.join(", "))
        }
    }
}
