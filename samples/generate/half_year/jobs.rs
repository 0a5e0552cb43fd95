//! The jobs of the half year: the shipped ones, with a currency that the files state, terms of two merchants, carried
//! items, and gates that do not close.

use super::tale::{NET_60, NET_90};

const DAILY: &str = include_str!("../../../jobs/rewards-daily.yaml");
const MONTHLY: &str = include_str!("../../../jobs/rewards-monthly.yaml");

/// # Errors
/// When the shipped job no longer holds a line that is changed here.
pub(super) fn daily() -> anyhow::Result<String> {
    let mut text = with_currency(DAILY, "preset: kard-rewards", "attributes.currencyCode")?;
    text = with_currency(&text, "preset: kard-notifications", "data.attributes.currencyCode")?;
    // Where a job says nothing of it, its own default may be another.
    if !text.lines().any(|line| line.starts_with("carry:")) {
        text = after(&text, "grace: ", "carry: 31")?;
    }
    open_gates(&text)
}

/// # Errors
/// As [`daily`].
pub(super) fn monthly() -> anyhow::Result<String> {
    let mut text = with_currency(MONTHLY, "preset: kard-monthly", "currencyCode")?;
    text = with_currency(&text, "preset: kard-notifications", "data.attributes.currencyCode")?;
    text =
        instead(&text, "  terms: ", &format!("  terms: {{default: 30, merchants: {{{NET_60}: 60, {NET_90}: 90}}}}"))?;
    open_gates(&text)
}

fn with_currency(text: &str, preset: &str, path: &str) -> anyhow::Result<String> {
    after(text, &format!("    {preset}"), &format!("    columns: {{currency: {path}}}"))
}

fn open_gates(text: &str) -> anyhow::Result<String> {
    instead(text, "gates: ", "gates: {max_breaks: 1000}")
}

/// Adds a line after the one that begins like this.
fn after(text: &str, begins: &str, line: &str) -> anyhow::Result<String> {
    changed(text, begins, |found| format!("{found}\n{line}"))
}

fn instead(text: &str, begins: &str, line: &str) -> anyhow::Result<String> {
    changed(text, begins, |_| line.to_owned())
}

fn changed(text: &str, begins: &str, change: impl Fn(&str) -> String) -> anyhow::Result<String> {
    let found = text.lines().filter(|line| line.starts_with(begins)).count();
    anyhow::ensure!(found == 1, "a shipped job has {found} lines that begin with `{begins}`; expected one");
    let lines = text.lines().map(|line| if line.starts_with(begins) { change(line) } else { line.to_owned() });
    Ok(lines.map(|line| line + "\n").collect())
}
