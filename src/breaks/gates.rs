//! Declared limits: beyond one of them a finished run ends with 10.

use serde::{Deserialize, Serialize};

use super::Breaks;
use crate::job::Gates;
use crate::money::{exponent, format_minor};

/// One declared gate and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFacts {
    /// `max_breaks`, `max_break_amount USD`
    pub gate: String,
    pub limit: String,
    pub found: String,
    pub breached: bool,
}

/// Holds the open breaks against the job's gates; one entry a declared gate.
pub fn check(gates: &Gates, breaks: &Breaks) -> Vec<GateFacts> {
    let mut results = Vec::new();
    if let Some(most) = gates.max_breaks {
        let found = breaks.statuses().filter(|status| status.is_open()).count() as u64;
        results.push(GateFacts {
            gate: "max_breaks".to_owned(),
            limit: most.to_string(),
            found: found.to_string(),
            breached: found > most,
        });
    }
    for (currency, most_minor) in &gates.max_break_amount_minor {
        let mine = breaks.heads().filter(|found| found.is_open() && found.currency == *currency);
        let found_minor: i128 = mine.map(|found| i128::from(found.at_risk_minor)).sum();
        let decimals = exponent(currency).unwrap_or(2);
        results.push(GateFacts {
            gate: format!("max_break_amount {currency}"),
            limit: format_minor(i128::from(*most_minor), decimals),
            found: format_minor(found_minor, decimals),
            breached: found_minor > i128::from(*most_minor),
        });
    }
    results
}
