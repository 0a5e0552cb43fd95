//! `samples/README.md`: the words are a template, the tables come from the days.

use std::fmt::Write;

use super::core;
use super::days::{Day, Plan};
use super::month::Month;
use super::shipped::quiet_word;
use super::stories::Outcome;
use super::suspicious::Suspicion;

const TEMPLATE: &str = include_str!("readme.md");

/// The whole page.
pub(crate) fn text(days: &[(Plan, Day)], month: &Month) -> String {
    let mut tables = String::new();
    for (plan, day) in days {
        section(&mut tables, plan, day).expect("a String takes all text");
    }
    let mut closed = String::new();
    of_month(&mut closed, month).expect("a String takes all text");
    TEMPLATE.replace("{{days}}\n", &tables).replace("{{month}}\n", &closed)
}

fn of_month(out: &mut String, month: &Month) -> std::fmt::Result {
    let kind = |outcome: &Outcome| outcome.what.found().map(|(kind, _)| kind);
    let breaks: Vec<_> = month.outcomes.iter().filter_map(|found| Some((found, kind(found)?))).collect();
    table(out, ["Break of `rewards-monthly`", "Key", "What happened"], &breaks)
}

fn section(out: &mut String, plan: &Plan, day: &Day) -> std::fmt::Result {
    writeln!(out, "\n## {}\n\n{}", plan.date, plan.words)?;
    writeln!(
        out,
        "\nRows: {} in the file, {} in the ledger, {} in the webhook log, {} in the export of core banking.",
        day.file.len(),
        day.ledger.len(),
        day.notices.len(),
        day.core.len()
    )?;
    let kind = |outcome: &Outcome| outcome.what.found().map(|(kind, _)| kind);
    if plan.file_sent_after.is_some() {
        let breaks: Vec<_> = day.outcomes.iter().filter_map(|found| Some((found, kind(found)?))).collect();
        table(out, ["Break", "Key", "What happened"], &breaks)?;
        let quiet: Vec<_> = day.outcomes.iter().filter_map(|found| Some((found, quiet_word(found.what)?))).collect();
        table(out, ["No break, but", "Key", "Why"], &quiet)?;
    }
    if !day.suspicions.is_empty() {
        writeln!(out, "\n| Suspicious | Keys | What happened |\n|---|---|---|")?;
        for Suspicion { what, keys, why } in &day.suspicions {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            writeln!(out, "| {what} | {} | {why} |", keys.join(" "))?;
        }
    }
    let of_core = core::outcomes(plan, day);
    let breaks: Vec<_> = of_core.iter().filter_map(|found| Some((found, kind(found)?))).collect();
    if breaks.is_empty() {
        return writeln!(out, "\n`core-daily` finds no break.");
    }
    table(out, ["Break of `core-daily`", "Key", "What happened"], &breaks)
}

fn table(out: &mut String, header: [&str; 3], rows: &[(&Outcome, &str)]) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| {} |\n|---|---|---|", header.join(" | "))?;
    for (outcome, word) in rows {
        writeln!(out, "| {word} | `{}` | {} |", outcome.key, outcome.why)?;
    }
    Ok(())
}
