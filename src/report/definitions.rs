//! What the report's words mean, for a reader who has only the report; and what identifies a run.

use chrono::{DateTime, Utc};

use super::facts::{Facts, JobFacts, PeriodFacts, ProgramFacts, RunFacts};
use super::json::Summary;
use crate::effects::EffectKind;

/// Terms of the report and their meaning. The kinds of breaks explain themselves.
const TERMS: [(&str, &str); 15] = [
    (
        "file, ledger, webhooks",
        "The sides: the provider's file (or its answers, where it was asked), our books, and the log of the provider's \
         notifications.",
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

/// More terms, for a job that asks for audits and markers.
const AUDIT_TERMS: [(&str, &str); 3] = [
    (
        "effect",
        "One thing asked of Kard for one transaction: an audit or a fraud marker. It is asked for once, for ever.",
    ),
    ("audit", "Kard's word for a dispute about a transaction and its reward."),
    ("fraud marker", "A note to Kard that a transaction is fraudulent."),
];

/// More terms, for a job that does something to cards.
const CARD_TERMS: [(&str, &str); 4] = [
    ("effect", "One order to the provider about one card: the exact call is what a person approves."),
    (
        "card change",
        "Limit and days of validity become those of our books. The same change is asked for once, for ever.",
    ),
    ("card closure", "The card can be used no more."),
    ("card top-up", "Money is put on the card; an order is paid once, for ever."),
];

/// More terms, for either.
const EFFECT_TERMS: [(&str, &str); 2] = [
    (
        "in doubt",
        "It was sent, and no reply says whether the provider has it. It is not sent again until news or a person decides.",
    ),
    ("known from before", "Wanted again, but asked for by an earlier run already: it is not asked for twice."),
];

/// Terms of a job that closes months.
const MONTH_TERMS: [(&str, &str); 6] = [
    (
        "receivable",
        "What Kard owes: issuer commissions and user rewards of settled transactions that are not paid yet.",
    ),
    ("newly settled", "Settled in the month; what settled before and no file has told of stands on a line of its own."),
    ("dropped", "Pending in one monthly file, and in the next one neither pending nor paid: it stays claimed."),
    ("past terms", "Unpaid for more days than the merchant has to pay."),
    ("roll-forward", "The daily files of the month held against the month's file, item by item, and the reverse."),
    (
        "at risk, of the month",
        "Commission and reward of an item together, under the name of the larger; its amount where no file states either.",
    ),
];

/// Terms of a job that sends, beside the general ones.
const SENDING_TERMS: [(&str, &str); 8] = [
    (
        "source, accepted by Kard",
        "The totals of sending: what was read, and of it what Kard has taken and not refused.",
    ),
    ("sealed", "Rows as they were made for Kard: written, closed and digested before anything was sent."),
    ("parcel", "A bulk file, or the rows of one call; its name and its SHA-256 say exactly what is in it."),
    ("event id", "The id that a row has at Kard: the same row has the same id, however often it is sent."),
    ("effect", "One thing that is done at Kard: a parcel is sent, an upload session is opened or completed."),
    ("confirmed", "Kard has told in a notification that it has read the file."),
    (
        "in doubt",
        "It was sent, and nobody here knows what Kard has of it. It is not sent again until news or a person decides.",
    ),
    ("quarantined", "A row that does not fit what Kard publishes: it is kept with its place and the reason, not sent."),
];

/// Of the general terms, those that mean nothing to a job that sends, or something else.
const NOT_OF_SENDING: [&str; 9] =
    ["file, ledger, webhooks", "difference", "matched", "suggested", "quarantined", "excluded", "key", "age", "grace"];

/// Terms and their meaning, as far as the report uses them.
pub(super) fn terms(facts: &Facts) -> impl Iterator<Item = (&'static str, &'static str)> {
    let asked = facts.effects.as_ref().map(|effects| Asked::of(effects.planned.iter().map(|one| one.effect.kind())));
    terms_of(facts.is_sending(), asked, facts.month.is_some())
}

/// The same for a summary as read.
pub(super) fn terms_of_summary(summary: &Summary) -> impl Iterator<Item = (&'static str, &'static str)> {
    let asked = summary.effects.as_ref().map(|effects| Asked::of(effects.counts.iter().map(|one| one.kind)));
    terms_of(summary.is_sending(), asked, summary.month.is_some())
}

/// What a job asks of the provider.
enum Asked {
    AuditsAndMarkers,
    Cards,
}

impl Asked {
    fn of(mut planned: impl Iterator<Item = EffectKind>) -> Self {
        if planned.any(|kind| kind.operation().is_some()) { Self::Cards } else { Self::AuditsAndMarkers }
    }
}

fn terms_of(sends: bool, asked: Option<Asked>, has_month: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let general = TERMS.into_iter().filter(move |(term, _)| !sends || !NOT_OF_SENDING.contains(term));
    let own: &[_] = match asked.filter(|_| !sends) {
        None => &[],
        Some(Asked::AuditsAndMarkers) => &AUDIT_TERMS,
        Some(Asked::Cards) => &CARD_TERMS,
    };
    let both: &[_] = if own.is_empty() { &[] } else { &EFFECT_TERMS };
    let of_effects = own.iter().chain(both).copied();
    let of_months = MONTH_TERMS.into_iter().filter(move |_| has_month);
    general.chain(of_effects).chain(of_months).chain(SENDING_TERMS.into_iter().filter(move |_| sends))
}

/// `2025-03-19, from 2025-03-19 00:00 UTC up to 2025-03-20 00:00 UTC`
pub(super) fn period_in_words(facts: &Facts) -> String {
    interval_in_words(&facts.period)
}

/// The same of a period alone.
pub(super) fn interval_in_words(period: &PeriodFacts) -> String {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M UTC").to_string();
    format!("{}, from {} up to {}", period.label, time(period.start), time(period.end))
}

/// What identifies the run, the period, the job and the program: name and value.
pub(super) fn run_lines(facts: &Facts) -> Vec<(&'static str, String)> {
    lines_of(&facts.run, &facts.period, &facts.job, &facts.program)
}

/// The same for a summary as read.
pub(super) fn run_lines_of_summary(summary: &Summary) -> Vec<(&'static str, String)> {
    lines_of(&summary.run, &summary.period, &summary.job, &summary.program)
}

fn lines_of(
    run: &RunFacts,
    period: &PeriodFacts,
    job: &JobFacts,
    program: &ProgramFacts,
) -> Vec<(&'static str, String)> {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut lines = vec![
        ("Run", run.id.clone()),
        ("Run time", time(run.run_time)),
        ("Period", format!("{} in {}", period.label, period.timezone)),
        ("From (included)", time(period.start)),
        ("To (excluded)", time(period.end)),
        ("Job file", job.path.clone()),
        ("Job SHA-256", job.sha256.clone()),
        ("Program", format!("tieout {}", program.version)),
        ("Commit", program.commit.clone()),
    ];
    if let Some(note) = &run.note {
        lines.push(("Note", note.clone()));
    }
    if run.sandbox {
        lines.push(("Provider", "the built-in sandbox, not the provider itself".to_owned()));
    }
    lines
}
