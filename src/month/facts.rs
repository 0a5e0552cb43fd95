//! What the close of a month found: plain data, complete, the same for every rendering.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::job::Payout;

/// A closed month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthFacts {
    /// The month before, where it is sealed: the opening balance is its closing one as it was signed off.
    pub sealed: Option<SealedMonth>,
    pub payout: Payout,
    /// Upper ends of the ageing buckets in days, ascending.
    pub buckets: Vec<u32>,
    /// Whether the month's own file is there; without it everything is carried forward as it was.
    pub file_is_there: bool,
    /// The earliest month whose file is known: what it holds of months before it is first stated there.
    pub known_from: Option<String>,
    /// Months from then on that have no file, the closed one included.
    pub without_file: Vec<String>,
    /// By currency.
    pub receivable: Vec<Receivable>,
    /// Rows of the month's file that are in no line, by reason and currency.
    pub left_out: Vec<LeftOut>,
    /// By currency.
    pub fronted: Vec<Fronted>,
    /// None where the job names no daily job.
    pub roll_forward: Option<RollForward>,
    /// By currency, and within one by bucket; all of the closing balance.
    pub ageing: Vec<Ageing>,
    /// The names of the files that [`Place`]s point to.
    pub files: Vec<String>,
    /// Every transaction behind the receivable, in order of its text.
    pub items: Vec<Item>,
    /// The items of each line of the receivable, in the order of `items` and within one of [`Line`].
    pub entries: Vec<Entry>,
}

/// A month that a person has signed off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedMonth {
    /// The label.
    pub period: String,
    /// The sealed attempt, as `JOB/PERIOD/ATTEMPT`.
    pub run: String,
}

/// What is owed, in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Owed {
    pub issuer_commission_minor: i128,
    pub user_reward_minor: i128,
}

impl Owed {
    /// Commission and reward.
    pub const fn total_minor(self) -> i128 {
        self.issuer_commission_minor + self.user_reward_minor
    }

    pub const fn is_zero(self) -> bool {
        self.issuer_commission_minor == 0 && self.user_reward_minor == 0
    }
}

impl std::ops::AddAssign for Owed {
    fn add_assign(&mut self, other: Self) {
        self.issuer_commission_minor += other.issuer_commission_minor;
        self.user_reward_minor += other.user_reward_minor;
    }
}

impl std::ops::Sub for Owed {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            issuer_commission_minor: self.issuer_commission_minor - other.issuer_commission_minor,
            user_reward_minor: self.user_reward_minor - other.user_reward_minor,
        }
    }
}

/// A line of the receivable: opening, then what adds up to the closing balance, then what that is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// What the months before left owed; where the month before is sealed, what it said then.
    Opening,
    /// What the files of a sealed month say otherwise since. Only where the month before is sealed.
    AdjustedAfterSeal,
    /// Settled in the month, or at no stated time.
    NewlySettled,
    /// Settled before the month, and in no file before this one.
    SettledEarlier,
    /// Another amount than the files before stated.
    Adjusted,
    /// Stated again although it was paid; negative where such a statement is gone again.
    StatedAgain,
    /// Gone from the file, and a clawback notice says why. Negative.
    ClawedBack,
    /// Negative.
    Paid,
    /// Of the closing balance: stands as pending in the last file.
    Pending,
    /// Of the closing balance: dropped from the files without being paid, and still claimed.
    Dropped,
}

impl Line {
    pub const ALL: [Self; 10] = [
        Self::Opening,
        Self::AdjustedAfterSeal,
        Self::NewlySettled,
        Self::SettledEarlier,
        Self::Adjusted,
        Self::StatedAgain,
        Self::ClawedBack,
        Self::Paid,
        Self::Pending,
        Self::Dropped,
    ];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::AdjustedAfterSeal => "adjusted_after_seal",
            Self::NewlySettled => "newly_settled",
            Self::SettledEarlier => "settled_earlier",
            Self::Adjusted => "adjusted",
            Self::StatedAgain => "stated_again",
            Self::ClawedBack => "clawed_back",
            Self::Paid => "paid",
            Self::Pending => "closing_pending",
            Self::Dropped => "closing_dropped",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Opening => "Opening balance",
            Self::AdjustedAfterSeal => "Adjusted after seal: what earlier files say otherwise since",
            Self::NewlySettled => "Newly settled",
            Self::SettledEarlier => "Settled earlier, first stated now",
            Self::Adjusted => "Adjustments: stated with another amount",
            Self::StatedAgain => "Stated again after it was paid",
            Self::ClawedBack => "Clawbacks",
            Self::Paid => "Paid",
            Self::Pending => "of it pending in the file",
            Self::Dropped => "of it dropped from the file, still claimed",
        }
    }

    /// Whether it is a part of the closing balance rather than a step on the way to it.
    pub const fn is_of_closing(self) -> bool {
        matches!(self, Self::Pending | Self::Dropped)
    }
}

/// What Kard owes the issuer in one currency: opening + lines = closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receivable {
    /// ISO 4217
    pub currency: String,
    /// All of [`Line::ALL`], in that order.
    pub lines: Vec<LineFacts>,
    /// Items and sum of what is owed at the end.
    pub closing_items: u64,
    pub closing: Owed,
    /// opening + lines − closing: zero, or the run is a bug.
    pub residual: Owed,
}

impl Receivable {
    /// One of its lines.
    pub fn line(&self, line: Line) -> LineFacts {
        self.lines[line as usize]
    }
}

/// One line of a receivable: the items behind it are the [`Entry`]s of its line and currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFacts {
    pub line: Line,
    pub items: u64,
    pub owed: Owed,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Index into [`MonthFacts::files`].
    pub file: u32,
    /// See [`crate::frames::schema::Line`].
    pub line: u64,
}

/// One transaction of the receivable, with the rows behind its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub transaction: Box<str>,
    /// UTC
    pub settled_at: Option<DateTime<Utc>>,
    /// The row of the month's file.
    pub now: Option<Place>,
    /// The row of the last file before that states it.
    pub before: Option<Place>,
    /// The row of the sealed files that states it as owed; none where the month before is not sealed, or owed nothing.
    pub sealed: Option<Place>,
    /// The row of the file that first paid it, where it is stated again.
    pub paid: Option<Place>,
}

/// The part of one item in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Index into [`MonthFacts::items`].
    pub item: u32,
    pub line: Line,
    /// Index into [`MonthFacts::receivable`].
    pub currency: u32,
    /// With the sign that it has in the line; minor units.
    pub issuer_commission_minor: i64,
    pub user_reward_minor: i64,
}

/// Rows of the month's file that are in no line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub reason: LeftOutReason,
    pub currency: String,
    pub rows: u64,
    pub owed: Owed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// The transaction stands in the file before it, with the same amounts and payment status.
    Repeated,
    /// The same, but it says something else: the first one counts.
    Conflicting,
    /// The file holds settled transactions only, and this row's status is another one.
    NotSettled,
}

impl LeftOutReason {
    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Conflicting => "conflicting",
            Self::NotSettled => "not_settled",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Repeated => "repeated rows, counted once",
            Self::Conflicting => "rows that contradict the first one of their transaction",
            Self::NotSettled => "rows that are not settled",
        }
    }
}

/// What the two ways of paying users mean for the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fronted {
    pub currency: String,
    pub items: u64,
    /// [`Payout::AtOnce`]: rewards paid to users and not yet reimbursed, the user rewards of the closing balance.
    /// [`Payout::Withheld`]: rewards to be passed on, the user rewards of what was paid this month.
    pub user_reward_minor: i128,
}

/// The days held against the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollForward {
    /// The daily job.
    pub dailies: String,
    /// Days without a finished run.
    pub days_missing: u64,
    /// A line a day and currency, in order of the day.
    pub days: Vec<DayLine>,
    /// By currency; their `day` is empty.
    pub totals: Vec<DayLine>,
    /// Newly settled in the month, and in no daily file although the file of its day is there; by currency.
    pub not_in_dailies: Vec<CountedIn>,
    /// Newly settled in the month, in no daily file, and none to be expected: on a day whose file is not there, at no
    /// stated time, or so late that the next month's first file may have it; by currency.
    pub not_compared: Vec<CountedIn>,
}

/// One day in one currency. `items` = `in_month` + `missing` + `clawed_back` + `waiting`; `restated` are among those in the
/// month.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DayLine {
    /// `2025-03-19`
    pub day: String,
    /// Empty for a day without a file, or without a row.
    pub currency: String,
    /// Whether the day has a file.
    pub is_there: bool,
    /// Settled rows of the file.
    pub rows: u64,
    /// Of these, rows of a transaction that another row of the days states: the last day's first row counts. Parts of
    /// one purchase in one file are no repeats: together they are one item.
    pub repeated_rows: u64,
    pub items: Counted,
    /// In the month's file, or paid in an earlier one.
    pub in_month: Counted,
    /// In no file of the month: it is a break, or held pending by an earlier month and dropped.
    pub missing: Counted,
    /// Not in the month's file, and a clawback notice says why.
    pub clawed_back: Counted,
    /// Not due in the month's file: settled after the month, or that file is not there.
    pub waiting: Counted,
    /// With another amount in the month than in the days. The sum is that of the month less that of the days.
    pub restated: Counted,
}

/// Items and their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    pub items: u64,
    pub owed: Owed,
}

/// Items and their sum in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedIn {
    pub currency: String,
    pub items: u64,
    pub owed: Owed,
}

/// One ageing bucket in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ageing {
    pub currency: String,
    /// Days from settlement to the month's end: from here on,
    pub from_days: u32,
    /// up to here; none for the last bucket.
    pub to_days: Option<u32>,
    pub items: u64,
    pub owed: Owed,
    /// Of these, past the merchant's terms.
    pub past_terms_items: u64,
    pub past_terms: Owed,
}
