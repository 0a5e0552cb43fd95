//! Which periods are due: pure, from the jobs, what was run, and what time it is. A clock that jumps changes when a
//! period is run, never how often: what is finished is not due, whatever the clock says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::exit::ExitCode;
use crate::job::{Catchup, Job, Schedule};
use crate::journal::{RunRecord, RunStatus};
use crate::period::{Period, Resolver};

/// What is known of a job's periods.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Label → what its runs came to.
    periods: BTreeMap<String, Attempts>,
    /// The earliest period that was ever tried: what lies before it was not missed.
    first: Option<String>,
}

/// What the attempts for one period came to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attempts {
    /// One of them has done its work.
    finished: bool,
    /// So many in a row have not.
    tries: u32,
    /// The latest one.
    run: String,
    status: RunStatus,
    /// When that ended; where it has not, when it began.
    at: DateTime<Utc>,
    exit_code: Option<u8>,
    /// Of the job file that it read.
    job_sha256: String,
}

impl History {
    /// That of runs in the order in which they were started; `first`: the earliest period of the job that has any.
    pub fn of(runs: &[RunRecord], first: Option<String>) -> Self {
        let mut periods = BTreeMap::<String, Attempts>::new();
        for run in runs {
            let known = periods.get(&run.period);
            let tries = if run.status.is_finished() { 0 } else { known.map_or(0, |known| known.tries) + 1 };
            let attempts = Attempts {
                finished: run.status.is_finished() || known.is_some_and(|known| known.finished),
                tries,
                run: run.id.clone(),
                status: run.status,
                at: run.finished_at.unwrap_or(run.started_at),
                exit_code: run.exit_code,
                job_sha256: run.job_sha256.clone(),
            };
            periods.insert(run.period.clone(), attempts);
        }
        Self { periods, first }
    }

    fn is_finished(&self, period: &Period) -> bool {
        self.periods.get(&period.label).is_some_and(|attempts| attempts.finished)
    }
}

/// A period that the schedule asks for and that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub job: String,
    pub period: Period,
    /// When the schedule asked for it, or, for a missed one, for the latest period.
    pub asked_at: DateTime<Utc>,
    pub todo: Todo,
    /// In words, for people.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Now.
    Run,
    /// Not before then.
    Wait(DateTime<Utc>),
    /// Not before other jobs have done theirs.
    Blocked,
    /// Not without a person, or another job file, or the schedule's next time.
    GivenUp,
}

impl Todo {
    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Wait(_) => "wait",
            Self::Blocked => "blocked",
            Self::GivenUp => "given_up",
        }
    }
}

/// What is due at one instant.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'p> {
    /// Every job of the project and its history, by name.
    pub jobs: &'p BTreeMap<String, (Job, History)>,
    pub now: DateTime<Utc>,
    /// Since when somebody watches the clock; a job that catches up with nothing runs what was asked for since.
    /// None: always.
    pub watched_since: Option<DateTime<Utc>>,
}

impl Planner<'_> {
    /// Everything that is due, job by job, each job's earliest period first.
    pub fn due(&self) -> Vec<Due> {
        self.jobs.values().flat_map(|(job, history)| self.due_of(job, history)).collect()
    }

    fn due_of(&self, job: &Job, history: &History) -> Vec<Due> {
        let Some(schedule) = &job.schedule else { return Vec::new() };
        let Some(asked_at) = schedule.last_fire(self.now) else { return Vec::new() };
        let is_watched = self.watched_since.is_none_or(|since| asked_at > since);
        if schedule.catchup == Catchup::None && !is_watched {
            return Vec::new();
        }
        let open = asked_for(job, schedule, asked_at).into_iter().filter(|period| !history.is_finished(period));
        let latest = Resolver::of(job, asked_at).last();
        // What lies before the first period that was ever tried was not missed.
        let first = history.first.as_deref().unwrap_or(&latest.label);
        open.filter(|period| period.label == latest.label || period.label.as_str() >= first)
            .map(|period| self.one(job, schedule, history, &period, asked_at))
            .collect()
    }

    fn one(&self, job: &Job, schedule: &Schedule, history: &History, period: &Period, asked_at: DateTime<Utc>) -> Due {
        let told = |todo: Todo, why: String| Due { job: job.name.clone(), period: period.clone(), asked_at, todo, why };
        if let Some(why) = self.blocked(schedule, period) {
            return told(Todo::Blocked, why);
        }
        let Some(last) = history.periods.get(&period.label) else { return told(Todo::Run, "never run".to_owned()) };
        let run = &last.run;
        if last.job_sha256 != job.digest && last.status != RunStatus::Running {
            return told(Todo::Run, format!("{run} {}; the job file is another now", ended(last)));
        }
        if let Some(times) = another_try(last) {
            let wait = schedule.retry * times;
            // A clock that was put back must not make it wait for longer than it is told to.
            let again = (last.at + wait).min(self.now + wait);
            let todo = if again <= self.now { Todo::Run } else { Todo::Wait(again) };
            return told(todo, format!("{run} {}", ended(last)));
        }
        // Each time that the schedule fires is one more try.
        let todo = if asked_at > last.at { Todo::Run } else { Todo::GivenUp };
        told(todo, format!("{run} {}", ended(last)))
    }

    /// What has to be finished before the period can be run, and is not.
    fn blocked(&self, schedule: &Schedule, period: &Period) -> Option<String> {
        schedule.after.iter().find_map(|name| {
            let Some((job, history)) = self.jobs.get(name) else {
                return Some(format!("waits for {name}, and there is no such job"));
            };
            let missing: Vec<Period> =
                within(job, period).into_iter().filter(|period| !history.is_finished(period)).collect();
            match missing.as_slice() {
                [] => None,
                [only] => Some(format!("waits for {name} {only}")),
                [first, rest @ ..] => Some(format!("waits for {name} {first} and {} more", rest.len())),
            }
        })
    }
}

/// The periods that a schedule asks for when it has fired last at an instant: the last complete one, and those before
/// it that it catches up with. The earliest first.
fn asked_for(job: &Job, schedule: &Schedule, asked_at: DateTime<Utc>) -> Vec<Period> {
    Resolver::of(job, asked_at).last_and_before(schedule.catchup.reach())
}

/// The periods of a job that lie within a period of another, by their calendar days.
fn within(job: &Job, period: &Period) -> Vec<Period> {
    Resolver::of(job, period.end).within(period)
}

/// How far back the history of each job has to reach for a plan at an instant: its own periods, and those that others
/// wait for.
pub fn earliest(jobs: &[Job], now: DateTime<Utc>) -> BTreeMap<String, Period> {
    let mut earliest = BTreeMap::<String, Period>::new();
    let mut note = |name: &str, period: Period| {
        let known = earliest.entry(name.to_owned()).or_insert_with(|| period.clone());
        if period.start < known.start {
            *known = period;
        }
    };
    for job in jobs {
        note(&job.name, Resolver::of(job, now).last());
        let Some(schedule) = &job.schedule else { continue };
        let Some(asked_at) = schedule.last_fire(now) else { continue };
        let Some(first) = asked_for(job, schedule, asked_at).into_iter().next() else { continue };
        for inner in jobs.iter().filter(|inner| schedule.after.contains(&inner.name)) {
            if let Some(needed) = within(inner, &first).into_iter().next() {
                note(&inner.name, needed);
            }
        }
        note(&job.name, first);
    }
    earliest
}

/// Jobs that wait for each other, or for one that there is not, in words.
pub fn problems(jobs: &[Job]) -> Vec<String> {
    let after = |name: &str| {
        let job = jobs.iter().find(|job| job.name == name);
        job.and_then(|job| job.schedule.as_ref()).map_or(&[][..], |schedule| schedule.after.as_slice())
    };
    let mut found = Vec::new();
    for job in jobs {
        for name in after(&job.name) {
            match jobs.iter().find(|other| other.name == *name) {
                None => found.push(format!("{}: schedule.after names `{name}`, and there is no such job", job.name)),
                Some(other) if within(other, &Resolver::of(job, DateTime::UNIX_EPOCH).last()).is_empty() => {
                    found.push(format!(
                        "{}: schedule.after names `{name}`, whose periods are longer than its own",
                        job.name
                    ));
                }
                Some(_) => {}
            }
        }
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![job.name.as_str()]);
        while let Some(name) = waiting.pop() {
            waiting.extend(after(name).iter().map(String::as_str).filter(|name| seen.insert(*name)));
        }
        if seen.contains(job.name.as_str()) {
            let circle: Vec<&str> = seen.into_iter().collect();
            found.push(format!("{}: schedule.after waits for itself by way of {}", job.name, circle.join(", ")));
        }
    }
    found
}

/// When a scheduler has to look again at the latest: when something fires, or may be tried again.
pub fn next_look(planner: &Planner<'_>, due: &[Due]) -> Option<DateTime<Utc>> {
    let schedules = planner.jobs.values().filter_map(|(job, _)| job.schedule.as_ref());
    let fires = schedules.filter_map(|schedule| schedule.next_fire(planner.now));
    let waits = due.iter().filter_map(|one| match one.todo {
        Todo::Wait(until) => Some(until),
        _ => None,
    });
    fires.chain(waits).min().map(|next| next.max(planner.now + TimeDelta::seconds(1)))
}

/// Whether the same may end otherwise later, without a person, and after how many times the wait that the schedule
/// states. An input that is not there yet, a process that was stopped, a period that somebody else is at: once. A
/// provider that does not answer, and what nobody expected: longer with each try.
fn another_try(last: &Attempts) -> Option<i32> {
    let ended_with = |code: ExitCode| last.exit_code == Some(code as u8);
    if matches!(last.status, RunStatus::Running | RunStatus::Interrupted) || ended_with(ExitCode::TryAgainLater) {
        Some(1)
    } else if ended_with(ExitCode::ProviderUnavailable) || ended_with(ExitCode::Unexpected) {
        Some(1 << last.tries.saturating_sub(1).min(4))
    } else {
        None
    }
}

fn ended(last: &Attempts) -> String {
    match (last.status, last.exit_code) {
        (RunStatus::Running, _) => "has not ended".to_owned(),
        (RunStatus::Interrupted, _) => "was interrupted".to_owned(),
        (_, Some(code)) => format!("failed ({code})"),
        (_, None) => "failed".to_owned(),
    }
}
