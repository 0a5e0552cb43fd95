//! The life of what a run finds: read before the effects are planned, told in the report, recorded at the end.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Request, cleared};
use crate::breaks::age::last_day;
use crate::breaks::carry_judge::{self, ClosedBy};
use crate::breaks::found::sightings;
use crate::breaks::life::{Evidence, Standing};
use crate::breaks::observe::{self, Observation, Outline};
use crate::breaks::{BreakStatus, RowRef, Suggestion};
use crate::effects;
use crate::effects::news;
use crate::exit::{ExitCode, Failure};
use crate::frames::Side;
use crate::journal::{Journal, RunRecord};
use crate::report::Facts;
use crate::report::lives;

/// What this run has found, and where that stood before it.
#[derive(Debug)]
pub(super) struct Lives {
    observation: Observation,
    known: HashMap<String, Standing>,
    /// Where stands what more is found and said of so far than that it is there for the first time.
    now: HashMap<String, Standing>,
    run_time: DateTime<Utc>,
    /// The last day of the period.
    as_of: NaiveDate,
}

/// The breaks of other periods that this run's files clear or replace, with the row that does.
fn carried(facts: &Facts) -> Vec<(String, Evidence)> {
    let Some(carried) = &facts.carried else { return Vec::new() };
    let row = |side: Side, row: RowRef| {
        let file = facts.inputs.iter().filter(|input| input.side == side).nth(row.file as usize);
        let file = file.map(|input| input.name.clone()).unwrap_or_default();
        Evidence::Row { period: facts.period.label.clone(), side, file, line: row.line }
    };
    let evidence = |by: ClosedBy| match by {
        ClosedBy::Row(side, place) => row(side, place),
        ClosedBy::Together(period) => Evidence::Together { period },
    };
    let closed = carry_judge::closed(&facts.job.name, &carried.items, &carried.replaced).into_iter();
    closed.map(|(id, by)| (id, evidence(by))).collect()
}

impl Lives {
    /// Takes everything found, before anything is left out of the facts. `journal`: none for a plan of what was never
    /// run.
    pub(super) async fn read(request: &Request, journal: Option<&Journal>, facts: &Facts) -> Result<Self, Failure> {
        let (job, period) = (&request.job.name, &request.period.label);
        let pair = |pair: &Suggestion| pair.keys.iter().map(|key| (key.clone(), pair.id.clone())).collect::<Vec<_>>();
        let mut observation = Observation {
            job: job.clone(),
            period: period.clone(),
            found: sightings(period, request.run_time, &facts.breaks, &facts.suggestions),
            changed_inputs: facts.changes.as_ref().map(|changes| changes.changed_inputs.clone()).unwrap_or_default(),
            paired: facts.suggestions.iter().flat_map(pair).collect(),
            cleared: carried(facts),
            ..Observation::default()
        };
        observation.cleared.extend(cleared::by_this_month(journal, request, facts).await?);
        let mut known = HashMap::new();
        if let Some(journal) = journal {
            known = journal.lives_of(&observation).await?;
        }
        observation.cleared_later = cleared::by_later_months(journal, request, facts, &known).await?;
        let as_of = last_day(period).unwrap_or(request.period.first_day);
        let mut lives = Self { observation, known, now: HashMap::new(), run_time: request.run_time, as_of };
        lives.look()?;
        Ok(lives)
    }

    fn look(&mut self) -> Result<(), Failure> {
        // What is only found for the first time stands as all of its kind: it is not held one by one.
        let eventful = Outline::of(&self.observation, &self.known).eventful;
        if eventful.is_empty() {
            self.now = HashMap::new();
            return Ok(());
        }
        let steps = observe::each_step(&self.observation, &self.known).filter(|(id, _)| eventful.contains(id));
        let after = observe::after(&self.known, steps, self.run_time);
        self.now = after.map_err(|error| Failure::new(ExitCode::InvariantFailed, error))?;
        Ok(())
    }

    /// None for what is found for the first time.
    fn life(&self, id: &str) -> Option<&Standing> {
        self.now.get(id).or_else(|| self.known.get(id))
    }

    /// For planning what to ask of the provider: nothing is asked for what a person has closed. What audits have said
    /// of the others, the plan knows from them.
    pub(super) fn before_planning(&self, facts: &mut Facts) {
        facts.breaks.set_statuses(|found| {
            let closed = self.life(found.id()).filter(|standing| standing.is_closed_by_person());
            closed.map_or(BreakStatus::Open, |standing| standing.status)
        });
    }

    /// Tells the facts how everything stands, with what audits say.
    pub(super) fn tell(
        &mut self,
        request: &Request,
        facts: &mut Facts,
        audits: &[effects::Standing],
    ) -> Result<(), Failure> {
        let disputes = news::disputes(audits);
        if self.observation.disputes != disputes {
            self.observation.disputes = disputes;
            self.look()?;
        }
        lives::tell(facts, &request.job.gates, self.as_of, |id| self.life(id));
        lives::accept(facts, |id| self.life(id));
        Ok(())
    }

    /// Records what was found. What a killed run has not recorded the next one does.
    pub(super) async fn record(&self, journal: &Journal, run: &RunRecord) -> Result<(), Failure> {
        let events = journal.observe(run, &self.observation, self.run_time).await?;
        tracing::debug!(events, "breaks recorded");
        Ok(())
    }
}
