//! The legal public holidays of the United States by rule: 5 U.S.C. 6103.

use chrono::{Datelike, NaiveDate, Weekday};

/// A holiday as it falls on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Observed {
    name: &'static str,
    /// Kept on this day in lieu of a Saturday or a Sunday.
    in_lieu: bool,
}

impl std::fmt::Display for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        if self.in_lieu { f.write_str(" (observed)") } else { Ok(()) }
    }
}

/// The holiday of a day. One on a Saturday is also kept on the Friday before, one on a Sunday on the Monday after
/// (6103(b); Executive Order 11582).
pub(super) fn observed(day: NaiveDate) -> Option<Observed> {
    let proper = by_date(day).or_else(|| by_weekday(day));
    if let Some(name) = proper {
        return Some(Observed { name, in_lieu: false });
    }
    let kept_for = match day.weekday() {
        Weekday::Fri => day.succ_opt(),
        Weekday::Mon => day.pred_opt(),
        _ => None,
    };
    kept_for.and_then(by_date).map(|name| Observed { name, in_lieu: true })
}

/// Those of a fixed date.
fn by_date(day: NaiveDate) -> Option<&'static str> {
    match (day.month(), day.day()) {
        (1, 1) => Some("New Year's Day"),
        (6, 19) if day.year() >= 2021 => Some("Juneteenth National Independence Day"),
        (7, 4) => Some("Independence Day"),
        // From 1971 to 1977 it was the fourth Monday of October.
        (11, 11) if !(1971..=1977).contains(&day.year()) => Some("Veterans Day"),
        (12, 25) => Some("Christmas Day"),
        _ => None,
    }
}

/// Those that are the n-th of a weekday in their month.
fn by_weekday(day: NaiveDate) -> Option<&'static str> {
    let nth = (day.day() - 1) / 7 + 1;
    let is_last = day.day() + 7 > 31;
    match (day.month(), day.weekday(), nth) {
        (1, Weekday::Mon, 3) if day.year() >= 1986 => Some("Birthday of Martin Luther King, Jr."),
        (2, Weekday::Mon, 3) => Some("Washington's Birthday"),
        (5, Weekday::Mon, _) if is_last => Some("Memorial Day"),
        (9, Weekday::Mon, 1) => Some("Labor Day"),
        (10, Weekday::Mon, 2) => Some("Columbus Day"),
        (10, Weekday::Mon, 4) if (1971..=1977).contains(&day.year()) => Some("Veterans Day"),
        (11, Weekday::Thu, 4) => Some("Thanksgiving Day"),
        _ => None,
    }
}
