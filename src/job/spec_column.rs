//! One entry of `columns:` as written.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::Unit;
use super::spec::text_or_number;

/// A column's name, alternatives of which the first that is there counts, or the long form.
#[derive(Debug, Clone)]
pub enum ColumnSpec {
    Short(Vec<String>),
    Long(ColumnLong),
}

/// Where a field comes from: `column`, `constant`, or `credit` and `debit`.
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
    /// Amounts that stand in one of two columns: the one that counts as positive, or alternatives.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(schema_with = "one_or_many_schema")]
    pub credit: Option<Vec<String>>,
    /// The other one, which counts as negative.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schemars(schema_with = "one_or_many_schema")]
    pub debit: Option<Vec<String>>,
    /// Amounts: `minor` (cents, the default) or `major`.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// Times: `iso` (the default), `epoch_seconds`, `epoch_millis`, or a strftime pattern. Dates: `iso` or a pattern.
    #[serde(default)]
    pub format: Option<String>,
    /// Times without an offset are in this zone, or in the one that a column names.
    #[serde(default)]
    pub timezone: Option<ZoneSpec>,
}

/// One zone for all rows, or the zone of each.
#[derive(Debug, Clone)]
pub enum ZoneSpec {
    /// IANA name.
    Named(String),
    Column(ZoneColumnSpec),
}

/// A column that names the zone of each row.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneColumnSpec {
    /// The column, or alternatives.
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(schema_with = "one_or_many_schema")]
    pub column: Vec<String>,
    /// What the column writes: IANA name of the zone. What is not listed must be an IANA name itself.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for ZoneSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(name) => Ok(Self::Named(name)),
            long => serde_json::from_value(long).map(Self::Column).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for ZoneSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let column = generator.subschema_for::<ZoneColumnSpec>();
        json_schema!({ "anyOf": [{ "type": "string" }, column] })
    }
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

/// As [`one_or_many`], of a key that must be there.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    names(serde_json::Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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
