//! The life of every transaction over the monthly files, file by file ("End of Month Reconciliation File"): what a file
//! holds pending stands in the next one, pending or paid; what was paid does not come back.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::MonthError;
use super::books::{At, Books, Row};
use super::facts::{LeftOutReason, Owed};

/// How a transaction stands after a month's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Owed.
    Open,
    Paid,
    /// Gone from the files, and a notice said why.
    ClawedBack,
}

/// What is known of one transaction after a month's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) standing: Standing,
    /// The last row that states it.
    pub(super) stated: At,
    /// The month whose file stated it first.
    pub(super) first_month: u32,
    /// Open, and absent since the file of this month.
    pub(super) dropped: Option<u32>,
    /// The row that first paid it.
    pub(super) paid: Option<At>,
}

/// What the closed month did to one transaction that was owed before, or that its file states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'c> {
    pub(super) transaction: &'c str,
    pub(super) before: Option<Held>,
    /// The row of the closed month's file.
    pub(super) now: Option<At>,
    pub(super) after: Held,
}

/// Everything that the monthly files say.
#[derive(Debug)]
pub(super) struct Folded<'c> {
    pub(super) items: HashMap<&'c str, Held>,
    /// Transactions that a clawback notice names.
    pub(super) clawed_back: HashSet<&'c str>,
    /// In order of the transaction.
    pub(super) changes: Vec<Change<'c>>,
    pub(super) left_out: LeftOutRows<'c>,
    /// Rows of the closed month's file whose status is not `SETTLED`; of several of one transaction the first.
    pub(super) unsettled: HashMap<&'c str, At>,
}

/// (reason, currency, paid) → rows and their sum.
pub(super) type LeftOutRows<'c> = BTreeMap<(LeftOutReason, &'c str, bool), (u64, Owed)>;

/// Folds all months; of the last one it keeps what changed.
pub(super) fn fold<'c>(books: &'c Books<'_>) -> Result<Folded<'c>, MonthError> {
    let mut folded = Folded {
        items: HashMap::new(),
        clawed_back: HashSet::new(),
        changes: Vec::new(),
        left_out: BTreeMap::new(),
        unsettled: HashMap::new(),
    };
    let (last, _) = books.closed();
    for month in 0..=last {
        let notices = books.month(month).notices.iter().flat_map(Row::all);
        folded.clawed_back.extend(notices.filter(|row| row.is_clawback()).map(Row::transaction));
        if month == last {
            // Repeats in earlier files are those months' business.
            folded.left_out.clear();
        }
        folded.stated(books, month, month == last)?;
        folded.absent(books, month, month == last);
    }
    folded.changes.sort_unstable_by_key(|change| change.transaction);
    Ok(folded)
}

impl<'c> Folded<'c> {
    /// Goes through the rows of a month's file.
    fn stated(&mut self, books: &'c Books<'_>, month: u32, keep: bool) -> Result<(), MonthError> {
        let Some(columns) = &books.month(month).columns else { return Ok(()) };
        u32::try_from(columns.height).map_err(|_| MonthError::TooManyRows)?;
        for row in Row::all(columns) {
            let transaction = row.transaction();
            let now = At { month, row: row.number };
            if !row.is_settled() {
                self.leave_out(LeftOutReason::NotSettled, row);
                if keep {
                    self.unsettled.entry(transaction).or_insert(now);
                }
                continue;
            }
            let (before, after) = match self.items.entry(transaction) {
                Entry::Vacant(entry) => (None, *entry.insert(Held::after(None, now, row.is_paid()))),
                Entry::Occupied(mut entry) => {
                    let held = *entry.get();
                    if held.stated.month == month {
                        let repeats = row.repeats(books.row(held.stated));
                        let reason = if repeats { LeftOutReason::Repeated } else { LeftOutReason::Conflicting };
                        self.leave_out(reason, row);
                        continue;
                    }
                    let after = Held::after(Some(held), now, row.is_paid());
                    entry.insert(after);
                    (Some(held), after)
                }
            };
            if keep {
                self.changes.push(Change { transaction, before, now: Some(now), after });
            }
        }
        Ok(())
    }

    /// Goes through what is owed and does not stand in the month's file.
    fn absent(&mut self, books: &Books<'_>, month: u32, keep: bool) {
        let has_file = books.month(month).columns.is_some();
        for (transaction, held) in &mut self.items {
            if held.standing != Standing::Open || held.stated.month == month {
                continue;
            }
            let before = *held;
            if has_file {
                *held = before.absent_in(month, self.clawed_back.contains(transaction));
            }
            if keep {
                self.changes.push(Change { transaction, before: Some(before), now: None, after: *held });
            }
        }
    }

    fn leave_out(&mut self, reason: LeftOutReason, row: Row<'c>) {
        let (rows, sum) = self.left_out.entry((reason, row.currency(), row.is_paid())).or_default();
        *rows += 1;
        *sum += row.owed();
    }
}

impl Held {
    /// A file states the transaction.
    fn after(before: Option<Self>, now: At, paid: bool) -> Self {
        Self {
            standing: if paid { Standing::Paid } else { Standing::Open },
            stated: now,
            first_month: before.map_or(now.month, |held| held.first_month),
            dropped: None,
            paid: before.and_then(|held| held.paid).or(paid.then_some(now)),
        }
    }

    /// A file does not state the transaction, which was owed.
    fn absent_in(self, month: u32, clawed_back: bool) -> Self {
        if clawed_back {
            Self { standing: Standing::ClawedBack, dropped: None, ..self }
        } else if self.paid.is_some() {
            // It was paid before it came back: what came back is gone again, and nothing of it is owed.
            Self { standing: Standing::Paid, ..self }
        } else {
            Self { dropped: self.dropped.or(Some(month)), ..self }
        }
    }
}
