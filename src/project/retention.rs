//! The block `retention:` of the project file.

use chrono::TimeDelta;

use super::spec::RetentionSpec;
use crate::config::Checker;

/// How long files are kept after the run that made or read them has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionConfig {
    /// Inputs as received, and sealed builds.
    pub raw: TimeDelta,
    /// Renderings of reports.
    pub reports: TimeDelta,
}

/// None where something in it is wrong.
pub(super) fn retention(spec: &RetentionSpec, checker: &mut Checker<'_>) -> Option<RetentionConfig> {
    let raw = kept("raw", &spec.raw, checker);
    let reports = kept("reports", &spec.reports, checker);
    Some(RetentionConfig { raw: raw?, reports: reports? })
}

fn kept(key: &str, written: &str, checker: &mut Checker<'_>) -> Option<TimeDelta> {
    let at = format!("retention/{key}");
    let kept = TimeDelta::from_std(checker.duration(&at, written)?).ok()?;
    if kept < TimeDelta::days(1) {
        checker.problem(&at, format!("`{key}` is {written}; expected at least 1d"));
        return None;
    }
    Some(kept)
}
