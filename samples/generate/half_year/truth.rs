//! What must be found, and what Kard owes at each month's end: told from the stories alone.

use std::collections::BTreeMap;

use super::months::{CLOSED, Month};
use super::tale::{Label, Tale};

/// One row a break, and one for each purchase that waits for its counterpart.
///
/// # Errors
/// Only when memory cannot be written to.
pub(super) fn labels(labels: &[Label]) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["job", "period", "kind", "key", "currency", "measure", "at_risk_minor", "cleared_by", "why"])?;
    for label in labels {
        csv.write_record([
            label.job,
            &label.period,
            label.kind,
            &label.key,
            label.currency,
            label.measure,
            &label.at_risk.to_string(),
            label.cleared_by.as_deref().unwrap_or_default(),
            &label.why,
        ])?;
    }
    Ok(csv.into_inner()?)
}

/// Items, commission and reward.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    items: u64,
    owed: [i64; 2],
}

impl Sum {
    fn add(&mut self, [commission, reward]: [i64; 2]) {
        self.items += 1;
        self.owed[0] += commission;
        self.owed[1] += reward;
    }
}

const LINES: [&str; 10] = [
    "opening",
    "newly_settled",
    "settled_earlier",
    "adjusted",
    "stated_again",
    "clawed_back",
    "paid",
    "closing_pending",
    "closing_dropped",
    "closing",
];

/// Each line of each closed month in each currency: all movements of the month, and what stands open before and after.
///
/// # Errors
/// Only when memory cannot be written to.
pub(super) fn receivable(tales: &[Tale]) -> anyhow::Result<Vec<u8>> {
    let mut sums: BTreeMap<(Month, &str, &str), Sum> = BTreeMap::new();
    for tale in tales {
        let currency = tale.purchase.currency();
        let mut add = |month, line, owed| sums.entry((month, currency, line)).or_default().add(owed);
        for moved in &tale.moves {
            add(moved.month, moved.line, moved.owed);
        }
        for month in CLOSED {
            let before = balance(tale, |moved| moved < month);
            let after = balance(tale, |moved| moved <= month);
            if before != [0, 0] {
                add(month, "opening", before);
            }
            if after != [0, 0] {
                let dropped = tale.dropped.contains(&month);
                add(month, if dropped { "closing_dropped" } else { "closing_pending" }, after);
                add(month, "closing", after);
            }
        }
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["month", "currency", "line", "items", "issuer_commission_minor", "user_reward_minor"])?;
    for month in CLOSED {
        for currency in ["CAD", "USD"] {
            for line in LINES {
                let Sum { items, owed: [commission, reward] } =
                    sums.get(&(month, currency, line)).copied().unwrap_or_default();
                let numbers = [items.to_string(), commission.to_string(), reward.to_string()];
                let [items, commission, reward] = &numbers;
                csv.write_record([&month.label(), currency, line, items, commission, reward])?;
            }
        }
    }
    Ok(csv.into_inner()?)
}

/// What is owed for one purchase after the movements of these months.
fn balance(tale: &Tale, counts: impl Fn(Month) -> bool) -> [i64; 2] {
    let moves = tale.moves.iter().filter(|moved| counts(moved.month));
    moves.fold([0, 0], |[commission, reward], moved| [commission + moved.owed[0], reward + moved.owed[1]])
}
