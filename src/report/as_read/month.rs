//! The block `month` of a summary, as the facts that it was made from, but for single items.

use super::super::json_month::{
    AgeingSummary, CountedInSummary, CountedSummary, DaySummary, MonthSummary, OwedSummary, ReceivableSummary,
    RollForwardSummary,
};
use crate::month::MonthFacts;
use crate::month::facts::{
    Ageing, Counted, CountedIn, DayLine, Fronted, LeftOut, Line, LineFacts, Owed, Receivable, RollForward,
};

pub(in super::super) fn month(summary: &MonthSummary) -> MonthFacts {
    let mut buckets: Vec<u32> = summary.ageing.iter().filter_map(|bucket| bucket.to_days).collect();
    buckets.sort_unstable();
    buckets.dedup();
    MonthFacts {
        sealed: summary.sealed.clone(),
        payout: summary.payout,
        buckets,
        file_is_there: summary.file_is_there,
        known_from: summary.known_from.clone(),
        without_file: summary.without_file.clone(),
        receivable: summary.receivable.iter().map(receivable).collect(),
        left_out: summary
            .left_out
            .iter()
            .map(|left| LeftOut {
                reason: left.reason,
                currency: left.currency.clone(),
                rows: left.rows,
                owed: owed(&left.owed),
            })
            .collect(),
        fronted: summary
            .fronted
            .iter()
            .map(|fronted| Fronted {
                currency: fronted.currency.clone(),
                items: fronted.items,
                user_reward_minor: fronted.user_reward_minor.0,
            })
            .collect(),
        roll_forward: summary.roll_forward.as_ref().map(roll_forward),
        ageing: summary.ageing.iter().map(ageing).collect(),
        files: Vec::new(),
        items: Vec::new(),
        entries: Vec::new(),
    }
}

const fn owed(owed: &OwedSummary) -> Owed {
    Owed { issuer_commission_minor: owed.issuer_commission_minor.0, user_reward_minor: owed.user_reward_minor.0 }
}

/// Lines that a summary leaves out are of nothing.
fn receivable(one: &ReceivableSummary) -> Receivable {
    let line = |line: Line| {
        let written = one.lines.iter().find(|written| written.line == line);
        written.map_or_else(
            || LineFacts { line, items: 0, owed: Owed::default() },
            |written| LineFacts { line, items: written.items, owed: owed(&written.owed) },
        )
    };
    Receivable {
        currency: one.currency.clone(),
        lines: Line::ALL.into_iter().map(line).collect(),
        closing_items: one.closing_items,
        closing: owed(&one.closing),
        residual: owed(&one.residual),
    }
}

fn ageing(bucket: &AgeingSummary) -> Ageing {
    Ageing {
        currency: bucket.currency.clone(),
        from_days: bucket.from_days,
        to_days: bucket.to_days,
        items: bucket.items,
        owed: owed(&bucket.owed),
        past_terms_items: bucket.past_terms_items,
        past_terms: owed(&bucket.past_terms),
    }
}

fn roll_forward(roll: &RollForwardSummary) -> RollForward {
    let counted_in = |counted: &[CountedInSummary]| {
        let one = |one: &CountedInSummary| CountedIn {
            currency: one.currency.clone(),
            items: one.items,
            owed: owed(&one.owed),
        };
        counted.iter().map(one).collect()
    };
    RollForward {
        dailies: roll.dailies.clone(),
        days_missing: roll.days_missing,
        days: roll.days.iter().map(day).collect(),
        totals: roll.totals.iter().map(day).collect(),
        not_in_dailies: counted_in(&roll.not_in_dailies),
        not_compared: counted_in(&roll.not_compared),
    }
}

fn day(line: &DaySummary) -> DayLine {
    let counted = |counted: &CountedSummary| Counted { items: counted.items, owed: owed(&counted.owed) };
    DayLine {
        day: line.day.clone(),
        currency: line.currency.clone(),
        is_there: line.is_there,
        rows: line.rows,
        repeated_rows: line.repeated_rows,
        items: counted(&line.items),
        in_month: counted(&line.in_month),
        missing: counted(&line.missing),
        clawed_back: counted(&line.clawed_back),
        waiting: counted(&line.waiting),
        restated: counted(&line.restated),
    }
}
