//! A project that sends one day's transactions in each of the three ways, and what of them must arrive.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::project::{DAY, TestProject};

/// How the transactions are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SendingWay {
    Upload,
    Incoming,
    Historical,
}

impl SendingWay {
    pub(crate) const ALL: [Self; 3] = [Self::Upload, Self::Incoming, Self::Historical];

    /// The job of that way, and how it is told.
    pub(crate) const fn job(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Incoming => "incoming",
            Self::Historical => "historical",
        }
    }

    /// Calls that a run makes which meets no fault: three files; 500 rows and 20; two sessions opened, three parts,
    /// two sessions completed.
    pub(crate) const fn calls(self) -> usize {
        match self {
            Self::Upload => 3,
            Self::Incoming => 2,
            Self::Historical => 7,
        }
    }

    /// The endpoints of these calls, as a fault plan names them.
    pub(crate) const fn endpoints(self) -> &'static [&'static str] {
        match self {
            Self::Upload => &["storage"],
            Self::Incoming => &["transactions"],
            Self::Historical => &["historical_start", "historical_part", "historical_complete"],
        }
    }
}

/// Rows of the source: all fit but one, and the last one repeats another.
pub(crate) const ROWS: usize = 522;
/// Rows that must arrive.
pub(crate) const FITTING: usize = ROWS - 2;
/// The row whose amount has a digit too many.
const UNFIT: usize = 7;
/// The last row is this one once more.
const REPEATED: usize = 3;

/// 505 rows are of `u-1`, and 15 of `u-2`.
fn user(row: usize) -> &'static str {
    if row.is_multiple_of(35) { "u-2" } else { "u-1" }
}

const fn amount_minor(row: usize) -> usize {
    100 + row * 37 % 9_000
}

const fn is_credit(row: usize) -> bool {
    row.is_multiple_of(3)
}

fn transaction(row: usize) -> String {
    format!("t-{row:04}")
}

fn source() -> String {
    let mut text = "id,user,amount,text,at,dc\n".to_owned();
    for row in (0..ROWS - 1).chain([REPEATED]) {
        let (major, minor) = (amount_minor(row) / 100, amount_minor(row) % 100);
        let digit = if row == UNFIT { "5" } else { "" };
        let (id, user, dc) = (transaction(row), user(row), if is_credit(row) { "C" } else { "D" });
        writeln!(text, "{id},{user},{major}.{minor:02}{digit},SHOP {row},{DAY}T10:00:00,{dc}").unwrap();
    }
    text
}

/// Transaction → what its line must say of it.
pub(crate) fn expected() -> BTreeMap<String, Value> {
    let fits = (0..ROWS - 1).filter(|row| *row != UNFIT);
    let said = |row: usize| {
        json!({
            "userId": user(row), "amount": amount_minor(row), "currency": "USD", "description": format!("SHOP {row}"),
            "direction": if is_credit(row) { "CREDIT" } else { "DEBIT" },
        })
    };
    fits.map(|row| (transaction(row), said(row))).collect()
}

const COLUMNS: &str = "    userId: user\n    transactionId: id\n    amount: {column: amount, unit: major}\n    \
                       currency: {constant: USD}\n    description: text\n    \
                       settledDate: {column: at, timezone: UTC}\n    \
                       direction: {column: dc, words: {D: DEBIT, C: CREDIT}}\n";

/// One call at a time, so that the order of the calls is known.
fn job(way: SendingWay) -> String {
    let core = "    authorizationDate: {column: at, timezone: UTC}\n";
    let (head, columns, rest) = match way {
        SendingWay::Upload => (
            "file_type: incomingTransactionsFile",
            core,
            "  split: {max_rows: 200}\n  confirm: {path: notifications.jsonl, verify: kard, within: 24h, wait: 20s}\n",
        ),
        SendingWay::Incoming => ("record: coreTransaction", core, "  rate: 1000/s\n"),
        SendingWay::Historical => (
            "provider: kard",
            "    status: {constant: SETTLED}\n    cardBIN: {constant: \"123456\"}\n    \
             cardLastFour: {constant: \"0042\"}\n",
            "  rate: 1000/s\n",
        ),
    };
    let name = way.job();
    format!(
        "job: {name}\nperiod: {{grain: day, timezone: UTC}}\n{name}:\n  {head}\n  source: {{path: \
         \"core-{{period}}.csv\"}}\n  columns:\n{COLUMNS}{columns}  quarantine: 2\n  concurrency: 1\n{rest}"
    )
}

/// A project with the job of this way, and a provider that does this wrong.
pub(crate) fn sending_project(way: SendingWay, faults: &str) -> TestProject {
    let mut project = TestProject::new(&[], "");
    std::fs::remove_file(project.path("jobs/rewards.yaml")).unwrap();
    project.write(&format!("jobs/{}.yaml", way.job()), job(way));
    project.write(&format!("data/core-{DAY}.csv"), source());
    project.serve_telling(faults);
    project
}
