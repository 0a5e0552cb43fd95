//! What is told when columns, key, comparison or fallback are wrong, and of files that are plain mangled.

use proptest::prelude::*;
use tieout::job;

use crate::job_files::{JOB, workspace};
use crate::job_mistakes::{Mistake, check};

#[test]
fn mistakes_of_a_column_are_told() {
    check(COLUMNS);
}

#[test]
fn mistakes_of_matching_are_told() {
    check(MATCHING);
}

proptest! {
    /// Whatever stands in the file, it is accepted or told with a place that exists.
    #[test]
    fn no_mangled_job_file_is_accepted_in_silence_or_ends_in_a_panic(
        start in 0..JOB.len(),
        cut in 0..40_usize,
        put in "[ a-z0-9:{}\\[\\],&*!|>'\"%@\n\t#?.-]{0,12}",
    ) {
        let text = format!("{}{put}{}", &JOB[..start], &JOB[(start + cut).min(JOB.len())..]);
        let workspace = workspace(&text);
        if let Err(problems) = job::load(&workspace.project(), "daily") {
            prop_assert!(!problems.is_empty());
            for problem in &problems {
                let line = problem.line.unwrap_or(1);
                prop_assert!(line <= text.lines().count() + 1, "line {line} of {text:?}");
                prop_assert!(problem.column.unwrap_or(1) >= 1);
                prop_assert!(problem.message.chars().next().is_some_and(|c| !c.is_uppercase()), "{}", problem.message);
                let _ = problem.to_string();
            }
        }
    }
}

const COLUMNS: &[Mistake] = &[
    Mistake {
        right: "transaction_id: id, amount",
        wrong: "transaction_id: {constant: x}, amount",
        told: &["6:42: `transaction_id` is the same text in every row; expected a column"],
    },
    Mistake {
        right: "transaction_id: id, ",
        wrong: "",
        told: &["6:5: `transaction_id` is not mapped; every row needs one"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: "}",
        told: &["6:5: `currency` is not mapped; write the column, or {constant: USD} where the data state none"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: {constant: usd}}",
        told: &["6:72: unknown currency `usd`; expected an ISO 4217 code such as `USD`"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: {column: a, constant: USD}}",
        told: &["6:51: both `column` and `constant`; expected one of them"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: {}}",
        told: &["6:51: neither `column` nor `constant`; expected one of them"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: {column: a, unit: major}}",
        told: &["6:79: `unit` is for amounts; `currency` is none"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, settled_at: at}",
        told: &["6:5: `settled_at` is mapped, but `occurred_at` is not; map it too: it puts a row into its period"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, occurred_at: {column: at, format: epoch_milis}}",
        told: &["6:105: unknown time format `epoch_milis`; did you mean `epoch_millis`?"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, occurred_at: {column: at, format: dd/mm/yyyy}}",
        told: &[
            "6:105: unknown time format `dd/mm/yyyy`; expected one of `iso`, `epoch_seconds`, `epoch_millis`, or a strftime pattern such as `%d/%m/%Y`",
        ],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, occurred_at: {column: at, format: '%Q'}}",
        told: &["6:105: `%Q` is no strftime pattern; expected one such as `%d/%m/%Y`"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, occurred_at: {column: at, timezone: EDT}}",
        told: &["6:107: unknown time zone `EDT`; expected an IANA name such as `UTC` or `America/New_York`"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, user: {column: u, timezone: UTC}}",
        told: &["6:99: `timezone` is for times; `user` is none"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: true}",
        told: &[
            "6:61: `inputs.file.columns.currency` is `true`, which YAML takes for true or false unless it stands in quotes; expected text or a list or a group of keys",
        ],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: }",
        told: &["6:51: `inputs.file.columns.currency` is nothing; expected text or a list or a group of keys"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: []}",
        told: &["6:61: `inputs.file.columns.currency` has 0 items; expected at least 1"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: ''}",
        told: &["6:61: a column without a name; expected a header, a dotted path, or a number from 1"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, amuont: x}",
        told: &["6:71: unknown key `amuont` in inputs.file.columns; did you mean `amount`?"],
    },
    Mistake {
        right: ", currency: currency}",
        wrong: ", currency: currency, amount: x}",
        told: &["6:71: duplicate key `amount`; it stands already at line 6, column 35"],
    },
];

const MATCHING: &[Mistake] = &[
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: -1}",
        told: &["12:25: `match.compare.amount.tolerance` is -1; expected at least 0"],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0.5}",
        told: &["12:25: `match.compare.amount.tolerance` is `0.5`; expected a whole number"],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: exact",
        told: &["12:13: `match.compare.amount` is `exact`; expected a group with `tolerance`"],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n    currency: exat",
        told: &["13:15: unknown value `exat` for `match.compare.currency`; did you mean `exact`?"],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n    user_reward: {tolerance: 0}",
        told: &[
            "13:5: `user_reward` is to be compared, but no input maps it; map it under the columns of two inputs, or take it out here",
        ],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n    identity: [user, amount]",
        told: &[
            "13:16: `user` is to be compared, but no input maps it; map it under the columns of two inputs, or take it out here",
            "13:22: `amount` is no text; identity compares fields such as `user`, `merchant`",
        ],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n    identity: [direction]",
        told: &[
            "13:16: `direction` cannot be compared here; expected one of `user`, `merchant`, `card_first_six`, `card_last_four`, `payment_status`, `reason`, `account`, `currency`, `status`",
        ],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n  fallback: [{by: [amount, occurred_at]}]",
        told: &[
            "13:28: `occurred_at` cannot be compared here; expected one of `user`, `merchant`, `card_first_six`, `card_last_four`, `payment_status`, `reason`, `account`, `amount`, `issuer_commission`, `user_reward`, `currency`, `status`",
        ],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n    date: {tolerance: 1d}",
        told: &[
            "13:5: `date` is to be compared, but the input `file` does not map `occurred_at`; map it under inputs.file.columns, or take it out here",
            "13:5: `date` is to be compared, but the input `ledger` does not map `occurred_at`; map it under inputs.ledger.columns, or take it out here",
        ],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n    status: {same: [[A, B, C]]}",
        told: &["13:21: `match.compare.status.same[0]` has 3 items; expected exactly 2"],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n  fallback: [{by: [user], within: 1d}]",
        told: &[
            "13:20: `user` is to be compared, but no input maps it; map it under the columns of two inputs, or take it out here",
            "13:35: `occurred_at` is to be compared, but no input maps it; map it under the columns of two inputs, or take it out here",
        ],
    },
    Mistake {
        right: "amount: {tolerance: 0}",
        wrong: "amount: {tolerance: 0}\n  fallback: [{by: []}]",
        told: &["13:19: `match.fallback[0].by` has 0 items; expected at least 1"],
    },
    Mistake {
        right: "match:\n",
        wrong: "match:\n  key: event_id\n",
        told: &[
            "11:8: the key `event_id` is not mapped by the input `file`; map it under inputs.file.columns",
            "11:8: the key `event_id` is not mapped by the input `ledger`; map it under inputs.ledger.columns",
        ],
    },
    Mistake {
        right: "match:\n",
        wrong: "match:\n  key: amount\n",
        told: &["11:8: `amount` is no text; expected a field such as `transaction_id`"],
    },
    Mistake {
        right: "match:\n",
        wrong: "match:\n  key: transactionid\n",
        told: &["11:8: unknown value `transactionid` for `match.key`; did you mean `transaction_id`?"],
    },
];

#[test]
fn dates_need_both_a_file_and_a_ledger() {
    let text = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file: {provider: kard, file_type: earnedRewardSettledDailyReconciliationFile, preset: kard-rewards}
  webhooks: {path: webhooks.jsonl, preset: kard-notifications}
match:
  compare:
    date: {tolerance: 1d}
";
    let problems = job::load(&workspace(text).project(), "daily").unwrap_err();
    let expected = "jobs/daily.yaml:8:5: `date` compares the file with the ledger, and the job has no input `ledger`; \
                    take it out here\n  8 |     date: {tolerance: 1d}\n    |     ^";
    assert_eq!(problems.to_string(), expected);
}
