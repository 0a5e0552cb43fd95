//! Too many purchases, or too much money, within a window.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::rows::Purchase;
use super::{Found, Met, counted, money, time};
use crate::effects::Finding;
use crate::job::Grouping;
use crate::period::duration_words;

/// Each purchase closes a window: those of its group that lie less than `within` before it, and itself. It is found
/// when the window holds more than `limits` allow, of all currencies (count) or of its own (sum).
pub(super) fn find(
    mut found: Found<'_>,
    by: Grouping,
    within: TimeDelta,
    (count, sum_minor): (Option<u64>, &BTreeMap<String, i64>),
) -> Vec<Finding> {
    let rows = found.rows;
    let groups = rows.groups(by);
    let timed = (0_u32..).zip(&rows.purchases[..rows.timed]);
    let mut order: Vec<(u64, u32)> = timed
        .filter_map(|(at, purchase)| Some((rows.group_of(&groups, purchase.row, purchase.transaction)?, at)))
        .collect();
    // Purchases are in order of time already, and so is each group then.
    order.sort_unstable();
    let limits_minor: Vec<Option<i64>> =
        rows.currencies.iter().map(|currency| sum_minor.get(currency).copied()).collect();
    let within_micros = within.num_microseconds().unwrap_or(i64::MAX).unsigned_abs();
    let purchase = |entry: &(u64, u32)| &rows.purchases[entry.1 as usize];
    let mut window = Window { count: 0, by_currency: vec![(0, 0); rows.currencies.len()] };
    for group in order.chunk_by(|left, right| left.0 == right.0) {
        let mut first = 0;
        for (last, entry) in group.iter().enumerate() {
            let one = purchase(entry);
            window.add(one);
            while one.micros.abs_diff(purchase(&group[first]).micros) >= within_micros && first < last {
                window.remove(purchase(&group[first]));
                first += 1;
            }
            let above = count.is_some_and(|most| window.count > most)
                || limits_minor[usize::from(one.currency)]
                    .is_some_and(|most| window.by_currency[usize::from(one.currency)].1 > i128::from(most));
            if !above || !rows.is_markable(one.transaction) {
                continue;
            }
            let detail = format!(
                "{} by {} within {} from {}, {} in all",
                counted(window.count, "purchase"),
                found.whom(by, one.row, one.transaction),
                duration_words(within),
                time(purchase(&group[first]).micros),
                window.words(&rows.currencies),
            );
            let currency = rows.currencies[usize::from(one.currency)].clone();
            let met = Met { transaction: one.transaction, amount_minor: one.amount_minor, currency, detail };
            found.add(met, &[one.row], group[first..=last].iter().map(|entry| purchase(entry).row));
        }
        group[first..].iter().for_each(|entry| window.remove(purchase(entry)));
    }
    found.findings
}

/// What stands between the two ends that only move forward.
struct Window {
    count: u64,
    /// Currency → purchases and minor units.
    by_currency: Vec<(u64, i128)>,
}

impl Window {
    fn add(&mut self, purchase: &Purchase) {
        let (count, minor) = &mut self.by_currency[usize::from(purchase.currency)];
        *count += 1;
        *minor += i128::from(purchase.amount_minor);
        self.count += 1;
    }

    fn remove(&mut self, purchase: &Purchase) {
        let (count, minor) = &mut self.by_currency[usize::from(purchase.currency)];
        *count -= 1;
        *minor -= i128::from(purchase.amount_minor);
        self.count -= 1;
    }

    /// `812.40 USD and 10.00 EUR`, in text order of the currencies.
    fn words(&self, currencies: &[String]) -> String {
        let mut stated: Vec<(&String, i128)> = currencies
            .iter()
            .zip(&self.by_currency)
            .filter(|(_, (count, _))| *count > 0)
            .map(|(currency, (_, minor))| (currency, *minor))
            .collect();
        stated.sort_unstable();
        let words: Vec<String> = stated.into_iter().map(|(currency, minor)| money(minor, currency)).collect();
        words.join(" and ")
    }
}
