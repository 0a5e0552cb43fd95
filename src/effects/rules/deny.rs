//! A field that holds what the job denies.

use std::collections::BTreeSet;

use super::{Found, Met, shown};
use crate::effects::Finding;
use crate::frames::Field;

/// Every transaction of this period with a row whose field holds one of the values, letter case and surrounding
/// blanks aside.
pub(super) fn find(mut found: Found<'_>, field: Field, values: &[String]) -> Vec<Finding> {
    let denied: BTreeSet<String> = values.iter().map(|value| folded(value)).collect();
    let rows = found.rows;
    for transaction in rows.transactions() {
        let hits = rows.rows_of(transaction).iter().copied().filter(|row| rows.is_current(*row));
        let hits = hits.filter(|row| rows.text(field, *row).is_some_and(|text| denied.contains(&folded(text))));
        let own: Vec<u32> = hits.collect();
        let Some(text) = own.first().and_then(|row| rows.text(field, *row)) else { continue };
        let (amount_minor, currency) = found.at_risk(transaction);
        let detail = format!("{} {} is on the deny list", field.name(), shown(text.trim()));
        found.add(Met { transaction, amount_minor, currency, detail }, &own, std::iter::empty());
    }
    found.findings
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}
