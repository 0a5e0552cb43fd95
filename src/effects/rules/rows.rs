//! The rows of one side as the rules look at them: brought together by transaction, so that an authorisation and
//! its settlement, a part and its copy are one purchase; then purchases in order of time, and returns.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::effects::RowPlace;
use crate::frames::{Field, Frame, Measure, Side};
use crate::job::{Grouping, Splits};
use crate::matching::MatchError;
use crate::matching::fold::{Overflow, fold};
use crate::matching::side::{Columns, Disposition, RowView};

/// No group: the row does not state the field.
const NOBODY: u32 = u32::MAX;

/// A purchase that states no time stands behind all others.
const UNTIMED: i64 = i64::MAX;

/// One row that is looked at.
#[derive(Debug, Clone, Copy)]
struct Member {
    frame: u32,
    row: u32,
}

/// A transaction that moved money, or holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purchase {
    /// The first of the rows that are its amount.
    pub row: u32,
    pub transaction: u32,
    /// When it was begun: the earliest time of its rows, microseconds UTC.
    pub micros: i64,
    /// Above zero; the sum of its parts.
    pub amount_minor: i64,
    pub currency: u16,
}

/// One row that brings money back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Return {
    pub row: u32,
    pub transaction: u32,
    /// How much comes back.
    pub amount_minor: u64,
    pub currency: u16,
}

/// The rows of one side, of this period and of those before it. Built once, asked by every rule.
///
/// Rows that the comparison leaves out are left out here. What a transaction's rows add up to is told as in matching
/// (with parts summed): copies count once, a settlement replaces its authorisation, declined and reversed is nothing.
#[derive(Debug)]
pub struct Rows {
    pub(super) side: Side,
    /// History first, then this period's.
    frames: Vec<Columns>,
    /// Frame → the names of its files.
    names: Vec<Vec<String>>,
    /// In order of frame, file and line: a row's number is its rank.
    members: Vec<Member>,
    /// The first row of this period.
    current_from: u32,
    /// Rows by transaction, each transaction's in order.
    by_transaction: Vec<u32>,
    /// Where each transaction begins in `by_transaction`, and its end.
    starts: Vec<u32>,
    /// In order of time, then of rows; those without a time at the end.
    pub(super) purchases: Vec<Purchase>,
    /// How many purchases state a time.
    pub(super) timed: usize,
    /// In order of transaction.
    pub(super) returns: Vec<Return>,
    /// ISO 4217 codes by their number.
    pub(super) currencies: Vec<String>,
    /// User, merchant, first six, last four: row → number of the text. Made when a rule asks.
    numbered: [OnceLock<Vec<u32>>; 4],
}

impl Rows {
    /// Brings together the rows of one side. Rows of `history` (the same side, earlier periods) count, but only
    /// transactions that have a row in `current` are ever found.
    ///
    /// # Errors
    /// [`MatchError`] when a transaction's sums overflow or there are more than 2³² rows.
    pub fn of(current: &Frame, history: &[Frame]) -> Result<Self, MatchError> {
        let all = || history.iter().chain([current]);
        let frames: Vec<Columns> = all().map(Columns::of).collect();
        let names = all().map(|frame| frame.files.iter().map(|file| file.name.clone()).collect()).collect();
        let (members, current_from) = members(&frames)?;
        let grouped = by_transaction(&frames, &members);
        let built = Build::run(current.side, &frames, &members, &grouped)?;
        let Build { mut purchases, returns, currencies, .. } = built;
        let Grouped { rows: by_transaction, starts } = grouped;
        purchases.sort_unstable_by_key(|purchase| (purchase.micros, purchase.row));
        let timed = purchases.partition_point(|purchase| purchase.micros != UNTIMED);
        Ok(Self {
            side: current.side,
            frames,
            names,
            members,
            current_from,
            by_transaction,
            starts,
            purchases,
            timed,
            returns,
            currencies,
            numbered: Default::default(),
        })
    }

    pub(super) fn text(&self, field: Field, row: u32) -> Option<&str> {
        let Member { frame, row } = self.members[row as usize];
        self.frames[frame as usize].text(field, row)
    }

    /// The amount of one row as it states it.
    pub(super) fn amount_minor(&self, row: u32) -> Option<i64> {
        let Member { frame, row } = self.members[row as usize];
        self.frames[frame as usize].number(Field::Amount, row)
    }

    /// Whether the row is of this period.
    pub(super) const fn is_current(&self, row: u32) -> bool {
        row >= self.current_from
    }

    /// Whether the transaction has a row of this period, and so may be found.
    pub(super) fn is_markable(&self, transaction: u32) -> bool {
        self.rows_of(transaction).last().is_some_and(|last| self.is_current(*last))
    }

    pub(super) fn transactions(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.starts.len() - 1).expect("there are no more transactions than rows")
    }

    /// The rows of a transaction, in order.
    pub(super) fn rows_of(&self, transaction: u32) -> &[u32] {
        let at = transaction as usize;
        &self.by_transaction[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    pub(super) fn place(&self, row: u32) -> RowPlace {
        let Member { frame, row } = self.members[row as usize];
        let place = self.frames[frame as usize].place(row);
        let file = self.names[frame as usize].get(place.file as usize).cloned().unwrap_or_default();
        RowPlace { side: self.side, file, line: place.line }
    }

    /// Who is who, by number.
    pub(super) fn groups(&self, by: Grouping) -> Groups<'_> {
        match by {
            Grouping::User => Groups { upper: None, lower: self.numbers(0, Field::User) },
            Grouping::Merchant => Groups { upper: None, lower: self.numbers(1, Field::Merchant) },
            Grouping::Card => Groups {
                upper: Some(self.numbers(2, Field::CardFirstSix)),
                lower: self.numbers(3, Field::CardLastFour),
            },
        }
    }

    /// The group of a purchase: its own row says, or else the first of its transaction that does.
    pub(super) fn group_of(&self, groups: &Groups<'_>, row: u32, transaction: u32) -> Option<u64> {
        groups.of(row).or_else(|| self.rows_of(transaction).iter().find_map(|row| groups.of(*row)))
    }

    fn numbers(&self, slot: usize, field: Field) -> &[u32] {
        self.numbered[slot].get_or_init(|| {
            // One entry a different text, borrowed from the rows: nothing is copied.
            let mut known: HashMap<&str, u32> = HashMap::new();
            let number = |text| {
                let next = u32::try_from(known.len()).expect("no more texts than rows");
                *known.entry(text).or_insert(next)
            };
            let texts = (0..self.members.len()).map(|row| self.text(field, u32::try_from(row).expect("checked above")));
            texts
                .map({
                    let mut number = number;
                    move |text| text.map_or(NOBODY, &mut number)
                })
                .collect()
        })
    }
}

/// Row → group, as one number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups<'r> {
    upper: Option<&'r [u32]>,
    lower: &'r [u32],
}

impl Groups<'_> {
    /// None where the row does not state all of it.
    pub(super) fn of(&self, row: u32) -> Option<u64> {
        let stated = |numbers: &[u32]| Some(numbers[row as usize]).filter(|number| *number != NOBODY).map(u64::from);
        let upper = self.upper.map_or(Some(0), stated)?;
        Some(upper << 32 | stated(self.lower)?)
    }
}

/// The rows that are not left out, in order of frame, file and line, and how many of them are history.
fn members(frames: &[Columns]) -> Result<(Vec<Member>, u32), MatchError> {
    let mut members: Vec<Member> = Vec::with_capacity(frames.iter().map(|frame| frame.height).sum());
    let mut current_from = 0;
    for (frame, columns) in (0_u32..).zip(frames) {
        current_from = members.len();
        u32::try_from(columns.height).map_err(|_| MatchError::TooManyRows)?;
        members.extend(columns.counted().map(|row| Member { frame, row }));
    }
    // One number is nobody's.
    u32::try_from(members.len() + 1).map_err(|_| MatchError::TooManyRows)?;
    Ok((members, u32::try_from(current_from).map_err(|_| MatchError::TooManyRows)?))
}

/// The rows of each transaction, which come in order of their first row.
struct Grouped {
    rows: Vec<u32>,
    /// Where each transaction begins in `rows`, and its end.
    starts: Vec<u32>,
}

fn by_transaction(frames: &[Columns], members: &[Member]) -> Grouped {
    let mut known: HashMap<&str, u32> = HashMap::with_capacity(members.len());
    let mut counts: Vec<u32> = Vec::new();
    let number = |member: &Member| {
        let id = frames[member.frame as usize].text(Field::TransactionId, member.row).unwrap_or_default();
        let next = u32::try_from(known.len()).expect("no more transactions than rows");
        let number = *known.entry(id).or_insert(next);
        if number == next {
            counts.push(0);
        }
        counts[number as usize] += 1;
        number
    };
    let numbers: Vec<u32> = members.iter().map(number).collect();
    let mut starts = vec![0; counts.len() + 1];
    for (number, count) in counts.iter().enumerate() {
        starts[number + 1] = starts[number] + count;
    }
    let mut free = starts.clone();
    let mut rows = vec![0; members.len()];
    for (row, number) in (0..).zip(numbers) {
        let place = &mut free[number as usize];
        rows[*place as usize] = row;
        *place += 1;
    }
    Grouped { rows, starts }
}

/// From groups of rows to purchases and returns.
struct Build<'f> {
    side: Side,
    frames: &'f [Columns],
    members: &'f [Member],
    /// The rows of the transaction at hand.
    views: Vec<RowView<'f>>,
    purchases: Vec<Purchase>,
    returns: Vec<Return>,
    currencies: Vec<String>,
}

impl<'f> Build<'f> {
    fn run(side: Side, frames: &'f [Columns], members: &'f [Member], grouped: &Grouped) -> Result<Self, MatchError> {
        let mut build = Self {
            side,
            frames,
            members,
            views: Vec::new(),
            purchases: Vec::new(),
            returns: Vec::new(),
            currencies: Vec::new(),
        };
        for (transaction, ends) in (0..).zip(grouped.starts.windows(2)) {
            build.transaction(transaction, &grouped.rows[ends[0] as usize..ends[1] as usize])?;
        }
        Ok(build)
    }

    fn transaction(&mut self, transaction: u32, rows: &[u32]) -> Result<(), MatchError> {
        self.views.clear();
        for row in rows {
            let Member { frame, row: row_in_frame } = self.members[*row as usize];
            let mut view = self.frames[frame as usize].view(row_in_frame);
            // The rank, so that equal rows are told apart by their place.
            view.row = *row;
            self.views.push(view);
        }
        let first = rows[0];
        let overflow = |source: Overflow| {
            let Member { frame, row } = self.members[first as usize];
            let key = self.frames[frame as usize].text(Field::TransactionId, row).unwrap_or_default().to_owned();
            MatchError::Overflow { side: self.side, key, source }
        };
        fold(self.side, Splits::Sum, &mut self.views).map_err(overflow)?;
        let purchased = purchased(&self.views).map_err(overflow)?;
        if let Some((row, amount_minor, currency)) = purchased {
            let currency = currency_number(&mut self.currencies, currency);
            let micros = begun(self.frames, self.members, &self.views).unwrap_or(UNTIMED);
            self.purchases.push(Purchase { row, transaction, micros, amount_minor, currency });
        }
        let from = self.returns.len();
        for view in self.views.iter().filter(|view| gives_back(view)) {
            let amount_minor = amount(view).unsigned_abs();
            let currency = currency_number(&mut self.currencies, view.currency);
            self.returns.push(Return { row: view.row, transaction, amount_minor, currency });
        }
        self.returns[from..].sort_unstable_by_key(|back| back.row);
        Ok(())
    }
}

fn amount(view: &RowView) -> i64 {
    view.values[Measure::TransactionAmount as usize].unwrap_or(0)
}

/// `sign: signed` takes amounts as they are written: a return may be written without its minus.
fn gives_back(view: &RowView) -> bool {
    view.disposition == Disposition::Counted
        && (amount(view) < 0 || (amount(view) > 0 && view.status == Some("RETURNED")))
}

fn is_purchase(view: &RowView) -> bool {
    view.disposition == Disposition::Counted
        && amount(view) > 0
        && !matches!(view.status, Some("RETURNED" | "REVERSED" | "DECLINED" | "FAILED" | "CLAWBACK"))
}

/// First row, amount and currency of what the rows buy; they are folded.
fn purchased<'f>(views: &[RowView<'f>]) -> Result<Option<(u32, i64, &'f str)>, Overflow> {
    let mut sum: Option<(u32, i64, &str)> = None;
    for view in views.iter().filter(|view| is_purchase(view)) {
        sum = Some(match sum {
            None => (view.row, amount(view), view.currency),
            Some((row, minor, currency)) => {
                (row.min(view.row), minor.checked_add(amount(view)).ok_or(Overflow)?, currency)
            }
        });
    }
    Ok(sum)
}

/// The earliest time that a row of the transaction states.
fn begun(frames: &[Columns], members: &[Member], views: &[RowView]) -> Option<i64> {
    let stated = |view: &RowView| {
        let Member { frame, row } = members[view.row as usize];
        let other = || frames[frame as usize].number(Field::AuthorizedAt, row);
        view.occurred_at.or_else(other).or(view.settled_at)
    };
    views.iter().filter(|view| view.disposition != Disposition::Notice).filter_map(stated).min()
}

fn currency_number(currencies: &mut Vec<String>, code: &str) -> u16 {
    let known = currencies.iter().position(|known| known == code).unwrap_or_else(|| {
        currencies.push(code.to_owned());
        currencies.len() - 1
    });
    u16::try_from(known).expect("normalize lets only ISO 4217 currencies through")
}
