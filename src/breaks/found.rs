//! What a run has found, as far as lives go by it: sightings by the million, each put together where it is looked at.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::sighting::{Sighted, Sighting};
use super::sighting::{of_pair, short};
use super::{Breaks, Suggestion};

/// Each id once, in the order of the breaks, suggestions last.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The period's label.
    period: String,
    seen_at: DateTime<Utc>,
    breaks: Breaks,
    /// Place → what several findings of one id are together.
    merged: HashMap<usize, Sighting>,
    /// Those behind the breaks.
    others: Vec<Sighted>,
}

/// What a run has found in a period. `seen_at`: the time that its report states.
pub fn sightings(period: &str, seen_at: DateTime<Utc>, breaks: &Breaks, suggestions: &[Suggestion]) -> Found {
    let pair = |pair: &Suggestion| Sighted { id: pair.id.clone(), facts: of_pair(period, seen_at, pair).into() };
    let mut found = Found {
        period: period.to_owned(),
        seen_at,
        breaks: breaks.clone(),
        merged: HashMap::new(),
        others: suggestions.iter().map(pair).collect(),
    };
    found.merge();
    found
}

impl Found {
    pub fn len(&self) -> usize {
        self.breaks.len() + self.others.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// # Panics
    /// Where there are fewer; so do the others.
    pub fn id(&self, place: usize) -> &str {
        match place.checked_sub(self.breaks.len()) {
            Some(behind) => &self.others[behind].id,
            None => self.breaks.head(place).id(),
        }
    }

    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|place| self.id(place))
    }

    /// # Panics
    /// See [`Self::id`].
    pub fn get(&self, place: usize) -> Sighted {
        if let Some(behind) = place.checked_sub(self.breaks.len()) {
            return self.others[behind].clone();
        }
        let id = self.breaks.head(place).id().to_owned();
        let facts = self.merged.get(&place).cloned().unwrap_or_else(|| self.alone(place));
        Sighted { id, facts: facts.into() }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Sighted> + '_ {
        (0..self.len()).map(|place| self.get(place))
    }

    fn alone(&self, place: usize) -> Sighting {
        let head = self.breaks.head(place);
        Sighting {
            period: self.period.clone(),
            seen_at: self.seen_at,
            kind: Some(head.kind),
            key: head.key().to_owned(),
            currency: head.currency.to_owned(),
            measure: head.measure,
            at_risk_minor: head.at_risk_minor,
            detail: head.detail().to_owned(),
            digest: crate::digest::hex(head.digest()),
        }
    }

    /// Two findings of one rule about a key are one break: its facts are those of both.
    fn merge(&mut self) {
        let hasher = RandomState::new();
        let hash = |place| (hasher.hash_one(self.breaks.head(place).id()), place);
        let mut by_hash: Vec<(u64, usize)> = (0..self.breaks.len()).into_par_iter().map(hash).collect();
        by_hash.par_sort_unstable();
        let mut gone = Vec::new();
        let mut merged = HashMap::<usize, Sighting>::new();
        for alike in by_hash.chunk_by(|left, right| left.0 == right.0).filter(|alike| alike.len() > 1) {
            let mut firsts = HashMap::<&str, usize>::new();
            for (_, place) in alike {
                let first = *firsts.entry(self.breaks.head(*place).id()).or_insert(*place);
                if first == *place {
                    continue;
                }
                let facts = self.alone(*place);
                let known = merged.entry(first).or_insert_with(|| self.alone(first));
                known.digest = short(&format!("{} {}", known.digest, facts.digest));
                known.detail = format!("{}; {}", known.detail, facts.detail);
                gone.push(*place);
            }
        }
        gone.sort_unstable();
        let moved = |place: usize| place - gone.partition_point(|gone| *gone < place);
        self.merged = merged.into_iter().map(|(place, facts)| (moved(place), facts)).collect();
        self.breaks = std::mem::take(&mut self.breaks).without(&gone);
    }
}

impl From<Vec<Sighted>> for Found {
    fn from(others: Vec<Sighted>) -> Self {
        Self { others, ..Self::default() }
    }
}

impl FromIterator<Sighted> for Found {
    fn from_iter<I: IntoIterator<Item = Sighted>>(found: I) -> Self {
        found.into_iter().collect::<Vec<_>>().into()
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Found {}
