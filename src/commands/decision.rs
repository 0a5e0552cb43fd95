//! What a person has decided about effects, in words.

use std::collections::{BTreeMap, BTreeSet};

use crate::effects::Standing;
use crate::effects::words::state_name_words;
use crate::money;
use crate::output::visible;

/// `2 audits and 1 fraud marker, at risk USD 12.50 and JPY 500`
pub(super) fn counted(standings: &[Standing]) -> String {
    let mut kinds = BTreeMap::<_, u64>::new();
    let mut amounts = BTreeMap::<&str, i128>::new();
    for standing in standings {
        *kinds.entry(standing.effect.kind()).or_default() += 1;
        // Of what a job sends nothing is at risk.
        if standing.effect.currency.is_empty() {
            continue;
        }
        *amounts.entry(&standing.effect.currency).or_default() += i128::from(standing.effect.at_risk_minor);
    }
    let kinds = kinds.into_iter().map(|(kind, count)| {
        let (one, many) = (kind.words(1), kind.words(2));
        format!("{count} {}", if count == 1 { one } else { many })
    });
    let amounts: Vec<String> = amounts
        .into_iter()
        .map(|(currency, minor)| {
            format!("{} {}", visible(currency), money::format_minor(minor, money::exponent(currency).unwrap_or(2)))
        })
        .collect();
    let listed = |parts: Vec<String>| match parts.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        parts => parts.concat(),
    };
    let kinds = listed(kinds.collect());
    if amounts.is_empty() { kinds } else { format!("{kinds}, at risk {}", listed(amounts)) }
}

/// What sends or plans anew, one command for each job and period among the effects.
pub(super) fn next_runs(standings: &[Standing], sandbox: bool) -> String {
    let pairs: BTreeSet<(&str, &str)> =
        standings.iter().map(|standing| (standing.effect.job.as_str(), standing.effect.period.as_str())).collect();
    let flag = if sandbox { " --sandbox" } else { "" };
    let commands = pairs.iter().map(|(job, period)| format!("`tieout run {job} --period {period}{flag}`"));
    commands.collect::<Vec<_>>().join(", ")
}

/// `2 in doubt, 1 waiting for approval`, the most urgent first.
pub(super) fn states_counted(standings: &[Standing]) -> String {
    let count = |state| standings.iter().filter(|standing| standing.state == state).count();
    let states = crate::effects::words::BY_URGENCY.into_iter().map(|state| (count(state), state));
    let words =
        states.filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {}", state_name_words(state)));
    words.collect::<Vec<_>>().join(", ")
}
