//! What is to be told of a period, and what is not told again: without journal and without channels.

use tieout::breaks::gates::GateFacts;
use tieout::journal::{RunRecord, RunStatus, Topic};
use tieout::notify::NoticeEvent;
use tieout::notify::judge::{Judgement, NO_PERIOD, Situation, judge};
use tieout::report::Figures;

use crate::support::utc;

const DAY: &str = "2025-03-19";

fn run(attempt: u32, status: RunStatus, exit_code: Option<u8>, message: Option<&str>) -> RunRecord {
    RunRecord {
        id: format!("rewards/{DAY}/{attempt}"),
        job: "rewards".to_owned(),
        period: DAY.to_owned(),
        attempt,
        note: None,
        job_sha256: String::new(),
        program_version: String::new(),
        sandbox: false,
        started_at: utc("2025-03-20T10:00:00Z"),
        status,
        exit_code,
        breaks: None,
        rows: None,
        ties_out: None,
        message: message.map(str::to_owned),
        finished_at: None,
        artifacts: None,
        started_by: None,
        lease_epoch: None,
    }
}

fn of(latest: Option<RunRecord>) -> Situation {
    Situation { job: "rewards".to_owned(), period: DAY.to_owned(), latest, just_ended: true, ..Situation::default() }
}

fn failed(code: u8) -> Situation {
    of(Some(run(1, RunStatus::Failed, Some(code), Some("it went wrong"))))
}

fn done(code: u8) -> Situation {
    of(Some(run(2, RunStatus::Done, Some(code), None)))
}

fn topic(event: NoticeEvent, about: &str) -> Topic {
    topic_of(DAY, event, about)
}

fn topic_of(period: &str, event: NoticeEvent, about: &str) -> Topic {
    Topic { job: "rewards".into(), period: period.into(), event: event.name().into(), about: about.into() }
}

/// Event and subjects of each alarm.
fn alarms(judgement: &Judgement) -> Vec<(NoticeEvent, Vec<&str>)> {
    let of_one = |alarm: &tieout::notify::judge::Alarm| -> (NoticeEvent, Vec<String>) {
        (alarm.matter.event, alarm.topics.iter().map(|topic| topic.about.clone()).collect())
    };
    let owned: Vec<(NoticeEvent, Vec<String>)> = judgement.alarms.iter().map(of_one).collect();
    owned.into_iter().map(|(event, about)| (event, about.into_iter().map(|about| &*about.leak()).collect())).collect()
}

fn resolved(judgement: &Judgement) -> Vec<(&str, Vec<NoticeEvent>)> {
    judgement.resolved.iter().map(|one| (one.period.as_str(), one.events())).collect()
}

#[test]
fn each_exit_code_is_told_as_what_it_is() {
    use NoticeEvent::Failed;
    let codes = [(1, true), (20, true), (65, true), (69, true), (70, true), (77, true), (78, true), (75, false)];
    for (code, told) in codes {
        let judgement = judge(&failed(code));
        let about = code.to_string();
        let expected = if told { vec![(Failed, vec![about.as_str()])] } else { vec![] };
        assert_eq!(alarms(&judgement), expected, "{code}");
        assert_eq!(judgement.exit_code, Some(code));
    }
    assert_eq!(alarms(&judge(&done(0))), []);
    assert_eq!(alarms(&judge(&done(69))), [(Failed, vec!["69"])], "sending ended early");
    assert_eq!(alarms(&judge(&done(20))), [(Failed, vec!["20"])], "something was refused");
    for status in [RunStatus::Running, RunStatus::Interrupted] {
        assert_eq!(judge(&of(Some(run(1, status, None, None)))), Judgement::default(), "{status}");
    }
    assert_eq!(judge(&of(None)), Judgement::default());
}

#[test]
fn the_words_of_a_failure_name_the_code_and_the_reason() {
    let judgement = judge(&failed(69));
    assert_eq!(
        judgement.alarms[0].matter.lines,
        ["Exit code 69: the provider did not answer after all retries.", "Why: it went wrong"]
    );
}

#[test]
fn the_same_failure_is_not_told_again_and_another_one_is() {
    let open = vec![topic(NoticeEvent::Failed, "69")];
    let again = judge(&Situation { open: open.clone(), ..failed(69) });
    assert_eq!((alarms(&again), resolved(&again)), (vec![], vec![]));
    let other = judge(&Situation { open, ..failed(65) });
    assert_eq!(alarms(&other), [(NoticeEvent::Failed, vec!["65"])]);
    assert!(other.resolved.is_empty() && other.quietly.is_empty(), "the first is not over: {other:?}");
}

#[test]
fn a_run_that_does_its_work_resolves_all_that_was_told_of_the_period_once() {
    let open = vec![
        topic(NoticeEvent::Failed, "65"),
        topic(NoticeEvent::Failed, "69"),
        topic(NoticeEvent::Late, "period"),
        topic_of("2025-03-18", NoticeEvent::Failed, "69"),
    ];
    let judgement = judge(&Situation { open: open.clone(), ..done(0) });
    assert_eq!(resolved(&judgement), [(DAY, vec![NoticeEvent::Failed, NoticeEvent::Late])]);
    assert_eq!(judgement.resolved[0].topics, open[..3]);
    assert!(judgement.quietly.is_empty());
}

#[test]
fn a_period_that_is_not_well_yet_is_not_resolved() {
    let gates = vec![GateFacts { gate: "max_breaks".into(), limit: "1".into(), found: "3".into(), breached: true }];
    let breached = Situation {
        latest: Some(run(2, RunStatus::GateBreached, Some(10), Some("max_breaks 3 > 1"))),
        figures: Figures { breached: gates, ..Figures::default() },
        open: vec![topic(NoticeEvent::Failed, "69")],
        ..of(None)
    };
    let judgement = judge(&breached);
    assert_eq!(alarms(&judgement), [(NoticeEvent::GateBreached, vec!["max_breaks"])]);
    assert_eq!(judgement.alarms[0].matter.lines, ["max_breaks: 3 found, 1 allowed."]);
    assert!(judgement.resolved.is_empty());
    assert_eq!(judgement.quietly, [topic(NoticeEvent::Failed, "69")]);
    let well = judge(&Situation { open: vec![topic(NoticeEvent::GateBreached, "max_breaks")], ..done(0) });
    assert_eq!(resolved(&well), [(DAY, vec![NoticeEvent::GateBreached])]);
}

#[test]
fn a_new_doubt_is_told_and_one_that_is_ended_resolves_its_own_period() {
    let here = |about: &str| (DAY.to_owned(), about.to_owned());
    let first = judge(&Situation { doubts: vec![here("e1/1")], ..done(20) });
    assert_eq!(alarms(&first), [(NoticeEvent::InDoubt, vec!["e1/1"])], "and no failure beside it");
    let open = vec![topic(NoticeEvent::InDoubt, "e1/1")];
    let second = judge(&Situation { doubts: vec![here("e1/1"), here("e2/1")], open: open.clone(), ..done(20) });
    assert_eq!(alarms(&second), [(NoticeEvent::InDoubt, vec!["e1/1", "e2/1"])]);
    let fewer = judge(&Situation {
        doubts: vec![here("e2/1")],
        open: vec![open[0].clone(), topic(NoticeEvent::InDoubt, "e2/1")],
        ..done(20)
    });
    assert_eq!((alarms(&fewer), resolved(&fewer)), (vec![], vec![]));
    assert_eq!(fewer.quietly, open);
    let before = topic_of("2025-03-18", NoticeEvent::InDoubt, "e9/1");
    let elsewhere = judge(&Situation { open: vec![before], ..done(0) });
    assert_eq!(resolved(&elsewhere), [("2025-03-18", vec![NoticeEvent::InDoubt])]);
}

#[test]
fn a_plan_is_to_be_approved_once_and_its_end_is_no_alarm() {
    let plans = vec![(DAY.to_owned(), "plan-1".to_owned(), 5), ("2025-03-18".to_owned(), "plan-0".to_owned(), 2)];
    let judgement = judge(&Situation { plans, ..done(0) });
    assert_eq!(alarms(&judgement), [(NoticeEvent::ApprovalNeeded, vec!["plan-1"])]);
    assert_eq!(
        judgement.alarms[0].matter.lines,
        [
            "5 effects wait for approval; nothing of that is sent before.",
            "Read: tieout effects rewards/2025-03-19/2",
            "Approve: tieout approve --all --run rewards/2025-03-19/2",
        ]
    );
    assert_eq!(judgement.counts.awaiting_approval, 5);
    let over = judge(&Situation { open: vec![topic(NoticeEvent::ApprovalNeeded, "plan-1")], ..done(0) });
    assert!(over.resolved.is_empty());
    assert_eq!(over.quietly, [topic(NoticeEvent::ApprovalNeeded, "plan-1")]);
}

#[test]
fn an_input_is_late_when_its_time_is_over_and_not_before() {
    assert!(alarms(&judge(&failed(75))).is_empty());
    let overdue = Some("(ledger) 12h after the period's end (2025-03-20 12:00 UTC)".to_owned());
    let late = judge(&Situation { overdue, ..failed(75) });
    assert_eq!(alarms(&late), [(NoticeEvent::Late, vec!["input"])]);
    assert_eq!(
        late.alarms[0].matter.lines,
        ["An input is not there. It was due (ledger) 12h after the period's end (2025-03-20 12:00 UTC)."]
    );
    let missing = Figures { breaks: [("file_missing".to_owned(), 1)].into(), ..Figures::default() };
    let open = vec![topic(NoticeEvent::Late, "input")];
    let without = judge(&Situation { figures: missing, open, ..done(0) });
    assert_eq!(alarms(&without), [(NoticeEvent::Late, vec!["file_missing"])]);
    assert!(without.resolved.is_empty(), "it still is not there");
}

#[test]
fn what_failed_before_it_knew_its_period_is_over_with_the_next_run_that_goes_well() {
    let open = vec![topic_of(NO_PERIOD, NoticeEvent::Failed, "78")];
    let judgement = judge(&Situation { open: open.clone(), ..done(0) });
    assert_eq!(resolved(&judgement), [(DAY, vec![NoticeEvent::Failed])]);
    // A look at a period that was finished long ago says nothing about today.
    let looked = judge(&Situation { open, just_ended: false, ..done(0) });
    assert!(looked.resolved.is_empty() && looked.quietly.is_empty());
}

#[test]
fn a_failure_without_an_attempt_is_told_without_a_number() {
    let failure = Some((78, "jobs/rewards.yaml: unknown key".to_owned()));
    let judgement = judge(&Situation { failure, ..done(0) });
    assert_eq!(alarms(&judgement), [(NoticeEvent::Failed, vec!["78"])]);
    assert_eq!((judgement.attempt, judgement.exit_code, judgement.counts.breaks), (None, Some(78), None));
}
