//! From a proven comparison to the facts of its report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use super::facts::{Changes, ExcludedFacts, Facts, InputFacts, JobFacts, PeriodFacts, ProgramFacts, RunFacts};
use crate::breaks::compare::Comparison;
use crate::breaks::statement::file_totals;
use crate::breaks::{Break, Breaks, gates};
use crate::frames::{Frame, Measure, Warning};
use crate::job::{Due, Job, Matching, MonthEnd, Payout, Reconciliation, Splits};
use crate::month::Closing;
use crate::objects::Place;
use crate::period::{Period, duration_words};
use crate::seals::SealFacts;
use crate::sources::{Origin, RawFile};

/// The version and commit of this program.
pub fn program() -> ProgramFacts {
    ProgramFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("TIEOUT_COMMIT").unwrap_or("unknown").to_owned(),
    }
}

/// What a report needs beside the comparison itself.
#[derive(Debug)]
pub struct Setting<'a> {
    pub job: &'a Job,
    /// The job's, which was carried out.
    pub reconciliation: &'a Reconciliation,
    pub period: &'a Period,
    pub run: RunFacts,
    /// What was read of other periods, and what for: part of no total.
    pub history: Vec<(&'a Frame, String)>,
    /// Those of whole files, and of the file held against that of the run before.
    pub breaks_besides: Vec<Break>,
    /// The closed month, where the job closes months.
    pub month: Option<Closing>,
    /// Warnings of pulling; those of the frames are added.
    pub warnings: Vec<Warning>,
}

/// Gathers the facts. What changed against an earlier attempt is left for the caller to add.
pub fn gather(setting: Setting, frames: &[Frame], comparison: &Comparison) -> Facts {
    let Setting { job, reconciliation, period, run, history, breaks_besides, month, mut warnings } = setting;
    let mut breaks = comparison.packed();
    breaks.extend(breaks_besides);
    let month = month.map(|closing| {
        breaks.extend(closing.breaks);
        closing.facts
    });
    breaks.sort();
    warnings.extend(frames.iter().flat_map(|frame| frame.warnings.iter().cloned()));
    Facts {
        program: program(),
        job: job_facts(job, parameters(reconciliation)),
        period: period_facts(period),
        run,
        inputs: frames.iter().flat_map(inputs).collect(),
        history: history.into_iter().flat_map(|(frame, why)| of_other_period(frame, &why)).collect(),
        statement: comparison.statement.clone(),
        gates: gates::check(&job.gates, &breaks),
        breaks,
        lives: HashMap::new(),
        new_life: None,
        suggestions: comparison.suggestions(),
        expected: comparison.expected(),
        excluded: comparison
            .excluded()
            .into_iter()
            .map(|(side, reason, rows)| ExcludedFacts { side, reason, rows })
            .collect(),
        quarantine: frames.iter().flat_map(|frame| frame.quarantine.iter().cloned()).collect(),
        warnings,
        effects: None,
        sent: None,
        month,
        carried: None,
        sealed: SealFacts::default(),
        changes: None,
    }
}

/// The job as the report tells it.
pub(super) fn job_facts(job: &Job, parameters: Vec<(String, String)>) -> JobFacts {
    JobFacts {
        name: job.name.clone(),
        description: job.description.clone(),
        path: job.path.display().to_string(),
        sha256: job.digest.clone(),
        parameters,
    }
}

pub(super) fn period_facts(period: &Period) -> PeriodFacts {
    PeriodFacts {
        label: period.label.clone(),
        timezone: period.zone.name().to_owned(),
        start: period.start,
        end: period.end,
    }
}

fn inputs(frame: &Frame) -> Vec<InputFacts> {
    let totals = file_totals(frame);
    let files = frame.files.iter().zip(&frame.rows_read).zip(totals);
    files
        .map(|((file, rows), totals)| InputFacts {
            side: frame.side,
            name: file.name.clone(),
            origin: origin(file),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
            rows: *rows,
            sums: totals
                .into_iter()
                .flat_map(|(currency, sums)| {
                    let mapped = Measure::ALL.into_iter().filter(|measure| frame.mapped.contains(&measure.field()));
                    mapped.map(move |measure| (currency.clone(), measure, sums[measure as usize])).collect::<Vec<_>>()
                })
                .collect(),
        })
        .collect()
}

fn of_other_period(frame: &Frame, why: &str) -> Vec<InputFacts> {
    let files = inputs(frame).into_iter();
    files.map(|input| InputFacts { origin: format!("{}, {why}", input.origin), sums: Vec::new(), ..input }).collect()
}

/// Where a file came from, in words.
pub fn origin(file: &RawFile) -> String {
    match &file.origin {
        Origin::Path { .. } => "local file".to_owned(),
        Origin::Query { database, query_sha256, .. } => {
            format!("database {database}, query of digest {}", query_sha256.get(..12).unwrap_or(query_sha256))
        }
        Origin::S3 { bucket, key, last_modified, .. } => {
            let place = Place { bucket: bucket.clone(), prefix: key.clone() };
            format!("{place}, modified {}", last_modified.format("%Y-%m-%d %H:%M UTC"))
        }
        Origin::Dataset { provider, dataset, asked_at, asked, not_found } => {
            let about = match (asked, not_found) {
                (None, _) => String::new(),
                (Some(asked), 0) => format!(" about {asked} ids"),
                (Some(asked), not_found) => format!(" about {asked} ids, {not_found} of them unknown there"),
            };
            format!("{provider}, {dataset}, asked {}{about}", asked_at.format("%Y-%m-%d %H:%M UTC"))
        }
        Origin::Provider { provider, file_type, sent_at, .. } => {
            format!("{provider}, {file_type}, sent {}", sent_at.format("%Y-%m-%d %H:%M UTC"))
        }
    }
}

/// What was asked for, in words.
fn parameters(reconciliation: &Reconciliation) -> Vec<(String, String)> {
    let matching = &reconciliation.matching;
    let mut said = vec![("key".to_owned(), matching.key.name().to_owned())];
    for measure in Measure::ALL {
        let (name, tolerance_minor) = (measure.field().name(), matching.tolerance_minor(measure));
        let words =
            tolerance_minor.map_or_else(|| "not compared".to_owned(), |minor| format!("tolerance {minor} minor units"));
        said.push((format!("compare {name}"), words));
    }
    let yes_no = |on: bool| if on { "exact" } else { "not compared" };
    said.push(("compare currency".to_owned(), yes_no(matching.currency).to_owned()));
    said.push(("compare status".to_owned(), yes_no(matching.status.is_some()).to_owned()));
    let identity: Vec<&str> = matching.identity.iter().map(|field| field.name()).collect();
    said.push((
        "compare identity".to_owned(),
        if identity.is_empty() { "not compared".to_owned() } else { identity.join(", ") },
    ));
    let date = match matching.date_tolerance {
        _ if matching.splits == Splits::Balance => "not compared".to_owned(),
        Some(tolerance) => format!("within {}", duration_words(tolerance)),
        None => "same period".to_owned(),
    };
    said.push(("compare date".to_owned(), date));
    let splits = match matching.splits {
        Splits::Sum => "summed",
        Splits::Forbid => "forbidden",
        Splits::Balance => "all rows of a key are summed",
    };
    said.push(("splits".to_owned(), splits.to_owned()));
    said.extend(states_parameters(matching));
    for (index, rule) in matching.fallback.iter().enumerate() {
        said.push((format!("fallback {}", index + 1), rule.to_string()));
    }
    said.push(("grace".to_owned(), duration_words(reconciliation.grace)));
    if let Some(within) = reconciliation.settles_within {
        said.push(("authorisations settle within".to_owned(), duration_words(within)));
    }
    if let Some(month_end) = &reconciliation.month_end {
        said.extend(month_parameters(month_end));
    }
    if reconciliation.carry > 0 {
        said.push(("open items carried".to_owned(), format!("{} periods", reconciliation.carry)));
    }
    for input in &reconciliation.inputs {
        said.push((format!("{} quarantine limit", input.side), format!("{} rows", input.quarantine_limit)));
        if let Some(due @ Due::On(_)) = &input.due {
            said.push((format!("{} due", input.side), due.to_string()));
        }
    }
    said
}

/// What is compared of how things stand; nothing where the job does not look at it.
fn states_parameters(matching: &Matching) -> Vec<(String, String)> {
    let mut said = Vec::new();
    if matching.validity {
        said.push(("compare validity".to_owned(), "exact".to_owned()));
    }
    for (name, words) in [("open after its end", &matching.open_after_end), ("provider failed", &matching.failed)] {
        if !words.is_empty() {
            said.push((name.to_owned(), words.join(", ")));
        }
    }
    if let Some(expected) = &matching.status_changes {
        let pairs: Vec<String> = expected.iter().map(|(before, after)| format!("{before} to {after}")).collect();
        let words = if pairs.is_empty() { "none".to_owned() } else { pairs.join(", ") };
        said.push(("status changes to be expected".to_owned(), words));
    }
    said
}

fn month_parameters(month_end: &MonthEnd) -> Vec<(String, String)> {
    let days = |days: u32| if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    let payout = match month_end.payout {
        Payout::AtOnce => "at once",
        Payout::Withheld => "when Kard has paid",
    };
    let mut terms = days(month_end.terms.default_days);
    for (merchant, own) in &month_end.terms.merchants {
        let _ = write!(terms, ", {merchant} {}", days(*own));
    }
    let buckets: Vec<String> = month_end.buckets.iter().map(u32::to_string).collect();
    [
        ("month end: daily job", month_end.dailies.clone().unwrap_or_else(|| "none".to_owned())),
        ("month end: earlier months", month_end.earlier.to_string()),
        ("month end: terms", terms),
        ("month end: ageing buckets", format!("{} days", buckets.join(", "))),
        ("month end: users are paid", payout.to_owned()),
    ]
    .map(|(name, words)| (name.to_owned(), words))
    .to_vec()
}

/// What is new against the attempt before.
pub fn changes(
    against_attempt: u32,
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    breaks_before: Option<&[String]>,
    breaks: &Breaks,
) -> Changes {
    let differs = |name: &&String| before.get(*name) != now.get(*name);
    let mut changed_inputs: Vec<String> = before.keys().chain(now.keys()).filter(differs).cloned().collect();
    changed_inputs.sort();
    changed_inputs.dedup();
    let ids_before: BTreeSet<&str> = breaks_before.unwrap_or_default().iter().map(String::as_str).collect();
    let ids: BTreeSet<&str> = breaks.heads().map(|found| found.id()).collect();
    Changes {
        against_attempt,
        inputs_unchanged: changed_inputs.is_empty(),
        changed_inputs,
        new_breaks: ids.difference(&ids_before).count() as u64,
        gone_breaks: ids_before.difference(&ids).count() as u64,
    }
}
