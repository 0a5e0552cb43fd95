//! More comes back than was ever bought.

use std::collections::BTreeMap;

use super::{Found, Met, counted, money};
use crate::effects::Finding;
use crate::job::Grouping;

/// One purchase or return, as far as sums go. Sorted, a group's purchases come before its returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    group: u64,
    currency: u16,
    is_return: bool,
    /// Into `purchases` or `returns`.
    at: u32,
}

/// Sums per group and currency over all rows that are there; where the returns are above the purchases by more than
/// `beyond_minor` (a currency that is not listed: by anything), this period's returns are found.
pub(super) fn find(mut found: Found<'_>, by: Grouping, beyond_minor: &BTreeMap<String, i64>) -> Vec<Finding> {
    let rows = found.rows;
    let groups = rows.groups(by);
    let purchases = (0_u32..).zip(&rows.purchases).filter_map(|(at, one)| {
        let group = rows.group_of(&groups, one.row, one.transaction)?;
        Some(Item { group, currency: one.currency, is_return: false, at })
    });
    let returns = (0_u32..).zip(&rows.returns).filter_map(|(at, one)| {
        let group = rows.group_of(&groups, one.row, one.transaction)?;
        Some(Item { group, currency: one.currency, is_return: true, at })
    });
    let mut items: Vec<Item> = purchases.chain(returns).collect();
    items.sort_unstable();
    for group in items.chunk_by(|left, right| (left.group, left.currency) == (right.group, right.currency)) {
        let (bought, back) = group.split_at(group.partition_point(|item| !item.is_return));
        let bought_minor: i128 =
            bought.iter().map(|item| i128::from(rows.purchases[item.at as usize].amount_minor)).sum();
        let back_minor: i128 = back.iter().map(|item| i128::from(rows.returns[item.at as usize].amount_minor)).sum();
        let excess_minor = back_minor - bought_minor;
        let currency = &rows.currencies[usize::from(group[0].currency)];
        if excess_minor <= beyond_minor.get(currency).map_or(0, |minor| i128::from(*minor)) {
            continue;
        }
        let all = || back.iter().map(|item| rows.returns[item.at as usize].row);
        let same = |left: &Item, right: &Item| {
            rows.returns[left.at as usize].transaction == rows.returns[right.at as usize].transaction
        };
        for of_transaction in back.chunk_by(same) {
            let own = of_transaction.iter().map(|item| rows.returns[item.at as usize]);
            let own: Vec<_> = own.filter(|one| rows.is_current(one.row)).collect();
            let Some(first) = own.first() else { continue };
            let detail = format!(
                "{} in {} by {}, {} above purchases of {}",
                money(back_minor, currency),
                counted(back.len() as u64, "return"),
                found.whom(by, first.row, first.transaction),
                money(excess_minor, currency),
                money(bought_minor, currency),
            );
            let own_minor = own.iter().fold(0_u64, |sum, one| sum.saturating_add(one.amount_minor));
            let met = Met {
                transaction: first.transaction,
                amount_minor: i64::try_from(own_minor).unwrap_or(i64::MAX),
                currency: currency.clone(),
                detail,
            };
            let own: Vec<u32> = own.iter().map(|one| one.row).collect();
            found.add(met, &own, all());
        }
    }
    found.findings
}
