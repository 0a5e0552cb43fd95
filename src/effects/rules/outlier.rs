//! A purchase far above what the user has spent at a time before. Exact: no amount passes through a binary fraction.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rust_decimal::Decimal;

use super::{Found, Met, counted, money};
use crate::effects::Finding;
use crate::job::Grouping;
use crate::money::{exponent, format_minor};

/// Each purchase against the median of the purchases before it, of the same user and currency, in order of time
/// (of the same time: of file and line).
pub(super) fn find(mut found: Found<'_>, times: Decimal, history: u64) -> Vec<Finding> {
    let rows = found.rows;
    let users = rows.groups(Grouping::User);
    let with_time = (0_u32..).zip(&rows.purchases[..rows.timed]);
    let mut order: Vec<(u64, u16, u32)> = with_time
        .filter_map(|(at, one)| Some((rows.group_of(&users, one.row, one.transaction)?, one.currency, at)))
        .collect();
    order.sort_unstable();
    let mut earlier = Median::default();
    for group in order.chunk_by(|left, right| (left.0, left.1) == (right.0, right.1)) {
        earlier.clear();
        for (_, _, at) in group {
            let one = &rows.purchases[*at as usize];
            let (low, high) = earlier.middle();
            if earlier.len() >= history
                && let (Some(low), Some(high)) = (low, high)
                && rows.is_markable(one.transaction)
                && reaches(one.amount_minor, times, (low.0, high.0))
            {
                let currency = &rows.currencies[usize::from(one.currency)];
                let detail = format!(
                    "{} is at least {times} times {}, the median of {} of {} before",
                    money(i128::from(one.amount_minor), currency),
                    half(i128::from(low.0) + i128::from(high.0), currency),
                    counted(earlier.len(), "purchase"),
                    found.whom(Grouping::User, one.row, one.transaction),
                );
                let met = Met {
                    transaction: one.transaction,
                    amount_minor: one.amount_minor,
                    currency: currency.clone(),
                    detail,
                };
                let middle = [low, high].map(|(_, at)| rows.purchases[at as usize].row);
                found.add(met, &[one.row], middle.into_iter());
            }
            earlier.add((one.amount_minor, *at));
        }
    }
    found.findings
}

/// Whether `amount ≥ times × (low + high) / 2`, with amounts above zero.
fn reaches(amount_minor: i64, times: Decimal, (low_minor, high_minor): (i64, i64)) -> bool {
    let Ok(mantissa) = u128::try_from(times.mantissa()) else { return true };
    // Both sides times 2 × 10^scale, so that nothing is divided.
    let amount = wide_product(10_u128.pow(times.scale()), 2 * amount_minor.unsigned_abs());
    amount >= wide_product(mantissa, low_minor.unsigned_abs() + high_minor.unsigned_abs())
}

/// A product of up to 192 bits as its upper 128 and lower 64: `left` has at most 96 bits, as decimals have.
const fn wide_product(left: u128, right: u64) -> (u128, u64) {
    const LOWER: u128 = u64::MAX as u128;
    let lower = (left & LOWER) * right as u128;
    ((left >> 64) * right as u128 + (lower >> 64), (lower & LOWER) as u64)
}

/// Half of a sum, exactly: with one more decimal where it needs one.
fn half(sum_minor: i128, currency: &str) -> String {
    if sum_minor % 2 == 0 {
        return money(sum_minor / 2, currency);
    }
    let decimals = exponent(currency).unwrap_or(2);
    format!("{} {currency}", format_minor(sum_minor * 5, decimals + 1))
}

/// An amount and the purchase that it is of.
type Spent = (i64, u32);

/// A median that takes amounts one by one: the lower half and the upper half, the lower one never smaller.
#[derive(Debug, Default)]
struct Median {
    lower: BinaryHeap<Spent>,
    upper: BinaryHeap<Reverse<Spent>>,
}

impl Median {
    fn clear(&mut self) {
        self.lower.clear();
        self.upper.clear();
    }

    fn len(&self) -> u64 {
        (self.lower.len() + self.upper.len()) as u64
    }

    fn add(&mut self, spent: Spent) {
        if self.lower.peek().is_some_and(|middle| spent > *middle) {
            self.upper.push(Reverse(spent));
        } else {
            self.lower.push(spent);
        }
        if self.upper.len() > self.lower.len() {
            self.lower.extend(self.upper.pop().map(|Reverse(least)| least));
        } else if self.lower.len() > self.upper.len() + 1 {
            self.upper.extend(self.lower.pop().map(Reverse));
        }
    }

    /// The two in the middle: the same one twice where their number is odd.
    fn middle(&self) -> (Option<Spent>, Option<Spent>) {
        let low = self.lower.peek().copied();
        let even = self.lower.len() == self.upper.len();
        (low, if even { self.upper.peek().map(|Reverse(least)| *least) } else { low })
    }
}
