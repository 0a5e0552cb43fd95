//! One input from its raw files to its frame: the stages of reading, in order.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::error::{InputError, Place};
use super::mask;
use super::normalize::{Normalizer, Written};
use super::notices::Notices;
use super::pace::{Pace, Runner};
use super::read::{self, Outcome, Reading, Sources};
use super::rows::Spread;
use super::schema::{ControlKind, ControlMismatch, Field, Frame, RejectedNotification, Repeat, Warning, WarningKind};
use super::sifted::{self, SiftedFile};
use super::signature::Verifier;
use crate::job::{Format, Input, Sign, Unit};
use crate::money;
use crate::sources::RawFile;

/// Reads the files of one input, in their order, into canonical columns. CPU bound and blocking.
///
/// With keys, notifications of a webhook log count only if their signature is right by one of them.
///
/// # Errors
/// When a file cannot be used as it is, or more rows are unreadable than the job tolerates
/// (exit code 65).
pub fn load(input: &Input, files: Vec<RawFile>, verify_keys: &[SecretString]) -> Result<Frame, InputError> {
    let spread = Spread::of_files(&input.format, &files);
    load_among(input, files, Vec::new(), verify_keys, spread)
}

/// [`load`] where some of the files repeat files of an earlier period: their rows are read and left out. `spread` says how
/// the rows are kept until they are matched.
///
/// # Errors
/// As [`load`]; and when the disk refuses rows that are more than may be held.
pub fn load_among(
    input: &Input,
    files: Vec<RawFile>,
    repeats: Vec<Repeat>,
    verify_keys: &[SecretString],
    spread: Spread,
) -> Result<Frame, InputError> {
    load_of(input, files, repeats, verify_keys, Vec::new(), spread, None)
}

/// [`load_among`] while others read the inputs that this one is compared with, at one pace.
///
/// # Errors
/// As [`load_among`].
pub fn load_beside(
    input: &Input,
    files: Vec<RawFile>,
    repeats: Vec<Repeat>,
    verify_keys: &[SecretString],
    spread: Spread,
    pace: &Pace,
) -> Result<Frame, InputError> {
    let runner = pace.runner(Spread::raw_bytes(&input.format, &files));
    load_of(input, files, repeats, verify_keys, Vec::new(), spread, Some(&runner))
}

/// [`load_among`] where a cluster has told of some files which rows need a second look: only these are kept. `sifted` has
/// one entry a file; none for a file that is read as a whole.
///
/// # Errors
/// As [`load_among`]; and when the rows of a file are not those that the cluster has seen.
pub fn load_sifted(
    input: &Input,
    files: Vec<RawFile>,
    repeats: Vec<Repeat>,
    sifted: Vec<Option<SiftedFile>>,
    spread: Spread,
) -> Result<Frame, InputError> {
    load_of(input, files, repeats, &[], sifted, spread, None)
}

fn load_of(
    input: &Input,
    files: Vec<RawFile>,
    mut repeats: Vec<Repeat>,
    verify_keys: &[SecretString],
    sifted: Vec<Option<SiftedFile>>,
    spread: Spread,
    runner: Option<&Runner>,
) -> Result<Frame, InputError> {
    let verifier = (!verify_keys.is_empty()).then(|| Verifier::new(verify_keys));
    let (sources, mut normalizer) = Normalizer::new(input, spread);
    let mut learned = Learned::default();
    let mut seen_digests = BTreeSet::new();
    for (file, raw) in (0_u32..).zip(&files) {
        let is_repeat = repeats.iter().any(|repeat| repeat.file == file);
        normalizer.begin_file(file, &raw.name, !seen_digests.insert(raw.sha256.as_str()) || is_repeat);
        let reading = Reading {
            input,
            place: Place::Input(input.side),
            raw,
            sources: &sources,
            verifier: verifier.as_ref(),
            runner,
            held_bytes: spread.limit_bytes(),
        };
        let mut outcome = match sifted.get(file as usize) {
            Some(Some(sifted)) => sifted::read(reading, sifted, &mut normalizer)?,
            _ => read::read(reading, &mut normalizer)?,
        };
        check_present(reading, &outcome)?;
        for message in learned.notices.add(file, &raw.name, std::mem::take(&mut outcome.notices)) {
            learned.warn(reading, WarningKind::Notification, message);
        }
        learned.rejected.extend(outcome.rejected.kept.drain(..).map(|one| RejectedNotification { file, ..one }));
        learned.file(reading, file, &outcome, &normalizer.written)?;
    }
    let (rows, totals, quarantine) = normalizer.finish()?;
    let mapped: BTreeSet<Field> = input.mapping.fields.keys().copied().collect();
    let Learned { rows_read, warnings, control_mismatches, notices, rejected } = learned;
    let (audit_updates, file_results) = notices.finish();
    // A header alone says nothing twice.
    repeats.retain(|repeat| rows_read[repeat.file as usize] > 0);
    Ok(Frame {
        side: input.side,
        rows,
        totals,
        mapped,
        quarantine,
        files,
        repeats,
        rows_read,
        warnings,
        control_mismatches,
        audit_updates,
        file_results,
        rejected,
        sifted: sifted.into_iter().map(|one| one.map(|one| one.sure).unwrap_or_default()).collect(),
    })
}

/// A JSON document has no header to check: a path that no row has is as wrong as a missing column.
/// None where there is nothing to tell, else the first field of `fields` that no row states.
pub(super) fn never_present<'s>(
    reading: Reading<'s>,
    outcome: &Outcome,
    fields: &[&str],
) -> Option<(&'s str, Vec<&'s str>)> {
    let Sources { names, fields: mapped, .. } = reading.sources;
    let seen_anything = outcome.seen.iter().any(|seen| *seen);
    if reading.input.format == Format::WebhookLog || !seen_anything {
        return None;
    }
    // A field of two columns is there when one of them is.
    let is_there = |wanted: &str| {
        mapped
            .iter()
            .filter(|(field, _)| field == wanted)
            .any(|(_, slots)| slots.iter().any(|slot| outcome.seen[*slot]))
    };
    let (field, slots) =
        mapped.iter().find(|(field, _)| fields.contains(&field.as_str()) && !is_there(field.as_str()))?;
    Some((field, slots.iter().map(|slot| names[*slot].as_str()).collect()))
}

/// What is told about columns that nobody announced.
pub(super) fn drift_message(reading: Reading<'_>, outcome: &Outcome) -> Option<String> {
    if outcome.drift.names.is_empty() {
        return None;
    }
    let shown = outcome.drift.names.iter().map(|name| format!("`{}`", mask::shown(name)));
    let names = shown.collect::<Vec<_>>().join(", ");
    let more = if outcome.drift.more { " and more" } else { "" };
    let (name, place) = (&reading.raw.name, reading.place);
    Some(format!(
        "{name} has columns that are not known: {names}{more}; map them or list them in `{place}.known_columns`"
    ))
}

/// What is told about a file without rows.
pub(super) fn no_rows_message(reading: Reading<'_>, outcome: &Outcome) -> Option<String> {
    let what = if outcome.empty { "is empty" } else { "has no rows" };
    (outcome.rows == 0 && outcome.rejected.lines == 0).then(|| format!("{} {what}", reading.raw.name))
}

/// Without these a file cannot be compared at all.
///
/// # Errors
/// When no row has one of them.
fn check_present(reading: Reading<'_>, outcome: &Outcome) -> Result<(), InputError> {
    let needed = [Field::TransactionId.name(), Field::Currency.name(), Field::Amount.name()];
    never_present(reading, outcome, &needed).map_or(Ok(()), |(field, wanted)| {
        Err(InputError::NeverPresent {
            file: reading.raw.name.clone(),
            place: reading.place,
            field: field.into(),
            wanted: wanted.into_iter().map(str::to_owned).collect(),
        })
    })
}

/// What the files told besides their rows.
#[derive(Default)]
struct Learned {
    rows_read: Vec<u64>,
    warnings: Vec<Warning>,
    control_mismatches: Vec<ControlMismatch>,
    notices: Notices,
    rejected: Vec<RejectedNotification>,
}

impl Learned {
    fn file(
        &mut self,
        reading: Reading<'_>,
        file: u32,
        outcome: &Outcome,
        written: &Written,
    ) -> Result<(), InputError> {
        let name = &reading.raw.name;
        if let Some(message) = drift_message(reading, outcome) {
            self.warn(reading, WarningKind::SchemaDrift, message);
        }
        // A file may rightly be without rewards, but nobody should think that they were compared.
        for field in [Field::IssuerCommission, Field::UserReward] {
            if let Some((field, wanted)) = never_present(reading, outcome, &[field.name()]) {
                let wanted = wanted.join("` or `");
                let message = format!("no row of {name} has `{wanted}` for `{field}`: it is not compared");
                self.warn(reading, WarningKind::SchemaDrift, message);
            }
        }
        if written.turned > 0 {
            let message = format!(
                "{name} writes {} amounts with a minus that count as positive, since nothing says that they came back; if the minus means something, set `inputs.{}.sign`",
                written.turned, reading.input.side
            );
            self.warn(reading, WarningKind::Sign, message);
        }
        if let Some(message) = no_rows_message(reading, outcome) {
            self.warn(reading, WarningKind::NoRows, message);
        }
        self.controls(reading, file, outcome, written)?;
        self.rows_read.push(outcome.rows);
        Ok(())
    }

    fn warn(&mut self, reading: Reading<'_>, kind: WarningKind, message: String) {
        self.warnings.push(Warning {
            side: Some(reading.input.side),
            kind,
            file: Some(reading.raw.name.clone()),
            message,
        });
    }

    /// Compares the totals that the document states with its rows, as both are written.
    fn controls(
        &mut self,
        reading: Reading<'_>,
        file: u32,
        outcome: &Outcome,
        written: &Written,
    ) -> Result<(), InputError> {
        let Format::Json { control: Some(paths), .. } = &reading.input.format else {
            return Ok(());
        };
        let side = reading.input.side;
        let wrong = |path: Option<&String>, reason: String| InputError::Control {
            file: reading.raw.name.clone(),
            place: reading.place,
            path: path.cloned().unwrap_or_default(),
            reason,
        };
        let mut compare = |what, stated: i128, found: i128| {
            if stated != found {
                self.control_mismatches.push(ControlMismatch { side, file, what, stated, found });
            }
        };
        if let Some(stated) = &outcome.stated_rows {
            let count = money::parse_minor(stated, Unit::Minor, 0)
                .map_err(|error| wrong(paths.rows.as_ref(), error.to_string()))?;
            compare(ControlKind::Rows, i128::from(count), i128::from(outcome.rows));
        }
        let Some(stated) = &outcome.stated_amount else {
            return Ok(());
        };
        let unit = reading.input.mapping.fields.get(&Field::Amount).map_or(Unit::Minor, |column| column.unit);
        let mut exponents = written.exponents.iter();
        if let (Some(_), Some(_)) = (exponents.next(), exponents.next()) {
            let message = format!(
                "{} states one total for currencies of different decimals; it is not compared",
                reading.raw.name
            );
            self.warn(reading, WarningKind::Metadata, message);
            return Ok(());
        }
        let exponent = written.exponents.first().copied().unwrap_or(2);
        let total = money::parse_minor(stated, unit, exponent)
            .map_err(|error| wrong(paths.amount.as_ref(), error.to_string()))?;
        // In our sign, so that reports show both as they show every amount.
        let sign = if reading.input.mapping.sign == Sign::Inverted { -1 } else { 1 };
        compare(ControlKind::Amount, sign * i128::from(total), sign * written.sum_minor);
        Ok(())
    }
}
