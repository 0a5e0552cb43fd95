//! The export of the issuer's core banking: what Kard's settled file holds, booked alike, in a
//! document that states its own totals.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::days::{Day, Plan};
use super::rows::FileRow;
use super::shipped::file_name;
use super::stories::{Outcome, What};
use super::world::Purchase;

/// One item of the export.
#[derive(Debug, Clone)]
pub(crate) struct CoreItem {
    pub(crate) purchase: Purchase,
}

impl From<&FileRow> for CoreItem {
    fn from(row: &FileRow) -> Self {
        Self { purchase: row.purchase.clone() }
    }
}

impl CoreItem {
    /// One object, on one line, without a line end.
    fn json(&self) -> String {
        let Purchase { key, user, last_four, amount, at, .. } = &self.purchase;
        format!(
            concat!(
                r#"{{"id":"{key}","user":"{user}","card":"{last_four}","cents":{amount},"#,
                r#""currency":"USD","state":"posted","at":"{at}"}}"#
            ),
            key = key,
            user = user,
            last_four = last_four,
            amount = amount,
            at = at,
        )
    }
}

fn core_name(date: NaiveDate) -> String {
    format!("core-{date}.json")
}

/// The whole export: its totals, then one item a line.
pub(crate) fn text(plan: &Plan, day: &Day) -> Vec<u8> {
    let items: Vec<String> = day.core.iter().map(CoreItem::json).collect();
    let (count, total) = (items.len(), sum(&day.core) - left_out(plan, day));
    let items = items.join(",\n");
    format!("{{\"meta\": {{\"count\": {count}, \"total\": {total}}}, \"items\": [\n{items}\n]}}\n").into_bytes()
}

fn sum(items: &[CoreItem]) -> i64 {
    items.iter().map(|item| item.purchase.amount).sum()
}

/// What the stated total lacks: nothing, or the last item's amount.
fn left_out(plan: &Plan, day: &Day) -> i64 {
    if plan.core_total_wrong { day.core.last().map_or(0, |item| item.purchase.amount) } else { 0 }
}

/// What a run of `core-daily` must find: Kard's file and the export agree row by row, so it is about
/// files as a whole, or about a key on which both contradict themselves in the same way.
pub(crate) fn outcomes(plan: &Plan, day: &Day) -> Vec<Outcome> {
    let contradicts = |key: &str| {
        let rows = day.core.iter().filter(|item| item.purchase.key == key);
        rows.map(|item| &item.purchase.user).collect::<BTreeSet<_>>().len() > 1
    };
    let of_both = |outcome: &Outcome| match outcome.what {
        // What is about a file has no measure.
        What::Break(_, "") => Some(outcome.clone()),
        What::Break("conflicting_rows", _) if contradicts(&outcome.key) => {
            let why = format!("{} The export says the same.", outcome.why);
            Some(Outcome { why, ..outcome.clone() })
        }
        _ => None,
    };
    let mut found: Vec<Outcome> = day.outcomes.iter().filter_map(of_both).collect();
    let mut about_file =
        |key: String, kind: &'static str, why: String| found.push(Outcome { key, what: What::Break(kind, ""), why });
    if plan.core_total_wrong {
        let (stated, made) = (sum(&day.core) - left_out(plan, day), sum(&day.core));
        let why = format!("Its meta.total is {stated} cents, its items make {made}: the last one is not in the total.");
        about_file(core_name(plan.date), "control_total", why);
    }
    if plan.file_sent_after.is_none() {
        let name = file_name(plan.date, "");
        let wanted = name.trim_end_matches(".json");
        let key = format!("kard earnedRewardSettledDailyReconciliationFile {wanted}");
        let why = "Kard does not list the day's file yet; the job goes on, and what waits for the file is expected.";
        about_file(key, "file_missing", why.to_owned());
    }
    found
}
