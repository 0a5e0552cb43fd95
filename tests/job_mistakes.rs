//! What is told when a job file is wrong: one mistake at a time, the whole message.

use tieout::config::Problem;
use tieout::job;

use crate::job_files::{JOB, workspace};

pub(crate) fn told(text: &str) -> Vec<String> {
    match job::load(&workspace(text).project(), "daily") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::headline).collect(),
    }
}

#[test]
fn placeholder() {
    for (wrong, found) in cases() {
        println!("{wrong}\n    {found:#?}");
    }
}

fn cases() -> Vec<(&'static str, Vec<String>)> {
    [
        ("job: daily", "job: Daily"),
        ("job: daily", "job: other"),
        ("timezone: UTC", "timezone: America/New_Yrok"),
        ("timezone: UTC", "timezone: Mars"),
        ("match:", "schedule: {cron: '0 25 * * *', timezone: Asia/Tokio}\nmatch:"),
        ("match:", "grace: 4 hours\nmatch:"),
        ("match:", "grace: -4h\nmatch:"),
        ("match:", "gates: {max_break_amount: {USD: '1.005', XXY: 1, JPY: '0.5', EUR: -1, GBP: 1e3, KWD: '99999999999999999999'}}\nmatch:"),
        ("amount: {tolerance: 0}", "amount: {tolerance: -1}"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0.5}"),
        ("amount: {tolerance: 0}", "amount: exact"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0}\n    currency: exat"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0}\n    user_reward: {tolerance: 0}"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0}\n    identity: [user, amount]"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0}\n    date: {tolerance: 1d}"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0}\n    status: {same: [[A, B, C]]}"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0}\n  fallback: [{by: [user], within: 1d}]"),
        ("amount: {tolerance: 0}", "amount: {tolerance: 0}\n  fallback: [{by: []}]"),
        ("match:\n", "match:\n  key: event_id\n"),
        ("match:\n", "match:\n  key: amount\n"),
        ("match:\n", "match:\n  key: transactionid\n"),
        ("path: file-{period}.csv", "path: file-{perod}.csv"),
        ("path: file-{period}.csv", "path: 'file-{period.csv'"),
        ("path: file-{period}.csv", "path: /data/file.csv"),
        ("path: file-{period}.csv", "path: ../file.csv"),
        ("path: file-{period}.csv", "path: 'file-[.csv'"),
        ("path: file-{period}.csv", "path: ''"),
        ("path: file-{period}.csv", "path: x.csv\n    due: 3h"),
        ("path: file-{period}.csv", "path: x.csv\n    file_type: monthlyReconciliationFile"),
        ("path: file-{period}.csv", "path: x.csv\n    provider: kard"),
        ("path: file-{period}.csv", "quarantine: 1"),
        ("path: file-{period}.csv", "provider: kard"),
        ("path: file-{period}.csv", "provider: card\n    file_type: monthlyReconciliationFile"),
        ("path: file-{period}.csv", "provider: kard\n    file_type: monthlyFile"),
        ("path: file-{period}.csv", "provider: kard\n    file_type: earnedRewardSettledDailyReconciliationFile\n    name: 'x-{yymdd}'"),
        ("path: file-{period}.csv", "path: x.csv\n    preset: kard-reward"),
        ("path: file-{period}.csv", "path: x.csv\n    verify: kard"),
        ("path: file-{period}.csv", "path: x.csv\n    format: webhook_log\n    verify: keyless"),
        ("path: file-{period}.csv", "path: x.csv\n    format: webhook_log\n    verify: nobody"),
        ("path: file-{period}.csv", "path: x.csv\n    format: cvs"),
        ("path: file-{period}.csv", "path: x.csv\n    format: {cvs: {}}"),
        ("path: file-{period}.csv", "path: x.csv\n    format: {csv: {delimiter: ab}}"),
        ("path: file-{period}.csv", "path: x.csv\n    format: {csv: {delimiter: '\"'}}"),
        ("path: file-{period}.csv", "path: x.csv\n    limits: {max_bytes: 1GB, max_ratio: 0}"),
        ("path: file-{period}.csv", "path: x.csv\n    limits: {max_row_bytes: 0}"),
        ("path: file-{period}.csv", "path: x.csv\n    quarantine: -1"),
        ("path: file-{period}.csv", "path: x.csv\n    quarantine: '1'"),
        ("path: file-{period}.csv", "path: x.csv\n    allow_empty: 'yes'"),
        ("path: file-{period}.csv", "path: x.csv\n    only: {status: [SETTLED], amount: ['1'], currency: []}"),
        ("transaction_id: id, amount", "transaction_id: {constant: x}, amount"),
        ("transaction_id: id, ", ""),
        (", currency: currency}", "}"),
        (", currency: currency}", ", currency: {constant: usd}}"),
        (", currency: currency}", ", currency: {column: a, constant: USD}}"),
        (", currency: currency}", ", currency: {}}"),
        (", currency: currency}", ", currency: {column: a, unit: major}}"),
        (", currency: currency}", ", currency: currency, settled_at: at}"),
        (", currency: currency}", ", currency: currency, occurred_at: {column: at, format: epoch_milis}}"),
        (", currency: currency}", ", currency: currency, occurred_at: {column: at, format: dd/mm/yyyy}}"),
        (", currency: currency}", ", currency: currency, occurred_at: {column: at, format: '%Q'}}"),
        (", currency: currency}", ", currency: currency, occurred_at: {column: at, timezone: EDT}}"),
        (", currency: currency}", ", currency: currency, user: {column: u, timezone: UTC}}"),
        (", currency: currency}", ", currency: true}"),
        (", currency: currency}", ", currency: }"),
        (", currency: currency}", ", currency: []}"),
        (", currency: currency}", ", currency: ''}"),
        (", currency: currency}", ", currency: currency, amuont: x}"),
        (", currency: currency}", ", currency: currency, amount: x}"),
        ("period: {grain: day, timezone: UTC}", "period: day"),
        ("period: {grain: day, timezone: UTC}", "period: {grain: week, timezone: UTC}"),
        ("period: {grain: day, timezone: UTC}", "period: [day]"),
        ("period: {grain: day, timezone: UTC}", "period:"),
        ("match:", "report: [xlsx, pdf]\nmatch:"),
        ("match:", "report: xlsx\nmatch:"),
        ("match:", "<<: {a: b}\nmatch:"),
        ("match:", "description: !x y\nmatch:"),
        ("match:", "schedule: {cron: '0 9 * * *', catchup: 4294967296}\nmatch:"),
        ("match:", "\tgrace: 4h\nmatch:"),
        ("match:", "grace: [4h\nmatch:"),
        ("match:", "description: *nowhere\nmatch:"),
        ("match:", "? [a, b]\n: c\nmatch:"),
        ("    amount: {tolerance: 0}\n", "    amount: {tolerance: 0}\n---\njob: two\n"),
    ].into_iter().map(|(right, wrong)| {
        assert!(JOB.contains(right), "{right}");
        (wrong, told(&JOB.replacen(right, wrong, 1)))
    }).collect()
}
