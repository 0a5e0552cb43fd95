//! The records that Kard takes: their published fields, how source columns become them, and one
//! row of text written as one line of JSON with a stable event id, or the reason why it does not fit.

mod check;
mod event_id;
mod fips;
mod line;
mod marqeta;
mod plan;
mod rules;
pub mod schema;
mod step;
mod tree;
mod values;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::check;
pub use fips::state as fips_state;
pub use marqeta::marqeta;
pub use plan::{RecordPlan, Refused, Scratch, SourceField, Written};
pub use schema::{Attribute, Kind, Published, RecordType};

use crate::job::{ColumnSource, TimeFormat, Unit};

/// The name under which a mapping lets the source state the event id itself.
pub const EVENT_ID: &str = "id";

/// How source columns become the fields of a record, as validated by [`check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub record: RecordType,
    /// Published dotted name: where it comes from. [`EVENT_ID`] is allowed too: then the source
    /// states the event id itself.
    pub columns: BTreeMap<String, FieldColumn>,
    pub sign: AmountSign,
    /// Published names whose values make the event id, in any order; empty: the record type's own.
    pub event_key: Vec<String>,
}

/// Where one published field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldColumn {
    /// Several columns: the first that states something counts. For a field with a closed list of
    /// words it is the first whose word is known, and for `cardLastFours` all of them count.
    pub from: ColumnSource,
    /// For amounts; ignored elsewhere.
    pub unit: Unit,
    /// For times; ignored elsewhere.
    pub time: TimeFormat,
    /// The source's word: the published one, for fields with a closed list. An empty published word
    /// means that the source's word says nothing: the field is then as good as empty.
    pub words: BTreeMap<String, String>,
    /// Numeric FIPS codes become the two letters of their state.
    pub fips: bool,
}

/// What the sign of a source's amount means. Kard takes sizes, with a `direction` beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AmountSign {
    /// Amounts are sizes; a minus is refused.
    #[default]
    Unsigned,
    /// Spending is positive. Where `direction` is not mapped it follows: CREDIT below zero, else DEBIT.
    Signed,
    /// Spending is negative, as a bank books it. Where `direction` is not mapped it follows.
    Inverted,
}
