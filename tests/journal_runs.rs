//! What the journal keeps of a run, and what it refuses.

use std::path::PathBuf;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::json;
use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::frames::Side;
use tieout::journal::state::is_legal;
use tieout::journal::{
    Ending, Event, Journal, JournalError, NewRun, RunFilter, RunOutcome, RunRecord, RunStatus, Step,
};
use tieout::sources::{Origin, RawFile};

use crate::support::journal::{also_on_postgres, state_in};

also_on_postgres!(
    a_run_is_read_back_as_it_was_recorded,
    inputs_are_read_back_in_their_order,
    an_attempt_that_never_ended_is_interrupted_by_the_next_one_and_by_no_other,
    the_journal_tells_first_last_and_last_finished_attempts_apart,
    a_refused_step_changes_nothing_and_says_what_stood_before_it,
    a_run_ends_once,
    an_unknown_run_is_refused_with_the_nearest_ids,
    concurrent_starts_get_attempts_of_their_own,
);

/// The steps that a run marks by itself, in order.
const WORK: [Step; 7] =
    [Step::Pulled, Step::Normalized, Step::Matched, Step::Classified, Step::Planned, Step::Sent, Step::Reported];

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2025, 3, 20, 12, 0, 0).unwrap()
}

fn new_run(job: &str, period: &str) -> NewRun {
    NewRun {
        job: job.to_owned(),
        period: period.to_owned(),
        note: Some("late file came".to_owned()),
        job_sha256: "ab".repeat(32),
        program_version: "0.1.0".to_owned(),
        started_at: noon(),
        sandbox: true,
        started_by: "dana".to_owned(),
        lease_epoch: None,
    }
}

fn outcome(ending: Ending) -> RunOutcome {
    RunOutcome {
        ending,
        exit_code: if ending == Ending::GateBreached { ExitCode::GateBreached } else { ExitCode::Done },
        breaks: Some(7),
        rows: Some(120),
        ties_out: Some(true),
        message: None,
        finished_at: noon(),
        artifacts: Some(PathBuf::from("runs/rewards/2025-03-19/1")),
    }
}

fn failure() -> RunOutcome {
    RunOutcome {
        ending: Ending::Failed,
        exit_code: ExitCode::TryAgainLater,
        breaks: None,
        rows: None,
        ties_out: None,
        message: Some("the file is not there yet".to_owned()),
        finished_at: noon(),
        artifacts: None,
    }
}

async fn journal(folder: &TempDir) -> Journal {
    Journal::open(&state_in(folder.path()).await).await.unwrap()
}

async fn marked_up_to(journal: &Journal, run: &RunRecord, last: Step) {
    for step in WORK.into_iter().filter(|step| *step <= last) {
        journal.mark(run, step, json!({ "rows": 3 })).await.unwrap();
    }
}

/// How a job that compares goes, and one that sends.
const COMPARING: [Step; 9] = [
    Step::Started,
    Step::Pulled,
    Step::Normalized,
    Step::Matched,
    Step::Classified,
    Step::Planned,
    Step::Sent,
    Step::Reported,
    Step::Finished,
];
const SENDING: [Step; 7] =
    [Step::Started, Step::Pulled, Step::Sealed, Step::Planned, Step::Sent, Step::Reported, Step::Finished];

#[tokio::test]
async fn a_run_is_read_back_as_it_was_recorded() {
    let folder = TempDir::new().unwrap();
    let journal = journal(&folder).await;
    let run = journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();
    assert_eq!(
        (run.id.as_str(), run.attempt, run.status, run.exit_code),
        ("rewards/2025-03-19/1", 1, RunStatus::Running, None)
    );
    marked_up_to(&journal, &run, Step::Reported).await;
    let finished = journal.finish(&run, outcome(Ending::GateBreached)).await.unwrap();

    let expected = RunRecord {
        status: RunStatus::GateBreached,
        exit_code: Some(10),
        breaks: Some(7),
        rows: Some(120),
        ties_out: Some(true),
        finished_at: Some(noon()),
        artifacts: Some("runs/rewards/2025-03-19/1".to_owned()),
        ..run.clone()
    };
    assert_eq!(finished, expected);
    journal.close().await.unwrap();

    let again = Journal::open_read_only(&state_in(folder.path()).await).await.unwrap().unwrap();
    assert_eq!(again.run(&run.id).await.unwrap(), expected);
    let steps = again.steps(&run.id).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.step).collect::<Vec<_>>(), COMPARING);
    assert_eq!(steps[1].detail, json!({ "rows": 3 }));
}

#[tokio::test]
async fn inputs_are_read_back_in_their_order() {
    let folder = TempDir::new().unwrap();
    let journal = journal(&folder).await;
    let run = journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();
    let provider = Origin::Provider {
        provider: "kard".to_owned(),
        file_id: "f-1".to_owned(),
        file_type: "monthlyReconciliationFile".to_owned(),
        sent_at: noon(),
        last_modified: noon(),
    };
    let file = |name: &str, origin: Origin| RawFile {
        name: name.to_owned(),
        origin,
        stored: PathBuf::from(format!("runs/raw/{name}")),
        sha256: "cd".repeat(32),
        bytes: 1 << 40,
    };
    let ledger = file("ledger.csv", Origin::Path { path: "data/ledger.csv".to_owned() });
    let inputs = [(Side::Ledger, ledger, 12), (Side::File, file("a.json", provider), u64::from(u32::MAX) + 1)];
    journal.record_inputs(&run, &inputs).await.unwrap();

    let read = journal.inputs(&run.id).await.unwrap();
    let read: Vec<_> = read.into_iter().map(|input| (input.side, input.file, input.rows)).collect();
    assert_eq!(read, inputs);
    assert_eq!(journal.inputs("rewards/2025-03-19/2").await.unwrap(), []);
}

#[tokio::test]
async fn an_attempt_that_never_ended_is_interrupted_by_the_next_one_and_by_no_other() {
    let folder = TempDir::new().unwrap();
    let journal = journal(&folder).await;
    let first = journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();
    let other_day = journal.start_run(new_run("rewards", "2025-03-20")).await.unwrap();
    let other_job = journal.start_run(new_run("refunds", "2025-03-19")).await.unwrap();
    let second = journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();

    assert_eq!(second.id, "rewards/2025-03-19/2");
    assert_eq!(journal.run(&first.id).await.unwrap().status, RunStatus::Interrupted);
    for running in [other_day, other_job, second] {
        assert_eq!(journal.run(&running.id).await.unwrap().status, RunStatus::Running, "{}", running.id);
    }
    let refused = journal.mark(&first, Step::Pulled, json!(null)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "run rewards/2025-03-19/1: step `pulled` cannot follow the end of the run, which is `interrupted`"
    );
}

#[tokio::test]
async fn the_journal_tells_first_last_and_last_finished_attempts_apart() {
    let folder = TempDir::new().unwrap();
    let journal = journal(&folder).await;
    let mut ids = Vec::new();
    for ending in [Ending::Failed, Ending::Done, Ending::GateBreached, Ending::Failed] {
        let run = journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();
        if ending == Ending::Failed {
            journal.finish(&run, failure()).await.unwrap();
        } else {
            marked_up_to(&journal, &run, Step::Reported).await;
            journal.finish(&run, outcome(ending)).await.unwrap();
        }
        ids.push(run.id);
    }
    let id = |run: Option<RunRecord>| run.map(|run| run.id);
    assert_eq!(id(journal.first_finished("rewards", "2025-03-19").await.unwrap()).as_ref(), Some(&ids[1]));
    assert_eq!(id(journal.last_finished("rewards", "2025-03-19").await.unwrap()).as_ref(), Some(&ids[2]));
    assert_eq!(id(journal.last_finished("rewards", "2025-03-20").await.unwrap()), None);

    let latest_two = RunFilter { limit: Some(2), ..RunFilter::default() };
    let listed: Vec<_> = journal.runs(&latest_two).await.unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(listed, [ids[3].clone(), ids[2].clone()]);
}

#[tokio::test]
async fn a_refused_step_changes_nothing_and_says_what_stood_before_it() {
    let folder = TempDir::new().unwrap();
    let journal = journal(&folder).await;
    let run = journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();
    marked_up_to(&journal, &run, Step::Pulled).await;
    let before = journal.steps(&run.id).await.unwrap();

    for (step, message) in [
        (Step::Started, "run rewards/2025-03-19/1: step `started` cannot follow step `pulled`"),
        (Step::Pulled, "run rewards/2025-03-19/1: step `pulled` cannot follow step `pulled`"),
        (Step::Matched, "run rewards/2025-03-19/1: step `matched` cannot follow step `pulled`"),
        (Step::Finished, "run rewards/2025-03-19/1: step `finished` cannot follow step `pulled`"),
    ] {
        let refused = journal.mark(&run, step, json!(null)).await.unwrap_err();
        assert!(matches!(refused, JournalError::Illegal(_)), "{refused:?}");
        assert_eq!(refused.exit_code(), ExitCode::InvariantFailed);
        assert_eq!(refused.to_string(), message);
    }
    let early = journal.finish(&run, outcome(Ending::Done)).await.unwrap_err();
    assert_eq!(early.to_string(), "run rewards/2025-03-19/1: the end `done` cannot follow step `pulled`");

    assert_eq!(journal.steps(&run.id).await.unwrap(), before);
    assert_eq!(journal.run(&run.id).await.unwrap().status, RunStatus::Running);
}

#[tokio::test]
async fn a_run_ends_once() {
    let folder = TempDir::new().unwrap();
    let journal = journal(&folder).await;
    let run = journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();
    let failed = journal.finish(&run, failure()).await.unwrap();
    assert_eq!((failed.status, failed.exit_code), (RunStatus::Failed, Some(75)));
    let again = journal.finish(&run, failure()).await.unwrap_err();
    assert_eq!(
        again.to_string(),
        "run rewards/2025-03-19/1: the end `failed` cannot follow the end of the run, which is `failed`"
    );
    assert_eq!(journal.run(&run.id).await.unwrap(), failed);
}

#[test]
fn the_rules_allow_one_way_through_a_run_and_ending_early_anywhere() {
    let mut legal = Vec::new();
    for status in RunStatus::ALL {
        for last in std::iter::once(None).chain(Step::ALL.map(Some)) {
            let events = Step::ALL
                .map(Event::Mark)
                .into_iter()
                .chain([Ending::Done, Ending::GateBreached, Ending::Failed, Ending::Interrupted].map(Event::Finish));
            legal.extend(events.filter(|event| is_legal(status, last, *event)).map(|event| (status, last, event)));
        }
    }
    // Eight steps forward where a job compares and two more where one sends, two happy ends, and a failure and a stop
    // after each of the ten.
    assert_eq!(legal.len(), 8 + 2 + 2 + 10 + 10);
    let ways = [&COMPARING[..], &SENDING[..]];
    let follows = |last: Step, step: Step| ways.iter().any(|way| way.windows(2).any(|two| *two == [last, step]));
    assert!(legal.iter().all(|(status, _, _)| *status == RunStatus::Running));
    assert!(legal.iter().all(|(_, last, event)| match event {
        Event::Mark(step) => last.map_or(*step == Step::Started, |last| follows(last, *step)),
        Event::Finish(Ending::Failed | Ending::Interrupted) => last.is_some(),
        Event::Finish(_) => *last == Some(Step::Reported),
        Event::Interrupt => false,
    }));
}

#[tokio::test]
async fn an_unknown_run_is_refused_with_the_nearest_ids() {
    let folder = TempDir::new().unwrap();
    let journal = journal(&folder).await;
    let nothing = journal.run("rewards/2025-03-19/1").await.unwrap_err();
    assert_eq!(nothing.to_string(), "no run `rewards/2025-03-19/1` in the state file; `tieout runs` lists them");
    journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap();
    journal.start_run(new_run("quite-another-thing", "2024-11")).await.unwrap();
    let typo = journal.run("reward/2025-03-19/1").await.unwrap_err();
    assert_eq!(typo.to_string(), "no run `reward/2025-03-19/1` in the state file; did you mean rewards/2025-03-19/1?");
    assert_eq!(typo.exit_code(), ExitCode::Usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_starts_get_attempts_of_their_own() {
    let folder = TempDir::new().unwrap();
    let state = state_in(folder.path()).await;
    let starts = (0..8).map(|_| {
        let state = state.clone();
        // Each opens the file by itself, so some of them meet while it is being made.
        tokio::spawn(async move {
            let journal = Journal::open(&state).await.unwrap();
            journal.start_run(new_run("rewards", "2025-03-19")).await.unwrap().attempt
        })
    });
    let mut attempts = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        attempts.push(start.await.unwrap());
    }
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 2, 3, 4, 5, 6, 7, 8]);
}
