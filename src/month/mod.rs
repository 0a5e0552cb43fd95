//! The end of a month: the monthly files folded into what the provider owes, the days held against the month, what is
//! unpaid by age, and the breaks of all of it. A function of the files alone: their order changes nothing.

mod ageing;
mod books;
mod days;
pub mod facts;
mod findings;
mod fold;
mod sealed;
mod statement;

use chrono::TimeDelta;

use books::Books;
use days::Days;
use facts::SealedMonth;
use sealed::SealedFold;

use crate::breaks::Break;
use crate::frames::Frame;
use crate::job::{MonthEnd, Splits};
use crate::period::Period;

pub use facts::MonthFacts;
pub use sealed::Sealed;

/// One month of the provider's files.
#[derive(Debug, Clone, Copy)]
pub struct MonthFile<'a> {
    pub period: &'a Period,
    /// The month's file (side `file`); none: that month has no file.
    pub frame: Option<&'a Frame>,
    /// The month's notifications; none: there are none. Only clawback notices are read. Those of earlier months count as
    /// well: what was clawed back in March is neither dropped nor owed in April.
    pub webhooks: Option<&'a Frame>,
}

/// One day of the month that is closed.
#[derive(Debug, Clone, Copy)]
pub struct DayFile<'a> {
    /// `2025-03-19`
    pub day: &'a str,
    /// What the daily job's last finished run read as side `file`; none: it has no finished run of the day.
    pub frame: Option<&'a Frame>,
}

impl<'a> DayFile<'a> {
    /// What there is of the day itself: a file that repeats an earlier day's is none of its own.
    pub fn own(&self) -> Option<&'a Frame> {
        self.frame.filter(|frame| frame.is_there())
    }
}

/// Everything that the close of a month depends on.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The job's name.
    pub job: &'a str,
    pub period: &'a Period,
    pub spec: &'a MonthEnd,
    /// The period's own month, and the months before it that may have a file.
    pub months: Vec<MonthFile<'a>>,
    /// All days of the period; empty where the job names no daily job.
    pub days: Vec<DayFile<'a>>,
    /// The month before as it was sealed; none where it is open.
    pub sealed: Option<Sealed<'a>>,
    /// How the daily job reads several rows of one transaction in a day's file.
    pub day_splits: Splits,
    /// What settles so shortly before the month's end may stand in a daily file of the next month.
    pub grace: TimeDelta,
}

/// A closed month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// In the order of [`crate::breaks::compare::sort`].
    pub breaks: Vec<Break>,
    pub facts: MonthFacts,
}

/// Why a month could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum MonthError {
    /// A bug in tieout: exit 70.
    #[error(
        "the receivable of {period} does not tie: {what}; this is a bug in tieout, please report it with the run's inputs"
    )]
    Untied { period: String, what: String },
    /// The sealed files do not say any more what was signed off: exit 65.
    #[error(
        "the opening balance of {period} is not what the sealed run {run} closed with: {what}; the job file reads the \
         sealed files otherwise than it did then: undo that change, or unseal the month, run it again and seal it"
    )]
    NotAsSealed { period: String, run: String, what: String },
    /// The data cannot be counted: exit 65.
    #[error("transaction `{transaction}`: its amounts are beyond what 64 bits hold when they are added or compared")]
    Overflow { transaction: String },
    /// Exit 65.
    #[error("more than {} rows in one file; split it", u32::MAX)]
    TooManyRows,
}

/// Closes the month of `inputs.period`.
///
/// # Errors
/// [`MonthError::Overflow`] and [`MonthError::TooManyRows`] for data that cannot be counted, [`MonthError::NotAsSealed`]
/// where the sealed files say something else by now, [`MonthError::Untied`] for a bug.
pub fn close(inputs: &Inputs<'_>) -> Result<Closing, MonthError> {
    let books = Books::open(inputs);
    let folded = fold::fold(&books)?;
    let sealed_books = inputs.sealed.as_ref().map(|sealed| Books::sealed(sealed, &books));
    let signed_off = sealed_books.as_ref().map(SealedFold::of).transpose()?;
    let drawn = statement::draw_up(&books, &folded, signed_off.as_ref())?;
    if let Some(sealed) = &inputs.sealed {
        sealed::prove(&inputs.period.label, sealed, &drawn.receivable)?;
    }
    let days = Days::open(inputs);
    let rolled = days::roll(inputs, &books, &folded, &days)?;
    let breaks = findings::find(inputs, &books, &folded, rolled.as_ref());
    let (last, closed) = (books.months.len() - 1, books.closed().1);
    let first = books.months.iter().position(|month| month.frame.is_some());
    let without_file = books.months[first.unwrap_or(last)..].iter().filter(|month| month.frame.is_none());
    let facts = MonthFacts {
        sealed: inputs.sealed.as_ref().and_then(sealed_month),
        payout: inputs.spec.payout,
        buckets: inputs.spec.buckets.clone(),
        file_is_there: closed.frame.is_some(),
        known_from: first.map(|first| books.months[first].period.label.clone()),
        without_file: without_file.map(|month| month.period.label.clone()).collect(),
        ageing: ageing::ageing(inputs, &books, &folded.changes, &drawn.receivable),
        fronted: ageing::fronted(inputs.spec.payout, &drawn.receivable),
        left_out: statement::left_out(&folded.left_out),
        receivable: drawn.receivable,
        roll_forward: rolled.map(|rolled| rolled.roll_forward),
        files: [books.file_names.clone(), sealed_books.map(|sealed| sealed.file_names).unwrap_or_default()].concat(),
        items: drawn.items,
        entries: drawn.entries,
    };
    Ok(Closing { breaks, facts })
}

fn sealed_month(sealed: &Sealed<'_>) -> Option<SealedMonth> {
    let last = sealed.months.iter().max_by_key(|month| month.period.start)?;
    Some(SealedMonth { period: last.period.label.clone(), run: sealed.run.to_owned() })
}
