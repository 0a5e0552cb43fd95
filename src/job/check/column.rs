//! One entry of `columns:`.

use chrono::format::{Item, StrftimeItems};
use chrono_tz::Tz;

use super::super::spec::{ColumnLong, ColumnSpec};
use super::super::{Column, ColumnSource, TimeFormat, Unit};
use crate::config::{Checker, did_you_mean};
use crate::frames::{Field, FieldType};
use crate::money;

const FORMATS: [&str; 3] = ["iso", "epoch_seconds", "epoch_millis"];

pub(super) fn column(at: &str, field: Field, written: &ColumnSpec, checker: &mut Checker<'_>) -> Option<Column> {
    let path = format!("{at}/columns/{}", field.name());
    match written {
        ColumnSpec::Short(names) => Some(Column {
            from: names_of(&path, names, checker)?,
            unit: Unit::default(),
            time: TimeFormat::Iso { zone: None },
        }),
        ColumnSpec::Long(long) => long_form(&path, field, long, checker),
    }
}

fn long_form(path: &str, field: Field, long: &ColumnLong, checker: &mut Checker<'_>) -> Option<Column> {
    let constant =
        |text: &String, checker: &mut Checker<'_>| constant(&format!("{path}/constant"), field, text, checker);
    let from = if let Some(parts) = &long.join {
        joined(path, field, parts, long, checker)
    } else {
        if long.with.is_some() {
            checker.problem(&format!("{path}/with"), "`with` stands between the columns of `join`, and there is none");
        }
        source(path, (long.column.as_deref(), long.constant.as_ref()), constant, checker)
    };
    if long.unit.is_some() && field.kind() != FieldType::Minor {
        checker.problem(&format!("{path}/unit"), format!("`unit` is for amounts; `{}` is none", field.name()));
    }
    for (key, written) in [("format", long.format.is_some()), ("timezone", long.timezone.is_some())] {
        if written && !matches!(field.kind(), FieldType::Micros | FieldType::Date) {
            checker.problem(&format!("{path}/{key}"), format!("`{key}` is for times; `{}` is none", field.name()));
        }
    }
    let time = time(path, long.format.as_deref(), long.timezone.as_deref(), checker)?;
    if field.kind() == FieldType::Date && matches!(time, TimeFormat::EpochSeconds | TimeFormat::EpochMillis) {
        let message = format!("`{}` is a date, and a number since 1970 is a time", field.name());
        checker.problem_with_help(
            &format!("{path}/format"),
            message,
            "expected `iso` or a strftime pattern such as `%m/%y`",
        );
        return None;
    }
    Some(Column { from: from?, unit: long.unit.unwrap_or_default(), time })
}

/// Several columns put together.
fn joined(
    path: &str,
    field: Field,
    parts: &[String],
    long: &ColumnLong,
    checker: &mut Checker<'_>,
) -> Option<ColumnSource> {
    if let Some((key, _)) =
        [("column", long.column.is_some()), ("constant", long.constant.is_some())].into_iter().find(|(_, is)| *is)
    {
        checker.problem(path, format!("both `{key}` and `join`; expected one of them"));
        return None;
    }
    if field.kind() != FieldType::Text || field == Field::Currency {
        let message = format!("`join` puts texts together; `{}` is no free text", field.name());
        checker.problem(&format!("{path}/join"), message);
        return None;
    }
    names_of(&format!("{path}/join"), parts, checker)?;
    let with = long.with.as_deref().unwrap_or("/");
    if with.is_empty() {
        let message = "nothing stands between the columns, so that `1`, `23` and `12`, `3` would be the same";
        checker.problem_with_help(
            &format!("{path}/with"),
            message,
            "expected a text that no column holds, such as `/`",
        );
        return None;
    }
    Some(ColumnSource::Joined { parts: parts.to_vec(), with: with.to_owned() })
}

/// The column or the constant of a long form, one of them.
pub(super) fn source(
    path: &str,
    (column, text): (Option<&[String]>, Option<&String>),
    constant: impl FnOnce(&String, &mut Checker<'_>) -> Option<ColumnSource>,
    checker: &mut Checker<'_>,
) -> Option<ColumnSource> {
    match (column, text) {
        (Some(names), None) => names_of(&format!("{path}/column"), names, checker),
        (None, Some(text)) => constant(text, checker),
        (Some(_), Some(_)) => {
            checker.problem(path, "both `column` and `constant`; expected one of them");
            None
        }
        (None, None) => {
            checker.absent(path, "neither `column` nor `constant`", "expected one of them");
            None
        }
    }
}

/// How times are written, by `format` and `timezone` of a long form.
pub(super) fn time(
    path: &str,
    format: Option<&str>,
    timezone: Option<&str>,
    checker: &mut Checker<'_>,
) -> Option<TimeFormat> {
    let zone = match timezone {
        Some(name) => Some(checker.zone(&format!("{path}/timezone"), name)?),
        None => None,
    };
    time_format(path, format, zone, checker)
}

pub(super) fn names_of(path: &str, names: &[String], checker: &mut Checker<'_>) -> Option<ColumnSource> {
    if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) {
        checker.problem(path, "a column without a name; expected a header, a dotted path, or a number from 1");
        return None;
    }
    Some(ColumnSource::Columns(names.to_vec()))
}

fn constant(path: &str, field: Field, text: &str, checker: &mut Checker<'_>) -> Option<ColumnSource> {
    if field == Field::TransactionId {
        checker.problem(path, "`transaction_id` is the same text in every row; expected a column");
        return None;
    }
    if field == Field::Currency && money::exponent(text).is_none() {
        checker.problem(path, format!("unknown currency `{text}`; expected an ISO 4217 code such as `USD`"));
        return None;
    }
    Some(ColumnSource::Constant(text.to_owned()))
}

fn time_format(path: &str, written: Option<&str>, zone: Option<Tz>, checker: &mut Checker<'_>) -> Option<TimeFormat> {
    let path = &format!("{path}/format");
    match written {
        None | Some("iso") => Some(TimeFormat::Iso { zone }),
        Some("epoch_seconds") => Some(TimeFormat::EpochSeconds),
        Some("epoch_millis") => Some(TimeFormat::EpochMillis),
        Some(word) if !word.contains('%') => {
            let help = match crate::config::closest(word, FORMATS) {
                Some(_) => did_you_mean(word, &FORMATS),
                None => format!("{}, or a strftime pattern such as `%d/%m/%Y`", did_you_mean(word, &FORMATS)),
            };
            checker.problem_with_help(path, format!("unknown time format `{word}`"), help);
            None
        }
        Some(pattern) => {
            if StrftimeItems::new(pattern).any(|item| matches!(item, Item::Error)) {
                checker.problem(path, format!("`{pattern}` is no strftime pattern; expected one such as `%d/%m/%Y`"));
                return None;
            }
            Some(TimeFormat::Pattern { pattern: pattern.to_owned(), zone })
        }
    }
}
