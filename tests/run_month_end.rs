//! Months that are closed by the program: which files are read besides the month's own, what the comparison makes of
//! rows of earlier months, and that all of it can be done again.

use serde_json::Value;
use tieout::job::FileType;

use crate::support::project::TestProject;
use crate::support::{Sample, utc};

const DAILY: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    provider: kard
    file_type: earnedRewardSettledDailyReconciliationFile
    name: \"settled-{period}\"
    format: csv
    columns: COLUMNS
  ledger:
    path: ledger-{period}.csv
    columns: COLUMNS
match:
  compare: {amount: {tolerance: 0}, user_reward: {tolerance: 0}}
";

const MONTHLY: &str = "\
job: monthly
period: {grain: month, timezone: UTC}
inputs:
  file:
    provider: kard
    file_type: monthlyReconciliationFile
    preset: kard-monthly
  ledger:
    path: ledger-{period}-*.csv
    columns: {transaction_id: id, amount: amount, currency: {constant: USD}, occurred_at: at, user_reward: reward}
  # webhooks
match:
  compare: {amount: {tolerance: 0}, user_reward: {tolerance: 0}}
month_end: {dailies: daily, earlier: 2, payout: at_once}
";

/// The third side, in days.
const WEBHOOKS: &str = "webhooks: {path: \"log-{period}-*.jsonl\", preset: kard-notifications, columns: {occurred_at: envelope.received_at}}";

/// Rows of the daily job: `id,amount,at,commission,reward`.
fn day_rows(rows: &[&str]) -> Vec<u8> {
    let mut text = "id,amount,at,commission,reward\n".to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text.into_bytes()
}

/// A monthly file; each row is `id,amount,at,payment,commission,reward`.
fn month_rows(rows: &[&str]) -> Vec<u8> {
    let mut text =
        "transactionId,transactionAmountInCents,transactionTimestamp,paidToIssuer,commissionEarned.issuer.value,\
                    commissionEarned.user.value,status,userId,merchantId,cardBIN,cardLastFour,payoutTimestamp\n"
            .to_owned();
    for row in rows {
        text.push_str(row);
        text.push_str(",SETTLED,user-1,merchant-1,411111,4321,\n");
    }
    text.into_bytes()
}

fn sample(name: &str, kind: FileType, sent_at: &str, bytes: Vec<u8>) -> Sample {
    let sent_at = utc(sent_at);
    Sample { id: format!("id-{name}"), name: name.to_owned(), kind, sent_at, last_modified: sent_at, bytes }
}

const FEBRUARY: [&str; 3] = [
    "old-pending,1000,2025-02-10T12:00:00Z,PENDING,20,10",
    "old-paid,2000,2025-02-11T12:00:00Z,PAID_IN_FULL,40,20",
    "old-dropped,3000,2025-02-12T12:00:00Z,PENDING,60,30",
];
const MARCH: [&str; 3] = [
    "old-pending,1000,2025-02-10T12:00:00Z,PAID_IN_FULL,20,10",
    "new-pending,4000,2025-03-03T12:00:00Z,PENDING,80,40",
    "new-paid,5000,2025-03-04T12:00:00Z,PAID_IN_FULL,100,50",
];
const DAY_3: [&str; 1] = ["new-pending,4000,2025-03-03T12:00:00Z,80,40"];
const DAY_4: [&str; 1] = ["new-paid,5000,2025-03-04T12:00:00Z,100,50"];

fn samples() -> Vec<Sample> {
    let monthly = FileType::Monthly;
    let daily = FileType::EarnedRewardSettledDaily;
    vec![
        sample("settled-2025-03-03.csv", daily, "2025-03-04T00:10:00Z", day_rows(&DAY_3)),
        sample("settled-2025-03-04.csv", daily, "2025-03-05T00:10:00Z", day_rows(&DAY_4)),
        sample("cardlinked-reconciliation-2502.csv", monthly, "2025-03-17T12:00:00Z", month_rows(&FEBRUARY)),
        sample("cardlinked-reconciliation-2503.csv", monthly, "2025-04-15T12:00:00Z", month_rows(&MARCH)),
    ]
}

/// Both jobs, two days of ledgers, and what the provider lists.
fn project(samples: &[Sample], monthly: &str) -> TestProject {
    let mut project = TestProject::empty();
    project.serve(samples, "");
    project.write("jobs/daily.yaml", DAILY.replace("COLUMNS", COLUMNS));
    project.write("jobs/monthly.yaml", monthly);
    project.write("data/ledger-2025-03-03.csv", day_rows(&DAY_3));
    project.write("data/ledger-2025-03-04.csv", day_rows(&DAY_4));
    project
}

const COLUMNS: &str = "{transaction_id: id, amount: amount, currency: {constant: USD}, occurred_at: at, \
                       issuer_commission: commission, user_reward: reward}";

fn days(project: &TestProject) {
    for day in ["2025-03-03", "2025-03-04"] {
        project.run(&["run", "daily", "--period", day]).ended_with(0);
    }
}

fn march(project: &TestProject, more: &[&str]) -> crate::support::project::Output {
    project.run(&[&["run", "monthly", "--period", "2025-03"], more].concat())
}

/// Key and kind of every break but those of days without a run.
fn breaks(project: &TestProject, attempt: u32) -> Vec<(String, String)> {
    let rows = project.breaks(&format!("monthly/2025-03/{attempt}"));
    let told = rows.into_iter().map(|[key, kind, ..]| (key, kind));
    told.filter(|(key, kind)| kind != "file_missing" || !key.starts_with("2025-03-")).collect()
}

fn one(key: &str, kind: &str) -> (String, String) {
    (key.to_owned(), kind.to_owned())
}

/// Name and origin of what was read besides the month's own files.
fn history(summary: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let read = summary["history"].as_array().unwrap().iter();
    read.map(|input| (text(&input["name"]), text(&input["origin"]))).collect()
}

#[test]
fn a_month_is_closed_over_the_months_before_and_its_days() {
    let project = project(&samples(), MONTHLY);
    days(&project);
    march(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 1), [one("old-dropped", "dropped_pending")]);
    let summary = project.summary("monthly/2025-03/1");
    let daily = "kard, earnedRewardSettledDailyReconciliationFile, sent";
    assert_eq!(
        history(&summary),
        [
            (
                "cardlinked-reconciliation-2502.csv".to_owned(),
                "kard, monthlyReconciliationFile, sent 2025-03-17 12:00 UTC, of 2025-02, for the month's end"
                    .to_owned()
            ),
            (
                "settled-2025-03-03.csv".to_owned(),
                format!("{daily} 2025-03-04 00:10 UTC, of 2025-03-03, for the month's end")
            ),
            (
                "settled-2025-03-04.csv".to_owned(),
                format!("{daily} 2025-03-05 00:10 UTC, of 2025-03-04, for the month's end")
            ),
        ]
    );
    assert!(summary["history"].as_array().unwrap().iter().all(|input| input["sha256"].as_str().unwrap().len() == 64));
    // 29 days have no run: each is told.
    let all = project.breaks("monthly/2025-03/1");
    assert_eq!(all.iter().filter(|[_, kind, ..]| kind == "file_missing").count(), 29);
}

#[test]
fn rows_of_earlier_months_are_no_breaks_of_the_comparison() {
    let project = project(&samples(), MONTHLY);
    days(&project);
    march(&project, &[]).ended_with(0);
    let summary = project.summary("monthly/2025-03/1");
    let rows = summary["statement"]["rows"].as_array().unwrap();
    let count = |side: &str, what: &str| {
        rows.iter().find(|rows| rows["side"] == side).map(|rows| rows[what].as_u64().unwrap()).unwrap()
    };
    assert_eq!(["read", "matched", "excluded", "breaks"].map(|what| count("file", what)), [3, 2, 1, 0]);
    // The ledger of the month is the ledgers of its days.
    assert_eq!(["read", "matched", "excluded", "breaks"].map(|what| count("ledger", what)), [2, 2, 0, 0]);
    assert_eq!(summary["excluded"][0]["reason"], "belongs to another period");
    assert_eq!(summary["verdict"]["ties_out"], true);
}

/// A line of a webhook log: an unsigned envelope.
fn notice(kind: &str, transaction: &str, reward: i64, received_at: &str) -> String {
    let body = serde_json::json!({
        "data": {
            "type": kind,
            "id": format!("event-{kind}-{transaction}"),
            "attributes": {
                "name": "Coffee", "reason": "RETURNED",
                "commissionEarned": {"type": "cents", "value": reward},
            },
            "relationships": {
                "transaction": {"data": {"type": "transaction", "id": transaction}},
                "user": {"data": {"type": "user", "id": "user-1"}},
            },
        }
    });
    let line = serde_json::json!({"received_at": received_at, "signature": "", "body": body.to_string()});
    format!("{line}\n")
}

#[test]
fn a_notice_about_an_item_of_an_earlier_month_is_no_break_and_a_clawback_says_where_it_went() {
    let project = project(&samples(), &MONTHLY.replace("# webhooks", WEBHOOKS));
    days(&project);
    let log = [
        notice("earnedRewardSettled", "new-pending", 40, "2025-03-03T12:01:00Z"),
        notice("earnedRewardSettled", "new-paid", 50, "2025-03-04T12:01:00Z"),
        // The file of February holds it, paid; the notice came on the first of March.
        notice("earnedRewardSettled", "old-paid", 20, "2025-03-01T00:00:30Z"),
        // This month's file carries it along.
        notice("earnedRewardSettled", "old-pending", 10, "2025-03-01T00:00:40Z"),
        // Nobody ever heard of it.
        notice("earnedRewardSettled", "stranger", 10, "2025-03-20T00:00:40Z"),
        notice("clawback", "old-dropped", 30, "2025-03-21T00:00:00Z"),
    ];
    project.write("data/log-2025-03-01.jsonl", log.concat());
    march(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 1), [one("stranger", "webhook_only")]);
    let summary = project.summary("monthly/2025-03/1");
    let excluded: Vec<(&str, u64)> = summary["excluded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| (found["side"].as_str().unwrap(), found["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(excluded, [("file", 1), ("webhooks", 3)], "{}", summary["excluded"]);
}

#[test]
fn a_month_that_was_run_is_not_asked_for_again() {
    let project = project(&samples(), MONTHLY);
    let february = project.run(&["run", "monthly", "--period", "2025-02"]).ended_with(75);
    assert!(february.error().starts_with("no ledger input for 2025-02 yet"), "{}", february.error());
    project.write("data/ledger-2025-02-10.csv", day_rows(&["old-pending,1000,2025-02-10T12:00:00Z,20,10"]));
    project.run(&["run", "monthly", "--period", "2025-02"]).ended_with(0);
    assert_eq!(project.downloads(), 1);
    march(&project, &[]).ended_with(0);
    // March's own file, and no second one of February; January was never run and is asked for.
    assert_eq!(project.downloads(), 2);
    assert_eq!(history(&project.summary("monthly/2025-03/1"))[0].0, "cardlinked-reconciliation-2502.csv");
    // Nothing new the second time.
    march(&project, &[]).ended_with(0);
    assert_eq!(project.downloads(), 2);
}

#[test]
fn offline_the_same_files_give_the_same_breaks_although_nobody_answers() {
    let mut project = project(&samples(), MONTHLY);
    days(&project);
    march(&project, &[]).ended_with(0);
    project.stop_provider();
    // What the daily job finds meanwhile does not count: offline means the files of before.
    let again = march(&project, &["--offline"]).ended_with(0);
    assert!(again.stdout.contains("\nSince attempt 1: the same breaks; inputs unchanged\n"), "{}", again.stdout);
    let [first, second] = [1, 2].map(|attempt| project.read(&format!("runs/monthly/2025-03/{attempt}/breaks.csv")));
    assert!(first == second, "breaks.csv differs");
    let never = project.run(&["run", "monthly", "--period", "2025-04", "--offline", "-q"]).ended_with(75);
    assert!(never.error().contains("run without --offline first"), "{}", never.error());
}

#[test]
fn a_day_that_was_run_again_with_another_file_is_told_as_a_changed_input() {
    let mut all = samples();
    let mut project = project(&all, MONTHLY);
    days(&project);
    march(&project, &[]).ended_with(0);
    all[0].bytes = day_rows(&["new-pending,4000,2025-03-03T12:00:00Z,80,35"]);
    all[0].last_modified = utc("2025-03-06T00:00:00Z");
    project.serve(&all, "");
    march(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 2), [one("old-dropped", "dropped_pending")], "the daily job has not seen it");
    project.run(&["run", "daily", "--period", "2025-03-03"]).ended_with(0);
    march(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 3), [one("new-pending", "restated"), one("old-dropped", "dropped_pending")]);
    let changes = &project.summary("monthly/2025-03/3")["changes"];
    assert_eq!(changes["changed_inputs"], serde_json::json!(["file settled-2025-03-03.csv"]));
}

#[test]
fn local_files_of_earlier_months_are_found_by_their_pattern() {
    let local = MONTHLY
        .replace("provider: kard\n    file_type: monthlyReconciliationFile", "path: \"month-{period}.csv\"")
        .replace("dailies: daily, ", "");
    let project = project(&[], &local);
    project.write("data/month-2025-02.csv", month_rows(&FEBRUARY));
    project.write("data/month-2025-03.csv", month_rows(&MARCH));
    march(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 1), [one("old-dropped", "dropped_pending")]);
    assert_eq!(
        history(&project.summary("monthly/2025-03/1")),
        [("month-2025-02.csv".to_owned(), "local file, of 2025-02, for the month's end".to_owned())]
    );
    assert!(!project.path("runs/daily").exists(), "no daily job is asked");
    // Moved away: what the attempt before stored is no longer looked at, the month is unknown.
    std::fs::remove_file(project.path("data/month-2025-02.csv")).unwrap();
    march(&project, &[]).ended_with(0);
    assert_eq!(breaks(&project, 2), []);
    march(&project, &["--offline"]).ended_with(0);
    assert_eq!(breaks(&project, 3), []);
}

#[test]
fn a_day_whose_bytes_are_gone_stops_the_run() {
    let project = project(&samples(), MONTHLY);
    days(&project);
    let stored = project.listing("runs/daily/2025-03-04/raw");
    let file = stored.iter().find(|path| project.read(path) == samples()[1].bytes).expect("the day's file");
    std::fs::remove_file(project.path(file)).unwrap();
    let ended = march(&project, &["-q"]).ended_with(65);
    assert!(ended.error().starts_with("the stored bytes of settled-2025-03-04.csv ("), "{}", ended.error());
}

#[test]
fn the_breaks_of_the_close_count_at_the_gates() {
    let gated = format!("{MONTHLY}gates: {{max_breaks: 29}}\n");
    let project = project(&samples(), &gated);
    days(&project);
    // 29 days without a run, and what was dropped.
    march(&project, &[]).ended_with(10);
    assert_eq!(project.statuses()["monthly/2025-03/1"], "gate_breached");
}

#[test]
fn a_plan_closes_the_month_on_paper() {
    let project = project(&samples(), MONTHLY);
    days(&project);
    let planned = project.run(&["plan", "monthly", "--period", "2025-03"]).ended_with(0);
    assert!(planned.stdout.contains("settled-2025-03-04.csv"), "{}", planned.stdout);
    assert!(planned.stdout.contains("summary.json, receivable.csv, "), "{}", planned.stdout);
    assert!(planned.stdout.contains("dropped pending"), "{}", planned.stdout);
    assert!(!project.path("runs/monthly").exists());
}

#[test]
fn a_daily_job_that_is_gone_is_told_with_the_place() {
    let project = project(&samples(), MONTHLY);
    std::fs::remove_file(project.path("jobs/daily.yaml")).unwrap();
    let ended = march(&project, &["-q"]).ended_with(78);
    assert!(ended.error().contains("jobs/monthly.yaml:14:22: there is no job `daily`"), "{}", ended.error());
}

/// Where a file is the file of another month or day by its bytes.
fn same_as(name: &str, original: &str, period: &str) -> String {
    format!("{name} holds the same bytes as {original}, which was read for {period}")
}

#[test]
fn a_monthly_file_that_is_delivered_again_under_the_next_months_name_is_not_taken_for_it() {
    let mut all = samples();
    all[3].bytes = month_rows(&FEBRUARY);
    let project = project(&all, MONTHLY);
    let ended = march(&project, &["-q"]).ended_with(75);
    let instead = same_as("cardlinked-reconciliation-2503.csv", "cardlinked-reconciliation-2502.csv", "2025-02");
    assert!(ended.error().contains(&instead), "{}", ended.error());

    // A month later March is as if it had no file: nothing is dropped or paid twice by the copy.
    let local = MONTHLY
        .replace("provider: kard\n    file_type: monthlyReconciliationFile", "path: \"month-{period}.csv\"")
        .replace("dailies: daily, ", "");
    let copied = self::project(&[], &local);
    for month in ["2025-02", "2025-03"] {
        copied.write(&format!("data/month-{month}.csv"), month_rows(&FEBRUARY));
    }
    let april = ["old-pending,1000,2025-02-10T12:00:00Z,PAID_IN_FULL,20,10"];
    copied.write("data/month-2025-04.csv", month_rows(&april));
    copied.write("data/ledger-2025-04-03.csv", day_rows(&[]));
    copied.run(&["run", "monthly", "--period", "2025-04"]).ended_with(0);
    let found = copied.breaks("monthly/2025-04/1");
    assert_eq!(
        found.iter().map(|[key, kind, ..]| [&**key, &**kind]).collect::<Vec<_>>(),
        [["old-dropped", "dropped_pending"]]
    );
    let summary = copied.summary("monthly/2025-04/1");
    assert_eq!(summary["month"]["without_file"], serde_json::json!(["2025-03"]), "{:#}", summary["month"]);
}

#[test]
fn a_day_whose_file_is_the_day_befores_is_a_day_without_a_file() {
    let mut all = samples();
    all[1].bytes = day_rows(&DAY_3);
    let project = project(&all, MONTHLY);
    let daily =
        DAILY.replace("COLUMNS", COLUMNS).replacen("    format: csv\n", "    format: csv\n    on_missing: break\n", 1);
    project.write("jobs/daily.yaml", daily);
    // Though the later day was run first, and nobody knew.
    for day in ["2025-03-04", "2025-03-03"] {
        project.run(&["run", "daily", "--period", day]).ended_with(0);
    }
    march(&project, &[]).ended_with(0);
    let csv = String::from_utf8(project.read("runs/monthly/2025-03/1/breaks.csv")).unwrap();
    let instead = same_as("settled-2025-03-04.csv", "settled-2025-03-03.csv", "2025-03-03");
    assert!(csv.contains(&format!("{instead}: its items are not held against the month's")), "{csv}");
}
