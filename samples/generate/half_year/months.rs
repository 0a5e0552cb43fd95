//! The months of the half year, and when Kard sends the file of each.

use chrono::{Datelike, NaiveDate};

use super::super::world::{DAY, HOUR, MINUTE, Moment};

/// A month, counted from December 2024, which is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(pub(super) u32);

/// The month before the half year: it holds what January opens with.
pub(super) const DECEMBER: Month = Month(0);

/// The months that are closed.
pub(super) const CLOSED: [Month; 6] = [Month(1), Month(2), Month(3), Month(4), Month(5), Month(6)];

/// Days of the following month on which the file of each is due, December's first: the 15th, or the next business day.
/// The 15th of February is a Saturday before a holiday on Monday, that of March a Saturday, that of June a Sunday.
const DUE: [u32; 7] = [15, 18, 17, 15, 15, 16, 15];

/// Their files come half an hour after they are due.
pub(super) const LATE: [Month; 2] = [Month(3), Month(5)];

impl Month {
    pub(super) fn of(date: NaiveDate) -> Self {
        if date.year() == 2024 { DECEMBER } else { Self(date.month()) }
    }

    pub(super) fn date(self, day: u32) -> NaiveDate {
        let date = match self {
            DECEMBER => NaiveDate::from_ymd_opt(2024, 12, day),
            Self(month) => NaiveDate::from_ymd_opt(2025, month, day),
        };
        date.expect("callers give days that the month has")
    }

    pub(super) fn last_day(self) -> NaiveDate {
        self.plus(1).date(1).pred_opt().expect("a day of this century")
    }

    pub(super) const fn plus(self, months: u32) -> Self {
        Self(self.0 + months)
    }

    /// Whether the half year has it, or what it opens with.
    pub(super) const fn is_told(self) -> bool {
        self.0 <= 6
    }

    /// `2025-03`
    pub(super) fn label(self) -> String {
        self.date(1).format("%Y-%m").to_string()
    }

    /// `2503`
    pub(super) fn yymm(self) -> String {
        self.date(1).format("%y%m").to_string()
    }

    /// When the file is sent: a minute before 17:00 of New York on the day on which it is due, or 29 minutes after.
    /// That is 22:00 UTC, and from the 9th of March 21:00.
    pub(super) fn sent_at(self) -> Moment {
        let day = self.plus(1).date(DUE[self.0 as usize]);
        let summer = day >= Month(3).date(9);
        let due = Moment::start_of(day).plus(if summer { 21 * HOUR } else { 22 * HOUR });
        due.plus(if LATE.contains(&self) { 29 * MINUTE } else { -MINUTE })
    }

    /// When Kard pays what the file of the month states as paid: the day before the fifteenth.
    pub(super) fn paid_at(self) -> Moment {
        Moment::start_of(self.plus(1).date(13)).plus(DAY)
    }
}
