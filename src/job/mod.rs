//! A job as validated: nothing is left to interpret. `spec` is the job as written, `check` turns
//! one into the other and finds every problem at once.

pub mod check;
pub mod cron;
pub mod due;
pub mod effects;
pub mod load;
pub mod matching;
pub mod month;
pub mod objects;
pub mod preset;
pub mod schedule;
pub mod sending;
pub mod spec;
pub mod spec_dataset;
pub mod spec_due;
pub mod spec_effects;
pub mod spec_match;
pub mod spec_month;
pub mod spec_rules;
pub mod spec_schedule;
pub mod spec_sending;
pub mod spec_wait;
pub mod template;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::TimeDelta;
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use due::Due;
pub use effects::{ApprovalRule, AuditRule, Caution, Effects, FraudRule, Grouping, MarkerRule, Rate};
pub use load::{load, load_all};
pub use matching::{Fallback, Matching, Splits};
pub use month::{MonthEnd, Payout, Terms};
pub use objects::Objects;
pub use schedule::{Catchup, Schedule};
pub use sending::{BulkFileType, Confirm, SendApproval, Sending, Upload, Way};
pub use template::{Placeholder, Template, TemplateError};

pub use crate::providers::kard::{AuditCode, FileType};

use crate::calendar::DueDate;
use crate::frames::{Field, Side};

/// One validated job file.
#[derive(Debug, Clone)]
pub struct Job {
    /// `[a-z0-9-]`, the same as the file's stem.
    pub name: String,
    pub description: Option<String>,
    /// The file it was read from, relative to the project folder where possible.
    pub path: PathBuf,
    /// SHA-256 of the job file's bytes, lower-case hexadecimal.
    pub digest: String,
    pub grain: Grain,
    /// The zone in which a period's label is a day or a month.
    pub zone: Tz,
    pub schedule: Option<Schedule>,
    pub work: Work,
    pub gates: Gates,
    /// Which renderings to write; `summary.json` is always written.
    pub reports: Vec<ReportFormat>,
}

/// What a job does.
#[derive(Debug, Clone)]
pub enum Work {
    Reconcile(Box<Reconciliation>),
    Send(Box<Sending>),
}

/// A comparison of two or three data sets.
#[derive(Debug, Clone)]
pub struct Reconciliation {
    /// Two or three, each side at most once, in the order of [`Side::ALL`].
    pub inputs: Vec<Input>,
    pub matching: Matching,
    /// A one-sided item younger than this at the end of the period is expected, not a break.
    pub grace: TimeDelta,
    /// What is booked as authorised settles or is voided within this, counted from its own time to the end of a period;
    /// none: for how long it stays open is not judged.
    pub settles_within: Option<TimeDelta>,
    /// Open items of so many periods before and after are taken in; 0: each period stands alone.
    pub carry: u32,
    /// What is done about breaks; none: they are only reported.
    pub effects: Option<Effects>,
    /// How a month is closed; none for a job that only compares.
    pub month_end: Option<MonthEnd>,
}

impl Reconciliation {
    pub fn input(&self, side: Side) -> Option<&Input> {
        self.inputs.iter().find(|input| input.side == side)
    }
}

impl Job {
    pub const fn reconciliation(&self) -> Option<&Reconciliation> {
        match &self.work {
            Work::Reconcile(reconciliation) => Some(reconciliation),
            Work::Send(_) => None,
        }
    }

    pub const fn sending(&self) -> Option<&Sending> {
        match &self.work {
            Work::Reconcile(_) => None,
            Work::Send(sending) => Some(sending),
        }
    }

    /// All that is read: the sides that are compared, or the source that is sent and the log that confirms it.
    pub fn inputs(&self) -> Vec<&Input> {
        match &self.work {
            Work::Reconcile(reconciliation) => reconciliation.inputs.iter().collect(),
            Work::Send(sending) => {
                std::iter::once(&sending.source).chain(sending.confirm.as_ref().map(|confirm| &confirm.log)).collect()
            }
        }
    }

    pub fn input(&self, side: Side) -> Option<&Input> {
        self.inputs().into_iter().find(|input| input.side == side)
    }

    /// What a reconciliation does about breaks; none: they are only reported.
    pub fn effects(&self) -> Option<&Effects> {
        self.reconciliation()?.effects.as_ref()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// Labels `YYYY-MM-DD`.
    Day,
    /// Labels `YYYY-MM`.
    Month,
}

/// One side of the comparison: where it comes from and how to read it.
#[derive(Debug, Clone)]
pub struct Input {
    pub side: Side,
    pub source: Source,
    pub format: Format,
    pub mapping: Mapping,
    /// The job's key: a row that does not state it is unreadable.
    pub key: Field,
    /// More unreadable rows than this end the run with 65 before anything is compared.
    pub quarantine_limit: u64,
    /// A file of zero bytes is an error unless this is set.
    pub allow_empty: bool,
    pub on_missing: OnMissing,
    pub due: Option<Due>,
    /// Until when a run that does not find it looks again and again; none: it does not wait.
    pub wait_until: Option<DueDate>,
    /// Check each logged notification's signature with this provider's webhook key.
    pub verify: Option<String>,
    /// Path or glob of what the receiver rejected, likewise: tells lost notifications from rejected ones.
    pub rejected: Option<String>,
    /// Columns that are known and not mapped; any other is `schema_drift`. None: not checked.
    pub known_columns: Option<Vec<String>>,
    pub limits: ReadLimits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A path or glob below the project folder; `{period}` stands for the label.
    Path { pattern: String },
    /// What a query of a database of `tieout.yaml` gives for the period.
    Query {
        database: String,
        /// The file of its text, relative to the project folder.
        file: String,
    },
    /// Objects of a bucket.
    S3(Objects),
    /// The files of a provider of `tieout.yaml` whose list entry falls to the period.
    Provider {
        provider: String,
        file_type: FileType,
        /// What the file's name begins with; `{yymmdd}`, `{yymm}` and `{period}` stand for the period.
        name: String,
    },
    /// What a provider of `tieout.yaml` answers when the run asks it.
    Dataset {
        provider: String,
        /// One of those that the provider has.
        dataset: String,
        /// Where the ids come from that it is asked about; none where it lists all there is.
        ids: Option<Ids>,
    },
}

/// The ids that a provider is asked about: a column of a file with a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    pub from: IdsFrom,
    pub column: String,
    /// Name beside the id in the rows → column.
    pub with: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdsFrom {
    /// A path or glob below the data folder; `{period}` stands for the label.
    Path(String),
    /// The files of this input of the job, as they were received.
    Input(Side),
}

/// Gzip is told from the bytes, never from the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    Csv {
        delimiter: u8,
        quote: u8,
        header: bool,
    },
    /// A JSON document. `rows` is the dotted path to the array; empty: the document is the array.
    Json {
        rows: String,
        control: Option<ControlPaths>,
    },
    /// One JSON value a line.
    Jsonl,
    /// JSONL whose lines are bare notifications, or envelopes
    /// `{"received_at": …, "signature": …, "body": "<the raw bytes as text>"}`.
    WebhookLog,
    Parquet,
}

/// Where a JSON document states its own totals (dotted paths outside the array).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlPaths {
    /// Path to the number of rows.
    pub rows: Option<String>,
    /// Path to the sum of `amount`, in the unit of the mapped column.
    pub amount: Option<String>,
}

/// How source columns become canonical ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// One entry a mapped field; always `transaction_id` and `currency`, and `occurred_at`
    /// unless the side has no time at all.
    pub fields: BTreeMap<Field, Column>,
    pub sign: Sign,
    /// Provider's word → canonical word, for `status`. Unlisted words are carried upper-cased.
    pub statuses: BTreeMap<String, String>,
    /// Rows are compared only when each listed field holds one of the listed values
    /// (exact text, after mapping); others are [`crate::frames::Exclusion::Filtered`].
    pub only: BTreeMap<Field, Vec<String>>,
}

impl Input {
    /// The provider's file of what has settled: what is merely authorised is not due in it.
    pub const fn holds_settled_only(&self) -> bool {
        matches!(
            self.source,
            Source::Provider { file_type: FileType::EarnedRewardSettledDaily | FileType::Monthly, .. }
        )
    }
}

/// Where one canonical field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub from: ColumnSource,
    /// For amounts; ignored elsewhere.
    pub unit: Unit,
    /// For times and dates; ignored elsewhere.
    pub time: TimeFormat,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnSource {
    /// CSV: header (or 1-based number without header); JSON: dotted paths; Parquet: column.
    /// The first that is present and not null counts.
    Columns(Vec<String>),
    /// The same text in every row.
    Constant(String),
    /// Columns that all must be there; a part that holds what they are joined with could be that of another row.
    Joined { parts: Vec<String>, with: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// An integer of minor units (cents).
    #[default]
    Minor,
    /// A decimal of major units ("12.50"), with at most as many decimals as the currency has.
    Major,
}

/// What the written sign of an amount means. Inside, money that the user spends is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Amounts carry no meaning in their sign: returns are told by `direction` CREDIT or status RETURNED or REVERSED.
    #[default]
    Unsigned,
    /// Purchases are written positive, returns negative.
    Signed,
    /// Purchases are written negative (a bank's view), returns positive.
    Inverted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 with an offset; `YYYY-MM-DDThh:mm:ss` and `YYYY-MM-DD hh:mm:ss`, or a bare date, in `zone`.
    /// Without a zone a time that has no offset is quarantined.
    Iso {
        zone: Option<Tz>,
    },
    /// chrono's strftime pattern, in `zone` (UTC when none) unless the pattern has an offset.
    Pattern {
        pattern: String,
        zone: Option<Tz>,
    },
    EpochSeconds,
    EpochMillis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// Exit 75: try again when it is there.
    #[default]
    Wait,
    /// Go on: one `file_missing` break, and what waits for the file is expected.
    Break,
}

/// Bounds on what one input may unfold to; beyond them the run ends with 65.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Decompressed bytes of one file.
    pub max_bytes: u64,
    /// Decompressed bytes for each compressed one (checked past the first 16 MiB).
    pub max_ratio: u64,
    /// Bytes of one line or one JSON row; a longer one is quarantined.
    pub max_row_bytes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { max_bytes: 64 << 30, max_ratio: 1_000, max_row_bytes: 1 << 20 }
    }
}

impl ReadLimits {
    /// The limits of a format, where the job says nothing: a line of a log holds a notification of up to 1 MiB, as the
    /// receiver takes it, with every quote in it escaped.
    pub fn of(format: &Format) -> Self {
        match format {
            Format::WebhookLog => Self { max_row_bytes: 4 << 20, ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// Declared limits: a run beyond one of them ends with 10, after its report is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gates {
    pub max_breaks: Option<u64>,
    /// Currency → most that may be at risk, in minor units.
    pub max_break_amount_minor: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    Xlsx,
    Html,
    Csv,
    Json,
    Parquet,
}
