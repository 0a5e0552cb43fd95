//! `upload:`, `incoming:` and `historical:` of a job as written. The doc comments are the descriptions that editors
//! show.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::sending::{BulkFileType, SendApproval};
use super::spec::{FormatSpec, LimitsSpec, names, one_or_many, one_or_many_schema, short_forms, text_or_number};
use super::{OnMissing, Unit};
use crate::records::AmountSign;

/// Bulk files of `coreTransaction` rows, sent through presigned URLs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadSpec {
    /// The provider of `tieout.yaml` that takes them; may be left out when there is just one.
    #[serde(default)]
    pub provider: Option<String>,
    /// What the files hold: new transactions, or a past that is made good.
    pub file_type: BulkFileType,
    /// What is sent.
    pub source: SourceSpec,
    /// `marqeta`: fills in the columns that are not written here.
    #[serde(default)]
    pub preset: Option<RecordPreset>,
    /// Published field, such as `userId`: where it comes from.
    #[serde(default)]
    pub columns: BTreeMap<String, RecordColumnSpec>,
    /// Published fields that tell one event from another, and so make its id; the record's own when left out.
    #[serde(default)]
    pub event_key: Vec<String>,
    /// What the sign of amounts means; `unsigned` when left out.
    #[serde(default)]
    pub sign: Option<AmountSign>,
    /// How many rows that do not fit or repeat are tolerated; with more, nothing is sent. None when left out.
    #[serde(default)]
    pub quarantine: Option<u64>,
    /// Where a file ends and the next one begins.
    #[serde(default)]
    pub split: Option<SplitSpec>,
    /// `none` (the default), or `required`: a person approves what is sent.
    #[serde(default)]
    pub approval: Option<SendApproval>,
    /// Files at once; 2 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 16))]
    pub concurrency: Option<u32>,
    /// Most requests for URLs within a time: `5/s`, `100/m` or `1000/h`; no limit when left out.
    #[serde(default)]
    pub rate: Option<String>,
    /// Where the provider's results are told; without, what becomes of a file is not asked.
    #[serde(default)]
    pub confirm: Option<ConfirmSpec>,
}

/// Calls of at most 500 transactions each.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncomingSpec {
    /// The provider of `tieout.yaml` that takes them; may be left out when there is just one.
    #[serde(default)]
    pub provider: Option<String>,
    /// What each row becomes.
    pub record: IncomingRecord,
    /// What is sent.
    pub source: SourceSpec,
    /// `marqeta`: fills in the columns that are not written here.
    #[serde(default)]
    pub preset: Option<RecordPreset>,
    /// Published field, such as `userId`: where it comes from.
    #[serde(default)]
    pub columns: BTreeMap<String, RecordColumnSpec>,
    /// Published fields that tell one event from another, and so make its id; the record's own when left out.
    #[serde(default)]
    pub event_key: Vec<String>,
    /// What the sign of amounts means; `unsigned` when left out.
    #[serde(default)]
    pub sign: Option<AmountSign>,
    /// How many rows that do not fit or repeat are tolerated; with more, nothing is sent. None when left out.
    #[serde(default)]
    pub quarantine: Option<u64>,
    /// `none` (the default), or `required`: a person approves what is sent.
    #[serde(default)]
    pub approval: Option<SendApproval>,
    /// Calls at once; 1 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 16))]
    pub concurrency: Option<u32>,
    /// Most calls within a time: `5/s`, `100/m` or `1000/h`; `5/s` when left out.
    #[serde(default)]
    pub rate: Option<String>,
}

/// The past of users, each in a session of its own, in parts of at most 500 `historicalTransaction` rows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoricalSpec {
    /// The provider of `tieout.yaml` that takes it; may be left out when there is just one.
    #[serde(default)]
    pub provider: Option<String>,
    /// What is sent.
    pub source: SourceSpec,
    /// `marqeta`: fills in the columns that are not written here.
    #[serde(default)]
    pub preset: Option<RecordPreset>,
    /// Published field, such as `userId`: where it comes from.
    #[serde(default)]
    pub columns: BTreeMap<String, RecordColumnSpec>,
    /// Published fields that tell one event from another, and so make its id; the record's own when left out.
    #[serde(default)]
    pub event_key: Vec<String>,
    /// What the sign of amounts means; `unsigned` when left out.
    #[serde(default)]
    pub sign: Option<AmountSign>,
    /// How many rows that do not fit or repeat are tolerated; with more, nothing is sent. None when left out.
    #[serde(default)]
    pub quarantine: Option<u64>,
    /// `none` (the default), or `required`: a person approves what is sent.
    #[serde(default)]
    pub approval: Option<SendApproval>,
    /// Users at once; 1 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 16))]
    pub concurrency: Option<u32>,
    /// Most calls within a time: `5/s`, `100/m` or `1000/h`; `5/s` when left out.
    #[serde(default)]
    pub rate: Option<String>,
}

/// What is sent, and how its bytes are read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Path or glob below the data folder; `{period}` stands for the label, as in `core/dt={period}/*.parquet`.
    pub path: String,
    /// How the bytes are read; `csv` when neither this nor a preset says otherwise. Gzip is recognised by itself.
    #[serde(default)]
    pub format: Option<FormatSpec>,
    /// Columns that are known and not used; any other is a `schema_drift`. Unchecked when left out.
    #[serde(default)]
    pub known_columns: Option<Vec<String>>,
    /// Whether a file of zero bytes is fine.
    #[serde(default)]
    pub allow_empty: Option<bool>,
    /// What to do when it is not there: `wait` (exit 75, the default) or `break`.
    #[serde(default)]
    pub on_missing: Option<OnMissing>,
    /// Bounds on what it may unfold to.
    #[serde(default)]
    pub limits: Option<LimitsSpec>,
}

/// Where a bulk file ends and the next one begins.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitSpec {
    /// Compressed bytes of one file, such as `500MB`; `5GB`, the provider's most, when left out.
    #[serde(default)]
    #[schemars(schema_with = "text_or_number")]
    pub max_bytes: Option<String>,
    /// Rows of one file; as many as fit when left out.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_rows: Option<u64>,
}

/// Where the provider's results of bulk files (`fileProcessingResult`) are told.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSpec {
    /// Path or glob of the log of notifications, below the data folder.
    pub path: String,
    /// Check each logged notification's signature with this provider's `webhook_key`.
    #[serde(default)]
    pub verify: Option<String>,
    /// A file without a result this long after it was sent is `unacknowledged`; `24h` when left out.
    #[serde(default)]
    pub within: Option<String>,
    /// How long a run waits for results after sending, at most `1h`; not at all when left out. The runs of a
    /// backfill wait so long in all; what they do not hear, the next run of the job does.
    #[serde(default)]
    pub wait: Option<String>,
    /// How many unreadable notifications are tolerated; none when left out.
    #[serde(default)]
    pub quarantine: Option<u64>,
    /// Bounds on what the log may unfold to.
    #[serde(default)]
    pub limits: Option<LimitsSpec>,
}

/// What `incoming:` sends: one of the published types.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IncomingRecord {
    Transaction,
    MatchedTransaction,
    CoreTransaction,
}

/// Whose names the columns have.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordPreset {
    /// Marqeta's transaction events.
    Marqeta,
}

/// A column's name, several of which the first that states something counts (`cardLastFours`: all), or the long form.
#[derive(Debug, Clone)]
pub enum RecordColumnSpec {
    Short(Vec<String>),
    Long(RecordColumnLong),
}

/// Where a published field comes from: `column` or `constant`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordColumnLong {
    /// A column's name (CSV header, dotted JSON path, number from 1) or several.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(schema_with = "one_or_many_schema")]
    pub column: Option<Vec<String>>,
    /// The same text in every row.
    #[serde(default)]
    #[schemars(schema_with = "text_or_number")]
    pub constant: Option<String>,
    /// Amounts: `minor` (cents, the default) or `major`.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// Times: `iso` (the default), `epoch_seconds`, `epoch_millis`, or a strftime pattern.
    #[serde(default)]
    pub format: Option<String>,
    /// Times without an offset are in this zone.
    #[serde(default)]
    pub timezone: Option<String>,
    /// The source's word: the published one, as in `{D: DEBIT, C: CREDIT}`.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// Numeric FIPS codes become the two letters of their state.
    #[serde(default)]
    pub fips: Option<bool>,
}

impl<'de> Deserialize<'de> for RecordColumnSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            long @ serde_json::Value::Object(_) => {
                serde_json::from_value(long).map(Self::Long).map_err(D::Error::custom)
            }
            short => names(short).map(Self::Short).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for RecordColumnSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RecordColumn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let long = generator.subschema_for::<RecordColumnLong>();
        let choices: Vec<_> = short_forms().into_iter().chain([long.to_value()]).collect();
        json_schema!({ "anyOf": choices })
    }
}
