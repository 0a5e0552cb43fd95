//! Which due periods are late: pure.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Due, History};
use crate::job::Job;
use crate::notify::judge::{self, Alarm};

/// When the schedule asked for a period first, where it is not finished by `after` later; none: it is in time.
fn since(job: &Job, due: &Due, after: Duration, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let schedule = job.schedule.as_ref()?;
    // The first time that it fires at or after the period's end.
    let asked = schedule.next_fire(due.period.end - TimeDelta::seconds(1))?;
    let limit = asked + TimeDelta::from_std(after).unwrap_or(TimeDelta::MAX);
    (limit < now).then_some(asked)
}

/// What is to be told of late periods: by job, the earliest period first.
pub fn alarms(
    jobs: &BTreeMap<String, (Job, History)>,
    due: &[Due],
    after: Duration,
    now: DateTime<Utc>,
) -> BTreeMap<String, Vec<(String, Alarm)>> {
    let mut alarms = BTreeMap::<String, Vec<(String, Alarm)>>::new();
    for one in due {
        let Some((job, _)) = jobs.get(&one.job) else { continue };
        let Some(asked) = since(job, one, after, now) else { continue };
        let label = &one.period.label;
        alarms.entry(one.job.clone()).or_default().push((label.clone(), judge::late(&one.job, label, asked, &one.why)));
    }
    alarms
}
