//! Breaks of whole files: missing, late, repeated, changed, or not what they say about themselves.

use std::fmt::Write as _;

use super::{Break, BreakKind, BreakStatus, id};
use crate::frames::{ControlKind, Frame, Measure, Repeat, Side, WarningKind};
use crate::job::Due;
use crate::period::Period;
use crate::sources::{Origin, RawFile};

/// A file that an earlier run of the same period read: side, name and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierFile {
    pub side: Side,
    pub name: String,
    pub sha256: String,
}

/// One break a file and kind. `earlier` are the inputs of the first finished run of the period.
pub fn of_frame(job: &str, period: &Period, due: Option<&Due>, frame: &Frame, earlier: &[EarlierFile]) -> Vec<Break> {
    let mut found = Vec::new();
    for (index, file) in frame.files.iter().enumerate() {
        if let Some(first) = frame.files[..index].iter().find(|first| first.sha256 == file.sha256) {
            let detail = format!("{} holds the same bytes as {}; counted once", file.name, first.name);
            found.push(file_break(job, BreakKind::FileDuplicate, frame.side, &file.name, detail));
        }
        for repeat in frame.repeats.iter().filter(|repeat| repeat.file as usize == index) {
            let detail = format!("{}; it takes no part in {}", repeated(frame, repeat), period.label);
            found.push(file_break(job, BreakKind::FileDuplicate, frame.side, &file.name, detail));
        }
        found.extend(late(job, period, due, frame.side, file));
        // What a provider answers is how things stand when it is asked.
        if let Origin::Dataset { .. } = &file.origin {
            continue;
        }
        // Several files may bear one name: it is enough that one of them had these bytes.
        let named = || earlier.iter().filter(|before| before.side == frame.side && before.name == file.name);
        let known = named().any(|before| before.sha256 == file.sha256);
        if let Some(before) = named().next().filter(|_| !known) {
            let detail = format!(
                "{} had other bytes in the first run of this period (sha256 {}… then, {}… now)",
                file.name,
                short(&before.sha256),
                short(&file.sha256)
            );
            found.push(file_break(job, BreakKind::FileChanged, frame.side, &file.name, detail));
        }
    }
    for total in &frame.control_mismatches {
        let name = &frame.files[total.file as usize].name;
        let what = match total.what {
            ControlKind::Rows => "rows",
            ControlKind::Amount => "minor units",
        };
        let detail = format!("{name} says {} {what}, its rows make {}", total.stated, total.found);
        found.push(file_break(job, BreakKind::ControlTotal, frame.side, name, detail));
    }
    for warning in frame.warnings.iter().filter(|warning| warning.kind == WarningKind::SchemaDrift) {
        let name = warning.file.as_deref().unwrap_or_else(|| frame.side.name());
        found.push(file_break(job, BreakKind::SchemaDrift, frame.side, name, warning.message.clone()));
    }
    one_each(found)
}

/// One break for each id: what else was found of the same kind and file joins its sentence.
fn one_each(found: Vec<Break>) -> Vec<Break> {
    let mut kept: Vec<Break> = Vec::new();
    for another in found {
        match kept.iter_mut().find(|first| first.id == another.id) {
            Some(first) if first.detail.split("; ").any(|told| told == another.detail) => {}
            Some(first) => first.detail = format!("{}; {}", first.detail, another.detail),
            None => kept.push(another),
        }
    }
    kept
}

/// The break for an input that is not there, where the job goes on without it.
/// `instead` says what is there ([`instead`]).
pub fn missing(
    job: &str,
    side: Side,
    (wanted, instead): (&str, Option<&str>),
    due: Option<&Due>,
    period: &Period,
) -> Break {
    let mut detail = format!("no {side} input for {}: {wanted}", period.label);
    if let Some(instead) = instead {
        let _ = write!(detail, "; {instead}");
    }
    if let Some(due @ Due::On(_)) = due {
        let _ = write!(detail, "; due {}", due.words(period));
    }
    file_break(job, BreakKind::FileMissing, side, wanted, detail)
}

/// What is there instead of a side's own files, in words; none where nothing is.
pub fn instead(frame: &Frame) -> Option<String> {
    let told: Vec<String> = frame.repeats.iter().map(|repeat| repeated(frame, repeat)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn repeated(frame: &Frame, repeat: &Repeat) -> String {
    let name = &frame.files[repeat.file as usize].name;
    format!("{name} holds the same bytes as {}, which was read for {}", repeat.name, repeat.period)
}

/// The break for a day of which the daily job has no finished run, or only a file that repeats an earlier day's: its
/// items are not held against the month's.
pub fn missing_day(job: &str, (day, frame): (&str, Option<&Frame>), dailies: &str) -> Break {
    let instead = frame.and_then(instead);
    let why = instead.unwrap_or_else(|| format!("{dailies} has no finished run for {day}"));
    let detail = format!("{why}: its items are not held against the month's");
    // A day is no input of the job: its name keeps it apart from a file of the same name.
    let mut found = file_break(job, BreakKind::FileMissing, Side::File, day, detail);
    found.id = id::break_id(job, found.kind.rule(), &format!("{}:{dailies}:{day}", found.kind.name()), "");
    found
}

fn late(job: &str, period: &Period, due: Option<&Due>, side: Side, file: &RawFile) -> Option<Break> {
    let Origin::Provider { sent_at, .. } = &file.origin else { return None };
    let due = due?;
    if *sent_at <= due.of(period) {
        return None;
    }
    let sent = sent_at.format("%Y-%m-%d %H:%M UTC");
    let detail = format!("{} was sent {sent}; it was due {}", file.name, due.words(period));
    Some(file_break(job, BreakKind::FileLate, side, &file.name, detail))
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

fn file_break(job: &str, kind: BreakKind, side: Side, name: &str, detail: String) -> Break {
    // One file can be late, repeated and changed at once, and serve two sides: here kind and side
    // are part of the key.
    let identity = format!("{}:{side}:{name}", kind.name());
    Break {
        id: id::break_id(job, kind.rule(), &identity, ""),
        kind,
        key: name.to_owned(),
        currency: String::new(),
        measure: Measure::TransactionAmount,
        at_risk_minor: 0,
        difference_minor: None,
        sides: [None, None, None],
        occurred_at: None,
        age_days: 0,
        status: BreakStatus::Open,
        detail,
    }
}
