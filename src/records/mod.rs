//! The records that the provider takes ("Incoming Transactions"): which there are, and how the columns of a source
//! become their fields.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::{ColumnSource, TimeFormat, Unit};

/// What a line says it is ("Incoming Transactions", `type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RecordType {
    Transaction,
    MatchedTransaction,
    CoreTransaction,
    HistoricalTransaction,
}

impl RecordType {
    /// The published spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::MatchedTransaction => "matchedTransaction",
            Self::CoreTransaction => "coreTransaction",
            Self::HistoricalTransaction => "historicalTransaction",
        }
    }
}

/// How the columns of a source become the fields of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub record: RecordType,
    /// Published dotted name: where it comes from. `id` is allowed too: then the source states the event id itself.
    pub columns: BTreeMap<String, FieldColumn>,
    pub sign: AmountSign,
    /// Published names whose values make the event id; empty: the default of the record type.
    pub event_key: Vec<String>,
}

/// Where one published field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldColumn {
    pub from: ColumnSource,
    /// For amounts; ignored elsewhere.
    pub unit: Unit,
    /// For times; ignored elsewhere.
    pub time: TimeFormat,
    /// The source's word: the published one (statuses, directions, payment types).
    pub words: BTreeMap<String, String>,
    /// Numeric FIPS state codes become two letters.
    pub fips: bool,
}

/// What the written sign of an amount means; the provider takes sizes with a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AmountSign {
    /// A minus is refused.
    #[default]
    Unsigned,
    /// Spending is positive; the direction follows from the sign where `direction` is not mapped.
    Signed,
    /// As `signed`, with spending negative (a bank's view).
    Inverted,
}

/// What is wrong with a mapping: the field that it is about, or none, and what was expected.
pub const fn check(_mapping: &Mapping) -> Vec<(String, String)> {
    Vec::new()
}

/// The columns of Marqeta's events ("Marqeta Integrations") for a record type.
pub const fn marqeta(_record: RecordType) -> BTreeMap<String, FieldColumn> {
    BTreeMap::new()
}
