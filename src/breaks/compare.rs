//! The pure middle of a run: frames in, breaks and the proof out.

use std::collections::{BTreeMap, HashSet};

use super::carry::{Across, LeftOpen, Others};
use super::carry_judge;
use super::classify::{Outcome, Verdict};
use super::statement::{self, Judged, Untied};
use super::{Break, Statement, Suggestion, id};
use crate::frames::{Frame, Side};
use crate::matching::{KeyFacts, MatchError, Pairing, Rules, Tally, fallback, match_frames};

/// What a comparison found, proven.
#[derive(Debug)]
pub struct Comparison {
    /// The job's name.
    pub job: String,
    pub tally: Tally,
    pub judged: Vec<Judged>,
    pub statement: Statement,
    /// What became of the items that other periods left open.
    pub carried: Across,
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
    compare_sifted(rules, frames, None, others)
}

/// [`compare_among`] where the frames hold only the rows that a cluster has left: `sure` is what it has told of all others.
///
/// # Errors
/// As [`compare`].
pub fn compare_sifted(
    rules: &Rules,
    frames: &[Frame],
    sure: Option<&Tally>,
    others: &Others,
) -> Result<Comparison, CompareError> {
    let mut matched = match_frames(rules, frames)?;
    if let Some(sure) = sure {
        matched.tally.merge(sure.clone());
    }
    let (shared, own): (Vec<KeyFacts>, Vec<KeyFacts>) =
        matched.suspects.into_iter().partition(|facts| rules.watched.contains(&facts.key));
    let (mut judged, carried) = carry_judge::judge(rules, shared, &matched.strays, others);
    judged.extend(statement::judge(rules, fallback::pair_leftovers(rules, own)));
    judged.sort_by(|left, right| left.facts.key.cmp(&right.facts.key));
    let statement = statement::draw_up(rules, frames, &matched.tally, &judged);
    statement::prove(&statement, &judged)?;
    Ok(Comparison { job: rules.job.clone(), tally: matched.tally, judged, statement, carried })
}

impl Comparison {
    /// All breaks of keys, those of earlier periods whose grace has run out too: by kind, then most at risk first, then
    /// key and id.
    pub fn breaks(&self) -> Vec<Break> {
        let mut breaks: Vec<Break> = self.judged.iter().flat_map(|one| one.verdict.breaks.iter().cloned()).collect();
        let carried = || self.carried.items.iter().filter(|one| one.is_found_here()).flat_map(|one| &one.breaks);
        if carried().next().is_some() {
            let mut known: HashSet<String> = breaks.iter().map(|found| found.id.clone()).collect();
            breaks.extend(carried().filter(|found| known.insert(found.id.clone())).cloned());
        }
        sort(&mut breaks);
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
        let mut counts = BTreeMap::new();
        for Judged { verdict: Verdict { outcome, .. }, .. } in &self.judged {
            if let Outcome::Expected(reason) = outcome {
                *counts.entry(reason.words().to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// (side, reason in words, rows) of everything that was kept out.
    pub fn excluded(&self) -> Vec<(Side, String, u64)> {
        let mut rows: BTreeMap<(Side, &str), u64> = BTreeMap::new();
        for ((side, reason), count) in &self.tally.excluded_rows {
            *rows.entry((*side, reason.words())).or_default() += count;
        }
        for one in &self.judged {
            if let Outcome::Excluded(reason) = one.verdict.outcome {
                for side in Side::ALL {
                    if let Some(stated) = one.facts.side(side) {
                        let count = stated.facts.rows.len() as u64 - stated.duplicate_rows;
                        *rows.entry((side, reason.words())).or_default() += count;
                    }
                }
            }
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
