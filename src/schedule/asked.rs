//! What a job's schedule asks of one run that was started by something else than our own scheduler.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::plan::{History, Planner, Todo};
use crate::job::Job;
use crate::period::Period;

/// A name that ends with a minute further away than this was given by a person.
const PLAUSIBLE: TimeDelta = TimeDelta::days(8);

/// What is to be run, the earliest first, and why the rest is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub periods: Vec<Period>,
    /// The first period that has to wait for other jobs, and for what.
    pub blocked: Option<(Period, String)>,
}

/// What the schedule of a job asks for at an instant and is not finished. Whoever starts the run has decided that it is
/// time to try: only other jobs hold it back. A job without a schedule asks for nothing.
pub fn asked(jobs: &BTreeMap<String, (Job, History)>, job: &str, at: DateTime<Utc>) -> Asked {
    let planner = Planner { jobs, now: at, watched_since: None };
    let mut asked = Asked { periods: Vec::new(), blocked: None };
    for due in planner.due().into_iter().filter(|due| due.job == job) {
        match due.todo {
            Todo::Blocked => asked.blocked = asked.blocked.or(Some((due.period, due.why))),
            Todo::Run | Todo::Wait(_) | Todo::GivenUp => asked.periods.push(due.period),
        }
    }
    asked
}

/// The time for which a CronJob of Kubernetes has made a Job: its name ends with the minutes since 1970 (the controller
/// names it so that no time gets two Jobs). None where the name says nothing of the kind, or a time far from `now`.
pub fn made_for(job_name: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (_, minutes) = job_name.rsplit_once('-')?;
    let digits = (8..=10).contains(&minutes.len()) && minutes.bytes().all(|byte| byte.is_ascii_digit());
    let minutes: i64 = minutes.parse().ok().filter(|_| digits)?;
    let time = DateTime::from_timestamp(minutes.checked_mul(60)?, 0)?;
    ((time - now).abs() <= PLAUSIBLE).then_some(time)
}
