//! One card in the hands of many users.

use super::{Found, LISTED, Met, shown};
use crate::effects::Finding;
use crate::frames::Field;
use crate::job::Grouping;

/// Users named in a detail.
const NAMED: usize = 5;

/// One row of a card. Sorted, those without a user come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    card: u64,
    user: u64,
    row: u32,
    transaction: u32,
}

/// Every transaction of this period on a card that at least so many users have used. Declined rows count: whoever
/// tries a card has it.
pub(super) fn find(mut found: Found<'_>, users: u64) -> Vec<Finding> {
    const NOBODY: u64 = u64::MAX;
    let rows = found.rows;
    let (cards, holders) = (rows.groups(Grouping::Card), rows.groups(Grouping::User));
    let mut entries: Vec<Use> = Vec::new();
    for transaction in rows.transactions() {
        entries.extend(rows.rows_of(transaction).iter().filter_map(|row| {
            let user = holders.of(*row).unwrap_or(NOBODY);
            Some(Use { card: cards.of(*row)?, user, row: *row, transaction })
        }));
    }
    entries.sort_unstable();
    for card in entries.chunk_by(|left, right| left.card == right.card) {
        // The first row of each user, in order of rows.
        let by_user = card.chunk_by(|left, right| left.user == right.user);
        let mut firsts: Vec<u32> = by_user.filter(|rows| rows[0].user != NOBODY).map(|rows| rows[0].row).collect();
        if (firsts.len() as u64) < users {
            continue;
        }
        firsts.sort_unstable();
        let names: Vec<String> =
            firsts.iter().take(NAMED).filter_map(|row| rows.text(Field::User, *row)).map(shown).collect();
        let more = match firsts.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let whom = found.whom(Grouping::Card, card[0].row, card[0].transaction);
        let detail = format!("{whom} is used by {} users: {}{more}", firsts.len(), names.join(", "));
        // Of many users the first ones are listed, beside the rows in question.
        firsts.truncate(LISTED);
        let mut own: Vec<(u32, u32)> =
            card.iter().filter(|one| rows.is_current(one.row)).map(|one| (one.transaction, one.row)).collect();
        own.sort_unstable();
        for of_transaction in own.chunk_by(|left, right| left.0 == right.0) {
            let transaction = of_transaction[0].0;
            let own: Vec<u32> = of_transaction.iter().map(|(_, row)| *row).collect();
            let (amount_minor, currency) = found.at_risk(transaction);
            let met = Met { transaction, amount_minor, currency, detail: detail.clone() };
            found.add(met, &own, firsts.iter().copied());
        }
    }
    found.findings
}
