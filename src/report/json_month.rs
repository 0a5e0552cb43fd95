//! The block `month` of `summary.json`: the close of a month but for its single items, which stand in `receivable.csv`.

use serde::{Deserialize, Serialize};

use super::json::Minor;
use super::month::lines;
use crate::job::Payout;
use crate::month::MonthFacts;
use crate::month::facts::{
    Ageing, Counted, CountedIn, DayLine, LeftOutReason, Line, Owed, Receivable, RollForward, SealedMonth,
};

/// A closed month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthSummary {
    /// The month before, where it is sealed; left out where it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedMonth>,
    /// Whether the month's own file is there.
    pub file_is_there: bool,
    /// The earliest month whose file is known.
    pub known_from: Option<String>,
    /// Months from then on that have no file.
    pub without_file: Vec<String>,
    pub receivable: Vec<ReceivableSummary>,
    pub left_out: Vec<LeftOutSummary>,
    /// How users are paid; it says what `fronted` is.
    pub payout: Payout,
    pub fronted: Vec<FrontedSummary>,
    pub ageing: Vec<AgeingSummary>,
    /// Null where the job names no daily job.
    pub roll_forward: Option<RollForwardSummary>,
}

/// opening + lines = closing, and closing = pending + dropped
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivableSummary {
    pub currency: String,
    pub lines: Vec<LineSummary>,
    pub closing_items: u64,
    pub closing: OwedSummary,
    pub residual: OwedSummary,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSummary {
    pub line: Line,
    pub items: u64,
    pub owed: OwedSummary,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedSummary {
    pub issuer_commission_minor: Minor,
    pub user_reward_minor: Minor,
    pub total_minor: Minor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutSummary {
    pub reason: LeftOutReason,
    pub currency: String,
    pub rows: u64,
    pub owed: OwedSummary,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontedSummary {
    pub currency: String,
    pub items: u64,
    pub user_reward_minor: Minor,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeingSummary {
    pub currency: String,
    pub from_days: u32,
    /// Null for the last bucket.
    pub to_days: Option<u32>,
    pub items: u64,
    pub owed: OwedSummary,
    pub past_terms_items: u64,
    pub past_terms: OwedSummary,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollForwardSummary {
    /// The daily job.
    pub dailies: String,
    pub days_missing: u64,
    pub days: Vec<DaySummary>,
    /// By currency; their `day` is empty.
    pub totals: Vec<DaySummary>,
    pub not_in_dailies: Vec<CountedInSummary>,
    pub not_compared: Vec<CountedInSummary>,
}

/// items = `in_month` + missing + `clawed_back` + waiting
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySummary {
    pub day: String,
    pub currency: String,
    pub is_there: bool,
    pub rows: u64,
    pub repeated_rows: u64,
    pub items: CountedSummary,
    pub in_month: CountedSummary,
    pub missing: CountedSummary,
    pub clawed_back: CountedSummary,
    pub waiting: CountedSummary,
    pub restated: CountedSummary,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedSummary {
    pub items: u64,
    pub owed: OwedSummary,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedInSummary {
    pub currency: String,
    pub items: u64,
    pub owed: OwedSummary,
}

pub(super) fn month(facts: &MonthFacts) -> MonthSummary {
    MonthSummary {
        sealed: facts.sealed.clone(),
        file_is_there: facts.file_is_there,
        known_from: facts.known_from.clone(),
        without_file: facts.without_file.clone(),
        receivable: facts.receivable.iter().map(|one| receivable(facts, one)).collect(),
        left_out: facts
            .left_out
            .iter()
            .map(|left| LeftOutSummary {
                reason: left.reason,
                currency: left.currency.clone(),
                rows: left.rows,
                owed: owed(left.owed),
            })
            .collect(),
        payout: facts.payout,
        fronted: facts
            .fronted
            .iter()
            .map(|fronted| FrontedSummary {
                currency: fronted.currency.clone(),
                items: fronted.items,
                user_reward_minor: Minor(fronted.user_reward_minor),
            })
            .collect(),
        ageing: facts.ageing.iter().map(ageing).collect(),
        roll_forward: facts.roll_forward.as_ref().map(roll_forward),
    }
}

/// Every currency that the block names.
pub(super) fn currencies(facts: &MonthFacts) -> impl Iterator<Item = &String> {
    let of_days = facts.roll_forward.iter().flat_map(|roll| roll.days.iter().map(|day| &day.currency));
    let of_lines = facts.receivable.iter().map(|one| &one.currency);
    of_lines.chain(facts.left_out.iter().map(|left| &left.currency)).chain(of_days)
}

fn owed(owed: Owed) -> OwedSummary {
    OwedSummary {
        issuer_commission_minor: Minor(owed.issuer_commission_minor),
        user_reward_minor: Minor(owed.user_reward_minor),
        total_minor: Minor(owed.total_minor()),
    }
}

fn receivable(month: &MonthFacts, one: &Receivable) -> ReceivableSummary {
    let line = |line: &crate::month::facts::LineFacts| LineSummary {
        line: line.line,
        items: line.items,
        owed: owed(line.owed),
    };
    ReceivableSummary {
        currency: one.currency.clone(),
        lines: lines(month).map(|of| line(&one.line(of))).collect(),
        closing_items: one.closing_items,
        closing: owed(one.closing),
        residual: owed(one.residual),
    }
}

fn ageing(bucket: &Ageing) -> AgeingSummary {
    AgeingSummary {
        currency: bucket.currency.clone(),
        from_days: bucket.from_days,
        to_days: bucket.to_days,
        items: bucket.items,
        owed: owed(bucket.owed),
        past_terms_items: bucket.past_terms_items,
        past_terms: owed(bucket.past_terms),
    }
}

fn roll_forward(roll: &RollForward) -> RollForwardSummary {
    let told = |counted: &[CountedIn]| {
        let one = |one: &CountedIn| CountedInSummary {
            currency: one.currency.clone(),
            items: one.items,
            owed: owed(one.owed),
        };
        counted.iter().map(one).collect()
    };
    RollForwardSummary {
        dailies: roll.dailies.clone(),
        days_missing: roll.days_missing,
        days: roll.days.iter().map(day).collect(),
        totals: roll.totals.iter().map(day).collect(),
        not_in_dailies: told(&roll.not_in_dailies),
        not_compared: told(&roll.not_compared),
    }
}

fn day(line: &DayLine) -> DaySummary {
    let counted = |counted: Counted| CountedSummary { items: counted.items, owed: owed(counted.owed) };
    DaySummary {
        day: line.day.clone(),
        currency: line.currency.clone(),
        is_there: line.is_there,
        rows: line.rows,
        repeated_rows: line.repeated_rows,
        items: counted(line.items),
        in_month: counted(line.in_month),
        missing: counted(line.missing),
        clawed_back: counted(line.clawed_back),
        waiting: counted(line.waiting),
        restated: counted(line.restated),
    }
}
