//! The rows of all months, read in place: what a row of a monthly file says about a transaction.

use super::facts::{Owed, Place};
use super::{Inputs, MonthFile, Sealed};
use crate::breaks::SideFacts;
use crate::frames::{Field, Frame, Measure};
use crate::matching::side::Columns;
use crate::period::Period;

/// A row of one month's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// Index into [`Books::months`].
    pub(super) month: u32,
    pub(super) row: u32,
}

/// The monthly files, earliest first; the last month is the one that is closed.
#[derive(Debug)]
pub(super) struct Books<'a> {
    pub(super) months: Vec<Month<'a>>,
    /// The names of all files, as [`Place::file`] counts them; of sealed books only those that nobody else reads.
    pub(super) file_names: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Month<'a> {
    pub(super) period: &'a Period,
    pub(super) frame: Option<&'a Frame>,
    /// None: the month has no file.
    pub(super) columns: Option<Columns>,
    /// The month's notifications.
    pub(super) notices: Option<Columns>,
    /// Index of its first file among those of all months.
    first_file: u32,
}

impl<'a> Books<'a> {
    pub(super) fn open(inputs: &Inputs<'a>) -> Self {
        let mut files: Vec<MonthFile<'a>> =
            inputs.months.iter().copied().filter(|month| month.period.start <= inputs.period.start).collect();
        files.sort_by_key(|month| month.period.start);
        if files.last().is_none_or(|last| last.period != inputs.period) {
            files.push(MonthFile { period: inputs.period, frame: None, webhooks: None });
        }
        let mut file_names = Vec::new();
        let months = files.into_iter().map(|file| Month::open(file, 0, &mut file_names)).collect();
        Self { months, file_names }
    }

    /// The books as they were when the month before was sealed. What both read stands at the same places.
    pub(super) fn sealed(sealed: &Sealed<'a>, now: &Self) -> Self {
        let mut files = sealed.months.clone();
        files.sort_by_key(|month| month.period.start);
        let before = now.file_names.len();
        let mut file_names = Vec::new();
        let open = |file: MonthFile<'a>| {
            let same = |month: &&Month<'a>| match (month.frame, file.frame) {
                (Some(theirs), Some(ours)) => std::ptr::eq(theirs, ours),
                _ => false,
            };
            match now.months.iter().find(same) {
                Some(known) => Month { first_file: known.first_file, ..Month::open(file, 0, &mut Vec::new()) },
                None => Month::open(file, before, &mut file_names),
            }
        };
        let months = files.into_iter().map(open).collect();
        Self { months, file_names }
    }

    pub(super) fn month(&self, month: u32) -> &Month<'a> {
        &self.months[month as usize]
    }

    /// The month that is closed.
    pub(super) fn closed(&self) -> (u32, &Month<'a>) {
        let last = self.months.len() - 1;
        (u32::try_from(last).expect("far fewer than 2^32 months"), &self.months[last])
    }

    fn columns(&self, at: At) -> &Columns {
        self.month(at.month).columns.as_ref().expect("only a month with a file has rows")
    }

    pub(super) fn row(&self, at: At) -> Row<'_> {
        Row { columns: self.columns(at), number: at.row, together: None }
    }

    pub(super) fn place(&self, at: At) -> Place {
        let stands = self.columns(at).place(at.row);
        Place { file: self.month(at.month).first_file + stands.file, line: stands.line }
    }

    /// `kard-2502.csv line 7`
    pub(super) fn place_in_words(&self, at: At) -> String {
        let month = self.month(at.month);
        month.frame.map_or_else(String::new, |frame| place_in_words(frame, self.row(at)))
    }

    /// When a transaction was settled, in microseconds UTC; where no row says so, the end of the month that first states it.
    pub(super) fn since_micros(&self, at: At, first_month: u32) -> i64 {
        let stated = self.row(at).settled_micros();
        stated.unwrap_or_else(|| self.month(first_month).period.end.timestamp_micros())
    }
}

impl<'a> Month<'a> {
    /// Its files are named behind those that are named already, the first of which has this number.
    fn open(file: MonthFile<'a>, first: usize, file_names: &mut Vec<String>) -> Self {
        let number = u32::try_from(first + file_names.len()).expect("all months have fewer than 2^32 files");
        file_names.extend(file.frame.iter().flat_map(|frame| &frame.files).map(|file| file.name.clone()));
        Self {
            period: file.period,
            frame: file.frame,
            columns: file.frame.map(Columns::of),
            notices: file.webhooks.map(Columns::of),
            first_file: number,
        }
    }
}

/// `kard-2502.csv line 7`
pub(super) fn place_in_words(frame: &Frame, row: Row<'_>) -> String {
    let stands = row.columns.place(row.number);
    let name = frame.files.get(stands.file as usize).map_or("a file", |file| file.name.as_str());
    format!("{name} line {}", stands.line)
}

/// One row of a file, read from its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'c> {
    pub(super) columns: &'c Columns,
    pub(super) number: u32,
    /// What it adds up to with the other parts of its transaction, in the order of [`Measure::ALL`]; none: it is whole.
    pub(super) together: Option<[Option<i64>; 3]>,
}

impl<'c> Row<'c> {
    /// What takes part: rows that nothing excludes.
    pub(super) fn all(columns: &'c Columns) -> impl Iterator<Item = Self> {
        columns.counted().map(|number| Row { columns, number, together: None })
    }

    pub(super) fn transaction(self) -> &'c str {
        self.columns.text(Field::TransactionId, self.number).unwrap_or_default()
    }

    pub(super) fn currency(self) -> &'c str {
        self.columns.text(Field::Currency, self.number).unwrap_or_default()
    }

    pub(super) fn merchant(self) -> Option<&'c str> {
        self.columns.text(Field::Merchant, self.number)
    }

    /// A file that states no status holds settled transactions only.
    pub(super) fn is_settled(self) -> bool {
        self.status().is_none_or(|status| status == "SETTLED")
    }

    /// Whatever does not say that it is paid is owed.
    pub(super) fn is_paid(self) -> bool {
        self.columns.text(Field::PaymentStatus, self.number) == Some("PAID_IN_FULL")
    }

    pub(super) fn status(self) -> Option<&'c str> {
        self.columns.text(Field::Status, self.number)
    }

    pub(super) fn is_clawback(self) -> bool {
        self.status() == Some("CLAWBACK")
    }

    pub(super) fn value(self, measure: Measure) -> Option<i64> {
        match self.together {
            Some(values) => values[measure as usize],
            None => self.columns.number(measure.field(), self.number),
        }
    }

    /// Commission and reward; what is not stated is nothing.
    pub(super) fn owed_minor(self) -> [i64; 2] {
        [Measure::IssuerCommission, Measure::UserReward].map(|measure| self.value(measure).unwrap_or(0))
    }

    pub(super) fn owed(self) -> Owed {
        owed(self.owed_minor())
    }

    pub(super) fn settled_micros(self) -> Option<i64> {
        let number = |field| self.columns.number(field, self.number);
        number(Field::SettledAt).or_else(|| number(Field::OccurredAt))
    }

    /// Whether both say the same of what is owed and of what is paid.
    pub(super) fn repeats(self, first: Self) -> bool {
        let said = |row: Self| (row.currency(), row.is_paid(), Measure::ALL.map(|measure| row.value(measure)));
        said(self) == said(first)
    }

    /// What the row says, for a break. `rows` stays empty: the caller knows whose file it is.
    pub(super) fn facts(self) -> SideFacts {
        let text = |field| self.columns.text(field, self.number).map(str::to_owned);
        SideFacts {
            amount_minor: self.value(Measure::TransactionAmount),
            issuer_commission_minor: self.value(Measure::IssuerCommission),
            user_reward_minor: self.value(Measure::UserReward),
            currency: text(Field::Currency),
            status: text(Field::Status),
            user: text(Field::User),
            merchant: text(Field::Merchant),
            card_first_six: text(Field::CardFirstSix),
            card_last_four: text(Field::CardLastFour),
            payment_status: text(Field::PaymentStatus),
            reason: text(Field::Reason),
            account: text(Field::Account),
            valid_from: text(Field::ValidFrom),
            valid_to: text(Field::ValidTo),
            occurred_at: self.settled_micros().and_then(chrono::DateTime::from_timestamp_micros),
            rows: Vec::new(),
        }
    }
}

pub(super) fn owed([commission, reward]: [i64; 2]) -> Owed {
    Owed { issuer_commission_minor: commission.into(), user_reward_minor: reward.into() }
}
