//! From when on a break's age is counted.

use chrono::{Days, Months, NaiveDate};

/// The last calendar day of the period that a label names: `2025-03-19`, or `2025-03`.
pub fn last_day(label: &str) -> Option<NaiveDate> {
    if let Ok(day) = label.parse() {
        return Some(day);
    }
    let first: NaiveDate = format!("{label}-01").parse().ok()?;
    first.checked_add_months(Months::new(1))?.checked_sub_days(Days::new(1))
}
