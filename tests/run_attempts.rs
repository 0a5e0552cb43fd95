//! A period run again: what stays the same, what is told as changed, what needs no provider, and what is in the way.

use chrono::{DateTime, Utc};

use crate::support::project::{DAY, SMALL_BREAKS, TestProject, file_rows, job, ledger_rows, rows, settled};

const FIRST: &str = "rewards/2025-03-19/1";
const SECOND: &str = "rewards/2025-03-19/2";
const PINNED: &str = "2025-03-20T09:45:00Z";

/// Keys and kinds of a run's breaks, file breaks too.
fn kinds(project: &TestProject, run: &str) -> Vec<(String, String)> {
    project.breaks(run).into_iter().map(|[key, kind, ..]| (key, kind)).collect()
}

fn small_kinds() -> Vec<(String, String)> {
    SMALL_BREAKS.map(|[key, kind, ..]| (key.to_owned(), kind.to_owned())).to_vec()
}

/// The small breaks and one more, in the order of [`kinds`].
fn small_kinds_and(key: &str, kind: &str) -> Vec<(String, String)> {
    let mut all = small_kinds();
    all.push((key.to_owned(), kind.to_owned()));
    all.sort();
    all
}

#[test]
fn a_finished_period_run_again_is_a_new_attempt_with_the_same_bytes() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let again = project.run_day(&["--attempt-note", "asked for by audit"]).ended_with(0);
    assert!(again.stdout.starts_with("rewards for 2025-03-19, attempt 2\n"), "{}", again.stdout);
    assert!(again.stdout.contains("\nSince attempt 1: the same breaks; inputs unchanged\n"), "{}", again.stdout);
    assert_eq!(project.breaks(FIRST), SMALL_BREAKS.map(|row| row.map(str::to_owned)));
    for file in ["breaks.csv", "breaks.parquet"] {
        let [first, second] = [FIRST, SECOND].map(|run| project.read(&format!("runs/{run}/{file}")));
        assert!(first == second, "{file} differs");
    }
    let summary = project.summary(SECOND);
    assert_eq!(summary["changes"]["inputs_unchanged"], true);
    assert_eq!(summary["run"]["note"], "asked for by audit");
    assert_eq!(project.downloads(), 1, "the second attempt downloads nothing");
}

#[test]
fn with_a_pinned_run_time_every_report_file_has_the_same_bytes_on_any_machine() {
    // Two folders, two ports, two states: all that may differ between machines.
    let [one, other] = [(); 2].map(|()| {
        let project = TestProject::shipped("");
        for job in ["core-daily", "rewards-daily"] {
            project.run(&["run", job, "--period", DAY, "--run-time", PINNED]).ended_with(0);
        }
        project
    });
    let files = one.listing("runs/core-daily/2025-03-19/1");
    assert_eq!(files, other.listing("runs/core-daily/2025-03-19/1"));
    assert_eq!(files.len(), 6, "{files:?}");
    for file in files {
        assert!(one.read(&file) == other.read(&file), "{file} differs");
    }
    // What tells of effects also tells when they were proposed, by the clock of the journal.
    for file in ["breaks.csv", "breaks.parquet"] {
        let file = format!("runs/rewards-daily/2025-03-19/1/{file}");
        assert!(one.read(&file) == other.read(&file), "{file} differs");
    }
}

#[test]
fn a_changed_ledger_is_named_and_its_new_and_gone_breaks_are_counted() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    // The amount of t-2 is put right, t-5 is new.
    let corrected = rows(&[
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.50,USD,2025-03-19T02:00:00Z",
        "t-4,7.00,USD,2025-03-19T04:00:00Z",
        "t-5,1.00,USD,2025-03-19T05:00:00Z",
        "t-6,1.00,USD,2025-03-19T06:00:00Z",
    ]);
    project.write("data/ledger-2025-03-19.csv", corrected);
    let again = project.run_day(&[]).ended_with(0);
    let told = "\nSince attempt 1: 3 new breaks, 1 gone; changed: ledger ledger-2025-03-19.csv\n";
    assert!(again.stdout.contains(told), "{}", again.stdout);
    let changes = &project.summary(SECOND)["changes"];
    assert_eq!(changes["changed_inputs"], serde_json::json!(["ledger ledger-2025-03-19.csv"]));
    assert_eq!((&changes["new_breaks"], &changes["gone_breaks"]), (&3.into(), &1.into()));
    // The third new one: that the file has changed.
    let found = kinds(&project, SECOND);
    assert!(found.contains(&("ledger-2025-03-19.csv".to_owned(), "file_changed".to_owned())), "{found:?}");
}

#[test]
fn a_provider_file_replaced_under_its_name_is_a_break_and_named() {
    let mut project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let mut replaced = settled(&rows(&["t-1,10.00,USD,2025-03-19T01:00:00Z", "t-2,20.05,USD,2025-03-19T02:00:00Z"]));
    replaced.last_modified = "2025-03-20T12:00:00Z".parse().unwrap();
    project.serve(&[replaced], "");
    let again = project.run_day(&[]).ended_with(0);
    let told = "\nSince attempt 1: 1 new break, 2 gone; changed: file settled-2025-03-19.csv\n";
    assert!(again.stdout.contains(told), "{}", again.stdout);
    let expected = [("settled-2025-03-19.csv", "file_changed"), ("t-4", "missing_in_file")];
    assert_eq!(kinds(&project, SECOND), expected.map(|(key, kind)| (key.to_owned(), kind.to_owned())));
    assert_eq!(project.downloads(), 1, "what was modified is downloaded");
}

#[test]
fn offline_needs_no_provider_and_no_ledger_once_they_are_stored() {
    let mut project = TestProject::small();
    let early = project.run_day(&["--offline", "-q"]).ended_with(75);
    assert_eq!(early.stderr, "error: no earlier attempt stored ledger-2025-03-19.csv*; run without --offline first\n");
    project.run_day(&[]).ended_with(0);
    project.stop_provider();
    std::fs::remove_file(project.path("data/ledger-2025-03-19.csv")).unwrap();
    let offline = project.run_day(&["--offline"]).ended_with(0);
    assert!(offline.stdout.contains("attempt 3\n"), "{}", offline.stdout);
    let third = "rewards/2025-03-19/3";
    assert!(project.read(&format!("runs/{SECOND}/breaks.csv")) == project.read(&format!("runs/{third}/breaks.csv")));

    let stored = project.listing("runs/rewards/2025-03-19/raw");
    for file in &stored {
        std::fs::write(project.path(file), "cut").unwrap();
    }
    let cut = project.run_day(&["--offline", "-q"]).ended_with(65);
    let (before, after) = cut.stderr.split_once("sha256-").unwrap();
    assert_eq!(before, "error: the stored bytes of ledger-2025-03-19.csv (FOLDER/runs/rewards/2025-03-19/raw/");
    assert_eq!(&after[64..], ") are gone or cut short; run again without --offline\n");
}

#[test]
fn a_file_that_is_not_there_can_be_a_break_until_it_comes() {
    let mut project = TestProject::new(&[], "");
    project.write("jobs/rewards.yaml", job(&[("file", "on_missing: break")]));
    project.run_day(&[]).ended_with(0);
    let wanted = "kard earnedRewardSettledDailyReconciliationFile settled-2025-03-19";
    assert_eq!(kinds(&project, FIRST), [(wanted.to_owned(), "file_missing".to_owned())]);
    let waiting: u64 =
        project.summary(FIRST)["expected"].as_object().unwrap().values().map(|keys| keys.as_u64().unwrap()).sum();
    assert_eq!(waiting, 3, "every booked row waits for the file");

    project.serve(&[settled(&file_rows())], "");
    let again = project.run_day(&[]).ended_with(0);
    let told = "\nSince attempt 1: 3 new breaks, 1 gone; changed: file settled-2025-03-19.csv\n";
    assert!(again.stdout.contains(told), "{}", again.stdout);
    assert_eq!(kinds(&project, SECOND), small_kinds());
}

#[test]
fn while_the_ledger_is_not_there_the_provider_is_not_asked() {
    let project = TestProject::small();
    std::fs::remove_file(project.path("data/ledger-2025-03-19.csv")).unwrap();
    let ended = project.run_day(&["-q"]).ended_with(75);
    assert_eq!(
        ended.error(),
        "no ledger input for 2025-03-19 yet: ledger-2025-03-19.csv*; try again when it is there, or set \
         inputs.ledger.on_missing to break"
    );
    assert_eq!(project.received().len(), 0);
}

#[test]
fn a_file_that_came_late_is_a_break_by_the_jobs_own_deadline() {
    let project = TestProject::small();
    // It was sent at ten past midnight.
    for (attempt, due, late) in [(1, "due: 10m", false), (2, "due: 9m", true)] {
        project.write("jobs/rewards.yaml", job(&[("file", due)]));
        project.run_day(&[]).ended_with(0);
        let found = kinds(&project, &format!("rewards/2025-03-19/{attempt}"));
        let expected = if late { small_kinds_and("settled-2025-03-19.csv", "file_late") } else { small_kinds() };
        assert_eq!(found, expected, "{due}");
    }
}

#[test]
fn a_file_that_is_there_twice_counts_once() {
    let project = TestProject::small();
    project.write("data/ledger-2025-03-19.csv.copy", ledger_rows());
    project.run_day(&[]).ended_with(0);
    assert_eq!(kinds(&project, FIRST), small_kinds_and("ledger-2025-03-19.csv.copy", "file_duplicate"));
}

#[test]
fn a_new_column_is_a_break_and_its_rows_are_compared_all_the_same() {
    let project = TestProject::small();
    let text = String::from_utf8(ledger_rows()).unwrap();
    let mut wider = String::new();
    for (line, row) in text.lines().enumerate() {
        wider.push_str(row);
        wider.push_str(if line == 0 { ",mood\n" } else { ",good\n" });
    }
    project.write("data/ledger-2025-03-19.csv", wider);
    project.run_day(&[]).ended_with(0);
    assert_eq!(kinds(&project, FIRST), small_kinds_and("ledger-2025-03-19.csv", "schema_drift"));
    let csv = String::from_utf8(project.read(&format!("runs/{FIRST}/breaks.csv"))).unwrap();
    let told = "ledger-2025-03-19.csv has columns that are not known: `mood`; map them or list them in \
                `inputs.ledger.known_columns`";
    assert!(csv.contains(told), "{csv}");
}

#[test]
fn a_ledger_that_states_its_own_totals_is_held_to_them() {
    let project = TestProject::small();
    let text = job(&[("ledger", "format: {json: {rows: rows, control: {rows: meta.count, amount: meta.total}}}")]);
    project.write("jobs/rewards.yaml", text.replace(".csv*", ".json"));
    let ledger = |count: u32, total: &str| {
        format!(
            r#"{{"meta": {{"count": {count}, "total": "{total}"}}, "rows": [
            {{"id": "t-1", "amount": "10.00", "currency": "USD", "at": "2025-03-19T01:00:00Z"}},
            {{"id": "t-2", "amount": "20.05", "currency": "USD", "at": "2025-03-19T02:00:00Z"}},
            {{"id": "t-4", "amount": "7.00", "currency": "USD", "at": "2025-03-19T04:00:00Z"}}]}}"#
        )
    };
    let name = "ledger-2025-03-19.json";
    for (attempt, count, total, told) in [
        (1, 3, "37.05", None),
        (2, 4, "37.05", Some("ledger-2025-03-19.json says 4 rows, its rows make 3")),
        (3, 3, "37.06", Some("ledger-2025-03-19.json says 3706 minor units, its rows make 3705")),
    ] {
        project.write(&format!("data/{name}"), ledger(count, total));
        project.run_day(&[]).ended_with(0);
        let run = format!("rewards/2025-03-19/{attempt}");
        let found = kinds(&project, &run);
        let control = (name.to_owned(), "control_total".to_owned());
        assert_eq!(found.contains(&control), told.is_some(), "{found:?}");
        let csv = String::from_utf8(project.read(&format!("runs/{run}/breaks.csv"))).unwrap();
        assert!(csv.contains(told.unwrap_or_default()), "{csv}");
    }
}

#[test]
fn a_breached_gate_ends_with_10_after_the_report_is_written() {
    let project = TestProject::small();
    project.write("jobs/rewards.yaml", job(&[("job", "gates: {max_breaks: 2, max_break_amount: {USD: \"12.69\"}}")]));
    let breached = project.run_day(&[]).ended_with(10);
    assert!(
        breached.stdout.contains("\nGATE BREACHED: Ties out with 3 breaks; 2 gates are breached\n"),
        "{}",
        breached.stdout
    );
    assert!(breached.stdout.contains("Gate max_breaks allows 2, found 3."), "{}", breached.stdout);
    assert_eq!(kinds(&project, FIRST), small_kinds());
    assert_eq!(project.summary(FIRST)["verdict"]["exit_code"], 10);
    assert_eq!(project.statuses()[FIRST], "gate_breached");
    // t-2 differs by 0.45, t-3 lacks 5.25, t-4 lacks 7.00: exactly at the limit is no breach.
    project.write("jobs/rewards.yaml", job(&[("job", "gates: {max_breaks: 3, max_break_amount: {USD: \"12.70\"}}")]));
    project.run_day(&[]).ended_with(0);
}

#[test]
fn a_plan_finds_what_a_run_would_find_and_writes_nothing_at_all() {
    let project = TestProject::small();
    std::fs::create_dir(project.path("tmp")).unwrap();
    let plan = || {
        let mut command = project.command(&["plan", "rewards", "--period", DAY, "--format", "json"]);
        let ended = project.ended(command.env("TMPDIR", project.path("tmp")).spawn().unwrap()).ended_with(0);
        serde_json::from_str::<serde_json::Value>(&ended.stdout).unwrap()
    };
    let before = project.listing("");
    let planned = plan();
    assert_eq!(project.listing(""), before, "a plan on a fresh project");
    let table = project.run(&["plan", "rewards", "--period", DAY]).ended_with(0).stdout;
    let opening = "Plan only: nothing is written. `tieout run` would be attempt 1.\n";
    assert!(table.starts_with(opening), "{table}");

    project.run_day(&[]).ended_with(0);
    let ran = project.summary(FIRST);
    for part in ["verdict", "breaks", "statement", "expected", "excluded", "quarantine", "inputs", "gates"] {
        assert_eq!(planned[part], ran[part], "{part}");
    }
    let (before, state) = (project.listing(""), project.read(".tieout/state.db"));
    assert_eq!(plan()["run"]["attempt"], 2);
    assert_eq!(project.listing(""), before, "a plan after a run");
    assert!(project.read(".tieout/state.db") == state, "the state file changed");
}

#[test]
fn of_two_runs_at_once_one_is_told_to_come_back_later() {
    let mut project = TestProject::new(&[settled(&file_rows())], "  - {on: files, nth: 1, do: {slow: 1500ms}}\n");
    project.set_http("{idle_timeout: 10s, attempts: 1}");
    let first = project.command(&["run", "rewards", "--period", DAY]).spawn().unwrap();
    let pid = first.id();
    // It has its lease when its run is recorded.
    while !project.path(".tieout/state.db").exists() || project.statuses().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = project.run_day(&["-q"]).ended_with(75);
    let (told, rest) = second.stderr.split_once(" since ").unwrap();
    assert_eq!(told, format!("error: rewards for 2025-03-19 is already running (pid {pid}"));
    let (since, rest) = rest.split_once(')').unwrap();
    since.parse::<DateTime<Utc>>().unwrap();
    assert_eq!(rest, "; try again when it has ended\n");
    // Another period is not in its way: it only lacks its ledger.
    let other = project.run(&["run", "rewards", "--period", "2025-03-20", "-q"]).ended_with(75);
    assert!(other.stderr.starts_with("error: no ledger input for 2025-03-20 yet"), "{}", other.stderr);
    project.ended(first).ended_with(0);
    assert_eq!(kinds(&project, FIRST), small_kinds());
    assert_eq!(project.listing("runs/rewards/2025-03-19").iter().filter(|path| path.ends_with("/2/")).count(), 0);
}
