//! What an effect's life is written on: the journal for a run, paper for a plan.

use std::collections::HashMap;

use chrono::Utc;

use crate::effects::{Event, Standing, plan};
use crate::exit::{ExitCode, Failure};
use crate::journal::{Journal, RunRecord, Writer};

/// Events of a plan in one transaction.
const PART: usize = 5_000;

/// What an effect's life is written on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Book<'a> {
    /// A run's: durable, and refused once its lease is lost.
    Journal(&'a Journal, &'a RunRecord),
    /// A plan's: nothing is kept, but earlier lives may be read.
    Paper(Option<&'a Journal>),
}

impl<'a> Book<'a> {
    pub(super) const fn journal(self) -> Option<&'a Journal> {
        match self {
            Self::Journal(journal, _) => Some(journal),
            Self::Paper(journal) => journal,
        }
    }

    /// Writes events and brings the standings up to them.
    pub(super) async fn write(self, standings: &mut Standings, events: &[(String, Event)]) -> Result<(), Failure> {
        if events.is_empty() {
            return Ok(());
        }
        match self {
            Self::Journal(journal, run) => {
                // In parts, so that the lease is renewed in between. What a kill leaves unwritten the next run plans
                // again: the plan is the same, and so are the effects.
                for part in events.chunks(PART) {
                    standings.take(journal.append(Writer::Run(run), part).await?);
                }
            }
            Self::Paper(_) => {
                let after = plan::standings_after(standings.all(), events, Utc::now());
                standings.take(after.map_err(|error| Failure::new(ExitCode::InvariantFailed, error))?);
            }
        }
        Ok(())
    }
}

/// Standings, each effect's once.
#[derive(Debug, Default)]
pub(super) struct Standings {
    all: Vec<Standing>,
    /// Effect id → its place in `all`.
    places: HashMap<String, usize>,
}

impl Standings {
    /// Adds what is new; of what is there already this is the later state.
    pub(super) fn take(&mut self, standings: impl IntoIterator<Item = Standing>) {
        for standing in standings {
            if let Some(place) = self.places.get(&standing.effect.id) {
                self.all[*place] = standing;
            } else {
                self.places.insert(standing.effect.id.clone(), self.all.len());
                self.all.push(standing);
            }
        }
    }

    pub(super) fn all(&self) -> &[Standing] {
        &self.all
    }

    pub(super) fn get(&self, id: &str) -> Option<&Standing> {
        self.places.get(id).map(|place| &self.all[*place])
    }

    pub(super) fn of(&self, ids: &[String]) -> impl Iterator<Item = &Standing> {
        ids.iter().filter_map(|id| self.get(id))
    }
}
