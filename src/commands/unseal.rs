//! `tieout unseal`: opens a sealed period again, unless a later sealed one rests on it.

use std::fs::File;
use std::io::BufReader;

use chrono_tz::Tz;

use super::Context;
use super::person::person;
use super::seal::{SealError, decided};
use crate::cli::UnsealArgs;
use crate::exit::{ExitCode, Failure};
use crate::job::Grain;
use crate::journal::NewSeal;
use crate::objects::Artifacts;
use crate::output::{Cell, Rows};
use crate::period::Period;
use crate::report::{ADJUSTMENTS_FILE, RECEIVABLE_FILE};
use crate::seals::adjustments::read_list;
use crate::seals::{Event, Standing};

/// Why a later sealed period rests on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rests {
    /// The month after it opens with its closing balance.
    Opening { run: String },
    /// It has taken in adjustments of this period.
    Booked { run: String, period: String },
}

impl std::fmt::Display for Rests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Opening { run } => write!(f, "the sealed run {run} opens with its closing balance"),
            Self::Booked { run, period } => write!(f, "the sealed run {run} has booked adjustments of {period}"),
        }
    }
}

/// Opens a period again.
///
/// # Errors
/// When it is not sealed, a later sealed one rests on it, or nobody is named.
pub async fn run(mut context: Context, args: UnsealArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let kept = context.load_project()?.kept();
    let (job, period) = (args.job, args.period);
    let not_sealed = || SealError::NotSealed { job: job.clone(), period: period.clone() };
    let journal = context.write_journal().await?.ok_or_else(not_sealed)?;
    let seals: Vec<Standing> = journal.seals(Some(&job)).await?.into_iter().filter(Standing::is_sealed).collect();
    let seal = seals.iter().find(|seal| seal.period == period).ok_or_else(not_sealed)?;
    for later in seals.iter().filter(|later| later.period > period) {
        if let Some(rests) = rests_on(seal, later, &kept).await? {
            let later = later.period.clone();
            return Err(SealError::RestsOn { job: job.clone(), period: period.clone(), rests, later }.into());
        }
    }
    let event = Event::Unsealed { by, reason: args.reason };
    let decision = NewSeal { job: job.clone(), period: period.clone(), latest_run: None, event };
    let after = decided(&journal, &[decision]).await?;
    journal.close().await?;
    tracing::info!("{period} of {job} is open again; what was an adjustment of a later period is its own once more");
    let mut rows = Rows::new(&["job", "period", "state", "run", "at", "by", "reason"]);
    for seal in &after {
        let [job, period, state, run] = [&*seal.job, &*seal.period, seal.state.name(), &*seal.run].map(Cell::text);
        rows.push(vec![job, period, state, run, Cell::Time(seal.at), Cell::text(&*seal.by), Cell::text(&*seal.reason)]);
    }
    context.output.rows(&rows)?;
    Ok(ExitCode::Done)
}

/// Whether what is signed off of a later period would no longer be true.
async fn rests_on(seal: &Standing, later: &Standing, kept: &Artifacts) -> Result<Option<Rests>, Failure> {
    let run = later.run.clone();
    let month = |label: &str| Period::parse(label, Grain::Month, Tz::UTC).ok();
    let next = month(&seal.period).map(|month| month.next().label);
    if later.files.contains_key(RECEIVABLE_FILE) && next.as_ref() == Some(&later.period) {
        return Ok(Some(Rests::Opening { run }));
    }
    if !later.files.contains_key(ADJUSTMENTS_FILE) {
        return Ok(None);
    }
    let path = kept.bring(&run).await?.join(ADJUSTMENTS_FILE);
    let list = File::open(&path).map(BufReader::new).and_then(read_list);
    let list = list.map_err(|source| SealError::NoList { run: run.clone(), path, source })?;
    // Of a period before it, too: open in between, this one would take them in itself.
    let booked = list.into_iter().find(|one| one.period <= seal.period);
    Ok(booked.map(|one| Rests::Booked { run, period: one.period }))
}
