//! What a provider is asked about, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::frames::Side;

/// Ids from a CSV with a header: of a file of its own (`path`), or of another input of the job (`input`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdsSpec {
    /// Path or glob below the data folder; `{period}` stands for the label.
    #[serde(default)]
    pub path: Option<String>,
    /// The input of this job whose files hold them: `ledger` or `webhooks`.
    #[serde(default)]
    pub input: Option<Side>,
    /// The column of the ids.
    pub column: String,
    /// What is put beside the id of each row: name there, column here.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
}
