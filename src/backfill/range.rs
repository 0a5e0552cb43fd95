//! From two labels to the periods between them.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

use crate::job::Grain;
use crate::period::{Period, PeriodError, Resolver, TooMany, between};

/// More than this at once is a slip of the pen: ten years of days.
pub const MOST_PERIODS: usize = 3_700;

/// Two labels between which nothing can be run. Exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("{option}")]
    Label { option: &'static str, source: PeriodError },
    #[error("--from {from} lies after --to {to}; the earlier one comes first: --from {to} --to {from}")]
    Reversed { from: String, to: String },
    #[error("{from} is not over yet: it ends at {}; the last complete one is {last}", instant(*.end))]
    NoneComplete { from: String, end: DateTime<Utc>, last: String },
    #[error("{to} is not over yet: it ends at {}; the last complete one is {last}: --to {last}", instant(*.end))]
    NotComplete { to: String, end: DateTime<Utc>, last: String },
    #[error("{from} to {to} are more than {MOST_PERIODS} {units}; do a part first: --from {from} --to {last}")]
    TooMany { from: String, to: String, units: &'static str, last: String },
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What the periods of a grain are called.
pub const fn units(grain: Grain) -> &'static str {
    match grain {
        Grain::Day => "days",
        Grain::Month => "months",
    }
}

/// The periods from one label to another, both in, the earliest first. All of them are complete at `now`. A day that the
/// zone skipped is passed over.
///
/// # Errors
/// When a label names no period of the grain, the range is empty or too long, or a period of it is not over yet.
pub fn resolve(from: &str, to: &str, grain: Grain, zone: Tz, now: DateTime<Utc>) -> Result<Vec<Period>, RangeError> {
    let resolver = Resolver { grain, zone, at: now };
    let parse = |option, label| resolver.named(label).map_err(|source| RangeError::Label { option, source });
    let (from, to) = (parse("--from", from)?, parse("--to", to)?);
    if from.start > to.start {
        return Err(RangeError::Reversed { from: from.label, to: to.label });
    }
    let last = resolver.last();
    if from.start > last.start {
        return Err(RangeError::NoneComplete { from: from.label, end: from.end, last: last.label });
    }
    if to.start > last.start {
        return Err(RangeError::NotComplete { to: to.label, end: to.end, last: last.label });
    }
    between(&from, &to, MOST_PERIODS).map_err(|TooMany { last }| RangeError::TooMany {
        from: from.label,
        to: to.label,
        units: units(grain),
        last: last.label,
    })
}
