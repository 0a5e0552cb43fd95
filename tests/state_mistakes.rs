//! What is told when a job that compares how things stand is wrong: the whole messages.

use tieout::frames::Field;
use tieout::job::{ColumnSource, Splits};

use crate::job_files::load;
use crate::job_mistakes::{Mistake, check_in};

/// Cards: everything that is about how things stand, right.
const CARDS: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: file-{period}.csv
    columns: {transaction_id: id, amount: limit, currency: {constant: USD}, status: state, valid_to: end}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, amount: limit, currency: currency, status: state, valid_to: end}
match:
  compare: {amount: {tolerance: 0}, status: exact, validity: exact}
  open_after_end: [active]
  failed: [issue_failed]
  status_changes: {expected: [[pending, active]]}
carry: 0
";

/// Balances, right.
const BALANCES: &str = "\
job: daily
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: file-{period}.csv
    columns: {transaction_id: account, account: account, amount: balance, currency: currency}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, account: {join: [branch, number], with: '-'}, amount: amount, currency: currency}
match:
  key: account
  splits: balance
  compare: {amount: {tolerance: 0}}
";

#[test]
fn what_is_written_of_states_means_what_it_says() {
    let job = load(CARDS);
    let work = job.reconciliation().unwrap();
    let matching = &work.matching;
    assert!(matching.validity && matching.compares_states() && matching.may_repeat());
    assert_eq!(
        (&*matching.open_after_end, &*matching.failed),
        (&["ACTIVE".to_owned()][..], &["ISSUE_FAILED".to_owned()][..])
    );
    assert_eq!(matching.status_changes, Some(vec![("PENDING".to_owned(), "ACTIVE".to_owned())]));

    let job = load(BALANCES);
    let work = job.reconciliation().unwrap();
    assert_eq!((work.matching.key, work.matching.splits, work.carry), (Field::Account, Splits::Balance, 0));
    let expected = ColumnSource::Joined { parts: vec!["branch".to_owned(), "number".to_owned()], with: "-".to_owned() };
    assert_eq!(job.inputs()[1].mapping.fields[&Field::Account].from, expected);
    // Between the parts stands a slash where nothing is said.
    let job = load(&BALANCES.replace(", with: '-'", ""));
    let ColumnSource::Joined { with, .. } = &job.inputs()[1].mapping.fields[&Field::Account].from else { panic!() };
    assert_eq!(with, "/");
    // No change need be expected, and a job of what has happened carries all the same.
    let job = load(
        &crate::job_files::JOB
            .replace("amount: amount, ", "amount: amount, status: state, ")
            .replace("match:\n", "match:\n  status_changes: {}\n"),
    );
    let work = job.reconciliation().unwrap();
    assert_eq!((work.matching.status_changes.clone(), work.carry), (Some(Vec::new()), 31));
}

#[test]
fn a_balance_is_compared_with_no_date() {
    let job = BALANCES.replace("currency: currency}", "currency: currency, occurred_at: at}");
    check_in(
        &job,
        &[Mistake {
            right: "{amount: {tolerance: 0}}",
            wrong: "{amount: {tolerance: 0}, date: {tolerance: 1d}}",
            told: &["13:37: `balance` sums rows of all times, and a sum has no date; take it out here"],
        }],
    );
}

#[test]
fn mistakes_about_cards_are_told() {
    check_in(CARDS, MISTAKES);
}

#[test]
fn mistakes_about_balances_are_told() {
    check_in(BALANCES, OF_BALANCES);
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        right: ", status: state, valid_to: end}\n  ledger",
        wrong: ", status: state}\n  ledger",
        told: &[
            "11:62: `validity` is to be compared, but no two inputs map `valid_from`, and no two `valid_to`; map one of them under the columns of two inputs",
        ],
    },
    Mistake {
        right: "validity: exact",
        wrong: "validity: {tolerance: 1d}",
        told: &["11:52: `match.compare.validity` is a group of keys; expected `exact`"],
    },
    Mistake {
        right: "open_after_end: [active]",
        wrong: "open_after_end: []",
        told: &["12:19: no status is listed; list those of the file, or take it out"],
    },
    Mistake {
        right: "open_after_end: [active]",
        wrong: "open_after_end: [active, approved]",
        told: &[
            "12:28: `APPROVED` is the status of a transaction, and says what becomes of its money; map the provider's word to another one under statuses, such as `CARD_APPROVED`",
        ],
    },
    Mistake {
        right: "failed: [issue_failed]",
        wrong: "failed: [Failed]",
        told: &[
            "13:12: `FAILED` is the status of a transaction, and says what becomes of its money; map the provider's word to another one under statuses, such as `CARD_FAILED`",
        ],
    },
    Mistake {
        right: "currency: {constant: USD}, status: state, valid_to: end}",
        wrong: "currency: {constant: USD}, valid_to: end}",
        told: &[
            "11:45: `status` is to be compared, but only the input `ledger` maps it; map it under the columns of two inputs, or take it out here",
            "12:19: `open_after_end` lists statuses of the file, and the input `file` does not map `status`; map it under inputs.file.columns, or take it out here",
            "13:11: `failed` lists statuses of the file, and the input `file` does not map `status`; map it under inputs.file.columns, or take it out here",
            "14:3: `status_changes` looks at the statuses of the file, and the input `file` does not map `status`; map it under inputs.file.columns, or take it out here",
        ],
    },
    Mistake {
        right: "currency: currency, status: state, valid_to: end}",
        wrong: "currency: currency, status: state, valid_to: end, occurred_at: made}",
        told: &[
            "9:113: the job compares how things stand, and the input `ledger` maps `occurred_at`, but `file` does not: what stands in `ledger` alone would be left to the period of its time; take `occurred_at` out, so that each period looks at all rows",
        ],
    },
    Mistake {
        right: "carry: 0",
        wrong: "carry: 3",
        told: &[
            "15:8: open items are carried where rows say what has happened, and this job compares how things stand; leave it out: each period says all of it anew",
        ],
    },
    Mistake {
        right: "status_changes: {expected: [[pending, active]]}",
        wrong: "status_changes: {expected: [[pending, active, closed]]}",
        told: &["14:31: `match.status_changes.expected[0]` has 3 items; expected exactly 2"],
    },
    Mistake {
        right: "status_changes: {expected: [[pending, active]]}",
        wrong: "status_changes: {expect: [[pending, active]]}",
        told: &["14:20: unknown key `expect` in match.status_changes; did you mean `expected`?"],
    },
    Mistake {
        right: "status: state, valid_to: end}\n  ledger",
        wrong: "status: state, valid_to: {column: end, format: epoch_millis}}\n  ledger",
        told: &[
            "6:124: `valid_to` is a date, and a number since 1970 is a time; expected `iso` or a strftime pattern such as `%m/%y`",
        ],
    },
];

const OF_BALANCES: &[Mistake] = &[
    Mistake {
        right: "  key: account\n",
        wrong: "",
        told: &[
            "11:11: `balance` sums all rows of a key, and the key is `transaction_id`, which is each row's own; set `match.key` to what the rows belong to, such as `account`",
        ],
    },
    Mistake {
        right: "compare: {amount: {tolerance: 0}}",
        wrong: "compare: {currency: exact}",
        told: &[
            "12:11: `balance` compares sums of `amount`, and `amount` is not compared; expected match.compare.amount: {tolerance: 0}",
        ],
    },
    Mistake {
        right: "{join: [branch, number], with: '-'}",
        wrong: "{join: [branch, number], with: ''}",
        told: &[
            "9:75: nothing stands between the columns, so that `1`, `23` and `12`, `3` would be the same; expected a text that no column holds, such as `/`",
        ],
    },
    Mistake {
        right: "{join: [branch, number], with: '-'}",
        wrong: "{join: [branch]}",
        told: &["9:51: `inputs.ledger.columns.account.join` has 1 items; expected at least 2"],
    },
    Mistake {
        right: "{join: [branch, number], with: '-'}",
        wrong: "{column: number, with: '-'}",
        told: &["9:67: `with` stands between the columns of `join`, and there is none"],
    },
    Mistake {
        right: "{join: [branch, number], with: '-'}",
        wrong: "{join: [branch, number], column: number}",
        told: &["9:35: both `column` and `join`; expected one of them"],
    },
    Mistake {
        right: "amount: amount, currency: currency}\nmatch",
        wrong: "amount: {join: [a, b]}, currency: {join: [a, b]}}\nmatch",
        told: &[
            "9:96: `join` puts texts together; `amount` is no free text",
            "9:122: `join` puts texts together; `currency` is no free text",
        ],
    },
];
