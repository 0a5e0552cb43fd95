//! `month_end:` of a job, and the daily job that it names.

use std::collections::BTreeMap;

use super::super::spec_month::{MonthEndSpec, TermsSpec};
use super::super::{Grain, Input, MonthEnd, Source, Terms};
use super::Context;
use crate::config::Checker;
use crate::frames::{Field, Side};

/// "Payouts": merchants' terms are generally net 30.
const USUAL_TERMS_DAYS: u32 = 30;
const USUAL_EARLIER: u32 = 12;
const USUAL_BUCKETS: [u32; 3] = [30, 60, 90];

/// The job that `dailies` names, as far as the check of the job that names it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DailyJob {
    /// There is no such job; what to do about it.
    Unknown { help: String },
    /// Its file is wrong; the first problem, with its place.
    Wrong { problem: String },
    Known {
        grain: Grain,
        compares: bool,
        /// It has an input `file`.
        has_file: bool,
    },
}

pub(super) fn month_end(
    spec: &MonthEndSpec,
    grain: Grain,
    inputs: &[(Side, Option<Input>)],
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<MonthEnd> {
    let mut complete = true;
    if grain != Grain::Month {
        let help = "set period.grain: month, or take `month_end` out";
        checker.problem_with_help("month_end", "`month_end` closes months, and this job's period is a day", help);
        complete = false;
    }
    complete &= file(inputs, checker);
    if let (Some(name), Some(found)) = (&spec.dailies, context.dailies) {
        complete &= dailies(name, found, checker);
    }
    let buckets = buckets(spec.buckets.as_deref(), checker);
    let terms = terms(spec.terms.as_ref(), checker);
    let (buckets, terms) = (buckets?, terms?);
    let earlier = spec.earlier.unwrap_or(USUAL_EARLIER);
    complete.then(|| MonthEnd { dailies: spec.dailies.clone(), earlier, terms, buckets, payout: spec.payout })
}

/// What is folded must be stated, and the files of earlier months must be found.
fn file(inputs: &[(Side, Option<Input>)], checker: &mut Checker<'_>) -> bool {
    let Some((_, file)) = inputs.iter().find(|(side, _)| *side == Side::File) else {
        checker.absent("month_end", "`month_end` closes the month of the input `file`, and there is none", "add it");
        return false;
    };
    // A side that is wrong itself is given the benefit of the doubt.
    let Some(file) = file else { return true };
    let mut complete = true;
    for field in [Field::OccurredAt, Field::PaymentStatus, Field::IssuerCommission, Field::UserReward] {
        if !file.mapping.fields.contains_key(&field) {
            let message = format!("`month_end` needs `{}`, which the input `file` does not map", field.name());
            checker.absent("month_end", message, "map it under inputs.file.columns");
            complete = false;
        }
    }
    if let Source::Path { pattern } = &file.source
        && !pattern.contains("{period}")
    {
        let message = format!("`{pattern}` is the same for every month, and `month_end` reads those of earlier months");
        checker.problem_with_help("inputs/file/path", message, "write {period} where the month stands");
        complete = false;
    }
    if let Source::Dataset { dataset, .. } = &file.source {
        let message = format!("`{dataset}` says how it is now, and `month_end` reads the files of earlier months");
        checker.problem("inputs/file/dataset", message);
        complete = false;
    }
    if let Source::S3(objects) = &file.source
        && !objects.is_of_period()
    {
        let message = format!("{objects} is the same for every month, and `month_end` reads those of earlier months");
        checker.problem_with_help("inputs/file/pattern", message, "write {period} or {yymm} where the month stands");
        complete = false;
    }
    complete
}

fn dailies(name: &str, found: &DailyJob, checker: &mut Checker<'_>) -> bool {
    let path = "month_end/dailies";
    match found {
        DailyJob::Unknown { help } => {
            checker.problem_with_help(path, format!("there is no job `{name}`"), help);
        }
        DailyJob::Wrong { problem } => {
            checker.problem(path, format!("the job `{name}` cannot be used: {problem}"));
        }
        DailyJob::Known { grain: Grain::Month, .. } => {
            checker.problem(path, format!("the period of the job `{name}` is a month; expected a job of days"));
        }
        DailyJob::Known { compares: false, .. } => {
            checker.problem(path, format!("the job `{name}` sends; expected one that compares"));
        }
        DailyJob::Known { has_file: false, .. } => {
            checker.problem(path, format!("the job `{name}` has no input `file` to hold against the month's"));
        }
        DailyJob::Known { .. } => return true,
    }
    false
}

fn buckets(written: Option<&[u32]>, checker: &mut Checker<'_>) -> Option<Vec<u32>> {
    let Some(written) = written else { return Some(USUAL_BUCKETS.to_vec()) };
    let descent = written.windows(2).position(|pair| pair[0] >= pair[1]);
    if written.is_empty() {
        checker.problem("month_end/buckets", "no bucket is listed; expected upper ends in days such as [30, 60, 90]");
        return None;
    }
    if let Some(index) = descent {
        let (before, after) = (written[index], written[index + 1]);
        let message =
            format!("{after} comes after {before}; expected the upper ends of the buckets in ascending order");
        checker.problem(&format!("month_end/buckets/{}", index + 1), message);
        return None;
    }
    Some(written.to_vec())
}

fn terms(written: Option<&TermsSpec>, checker: &mut Checker<'_>) -> Option<Terms> {
    let Some(written) = written else {
        return Some(Terms { default_days: USUAL_TERMS_DAYS, merchants: BTreeMap::new() });
    };
    if written.merchants.keys().any(|name| name.trim().is_empty()) {
        checker.problem("month_end/terms/merchants", "a merchant without a name");
        return None;
    }
    let default_days = written.default.unwrap_or(USUAL_TERMS_DAYS);
    Some(Terms { default_days, merchants: written.merchants.clone() })
}
