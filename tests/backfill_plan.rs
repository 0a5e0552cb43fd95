//! Which periods a backfill resolves to, and what it would do about each: pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use tieout::backfill::{Line, Todo, most_serious, plan, range};
use tieout::exit::ExitCode;
use tieout::job::Grain;
use tieout::journal::{PeriodEnd, PlannedPeriod, Reprocess, RunRecord, RunStatus};
use tieout::period::Period;

use crate::support::{chain, day, utc};

fn now() -> DateTime<Utc> {
    utc("2025-03-20T09:00:00Z")
}

fn labels(from: &str, to: &str, grain: Grain, zone: &str) -> Vec<String> {
    let periods = range::resolve(from, to, grain, zone.parse().unwrap(), now()).unwrap();
    periods.into_iter().map(|period| period.label).collect()
}

#[test]
fn a_range_has_both_its_ends() {
    assert_eq!(labels("2025-03-19", "2025-03-19", Grain::Day, "UTC"), ["2025-03-19"]);
    assert_eq!(labels("2024-02-28", "2024-03-01", Grain::Day, "UTC"), ["2024-02-28", "2024-02-29", "2024-03-01"]);
    assert_eq!(labels("2024-11", "2025-02", Grain::Month, "UTC"), ["2024-11", "2024-12", "2025-01", "2025-02"]);
    // Where the clocks change, days stay days; a day that the zone skipped is none.
    assert_eq!(labels("2025-03-08", "2025-03-10", Grain::Day, "America/New_York").len(), 3);
    assert_eq!(labels("2011-12-29", "2011-12-31", Grain::Day, "Pacific/Apia"), ["2011-12-29", "2011-12-31"]);
    assert_eq!(labels("2015-01-01", "2025-02-16", Grain::Day, "UTC").len(), range::MOST_PERIODS);
}

#[test]
fn a_range_that_cannot_be_run_is_refused_in_words() {
    use Grain::{Day, Month};
    let cases = [
        (
            ("2025-03-19", "2025-03-18"),
            Day,
            "UTC",
            "--from 2025-03-19 lies after --to 2025-03-18; the earlier one comes first: --from 2025-03-18 --to 2025-03-19",
        ),
        (
            ("2025-03-19", "2025-03-20"),
            Day,
            "UTC",
            "2025-03-20 is not over yet: it ends at 2025-03-21T00:00:00Z; the last complete one is 2025-03-19: --to 2025-03-19",
        ),
        (
            ("2025-03-20", "2025-03-21"),
            Day,
            "UTC",
            "2025-03-20 is not over yet: it ends at 2025-03-21T00:00:00Z; the last complete one is 2025-03-19",
        ),
        // In New York it is over at 04:00 in UTC.
        (
            ("2025-03-19", "2025-03-20"),
            Day,
            "America/New_York",
            "2025-03-20 is not over yet: it ends at 2025-03-21T04:00:00Z; the last complete one is 2025-03-19: --to 2025-03-19",
        ),
        (
            ("2025-01", "2025-03"),
            Month,
            "UTC",
            "2025-03 is not over yet: it ends at 2025-04-01T00:00:00Z; the last complete one is 2025-02: --to 2025-02",
        ),
        (
            ("2025-03-19", "2025-02"),
            Month,
            "UTC",
            "--from: \"2025-03-19\" is a day, but the job's period is a month; expected YYYY-MM: 2025-03",
        ),
        (
            ("2025-03-01", "2025-03"),
            Day,
            "UTC",
            "--to: \"2025-03\" is a month, but the job's period is a day; expected YYYY-MM-DD, such as 2025-03-01",
        ),
        (("yesterday", "2025-03-01"), Day, "UTC", "--from: \"yesterday\" is not a day; expected YYYY-MM-DD"),
        (
            ("2011-12-30", "2012-01-01"),
            Day,
            "Pacific/Apia",
            "--from: \"2011-12-30\" has no instant in Pacific/Apia: clocks were put forward over the whole day",
        ),
        (
            ("2015-01-01", "2025-02-17"),
            Day,
            "UTC",
            "2015-01-01 to 2025-02-17 are more than 3700 days; do a part first: --from 2015-01-01 --to 2025-02-16",
        ),
        (
            ("0001-01", "2025-01"),
            Month,
            "UTC",
            "0001-01 to 2025-01 are more than 3700 months; do a part first: --from 0001-01 --to 0309-04",
        ),
    ];
    for ((from, to), grain, zone, message) in cases {
        let error = range::resolve(from, to, grain, zone.parse().unwrap(), now()).unwrap_err();
        assert_eq!(chain(&error), message, "{from} to {to}");
    }
}

fn run(period: &str, attempt: u32, status: RunStatus, code: Option<ExitCode>) -> RunRecord {
    RunRecord {
        id: format!("rewards/{period}/{attempt}"),
        job: "rewards".to_owned(),
        period: period.to_owned(),
        attempt,
        note: None,
        job_sha256: "ab".repeat(32),
        program_version: "0.1.0".to_owned(),
        sandbox: false,
        started_at: now(),
        status,
        exit_code: code.map(|code| code as u8),
        breaks: Some(2),
        rows: Some(6),
        ties_out: Some(code != Some(ExitCode::InvariantFailed)),
        message: None,
        finished_at: Some(now()),
        artifacts: None,
        started_by: Some("dana".to_owned()),
        lease_epoch: Some(1),
    }
}

/// What becomes of a day with these runs: to be run?, the words, the attempts known.
fn of_day(runs: &[(RunStatus, Option<ExitCode>)], reprocess: Reprocess) -> (bool, String, u32) {
    let runs: Vec<_> =
        (1..).zip(runs).map(|(attempt, (status, code))| run("2025-03-19", attempt, *status, *code)).collect();
    let line = plan::begin(vec![day("2025-03-19")], &runs, reprocess).pop().unwrap();
    (line.is_to_run(), line.why, line.known_attempts)
}

/// Its runs; whether it is run as missing, as failed; the words.
type Case<'a> = (&'a [(RunStatus, Option<ExitCode>)], [bool; 2], [&'a str; 2]);

#[test]
fn what_is_missing_what_has_failed_and_all() {
    use RunStatus::{Done, Failed, GateBreached, Interrupted, Running};
    let done = (Done, Some(ExitCode::Done));
    let unsent = (Done, Some(ExitCode::TryAgainLater));
    let failed = (Failed, Some(ExitCode::InputData));
    let cases: &[Case<'_>] = &[
        (&[], [true, false], ["never run"; 2]),
        (&[done], [false, false], ["done by rewards/2025-03-19/1"; 2]),
        (&[(GateBreached, Some(ExitCode::GateBreached))], [false, false], ["done by rewards/2025-03-19/1"; 2]),
        (&[(Done, Some(ExitCode::PersonNeeded))], [false, false], ["done by rewards/2025-03-19/1"; 2]),
        (&[failed], [true, true], ["rewards/2025-03-19/1 failed (65)"; 2]),
        (&[(Interrupted, Some(ExitCode::TryAgainLater))], [true, true], ["rewards/2025-03-19/1 was interrupted"; 2]),
        (&[(Running, None)], [true, true], ["rewards/2025-03-19/1 has not ended"; 2]),
        (&[unsent], [true, true], ["rewards/2025-03-19/1 left something unsent (75)"; 2]),
        (
            &[(GateBreached, Some(ExitCode::ProviderUnavailable))],
            [true, true],
            ["rewards/2025-03-19/1 left something unsent (69)"; 2],
        ),
        (&[(Done, Some(ExitCode::InvariantFailed))], [true, true], ["rewards/2025-03-19/1 does not tie out (70)"; 2]),
        // A finished run is one, even where a later try went wrong; a later one that left something unsent is not.
        (&[done, failed], [false, true], ["done by rewards/2025-03-19/1", "rewards/2025-03-19/2 failed (65)"]),
        (&[done, unsent], [true, true], ["rewards/2025-03-19/2 left something unsent (75)"; 2]),
        (&[unsent, failed], [true, true], ["rewards/2025-03-19/2 failed (65)"; 2]),
        (&[failed, done], [false, false], ["done by rewards/2025-03-19/2"; 2]),
    ];
    for (runs, to_run, why) in cases {
        let known = u32::try_from(runs.len()).unwrap();
        for (at, reprocess) in [Reprocess::Missing, Reprocess::Failed].into_iter().enumerate() {
            let expected = (to_run[at], why[at].to_owned(), known);
            assert_eq!(of_day(runs, reprocess), expected, "{runs:?} {reprocess:?}");
        }
        assert!(of_day(runs, Reprocess::All).0, "{runs:?}");
    }
}

fn planned(period: &str, known_attempts: u32, skipped: Option<&str>) -> PlannedPeriod {
    PlannedPeriod { period: period.to_owned(), known_attempts, skipped: skipped.map(str::to_owned) }
}

fn end(attempt: u32, run: &RunRecord) -> PeriodEnd {
    PeriodEnd {
        attempt,
        period: run.period.clone(),
        status: run.status,
        well: run.ended_well(),
        found: false,
        run: Some(run.id.clone()),
        exit_code: run.exit_code.unwrap(),
        breaks: run.breaks,
        message: None,
        begun_at: now(),
        ended_at: now(),
    }
}

#[test]
fn gone_on_with_only_what_has_not_ended_well_is_run() {
    use RunStatus::{Done, Failed, Interrupted};
    let periods: Vec<Period> = (11..=16).map(|number| day(&format!("2025-03-{number}"))).collect();
    let lines = [
        planned("2025-03-11", 1, Some("done by rewards/2025-03-11/1")),
        planned("2025-03-12", 1, None),
        planned("2025-03-13", 0, None),
        planned("2025-03-14", 1, None),
        planned("2025-03-15", 1, None),
        planned("2025-03-16", 0, None),
    ];
    let runs = [
        run("2025-03-12", 1, Done, Some(ExitCode::Done)),
        run("2025-03-14", 1, Done, Some(ExitCode::Done)),
        run("2025-03-15", 1, Done, Some(ExitCode::Done)),
        run("2025-03-12", 2, Done, Some(ExitCode::GateBreached)),
        run("2025-03-13", 1, Failed, Some(ExitCode::InputData)),
        run("2025-03-14", 2, Done, Some(ExitCode::Done)),
        run("2025-03-15", 2, Interrupted, None),
    ];
    // The 14th was done when its process was killed: the list does not say so.
    let ends = [end(1, &runs[3]), end(1, &runs[4])];
    let resumed = plan::resume(periods, &lines, &ends, &runs);
    let told: Vec<_> = resumed.iter().map(|line| (line.todo.clone(), line.why.as_str())).collect();
    assert_eq!(
        told,
        [
            (Todo::Skip, "done by rewards/2025-03-11/1"),
            (Todo::Skip, "done by rewards/2025-03-12/2"),
            (Todo::Run, "rewards/2025-03-13/1 failed (65)"),
            (Todo::Record(Box::new(runs[5].clone())), "done by rewards/2025-03-14/2"),
            (Todo::Run, "rewards/2025-03-15/2 was interrupted"),
            (Todo::Run, "never run"),
        ]
    );
    assert_eq!(plan::stretches(&resumed), "2025-03-13, 2025-03-15 to 2025-03-16");
}

#[test]
fn many_stretches_are_cut_short_and_counted() {
    let lines: Vec<Line> = (1..=31)
        .map(|number| Line {
            period: day(&format!("2025-01-{number:02}")),
            todo: if number % 2 == 1 || number == 30 { Todo::Run } else { Todo::Skip },
            known_attempts: 0,
            why: String::new(),
        })
        .collect();
    let text = plan::stretches(&lines);
    assert!(text.starts_with("2025-01-01, 2025-01-03, 2025-01-05, "), "{text}");
    assert!(text.ends_with(", 2025-01-23 and 5 more; --dry-run lists them"), "{text}");
}

#[test]
fn the_most_serious_code_is_the_one_that_is_told() {
    let order = [70, 78, 77, 1, 65, 69, 75, 20, 10, 0];
    for (at, code) in order.into_iter().enumerate() {
        // From the least serious to this one, and this one first: the order of the periods does not matter.
        assert_eq!(most_serious(order[at..].iter().rev().copied()) as u8, code);
        assert_eq!(most_serious(order[at..].iter().copied()) as u8, code);
    }
    assert_eq!(most_serious(std::iter::empty()), ExitCode::Done);
    assert_eq!(most_serious([0, 99].into_iter()), ExitCode::Unexpected);
}

proptest! {
    #[test]
    fn a_range_tiles_the_time_between_its_ends_in_every_zone(
        first in 0_i64..20_000,
        count in 0_u64..400,
        index in 0..chrono_tz::TZ_VARIANTS.len(),
        monthly in any::<bool>(),
    ) {
        let zone: Tz = chrono_tz::TZ_VARIANTS[index];
        let grain = if monthly { Grain::Month } else { Grain::Day };
        let start = DateTime::from_timestamp(first * 86_400, 0).unwrap();
        let from = Period::containing(start, grain, zone);
        let to = Period::containing(start + chrono::Days::new(count), grain, zone);
        let periods = range::resolve(&from.label, &to.label, grain, zone, to.end).unwrap();
        prop_assert_eq!((&periods[0], periods.last().unwrap()), (&from, &to));
        prop_assert!(periods.windows(2).all(|pair| pair[0].end == pair[1].start));
        // A moment earlier the last one is not over.
        prop_assert!(range::resolve(&from.label, &to.label, grain, zone, to.end - chrono::TimeDelta::seconds(1)).is_err());
    }
}
