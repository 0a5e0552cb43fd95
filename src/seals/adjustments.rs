//! What differs between a sealed attempt and what its period would say now: adjustments of the first period after it
//! that is open. Pure; the lists that runs leave are JSON Lines.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::breaks::BreakKind;
use crate::frames::Measure;

/// What an attempt says of a break. Its sentence is told and not compared: that a row has moved is no other fact, nor is
/// what a person has decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub kind: BreakKind,
    pub key: String,
    /// ISO 4217; empty for kinds that are about a file.
    pub currency: String,
    pub measure: Measure,
    /// Minor units of `currency`.
    pub at_risk_minor: i64,
    pub difference_minor: Option<i64>,
    /// What file, ledger and webhooks state of amount, issuer commission and user reward, in minor units of their own
    /// currency.
    pub stated_minor: [[Option<i64>; 3]; 3],
    /// The currency and the status that each of them states.
    pub stated: [[Option<String>; 2]; 3],
    pub detail: String,
}

impl State {
    fn says_the_same(&self, other: &Self) -> bool {
        let facts = |state: &Self| {
            let Self { kind, measure, at_risk_minor, difference_minor, stated_minor, .. } = state;
            (*kind, *measure, *at_risk_minor, *difference_minor, *stated_minor)
        };
        facts(self) == facts(other) && self.stated == other.stated && self.currency == other.currency
    }
}

fn is_same(before: Option<&State>, after: Option<&State>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(before), Some(after)) => before.says_the_same(after),
        _ => false,
    }
}

/// One difference: what was sealed, or booked since, and what is found now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// The label of the sealed period.
    pub period: String,
    /// The attempt that is sealed, and the last one.
    pub sealed_run: String,
    pub late_run: String,
    /// The break's id.
    pub id: String,
    /// None: it was no break. One of the two is there.
    pub before: Option<State>,
    pub after: Option<State>,
}

/// What has become of a break since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    New,
    Gone,
    Changed,
}

impl Change {
    pub const ALL: [Self; 3] = [Self::New, Self::Gone, Self::Changed];

    /// The name in files and for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Changed => "changed",
        }
    }
}

impl Adjustment {
    pub const fn change(&self) -> Change {
        match (&self.before, &self.after) {
            (None, _) => Change::New,
            (_, None) => Change::Gone,
            _ => Change::Changed,
        }
    }

    /// What it is about: as found now, else as it was sealed.
    pub fn state(&self) -> Option<&State> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// At risk then and now, in minor units of that currency; nothing for what is about a whole file.
    pub fn at_risk_minor(&self) -> impl Iterator<Item = (&str, [i64; 2])> {
        let before = self.before.as_ref().map(|state| (state.currency.as_str(), [state.at_risk_minor, 0]));
        let after = self.after.as_ref().map(|state| (state.currency.as_str(), [0, state.at_risk_minor]));
        [before, after].into_iter().flatten().filter(|(currency, _)| !currency.is_empty())
    }
}

/// What all adjustments in one currency come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Adjustments that name the currency.
    pub count: u64,
    /// Minor units at risk by their breaks as they were sealed, and now.
    pub before_minor: i128,
    pub after_minor: i128,
}

/// Currency → total.
pub fn totals(adjustments: &[Adjustment]) -> BTreeMap<&str, Total> {
    let mut totals = BTreeMap::<&str, Total>::new();
    for adjustment in adjustments {
        let mut counted = BTreeSet::new();
        for (currency, [before, after]) in adjustment.at_risk_minor() {
            let total = totals.entry(currency).or_default();
            total.count += u64::from(counted.insert(currency));
            total.before_minor += i128::from(before);
            total.after_minor += i128::from(after);
        }
    }
    totals
}

/// A sealed period of which a later attempt exists.
#[derive(Debug, Clone, Default)]
pub struct Late {
    pub period: String,
    pub sealed_run: String,
    pub late_run: String,
    /// Break id → what the sealed attempt says; and what the last one does.
    pub sealed: BTreeMap<String, State>,
    pub now: BTreeMap<String, State>,
}

/// What is left to adjust: for each of these periods what differs since it was sealed, less what the sealed attempts of
/// periods between have booked already. `booked` are their lists, the earliest period first. In order of period and id.
pub fn left_to_adjust(late: &[Late], booked: &[Adjustment]) -> Vec<Adjustment> {
    let mut latest = BTreeMap::<(&str, &str), Option<&State>>::new();
    for one in booked {
        latest.insert((&one.period, &one.id), one.after.as_ref());
    }
    let mut left = Vec::new();
    for one in late {
        let of_booked = latest.keys().filter(|(period, _)| *period == one.period).map(|(_, id)| *id);
        let ids: BTreeSet<&str> =
            one.sealed.keys().chain(one.now.keys()).map(String::as_str).chain(of_booked).collect();
        for id in ids {
            let before = latest.get(&(one.period.as_str(), id)).copied().unwrap_or_else(|| one.sealed.get(id));
            let after = one.now.get(id);
            if !is_same(before, after) {
                left.push(Adjustment {
                    period: one.period.clone(),
                    sealed_run: one.sealed_run.clone(),
                    late_run: one.late_run.clone(),
                    id: id.to_owned(),
                    before: before.cloned(),
                    after: after.cloned(),
                });
            }
        }
    }
    left.sort_by(|left, right| (&left.period, &left.id).cmp(&(&right.period, &right.id)));
    left
}

/// Writes a list, a line an adjustment, each ended by a line feed.
///
/// # Errors
/// When `out` does.
pub fn write_list(adjustments: &[Adjustment], mut out: impl std::io::Write) -> std::io::Result<()> {
    for adjustment in adjustments {
        serde_json::to_writer(&mut out, adjustment)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads what [`write_list`] wrote.
///
/// # Errors
/// When a line is no adjustment.
pub fn read_list(lines: impl std::io::BufRead) -> std::io::Result<Vec<Adjustment>> {
    lines.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
