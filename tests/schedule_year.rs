//! A scheduler on a clock that is not real: a year with both changes of clocks, missed hours, clocks put forward and
//! back, inputs that come late and processes that die. Each period is run to its end exactly once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tieout::exit::ExitCode;
use tieout::job::Job;
use tieout::journal::RunRecord;
use tieout::period::Period;
use tieout::schedule::Todo;
use tieout::schedule::plan::{self, Planner};

use crate::schedule_plan::{jobs, run, world};
use crate::support::utc;

/// What happens to the machine.
#[derive(Debug, Clone)]
struct Weather {
    /// From when, for how long nobody is there to run anything.
    outages: Vec<(DateTime<Utc>, TimeDelta)>,
    /// From when, by how much the clock is wrong, for how long.
    wrong_clocks: Vec<(DateTime<Utc>, TimeDelta, TimeDelta)>,
    /// Of so many tries one ends before its time.
    fails_one_in: u64,
}

impl Weather {
    fn is_out(&self, at: DateTime<Utc>) -> bool {
        self.outages.iter().any(|(from, length)| *from <= at && at < *from + *length)
    }

    fn shown(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let wrong = self.wrong_clocks.iter().find(|(from, _, length)| *from <= at && at < *from + *length);
        wrong.map_or(at, |(_, by, _)| at + *by)
    }
}

/// Lives through the time as `serve` does: looks, begins what is due, sleeps until the next thing or for some hours.
fn live(jobs: &[Job], from: DateTime<Utc>, until: DateTime<Utc>, weather: &Weather) -> Vec<RunRecord> {
    let mut runs: Vec<RunRecord> = Vec::new();
    let mut at = from;
    let mut tries = 0_u64;
    while at < until {
        if weather.is_out(at) {
            at += TimeDelta::minutes(10);
            continue;
        }
        let now = weather.shown(at);
        // As the journal is asked: not farther back than a plan looks.
        let since = runs.partition_point(|run| run.started_at < now - TimeDelta::days(75));
        let known = world(jobs.to_vec(), &runs[since..]);
        let planner = Planner { jobs: &known, now, watched_since: None };
        let due = planner.due();
        let next = plan::next_look(&planner, &due);
        for one in due.iter().filter(|one| one.todo == Todo::Run) {
            tries += 1;
            let code = match tries % weather.fails_one_in {
                0 if tries.is_multiple_of(2) => Some(ExitCode::TryAgainLater),
                0 => None,
                _ => Some(ExitCode::Done),
            };
            runs.push(run(&known[&one.job].0, &one.period.label, code, now));
        }
        let nap = next.map_or(TimeDelta::hours(4), |next| next - now).min(TimeDelta::hours(4));
        at += nap.max(TimeDelta::seconds(1));
    }
    runs
}

/// Label → how often it was run to its end.
fn finished(runs: &[RunRecord], job: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for run in runs.iter().filter(|run| run.job == job && run.status.is_finished()) {
        *found.entry(run.period.clone()).or_default() += 1;
    }
    found
}

fn once_each(first: &str, last: &str, job: &Job) -> BTreeMap<String, usize> {
    let parse = |label: &str| Period::parse(label, job.grain, job.zone).unwrap();
    let (first, last) = (parse(first), parse(last));
    let all = std::iter::successors(Some(first), |period| Some(period.next()));
    all.take_while(|period| period.start <= last.start).map(|period| (period.label, 1)).collect()
}

const WRITTEN: [(&str, &str, &str); 3] = [
    ("daily", "day", "{cron: \"45 9 * * *\", timezone: America/New_York, catchup: 7}"),
    // Within the hours that the clocks skip and repeat.
    ("nightly", "day", "{cron: \"30 1,2 * * *\", timezone: America/New_York, catchup: 7}"),
    ("monthly", "month", "{cron: \"30 17 15-20 * *\", timezone: America/New_York, catchup: 1, after: [daily]}"),
];

#[test]
fn in_a_year_each_period_is_run_exactly_once() {
    let jobs = jobs(&WRITTEN);
    let day = TimeDelta::days(1);
    let weather = Weather {
        outages: vec![
            (utc("2025-03-08T20:00:00Z"), TimeDelta::hours(14)),
            (utc("2025-06-14T00:00:00Z"), TimeDelta::days(5)),
            (utc("2025-11-02T04:00:00Z"), TimeDelta::hours(6)),
        ],
        wrong_clocks: vec![
            (utc("2025-04-10T12:00:00Z"), day, TimeDelta::hours(5)),
            (utc("2025-08-20T12:00:00Z"), -day, TimeDelta::hours(30)),
            (utc("2025-11-02T05:30:00Z"), TimeDelta::hours(-1), TimeDelta::hours(1)),
        ],
        fails_one_in: 7,
    };
    let runs = live(&jobs, utc("2025-01-02T00:00:00Z"), utc("2026-01-21T00:00:00Z"), &weather);
    for job in jobs.iter().filter(|job| job.name != "monthly") {
        let expected = once_each("2024-12-31", "2026-01-19", job);
        let mut found = finished(&runs, &job.name);
        found.retain(|label, _| expected.contains_key(label));
        assert_eq!(found, expected, "{}", job.name);
    }
    let monthly = jobs.iter().find(|job| job.name == "monthly").unwrap();
    assert_eq!(finished(&runs, "monthly"), once_each("2025-01", "2025-12", monthly));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// Whatever happens, as long as no outage is longer than what the schedule catches up with.
    #[test]
    fn whatever_the_weather_nothing_is_run_twice_and_nothing_is_left_out(
        outages in prop::collection::vec((0_i64..80, 1_i64..130), 0..6),
        steps in prop::collection::vec((0_i64..80, -26_i64..=26, 1_i64..40), 0..4),
        fails_one_in in 2_u64..9,
    ) {
        let from = utc("2025-02-10T00:00:00Z");
        let at = |day: i64| from + TimeDelta::days(day);
        let mut outages = outages;
        outages.sort_unstable();
        // What lies apart stays apart: together they must not be longer than a week.
        outages.dedup_by_key(|(day, _)| *day / 14);
        let weather = Weather {
            outages: outages.iter().map(|(day, hours)| (at(*day), TimeDelta::hours(*hours))).collect(),
            wrong_clocks: steps.iter().map(|(day, by, hours)| (at(*day), TimeDelta::hours(*by), TimeDelta::hours(*hours))).collect(),
            fails_one_in,
        };
        let jobs = jobs(&WRITTEN[..1]);
        let runs = live(&jobs, from, at(100), &weather);
        let found = finished(&runs, "daily");
        prop_assert!(found.values().all(|times| *times == 1), "{found:?}");
        let first = found.keys().next().unwrap().clone();
        let expected = once_each(&first, "2025-05-18", &jobs[0]);
        for label in expected.keys() {
            prop_assert!(found.contains_key(label), "{label} was never run");
        }
    }
}
