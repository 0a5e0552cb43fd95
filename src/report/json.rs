//! `summary.json`: the whole result but the break rows themselves, for programs.
//!
//! One rule for money: every field whose name ends in `_minor` is a *string* that holds a decimal
//! integer of minor units. Sums are 128 bits wide, and many JSON readers round above 2^53;
//! a string is exact everywhere. `currencies` tells how many decimals each currency has.
//! Counts are numbers. Keys stand in the order of the fields below. Times are RFC 3339, UTC.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::amount::decimals;
use super::facts::{
    Changes, ExcludedFacts, Facts, GateFacts, InputFacts, JobFacts, PeriodFacts, ProgramFacts, RunFacts, SUMMARY_SCHEMA,
};
pub use super::json_effects::{
    EffectCount, EffectsRisk, EffectsSummary, NewsSummary, ParcelSum, ParcelSummary, SilentSummary,
};
use super::json_effects::{effects, parcel};
use super::json_month::{self, MonthSummary};
use super::json_seals::{self, AdjustmentsSummary, SealSummary};
use super::totals::AgeTotal;
use super::verdict::{Tone, verdict};
use crate::breaks::{BreakKind, BreakStatus, Bridge, RowAccount};
use crate::frames::{Measure, Quarantined, Side, Warning};

/// Quarantined rows that are spelled out; `quarantine.count` tells them all.
pub const MOST_QUARANTINED: usize = 100;

/// An amount of minor units, written as a string of its decimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor(pub i128);

impl Serialize for Minor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            serde::de::Error::custom(format!("{text:?} is no integer of minor units in a string, such as \"1250\""))
        })
    }
}

/// `summary.json`, as written and as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`]
    pub schema: String,
    pub verdict: VerdictSummary,
    pub job: JobFacts,
    pub period: PeriodFacts,
    pub run: RunFacts,
    pub program: ProgramFacts,
    /// Currency → decimals, for every currency that is named below.
    pub currencies: BTreeMap<String, u8>,
    pub breaks: BreaksSummary,
    pub statement: StatementSummary,
    pub gates: Vec<GateFacts>,
    /// Left out for a job without effects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<EffectsSummary>,
    /// The job sends; left out for one that compares. Reports of before leave it out too, and tell by `sent`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends: bool,
    /// What a sending job has sealed, in the order of the plan; left out for any other, and where there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<ParcelSummary>,
    /// How the month was closed; left out for a job that closes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<MonthSummary>,
    /// The seal of the period, which makes this a late attempt; left out where it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<SealSummary>,
    /// Left out where the period before is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustments: Option<AdjustmentsSummary>,
    pub suggestions: u64,
    /// Reason → keys.
    pub expected: BTreeMap<String, u64>,
    pub excluded: Vec<ExcludedFacts>,
    pub quarantine: QuarantineSummary,
    pub warnings: Vec<Warning>,
    /// Null for the first attempt.
    pub changes: Option<Changes>,
    pub inputs: Vec<InputSummary>,
    /// Files of other periods that the job's rules or the close of the month read.
    #[serde(default)]
    pub history: Vec<InputSummary>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictSummary {
    /// Residual zero everywhere and every row accounted for.
    pub ties_out: bool,
    pub gates_breached: bool,
    /// What these facts make the process end with.
    pub exit_code: u8,
    pub words: String,
    /// What `words` joins; reports of before have neither of the three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tone: Option<Tone>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub headline: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentences: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreaksSummary {
    pub count: u64,
    /// Those that still wait for somebody, confirmed and disputed ones among them: only they count at gates and are at
    /// risk.
    pub open: u64,
    /// Of the open ones; so are the disputed. Reports of before have neither, nor what a person has matched.
    #[serde(default)]
    pub confirmed: u64,
    #[serde(default)]
    pub in_dispute: u64,
    pub resolved: u64,
    pub written_off: u64,
    #[serde(default)]
    pub force_matched: u64,
    pub at_risk: Vec<AtRisk>,
    /// In the order of [`BreakKind::ALL`]; kinds that were not found are left out.
    pub by_kind: Vec<KindSummary>,
    /// The open ones by age, the youngest first; left out where none is open, and by reports of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_age: Vec<AgeSummary>,
}

/// Open breaks of one age, in business days from the last day of the first period that had them to the last of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeSummary {
    pub from_days: u32,
    /// Included; null for the oldest.
    pub to_days: Option<u32>,
    pub count: u64,
    pub at_risk: Vec<AtRisk>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindSummary {
    pub kind: BreakKind,
    pub count: u64,
    pub at_risk: Vec<AtRisk>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtRisk {
    pub currency: String,
    pub measure: Measure,
    pub at_risk_minor: Minor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementSummary {
    pub bridges: Vec<BridgeSummary>,
    pub rows: Vec<RowAccount>,
}

/// left + lines − right = residual = 0
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeSummary {
    pub left: Side,
    pub right: Side,
    pub currency: String,
    pub measure: Measure,
    pub left_total_minor: Minor,
    pub lines: Vec<LineSummary>,
    pub right_total_minor: Minor,
    pub residual_minor: Minor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSummary {
    pub label: String,
    pub count: u64,
    pub amount_minor: Minor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineSummary {
    pub count: u64,
    /// Reason → rows.
    pub by_reason: BTreeMap<String, u64>,
    /// The first [`MOST_QUARANTINED`].
    pub first: Vec<QuarantinedSummary>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedSummary {
    pub side: Side,
    pub file: String,
    pub line: u64,
    /// Null when the whole row could not be read.
    pub field: Option<String>,
    /// Masked.
    pub value: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSummary {
    pub side: Side,
    pub name: String,
    pub origin: String,
    pub sha256: String,
    pub bytes: u64,
    pub rows: u64,
    pub sums: Vec<SumSummary>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumSummary {
    pub currency: String,
    pub measure: Measure,
    pub sum_minor: Minor,
}

/// Writes the summary, indented, with a newline at the end.
///
/// # Errors
/// When writing fails.
pub fn render(facts: &Facts, mut out: impl Write) -> Result<(), serde_json::Error> {
    serde_json::to_writer_pretty(&mut out, &summary(facts))?;
    out.write_all(b"\n").map_err(serde_json::Error::io)
}

/// The summary of the facts.
pub fn summary(facts: &Facts) -> Summary {
    let verdict = verdict(facts);
    let sentences: Vec<&str> = verdict.sentences.iter().chain(&verdict.to_review).map(String::as_str).collect();
    let words = format!("{}. {}", verdict.headline, sentences.join(" "));
    Summary {
        schema: SUMMARY_SCHEMA.to_owned(),
        verdict: VerdictSummary {
            ties_out: facts.ties_out(),
            gates_breached: facts.breached_gates().next().is_some(),
            exit_code: verdict.exit as u8,
            words,
            tone: Some(verdict.tone),
            headline: verdict.headline,
            sentences: verdict.sentences.into_iter().chain(verdict.to_review).collect(),
        },
        job: facts.job.clone(),
        period: facts.period.clone(),
        run: facts.run.clone(),
        program: facts.program.clone(),
        currencies: currencies(facts),
        breaks: breaks(facts),
        statement: StatementSummary {
            bridges: facts.statement.bridges.iter().map(bridge).collect(),
            rows: facts.statement.rows.clone(),
        },
        gates: facts.gates.clone(),
        effects: facts.effects.as_ref().map(effects),
        sends: facts.is_sending(),
        sent: facts.parcels().iter().map(parcel).collect(),
        month: facts.month.as_ref().map(json_month::month),
        seal: json_seals::seal(&facts.sealed),
        adjustments: json_seals::adjustments(&facts.sealed),
        suggestions: facts.suggestions.len() as u64,
        expected: facts.expected.clone(),
        excluded: facts.excluded.clone(),
        quarantine: quarantine(&facts.quarantine),
        warnings: facts.warnings.clone(),
        changes: facts.changes.clone(),
        inputs: facts.inputs.iter().map(input).collect(),
        history: facts.history.iter().map(input).collect(),
    }
}

fn currencies(facts: &Facts) -> BTreeMap<String, u8> {
    let of_breaks = facts.breaks.heads().map(|found| found.currency);
    let of_bridges = facts.statement.bridges.iter().map(|bridge| bridge.currency.as_str());
    let of_inputs = facts.inputs.iter().flat_map(|input| input.sums.iter().map(|sum| sum.0.as_str()));
    let of_effects =
        facts.effects.iter().flat_map(|effects| &effects.planned).map(|standing| standing.effect.currency.as_str());
    let all: BTreeSet<&str> = of_breaks
        .chain(of_bridges)
        .chain(of_inputs)
        .chain(of_effects)
        .chain(facts.parcels().iter().flat_map(|parcel| parcel.totals_minor.keys().map(String::as_str)))
        .chain(facts.month.iter().flat_map(json_month::currencies).map(String::as_str))
        .chain(json_seals::currencies(&facts.sealed).into_iter().map(String::as_str))
        .filter(|currency| !currency.is_empty())
        .collect();
    all.into_iter().map(|currency| (currency.to_owned(), decimals(currency))).collect()
}

fn at_risk(sums: BTreeMap<(String, Measure), i128>) -> Vec<AtRisk> {
    let entry = |((currency, measure), minor)| AtRisk { currency, measure, at_risk_minor: Minor(minor) };
    sums.into_iter().map(entry).collect()
}

fn breaks(facts: &Facts) -> BreaksSummary {
    let by_kind = super::totals::by_kind(facts)
        .into_iter()
        .map(|total| KindSummary { kind: total.kind, count: total.count, at_risk: at_risk(total.at_risk) })
        .collect();
    BreaksSummary {
        count: facts.breaks.len() as u64,
        open: facts.open_breaks(),
        confirmed: facts.with_status(BreakStatus::Confirmed),
        in_dispute: facts.with_status(BreakStatus::InDispute),
        resolved: facts.with_status(BreakStatus::Resolved),
        written_off: facts.with_status(BreakStatus::WrittenOff),
        force_matched: facts.with_status(BreakStatus::ForceMatched),
        at_risk: at_risk(facts.at_risk()),
        by_kind,
        by_age: super::totals::by_age(facts).into_iter().map(age).collect(),
    }
}

fn age(total: AgeTotal) -> AgeSummary {
    let AgeTotal { from_days, to_days, count, at_risk: sums } = total;
    AgeSummary { from_days, to_days, count, at_risk: at_risk(sums) }
}

fn bridge(bridge: &Bridge) -> BridgeSummary {
    BridgeSummary {
        left: bridge.left,
        right: bridge.right,
        currency: bridge.currency.clone(),
        measure: bridge.measure,
        left_total_minor: Minor(bridge.left_total_minor),
        lines: bridge
            .lines
            .iter()
            .map(|line| LineSummary {
                label: line.label.clone(),
                count: line.count,
                amount_minor: Minor(line.amount_minor),
            })
            .collect(),
        right_total_minor: Minor(bridge.right_total_minor),
        residual_minor: Minor(bridge.residual_minor),
    }
}

fn quarantine(rows: &[Quarantined]) -> QuarantineSummary {
    let mut by_reason = BTreeMap::<String, u64>::new();
    for row in rows {
        *by_reason.entry(row.reason.clone()).or_default() += 1;
    }
    let first = rows
        .iter()
        .take(MOST_QUARANTINED)
        .map(|row| QuarantinedSummary {
            side: row.side,
            file: row.file_name.clone(),
            line: row.line,
            field: row.field.clone(),
            value: row.value.clone(),
            reason: row.reason.clone(),
        })
        .collect();
    QuarantineSummary { count: rows.len() as u64, by_reason, first }
}

fn input(input: &InputFacts) -> InputSummary {
    InputSummary {
        side: input.side,
        name: input.name.clone(),
        origin: input.origin.clone(),
        sha256: input.sha256.clone(),
        bytes: input.bytes,
        rows: input.rows,
        sums: input
            .sums
            .iter()
            .map(|(currency, measure, minor)| SumSummary {
                currency: currency.clone(),
                measure: *measure,
                sum_minor: Minor(*minor),
            })
            .collect(),
    }
}
