//! A project whose breaks become audits and markers: what the tests of effects start from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Sample;
use super::project::{DAY, TestProject, settled};

/// Both sides of the job below.
const HEADER: &str = "id,user,merchant,amount,currency,at\n";

/// Four audits for three users (u-1 has two), three markers; `more` is indented below `effects:`.
pub(crate) fn job(more: &str) -> String {
    let columns = "columns: {transaction_id: id, user: user, merchant: merchant, amount: {column: amount, unit: major}, \
                   currency: currency, occurred_at: at}";
    format!(
        "job: rewards\nperiod: {{grain: day, timezone: UTC}}\ninputs:\n  file:\n    provider: kard\n    \
         file_type: earnedRewardSettledDailyReconciliationFile\n    name: \"settled-{{period}}\"\n    {columns}\n  \
         ledger:\n    path: \"ledger-{{period}}.csv\"\n    {columns}\nmatch:\n  compare: {{amount: {{tolerance: 0}}, \
         currency: exact}}\neffects:\n{more}"
    )
}

/// Audits for what differs or is missing in the file; nobody is asked.
pub(crate) const AUDITS: &str = "  provider_audit: {for: [amount_mismatch, missing_in_file], approval: none}\n";
/// Markers for what only the file has; nobody is asked.
pub(crate) const MARKERS: &str = "  fraud_marker: {for: [missing_in_ledger], approval: none}\n";
/// As fast as the machine, one call after the other.
pub(crate) const FAST: &str = "  rate: 1000/s\n  concurrency: 1\n";

pub(crate) fn file_rows() -> Sample {
    let rows = [
        "t-1,u-1,Diner,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,u-1,Diner,20.50,USD,2025-03-19T02:00:00Z",
        "t-3,u-1,Bakery,5.25,USD,2025-03-19T03:00:00Z",
        "t-5,u-2,Bakery,7.00,USD,2025-03-19T04:00:00Z",
        "f-1,u-1,Arcade,1.00,USD,2025-03-19T05:00:00Z",
        "f-2,u-2,Arcade,2.00,USD,2025-03-19T06:00:00Z",
        "f-3,u-3,Arcade,3.00,USD,2025-03-19T07:00:00Z",
    ];
    settled(&table(&rows))
}

pub(crate) fn ledger_rows() -> Vec<u8> {
    table(&[
        "t-1,u-1,Diner,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,u-1,Diner,20.05,USD,2025-03-19T02:00:00Z",
        "t-3,u-1,Bakery,5.20,USD,2025-03-19T03:00:00Z",
        "t-4,u-3,Diner,9.00,USD,2025-03-19T03:30:00Z",
        "t-5,u-2,Bakery,7.70,USD,2025-03-19T04:00:00Z",
    ])
}

fn table(rows: &[&str]) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text.into_bytes()
}

/// The transactions whose audits the job asks for, by user.
pub(crate) const AUDITED: [(&str, &str); 4] = [("u-1", "t-2"), ("u-1", "t-3"), ("u-2", "t-5"), ("u-3", "t-4")];
/// The transactions that the job wants marked, by user.
pub(crate) const MARKED: [(&str, &str); 3] = [("u-1", "f-1"), ("u-2", "f-2"), ("u-3", "f-3")];

/// A project with this `effects:` and a provider that does this wrong.
pub(crate) fn project(effects: &str, faults: &str) -> TestProject {
    let project = TestProject::new(&[file_rows()], faults);
    project.write("jobs/rewards.yaml", job(effects));
    project.write(&format!("data/ledger-{DAY}.csv"), ledger_rows());
    project
}

/// Transaction → state, of every effect in the journal.
pub(crate) fn states(project: &TestProject) -> BTreeMap<String, String> {
    let listed = project.run(&["effects", "rewards", "--format", "json"]);
    let effects: Vec<Value> =
        serde_json::from_str(&listed.stdout).unwrap_or_else(|error| panic!("{error}: {listed:?}"));
    let text = |effect: &Value, field: &str| effect[field].as_str().unwrap_or_default().to_owned();
    effects.iter().map(|effect| (text(effect, "transaction"), text(effect, "state"))).collect()
}
