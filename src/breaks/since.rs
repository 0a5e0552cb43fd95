//! The provider's file held against that of the run before: statuses that have changed, and keys that are gone. Apart
//! from the tie-out, which is of one period alone.

use std::collections::{BTreeMap, BTreeSet};

use super::classify::Judge;
use super::{Break, BreakKind, detail};
use crate::frames::{Frame, Measure, Side};
use crate::matching::side::Columns;
use crate::matching::standing::{Standing, Standings, facts_of};
use crate::matching::{MatchError, Rules};

/// What has become of the keys of the run before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Since {
    /// By key.
    pub breaks: Vec<Break>,
    /// Keys of the file then, each counted once below.
    pub before: u64,
    pub same: u64,
    /// Changed as the job expects.
    pub expected: u64,
    pub changed: u64,
    pub vanished: u64,
    /// There, but now or then left out or contradicting itself: its status is not compared.
    pub not_compared: u64,
    /// Keys of the file now that it did not hold then.
    pub new: u64,
}

impl Since {
    /// `4 keys then: 1 with the same status, 1 changed as expected, 1 changed otherwise, 1 gone; 2 new`
    pub fn words(&self) -> String {
        let keys = if self.before == 1 { "1 key".to_owned() } else { format!("{} keys", self.before) };
        let parts = [
            (self.same, "with the same status"),
            (self.expected, "changed as expected"),
            (self.changed, "changed otherwise"),
            (self.vanished, "gone"),
            (self.not_compared, "not compared"),
        ];
        let told: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
        let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
        format!("{keys} then{told}; {} new", self.new)
    }
}

/// How a key of before stands now.
enum Now {
    Same,
    Expected,
    Changed,
    Vanished,
    NotCompared,
}

/// Holds the file among `frames` against `then`, the file of the period `period`. Every key of then has one outcome.
///
/// # Errors
/// When the sums of one key overflow, or there are more than 2³² rows.
pub fn since(rules: &Rules, period: &str, then: &Frame, frames: &[Frame]) -> Result<Since, MatchError> {
    let Some(file) = frames.iter().find(|frame| frame.side == Side::File) else { return Ok(Since::default()) };
    let (columns_then, columns_now) = (Columns::of(then), Columns::of(file));
    let before = Standings::of(rules, &columns_then)?;
    let now = Standings::of(rules, &columns_now)?;
    let mut found = Since { before: before.known.len() as u64, ..Since::default() };
    let mut told: BTreeMap<String, (BreakKind, Standing<'_>)> = BTreeMap::new();
    for (key, standing) in &before.known {
        let (count, kind) = match judge(rules, &now, key, standing) {
            Now::Same => (&mut found.same, None),
            Now::Expected => (&mut found.expected, None),
            Now::NotCompared => (&mut found.not_compared, None),
            Now::Changed => (&mut found.changed, Some(BreakKind::StatusChanged)),
            Now::Vanished => (&mut found.vanished, Some(BreakKind::RowVanished)),
        };
        *count += 1;
        if let Some(kind) = kind {
            told.insert((*key).to_owned(), (kind, *standing));
        }
    }
    let is_new = |key: &&&str| !before.known.contains_key(**key) && !before.left_out.contains(**key);
    found.new = now.known.keys().filter(is_new).count() as u64;
    let keys: BTreeSet<String> = told.keys().cloned().collect();
    let unread = file.quarantine.len();
    for facts in facts_of(rules, frames, &keys)? {
        let Some((kind, standing)) = told.get(&facts.key) else { continue };
        let judge = Judge { rules, facts: &facts };
        let then_minor = standing.amount_minor;
        let stated = facts.side(Side::File);
        let (currency, at_risk_minor, text) = match stated {
            Some(file) => {
                let text = detail::status_changed(period, standing.status, file.facts.status.as_deref());
                (file.currency(), file.facts.amount_minor, text)
            }
            None => (standing.currency, then_minor, detail::vanished(period, standing, unread)),
        };
        let measure = Measure::TransactionAmount;
        found.breaks.push(judge.found_in(currency, *kind, measure, at_risk_minor.unwrap_or(0), text));
    }
    Ok(found)
}

fn judge(rules: &Rules, now: &Standings<'_>, key: &str, then: &Standing<'_>) -> Now {
    let Some(here) = now.known.get(key) else {
        return if now.left_out.contains(key) { Now::NotCompared } else { Now::Vanished };
    };
    if here.contradicts || then.contradicts {
        return Now::NotCompared;
    }
    if here.status == then.status {
        return Now::Same;
    }
    let expected = rules.matching.status_changes.as_deref().unwrap_or_default();
    let is_expected = |(from, to): &(String, String)| then.status == Some(from) && here.status == Some(to);
    if expected.iter().any(is_expected) { Now::Expected } else { Now::Changed }
}
