//! What a summary says, as the types that it was made from: pages are made from a summary that was written long ago by
//! the same functions as from fresh facts. Single items are not in a summary, and not here.

mod month;

use std::collections::BTreeMap;

use super::facts::{InputFacts, ParcelFacts, rows_words, total_words};
use super::json::{AtRisk, InputSummary, ParcelSummary, Summary};
use super::totals::{AgeTotal, KindTotal};
use super::verdict::Tone;
use crate::breaks::{Bridge, BridgeLine, RowAccount};
use crate::exit::ExitCode;
use crate::frames::{Measure, Side};
pub(super) use month::month;

impl Summary {
    /// Whether the job sends, rather than compares.
    pub const fn is_sending(&self) -> bool {
        self.sends || !self.sent.is_empty()
    }

    /// A side in the totals.
    pub const fn total_words(&self, side: Side) -> &'static str {
        total_words(side, self.is_sending())
    }

    /// A side in the account of rows.
    pub const fn rows_words(&self, side: Side) -> &'static str {
        rows_words(side, self.is_sending())
    }

    /// The accounts that add up to the rows of the report: what a job has sealed is its source once more.
    pub fn counted_rows(&self) -> impl Iterator<Item = &RowAccount> {
        self.statement.rows.iter().filter(|rows| !self.is_sending() || rows.side == Side::Ledger)
    }

    /// How good or bad it is; of reports of before as far as their numbers say.
    pub fn tone(&self) -> Tone {
        let verdict = &self.verdict;
        let by_code = match verdict.exit_code {
            code if code == ExitCode::PersonNeeded as u8 => Tone::NeedsPerson,
            code if code == ExitCode::Done as u8 && self.breaks.open == 0 && self.quarantine.count == 0 => Tone::Clean,
            code if code == ExitCode::Done as u8 => Tone::Review,
            _ => Tone::Unsent,
        };
        verdict.tone.unwrap_or(match (verdict.ties_out, verdict.gates_breached) {
            (false, _) => Tone::Broken,
            (true, true) => Tone::Breached,
            (true, false) => by_code,
        })
    }

    /// The verdict in a few words, and the sentences that follow; reports of before join them.
    pub fn verdict_words(&self) -> (&str, Vec<&str>) {
        let verdict = &self.verdict;
        if !verdict.headline.is_empty() {
            return (&verdict.headline, verdict.sentences.iter().map(String::as_str).collect());
        }
        let (headline, rest) = verdict.words.split_once(". ").unwrap_or((&verdict.words, ""));
        (headline, if rest.is_empty() { Vec::new() } else { vec![rest] })
    }
}

pub(super) fn bridges(summary: &Summary) -> Vec<Bridge> {
    let of = |bridge: &super::json::BridgeSummary| Bridge {
        left: bridge.left,
        right: bridge.right,
        currency: bridge.currency.clone(),
        measure: bridge.measure,
        left_total_minor: bridge.left_total_minor.0,
        lines: bridge
            .lines
            .iter()
            .map(|line| BridgeLine { label: line.label.clone(), count: line.count, amount_minor: line.amount_minor.0 })
            .collect(),
        right_total_minor: bridge.right_total_minor.0,
        residual_minor: bridge.residual_minor.0,
    };
    summary.statement.bridges.iter().map(of).collect()
}

fn sums(at_risk: &[AtRisk]) -> BTreeMap<(String, Measure), i128> {
    at_risk.iter().map(|one| ((one.currency.clone(), one.measure), one.at_risk_minor.0)).collect()
}

pub(super) fn by_kind(summary: &Summary) -> Vec<KindTotal> {
    let of = |kind: &super::json::KindSummary| KindTotal {
        kind: kind.kind,
        count: kind.count,
        at_risk: sums(&kind.at_risk),
    };
    summary.breaks.by_kind.iter().map(of).collect()
}

pub(super) fn by_age(summary: &Summary) -> Vec<AgeTotal> {
    let of = |age: &super::json::AgeSummary| AgeTotal {
        from_days: age.from_days,
        to_days: age.to_days,
        count: age.count,
        at_risk: sums(&age.at_risk),
    };
    summary.breaks.by_age.iter().map(of).collect()
}

/// Every file that was read, those of earlier periods last.
pub(super) fn all_inputs(summary: &Summary) -> Vec<InputFacts> {
    let of = |input: &InputSummary| InputFacts {
        side: input.side,
        name: input.name.clone(),
        origin: input.origin.clone(),
        sha256: input.sha256.clone(),
        bytes: input.bytes,
        rows: input.rows,
        sums: input.sums.iter().map(|sum| (sum.currency.clone(), sum.measure, sum.sum_minor.0)).collect(),
    };
    summary.inputs.iter().chain(&summary.history).map(of).collect()
}

pub(super) fn parcels(summary: &Summary) -> Vec<ParcelFacts> {
    let of = |parcel: &ParcelSummary| ParcelFacts {
        name: parcel.name.clone(),
        effect: parcel.effect.clone(),
        kind: parcel.kind,
        user: parcel.user.clone(),
        rows: parcel.rows,
        totals_minor: parcel.sums.iter().map(|sum| (sum.currency.clone(), sum.sum_minor.0)).collect(),
        bytes: parcel.bytes,
        sha256: parcel.sha256.clone(),
        fate: parcel.fate,
        rejected_rows: parcel.rejected_rows,
        provider_id: parcel.provider_id.clone(),
    };
    summary.sent.iter().map(of).collect()
}
