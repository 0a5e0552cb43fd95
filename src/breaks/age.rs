//! How old a break is, in business days.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

/// Monday to Friday.
pub fn is_weekday(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The business days after one day, up to and with another; none where that is no later.
pub fn business_days(after: NaiveDate, until: NaiveDate, is_business_day: impl Fn(NaiveDate) -> bool) -> i64 {
    let days = after.iter_days().skip(1).take_while(|day| *day <= until);
    i64::try_from(days.filter(|day| is_business_day(*day)).count()).unwrap_or(i64::MAX)
}

/// The last calendar day of the period that a label names: `2025-03-19`, or `2025-03`.
pub fn last_day(label: &str) -> Option<NaiveDate> {
    if let Ok(day) = label.parse() {
        return Some(day);
    }
    let first: NaiveDate = format!("{label}-01").parse().ok()?;
    first.checked_add_months(Months::new(1))?.checked_sub_days(Days::new(1))
}
