//! A job as written: what serde reads and what `tieout schema job` describes. The doc comments
//! are the descriptions that editors show.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::spec_dataset::IdsSpec;
use super::spec_due::DueSpec;
use super::spec_effects::EffectsSpec;
use super::spec_match::MatchSpec;
use super::spec_month::MonthEndSpec;
use super::spec_schedule::ScheduleSpec;
use super::spec_sending::{HistoricalSpec, IncomingSpec, UploadSpec};
use super::spec_wait::WaitSpec;
use super::{ControlPaths, FileType, Grain, OnMissing, ReportFormat, Sign, Unit};
use crate::frames::Field;

/// A job that compares (`inputs` and `match`) or one that sends (`upload`, `incoming` or `historical`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// The job's name: small letters, digits and hyphens; the same as the file's name without `.yaml`.
    pub job: String,
    /// What the job is for, in one sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// What one run covers.
    pub period: PeriodSpec,
    /// When a scheduler starts it.
    #[serde(default)]
    pub schedule: Option<ScheduleSpec>,
    /// What is compared: two or three of `file`, `ledger` and `webhooks`.
    #[serde(default)]
    pub inputs: Option<InputsSpec>,
    /// How rows find each other and what must agree.
    #[serde(default, rename = "match")]
    pub matching: Option<MatchSpec>,
    /// A one-sided item younger than this at the period's end is expected, not a break. A duration such as `4h`.
    #[serde(default)]
    pub grace: Option<String>,
    /// A booked authorisation that is older than this at a period's end, and has neither settled nor been voided, is
    /// `authorized_unsettled`. A duration such as `10d`, which `carry` must reach; for a provider's file that holds
    /// settled transactions only. Not judged when left out.
    #[serde(default)]
    pub settles_within: Option<String>,
    /// Open items of so many days before and after are taken in, and said to be cleared or still open; 31 when left out,
    /// 0: each day stands alone, as it does where balances or validities are compared. Only for `grain: day`.
    #[serde(default)]
    pub carry: Option<u32>,
    /// What is asked of the provider because of breaks; nothing when left out.
    #[serde(default)]
    pub effects: Option<EffectsSpec>,
    /// Closes the month of the input `file`: what is owed, held against its days; only for `grain: month`.
    #[serde(default)]
    pub month_end: Option<MonthEndSpec>,
    /// Sends bulk files of core-banking transactions.
    #[serde(default)]
    pub upload: Option<UploadSpec>,
    /// Sends transactions in calls.
    #[serde(default)]
    pub incoming: Option<IncomingSpec>,
    /// Sends the past of users.
    #[serde(default)]
    pub historical: Option<HistoricalSpec>,
    /// Limits beyond which a run ends with exit code 10.
    #[serde(default)]
    pub gates: Option<GatesSpec>,
    /// Which renderings to write; all when left out. `summary.json` is always written.
    #[serde(default)]
    pub report: Option<Vec<ReportFormat>>,
}

/// The day or month that a label stands for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodSpec {
    /// `day` (labels `2025-03-19`) or `month` (labels `2025-03`).
    pub grain: Grain,
    /// IANA name of the zone in which the day or month begins and ends.
    pub timezone: String,
}

/// The data sets that are compared.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputsSpec {
    /// The provider's file.
    #[serde(default)]
    pub file: Option<InputSpec>,
    /// The issuer's own ledger.
    #[serde(default)]
    pub ledger: Option<InputSpec>,
    /// The log of the provider's notifications.
    #[serde(default)]
    pub webhooks: Option<InputSpec>,
}

/// Where one side comes from and how it is read: `path`, `s3`, `postgres` or `provider`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Path or glob below the data folder; `{period}` stands for the label.
    #[serde(default)]
    pub path: Option<String>,
    /// A database of tieout.yaml that `query` is asked of.
    #[serde(default)]
    pub postgres: Option<String>,
    /// The file of the query, relative to the project folder, such as `queries/ledger.sql`. `$1` and `$2` in it stand
    /// for the period's start and end (the end is not part of it), `$3` for its label.
    #[serde(default)]
    pub query: Option<String>,
    /// Prefix in a bucket such as `s3://bucket/upload/`, or several: of one name the first that has it counts.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(schema_with = "one_or_many_schema")]
    pub s3: Option<Vec<String>>,
    /// Of objects: name or glob after the prefix; `{yymmdd}`, `{yymm}` and `{period}` stand for the period, in the prefix
    /// too.
    #[serde(default)]
    pub pattern: Option<String>,
    /// A provider of tieout.yaml.
    #[serde(default)]
    pub provider: Option<String>,
    /// Which of the provider's files.
    #[serde(default)]
    pub file_type: Option<FileType>,
    /// Instead of files: what the provider is asked for, such as `cards`.
    #[serde(default)]
    pub dataset: Option<String>,
    /// What it is asked about, where it answers by ids only.
    #[serde(default)]
    pub ids: Option<IdsSpec>,
    /// What the provider's file name begins with; `{yymmdd}`, `{yymm}` and `{period}` stand for the period.
    #[serde(default)]
    pub name: Option<String>,
    /// `kard-rewards`, `kard-monthly` or `kard-notifications`: fills in what is not written here.
    #[serde(default)]
    pub preset: Option<String>,
    /// How the bytes are read; `csv` when neither this nor a preset says otherwise. Gzip is recognised by itself.
    #[serde(default)]
    pub format: Option<FormatSpec>,
    /// Canonical field: where it comes from.
    #[serde(default)]
    #[schemars(schema_with = "by_field::<ColumnSpec>")]
    pub columns: BTreeMap<Field, ColumnSpec>,
    /// What the sign of amounts means; `unsigned` when left out.
    #[serde(default)]
    pub sign: Option<Sign>,
    /// Word of this side: canonical status.
    #[serde(default)]
    pub statuses: BTreeMap<String, String>,
    /// Compare only rows whose fields hold one of these values.
    #[serde(default)]
    #[schemars(schema_with = "by_field::<Vec<String>>")]
    pub only: BTreeMap<Field, Vec<String>>,
    /// Columns that are known and not used; any other is a `schema_drift`. Unchecked when left out without a preset.
    #[serde(default)]
    pub known_columns: Option<Vec<String>>,
    /// How many unreadable rows are tolerated; none when left out.
    #[serde(default)]
    pub quarantine: Option<u64>,
    /// Whether a file of zero bytes is fine.
    #[serde(default)]
    pub allow_empty: Option<bool>,
    /// What to do when the input is not there: `wait` (exit 75, the default; with a `due` day only until then) or
    /// `break`.
    #[serde(default)]
    pub on_missing: Option<OnMissing>,
    /// When it is late: a duration after the period's end such as `12h` (for a provider's file), or a day such as
    /// `{day: 15, time: "17:00", calendar: us-federal}`.
    #[serde(default)]
    pub due: Option<DueSpec>,
    /// A run that does not find it looks again until then, and goes on without it after that: a time of the day after
    /// the period such as "11:30", or a day as for `due`.
    #[serde(default)]
    pub wait_until: Option<WaitSpec>,
    /// Check each logged notification's signature with this provider's `webhook_key`.
    #[serde(default)]
    pub verify: Option<String>,
    /// Path or glob of the notifications that `tieout listen` rejected, such as `rejected-{period}.jsonl`: a
    /// `missing_webhook` then says whether it was rejected or never received.
    #[serde(default)]
    pub rejected: Option<String>,
    /// Bounds on what the input may unfold to.
    #[serde(default)]
    pub limits: Option<LimitsSpec>,
}

/// Bounds of one input.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Decompressed bytes of one file, such as `64GiB`.
    #[serde(default)]
    #[schemars(schema_with = "text_or_number")]
    pub max_bytes: Option<String>,
    /// Decompressed bytes for each compressed one.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_ratio: Option<u64>,
    /// Bytes of one row; `1MiB` when left out, `4MiB` for a line of a webhook log.
    #[serde(default)]
    #[schemars(schema_with = "text_or_number")]
    pub max_row_bytes: Option<String>,
}

/// `csv`, `json`, `jsonl`, `webhook_log` or `parquet`; csv and json also with options.
#[derive(Debug, Clone)]
pub enum FormatSpec {
    Csv(CsvSpec),
    Json(JsonSpec),
    Jsonl,
    WebhookLog,
    Parquet,
}

/// Options of `csv`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSpec {
    /// One character; a comma when left out.
    #[serde(default)]
    pub delimiter: Option<String>,
    /// One character; the double quote when left out.
    #[serde(default)]
    pub quote: Option<String>,
    /// Whether the first row holds the names; true when left out. Without, columns are numbered from 1.
    #[serde(default)]
    pub header: Option<bool>,
}

/// Options of `json`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonSpec {
    /// Dotted path to the array of rows; the document itself when left out.
    #[serde(default)]
    pub rows: Option<String>,
    /// Where the document states its own totals.
    #[serde(default)]
    pub control: Option<ControlPaths>,
}

/// The long form's key and the options, one of them.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormatLong {
    Csv(CsvSpec),
    Json(JsonSpec),
}

impl<'de> Deserialize<'de> for FormatSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(name) => match name.as_str() {
                "csv" => Ok(Self::Csv(CsvSpec::default())),
                "json" => Ok(Self::Json(JsonSpec::default())),
                "jsonl" => Ok(Self::Jsonl),
                "webhook_log" => Ok(Self::WebhookLog),
                "parquet" => Ok(Self::Parquet),
                _ => Err(D::Error::custom(format!("unknown format `{name}`"))),
            },
            long => match serde_json::from_value(long).map_err(D::Error::custom)? {
                FormatLong::Csv(options) => Ok(Self::Csv(options)),
                FormatLong::Json(options) => Ok(Self::Json(options)),
            },
        }
    }
}

impl JsonSchema for FormatSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let csv = generator.subschema_for::<CsvSpec>();
        let json = generator.subschema_for::<JsonSpec>();
        json_schema!({
            "oneOf": [
                { "type": "string", "enum": ["csv", "json", "jsonl", "webhook_log", "parquet"] },
                { "type": "object", "properties": { "csv": csv }, "required": ["csv"], "additionalProperties": false },
                { "type": "object", "properties": { "json": json }, "required": ["json"], "additionalProperties": false }
            ]
        })
    }
}

/// A column's name, alternatives of which the first that is there counts, or the long form.
#[derive(Debug, Clone)]
pub enum ColumnSpec {
    Short(Vec<String>),
    Long(ColumnLong),
}

/// Where a field comes from: `column`, `constant` or `join`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnLong {
    /// A column's name (CSV header, dotted JSON path, number from 1) or alternatives.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(schema_with = "one_or_many_schema")]
    pub column: Option<Vec<String>>,
    /// The same text in every row.
    #[serde(default)]
    #[schemars(schema_with = "text_or_number")]
    pub constant: Option<String>,
    /// Texts: several columns that all must be there, put together as `with` says.
    #[serde(default)]
    #[schemars(length(min = 2))]
    pub join: Option<Vec<String>>,
    /// What stands between the columns of `join`, such as `/`, which is also what stands there when this is left out.
    #[serde(default)]
    pub with: Option<String>,
    /// Amounts: `minor` (cents, the default) or `major`.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// Times: `iso` (the default), `epoch_seconds`, `epoch_millis`, or a strftime pattern. Dates: `iso` or a pattern.
    #[serde(default)]
    pub format: Option<String>,
    /// Times without an offset are in this zone; a date is that of the time in this zone.
    #[serde(default)]
    pub timezone: Option<String>,
}

impl<'de> Deserialize<'de> for ColumnSpec {
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

impl JsonSchema for ColumnSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Column".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let long = generator.subschema_for::<ColumnLong>();
        let mut choices = serde_json::json!(short_forms());
        if let Some(choices) = choices.as_array_mut() {
            choices.push(long.to_value());
        }
        json_schema!({ "anyOf": choices })
    }
}

pub(super) fn names(value: serde_json::Value) -> Result<Vec<String>, serde_json::Error> {
    match value {
        serde_json::Value::String(one) => Ok(vec![one]),
        several => serde_json::from_value(several),
    }
}

pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        value => names(value).map(Some).map_err(serde::de::Error::custom),
    }
}

pub(super) fn short_forms() -> [serde_json::Value; 2] {
    [
        serde_json::json!({ "type": ["string", "integer"] }),
        serde_json::json!({ "type": "array", "items": { "type": ["string", "integer"] }, "minItems": 1 }),
    ]
}

pub(super) fn one_or_many_schema(_: &mut SchemaGenerator) -> schemars::Schema {
    json_schema!({ "anyOf": short_forms() })
}

/// Numbers are taken as text, digit by digit as written.
pub(super) fn text_or_number(_: &mut SchemaGenerator) -> schemars::Schema {
    json_schema!({ "type": ["string", "number"] })
}

pub(super) fn amounts_by_currency(_: &mut SchemaGenerator) -> schemars::Schema {
    json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number"] } })
}

/// A group whose keys are canonical fields: unlike schemars' own, it lists them.
pub(super) fn by_field<T: JsonSchema>(generator: &mut SchemaGenerator) -> schemars::Schema {
    let value = generator.subschema_for::<T>().to_value();
    let properties =
        Field::ALL.iter().map(|field| (field.name().to_owned(), value.clone())).collect::<serde_json::Map<_, _>>();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// Limits of a run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatesSpec {
    /// Most breaks.
    #[serde(default)]
    pub max_breaks: Option<u64>,
    /// Currency: most that may be at risk, in major units ("500.00").
    #[serde(default)]
    #[schemars(schema_with = "amounts_by_currency")]
    pub max_break_amount: BTreeMap<String, String>,
}

/// The JSON Schema of a job file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(JobSpec).to_value()
}
