//! From the job as written to the job as validated: every problem at once, with its place. Pure.

mod column;
mod dataset;
mod due;
mod effects;
mod input;
mod matching;
mod month;
mod objects;
mod query;
pub mod rules;
mod schedule;
mod sending;
mod states;
mod work;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::TimeDelta;

use super::spec::{GatesSpec, JobSpec};
pub use month::DailyJob;
pub use schedule::MOST_CAUGHT_UP;

use super::{Gates, Input, Job, ReportFormat};
use crate::calendar::Calendars;
use crate::config::Checker;
use crate::frames::Side;
use crate::money;
use crate::project::Database;
use crate::providers::ProviderConfig;

/// What a job may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Context<'c> {
    /// None when `tieout.yaml` itself is wrong: references to providers are then not checked.
    pub providers: Option<&'c BTreeMap<String, ProviderConfig>>,
    /// Likewise: what inputs may name at `postgres`.
    pub databases: Option<&'c BTreeMap<String, Database>>,
    /// The built-in calendars and the project's own.
    pub calendars: &'c Calendars,
    /// The job that `month_end` names as its dailies; none: not looked for.
    pub dailies: Option<&'c DailyJob>,
    /// The job file, as it is told to people.
    pub path: &'c Path,
    /// SHA-256 of the job file's bytes, lower-case hexadecimal.
    pub digest: &'c str,
}

/// The side of each input that is written, and the input if it is right.
type Inputs = Vec<(Side, Option<Input>)>;

/// The validated job; none when the checker holds a problem.
pub fn job(spec: &JobSpec, context: Context<'_>, checker: &mut Checker<'_>) -> Option<Job> {
    name(spec, context.path, checker);
    let zone = checker.zone("period/timezone", &spec.period.timezone);
    let schedule = spec.schedule.as_ref().map(|written| schedule::schedule(written, &spec.job, zone, context, checker));
    let work = work::work(spec, zone, context, checker);
    let gates = spec.gates.as_ref().map_or_else(|| Some(Gates::default()), |gates| gates_of(gates, checker));
    let schedule = match schedule {
        Some(schedule) => Some(schedule?),
        None => None,
    };
    Some(Job {
        name: spec.job.clone(),
        description: spec.description.clone(),
        path: context.path.to_owned(),
        digest: context.digest.to_owned(),
        grain: spec.period.grain,
        zone: zone?,
        schedule,
        work: work?,
        gates: gates?,
        reports: reports(spec.report.as_deref()),
    })
}

fn name(spec: &JobSpec, path: &Path, checker: &mut Checker<'_>) {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name = &spec.job;
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        let message = format!("`{name}` is no job name; expected 1 to 64 small letters, digits and hyphens");
        checker.problem("job", message);
        return;
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if stem != *name {
        let message = format!("the job is named `{name}`, but its file `{stem}`; expected the same name");
        checker.problem("job", message);
    }
}

fn gates_of(spec: &GatesSpec, checker: &mut Checker<'_>) -> Option<Gates> {
    let max_break_amount_minor = amounts("gates/max_break_amount", &spec.max_break_amount, checker)?;
    Some(Gates { max_breaks: spec.max_breaks, max_break_amount_minor })
}

/// Limits by currency: major units as written, minor ones as meant.
fn amounts(path: &str, written: &BTreeMap<String, String>, checker: &mut Checker<'_>) -> Option<BTreeMap<String, i64>> {
    let mut amounts = BTreeMap::new();
    for (currency, text) in written {
        if let Some(minor) = checker.keep(&format!("{path}/{currency}"), minor(currency, text)) {
            amounts.insert(currency.clone(), minor);
        }
    }
    (amounts.len() == written.len()).then_some(amounts)
}

/// An amount of major units in minor ones, exactly.
fn minor(currency: &str, text: &str) -> Result<i64, String> {
    let exponent = money::exponent(currency)
        .ok_or_else(|| format!("unknown currency `{currency}`; expected an ISO 4217 code such as `USD`"))?;
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    let amount = rust_decimal::Decimal::from_str_exact(text)
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| format!("`{text}` is not an amount; expected digits and a point, such as \"500.00\""))?;
    if amount.is_sign_negative() && !amount.is_zero() {
        return Err(format!("the limit {text} is negative; expected zero or more"));
    }
    let decimals = amount.normalize().scale();
    if decimals > u32::from(exponent) {
        return Err(format!("{text} is finer than the minor unit of {currency}; expected at most {exponent} decimals"));
    }
    let factor = rust_decimal::Decimal::from(10_i64.pow(u32::from(exponent)));
    amount
        .checked_mul(factor)
        .and_then(|minor| i64::try_from(minor.normalize()).ok())
        .ok_or_else(|| format!("{text} is too big for an amount"))
}

fn reports(written: Option<&[ReportFormat]>) -> Vec<ReportFormat> {
    use ReportFormat::{Csv, Html, Json, Parquet, Xlsx};
    let mut reports = written.unwrap_or(&[Xlsx, Html, Csv, Json, Parquet]).to_vec();
    reports.sort_unstable();
    reports.dedup();
    reports
}

fn delta(path: &str, text: &str, checker: &mut Checker<'_>) -> Option<TimeDelta> {
    let duration = checker.duration(path, text)?;
    Some(TimeDelta::from_std(duration).expect("a duration of a configuration is at most ten years"))
}
