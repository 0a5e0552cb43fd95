//! Job files: what they mean once loaded, and that every shipped one loads.

use std::path::Path;

use chrono::TimeDelta;
use tieout::frames::{Field, Side};
use tieout::job::{
    self, Column, ColumnSource, Due, FileType, Format, Grain, Job, Matching, OnMissing, ReadLimits, ReportFormat, Sign,
    Source, Splits, TimeFormat, Unit,
};
use tieout::project::Project;

use crate::project_files::{PROJECT, Workspace};

/// As small as a job can be.
pub(crate) const JOB: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: file-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
match:
  compare:
    amount: {tolerance: 0}
";

pub(crate) fn workspace(job: &str) -> Workspace {
    let workspace = Workspace::new(PROJECT);
    workspace.write("jobs/daily.yaml", job);
    workspace
}

pub(crate) fn load(job: &str) -> Job {
    job::load(&workspace(job).project(), "daily").unwrap_or_else(|problems| panic!("{problems}"))
}

fn matching(job: &Job) -> &Matching {
    &job.reconciliation().expect("the job compares").matching
}

fn shipped() -> Project {
    Project::load(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the shipped project file is right")
}

/// By name.
const SHIPPED: [&str; 19] = [
    "adyen-settlement",
    "bongloy-balances",
    "bongloy-transactions",
    "cardlytics-revisions",
    "core-balances",
    "core-daily",
    "core-movements",
    "core-upload",
    "history-enrolment",
    "http-daily",
    "incoming-daily",
    "issuing-cards",
    "issuing-topups",
    "kuggar-cards",
    "marqeta-daily",
    "marqeta-settlement",
    "rewards-daily",
    "rewards-monthly",
    "stripe-payouts",
];

#[test]
fn every_shipped_job_loads() {
    let (jobs, problems) = job::load_all(&shipped());
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), SHIPPED);
}

#[test]
fn the_shipped_daily_job_means_what_it_says() {
    let job = job::load(&shipped(), "rewards-daily").unwrap();
    assert_eq!(job.path, Path::new("jobs/rewards-daily.yaml"));
    assert_eq!((job.grain, job.zone), (Grain::Day, chrono_tz::UTC));
    let schedule = job.schedule.as_ref().unwrap();
    assert_eq!((schedule.cron.as_str(), schedule.catchup), ("45 9 * * *", job::Catchup::Missing(7)));
    assert_eq!(job.reconciliation().unwrap().grace, TimeDelta::hours(4));
    assert_eq!(job.gates.max_breaks, Some(100));
    assert_eq!(job.gates.max_break_amount_minor["USD"], 50_000);
    assert_eq!(job.inputs().iter().map(|input| input.side).collect::<Vec<_>>(), Side::ALL);

    let file = job.input(Side::File).unwrap();
    let expected = Source::Provider {
        provider: "kard".to_owned(),
        file_type: FileType::EarnedRewardSettledDaily,
        name: "cardlinked-reconciliation-{yymmdd}".to_owned(),
    };
    assert_eq!(file.source, expected);
    assert_eq!(file.due, Some(Due::After(TimeDelta::hours(12))));

    let ledger = job.input(Side::Ledger).unwrap();
    assert_eq!(ledger.source, Source::Path { pattern: "ledger-{period}.csv".to_owned() });
    assert_eq!(ledger.format, Format::Csv { delimiter: b',', quote: b'"', header: true });
    assert_eq!(ledger.quarantine_limit, 10);
    assert_eq!(ledger.mapping.sign, Sign::Unsigned);
    assert_eq!(ledger.mapping.statuses["refunded"], "RETURNED");
    assert_eq!(ledger.mapping.fields[&Field::Amount].unit, Unit::Major);
    assert_eq!(ledger.known_columns, None);

    let webhooks = job.input(Side::Webhooks).unwrap();
    assert_eq!(webhooks.format, Format::WebhookLog);
    assert_eq!(webhooks.verify.as_deref(), Some("kard"));

    assert_eq!(matching(&job).key, Field::TransactionId);
    assert_eq!(matching(&job).amount_tolerance_minor, Some(0));
    assert!(matching(&job).currency);
    assert_eq!(matching(&job).status, Some(Vec::new()));
    assert_eq!(matching(&job).identity, [Field::User, Field::CardLastFour]);
    assert_eq!(matching(&job).date_tolerance, Some(TimeDelta::days(1)));
    assert_eq!(matching(&job).splits, Splits::Sum);
    assert_eq!(matching(&job).fallback[0].by, [Field::CardLastFour, Field::Amount, Field::Currency]);
    assert_eq!(matching(&job).fallback[0].within, Some(TimeDelta::days(1)));
}

#[test]
fn what_is_left_out_has_the_documented_defaults() {
    let job = load(JOB);
    assert_eq!(job.description, None);
    assert!(job.schedule.is_none());
    assert_eq!(job.reconciliation().unwrap().grace, TimeDelta::zero());
    assert_eq!(job.gates.max_breaks, None);
    assert_eq!(
        job.reports,
        [ReportFormat::Xlsx, ReportFormat::Html, ReportFormat::Csv, ReportFormat::Json, ReportFormat::Parquet]
    );
    let file = job.input(Side::File).unwrap();
    assert_eq!(file.limits, ReadLimits::default());
    assert_eq!((file.quarantine_limit, file.allow_empty, file.on_missing), (0, false, OnMissing::Wait));
    assert_eq!(matching(&job).key, Field::TransactionId);
    assert_eq!(matching(&job).splits, Splits::Forbid);
    assert_eq!((matching(&job).currency, matching(&job).status.clone()), (false, None));
}

#[test]
fn the_digest_is_that_of_the_files_bytes() {
    // printf '%s' "$JOB" | sha256sum would say the same.
    let one = load(JOB).digest;
    assert_eq!(one.len(), 64);
    assert_eq!(one, load(JOB).digest);
    assert_ne!(one, load(&format!("{JOB}# a comment\n")).digest);
}

#[test]
fn columns_have_short_and_long_forms() {
    let job = load(&JOB.replacen(
        "columns: {transaction_id: id, amount: amount, currency: currency}",
        "format: {csv: {delimiter: ';', quote: \"'\", header: false}}
    columns:
      transaction_id: 1
      amount: {column: [2, 7], unit: major}
      currency: {constant: JPY}
      user: [user, user_id]
      occurred_at: {column: at, format: '%d/%m/%Y %H:%M', timezone: Asia/Tokyo}
      settled_at: {column: settled, format: epoch_millis}
    limits: {max_bytes: 2GiB, max_ratio: 50, max_row_bytes: 4096}",
        1,
    ));
    let file = job.input(Side::File).unwrap();
    assert_eq!(file.format, Format::Csv { delimiter: b';', quote: b'\'', header: false });
    assert_eq!(file.limits, ReadLimits { max_bytes: 2 << 30, max_ratio: 50, max_row_bytes: 4096 });
    let columns = |names: &[&str]| ColumnSource::Columns(names.iter().map(|name| (*name).to_owned()).collect());
    let iso = TimeFormat::Iso { zone: None };
    let expected = [
        (Field::TransactionId, columns(&["1"]), Unit::Minor, iso.clone()),
        (Field::Amount, columns(&["2", "7"]), Unit::Major, iso.clone()),
        (Field::Currency, ColumnSource::Constant("JPY".to_owned()), Unit::Minor, iso.clone()),
        (Field::User, columns(&["user", "user_id"]), Unit::Minor, iso),
        (
            Field::OccurredAt,
            columns(&["at"]),
            Unit::Minor,
            TimeFormat::Pattern { pattern: "%d/%m/%Y %H:%M".to_owned(), zone: Some(chrono_tz::Asia::Tokyo) },
        ),
        (Field::SettledAt, columns(&["settled"]), Unit::Minor, TimeFormat::EpochMillis),
    ];
    for (field, from, unit, time) in expected {
        assert_eq!(file.mapping.fields[&field], Column { from, unit, time }, "{field:?}");
    }
}

#[test]
fn json_says_where_its_rows_and_totals_stand() {
    let job = load(&JOB.replacen(
        "    path: file-{period}.csv\n",
        "    path: file-{period}.json\n    format: {json: {rows: data.items, control: {rows: meta.count, amount: meta.total}}}\n",
        1,
    ));
    let Format::Json { rows, control } = &job.input(Side::File).unwrap().format else { panic!("not JSON") };
    assert_eq!(rows, "data.items");
    let control = control.as_ref().unwrap();
    assert_eq!((control.rows.as_deref(), control.amount.as_deref()), (Some("meta.count"), Some("meta.total")));
}

#[test]
fn amounts_of_gates_are_exact_in_the_currencys_minor_units() {
    for (written, currency, minor) in [
        ("\"500.00\"", "USD", 50_000),
        ("500.1", "USD", 50_010),
        ("0.30", "USD", 30),
        ("92233720368547758.07", "USD", i64::MAX),
        ("7", "JPY", 7),
        ("7.000", "JPY", 7),
        ("0.001", "KWD", 1),
    ] {
        let job = load(&format!("{JOB}gates: {{max_break_amount: {{{currency}: {written}}}}}\n"));
        assert_eq!(job.gates.max_break_amount_minor[currency], minor, "{written} {currency}");
    }
}

#[test]
fn statuses_that_count_as_the_same_are_pairs() {
    let mut text = JOB.replace("currency: currency}", "currency: currency, status: status}");
    text.push_str("    status: {same: [[approved, SETTLED]]}\n");
    assert_eq!(matching(&load(&text)).status, Some(vec![("APPROVED".to_owned(), "SETTLED".to_owned())]));
}

#[test]
fn a_monthly_file_has_its_own_name_template() {
    let text = JOB.replacen("grain: day", "grain: month", 1).replacen(
        "path: file-{period}.csv",
        "provider: kard\n    file_type: monthlyReconciliationFile",
        1,
    );
    let Source::Provider { name, .. } = load(&text).inputs()[0].source.clone() else { panic!("not a provider's file") };
    assert_eq!(name, "cardlinked-reconciliation-{yymm}");
}

#[test]
fn anchors_are_unfolded_and_comments_ignored() {
    let text = JOB
        .replacen("columns: {", "columns: &columns {", 1)
        .replace("columns: {transaction_id: id, amount: amount, currency: currency}", "columns: *columns # the same");
    let job = load(&text);
    assert_eq!(job.inputs()[0].mapping, job.inputs()[1].mapping);
}

#[test]
fn a_job_is_found_by_the_path_of_its_file_too() {
    let workspace = workspace(JOB);
    let project = workspace.project();
    assert_eq!(job::load(&project, "jobs/daily.yaml").unwrap().name, "daily");
    let absolute = workspace.root().join("jobs/daily.yaml");
    assert_eq!(job::load(&project, absolute.to_str().unwrap()).unwrap().path, Path::new("jobs/daily.yaml"));
}

#[test]
fn every_job_of_a_project_is_loaded_by_name_and_the_broken_ones_are_told() {
    let workspace = workspace(JOB);
    workspace.write("jobs/another.yaml", JOB.replacen("job: daily", "job: another", 1));
    workspace.write("jobs/broken.yaml", "job: broken\n");
    workspace.write("jobs/old.yml", JOB);
    workspace.write("jobs/notes.txt", "not a job");
    let (jobs, problems) = job::load_all(&workspace.project());
    assert_eq!(jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["another", "daily"]);
    let told = problems.iter().map(tieout::config::Problem::headline).collect::<Vec<_>>();
    let expected =
        ["jobs/old.yml: job files end in `.yaml`; rename the file", "jobs/broken.yaml:1:1: missing key `period`"];
    let mut sorted = told.clone();
    sorted.sort();
    let mut expected = expected.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(sorted, expected);
}
