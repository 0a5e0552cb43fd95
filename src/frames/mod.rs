//! From bytes to canonical columns: `read` makes text columns of any format, `normalize` makes
//! exact values of them, and rows that cannot be read go to quarantine with their place.

mod audits;
mod error;
mod file_results;
mod find;
mod load;
pub(crate) mod mask;
mod normalize;
mod notices;
mod pace;
mod read;
mod rejections;
pub mod rows;
pub mod schema;
pub mod sifted;
pub(crate) mod signature;
mod source;
mod totals;

pub use error::{InputError, Place, StreamFault};
pub use find::WrittenRow;
pub(crate) use find::rows_of;
pub use load::{load, load_among, load_beside, load_sifted};
pub(crate) use mask::without_cards;
pub(crate) use normalize::{TimePlan, sources};
pub use pace::{Pace, Runner};
pub(crate) use read::{Halted, RowSink, RowView, Sources};
pub use rows::{Rows, Spread};
pub use schema::{
    AuditUpdate, ControlKind, ControlMismatch, Exclusion, Field, FieldType, FileResult, Frame, Measure, Quarantined,
    RejectedNotification, Repeat, RowError, Side, Warning, WarningKind,
};
pub(crate) use source::{FileRead, read_source};
pub use totals::{ControlTotals, Sums, Totals};
