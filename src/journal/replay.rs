//! What the entries of the journal add up to, thing by thing, held against the rows that say where each stands. Pure.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use super::verify_words::text;
use crate::text::visible;

/// What the entries of one thing add up to.
#[derive(Debug)]
pub(super) struct Replayed<S> {
    pub(super) standing: S,
    pub(super) last_sequence: i64,
    pub(super) last_hash: String,
    /// How many entries that are.
    pub(super) entries: usize,
    /// Its row was there.
    seen: bool,
}

/// All things of one sort, as far as their entries were read.
#[derive(Debug)]
pub(super) struct Replay<S> {
    things: HashMap<String, Replayed<S>>,
    /// Those of which a step could not be followed: their rows cannot be judged any more.
    lost: HashSet<String>,
}

impl<S> Default for Replay<S> {
    fn default() -> Self {
        Self { things: HashMap::new(), lost: HashSet::new() }
    }
}

impl<S> Replay<S> {
    pub(super) fn count(&self) -> u64 {
        (self.things.len() + self.lost.len()) as u64
    }

    /// Nothing more can be said of this one; it has its finding.
    pub(super) fn lose(&mut self, id: &str) {
        self.things.remove(id);
        self.lost.insert(id.to_owned());
    }

    pub(super) fn is_lost(&self, id: &str) -> bool {
        self.lost.contains(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&S> {
        self.things.get(id).map(|replayed| &replayed.standing)
    }

    /// One step more; `at` is the sequence and hash of the row. The error says what is wrong.
    pub(super) fn step<E: Display>(
        &mut self,
        id: &str,
        at: &(i64, String),
        apply: impl FnOnce(Option<&S>) -> Result<S, E>,
    ) -> Result<(), String> {
        if self.is_lost(id) {
            return Ok(());
        }
        match apply(self.get(id)) {
            Ok(standing) => {
                let (last_sequence, last_hash) = at.clone();
                let entries = self.things.get(id).map_or(1, |before| before.entries + 1);
                self.things
                    .insert(id.to_owned(), Replayed { standing, last_sequence, last_hash, entries, seen: false });
                Ok(())
            }
            Err(illegal) => {
                self.lose(id);
                Err(visible(&illegal.to_string()).into_owned())
            }
        }
    }

    /// What the row of this id has to say; none where nothing can be said of it. The error says what is wrong.
    pub(super) fn see(&mut self, id: &[u8]) -> Result<Option<&Replayed<S>>, String> {
        let id = text(id);
        if self.is_lost(&id) {
            return Ok(None);
        }
        let Some(replayed) = self.things.get_mut(&id) else { return Err("no entry speaks of it".to_owned()) };
        if replayed.seen {
            return Err("it is there twice".to_owned());
        }
        replayed.seen = true;
        Ok(Some(replayed))
    }

    /// By id, in order.
    pub(super) fn all(&self) -> Vec<(&str, &S)> {
        let mut all: Vec<_> = self.things.iter().map(|(id, replayed)| (id.as_str(), &replayed.standing)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// Those whose row was not there, by id, in order.
    pub(super) fn unseen(&self) -> Vec<(&str, &S)> {
        let mut all = self.all();
        all.retain(|(id, _)| !self.things[*id].seen);
        all
    }
}
