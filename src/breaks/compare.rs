//! The pure middle of a run: frames in, breaks and the proof out.

use std::collections::{BTreeMap, HashSet};

use super::account::{Account, AtOnce};
use super::carry::{Across, LeftOpen, Others};
use super::carry_judge;
use super::statement::{self, Judged, Untied};
use super::{Break, Breaks, Statement, Suggestion, id};
use crate::frames::{Frame, Side};
use crate::matching::{
    Afterwards, KeyFacts, MatchError, Pairing, Rules, Tally, fallback, match_frames, match_frames_into,
};

/// What a comparison found, proven.
#[derive(Debug)]
pub struct Comparison {
    /// The job's name.
    pub job: String,
    pub tally: Tally,
    /// The keys that were looked at, in text order; see [`Keeps`].
    pub judged: Vec<Judged>,
    /// What all that were looked at add up to.
    account: Account,
    /// Of all of them, in no order.
    breaks: Breaks,
    pub statement: Statement,
    /// What became of the items that other periods left open.
    pub carried: Across,
}

/// What of the keys that were looked at is wanted afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Their breaks; of the rows as much as is said.
    Breaks(Afterwards),
    /// All they state: what they leave to other periods ([`Comparison::left_open`]).
    Keys,
}

/// Why a comparison ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Match(#[from] MatchError),
    /// A bug in tieout: exit 70.
    #[error("the tie-out does not tie; this is a bug in tieout, please report it with the run's inputs")]
    Untied(#[from] Untied),
}

/// Matches, judges, draws the statement up and proves it.
///
/// # Errors
/// [`CompareError::Match`] for data that cannot be summed, [`CompareError::Untied`] for a bug.
pub fn compare(rules: &Rules, frames: &[Frame]) -> Result<Comparison, CompareError> {
    compare_among(rules, frames, &Others::default())
}

/// [`compare`] in the light of what other periods say: the statement is of this period's rows alone, and a key whose
/// counterpart stands in another period is no break. The rules watch the keys of the others.
///
/// # Errors
/// As [`compare`].
pub fn compare_among(rules: &Rules, frames: &[Frame], others: &Others) -> Result<Comparison, CompareError> {
    compare_sifted(rules, frames, None, (others, Keeps::Keys))
}

/// [`compare_among`] where the frames hold only the rows that a cluster has left: `sure` is what it has told of all others.
///
/// # Errors
/// As [`compare`].
pub fn compare_sifted(
    rules: &Rules,
    frames: &[Frame],
    sure: Option<&Tally>,
    (others, keeps): (&Others, Keeps),
) -> Result<Comparison, CompareError> {
    // What weaker rules pair is looked for among all keys.
    if let (Keeps::Breaks(afterwards), []) = (keeps, rules.matching.fallback.as_slice()) {
        return at_once(rules, (frames, afterwards), sure, others);
    }
    let mut matched = match_frames(rules, frames)?;
    if let Some(sure) = sure {
        matched.tally.merge(sure.clone());
    }
    let (shared, own): (Vec<KeyFacts>, Vec<KeyFacts>) =
        matched.suspects.into_iter().partition(|facts| rules.watched.contains(&facts.key));
    let (mut judged, carried) = carry_judge::judge(rules, shared, &matched.strays, others);
    judged.extend(statement::judge(rules, fallback::pair_leftovers(rules, own)));
    judged.sort_by(|left, right| left.facts.key.cmp(&right.facts.key));
    proven(rules, frames, matched.tally, (Account::default(), Breaks::default()), (judged, carried))
}

/// [`compare_sifted`] where no key is wanted afterwards: each is judged when its part has been matched, and forgotten.
fn at_once(
    rules: &Rules,
    (frames, afterwards): (&[Frame], Afterwards),
    sure: Option<&Tally>,
    others: &Others,
) -> Result<Comparison, CompareError> {
    let (mut matched, AtOnce { account, breaks, mut watched }) = match_frames_into(rules, frames, afterwards)?;
    if let Some(sure) = sure {
        matched.tally.merge(sure.clone());
    }
    watched.sort_by(|left, right| left.key.cmp(&right.key));
    let (judged, carried) = carry_judge::judge(rules, watched, &matched.strays, others);
    proven(rules, frames, matched.tally, (account, breaks), (judged, carried))
}

/// Adds the keys that were judged to what is known of those that were judged and forgotten, and proves the sums.
fn proven(
    rules: &Rules,
    frames: &[Frame],
    tally: Tally,
    (mut account, mut breaks): (Account, Breaks),
    (judged, carried): (Vec<Judged>, Across),
) -> Result<Comparison, CompareError> {
    account.merge(Account::of(rules, &judged));
    judged.iter().flat_map(|one| &one.verdict.breaks).for_each(|found| breaks.push(found));
    let statement = statement::draw_up(rules, frames, &tally, &account);
    statement::prove(&statement, &judged)?;
    Ok(Comparison { job: rules.job.clone(), tally, judged, account, breaks, statement, carried })
}

impl Comparison {
    /// All breaks of keys, those of earlier periods whose grace has run out too: by kind, then most at risk first, then
    /// key and id.
    pub fn breaks(&self) -> Vec<Break> {
        self.packed().to_vec()
    }

    /// [`Self::breaks`], packed.
    pub fn packed(&self) -> Breaks {
        let mut breaks = self.breaks.clone();
        let carried = || self.carried.items.iter().filter(|one| one.is_found_here()).flat_map(|one| &one.breaks);
        if carried().next().is_some() {
            let mut known: HashSet<String> = breaks.heads().map(|found| found.id().to_owned()).collect();
            breaks.extend(carried().filter(|found| known.insert(found.id.clone())).cloned());
        }
        breaks.sort();
        breaks
    }

    /// What the period leaves for others.
    pub fn left_open(&self, period: &str) -> LeftOpen {
        LeftOpen {
            items: carry_judge::left_open(period, &self.judged, &self.carried),
            settled: self.carried.settled.clone(),
            said: self.carried.said.clone(),
            ran_out: self.carried.ran_out.clone(),
            carried: carry_judge::marks(&self.carried.items),
        }
    }

    /// Keys joined by a weaker rule.
    pub fn suggestions(&self) -> Vec<Suggestion> {
        self.judged.iter().filter_map(|one| suggestion(&self.job, one)).collect()
    }

    /// Reason in words → keys that are expected.
    pub fn expected(&self) -> BTreeMap<String, u64> {
        self.account.expected.iter().map(|(reason, keys)| (reason.words().to_owned(), *keys)).collect()
    }

    /// (side, reason in words, rows) of everything that was kept out.
    pub fn excluded(&self) -> Vec<(Side, String, u64)> {
        let mut rows: BTreeMap<(Side, &str), u64> = BTreeMap::new();
        for ((side, reason), count) in &self.tally.excluded_rows {
            *rows.entry((*side, reason.words())).or_default() += count;
        }
        for ((side, reason), count) in &self.account.excluded {
            *rows.entry((*side, reason.words())).or_default() += count;
        }
        rows.into_iter().map(|((side, reason), count)| (side, reason.to_owned(), count)).collect()
    }
}

/// The one order of breaks: by kind, then most at risk first, then key and id.
pub fn sort(breaks: &mut [Break]) {
    breaks.sort_by(|left, right| {
        (left.kind, right.at_risk_minor, &left.key, &left.id).cmp(&(
            right.kind,
            left.at_risk_minor,
            &right.key,
            &right.id,
        ))
    });
}

fn suggestion(job: &str, judged: &Judged) -> Option<Suggestion> {
    let facts = &judged.facts;
    let Pairing::Suggested { keys, rule } = &facts.pairing else { return None };
    Some(Suggestion {
        id: id::suggestion_id(job, keys, facts.currency()),
        keys: keys.clone(),
        currency: facts.currency().to_owned(),
        rule: rule.clone(),
        sides: Side::ALL.map(|side| facts.side(side).map(|stated| stated.facts.clone())),
        rows: Side::ALL.map(|side| statement::suggested_rows(judged, side)),
    })
}
