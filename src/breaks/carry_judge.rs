//! What becomes of keys that stand in more than one period: judged by what all periods say of them together. Pure.

use std::collections::HashSet;

use super::RowRef;
use super::carry::{Across, CarriedItem, CarriedMark, Fate, ItemName, OpenItem, Others, Said};
use super::classify::{Expected, Outcome, Verdict, classify};
use super::statement::Judged;
use crate::frames::Side;
use crate::matching::{KeyFacts, KeySide, Pairing, Rules};

/// Judges the keys of which other periods speak: those that this period has, for its own statement, and the items of
/// others. `strays` are keys whose rows all lie outside of this period, in text order.
pub(super) fn judge(
    rules: &Rules,
    suspects: Vec<KeyFacts>,
    strays: &[KeyFacts],
    others: &Others,
) -> (Vec<Judged>, Across) {
    let light = Light::new(rules, others);
    let mut judged = Vec::with_capacity(suspects.len());
    let mut across = Across::default();
    let mut seen = HashSet::new();
    for facts in suspects {
        let alone = classify(rules, &facts).outcome == Outcome::Matched;
        let whole = light.together(&facts.key, &facts.sides, alone);
        let verdict = light.verdict(&whole);
        light.follow(&facts.sides, (&whole, alone), &verdict, &mut across);
        if let Some(why) = pending(&verdict) {
            across.pending.insert(facts.key.clone(), why);
        }
        seen.insert(facts.key.clone());
        light.suspend(&facts, &verdict, &mut across);
        let verdict = light.across(&facts, &whole, verdict);
        if verdict.outcome == Outcome::Expected(Expected::OtherPeriod) {
            across.settled.push(ItemName { period: rules.period.label.clone(), key: facts.key.clone() });
        }
        let one = Judged { facts, verdict };
        if !is_left_open(&one) && others.items.contains_key(&one.facts.key) {
            across.said.push(light.said(&one.facts.key, &one.facts.sides));
        }
        judged.push(one);
    }
    for (key, items) in others.items.iter().filter(|(key, _)| !seen.contains(*key)) {
        // What a file holds ahead of time is for the period in which that time lies.
        if items.iter().all(|item| item.period >= rules.period.label) {
            continue;
        }
        let stray = strays.binary_search_by(|stray| stray.key.cmp(key)).ok().map(|place| &strays[place].sides);
        across.said.extend(stray.map(|here| light.said(key, here)));
        let nothing = Default::default();
        let here = stray.unwrap_or(&nothing);
        let whole = light.together(key, here, false);
        light.follow(here, (&whole, false), &light.verdict(&whole), &mut across);
    }
    // Those periods may have been read before this one had the key.
    across.said.extend(others.later.values().flatten().cloned());
    across.items.sort_by(|left, right| {
        (left.fate, &left.item.period, &left.item.key).cmp(&(right.fate, &right.item.period, &right.item.key))
    });
    (judged, across)
}

/// In what light a period's keys are judged.
struct Light<'a> {
    rules: &'a Rules,
    others: &'a Others,
    /// The rules as an earlier period saw them last; none where none was run.
    before: Option<Rules>,
    /// The rules as of the latest period that was run; none where that is this one.
    until: Option<Rules>,
}

impl<'a> Light<'a> {
    fn new(rules: &'a Rules, others: &'a Others) -> Self {
        let until = others.until.as_ref().map(|until| {
            let mut later = rules.clone();
            later.period.end = until.end;
            later.missing.extend(&until.missing);
            later
        });
        let before = others.reach.as_ref().map(|reach| {
            let mut before = rules.clone();
            before.period.end = reach.known_until;
            before
        });
        Self { rules, others, before, until }
    }

    /// A key as all periods together state it.
    fn together(&self, key: &str, here: &[Option<KeySide>; 3], alone: bool) -> KeyFacts {
        let sides = self.others.together((&self.rules.period.label, here), key, alone);
        KeyFacts { key: key.to_owned(), sides, pairing: Pairing::ByKey }
    }

    /// The verdict on what all periods say. What was not due at the end of this one is a break where later ones were
    /// run, have not brought it, and it was due by then.
    fn verdict(&self, whole: &KeyFacts) -> Verdict {
        let verdict = classify(self.rules, whole);
        // Also where the sides that are there make a break already: the one that is not may make another.
        if !matches!(verdict.waits, Some(Expected::InGrace | Expected::NotSettledYet)) {
            return verdict;
        }
        let later = self.until.as_ref().map(|rules| classify(rules, whole));
        later.filter(|later| later.outcome == Outcome::Break).unwrap_or(verdict)
    }

    /// The verdict on this period's rows of the key, in the light of the other periods.
    fn across(&self, own: &KeyFacts, whole: &KeyFacts, mut verdict: Verdict) -> Verdict {
        if own.sides == whole.sides {
            // The others say nothing that this period does not say itself.
            return verdict;
        }
        if matches!(verdict.outcome, Outcome::Matched | Outcome::Excluded(_)) {
            verdict.outcome = Outcome::Expected(Expected::OtherPeriod);
        }
        verdict.waits = Some(Expected::OtherPeriod);
        let periods = self.others.periods(&own.key).join(", ");
        for found in &mut verdict.breaks {
            found.detail = format!("{} (also stands in {periods})", found.detail);
        }
        verdict
    }

    /// What this period's files say of a key.
    fn said(&self, key: &str, sides: &[Option<KeySide>; 3]) -> Said {
        Said { period: self.rules.period.label.clone(), key: key.to_owned(), sides: sides.clone() }
    }

    /// What has become of the items of this key, whose verdict over all periods is this one. `here` is what this
    /// period's files say of it.
    fn follow(
        &self,
        here: &[Option<KeySide>; 3],
        (whole, alone): (&KeyFacts, bool),
        verdict: &Verdict,
        across: &mut Across,
    ) {
        let Some(items) = self.others.items.get(&whole.key) else { return };
        let first_row = |side: &KeySide| side.facts.rows.first().copied();
        let rows = Side::ALL.map(|side| here[side as usize].as_ref().and_then(first_row));
        let row = Side::ALL.into_iter().find_map(|side| Some((side, rows[side as usize]?)));
        let is_far = |item: &OpenItem| self.others.reach.as_ref().is_some_and(|reach| item.period < reach.near);
        let is_told = |item: &&OpenItem| {
            let is_settled = self.others.settled.contains(&item.name());
            if alone && item.period > self.rules.period.label {
                false
            } else if row.is_some() {
                true
            } else if is_far(item) {
                !is_settled && (item.waits.is_none() || self.is_news(item, whole))
            } else {
                verdict.outcome == Outcome::Break || !is_settled
            }
        };
        let fated = |item| (item, self.fate(item, verdict, row.is_some()));
        let told: Vec<(&OpenItem, Fate)> = items.iter().filter(is_told).map(fated).collect();
        let is_earlier = |item: &OpenItem| item.period < self.rules.period.label;
        let ran_out = |(item, fate): &&(&OpenItem, Fate)| *fate == Fate::RanOut && is_earlier(item);
        across.ran_out.extend(told.iter().filter(ran_out).map(|(item, _)| item.name()));
        // Two periods may have left one key: what is cleared is cleared in both, what stays open is one matter, that of
        // which there is news.
        let matter = told.iter().position(|one| ran_out(&one)).unwrap_or(0);
        for (at, (item, fate)) in told.into_iter().enumerate() {
            let is_open = matches!(fate, Fate::RanOut | Fate::Open);
            if let (true, Some((side, row))) = (is_open, row) {
                let is_gone = |id: &String| verdict.breaks.iter().all(|found| found.id != *id);
                let replaced = item.break_ids(&self.rules.job).into_iter().filter(is_gone);
                across.replaced.extend(replaced.map(|id| (id, side, row)));
            }
            if fate == Fate::Cleared {
                across.settled.push(item.name());
            } else if at != matter || !is_earlier(item) {
                continue;
            }
            let mut breaks = if is_open { verdict.breaks.clone() } else { Vec::new() };
            if fate == Fate::RanOut && row.is_none() {
                breaks.retain(|found| item.breaks.iter().all(|(id, _)| *id != found.id));
            }
            for found in &mut breaks {
                found.detail = format!("of {}: {}", item.period, found.detail);
            }
            across.items.push(CarriedItem { item: item.clone(), fate, here: rows, breaks });
        }
    }

    /// Whether it was told that the item's time is over, or that could not be told before.
    fn is_news(&self, item: &OpenItem, whole: &KeyFacts) -> bool {
        let was_over = self.before.as_ref().is_some_and(|before| classify(before, whole).outcome == Outcome::Break);
        self.others.ran_out.contains(&item.name()) || !was_over
    }

    /// What was a break is none while a row of this period has time left to find its counterpart: when that is over, the
    /// item that this period leaves makes it one again.
    fn suspend(&self, own: &KeyFacts, verdict: &Verdict, across: &mut Across) {
        let is_suspended = matches!(verdict.outcome, Outcome::Expected(Expected::InGrace | Expected::NotSettledYet));
        let row = Side::ALL.into_iter().find_map(|side| Some((side, own.rows(side).first().copied()?)));
        let (true, Some((side, row))) = (is_suspended, row) else { return };
        let items = self.others.items.get(&own.key).into_iter().flatten();
        let ids = items.flat_map(|item| item.break_ids(&self.rules.job));
        across.replaced.extend(ids.map(|id| (id, side, row)));
    }

    fn fate(&self, item: &OpenItem, verdict: &Verdict, speaks: bool) -> Fate {
        let is_news = speaks || !self.others.ran_out.contains(&item.name());
        // What is a break already goes on waiting for the next one.
        let is_over = item.breaks.is_empty() || pending(verdict).is_none();
        match verdict.outcome {
            Outcome::Break if item.waits.is_some() && is_news && is_over => Fate::RanOut,
            Outcome::Break => Fate::Open,
            Outcome::Expected(_) if item.waits.is_some() && !speaks => Fate::Waits,
            Outcome::Expected(Expected::InGrace | Expected::NotSettledYet | Expected::FileNotThere) => Fate::Waits,
            Outcome::Matched | Outcome::Excluded(_) | Outcome::Expected(_) => Fate::Cleared,
        }
    }
}

/// What a break waits for that may make another of it: the side that is not there yet.
fn pending(verdict: &Verdict) -> Option<Expected> {
    let waits = verdict.waits.filter(|why| matches!(why, Expected::InGrace | Expected::NotSettledYet));
    waits.filter(|_| verdict.outcome == Outcome::Break)
}

/// What this period's files leave open by themselves: breaks, what is expected of a later one, and what another settles.
pub(super) fn left_open(period: &str, judged: &[Judged], across: &Across) -> Vec<OpenItem> {
    let item = |one: &Judged| OpenItem {
        period: period.to_owned(),
        key: one.facts.key.clone(),
        sides: one.facts.sides.clone(),
        waits: match one.verdict.outcome {
            Outcome::Expected(why) => Some(why),
            _ => across.pending.get(&one.facts.key).copied().or_else(|| pending(&one.verdict)),
        },
        breaks: one.verdict.breaks.iter().map(|found| (found.id.clone(), found.kind)).collect(),
    };
    judged.iter().filter(|one| is_left_open(one)).map(item).collect()
}

/// The items that were taken in and go on: for the story of a transaction, no other run reads them.
pub fn marks(carried: &[CarriedItem]) -> Vec<CarriedMark> {
    let on = carried.iter().filter(|one| one.fate != Fate::Cleared);
    let mark = |one: &CarriedItem| {
        let (period, key) = (one.item.period.clone(), one.item.key.clone());
        CarriedMark { period, key, fate: one.fate }
    };
    on.map(mark).collect()
}

fn is_left_open(one: &Judged) -> bool {
    match one.verdict.outcome {
        Outcome::Break => !matches!(one.facts.pairing, Pairing::Suggested { .. }),
        Outcome::Expected(why) => {
            matches!(why, Expected::InGrace | Expected::NotSettledYet | Expected::OtherPeriod)
        }
        _ => false,
    }
}

/// What ends a break of another period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosedBy {
    /// This period's row.
    Row(Side, RowRef),
    /// What the period of this label left and what others say, together.
    Together(String),
}

/// Breaks of other periods that are over, by id, each once.
pub fn closed(job: &str, items: &[CarriedItem], replaced: &[(String, Side, RowRef)]) -> Vec<(String, ClosedBy)> {
    let cleared = items.iter().filter(|one| one.fate == Fate::Cleared).flat_map(|one| {
        let by = one.evidence().map(|(side, row)| ClosedBy::Row(side, row));
        let by = by.unwrap_or_else(|| ClosedBy::Together(one.item.period.clone()));
        one.break_ids(job).into_iter().map(move |id| (id, by.clone()))
    });
    let replaced = replaced.iter().map(|(id, side, row)| (id.clone(), ClosedBy::Row(*side, *row)));
    let mut seen = HashSet::new();
    cleared.chain(replaced).filter(|(id, _)| seen.insert(id.clone())).collect()
}
