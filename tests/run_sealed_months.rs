//! Months that are sealed: the next one opens with what was signed off, and what a corrected file says is adjusted.

use serde_json::Value;
use tieout::job::FileType;

use crate::support::project::TestProject;
use crate::support::{Sample, utc};

const JOB: &str = "\
job: monthly
period: {grain: month, timezone: UTC}
inputs:
  file:
    provider: kard
    file_type: monthlyReconciliationFile
    preset: kard-monthly
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: {constant: USD}, occurred_at: at, user_reward: reward}
match:
  compare: {amount: {tolerance: 0}, user_reward: {tolerance: 0}}
month_end: {earlier: 2, payout: at_once}
report: [xlsx, html, csv, json, parquet]
";

/// A monthly file; each row is `id,amount,at,payment,commission,reward`.
fn month_rows(rows: &[&str]) -> Vec<u8> {
    let mut text = "transactionId,transactionAmountInCents,transactionTimestamp,paidToIssuer,\
                    commissionEarned.issuer.value,commissionEarned.user.value,status,userId,merchantId,cardBIN,\
                    cardLastFour,payoutTimestamp\n"
        .to_owned();
    for row in rows {
        text.push_str(row);
        text.push_str(",SETTLED,user-1,merchant-1,411111,4321,\n");
    }
    text.into_bytes()
}

fn ledger_rows(rows: &[&str]) -> Vec<u8> {
    let mut text = "id,amount,at,reward\n".to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text.into_bytes()
}

fn file(month: &str, modified: &str, rows: &[&str]) -> Sample {
    let name = format!("cardlinked-reconciliation-{month}.csv");
    let (sent_at, last_modified) = (utc("2025-03-17T12:00:00Z"), utc(modified));
    Sample { id: format!("id-{name}"), name, kind: FileType::Monthly, sent_at, last_modified, bytes: month_rows(rows) }
}

const FEBRUARY: [&str; 3] = [
    "a,1000,2025-02-10T12:00:00Z,PENDING,20,10",
    "b,2000,2025-02-11T12:00:00Z,PENDING,40,20",
    "c,3000,2025-02-12T12:00:00Z,PAID_IN_FULL,60,30",
];
/// Another amount, and one item more.
const CORRECTED: [&str; 4] = [
    "a,1000,2025-02-10T12:00:00Z,PENDING,25,10",
    "b,2000,2025-02-11T12:00:00Z,PENDING,40,20",
    "c,3000,2025-02-12T12:00:00Z,PAID_IN_FULL,60,30",
    "d,700,2025-02-13T12:00:00Z,PENDING,7,3",
];
const MARCH: [&str; 4] = [
    "a,1000,2025-02-10T12:00:00Z,PAID_IN_FULL,25,10",
    "b,2000,2025-02-11T12:00:00Z,PENDING,40,20",
    "d,700,2025-02-13T12:00:00Z,PENDING,7,3",
    "m,4000,2025-03-03T12:00:00Z,PENDING,80,40",
];

fn listed(february: Sample) -> [Sample; 2] {
    [february, file("2503", "2025-04-15T12:00:00Z", &MARCH)]
}

fn project() -> TestProject {
    let mut project = TestProject::empty();
    project.serve(&listed(file("2502", "2025-03-17T12:00:00Z", &FEBRUARY)), "");
    project.write("jobs/monthly.yaml", JOB);
    let february =
        ["a,1000,2025-02-10T12:00:00Z,10", "b,2000,2025-02-11T12:00:00Z,20", "c,3000,2025-02-12T12:00:00Z,30"];
    project.write("data/ledger-2025-02.csv", ledger_rows(&february));
    project.write("data/ledger-2025-03.csv", ledger_rows(&["m,4000,2025-03-03T12:00:00Z,40"]));
    project.write("data/ledger-2025-04.csv", ledger_rows(&[]));
    project
}

/// The provider replaces the file of February.
fn correct(project: &mut TestProject) {
    project.serve(&listed(file("2502", "2025-03-28T12:00:00Z", &CORRECTED)), "");
}

fn run(project: &TestProject, month: &str) {
    project.run(&["run", "monthly", "--period", month]).ended_with(0);
}

fn seal(project: &TestProject, month: &str) {
    project.run(&["seal", "monthly", "--period", month, "--reason", "signed off", "--by", "Mara Lind"]).ended_with(0);
}

/// Line, items, total of every line of the receivable that moves something, and the closing balance.
fn receivable(project: &TestProject, run: &str) -> (Vec<(String, u64, i64)>, i64) {
    let summary = project.summary(run);
    let [one] = summary["month"]["receivable"].as_array().unwrap().as_slice() else { panic!("one currency") };
    let minor = |owed: &Value| owed["total_minor"].as_str().unwrap().parse::<i64>().unwrap();
    let lines = one["lines"].as_array().unwrap().iter();
    let told = lines
        .map(|line| (line["line"].as_str().unwrap().to_owned(), line["items"].as_u64().unwrap(), minor(&line["owed"])));
    assert_eq!(summary["verdict"]["ties_out"], true);
    (told.filter(|(_, items, _)| *items > 0).collect(), minor(&one["closing"]))
}

fn lines(of: &[(&str, u64, i64)]) -> Vec<(String, u64, i64)> {
    of.iter().map(|(line, items, minor)| ((*line).to_owned(), *items, *minor)).collect()
}

/// What March says once February is sealed and its file corrected.
fn march() -> (Vec<(String, u64, i64)>, i64) {
    let told = lines(&[
        ("opening", 2, 90),
        ("adjusted_after_seal", 2, 15),
        ("newly_settled", 1, 120),
        ("paid", 1, -35),
        ("pending", 3, 190),
    ]);
    (told, 190)
}

/// The rows of `receivable.csv` by column, of one line.
fn csv_of(project: &TestProject, run: &str, line: &str) -> Vec<[String; 9]> {
    let columns = [
        "transaction",
        "issuer_commission",
        "user_reward",
        "file",
        "file_line",
        "before_file",
        "before_line",
        "sealed_file",
        "sealed_line",
    ];
    let mut reader = csv::Reader::from_path(project.path(&format!("runs/{run}/receivable.csv"))).unwrap();
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|column| column == name).unwrap();
    let records = reader.records().map(Result::unwrap).filter(|record| &record[place("line")] == line);
    records.map(|record| columns.map(|name| record[place(name)].to_owned())).collect()
}

#[test]
fn the_month_after_a_sealed_one_opens_with_its_closing_and_adjusts_it_to_the_cent() {
    let mut project = project();
    run(&project, "2025-02");
    let (_, closing) = receivable(&project, "monthly/2025-02/1");
    assert_eq!(closing, 90);
    seal(&project, "2025-02");
    correct(&mut project);
    // Without the late attempt nobody has seen the corrected file: the run of February holds the old one.
    run(&project, "2025-03");
    assert_eq!(receivable(&project, "monthly/2025-03/1").0[0], ("opening".to_owned(), 2, 90));
    run(&project, "2025-02");
    assert_eq!(receivable(&project, "monthly/2025-02/2").1, 105);
    run(&project, "2025-03");
    assert_eq!(receivable(&project, "monthly/2025-03/2"), march());
    let february = "cardlinked-reconciliation-2502.csv";
    let march_file = "cardlinked-reconciliation-2503.csv";
    let row = |cells: [&str; 9]| cells.map(str::to_owned);
    assert_eq!(
        csv_of(&project, "monthly/2025-03/2", "adjusted_after_seal"),
        [
            row(["a", "0.05", "0.00", march_file, "2", february, "2", february, "2"]),
            row(["d", "0.07", "0.03", march_file, "4", february, "5", "", ""]),
        ]
    );
    let sealed = &project.summary("monthly/2025-03/2")["month"]["sealed"];
    assert_eq!(*sealed, serde_json::json!({ "period": "2025-02", "run": "monthly/2025-02/1" }));
    let history = project.summary("monthly/2025-03/2")["history"].clone();
    let origins: Vec<&str> = history.as_array().unwrap().iter().map(|one| one["origin"].as_str().unwrap()).collect();
    assert_eq!(origins.len(), 2);
    assert!(origins[0].ends_with(", of 2025-02, for the month's end"), "{origins:?}");
    assert!(origins[1].ends_with(", of 2025-02 as sealed, for the month's end"), "{origins:?}");
    // Again, and offline: the same.
    run(&project, "2025-03");
    assert_eq!(receivable(&project, "monthly/2025-03/3"), march());
    project.stop_provider();
    project.run(&["run", "monthly", "--period", "2025-03", "--offline"]).ended_with(0);
    assert_eq!(receivable(&project, "monthly/2025-03/4"), march());
}

#[test]
fn the_page_and_the_workbook_have_the_line_only_where_a_month_is_sealed() {
    let mut project = project();
    run(&project, "2025-02");
    run(&project, "2025-03");
    let page = |run: &str| String::from_utf8(project.read(&format!("runs/{run}/report.html"))).unwrap();
    let json = |run: &str| String::from_utf8(project.read(&format!("runs/{run}/summary.json"))).unwrap();
    let csv = |run: &str| String::from_utf8(project.read(&format!("runs/{run}/receivable.csv"))).unwrap();
    assert!(!page("monthly/2025-03/1").contains("Adjusted after seal"));
    assert!(!json("monthly/2025-03/1").contains("seal"));
    assert!(csv("monthly/2025-03/1").starts_with("transaction,line,"));
    assert!(csv("monthly/2025-03/1").lines().next().unwrap().ends_with(",paid_file,paid_line"));
    seal(&project, "2025-02");
    correct(&mut project);
    run(&project, "2025-02");
    run(&project, "2025-03");
    let page = String::from_utf8(project.read("runs/monthly/2025-03/2/report.html")).unwrap();
    assert!(page.contains("Adjusted after seal: what earlier files say otherwise since"));
    assert!(page.contains("2025-02 is sealed: the opening balance is its closing one as monthly/2025-02/1 states it"));
}

#[test]
fn what_a_sealed_month_between_has_adjusted_is_not_adjusted_again() {
    let mut project = project();
    run(&project, "2025-02");
    seal(&project, "2025-02");
    correct(&mut project);
    run(&project, "2025-02");
    run(&project, "2025-03");
    seal(&project, "2025-03");
    project.run(&["run", "monthly", "--period", "2025-04"]).ended_with(75);
    project.write(
        "jobs/monthly.yaml",
        JOB.replace("    preset: kard-monthly\n", "    preset: kard-monthly\n    on_missing: break\n"),
    );
    run(&project, "2025-04");
    assert_eq!(receivable(&project, "monthly/2025-04/2"), (lines(&[("opening", 3, 190), ("pending", 3, 190)]), 190));
    // February once more: what is new since March was signed off falls into April.
    let mut rows = CORRECTED;
    rows[1] = "b,2000,2025-02-11T12:00:00Z,PENDING,40,18";
    project.serve(&listed(file("2502", "2025-04-28T12:00:00Z", &rows)), "");
    run(&project, "2025-02");
    run(&project, "2025-04");
    // March's own file states b as before: only that it did not change in March is new.
    assert_eq!(receivable(&project, "monthly/2025-04/3").1, 190);
    let refused = project
        .run(&["unseal", "monthly", "--period", "2025-02", "--reason", "again", "--by", "Mara Lind", "-q"])
        .ended_with(2);
    assert_eq!(
        refused.error(),
        "2025-02 of monthly stays sealed: the sealed run monthly/2025-03/1 opens with its closing balance; unseal \
         2025-03 first"
    );
}

#[test]
fn a_job_that_reads_the_sealed_files_otherwise_is_stopped() {
    let project = project();
    run(&project, "2025-02");
    seal(&project, "2025-02");
    project.write(
        "jobs/monthly.yaml",
        JOB.replace(
            "    preset: kard-monthly\n",
            "    preset: kard-monthly\n    columns: {user_reward: commissionEarned.issuer.value}\n",
        ),
    );
    let refused = project.run(&["run", "monthly", "--period", "2025-03", "-q"]).ended_with(65);
    assert_eq!(
        refused.error(),
        "the opening balance of 2025-03 is not what the sealed run monthly/2025-02/1 closed with: it is \
         120 minor units (2 items) of USD, sealed were 90 minor units (2 items); the job file reads the sealed files \
         otherwise than it did then: undo that change, or unseal the month, run it again and seal it"
    );
}

#[test]
fn a_month_too_long_ago_stays_in_the_balance_it_was_signed_off_with() {
    let project = project();
    project.write(
        "jobs/monthly.yaml",
        JOB.replace("earlier: 2", "earlier: 1")
            .replace("    preset: kard-monthly\n", "    preset: kard-monthly\n    on_missing: break\n"),
    );
    run(&project, "2025-02");
    seal(&project, "2025-02");
    run(&project, "2025-03");
    seal(&project, "2025-03");
    // April looks back to March alone; what February left and March dropped would be forgotten.
    run(&project, "2025-04");
    let (told, closing) = receivable(&project, "monthly/2025-04/1");
    let (_, before) = receivable(&project, "monthly/2025-03/1");
    assert_eq!(told[0].2, before);
    assert_eq!(closing, before);
    assert!(told.iter().all(|(line, ..)| line != "adjusted_after_seal"), "{told:?}");
}

/// A month of two days of a daily job.
const WITH_DAYS: &str = "month_end: {dailies: daily, earlier: 2, payout: at_once}";

#[test]
fn a_month_takes_its_days_along_and_without_one_it_is_refused() {
    let project = project();
    project.write("jobs/monthly.yaml", JOB.replace("month_end: {earlier: 2, payout: at_once}", WITH_DAYS));
    let daily = JOB
        .replace("job: monthly", "job: daily")
        .replace("grain: month", "grain: day")
        .replace("    provider: kard\n    file_type: monthlyReconciliationFile\n    preset: kard-monthly\n", "    path: day-{period}.csv\n    columns: {transaction_id: id, amount: amount, currency: {constant: USD}, occurred_at: at, user_reward: reward}\n")
        .replace("ledger-{period}.csv", "own-{period}.csv")
        .replace("month_end: {earlier: 2, payout: at_once}\n", "");
    project.write("jobs/daily.yaml", daily);
    for day in 1..=28 {
        for side in ["day", "own"] {
            project.write(&format!("data/{side}-2025-02-{day:02}.csv"), ledger_rows(&[]));
        }
    }
    project.run(&["backfill", "daily", "--from", "2025-02-01", "--to", "2025-02-26"]).ended_with(0);
    run(&project, "2025-02");
    let arguments = ["seal", "monthly", "--period", "2025-02", "--reason", "signed off", "--by", "Mara Lind"];
    let refused = project.run(&[&arguments[..], &["-q"]].concat()).ended_with(2);
    assert_eq!(
        refused.error(),
        "2 days of 2025-02 have no finished run of daily: 2025-02-27 is the first; `tieout backfill daily --from \
         2025-02-27 --to 2025-02-28` runs them, or seal the month alone with --without-days"
    );
    let alone = project.run(&[&arguments[..], &["--without-days"]].concat()).ended_with(0);
    assert!(alone.stderr.contains("sealed monthly/2025-02/1; "), "{}", alone.stderr);
    project.run(&["unseal", "monthly", "--period", "2025-02", "--reason", "days", "--by", "Mara Lind"]).ended_with(0);
    project.run(&["backfill", "daily", "--from", "2025-02-27", "--to", "2025-02-28"]).ended_with(0);
    let with_days = project.run(&arguments).ended_with(0);
    assert!(with_days.stderr.contains("sealed monthly/2025-02/1 and 28 days; "), "{}", with_days.stderr);
    let listed = project.run(&["seals", "--format", "csv"]).ended_with(0);
    assert_eq!(listed.stdout.lines().count(), 30);
    let whole = project.run(&["journal", "verify"]).ended_with(0);
    assert!(whole.stdout.contains("and 29 seals"), "{}", whole.stdout);
}
