//! What the report's words mean, for a reader who has only the report; and what identifies a run.

use chrono::{DateTime, Utc};

use super::facts::Facts;

/// Terms of the report and their meaning. The kinds of breaks explain themselves.
pub(super) const TERMS: [(&str, &str); 15] = [
    (
        "file, ledger, webhooks",
        "The sides: the provider's file, our books, and the log of the provider's notifications.",
    ),
    ("tie-out", "The proof that one side's total, plus every explained line, is the other side's total."),
    ("unexplained", "What the lines leave over; anything but zero is a fault of the program, never of the data."),
    ("break", "A discrepancy between sides that should agree. Its id stays the same in every run."),
    ("at risk", "What may be lost or owed because of a break; never negative."),
    ("difference", "The first side that states the amount less the second, in the order file, ledger, webhooks."),
    ("matched", "Rows that the key brings together on the sides of the comparison and that agree."),
    ("suggested", "Paired by a weaker rule because the keys differ: counted as matched, to be reviewed."),
    ("expected", "On one side only, but the other side is not yet due: no break."),
    ("quarantined", "A row that could not be read; it is kept with its place and the reason."),
    ("excluded", "A row that can be read and takes no part in the comparison, for a stated reason."),
    ("key", "What the sides are compared by: for card transactions, the transaction id."),
    ("age", "Whole days from the item's time to the end of the period."),
    ("grace", "How long after an item's time its counterpart may still come."),
    ("gate", "A limit that the job declares; a run beyond it ends with exit code 10."),
];

/// `2025-03-19, from 2025-03-19 00:00 UTC up to 2025-03-20 00:00 UTC`
pub(super) fn period_in_words(facts: &Facts) -> String {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M UTC").to_string();
    let period = &facts.period;
    format!("{}, from {} up to {}", period.label, time(period.start), time(period.end))
}

/// What identifies the run, the period, the job and the program: name and value.
pub(super) fn run_lines(facts: &Facts) -> Vec<(&'static str, String)> {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut lines = vec![
        ("Run", facts.run.id.clone()),
        ("Run time", time(facts.run.run_time)),
        ("Period", format!("{} in {}", facts.period.label, facts.period.timezone)),
        ("From (included)", time(facts.period.start)),
        ("To (excluded)", time(facts.period.end)),
        ("Job file", facts.job.path.clone()),
        ("Job SHA-256", facts.job.sha256.clone()),
        ("Program", format!("tieout {}", facts.program.version)),
        ("Commit", facts.program.commit.clone()),
    ];
    if let Some(note) = &facts.run.note {
        lines.push(("Note", note.clone()));
    }
    if facts.run.sandbox {
        lines.push(("Provider", "the built-in sandbox, not the provider itself".to_owned()));
    }
    lines
}
