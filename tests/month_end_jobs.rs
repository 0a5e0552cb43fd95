//! `month_end:` of a job file: what it means, and what is told when it is wrong.

use std::collections::BTreeMap;

use tieout::config::Problem;
use tieout::frames::Side;
use tieout::job::{self, Format, MonthEnd, Payout, Terms};

use crate::job_files::{JOB, workspace};
use crate::project_files::{PROJECT, Workspace};
use crate::sending_in_jobs::UPLOAD;

const MONTHLY: &str = "\
job: monthly
period: {grain: month, timezone: UTC}
inputs:
  file:
    path: month-{period}.csv
    preset: kard-monthly
  ledger:
    path: ledger-{period}-*.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
match:
  compare:
    amount: {tolerance: 0}
month_end:
  dailies: daily
  earlier: 6
  terms: {default: 45, merchants: {\"DELTA AIR LINES\": 60}}
  buckets: [30, 60, 90, 120]
  payout: withheld
";

/// A project with the job of days and this job of months.
fn project(monthly: &str) -> Workspace {
    let workspace = workspace(JOB);
    workspace.write("jobs/monthly.yaml", monthly);
    workspace
}

fn told(workspace: &Workspace) -> Vec<String> {
    match job::load(&workspace.project(), "monthly") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::headline).collect(),
    }
}

fn month_end(monthly: &str) -> MonthEnd {
    let job = job::load(&project(monthly).project(), "monthly").unwrap_or_else(|problems| panic!("{problems}"));
    job.reconciliation().unwrap().month_end.clone().expect("the job closes months")
}

#[test]
fn a_job_says_how_a_month_is_closed() {
    let merchants = BTreeMap::from([("DELTA AIR LINES".to_owned(), 60)]);
    let expected = MonthEnd {
        dailies: Some("daily".to_owned()),
        earlier: 6,
        terms: Terms { default_days: 45, merchants },
        buckets: vec![30, 60, 90, 120],
        payout: Payout::Withheld,
    };
    assert_eq!(month_end(MONTHLY), expected);
    assert_eq!(expected.terms.days(Some("DELTA AIR LINES")), 60);
    assert_eq!(expected.terms.days(Some("Bluebird Coffee")), 45);
    assert_eq!(expected.terms.days(None), 45);
}

#[test]
fn what_a_job_leaves_out_is_usual() {
    let (before, _) = MONTHLY.split_once("  dailies").unwrap();
    let expected = MonthEnd {
        dailies: None,
        earlier: 12,
        terms: Terms { default_days: 30, merchants: BTreeMap::new() },
        buckets: vec![30, 60, 90],
        payout: Payout::AtOnce,
    };
    assert_eq!(month_end(&format!("{before}  payout: at_once\n")), expected);
}

#[test]
fn mistakes_of_the_block_are_told() {
    let cases: [(&str, &str, &[&str]); 14] = [
        ("  payout: withheld\n", "", &["13:1: missing key `payout` in month_end"]),
        (
            "payout: withheld",
            "payout: later",
            &["18:11: unknown value `later` for `month_end.payout`; expected one of `at_once`, `withheld`"],
        ),
        ("earlier: 6", "earlier: 0", &["15:12: `month_end.earlier` is 0; expected at least 1"]),
        ("earlier: 6", "earlier: 121", &["15:12: `month_end.earlier` is 121; expected at most 120"]),
        ("default: 45", "default: 0", &["16:20: `month_end.terms.default` is 0; expected at least 1"]),
        (
            "\": 60}",
            "\": soon}",
            &["16:55: `month_end.terms.merchants.DELTA AIR LINES` is `soon`; expected a whole number"],
        ),
        ("\"DELTA AIR LINES\"", "\" \"", &["16:24: a merchant without a name"]),
        ("[30, 60, 90, 120]", "[]", &["17:12: `month_end.buckets` has 0 items; expected at least 1"]),
        (
            "[30, 60, 90, 120]",
            "[30, 90, 60]",
            &["17:21: 60 comes after 90; expected the upper ends of the buckets in ascending order"],
        ),
        (
            "[30, 60, 90, 120]",
            "[30, 30]",
            &["17:17: 30 comes after 30; expected the upper ends of the buckets in ascending order"],
        ),
        (
            "grain: month",
            "grain: day",
            &[
                "13:1: `month_end` closes months, and this job's period is a day; set period.grain: month, or take `month_end` out",
            ],
        ),
        (
            "path: month-{period}.csv",
            "path: month.csv",
            &[
                "5:11: `month.csv` is the same for every month, and `month_end` reads those of earlier months; write {period} where the month stands",
            ],
        ),
        (
            "preset: kard-monthly",
            "columns: {transaction_id: id, amount: a, currency: c, occurred_at: at, issuer_commission: i}",
            &[
                "13:1: `month_end` needs `payment_status`, which the input `file` does not map; map it under inputs.file.columns",
                "13:1: `month_end` needs `user_reward`, which the input `file` does not map; map it under inputs.file.columns",
            ],
        ),
        (
            "  file:",
            "  webhooks:",
            &["13:1: `month_end` closes the month of the input `file`, and there is none; add it"],
        ),
    ];
    for (right, wrong, expected) in cases {
        assert!(MONTHLY.contains(right), "{right:?} is no part of the job");
        let expected: Vec<String> = expected.iter().map(|line| format!("jobs/monthly.yaml:{line}")).collect();
        let mut job = MONTHLY.replacen(right, wrong, 1);
        if wrong == "  webhooks:" {
            job = job
                .replace("preset: kard-monthly", "preset: kard-notifications")
                .replace("    amount: {tolerance: 0}", "    currency: exact");
        }
        assert_eq!(told(&project(&job)), expected, "{wrong:?} instead of {right:?}");
    }
}

#[test]
fn the_daily_job_must_be_one_that_compares_the_providers_file_of_a_day() {
    let at = "jobs/monthly.yaml:14:12:";
    let cases = [
        ("dailies: daly", JOB.to_owned(), "there is no job `daly`; did you mean `daily`?".to_owned()),
        ("dailies: ../daily", JOB.to_owned(), "there is no job `../daily`; expected one of `daily`, `monthly`".to_owned()),
        (
            "dailies: monthly",
            JOB.to_owned(),
            "the period of the job `monthly` is a month; expected a job of days".to_owned(),
        ),
        (
            "dailies: daily",
            JOB.replace("  file:", "  webhooks:"),
            "the job `daily` has no input `file` to hold against the month's".to_owned(),
        ),
        (
            "dailies: daily",
            JOB.replace("timezone: UTC", "timezone: UTZ"),
            "the job `daily` cannot be used: jobs/daily.yaml:2:32: unknown time zone `UTZ`; expected an IANA name such as \
             `UTC` or `America/New_York`"
                .to_owned(),
        ),
    ];
    for (dailies, daily, expected) in cases {
        let workspace = Workspace::new(PROJECT);
        workspace.write("jobs/daily.yaml", &daily);
        workspace.write("jobs/monthly.yaml", MONTHLY.replace("dailies: daily", dailies));
        assert_eq!(told(&workspace), [format!("{at} {expected}")], "{dailies}");
    }
}

#[test]
fn a_job_of_days_that_closes_months_is_wrong_however_it_is_loaded() {
    let workspace = project(MONTHLY);
    workspace.write("jobs/daily.yaml", format!("{JOB}month_end: {{dailies: monthly, payout: at_once}}\n"));
    // Both name each other: this comes to an end, and each tells what is wrong.
    let (jobs, problems) = job::load_all(&workspace.project());
    assert!(jobs.is_empty());
    let files: Vec<String> = problems.iter().map(|problem| problem.file.display().to_string()).collect();
    assert!(
        files.contains(&"jobs/daily.yaml".to_owned()) && files.contains(&"jobs/monthly.yaml".to_owned()),
        "{problems}"
    );
}

#[test]
fn a_job_that_sends_closes_no_month() {
    let workspace = workspace(&format!("{UPLOAD}month_end: {{payout: at_once}}\n"));
    let problems = job::load(&workspace.project(), "daily").unwrap_err();
    let line = UPLOAD.lines().count() + 1;
    assert_eq!(
        problems.iter().map(Problem::headline).collect::<Vec<_>>(),
        [format!(
            "jobs/daily.yaml:{line}:1: `month_end` belongs to a job that compares, and this one sends (`upload`); give \
             each a job file of its own"
        )]
    );
}

#[test]
fn kard_monthly_reads_the_columns_with_or_without_their_group() {
    let job = job::load(&project(MONTHLY).project(), "monthly").unwrap();
    let file = job.input(Side::File).unwrap();
    assert_eq!(file.format, Format::Csv { delimiter: b',', quote: b'"', header: true });
    let lines: Vec<String> = file
        .mapping
        .fields
        .iter()
        .map(|(field, column)| match &column.from {
            job::ColumnSource::Columns(names) => format!("{} = {}", field.name(), names.join(" | ")),
            job::ColumnSource::Constant(text) => format!("{} = '{text}'", field.name()),
            job::ColumnSource::Joined { parts, .. } => panic!("{} joins {parts:?}", field.name()),
        })
        .collect();
    let expected = [
        "transaction_id = transactionId | attributes.transactionId",
        "user = userId | relationships.user.data.id",
        "merchant = merchantId | relationships.merchant.data.id",
        "amount = transactionAmountInCents | attributes.transactionAmountInCents",
        "currency = 'USD'",
        "status = status | attributes.status",
        "occurred_at = transactionTimestamp | attributes.transactionTimestamp",
        "card_first_six = cardBIN | attributes.cardBIN",
        "card_last_four = cardLastFour | attributes.cardLastFour",
        "issuer_commission = commissionEarned.issuer.value | attributes.commissionEarned.issuer.value",
        "user_reward = commissionEarned.user.value | attributes.commissionEarned.user.value",
        "payment_status = paidToIssuer | attributes.paidToIssuer",
        "payout_month = payoutTimestamp | attributes.payoutTimestamp",
    ];
    assert_eq!(lines, expected);
    let known = file.known_columns.as_ref().unwrap();
    for column in ["type", "id", "offerId", "commissionEarned.user.type", "relationships.user.data.type"] {
        assert!(known.iter().any(|name| name == column), "{column}");
    }
}
