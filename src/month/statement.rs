//! The receivable of the closed month: what each transaction moves, item by item, and the proof that it is what the
//! columns of the file say.

use std::collections::BTreeMap;

use super::MonthError;
use super::books::{At, Books, Row, owed};
use super::facts::{Entry, Item, LeftOut, Line, LineFacts, Owed, Receivable};
use super::fold::{Change, Folded, Held, LeftOutRows, Standing};
use super::sealed::SealedFold;

/// The receivable with everything behind it.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) receivable: Vec<Receivable>,
    pub(super) items: Vec<Item>,
    pub(super) entries: Vec<Entry>,
}

/// Draws the receivable up, and proves it. `sealed`: where the month before was signed off.
pub(super) fn draw_up(
    books: &Books<'_>,
    folded: &Folded<'_>,
    sealed: Option<&SealedFold<'_>>,
) -> Result<Drawn, MonthError> {
    let mut subjects: Vec<Subject<'_, '_>> = folded.changes.iter().map(Subject::Change).collect();
    if let Some(sealed) = sealed {
        subjects.extend(sealed.owed_besides(&folded.changes).into_iter().map(Subject::Besides));
        subjects.sort_unstable_by_key(Subject::transaction);
    }
    let (mut found, mut items) = (Vec::new(), Vec::with_capacity(subjects.len()));
    for subject in &subjects {
        let item = u32::try_from(items.len()).map_err(|_| MonthError::TooManyRows)?;
        items.push(item_of(books, folded, sealed, subject));
        let mut moves = Moves { books, sealed, subject, item, found: &mut found };
        moves.all().map_err(|Beyond| MonthError::Overflow { transaction: subject.transaction().to_owned() })?;
    }
    let currencies: Vec<&str> = {
        let mut all: Vec<&str> = found.iter().map(|moved| moved.currency).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let entries: Vec<Entry> = found.iter().map(|moved| moved.entry(&currencies)).collect();
    let receivable = sums(&currencies, &entries, books, folded);
    prove(books, folded, &receivable)?;
    Ok(Drawn { receivable, items, entries })
}

/// A transaction behind the receivable.
enum Subject<'a, 'c> {
    Change(&'a Change<'c>),
    /// Owed when the month before was sealed; of what is owed now, and of the month's file, no part.
    Besides(&'c str),
}

impl<'c> Subject<'_, 'c> {
    const fn transaction(&self) -> &'c str {
        match self {
            Self::Change(change) => change.transaction,
            Self::Besides(transaction) => transaction,
        }
    }
}

fn item_of(books: &Books<'_>, folded: &Folded<'_>, sealed: Option<&SealedFold<'_>>, subject: &Subject<'_, '_>) -> Item {
    let transaction = subject.transaction();
    let owed_then = sealed.and_then(|sealed| Some((sealed, sealed.owed(transaction)?)));
    let (now, before) = match subject {
        Subject::Change(change) => (change.now, change.before),
        // The month has not touched it: as it stands is as it stood before.
        Subject::Besides(_) => (None, folded.items.get(transaction).copied()),
    };
    let stated = now.or_else(|| before.map(|held| held.stated)).map(|at| books.row(at));
    let stated = stated.or_else(|| owed_then.map(|(sealed, at)| sealed.books.row(at)));
    Item {
        transaction: transaction.into(),
        settled_at: stated.and_then(Row::settled_micros).and_then(chrono::DateTime::from_timestamp_micros),
        now: now.map(|at| books.place(at)),
        before: before.map(|held| books.place(held.stated)),
        sealed: owed_then.map(|(sealed, at)| sealed.books.place(at)),
        paid: before.and_then(|held| held.paid).map(|at| books.place(at)),
    }
}

/// An amount that 64 bits do not hold.
struct Beyond;

/// An entry whose currency is not numbered yet.
struct Moved<'c> {
    item: u32,
    line: Line,
    currency: &'c str,
    minor: [i64; 2],
}

impl Moved<'_> {
    fn entry(&self, currencies: &[&str]) -> Entry {
        let index = currencies.binary_search(&self.currency).expect("every currency of an entry is listed");
        Entry {
            item: self.item,
            line: self.line,
            currency: u32::try_from(index).expect("fewer currencies than entries"),
            issuer_commission_minor: self.minor[0],
            user_reward_minor: self.minor[1],
        }
    }
}

/// What one transaction moves.
struct Moves<'a, 'c> {
    books: &'c Books<'c>,
    sealed: Option<&'a SealedFold<'c>>,
    subject: &'a Subject<'a, 'c>,
    item: u32,
    found: &'a mut Vec<Moved<'c>>,
}

impl<'c> Moves<'_, 'c> {
    fn all(&mut self) -> Result<(), Beyond> {
        let before = match self.subject {
            Subject::Change(change) => change.before.filter(|held| held.standing == Standing::Open),
            Subject::Besides(_) => None,
        };
        let open = before.map(|held| self.books.row(held.stated));
        match self.sealed {
            None => self.opening(open),
            Some(sealed) => {
                let then = sealed.owed(self.subject.transaction()).map(|at| sealed.books.row(at));
                self.opening(then);
                self.since_seal(then, open)?;
            }
        }
        match *self.subject {
            Subject::Change(change) => self.change(change),
            Subject::Besides(_) => Ok(()),
        }
    }

    fn opening(&mut self, open: Option<Row<'c>>) {
        if let Some(row) = open {
            self.push(Line::Opening, row.currency(), row.owed_minor());
        }
    }

    /// From what was owed when the month before was sealed to what its files say now.
    fn since_seal(&mut self, then: Option<Row<'c>>, now: Option<Row<'c>>) -> Result<(), Beyond> {
        let line = Line::AdjustedAfterSeal;
        match (then, now) {
            (Some(then), Some(now)) => self.restate(line, then, now),
            (Some(then), None) => self.take_row(line, then),
            (None, Some(now)) => {
                self.push(line, now.currency(), now.owed_minor());
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    fn change(&mut self, change: &Change<'c>) -> Result<(), Beyond> {
        let Change { before, now, after, .. } = *change;
        match (before, now) {
            (None, Some(now)) => self.add(self.first_stated(now), now),
            (Some(held), Some(now)) => match held.standing {
                Standing::Open => self.adjust(held.stated, now)?,
                Standing::Paid => self.add(Line::StatedAgain, now),
                Standing::ClawedBack => self.add(Line::Adjusted, now),
            },
            (Some(held), None) => match after.standing {
                Standing::Open => {}
                Standing::Paid => self.take(Line::StatedAgain, held.stated)?,
                Standing::ClawedBack => self.take(Line::ClawedBack, held.stated)?,
            },
            (None, None) => {}
        }
        if let Some(now) = now.filter(|_| after.standing == Standing::Paid) {
            self.take(Line::Paid, now)?;
        }
        if after.standing == Standing::Open {
            let line = if after.dropped.is_some() { Line::Dropped } else { Line::Pending };
            self.add(line, after.stated);
        }
        Ok(())
    }

    fn first_stated(&self, now: At) -> Line {
        let start_micros = self.books.month(now.month).period.start.timestamp_micros();
        match self.books.row(now).settled_micros() {
            Some(settled_micros) if settled_micros < start_micros => Line::SettledEarlier,
            _ => Line::NewlySettled,
        }
    }

    fn adjust(&mut self, before: At, now: At) -> Result<(), Beyond> {
        self.restate(Line::Adjusted, self.books.row(before), self.books.row(now))
    }

    fn restate(&mut self, line: Line, old: Row<'c>, new: Row<'c>) -> Result<(), Beyond> {
        if old.currency() != new.currency() {
            self.take_row(line, old)?;
            self.push(line, new.currency(), new.owed_minor());
            return Ok(());
        }
        let ([old_commission, old_reward], [commission, reward]) = (old.owed_minor(), new.owed_minor());
        let minor =
            [commission.checked_sub(old_commission).ok_or(Beyond)?, reward.checked_sub(old_reward).ok_or(Beyond)?];
        if minor != [0, 0] {
            self.push(line, new.currency(), minor);
        }
        Ok(())
    }

    fn add(&mut self, line: Line, at: At) {
        let row = self.books.row(at);
        self.push(line, row.currency(), row.owed_minor());
    }

    fn take(&mut self, line: Line, at: At) -> Result<(), Beyond> {
        self.take_row(line, self.books.row(at))
    }

    fn take_row(&mut self, line: Line, row: Row<'c>) -> Result<(), Beyond> {
        let [commission, reward] = row.owed_minor();
        let minor = [commission.checked_neg().ok_or(Beyond)?, reward.checked_neg().ok_or(Beyond)?];
        self.push(line, row.currency(), minor);
        Ok(())
    }

    fn push(&mut self, line: Line, currency: &'c str, minor: [i64; 2]) {
        self.found.push(Moved { item: self.item, line, currency, minor });
    }
}

/// Adds the entries up line by line. The closing balance is counted from how the items stand, not from the lines.
fn sums(currencies: &[&str], entries: &[Entry], books: &Books<'_>, folded: &Folded<'_>) -> Vec<Receivable> {
    let empty = |currency: &&str| Receivable {
        currency: (*currency).to_owned(),
        lines: Line::ALL.map(|line| LineFacts { line, items: 0, owed: Owed::default() }).to_vec(),
        closing_items: 0,
        closing: Owed::default(),
        residual: Owed::default(),
    };
    let mut receivable: Vec<Receivable> = currencies.iter().map(empty).collect();
    for entry in entries {
        let line = &mut receivable[entry.currency as usize].lines[entry.line as usize];
        line.items += 1;
        line.owed += owed([entry.issuer_commission_minor, entry.user_reward_minor]);
    }
    let open = folded.items.values().filter(|held| held.standing == Standing::Open);
    for row in open.map(|held: &Held| books.row(held.stated)) {
        let index = currencies.binary_search(&row.currency()).expect("what is owed has an entry");
        receivable[index].closing_items += 1;
        receivable[index].closing += row.owed();
    }
    for one in &mut receivable {
        let mut sum = Owed::default();
        for line in one.lines.iter().filter(|line| !line.line.is_of_closing()) {
            sum += line.owed;
        }
        one.residual = sum - one.closing;
    }
    receivable
}

/// The lines lead from opening to closing, and what is paid and pending is what the columns of the file add up to, but
/// for the rows that are left out.
fn prove(books: &Books<'_>, folded: &Folded<'_>, receivable: &[Receivable]) -> Result<(), MonthError> {
    let (_, closed) = books.closed();
    let untied = |what: String| Err(MonthError::Untied { period: closed.period.label.clone(), what });
    let stated = closed.columns.as_ref().map(|_| column_sums(books, &folded.left_out));
    let told = |currency: &str| receivable.iter().any(|one| one.currency == currency);
    for ((currency, _), sum) in stated.iter().flatten() {
        if !sum.is_zero() && !told(currency) {
            return untied(format!("the file's rows hold {sum:?} in {currency}, and no item does"));
        }
    }
    for one in receivable {
        let currency = &one.currency;
        if !one.residual.is_zero() {
            return untied(format!("in {currency} the lines miss the closing balance by {:?}", one.residual));
        }
        let (pending, dropped) = (one.line(Line::Pending), one.line(Line::Dropped));
        let mut closing = pending.owed;
        closing += dropped.owed;
        if closing != one.closing || pending.items + dropped.items != one.closing_items {
            return untied(format!("in {currency} the items owed are {closing:?}, the balance is {:?}", one.closing));
        }
        let Some(stated) = &stated else { continue };
        let column = |paid| stated.get(&(currency.as_str(), paid)).copied().unwrap_or_default();
        let paid = Owed::default() - one.line(Line::Paid).owed;
        for (name, by_column, by_item) in [("paid", column(true), paid), ("pending", column(false), pending.owed)] {
            if by_column != by_item {
                return untied(format!(
                    "in {currency} the file's rows hold {by_column:?} {name}, the items {by_item:?}"
                ));
            }
        }
    }
    Ok(())
}

/// (currency, paid) → the sum of the closed month's rows, straight from its columns, less those left out.
fn column_sums<'c>(books: &'c Books<'_>, left_out: &LeftOutRows<'c>) -> BTreeMap<(&'c str, bool), Owed> {
    let mut sums: BTreeMap<(&str, bool), Owed> = BTreeMap::new();
    for row in books.closed().1.columns.iter().flat_map(Row::all) {
        *sums.entry((row.currency(), row.is_paid())).or_default() += row.owed();
    }
    for ((_, currency, paid), (_, sum)) in left_out {
        let kept = sums.entry((currency, *paid)).or_default();
        *kept = *kept - *sum;
    }
    sums
}

/// The rows left out, paid or not.
pub(super) fn left_out(rows: &LeftOutRows<'_>) -> Vec<LeftOut> {
    let mut told: Vec<LeftOut> = Vec::new();
    for ((reason, currency, _), (rows, sum)) in rows {
        match told.last_mut() {
            Some(last) if (last.reason, last.currency.as_str()) == (*reason, *currency) => {
                last.rows += rows;
                last.owed += *sum;
            }
            _ => told.push(LeftOut { reason: *reason, currency: (*currency).to_owned(), rows: *rows, owed: *sum }),
        }
    }
    told
}
