//! One job over a range of periods: which are run (`range`, `plan`: pure), and running them as one piece of work that
//! can be stopped and gone on with (`execute`).

pub mod days;
mod execute;
pub mod plan;
pub mod range;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::effects::{EffectKind, Standing, State};
use crate::exit::ExitCode;
use crate::job::Job;
use crate::journal::{BackfillRecord, EffectFilter, Journal, JournalError, PeriodEnd, PlannedPeriod, Reprocess};
use crate::period::Period;
use crate::pipeline::is_awaited;
use crate::seals;

pub use days::DaysBefore;
pub use execute::{Orders, Report, run, words};
pub use plan::{Line, Todo};

/// Which periods of a range a backfill runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    pub reprocess: Reprocess,
    /// Sealed ones, too.
    pub sealed_too: bool,
}

/// What a backfill would do now.
#[derive(Debug)]
pub struct Proposal {
    /// One of the same job, range and choice of which periods wait to be tried.
    pub continues: Option<BackfillRecord>,
    /// Every period of the range, the earliest first.
    pub lines: Vec<Line>,
    /// Effects of the periods to run that were approved and are not sent yet: their runs send them.
    pub approved: usize,
}

impl Proposal {
    /// How many periods are to be run.
    pub fn to_run(&self) -> usize {
        self.lines.iter().filter(|line| line.is_to_run()).count()
    }
}

/// What is to be done about each of the periods. None as the journal: nothing was ever run. Sealed periods are done
/// unless they are asked for. `days`: of months, the days that are run before them.
///
/// # Errors
/// When the journal cannot be read.
///
/// # Panics
/// Without periods: a range has at least one.
pub async fn propose(
    journal: Option<&Journal>,
    job: &Job,
    periods: &[Period],
    Choice { reprocess, sealed_too }: Choice,
    days: Option<&DaysBefore>,
) -> Result<Proposal, JournalError> {
    let (from, to) = match periods {
        [only] => (&only.label, &only.label),
        [first, .., last] => (&first.label, &last.label),
        [] => panic!("a range has at least one period"),
    };
    let Some(journal) = journal else {
        let lines = plan::begin(periods.to_vec(), &[], reprocess);
        return Ok(Proposal { continues: None, lines, approved: 0 });
    };
    let runs = journal.runs_between(&job.name, from, to).await?;
    let continues = journal.unfinished_backfill(&job.name, (from, to), reprocess).await?;
    let approved =
        EffectFilter { job: Some(job.name.clone()), states: vec![State::Approved], ..EffectFilter::default() };
    let mut approved_by_period = BTreeMap::<String, usize>::new();
    for standing in journal.effects(&approved).await? {
        *approved_by_period.entry(standing.effect.period).or_default() += 1;
    }
    let mut lines = match &continues {
        Some(backfill) => {
            let planned = journal.backfill_periods(backfill.id).await?;
            let ends = journal.backfill_ends(backfill.id).await?;
            plan::resume(periods.to_vec(), &planned, &ends, &runs)
        }
        None => plan::begin(periods.to_vec(), &runs, reprocess),
    };
    if continues.is_none() && reprocess == Reprocess::Missing {
        plan::with_approved(&mut lines, &approved_by_period);
        if let Some(days) = days {
            days::with_newer_days(&mut lines, &runs, days, &days::finished(journal, &days.job, periods).await?);
        }
    }
    if !sealed_too {
        let mut sealed = BTreeMap::new();
        for seal in journal.seals(Some(&job.name)).await?.into_iter().filter(seals::Standing::is_sealed) {
            sealed.insert(seal.period, journal.run(&seal.run).await?);
        }
        plan::without_sealed(&mut lines, &sealed, continues.is_some());
    }
    let to_run = lines.iter().filter(|line| line.is_to_run());
    let approved = to_run.filter_map(|line| approved_by_period.get(&line.period.label)).sum();
    Ok(Proposal { continues, lines, approved })
}

/// What runs have left to somebody else: neither is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// Effects that a person has to approve, and of how many periods they are.
    pub proposed: (usize, usize),
    /// Bulk files that the provider has told no result of yet, and of how many periods they are.
    pub awaited: (usize, usize),
}

impl Open {
    /// That of these periods of a job, as it stands now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn read(journal: &Journal, job: &Job, periods: &[PlannedPeriod]) -> Result<Self, JournalError> {
        let of_backfill: HashSet<&str> =
            periods.iter().filter(|period| period.skipped.is_none()).map(|period| period.period.as_str()).collect();
        let count = |standings: &[Standing]| {
            let meant = standings.iter().map(|standing| standing.effect.period.as_str());
            let meant: Vec<&str> = meant.filter(|period| of_backfill.contains(period)).collect();
            (meant.len(), meant.iter().collect::<HashSet<_>>().len())
        };
        let of_job = || EffectFilter { job: Some(job.name.clone()), ..EffectFilter::default() };
        let proposed = journal.effects(&EffectFilter { states: vec![State::Proposed], ..of_job() }).await?;
        let mut open = Self { proposed: count(&proposed), ..Self::default() };
        if job.sending().is_some_and(|sending| sending.confirm.is_some()) {
            let mut files = journal.effects(&EffectFilter { kind: Some(EffectKind::BulkFile), ..of_job() }).await?;
            files.retain(is_awaited);
            open.awaited = count(&files);
        }
        Ok(open)
    }
}

/// The codes from the most serious to the least: a bug, then what a person has to put right, then what the next try may
/// find better, then what was found in the data.
const BY_SERIOUSNESS: [ExitCode; 11] = [
    ExitCode::InvariantFailed,
    ExitCode::Configuration,
    ExitCode::CredentialsRefused,
    ExitCode::Unexpected,
    ExitCode::Usage,
    ExitCode::InputData,
    ExitCode::ProviderUnavailable,
    ExitCode::TryAgainLater,
    ExitCode::PersonNeeded,
    ExitCode::GateBreached,
    ExitCode::Done,
];

/// The most serious of these codes; [`ExitCode::Done`] of none.
pub fn most_serious(codes: impl Iterator<Item = u8>) -> ExitCode {
    let rank = |code: u8| {
        // A code that this program does not know is of another version: unexpected.
        let known = BY_SERIOUSNESS.iter().position(|known| *known as u8 == code);
        known.unwrap_or_else(|| rank_of(ExitCode::Unexpected))
    };
    BY_SERIOUSNESS[codes.map(rank).min().unwrap_or_else(|| rank_of(ExitCode::Done))]
}

fn rank_of(code: ExitCode) -> usize {
    BY_SERIOUSNESS.iter().position(|known| *known == code).unwrap_or(0)
}

/// How each period of a backfill ended last, by label. `ends` are in the order of the attempts.
pub fn last_ends(ends: &[PeriodEnd]) -> HashMap<&str, &PeriodEnd> {
    ends.iter().map(|end| (end.period.as_str(), end)).collect()
}
