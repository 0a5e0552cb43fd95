//! What the overview looks up: jobs, their periods of one month, what is due, and what waits for people.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::calendar::Cell;
use super::state::State;
use crate::effects;
use crate::exit::Failure;
use crate::job::{Grain, Job};
use crate::journal::{Journal, JournalError, KnownPeriods, RunRecord, Step};
use crate::report::Figures;
use crate::review::address;
use crate::review::desk::Desk;
use crate::schedule::plan::Planner;
use crate::schedule::{histories, late};
use crate::seals::Standing;
use crate::sign_off::SignOffState;

/// How many digits tell a month: `2025-03`.
const MONTH: usize = 7;

/// One job of the overview.
#[derive(Debug)]
pub(super) struct JobShown {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) grain: Grain,
    /// Label → where it stands, of the month or the year.
    pub(super) cells: BTreeMap<String, Cell>,
    /// Whether any period of it was ever run.
    pub(super) was_run: bool,
}

/// What waits for people.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Effects to approve.
    pub(super) to_approve: u64,
    /// The periods whose plans they are, as `JOB/PERIOD`, with how many.
    pub(super) plans: Vec<(String, u64)>,
    pub(super) in_doubt: u64,
    /// The last attempts that have failed.
    pub(super) failed: Vec<RunRecord>,
}

#[derive(Debug)]
pub(super) struct Overview {
    /// Its first day.
    pub(super) month: NaiveDate,
    /// The first and the last month of which anything was run.
    pub(super) known: Option<(String, String)>,
    pub(super) jobs: Vec<JobShown>,
    /// Job files that could not be read.
    pub(super) unread: usize,
    pub(super) waiting: Waiting,
}

/// What people have put under periods.
struct Marks {
    /// As `JOB/PERIOD`.
    sealed: BTreeSet<String>,
    /// By attempt, `JOB/PERIOD/ATTEMPT`.
    signed: BTreeMap<String, SignOffState>,
}

/// Looks everything up for a month; none: the last one in which anything was run.
pub(super) async fn overview(desk: &Desk, asked: Option<NaiveDate>, now: DateTime<Utc>) -> Result<Overview, Failure> {
    let journal = desk.journal();
    let (jobs, problems) = desk.jobs().await?;
    let known = journal.known_periods().await?;
    let months = || known.iter().map(|one| (month_of(&one.first), month_of(&one.last)));
    let first = months().map(|(first, _)| first).min();
    let last = months().map(|(_, last)| last).max();
    let newest = last.as_deref().and_then(parse_month);
    let today = now.date_naive();
    let month = asked.or(newest).or_else(|| today.with_day(1)).unwrap_or(today);
    let due = due(desk, &jobs, now).await?;
    let sealed = journal.seals(None).await?;
    let sealed: BTreeSet<String> = sealed.into_iter().filter(Standing::is_sealed).map(|seal| seal.id).collect();
    // What a later attempt supersedes is of no last attempt, and so it is not told.
    let signed = journal.sign_offs(None).await?.into_iter().map(|one| (one.run, one.state)).collect();
    let marks = Marks { sealed, signed };
    let mut shown = Vec::new();
    for mut job in all_jobs(&jobs, &known) {
        let (from, to) = bounds(job.grain, month);
        job.cells = cells(journal, &job.name, (&from, &to), &marks).await?;
        for (label, state) in due.get(&job.name).into_iter().flatten() {
            let is_shown = label.len() == from.len() && (from.as_str()..=to.as_str()).contains(&label.as_str());
            // What was tried shows how that ended.
            if is_shown {
                let cell = Cell { state: *state, sealed: false, signed: None, href: None };
                job.cells.entry(label.clone()).or_insert(cell);
            }
        }
        shown.push(job);
    }
    let waiting = waiting(journal).await?;
    Ok(Overview { month, known: first.zip(last), jobs: shown, unread: problems.0.len(), waiting })
}

fn month_of(label: &str) -> String {
    label.chars().take(MONTH).collect()
}

/// The first day of `2025-03`.
pub(super) fn parse_month(text: &str) -> Option<NaiveDate> {
    let plain = text.len() == MONTH && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if plain { NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok() } else { None }
}

/// The jobs that have a file, and those that have runs; each once, by name.
fn all_jobs(jobs: &[Job], known: &[KnownPeriods]) -> Vec<JobShown> {
    let of_file = |job: &Job| JobShown {
        name: job.name.clone(),
        description: job.description.clone(),
        grain: job.grain,
        cells: BTreeMap::new(),
        was_run: known.iter().any(|one| one.job == job.name),
    };
    let mut all: BTreeMap<String, JobShown> = jobs.iter().map(|job| (job.name.clone(), of_file(job))).collect();
    for one in known {
        all.entry(one.job.clone()).or_insert_with(|| JobShown {
            name: one.job.clone(),
            description: None,
            grain: if one.last.len() == MONTH { Grain::Month } else { Grain::Day },
            cells: BTreeMap::new(),
            was_run: true,
        });
    }
    all.into_values().collect()
}

/// The labels of the first and the last period that are shown: the days of a month, or the months of its year.
fn bounds(grain: Grain, month: NaiveDate) -> (String, String) {
    match grain {
        Grain::Day => {
            let last = month.iter_days().take_while(|day| day.month() == month.month()).last().unwrap_or(month);
            (month.format("%Y-%m-%d").to_string(), last.format("%Y-%m-%d").to_string())
        }
        Grain::Month => (format!("{:04}-01", month.year()), format!("{:04}-12", month.year())),
    }
}

async fn cells(
    journal: &Journal,
    job: &str,
    (from, to): (&str, &str),
    marks: &Marks,
) -> Result<BTreeMap<String, Cell>, JournalError> {
    let runs = journal.runs_between(job, from, to).await?;
    let last: BTreeMap<String, RunRecord> = runs.into_iter().map(|run| (run.period.clone(), run)).collect();
    let labels: Vec<String> = last.keys().cloned().collect();
    let figures = figures(journal, job, &labels).await?;
    let cell = |(label, run): (String, RunRecord)| {
        let state = State::of(&run, figures.get(&label));
        let sealed = marks.sealed.contains(&format!("{job}/{label}"));
        (label, Cell { state, sealed, signed: marks.signed.get(&run.id).copied(), href: Some(address::run(&run.id)) })
    };
    Ok(last.into_iter().map(cell).collect())
}

/// The figures of the latest finished attempt of each of these periods; runs of before have none.
pub(in crate::review::pages) async fn figures(
    journal: &Journal,
    job: &str,
    labels: &[String],
) -> Result<BTreeMap<String, Figures>, JournalError> {
    if labels.is_empty() {
        return Ok(BTreeMap::new());
    }
    let marks = journal.last_marks(job, labels, Step::Reported).await?;
    let read = |mut mark: serde_json::Value| serde_json::from_value(mark.get_mut("figures")?.take()).ok();
    Ok(marks.into_iter().filter_map(|(label, mark)| Some((label, read(mark.detail)?))).collect())
}

/// Job → the periods that its schedule asks for and that are not finished.
async fn due(
    desk: &Desk,
    jobs: &[Job],
    now: DateTime<Utc>,
) -> Result<BTreeMap<String, Vec<(String, State)>>, JournalError> {
    let histories = histories(Some(desk.journal()), jobs.to_vec(), now).await?;
    let due = Planner { jobs: &histories, now, watched_since: None }.due();
    let late = late::alarms(&histories, &due, desk.project().notify.late_after, now);
    let mut found = BTreeMap::<String, Vec<(String, State)>>::new();
    for one in due {
        let is_late = late.get(&one.job).is_some_and(|late| late.iter().any(|(label, _)| *label == one.period.label));
        let state = if is_late { State::Late } else { State::Due };
        found.entry(one.job).or_default().push((one.period.label, state));
    }
    Ok(found)
}

async fn waiting(journal: &Journal) -> Result<Waiting, JournalError> {
    let counts = journal.count_effects().await?;
    let of = |state: effects::State| {
        let counts = counts.iter().filter(move |one| one.state == state.name());
        counts.map(|one| one.effects).sum::<u64>()
    };
    let mut plans = Vec::new();
    for one in counts.iter().filter(|one| one.state == effects::State::Proposed.name()) {
        let of_job = journal.plans_to_approve(&one.job).await?;
        plans.extend(of_job.into_iter().map(|(period, _, number)| (format!("{}/{period}", one.job), number)));
    }
    Ok(Waiting {
        to_approve: of(effects::State::Proposed),
        plans,
        in_doubt: of(effects::State::InDoubt),
        failed: journal.failed_periods().await?,
    })
}
