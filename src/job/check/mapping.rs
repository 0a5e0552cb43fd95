//! How the columns of an input, or of a preset, become canonical ones.

use std::collections::BTreeMap;

use super::super::preset::Preset;
use super::super::spec::{ColumnSpec, InputSpec, RevisionsSpec};
use super::super::{Column, ColumnSource, Mapping, Revisions, Sign};
use super::column;
use crate::config::Checker;
use crate::frames::{Field, FieldType};

type Fields = BTreeMap<Field, Column>;

pub(super) fn mapping(
    at: &str,
    spec: &InputSpec,
    preset: Option<&Preset>,
    checker: &mut Checker<'_>,
) -> Option<Mapping> {
    let own = columns(at, &spec.columns, checker);
    let complete = columns_are_there(at, spec, preset, checker);
    let mut fields = preset.map(|preset| preset.fields.clone()).unwrap_or_default();
    fields.extend(own.iter().flatten().map(|(field, column)| (*field, column.clone())));
    let maps = |field: Field| fields.contains_key(&field) || spec.columns.contains_key(&field);
    let selects = selection(at, &spec.only, maps, checker);
    let written = spec.sign.or_else(|| preset.and_then(|preset| preset.sign));
    let sign = sign(at, written, Some(&fields), checker);
    let revisions = revisions(at, spec.revisions.as_ref(), checker);
    let mut words = preset.map(|preset| preset.statuses.clone()).unwrap_or_default();
    words.extend(statuses(&spec.statuses));
    let mut only = preset.map(|preset| preset.only.clone()).unwrap_or_default();
    only.extend(spec.only.clone());
    own?;
    selects?;
    let revisions = revisions?.or_else(|| preset.and_then(|preset| preset.revisions.clone()));
    let sign = sign?.unwrap_or_default();
    complete.then_some(Mapping { fields, sign, statuses: words, only, revisions })
}

/// The columns that are written here; none when one of them is wrong.
pub(super) fn columns(at: &str, written: &BTreeMap<Field, ColumnSpec>, checker: &mut Checker<'_>) -> Option<Fields> {
    let fields: Fields = written
        .iter()
        .filter_map(|(field, written)| Some((*field, column::column(at, *field, written, checker)?)))
        .collect();
    (fields.len() == written.len()).then_some(fields)
}

/// Whether every field of `only` is mapped, text, and asked for something.
pub(super) fn selection(
    at: &str,
    only: &BTreeMap<Field, Vec<String>>,
    maps: impl Fn(Field) -> bool,
    checker: &mut Checker<'_>,
) -> Option<()> {
    let mut right = true;
    for (field, values) in only {
        let path = format!("{at}/only/{field}", field = field.name());
        if !maps(*field) {
            checker.absent(&path, format!("`{}` is not mapped", field.name()), "expected it under columns");
            right = false;
        }
        if field.kind() != FieldType::Text {
            checker.problem(&path, format!("`{}` is no text; `only` selects by exact text", field.name()));
            right = false;
        }
        if values.is_empty() {
            checker.problem(&path, "no value is listed, so no row would be compared");
            right = false;
        }
    }
    right.then_some(())
}

/// Canonical words are upper case, however they are written.
pub(super) fn statuses(written: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    written.iter().map(|(theirs, ours)| (theirs.clone(), ours.trim().to_uppercase())).collect()
}

/// What the sign of amounts means; inner none: nothing says so. An amount of two columns says it by the column that it
/// stands in.
#[expect(clippy::option_option, reason = "wrong, left out and written are three things here")]
pub(super) fn sign(
    at: &str,
    written: Option<Sign>,
    fields: Option<&Fields>,
    checker: &mut Checker<'_>,
) -> Option<Option<Sign>> {
    let is_of_two = |column: &Column| matches!(column.from, ColumnSource::TwoColumns { .. });
    let two = fields.and_then(|fields| fields.iter().find(|(_, column)| is_of_two(column)));
    let Some((field, _)) = two else { return Some(written) };
    if written == Some(Sign::Unsigned) {
        let message = format!(
            "`unsigned` would take no notice of whether `{}` stands in `credit` or in `debit`; expected `signed` (a \
             credit is positive) or `inverted`",
            field.name()
        );
        checker.problem(&format!("{at}/sign"), message);
        return None;
    }
    Some(Some(written.unwrap_or(Sign::Signed)))
}

/// The columns of `revisions`; inner none: there are none.
#[expect(clippy::option_option, reason = "wrong, left out and written are three things here")]
pub(super) fn revisions(
    at: &str,
    written: Option<&RevisionsSpec>,
    checker: &mut Checker<'_>,
) -> Option<Option<Revisions>> {
    let Some(written) = written else { return Some(None) };
    let report = column::listed(&format!("{at}/revisions/report"), &written.report, checker);
    let revision = column::listed(&format!("{at}/revisions/revision"), &written.revision, checker);
    let (report, revision) = (report?, revision?);
    if report.iter().any(|name| revision.contains(name)) {
        checker.problem(&format!("{at}/revisions"), "`report` and `revision` are the same column");
        return None;
    }
    Some(Some(Revisions { report, revision }))
}

/// What every side must map.
fn columns_are_there(at: &str, spec: &InputSpec, preset: Option<&Preset>, checker: &mut Checker<'_>) -> bool {
    let in_preset = |field: &Field| preset.is_some_and(|preset| preset.fields.contains_key(field));
    let has = |field: Field| in_preset(&field) || spec.columns.contains_key(&field);
    let path = if spec.columns.is_empty() { at.to_owned() } else { format!("{at}/columns") };
    let mut complete = true;
    for (field, why) in [
        (Field::TransactionId, "every row needs one"),
        (Field::Currency, "write the column, or {constant: USD} where the data state none"),
    ] {
        if !has(field) {
            checker.absent(&path, format!("`{}` is not mapped", field.name()), why);
            complete = false;
        }
    }
    let other_time = [Field::SettledAt, Field::AuthorizedAt].into_iter().find(|field| has(*field));
    if let Some(other) = other_time
        && !has(Field::OccurredAt)
    {
        let message = format!("`{}` is mapped, but `occurred_at` is not", other.name());
        checker.absent(&path, message, "map it too: it puts a row into its period");
        complete = false;
    }
    complete
}

/// The columns that are fine to see and not mapped: the preset's, the ones that the job maps
/// otherwise, and the job's own list.
pub(super) fn known_columns(spec: &InputSpec, preset: Option<&Preset>) -> Option<Vec<String>> {
    let from_preset = preset.and_then(|preset| {
        let mut known = preset.known_columns.clone()?;
        for field in spec.columns.keys() {
            known.extend(preset.fields.get(field).into_iter().flat_map(Column::names).cloned());
        }
        Some(known)
    });
    let mut known = match (from_preset, &spec.known_columns) {
        (None, None) => return None,
        (Some(known), None) => known,
        (known, Some(own)) => known.into_iter().flatten().chain(own.iter().cloned()).collect(),
    };
    known.sort_unstable();
    known.dedup();
    Some(known)
}
