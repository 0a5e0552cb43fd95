//! Sealed periods: what a person has signed off stays as it was, and what differs since is an adjustment of the first
//! period after it that is open.

pub mod adjustments;
pub mod life;

pub use adjustments::{Adjustment, Change, State};
pub use life::{Event, IllegalSealStep, SealState, Standing};

/// What a report tells of seals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealFacts {
    /// The seal of the report's own period, which makes its run a late attempt; none where the period is open.
    pub seal: Option<Standing>,
    /// What the sealed periods just before this one leave to it; none where the period before it is open.
    pub adjustments: Option<Vec<Adjustment>>,
}
