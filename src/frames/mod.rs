//! From bytes to canonical columns: `read` makes text columns of any format, `normalize` makes
//! exact values of them, and rows that cannot be read go to quarantine with their place.

pub mod schema;

pub use schema::{
    ControlKind, ControlMismatch, Exclusion, Field, FieldType, Frame, Measure, Quarantined, Side, Warning, WarningKind,
};
