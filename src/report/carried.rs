//! Items of other periods, as every rendering tells them.

use super::amount::count;
use super::facts::{CarriedFacts, Facts};
use super::table::Value;
use super::text::counted;
use crate::breaks::carry::{CarriedItem, Fate};
use crate::frames::Side;
use crate::matching::KeySide;

/// What is listed one by one: items that still wait are only counted.
pub(super) fn listed(carried: &CarriedFacts) -> Vec<&CarriedItem> {
    carried.items.iter().filter(|one| one.fate != Fate::Waits).collect()
}

/// Title and width in characters of each column.
pub(super) const COLUMNS: [(&str, f64); 8] = [
    ("Period", 12.0),
    ("Key", 28.0),
    ("Was", 26.0),
    ("Is", 22.0),
    ("Currency", 10.0),
    ("At risk", 14.0),
    ("Spoken of here by", 20.0),
    ("Detail", 60.0),
];

/// The column whose cells are amounts.
pub(super) const AMOUNT: usize = 5;

pub(super) fn cells(one: &CarriedItem) -> Vec<Value<'_>> {
    let now = one.breaks.first();
    let currency = now.map(|found| found.currency.as_str()).or_else(|| stated_currency(one)).unwrap_or_default();
    vec![
        Value::text(&one.item.period),
        Value::text(&one.item.key),
        Value::text(one.item.words()),
        Value::text(one.fate.words()),
        Value::text(currency),
        now.map_or(Value::Empty, |found| Value::amount(found.at_risk_minor.into(), currency)),
        Value::text(here(one)),
        Value::optional_text(now.map(|found| found.detail.as_str())),
    ]
}

fn stated_currency(one: &CarriedItem) -> Option<&str> {
    one.item.sides.iter().flatten().map(KeySide::currency).next()
}

fn here(one: &CarriedItem) -> String {
    let sides = Side::ALL.into_iter().zip(one.here).filter(|(_, here)| here.is_some()).map(|(side, _)| side.name());
    let sides = sides.collect::<Vec<_>>().join(", ");
    if sides.is_empty() { "nothing".to_owned() } else { sides }
}

/// One line for the terminal.
pub(super) fn line(facts: &Facts) -> Option<String> {
    let carried = facts.carried.as_ref()?;
    let parts: Vec<String> = Fate::ALL
        .into_iter()
        .map(|fate| (carried.count(fate), fate))
        .filter(|(number, _)| *number > 0)
        .map(|(number, fate)| format!("{} {}", count(number), fate.words()))
        .collect();
    (!parts.is_empty()).then(|| format!("Carried items: {}", parts.join(", ")))
}

/// For the verdict, in whole sentences.
pub(super) fn sentences(facts: &Facts) -> Vec<String> {
    let Some(carried) = &facts.carried else { return Vec::new() };
    let items = |number| counted(number, "item of an earlier period", "items of earlier periods");
    let is = |number: u64| if number == 1 { "is" } else { "are" };
    let mut sentences = Vec::new();
    let cleared = carried.count(Fate::Cleared);
    if cleared > 0 {
        let which = counted(cleared, "item of another period", "items of other periods");
        sentences.push(format!("{which} {} cleared by this one.", is(cleared)));
    }
    let ran_out = carried.count(Fate::RanOut);
    if ran_out > 0 {
        let breaks = if ran_out == 1 { "a break" } else { "breaks" };
        let which = items(ran_out);
        sentences.push(format!("{which} {} {breaks} from this period on: the grace has run out.", is(ran_out)));
    }
    let open = carried.count(Fate::Open);
    if open > 0 {
        sentences.push(format!("{} {} still open.", items(open), is(open)));
    }
    sentences
}
