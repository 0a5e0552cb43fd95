//! Backfills of a job that sends: killed, stopped and gone on with, asked about, and not slow for want of results.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use serde_json::Value;
use tieout::pipeline::Patience;

use crate::support::backfill_project::{attempts, labels, runs_of_job, shown};
use crate::support::backfill_uploads::{CONFIRMED, assert_ingested, days, sealed_files, spoil, states};
use crate::support::project::{Output, TestProject};
use crate::support::sending::{signal, wait_until_stopped};

const SIGKILL: i32 = 9;
/// A day of which more rows do not fit than the job tolerates.
const SPOILT: &str = "2025-01-06";
/// A day without a source.
const MISSING: &str = "2025-02-10";
/// The 21st file is taken though nobody waits for it, and its result is lost.
const FAULTS: &str = "  - {on: storage, nth: 21, do: {late: 300ms}}\n  - {on: notification, nth: 21, do: drop}\n";
const BACKFILL: [&str; 7] = ["backfill", "core", "--from", "2025-01-01", "--to", "2025-03-01", "--yes"];

fn backfill<'a>(to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["backfill", "core", "--from", "2025-01-01", "--to", to], more].concat()
}

/// Runs until the kernel kills it at this point.
#[track_caller]
fn killed(project: &TestProject, more: &[&str], variable: &str, point: &str) {
    let process = project.command(&[&BACKFILL, more].concat()).env(variable, point).spawn().unwrap();
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGKILL), "{variable}={point}: {told}");
    // What was under way arrives, though nobody waits for it.
    project.provider_idle();
}

/// Runs until this point, where it is stopped, asked to end, and continued.
#[track_caller]
fn stopped_at(project: &TestProject, point: &str) -> Output {
    let process = project.command(&BACKFILL).env("TIEOUT_STOP_AFTER", point).spawn().unwrap();
    wait_until_stopped(&process);
    signal("-TERM", &process);
    signal("-CONT", &process);
    project.ended(process).ended_with(75)
}

#[test]
fn sixty_uploads_killed_three_times_and_stopped_once_arrive_each_under_its_own_id() {
    let labels = labels(60);
    let project = days(&labels, CONFIRMED, FAULTS);
    spoil(&project, SPOILT);
    std::fs::remove_file(project.path(&format!("data/core-{MISSING}.csv"))).unwrap();

    // In the middle of the 21st PUT.
    killed(&project, &[], "TIEOUT_KILL_AFTER", "wait:21");
    killed(&project, &["--max-parallel", "3", "--newest-first"], "TIEOUT_KILL_AFTER", "sealed:13");
    // The fifth period's end is not written down.
    killed(&project, &["--max-parallel", "3"], "TIEOUT_KILL_BEFORE", "backfill:5");
    let asked = stopped_at(&project, "sealed:2");
    let told = "stopped by SIGTERM; the same command goes on with it\nExit code 75\n";
    assert!(asked.stdout.ends_with(told), "{}", asked.stdout);

    // 65 stands before 75.
    let last = project.run(&[&BACKFILL[..], &["--max-parallel", "3"]].concat()).ended_with(65);
    assert!(last.stderr.contains("continuing backfill 1, begun 20"), "{}", last.stderr);
    let end = "\nbackfill 1 of core, attempt 5: 58 of 60 done, 2 not done, 0 left out\n\
               the same command with --reprocess failed tries again what is not done\nExit code 65\n";
    assert!(last.stdout.ends_with(end), "{}", last.stdout);

    let sent: Vec<String> = labels.into_iter().filter(|label| ![SPOILT, MISSING].contains(&label.as_str())).collect();
    // The file of the first kill came twice, each row under the id that it had.
    assert!(assert_ingested(&project, &sent) >= 3);
    told_by_attempt(&project);
    each_period_ended(&project, &sent);
    put_right(&project, sent);
}

fn told_by_attempt(project: &TestProject) {
    let told = attempts(project, 1);
    let statuses: Vec<_> = told.iter().map(|attempt| (attempt.0.as_str(), attempt.2, attempt.3.as_deref())).collect();
    let (killed, stopped) = (("killed", None, None), ("stopped", Some(75), Some("stopped by SIGTERM")));
    assert_eq!(statuses, [killed, killed, killed, stopped, ("ended", Some(65), None)]);
    // Twenty files; the spoilt day is the one that was tried and is not done.
    assert_eq!(told[0].1, [20, 0, 1]);
    let done: u64 = told.iter().map(|attempt| attempt.1[0] + attempt.1[1]).sum();
    assert_eq!(done, 58, "each is done once: {told:?}");
}

fn each_period_ended(project: &TestProject, sent: &[String]) {
    let runs = runs_of_job(project, "core");
    let states = states(project);
    assert_eq!(states.keys().collect::<Vec<_>>(), sent.iter().collect::<Vec<_>>());
    for label in sent {
        let (last, before) = runs[label].split_last().unwrap();
        assert_eq!(last, "done", "{label}: {:?}", runs[label]);
        assert!(before.iter().all(|status| status == "interrupted"), "{label}: {before:?}");
        assert_eq!(states[label], ["acknowledged"], "{label}");
    }
    assert!(runs[SPOILT].iter().chain(&runs[MISSING]).all(|status| status == "failed" || status == "interrupted"));
    assert_eq!(sealed_files(project, SPOILT), Vec::<std::path::PathBuf>::new(), "nothing of it is sent");

    let codes: BTreeMap<String, u64> = last_codes(project);
    let not_done = codes.iter().filter(|(_, code)| **code != 0).map(|(label, code)| (label.as_str(), *code));
    assert_eq!(not_done.collect::<Vec<_>>(), [(SPOILT, 65), (MISSING, 75)]);
}

/// Period → exit code of its last end.
fn last_codes(project: &TestProject) -> BTreeMap<String, u64> {
    let shown = shown(project, 1);
    let end = |end: &Value| (end["period"].as_str().unwrap().to_owned(), end["exit_code"].as_u64().unwrap());
    shown["ends"].as_array().unwrap().iter().map(end).collect()
}

/// What was not done is done when its sources are as they should be, and nothing else is touched.
fn put_right(project: &TestProject, mut sent: Vec<String>) {
    let whole = String::from_utf8(project.read("data/core-2025-01-01.csv")).unwrap();
    for label in [SPOILT, MISSING] {
        project.write(&format!("data/core-{label}.csv"), whole.replace("2025-01-01", label));
        sent.push(label.to_owned());
    }
    let puts = puts(project);
    let done = project.run(&[&BACKFILL[..], &["--reprocess", "failed"]].concat()).ended_with(0);
    assert!(done.stdout.contains("backfill 2 of core, attempt 1: 2 of 2 done, 0 not done, 58 left out\n"), "{done:?}");
    assert_eq!(self::puts(project), puts + 2);
    assert_ingested(project, &sent);
}

/// How many files came whole.
fn puts(project: &TestProject) -> u32 {
    project.provider_idle();
    project.provider().uploads().iter().map(|session| session.puts).sum()
}

#[test]
fn a_backfill_that_sends_needs_a_yes_in_a_pipe_and_a_dry_run_sends_nothing() {
    let project = days(&labels(3), "", "");
    let refused = project.run(&backfill("2025-01-03", &[])).ended_with(2);
    let what = "a backfill of core over 3 periods sends transactions that nobody is asked about";
    let needs = "and there is no terminal to ask on; give --yes to go on, or --dry-run to see the periods";
    assert_eq!(refused.error(), format!("{what}, {needs}"));

    let dry = project.run(&backfill("2025-01-03", &["--dry-run", "--newest-first"])).ended_with(0);
    assert_eq!(
        dry.stdout,
        format!(
            "period      todo  why\n2025-01-03  run   never run\n2025-01-02  run   never run\n2025-01-01  run   never run\n\n\
             core, 2025-01-01 to 2025-01-03: 3 of 3 days to run.\nIt asks first, unless --yes is given: {what}.\n"
        )
    );
    assert!(project.received().is_empty());
    assert!(!project.path(".tieout/state.db").exists());

    project.run(&backfill("2025-01-03", &["--yes", "--newest-first", "--max-parallel", "3"])).ended_with(0);
    assert_eq!(assert_ingested(&project, &labels(3)), 0);
    assert_eq!(puts(&project), 3);
}

#[test]
fn what_a_person_has_to_approve_is_told_at_the_end_and_sent_by_the_next_backfill() {
    let project = days(&labels(2), "  approval: required\n", "");
    // It sends nothing: nobody is asked, and it ends well.
    let proposed = project.run(&backfill("2025-01-02", &[])).ended_with(0);
    let waits = "\nbackfill 1 of core, attempt 1: 2 of 2 done, 0 not done, 0 left out\n\
                 2 effects of 2 periods wait for approval before anything of that is sent: `tieout effects core --state \
                 proposed` lists them,\n`tieout approve --all --run core/PERIOD/ATTEMPT` approves those of a period; then \
                 the same range with --reprocess missing sends them\nExit code 0\n";
    assert!(proposed.stdout.ends_with(waits), "{}", proposed.stdout);
    assert_eq!(puts(&project), 0);

    project.run(&["approve", "--all", "--run", "core/2025-01-02/1", "--by", "Mara"]).ended_with(0);
    let dry = project.run(&backfill("2025-01-02", &["--dry-run"])).ended_with(0);
    let (first, second) =
        ("2025-01-01  skip  done by core/2025-01-01/1\n", "2025-01-02  run   done by core/2025-01-02/1; ");
    assert!(dry.stdout.contains(&format!("{first}{second}1 effect is approved and not sent\n")), "{}", dry.stdout);
    let refused = project.run(&backfill("2025-01-02", &[])).ended_with(2);
    let what = "a backfill of core over 1 period sends 1 effect that is approved, and there is no terminal";
    assert!(refused.error().starts_with(what), "{}", refused.error());

    let sent = project.run(&backfill("2025-01-02", &["--yes"])).ended_with(0);
    assert!(sent.stdout.ends_with(": 1 of 1 done, 0 not done, 1 left out\nExit code 0\n"), "{}", sent.stdout);
    assert_eq!(puts(&project), 1);
    assert_eq!(states(&project).into_values().collect::<Vec<_>>(), [["proposed"], ["acknowledged"]]);
}

#[test]
fn results_that_do_not_come_hold_a_backfill_up_once_and_not_at_every_period() {
    // Nobody tells anything: one run would wait for five seconds.
    let confirm = CONFIRMED.replace("10m", "5s");
    let project = days(&labels(12), &confirm, "  - {on: notification, nth: every, do: drop}\n");
    let begun = Instant::now();
    let done = project.run(&backfill("2025-01-12", &["--yes"])).ended_with(0);
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(5) && took < Duration::from_secs(45), "{took:?}");
    let waits = "12 files of 12 periods wait for the provider's result: the next run of the job hears it, and a period \
                 that is run again reports it\nExit code 0\n";
    assert!(done.stdout.ends_with(waits), "{}", done.stdout);
}

#[test]
fn runs_that_share_their_patience_wait_so_long_in_all() {
    let patience = Patience::new(Duration::from_millis(2_500));
    let second = Duration::from_secs(1);
    let taken = [patience.take(second), patience.take(second), patience.take(second), patience.take(second)];
    assert_eq!(taken, [second, second, Duration::from_millis(500), Duration::ZERO]);

    // Whoever comes at the same time: no moment is given out twice.
    let patience = Patience::new(Duration::from_secs(1));
    let taken: Duration = std::thread::scope(|scope| {
        let take = || (0..400).map(|_| patience.take(Duration::from_millis(1))).sum::<Duration>();
        let waiting: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        waiting.into_iter().map(|waits| waits.join().unwrap()).sum()
    });
    assert_eq!(taken, Duration::from_secs(1));
}
