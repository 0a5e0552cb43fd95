//! A preset as written: what an input of a job may say about how it is read, and which published document says so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Sign;
use super::spec::{ColumnSpec, FormatSpec, RevisionsSpec, by_field};
use crate::frames::Field;

/// What an input takes from a preset where it says nothing itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PresetSpec {
    /// What the rows are, in one line.
    pub description: String,
    /// The published document and its section, as of when, and what it leaves open.
    pub source: String,
    /// As of an input.
    pub format: FormatSpec,
    /// As of an input.
    #[schemars(schema_with = "by_field::<ColumnSpec>")]
    pub columns: BTreeMap<Field, ColumnSpec>,
    /// As of an input.
    #[serde(default)]
    pub sign: Option<Sign>,
    /// As of an input.
    #[serde(default)]
    pub statuses: BTreeMap<String, String>,
    /// As of an input.
    #[serde(default)]
    #[schemars(schema_with = "by_field::<Vec<String>>")]
    pub only: BTreeMap<Field, Vec<String>>,
    /// As of an input.
    #[serde(default)]
    pub known_columns: Option<Vec<String>>,
    /// As of an input.
    #[serde(default)]
    pub revisions: Option<RevisionsSpec>,
}

/// The JSON Schema of a preset.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(PresetSpec).to_value()
}
