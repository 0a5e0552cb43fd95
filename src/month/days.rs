//! Roll-forward: the daily files of the month held against its own file, and the reverse.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::books::{Books, Row};
use super::facts::{Counted, CountedIn, DayLine, Owed, RollForward};
use super::fold::{Change, Folded, Standing};
use super::{DayFile, Inputs, MonthError};
use crate::frames::{Frame, Measure, Side};
use crate::job::Splits;
use crate::matching::fold::fold;
use crate::matching::side::{Columns, Disposition, Flags, RowView};

/// The daily files, the last day first: what a later day says of a transaction counts.
#[derive(Debug)]
pub(super) struct Days<'a> {
    days: Vec<Day<'a>>,
}

#[derive(Debug)]
pub(super) struct Day<'a> {
    pub(super) label: &'a str,
    pub(super) frame: &'a Frame,
    columns: Columns,
}

/// A row of a daily file.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayRow<'d> {
    pub(super) day: &'d Day<'d>,
    pub(super) row: Row<'d>,
}

/// Where a settled item of the days stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    InMonth {
        restated: bool,
    },
    /// A month's file held it pending and holds it no more: `dropped_pending` tells of it.
    Dropped,
    Missing,
    ClawedBack,
    Waiting,
}

/// What the days and the month say of each other.
#[derive(Debug)]
pub(super) struct Rolled<'d> {
    pub(super) roll_forward: RollForward,
    /// Every settled transaction of the days.
    pub(super) items: HashMap<&'d str, DayRow<'d>>,
    /// Settled in the days and not in the month, in order of the transaction.
    pub(super) missing: Vec<DayRow<'d>>,
    /// Newly settled and in no daily file: indexes of [`Folded::changes`].
    pub(super) not_in_dailies: Vec<usize>,
}

impl<'a> Days<'a> {
    pub(super) fn open(inputs: &Inputs<'a>) -> Self {
        let mut files: Vec<DayFile<'a>> = inputs.days.clone();
        files.sort_by(|left, right| right.day.cmp(left.day));
        let open = |file: DayFile<'a>| {
            let frame = file.own()?;
            Some(Day { label: file.day, frame, columns: Columns::of(frame) })
        };
        Self { days: files.into_iter().filter_map(open).collect() }
    }
}

/// Holds the days against the month, and the month against the days.
pub(super) fn roll<'d>(
    inputs: &Inputs<'_>,
    books: &Books<'_>,
    folded: &Folded<'_>,
    days: &'d Days<'_>,
) -> Result<Option<Rolled<'d>>, MonthError> {
    let Some(dailies) = &inputs.spec.dailies else { return Ok(None) };
    let mut lines: BTreeMap<(&str, &str), DayLine> = BTreeMap::new();
    let (mut items, mut missing) = (HashMap::new(), Vec::new());
    for day in &days.days {
        u32::try_from(day.columns.height).map_err(|_| MonthError::TooManyRows)?;
        for said in statements(&day.columns, inputs.day_splits)? {
            let line = lines.entry((day.label, said.row.currency())).or_default();
            line.rows += said.rows;
            match items.entry(said.row.transaction()) {
                Entry::Occupied(_) => line.repeated_rows += said.rows,
                Entry::Vacant(entry) => {
                    line.repeated_rows += said.repeated;
                    let row = entry.insert(DayRow { day, row: said.row });
                    let fate = fate(inputs, books, folded, row.row);
                    line.count(fate, row.row, books, folded);
                    if fate == Fate::Missing {
                        missing.push(*row);
                    }
                }
            }
        }
    }
    missing.sort_unstable_by_key(|missing| missing.row.transaction());
    let absent = inputs.days.iter().filter(|day| day.own().is_none()).count();
    let mut roll_forward = RollForward {
        dailies: dailies.clone(),
        days_missing: absent as u64,
        totals: totals(&lines),
        days: day_lines(inputs, lines),
        not_in_dailies: Vec::new(),
        not_compared: Vec::new(),
    };
    let not_in_dailies = reverse(inputs, books, folded, &items, &mut roll_forward);
    Ok(Some(Rolled { roll_forward, items, missing, not_in_dailies }))
}

/// What one day's file says of one transaction.
struct Said<'d> {
    /// The first row, with what all parts add up to.
    row: Row<'d>,
    rows: u64,
    /// Of these, rows that do not count.
    repeated: u64,
}

/// The settled rows of a file, those of a transaction together, as the daily job's comparison folds them; where they
/// contradict each other the first one counts.
fn statements(columns: &Columns, splits: Splits) -> Result<Vec<Said<'_>>, MonthError> {
    let mut said: Vec<Said<'_>> = Vec::with_capacity(columns.height);
    let (mut known, mut several) = (HashMap::new(), BTreeMap::<usize, Vec<RowView<'_>>>::new());
    for row in Row::all(columns).filter(|row| row.is_settled()) {
        match known.entry(row.transaction()) {
            Entry::Vacant(entry) => {
                entry.insert(said.len());
                said.push(Said { row, rows: 1, repeated: 0 });
            }
            Entry::Occupied(entry) => {
                let place = *entry.get();
                let views = several.entry(place).or_insert_with(|| vec![columns.view(said[place].row.number)]);
                views.push(columns.view(row.number));
            }
        }
    }
    for (place, mut views) in several {
        let one = &mut said[place];
        let folded = fold(Side::File, splits, &mut views);
        let folded = folded.map_err(|_| MonthError::Overflow { transaction: one.row.transaction().to_owned() })?;
        let counted = views.iter().filter(|view| view.disposition == Disposition::Counted).count() as u64;
        one.rows = views.len() as u64;
        one.repeated = one.rows - counted.max(1);
        if !folded.flags.has(Flags::CONFLICT) {
            one.row.together = Some(folded.values);
        }
    }
    Ok(said)
}

fn fate(inputs: &Inputs<'_>, books: &Books<'_>, folded: &Folded<'_>, row: Row<'_>) -> Fate {
    let (last, closed) = books.closed();
    let held = folded.items.get(row.transaction());
    if let Some(held) = held.filter(|held| held.stated.month == last) {
        return Fate::InMonth { restated: differ(row, books.row(held.stated)) };
    }
    let settled_micros = row.settled_micros();
    match held {
        _ if closed.columns.is_none() => Fate::Waiting,
        Some(held) if held.standing == Standing::Open => Fate::Dropped,
        Some(held) if held.standing == Standing::ClawedBack => Fate::ClawedBack,
        // The day's file told late of what an earlier month's file has told and settled.
        Some(_) => Fate::InMonth { restated: false },
        None if settled_micros.is_some_and(|micros| micros >= inputs.period.end.timestamp_micros()) => Fate::Waiting,
        None if folded.clawed_back.contains(row.transaction()) => Fate::ClawedBack,
        None => Fate::Missing,
    }
}

/// Whether two rows state another currency or amount; what one of them does not state is no difference.
pub(super) fn differ(left: Row<'_>, right: Row<'_>) -> bool {
    left.currency() != right.currency() || Measure::ALL.into_iter().any(|measure| differs(left, right, measure))
}

pub(super) fn differs(left: Row<'_>, right: Row<'_>, measure: Measure) -> bool {
    matches!((left.value(measure), right.value(measure)), (Some(left), Some(right)) if left != right)
}

impl DayLine {
    fn count(&mut self, fate: Fate, row: Row<'_>, books: &Books<'_>, folded: &Folded<'_>) {
        let owed = row.owed();
        self.items.add(owed);
        match fate {
            Fate::InMonth { restated } => {
                self.in_month.add(owed);
                if restated && let Some(held) = folded.items.get(row.transaction()) {
                    let now = books.row(held.stated);
                    // In another currency nothing can be taken from anything: the item counts, without a sum.
                    let same = now.currency() == row.currency();
                    self.restated.add(if same { now.owed() - owed } else { Owed::default() });
                }
            }
            Fate::Missing | Fate::Dropped => self.missing.add(owed),
            Fate::ClawedBack => self.clawed_back.add(owed),
            Fate::Waiting => self.waiting.add(owed),
        }
    }

    fn join(&mut self, other: &Self) {
        self.rows += other.rows;
        self.repeated_rows += other.repeated_rows;
        self.items.join(other.items);
        self.in_month.join(other.in_month);
        self.missing.join(other.missing);
        self.clawed_back.join(other.clawed_back);
        self.waiting.join(other.waiting);
        self.restated.join(other.restated);
    }
}

impl Counted {
    fn add(&mut self, owed: Owed) {
        self.items += 1;
        self.owed += owed;
    }

    fn join(&mut self, other: Self) {
        self.items += other.items;
        self.owed += other.owed;
    }
}

fn totals(lines: &BTreeMap<(&str, &str), DayLine>) -> Vec<DayLine> {
    let mut totals: BTreeMap<&str, DayLine> = BTreeMap::new();
    for ((_, currency), line) in lines {
        totals.entry(currency).or_default().join(line);
    }
    let total = |(currency, total): (&str, DayLine)| DayLine { currency: currency.to_owned(), is_there: true, ..total };
    totals.into_iter().map(total).collect()
}

/// A line for each day and currency; a day without a row, or without a file, has one without a currency.
fn day_lines<'a>(inputs: &Inputs<'a>, mut lines: BTreeMap<(&'a str, &'a str), DayLine>) -> Vec<DayLine> {
    for file in &inputs.days {
        if !lines.keys().any(|(day, _)| *day == file.day) {
            lines.insert((file.day, ""), DayLine { is_there: file.own().is_some(), ..DayLine::default() });
        }
    }
    let named = |((day, currency), line): ((&str, &str), DayLine)| DayLine {
        day: day.to_owned(),
        currency: currency.to_owned(),
        is_there: line.is_there || line.rows > 0,
        ..line
    };
    lines.into_iter().map(named).collect()
}

/// What the month settles newly and no day tells of.
fn reverse(
    inputs: &Inputs<'_>,
    books: &Books<'_>,
    folded: &Folded<'_>,
    items: &HashMap<&str, DayRow<'_>>,
    roll_forward: &mut RollForward,
) -> Vec<usize> {
    let mut not_in_dailies = Vec::new();
    let (mut absent, mut not_compared) = (BTreeMap::new(), BTreeMap::new());
    for (index, change) in folded.changes.iter().enumerate() {
        let Some(row) = newly_settled(books, change).filter(|_| !items.contains_key(change.transaction)) else {
            continue;
        };
        let of = if day_is_there(inputs, row) && !may_come(inputs, row) {
            not_in_dailies.push(index);
            &mut absent
        } else {
            &mut not_compared
        };
        of.entry(row.currency()).or_insert_with(Counted::default).add(row.owed());
    }
    let told = |counted: BTreeMap<&str, Counted>| {
        let one = |(currency, Counted { items, owed }): (&str, Counted)| CountedIn {
            currency: currency.to_owned(),
            items,
            owed,
        };
        counted.into_iter().map(one).collect()
    };
    roll_forward.not_in_dailies = told(absent);
    roll_forward.not_compared = told(not_compared);
    not_in_dailies
}

/// The row of a transaction that the closed month's file settles newly.
fn newly_settled<'c>(books: &'c Books<'_>, change: &Change<'_>) -> Option<Row<'c>> {
    let now = change.now.filter(|_| change.before.is_none())?;
    let row = books.row(now);
    let start_micros = books.month(now.month).period.start.timestamp_micros();
    row.settled_micros().is_none_or(|micros| micros >= start_micros).then_some(row)
}

/// Whether the next month's first file may have what no day of this one has.
fn may_come(inputs: &Inputs<'_>, row: Row<'_>) -> bool {
    let grace_micros = inputs.grace.num_microseconds().unwrap_or(i64::MAX);
    let end_micros = inputs.period.end.timestamp_micros();
    row.settled_micros().is_some_and(|micros| micros.saturating_add(grace_micros) > end_micros)
}

/// Whether the day on which a transaction settled has a file.
fn day_is_there(inputs: &Inputs<'_>, row: Row<'_>) -> bool {
    let settled = row.settled_micros().and_then(chrono::DateTime::from_timestamp_micros);
    let Some(settled) = settled else { return false };
    let label = settled.with_timezone(&inputs.period.zone).format("%Y-%m-%d").to_string();
    inputs.days.iter().any(|day| day.day == label && day.own().is_some())
}
