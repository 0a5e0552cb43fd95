//! What of the closing balance is how old, what of it is past the merchants' terms, and what the issuer has fronted.

use super::Inputs;
use super::books::Books;
use super::facts::{Ageing, Fronted, Line, Owed, Receivable};
use super::fold::{Change, Held, Standing};
use crate::job::Payout;

const DAY_MICROS: i64 = 86_400_000_000;

/// How old an item is at the end of the closed month, and how old it may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    /// Whole days since settlement; never negative.
    pub(super) days: i64,
    pub(super) terms_days: u32,
}

impl Age {
    pub(super) fn of(inputs: &Inputs<'_>, books: &Books<'_>, held: &Held) -> Self {
        let end_micros = inputs.period.end.timestamp_micros();
        let since_micros = books.since_micros(held.stated, held.first_month);
        Self {
            days: end_micros.saturating_sub(since_micros).div_euclid(DAY_MICROS).max(0),
            terms_days: inputs.spec.terms.days(books.row(held.stated).merchant()),
        }
    }

    pub(super) fn is_past_terms(self) -> bool {
        self.days > i64::from(self.terms_days)
    }
}

/// All buckets of every currency of the receivable, also those that hold nothing.
pub(super) fn ageing(
    inputs: &Inputs<'_>,
    books: &Books<'_>,
    changes: &[Change<'_>],
    receivable: &[Receivable],
) -> Vec<Ageing> {
    let ends = &inputs.spec.buckets;
    let mut buckets: Vec<Ageing> = Vec::new();
    for one in receivable {
        let mut from_days = 0;
        for to_days in ends.iter().copied().map(Some).chain([None]) {
            buckets.push(Ageing {
                currency: one.currency.clone(),
                from_days,
                to_days,
                items: 0,
                owed: Owed::default(),
                past_terms_items: 0,
                past_terms: Owed::default(),
            });
            from_days = to_days.map_or(from_days, |days| days.saturating_add(1));
        }
    }
    for held in changes.iter().map(|change| &change.after).filter(|held| held.standing == Standing::Open) {
        let row = books.row(held.stated);
        let age = Age::of(inputs, books, held);
        let currency = receivable.iter().position(|one| one.currency == row.currency());
        let currency = currency.expect("what is owed stands in the receivable");
        let bucket = ends.iter().position(|end| age.days <= i64::from(*end)).unwrap_or(ends.len());
        let bucket = &mut buckets[currency * (ends.len() + 1) + bucket];
        bucket.items += 1;
        bucket.owed += row.owed();
        if age.is_past_terms() {
            bucket.past_terms_items += 1;
            bucket.past_terms += row.owed();
        }
    }
    buckets
}

/// Rewards that the issuer has paid and is not reimbursed for, or that it has now to pass on.
pub(super) fn fronted(payout: Payout, receivable: &[Receivable]) -> Vec<Fronted> {
    let of = |one: &Receivable| {
        let (items, user_reward_minor) = match payout {
            Payout::AtOnce => (one.closing_items, one.closing.user_reward_minor),
            Payout::Withheld => {
                let paid = one.line(Line::Paid);
                (paid.items, -paid.owed.user_reward_minor)
            }
        };
        Fronted { currency: one.currency.clone(), items, user_reward_minor }
    };
    receivable.iter().map(of).collect()
}
