//! What is booked as authorised and stays open: a break on the day its time runs out, and cleared when it settles or is
//! voided.

use serde_json::Value;
use tieout::job::FileType;

use crate::support::project::TestProject;
use crate::support::{Sample, utc};

const JOB: &str = "\
job: rewards
period: {grain: day, timezone: UTC}
inputs:
  file:
    provider: kard
    file_type: earnedRewardSettledDailyReconciliationFile
    name: \"settled-{period}\"
    format: csv
    columns: COLUMNS
  ledger:
    path: \"ledger-{period}.csv\"
    columns: COLUMNS
match:
  compare: {amount: {tolerance: 0}, currency: exact, date: {tolerance: 7d}}
settles_within: 2d
carry: 5
report: [csv]
";

const COLUMNS: &str =
    "{transaction_id: id, amount: {column: amount, unit: major}, currency: currency, status: status, occurred_at: at}";

/// Day, rows of the file, rows of the ledger.
const DAYS: [(&str, &[&str], &[&str]); 4] = [
    (
        "2025-03-18",
        &[],
        &[
            "open,1.00,USD,APPROVED,2025-03-18T12:00:00Z",
            "quick,2.00,USD,APPROVED,2025-03-18T12:00:00Z",
            "settles,3.00,USD,APPROVED,2025-03-18T12:00:00Z",
            "voided,4.00,USD,APPROVED,2025-03-18T12:00:00Z",
        ],
    ),
    ("2025-03-19", &["quick,2.00,USD,SETTLED,2025-03-19T09:00:00Z"], &[]),
    ("2025-03-20", &[], &[]),
    (
        "2025-03-21",
        &["settles,3.00,USD,SETTLED,2025-03-21T09:00:00Z"],
        &["voided,4.00,USD,REVERSED,2025-03-21T10:00:00Z"],
    ),
];

fn csv_of(rows: &[&str]) -> Vec<u8> {
    format!("id,amount,currency,status,at\n{}\n", rows.join("\n")).into_bytes()
}

fn project() -> TestProject {
    let mut project = TestProject::empty();
    let sample = |(day, file, _): &(&str, &[&str], &[&str])| Sample {
        id: format!("id-{day}"),
        name: format!("settled-{day}.csv"),
        kind: FileType::EarnedRewardSettledDaily,
        sent_at: utc(&format!("{day}T23:59:00Z")),
        last_modified: utc(&format!("{day}T23:59:00Z")),
        bytes: csv_of(file),
    };
    project.serve(&DAYS.iter().map(sample).collect::<Vec<_>>(), "");
    project.write("jobs/rewards.yaml", JOB.replace("COLUMNS", COLUMNS));
    for (day, _, ledger) in DAYS {
        project.write(&format!("data/ledger-{day}.csv"), csv_of(ledger));
    }
    project
}

/// Key and kind of the breaks that a day's last run has found.
fn found(project: &TestProject, day: &str) -> Vec<(String, String)> {
    project.breaks(&format!("rewards/{day}/1")).into_iter().map(|[key, kind, ..]| (key, kind)).collect()
}

/// `key status kind age_days` of every break that any run has found.
fn lives(project: &TestProject) -> Vec<String> {
    let all = ["--status", "open", "--status", "resolved"];
    let told = project.run(&[&["breaks", "list", "rewards", "--format", "json"], &all[..]].concat()).ended_with(0);
    let rows: Vec<Value> = serde_json::from_str(&told.stdout).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let mut told: Vec<String> =
        rows.iter().map(|row| ["key", "status", "kind"].map(|name| text(row, name)).join(" ")).collect();
    told.sort();
    told
}

#[test]
fn an_authorisation_becomes_a_break_on_the_day_its_time_runs_out_and_settling_or_voiding_clears_it() {
    let project = project();
    let run = |day: &str| project.run(&["run", "rewards", "--period", day]).ended_with(0).stdout;
    let unsettled = |key: &str| (key.to_owned(), "authorized_unsettled".to_owned());
    for day in ["2025-03-18", "2025-03-19"] {
        run(day);
        assert_eq!(found(&project, day), [], "{day}: 36 hours at most");
    }
    let told = run("2025-03-20");
    assert_eq!(found(&project, "2025-03-20"), ["open", "settles", "voided"].map(unsettled));
    let csv = String::from_utf8(project.read("runs/rewards/2025-03-20/1/breaks.csv")).unwrap();
    let detail = "of 2025-03-18: authorised 2025-03-18 12:00:00 UTC (1.00 USD), and 2 days later neither settled nor \
                  voided; the job allows 2d";
    assert!(csv.contains(detail), "{csv}");
    assert!(told.contains("Carried items: 3 grace has run out\n"), "{told}");
    let standing =
        |status: &str| ["open", "settles", "voided"].map(|key| format!("{key} {status} authorized_unsettled"));
    assert_eq!(lives(&project), standing("open"));

    let told = run("2025-03-21");
    assert_eq!(found(&project, "2025-03-21"), [], "it is told once");
    assert!(told.contains("Carried items: 2 cleared by this period, 1 still open\n"), "{told}");
    let [open, settles, voided] = standing("resolved");
    assert_eq!(lives(&project), [open.replace("resolved", "open"), settles, voided]);
}

#[test]
fn how_long_an_authorisation_may_stay_open_is_checked() {
    let unknown = "nothing says that the input `file` holds settled transactions only";
    let table = [
        (("carry: 5", "carry: 1"), "open items are not carried for 2d"),
        (("carry: 5\n", "carry: 0\n"), "set `carry` to 2 or more"),
        (("settles_within: 2d", "settles_within: 49h"), ""),
        (("settles_within: 2d", "settles_within: 121h"), "set `carry` to 6 or more"),
        (("settles_within: 2d", "settles_within: soon"), "`soon` is not a duration"),
        (("earnedRewardSettledDaily", "earnedRewardApprovedDaily"), unknown),
        (("provider: kard\n    file_type: earnedRewardSettledDailyReconciliationFile\n    name", "path"), unknown),
    ];
    for ((right, wrong), expected) in table {
        let project = project();
        let job = JOB.replace("COLUMNS", COLUMNS);
        assert!(job.contains(right), "{right}");
        project.write("jobs/rewards.yaml", job.replace(right, wrong));
        let told = project.run(&["validate"]).ended_with(if expected.is_empty() { 0 } else { 78 });
        let told = format!("{}{}", told.stdout, told.stderr);
        assert!(told.contains(expected), "{wrong}: {told}");
    }
}
