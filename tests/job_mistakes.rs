//! What is told when a job file is wrong: one mistake at a time, the whole messages.

use tieout::config::Problem;
use tieout::job;

use crate::job_files::{JOB, workspace};
use crate::project_files::Workspace;

/// A part of a job that is right, what is written instead, and all that is told (without the file's name).
pub(crate) struct Mistake {
    pub(crate) right: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) told: &'static [&'static str],
}

fn told(workspace: &Workspace) -> Vec<String> {
    match job::load(&workspace.project(), "daily") {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::headline).collect(),
    }
}

pub(crate) fn check(mistakes: &[Mistake]) {
    check_in(JOB, mistakes);
}

/// As [`check`], with another job as the right one.
pub(crate) fn check_in(job: &str, mistakes: &[Mistake]) {
    for Mistake { right, wrong, told: expected } in mistakes {
        assert!(job.contains(right), "{right:?} is no part of the job");
        let found = told(&workspace(&job.replacen(right, wrong, 1)));
        let expected = expected.iter().map(|message| format!("jobs/daily.yaml:{message}")).collect::<Vec<_>>();
        assert_eq!(found, expected, "{wrong:?} instead of {right:?}");
    }
}

#[test]
fn mistakes_of_shape_are_told() {
    check(SHAPE);
}

#[test]
fn mistakes_of_the_job_itself_are_told() {
    check(JOB_ITSELF);
}

#[test]
fn mistakes_of_an_input_are_told() {
    check(INPUTS);
}

const SHAPE: &[Mistake] = &[
    Mistake {
        right: "period: {grain: day, timezone: UTC}",
        wrong: "period: day",
        told: &["2:9: `period` is `day`; expected a group with `grain`, `timezone`"],
    },
    Mistake {
        right: "period: {grain: day, timezone: UTC}",
        wrong: "period: {grain: week, timezone: UTC}",
        told: &["2:17: unknown value `week` for `period.grain`; expected one of `day`, `month`"],
    },
    Mistake {
        right: "period: {grain: day, timezone: UTC}",
        wrong: "period: [day]",
        told: &["2:9: `period` is a list; expected a group with `grain`, `timezone`"],
    },
    Mistake {
        right: "period: {grain: day, timezone: UTC}",
        wrong: "period:",
        told: &["2:1: `period` is nothing; expected a group with `grain`, `timezone`"],
    },
    Mistake {
        right: "match:",
        wrong: "report: [xlsx, pdf]\nmatch:",
        told: &["10:16: unknown value `pdf` for `report[1]`; expected one of `xlsx`, `html`, `csv`, `json`, `parquet`"],
    },
    Mistake {
        right: "match:",
        wrong: "report: xlsx\nmatch:",
        told: &["10:9: `report` is `xlsx`; expected a list; put it in brackets: [xlsx]"],
    },
    Mistake {
        right: "match:",
        wrong: "<<: {a: b}\nmatch:",
        told: &[
            "10:1: unknown key `<<`; expected one of `carry`, `description`, `effects`, `gates`, `grace`, `historical`, `incoming`, `inputs`, `job`, `match`, `month_end`, `period`, `report`, `schedule`, `settles_within`, `upload`",
        ],
    },
    Mistake {
        right: "match:",
        wrong: "description: !x y\nmatch:",
        told: &["10:17: a YAML tag; expected none; put text in quotes instead"],
    },
    Mistake {
        right: "match:",
        wrong: "\tgrace: 4h\nmatch:",
        told: &["10:1: a tab in the indentation; YAML is indented with spaces"],
    },
    Mistake {
        right: "match:",
        wrong: "grace: [4h\nmatch:",
        told: &["12:10: not valid YAML: while parsing a flow sequence, expected ',' or ']'"],
    },
    Mistake {
        right: "match:",
        wrong: "description: *nowhere\nmatch:",
        told: &["10:14: not valid YAML: while parsing node, found unknown anchor"],
    },
    Mistake {
        right: "match:",
        wrong: "? [a, b]\n: c\nmatch:",
        told: &["10:3: a list or a group as a key; expected a word"],
    },
    Mistake {
        right: "    amount: {tolerance: 0}\n",
        wrong: "    amount: {tolerance: 0}\n---\njob: two\n",
        told: &["13:1: a second document begins here; expected one a file"],
    },
];

const JOB_ITSELF: &[Mistake] = &[
    Mistake {
        right: "job: daily",
        wrong: "job: Daily",
        told: &["1:6: `Daily` is no job name; expected 1 to 64 small letters, digits and hyphens"],
    },
    Mistake {
        right: "job: daily",
        wrong: "job: other",
        told: &["1:6: the job is named `other`, but its file `daily`; expected the same name"],
    },
    Mistake {
        right: "timezone: UTC",
        wrong: "timezone: America/New_Yrok",
        told: &["2:32: unknown time zone `America/New_Yrok`; did you mean `America/New_York`?"],
    },
    Mistake {
        right: "timezone: UTC",
        wrong: "timezone: Mars",
        told: &["2:32: unknown time zone `Mars`; expected an IANA name such as `UTC` or `America/New_York`"],
    },
    Mistake {
        right: "match:",
        wrong: "schedule: {cron: '0 25 * * *', timezone: Asia/Tokio}\nmatch:",
        told: &[
            "10:18: \"25\" is no hour; expected 0 to 23, `*`, `*/5`, `1-5` or a list",
            "10:42: unknown time zone `Asia/Tokio`; did you mean `Asia/Tokyo`?",
        ],
    },
    Mistake {
        right: "match:",
        wrong: "grace: 4 hours\nmatch:",
        told: &["10:8: `4 hours` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d"],
    },
    Mistake {
        right: "match:",
        wrong: "grace: -4h\nmatch:",
        told: &["10:8: `-4h` is not a duration; expected a whole number and a unit, such as 90s, 30m, 6h or 2d"],
    },
    Mistake {
        right: "match:",
        wrong: "gates: {max_break_amount: {USD: '1.005', XXY: 1, JPY: '0.5', EUR: -1, GBP: 1e3, KWD: '99999999999999999999'}}\nmatch:",
        told: &[
            "10:33: 1.005 is finer than the minor unit of USD; expected at most 2 decimals",
            "10:47: unknown currency `XXY`; expected an ISO 4217 code such as `USD`",
            "10:55: 0.5 is finer than the minor unit of JPY; expected at most 0 decimals",
            "10:67: the limit -1 is negative; expected zero or more",
            "10:76: `1e3` is not an amount; expected digits and a point, such as \"500.00\"",
            "10:86: 99999999999999999999 is too big for an amount",
        ],
    },
    Mistake {
        right: "  ledger:\n    path: ledger-{period}.csv\n    columns: {transaction_id: id, amount: amount, currency: currency}\n",
        wrong: "",
        told: &[
            "3:1: only the input `file`; expected two or three of `file`, `ledger`, `webhooks`",
            "9:5: `amount` is to be compared, but only the input `file` maps it; map it under the columns of two inputs, or take it out here",
        ],
    },
    Mistake {
        right: "match:",
        wrong: "schedule: {cron: '0 9 * * *', catchup: 4294967296}\nmatch:",
        told: &["10:40: `schedule.catchup` is 4294967296; expected at most 400"],
    },
];

const INPUTS: &[Mistake] = &[
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "provider: kard\n    file_type: earnedRewardSettledDailyReconciliationFile\n    name: ''",
        told: &["7:11: the name is empty, so every file of the provider would be taken"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: file-{perod}.csv",
        told: &["5:11: unknown placeholder `{perod}` in `file-{perod}.csv`; did you mean `{period}`?"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: 'file-{period.csv'",
        told: &["5:11: a brace without its partner in `file-{period.csv`"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: /data/file.csv",
        told: &["5:11: `/data/file.csv` is not below the data folder; expected a relative path"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: ../file.csv",
        told: &["5:11: `../file.csv` leads out of the data folder; expected a path without `..`"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: 'file-[.csv'",
        told: &["5:11: `file-[.csv` is no glob: invalid range pattern"],
    },
    Mistake { right: "path: file-{period}.csv", wrong: "path: ''", told: &["5:11: the path is empty"] },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    due: 3h",
        told: &["6:10: `due` counts from the time at which a provider sent the file, and this input is a path"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    file_type: monthlyReconciliationFile",
        told: &["6:16: `file_type` belongs to a provider's file, and this input is a path"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    provider: kard",
        told: &["5:11: both `path` and `provider`; expected one of them"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "quarantine: 1",
        told: &["4:3: neither `path`, `s3`, `postgres` nor `provider`; expected one of them"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "provider: kard",
        told: &["5:15: missing key `file_type`; it says which of the provider's files"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "provider: card\n    file_type: monthlyReconciliationFile",
        told: &[
            "5:15: unknown provider `card`; did you mean `kard`?",
            "6:16: `monthlyReconciliationFile` is made once a month; expected period.grain: month",
        ],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "provider: kard\n    file_type: monthlyFile",
        told: &[
            "6:16: unknown value `monthlyFile` for `inputs.file.file_type`; expected one of `earnedRewardApprovedDailyReconciliationFile`, `earnedRewardSettledDailyReconciliationFile`, `validatedTransactionDailyReconciliationFile`, `monthlyReconciliationFile`",
        ],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "provider: kard\n    file_type: earnedRewardSettledDailyReconciliationFile\n    name: 'x-{yymdd}'",
        told: &["7:11: unknown placeholder `{yymdd}` in `x-{yymdd}`; did you mean `{yymmdd}`?"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    preset: kard-reward",
        told: &["6:13: unknown preset `kard-reward`; did you mean `kard-rewards`?"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    verify: kard",
        told: &["6:13: `verify` checks the signatures of notifications; expected format: webhook_log"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    format: webhook_log\n    verify: keyless",
        told: &["7:13: the provider `keyless` has no `webhook_key` in tieout.yaml to check signatures with"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    format: webhook_log\n    verify: nobody",
        told: &["7:13: unknown provider `nobody`; expected one of `kard`, `keyless`"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    format: cvs",
        told: &["6:13: unknown value `cvs` for `inputs.file.format`; did you mean `csv`?"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    format: {cvs: {}}",
        told: &["6:14: unknown key `cvs` in inputs.file.format; did you mean `csv`?"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    format: {csv: {delimiter: ab}}",
        told: &["6:31: `ab` is not one ASCII character; expected one such as \";\" or \"\\t\""],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    format: {csv: {delimiter: '\"'}}",
        told: &["6:14: `delimiter` and `quote` are the same character"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    limits: {max_bytes: 1Gb, max_ratio: 0}",
        told: &[
            "6:25: `1Gb` is not a size; expected a whole number of bytes, or one with kB, MB, GB, KiB, MiB or GiB",
            "6:41: `inputs.file.limits.max_ratio` is 0; expected at least 1",
        ],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    limits: {max_row_bytes: 0}",
        told: &["6:29: the limit is zero, so nothing could be read"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    quarantine: -1",
        told: &["6:17: `inputs.file.quarantine` is -1; expected at least 0"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    quarantine: '1'",
        told: &["6:17: `inputs.file.quarantine` is the text \"1\"; expected a whole number"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    allow_empty: 'yes'",
        told: &["6:18: `inputs.file.allow_empty` is the text \"yes\"; expected true or false"],
    },
    Mistake {
        right: "path: file-{period}.csv",
        wrong: "path: x.csv\n    only: {status: [SETTLED], amount: ['1'], currency: []}",
        told: &[
            "6:20: `status` is not mapped; expected it under columns",
            "6:39: `amount` is no text; `only` selects by exact text",
            "6:56: no value is listed, so no row would be compared",
        ],
    },
];
