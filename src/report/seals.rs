//! Seals, as every rendering tells them: that the period is signed off, and what sealed periods leave to this one.

use super::amount::{count, money, signed};
use super::facts::Facts;
use super::json_seals::SealSummary;
use super::table::Value;
use super::text::{counted, listed, visible};
use super::totals::kind_words;
use crate::seals::SealFacts;
use crate::seals::adjustments::{Adjustment, Change, State, totals};

/// For a late attempt: `SEALED: attempt 1 was signed off by Mara Lind on 2025-03-21: the close of February`
pub(super) fn headline(facts: &Facts) -> Option<String> {
    super::json_seals::seal(&facts.sealed).as_ref().map(headline_of)
}

/// The same of a summary as read.
pub(super) fn headline_of(seal: &SealSummary) -> String {
    format!(
        "SEALED: attempt {} was signed off by {} on {}: {}",
        seal.run.rsplit('/').next().unwrap_or(&seal.run),
        visible(&seal.by),
        seal.at.format("%Y-%m-%d %H:%M UTC"),
        visible(&seal.reason)
    )
}

/// What that means for this attempt.
pub(super) const MEANING: &str = "What differs from the sealed attempt is an adjustment of the first open period after this one; the sealed report stays \
                                  as it is.";

fn adjustments(sealed: &SealFacts) -> &[Adjustment] {
    sealed.adjustments.as_deref().unwrap_or_default()
}

/// `1 new, 2 changed`
pub(super) fn changes_in_words(adjustments: &[Adjustment]) -> String {
    let of = |change| adjustments.iter().filter(|one| one.change() == change).count() as u64;
    let told = Change::ALL.into_iter().map(|change| (of(change), change)).filter(|(number, _)| *number > 0);
    told.map(|(number, change)| format!("{} {}", count(number), change.name())).collect::<Vec<_>>().join(", ")
}

/// `at risk USD +2.50 (from 5.00 to 7.50)`, a part a currency.
pub(super) fn totals_in_words(adjustments: &[Adjustment]) -> Vec<String> {
    let of = |(currency, total): (&str, crate::seals::adjustments::Total)| {
        let change = signed(total.after_minor - total.before_minor, currency);
        let (before, after) = (money(total.before_minor, currency), money(total.after_minor, currency));
        format!("{} {change} (from {before} to {after})", visible(currency))
    };
    totals(adjustments).into_iter().map(of).collect()
}

/// One line for the terminal; none where nothing is adjusted.
pub(super) fn line(facts: &Facts) -> Option<String> {
    let found = adjustments(&facts.sealed);
    if found.is_empty() {
        return None;
    }
    let sums = totals_in_words(found);
    let sums = if sums.is_empty() { String::new() } else { format!("; at risk {}", sums.join(", ")) };
    Some(format!("Adjustments from sealed periods: {}{sums}", changes_in_words(found)))
}

/// For the verdict, in a whole sentence.
pub(super) fn sentence(facts: &Facts) -> Option<String> {
    let found = adjustments(&facts.sealed);
    let mut periods: Vec<String> = found.iter().map(|one| visible(&one.period).into_owned()).collect();
    periods.dedup();
    let fall = if found.len() == 1 { "falls" } else { "fall" };
    let which = counted(found.len() as u64, "adjustment", "adjustments");
    (!found.is_empty())
        .then(|| format!("{which} of {} {fall} into this period: what was sealed stays as it was.", listed(&periods)))
}

/// Title and width in characters of each column.
pub(super) const COLUMNS: [(&str, f64); 12] = [
    ("Period", 12.0),
    ("Key", 28.0),
    ("Since sealed", 12.0),
    ("Kind", 24.0),
    ("Currency", 10.0),
    ("At risk as sealed", 16.0),
    ("At risk now", 16.0),
    ("As sealed, or booked since", 54.0),
    ("Now", 54.0),
    ("Sealed run", 30.0),
    ("Last run", 30.0),
    ("Break id", 18.0),
];

/// The columns whose cells are amounts.
pub(super) const AMOUNTS: [usize; 2] = [5, 6];

pub(super) fn cells(one: &Adjustment) -> Vec<Value<'_>> {
    let state = one.state();
    let at_risk = |state: Option<&State>| match state {
        Some(state) if !state.currency.is_empty() => Value::amount(state.at_risk_minor.into(), &state.currency),
        _ => Value::Empty,
    };
    let detail = |state: &Option<State>| match state {
        Some(state) => Value::text(state.detail.clone()),
        None => Value::text("no break"),
    };
    vec![
        Value::text(&one.period),
        Value::optional_text(state.map(|state| state.key.as_str())),
        Value::text(one.change().name()),
        state.map_or(Value::Empty, |state| Value::text(kind_words(state.kind))),
        Value::optional_text(state.map(|state| state.currency.as_str()).filter(|currency| !currency.is_empty())),
        at_risk(one.before.as_ref()),
        at_risk(one.after.as_ref()),
        detail(&one.before),
        detail(&one.after),
        Value::text(&one.sealed_run),
        Value::text(&one.late_run),
        Value::text(&one.id),
    ]
}
