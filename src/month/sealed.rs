//! The month before as it was signed off: the fold of the files that its sealed run read, which is where the closed month
//! opens.

use std::collections::BTreeMap;

use super::books::{At, Books};
use super::facts::{Line, Owed, Receivable};
use super::fold::{self, Folded, Standing};
use super::{MonthError, MonthFile};

/// The month before, as its sealed run closed it.
#[derive(Debug, Clone)]
pub struct Sealed<'a> {
    /// As `JOB/PERIOD/ATTEMPT`.
    pub run: &'a str,
    /// The months' files as that run read them; the last month is the sealed one. What is read now as it was read then is
    /// the same frame.
    pub months: Vec<MonthFile<'a>>,
    /// What that run's report says is owed at the end: currency → items and their sum.
    pub closing: BTreeMap<String, (u64, Owed)>,
}

/// The sealed books, folded.
#[derive(Debug)]
pub(super) struct SealedFold<'c> {
    pub(super) books: &'c Books<'c>,
    pub(super) folded: Folded<'c>,
}

impl<'c> SealedFold<'c> {
    pub(super) fn of(books: &'c Books<'_>) -> Result<Self, MonthError> {
        Ok(Self { books, folded: fold::fold(books)? })
    }

    /// The row that states a transaction which was owed when the month was sealed.
    pub(super) fn owed(&self, transaction: &str) -> Option<At> {
        let held = self.folded.items.get(transaction)?;
        (held.standing == Standing::Open).then_some(held.stated)
    }

    /// What was owed when the month was sealed and is not among these, which stand in order, in order.
    pub(super) fn owed_besides(&self, known: &[fold::Change<'_>]) -> Vec<&'c str> {
        let is_known = |transaction: &str| known.binary_search_by(|change| change.transaction.cmp(transaction)).is_ok();
        let open = self.folded.items.iter().filter(|(_, held)| held.standing == Standing::Open);
        let mut besides: Vec<&str> = open.map(|(transaction, _)| *transaction).filter(|one| !is_known(one)).collect();
        besides.sort_unstable();
        besides
    }
}

/// The opening balance is the sealed closing one, to the last item.
pub(super) fn prove(period: &str, sealed: &Sealed<'_>, receivable: &[Receivable]) -> Result<(), MonthError> {
    let mut opening: BTreeMap<&str, (u64, Owed)> = BTreeMap::new();
    for one in receivable {
        let line = one.line(Line::Opening);
        opening.insert(&one.currency, (line.items, line.owed));
    }
    let currencies = sealed.closing.keys().map(String::as_str).chain(opening.keys().copied());
    for currency in currencies {
        let found = opening.get(currency).copied().unwrap_or_default();
        let stated = sealed.closing.get(currency).copied().unwrap_or_default();
        if found != stated {
            let told = |(items, owed): (u64, Owed)| format!("{} minor units ({items} items)", owed.total_minor());
            let what = format!("it is {} of {currency}, sealed were {}", told(found), told(stated));
            return Err(MonthError::NotAsSealed { period: period.to_owned(), run: sealed.run.to_owned(), what });
        }
    }
    Ok(())
}
