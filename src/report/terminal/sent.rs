//! The lines that tell what was sent: sums by fate, and the first of what is not accepted.

use super::super::facts::Facts;
use super::super::sent::{FateTotal, by_fate, not_accepted, sums_in_words};
use super::super::text::counted;
use super::{fit, paint, title};
use crate::report::facts::{Fate, ParcelFacts};
use crate::text::size_in_words;

/// Kinds and fates that are summed up, and names that are told; of each one more line says how many are left.
const MOST_TOTALS: usize = 3;
const MOST_NAMES: usize = 2;

/// At most six lines; none for a job that does not send.
pub(super) fn sent(facts: &Facts, width: usize, color: bool) -> Vec<String> {
    if !facts.is_sending() {
        return Vec::new();
    }
    let mut lines = vec![title("Sent", color)];
    let totals = by_fate(facts.parcels());
    let shown = if totals.len() <= MOST_TOTALS { totals.len() } else { MOST_TOTALS - 1 };
    lines.extend(totals[..shown].iter().map(|total| fit(&total_line(total), width)));
    if shown < totals.len() {
        let parcels = totals[shown..].iter().map(|total| total.parcels).sum();
        lines.push(format!("  and {} more: see the report", counted(parcels, "parcel", "parcels")));
    }
    if totals.is_empty() {
        lines.push("  the source holds nothing to send".to_owned());
    }
    let others = not_accepted(facts.parcels());
    let named = if others.len() <= MOST_NAMES { others.len() } else { MOST_NAMES - 1 };
    lines.extend(others[..named].iter().map(|parcel| name_line(parcel, width, color)));
    if named < others.len() {
        let more = counted((others.len() - named) as u64, "more is", "more are");
        lines.push(format!("  {more} not accepted: see the report"));
    }
    lines
}

/// `2 bulk files accepted: 900,000 rows, USD 1,234.50, 86.4 MB`
fn total_line(total: &FateTotal) -> String {
    let parcels = counted(total.parcels, total.kind.words(1), total.kind.words(2));
    let mut parts = vec![counted(total.rows, "row", "rows")];
    if total.rejected_rows > 0 {
        parts.push(format!("{} of them refused", super::count(total.rejected_rows)));
    }
    let sums = sums_in_words(&total.totals_minor);
    parts.extend((!sums.is_empty()).then_some(sums));
    parts.push(size_in_words(total.bytes));
    format!("  {parcels} {}: {}", total.fate.words(), parts.join(", "))
}

fn name_line(parcel: &ParcelFacts, width: usize, color: bool) -> String {
    let line = fit(&format!("  {}: {}", parcel.fate.words(), parcel.name), width);
    match parcel.fate {
        Fate::InDoubt | Fate::Refused | Fate::Overdue => paint(&line, "1;31", color),
        _ => line,
    }
}
