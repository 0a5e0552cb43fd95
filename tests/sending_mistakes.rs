//! What is told when a job that sends is wrong: one mistake at a time, the whole messages.

use proptest::prelude::*;
use tieout::job;

use crate::job_files::workspace;
use crate::job_mistakes::{Mistake, check, check_in};
use crate::sending_in_jobs::UPLOAD;

#[test]
fn a_job_compares_or_sends() {
    check_in(UPLOAD, ONE_WAY);
    check(NO_WAY);
}

#[test]
fn mistakes_of_the_sending_itself_are_told() {
    check_in(UPLOAD, ITSELF);
}

#[test]
fn mistakes_of_what_is_sent_are_told() {
    check_in(UPLOAD, SOURCE);
}

#[test]
fn mistakes_of_a_published_field_are_told() {
    check_in(UPLOAD, FIELDS);
}

#[test]
fn mistakes_of_the_log_of_results_are_told() {
    check_in(UPLOAD, CONFIRM);
}

proptest! {
    /// Whatever stands in the file, it is accepted or told with a place that exists.
    #[test]
    fn no_mangled_job_that_sends_is_accepted_in_silence_or_ends_in_a_panic(
        start in 0..UPLOAD.len(),
        cut in 0..40_usize,
        put in "[ a-z0-9:{}\\[\\],&*!|>'\"%@\n\t#?.-]{0,12}",
    ) {
        let text = format!("{}{put}{}", &UPLOAD[..start], &UPLOAD[(start + cut).min(UPLOAD.len())..]);
        let workspace = workspace(&text);
        if let Err(problems) = job::load(&workspace.project(), "daily") {
            prop_assert!(!problems.is_empty());
            for problem in &problems {
                let line = problem.line.unwrap_or(1);
                prop_assert!(line <= text.lines().count() + 1, "line {line} of {text:?}");
                prop_assert!(problem.message.chars().next().is_some_and(|c| !c.is_uppercase()), "{}", problem.message);
            }
        }
    }
}

/// Two jobs in one file.
const TWO: &str = "incoming: {provider: kard, record: transaction, source: {path: x.csv}}\nupload:";

const ONE_WAY: &[Mistake] = &[
    Mistake {
        right: "upload:",
        wrong: TWO,
        told: &["3:1: both `upload` and `incoming`; expected one of them; give each a job file of its own"],
    },
    Mistake {
        right: "upload:",
        wrong: "grace: 4h\neffects: {provider_audit: {for: [reward_missing]}}\nupload:",
        told: &[
            "3:8: `grace` belongs to a job that compares, and this one sends (`upload`); give each a job file of its own",
            "4:1: `effects` belongs to a job that compares, and this one sends (`upload`); give each a job file of its own",
        ],
    },
    Mistake {
        right: "upload:",
        wrong: "match: {compare: {}}\ninputs: {}\nupload:",
        told: &[
            "3:1: `match` belongs to a job that compares, and this one sends (`upload`); give each a job file of its own",
            "4:1: `inputs` belongs to a job that compares, and this one sends (`upload`); give each a job file of its own",
        ],
    },
    // What is wrong besides is told at once.
    Mistake {
        right: "upload:\n  provider: kard",
        wrong: "grace: 4h\nupload:\n  provider: card",
        told: &[
            "3:8: `grace` belongs to a job that compares, and this one sends (`upload`); give each a job file of its own",
            "5:13: unknown provider `card`; did you mean `kard`?",
        ],
    },
    Mistake { right: "upload:", wrong: "uplod:", told: &["3:1: unknown key `uplod`; did you mean `upload`?"] },
];

const INPUTS: &str = "\
inputs:
  file:
    path: file-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
  ledger:
    path: ledger-{period}.csv
    columns: {transaction_id: id, amount: amount, currency: currency}
";

const ALL: &str = "\
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

const NO_WAY: &[Mistake] = &[
    Mistake {
        right: "match:\n  compare:\n    amount: {tolerance: 0}\n",
        wrong: "",
        told: &["1:1: missing key `match`; a job that compares has `inputs` and `match`"],
    },
    Mistake {
        right: INPUTS,
        wrong: "",
        told: &["1:1: missing key `inputs`; a job that compares has `inputs` and `match`"],
    },
    Mistake {
        right: ALL,
        wrong: "gates: {max_breaks: 1}\n",
        told: &[
            "1:1: the job does nothing; expected `inputs` and `match`, or one of `upload`, `incoming`, `historical`",
        ],
    },
];

const ITSELF: &[Mistake] = &[
    Mistake {
        right: "  provider: kard\n",
        wrong: "  provider: nobody\n",
        told: &["4:13: unknown provider `nobody`; expected one of `kard`, `keyless`"],
    },
    Mistake {
        right: "  file_type: incomingTransactionsFile\n",
        wrong: "",
        told: &["3:1: missing key `file_type` in upload"],
    },
    Mistake {
        right: "incomingTransactionsFile",
        wrong: "incomingTransactionFile",
        told: &[
            "5:14: unknown value `incomingTransactionFile` for `upload.file_type`; did you mean `incomingTransactionsFile`?",
        ],
    },
    Mistake {
        right: "  columns:",
        wrong: "  split: {max_bytes: 6GB}\n  columns:",
        told: &["7:22: `6GB` is no size of a file; expected at most 5GB, which is what the provider takes"],
    },
    Mistake {
        right: "  columns:",
        wrong: "  split: {max_bytes: 0, max_rows: 0}\n  columns:",
        told: &[
            "7:22: `0` is no size of a file; expected at most 5GB, which is what the provider takes",
            "7:35: `upload.split.max_rows` is 0; expected at least 1",
        ],
    },
    Mistake {
        right: "  columns:",
        wrong: "  split: {max_bytes: 5 gigs}\n  columns:",
        told: &[
            "7:22: `5 gigs` is not a size; expected a whole number of bytes, or one with kB, MB, GB, KiB, MiB or GiB",
        ],
    },
    Mistake {
        right: "  columns:",
        wrong: "  concurrency: 17\n  quarantine: -1\n  columns:",
        told: &[
            "7:16: `upload.concurrency` is 17; expected at most 16",
            "8:15: `upload.quarantine` is -1; expected at least 0",
        ],
    },
    Mistake {
        right: "  columns:",
        wrong: "  rate: 0/s\n  approval: maybe\n  sign: unsinged\n  columns:",
        told: &[
            "7:9: `0/s` would send nothing; expected at least one call",
            "8:13: unknown value `maybe` for `upload.approval`; expected one of `none`, `required`",
            "9:9: unknown value `unsinged` for `upload.sign`; did you mean `unsigned`?",
        ],
    },
    Mistake {
        right: "upload:\n  provider: kard\n  file_type: incomingTransactionsFile\n",
        wrong: "incoming:\n  provider: kard\n  record: historicalTransaction\n",
        told: &[
            "5:11: unknown value `historicalTransaction` for `incoming.record`; expected one of `transaction`, `matchedTransaction`, `coreTransaction`",
        ],
    },
    Mistake {
        right: "upload:\n  provider: kard\n  file_type: incomingTransactionsFile\n",
        wrong: "incoming:\n  provider: kard\n  record: coreTransaction\n  confirm: {path: x}\n  split: {max_rows: 1}\n",
        told: &[
            "6:3: unknown key `confirm` in incoming; expected one of `approval`, `columns`, `concurrency`, `event_key`, `preset`, `provider`, `quarantine`, `rate`, `record`, `sign`, `source`",
            "7:3: unknown key `split` in incoming; expected one of `approval`, `columns`, `concurrency`, `event_key`, `preset`, `provider`, `quarantine`, `rate`, `record`, `sign`, `source`",
        ],
    },
];

const SOURCE: &[Mistake] = &[
    Mistake {
        right: "{path: \"core-{period}.csv\"}",
        wrong: "{path: /core.csv}",
        told: &["6:18: `/core.csv` is not below the data folder; expected a relative path"],
    },
    Mistake {
        right: "core-{period}.csv",
        wrong: "core/dt={day}/*.parquet",
        told: &["6:18: unknown placeholder `{day}` in `core/dt={day}/*.parquet`; expected one of `{period}`"],
    },
    Mistake {
        right: "{path: \"core-{period}.csv\"}",
        wrong: "{format: csv}",
        told: &["6:3: missing key `path` in upload.source"],
    },
    Mistake {
        right: "{path: \"core-{period}.csv\"}",
        wrong: "{path: x, provider: kard, quarantine: 1}",
        told: &[
            "6:21: unknown key `provider` in upload.source; expected one of `allow_empty`, `format`, `known_columns`, `limits`, `on_missing`, `path`",
            "6:37: unknown key `quarantine` in upload.source; expected one of `allow_empty`, `format`, `known_columns`, `limits`, `on_missing`, `path`",
        ],
    },
    Mistake {
        right: "{path: \"core-{period}.csv\"}",
        wrong: "{path: x, format: webhook_log}",
        told: &[
            "6:29: a webhook log holds the provider's own notifications; expected `csv`, `json`, `jsonl` or `parquet`",
        ],
    },
    Mistake {
        right: "{path: \"core-{period}.csv\"}",
        wrong: "{path: x, format: {json: {rows: items, control: {rows: meta.count}}}}",
        told: &[
            "6:50: `control` is held against its rows by a job that compares, and this one sends; take it out here",
        ],
    },
    Mistake {
        right: "{path: \"core-{period}.csv\"}",
        wrong: "{path: x, limits: {max_bytes: 0}}",
        told: &["6:41: the limit is zero, so nothing could be read"],
    },
];

const FIELDS: &[Mistake] = &[
    Mistake {
        right: "    userId: user\n",
        wrong: "",
        told: &["7:3: `userId` is not mapped, and every `coreTransaction` needs it; expected a column or a constant"],
    },
    Mistake {
        right: "userId: user",
        wrong: "referringPartnerUserId: user",
        told: &[
            "7:3: `userId` is not mapped, and every `coreTransaction` needs it; expected a column or a constant",
            "8:29: `referringPartnerUserId` is no field of `coreTransaction`; did you mean `userId`?",
        ],
    },
    Mistake {
        right: "userId: user",
        wrong: "userId: user\n    merchant.name: shop",
        told: &["9:20: `merchant.name` is no field of `coreTransaction`; it is one of `transaction`"],
    },
    // A field that is wrong in itself is not told as missing too.
    Mistake {
        right: "userId: user",
        wrong: "userId: {column: user, constant: u-1}",
        told: &["8:5: both `column` and `constant`; expected one of them"],
    },
    Mistake {
        right: "userId: user",
        wrong: "userId: {}",
        told: &["8:5: neither `column` nor `constant`; expected one of them"],
    },
    Mistake {
        right: "userId: user",
        wrong: "userId: ''",
        told: &["8:13: a column without a name; expected a header, a dotted path, or a number from 1"],
    },
    Mistake {
        right: "userId: user",
        wrong: "userId: {column: user, unit: major, format: epoch_millis}",
        told: &[
            "8:5: `userId`: `unit` is for amounts; this is none",
            "8:5: `userId`: `format` and `timezone` are for times; this is none",
        ],
    },
    Mistake {
        right: "words: {D: DEBIT, C: CREDIT}",
        wrong: "words: {D: DEBT, C: CREDIT}",
        told: &["13:5: `direction`: the word `D` becomes `DEBT`, which is not published; did you mean `DEBIT`?"],
    },
    Mistake {
        right: "{constant: USD}",
        wrong: "{constant: USX}",
        told: &[
            "11:5: `currency`: the constant `USX` is no currency with minor units; expected an ISO 4217 code such as USD",
        ],
    },
    Mistake {
        right: "settledDate: booked",
        wrong: "settledDate: {column: booked, timezone: Europe/Berln, format: rfc}",
        told: &["14:45: unknown time zone `Europe/Berln`; did you mean `Europe/Berlin`?"],
    },
    Mistake {
        right: "settledDate: booked",
        wrong: "settledDate: {column: booked, format: rfc}",
        told: &[
            "14:43: unknown time format `rfc`; expected one of `iso`, `epoch_seconds`, `epoch_millis`, or a strftime pattern such as `%d/%m/%Y`",
        ],
    },
    Mistake {
        right: "  columns:",
        wrong: "  event_key: [transactionID, cardLastFours]\n  columns:",
        told: &[
            "7:14: `event_key` names `transactionID`, which is no field of `coreTransaction`; did you mean `transactionId`?",
            "7:14: `event_key` names `cardLastFours`, which is not mapped",
        ],
    },
    Mistake {
        right: "  columns:",
        wrong: "  preset: marketa\n  columns:",
        told: &["7:11: unknown value `marketa` for `upload.preset`; did you mean `marqeta`?"],
    },
];

const CONFIRM: &[Mistake] = &[
    Mistake {
        right: "  columns:",
        wrong: "  confirm: {verify: kard}\n  columns:",
        told: &["7:3: missing key `path` in upload.confirm"],
    },
    Mistake {
        right: "  columns:",
        wrong: "  confirm: {path: ../log, verify: keyless, within: soon, wait: 2h}\n  columns:",
        told: &[
            "7:19: `../log` leads out of the data folder; expected a path without `..`",
            "7:35: the provider `keyless` has no `webhook_key` in tieout.yaml to check signatures with",
            "7:52: `soon` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d",
            "7:64: `2h` is too long for a run to wait; expected at most 1h",
        ],
    },
];
