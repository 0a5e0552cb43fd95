//! `breaks.csv`, `effects.csv`, `sent.csv` and `receivable.csv`: one row a break, an effect, a parcel, or a transaction's
//! part in a line; RFC 4180, UTF-8, for scripts and for spreadsheets.

use std::io::Write;

use chrono::SecondsFormat;

use super::amount::format_minor;
use super::effects::{self, Silence};
use super::facts::{Facts, ParcelFacts};
use super::month;
use super::sent;
use super::table::{Columns, Places, Value, columns};
use super::text::csv_cell;
use crate::effects::EffectsFacts;
use crate::month::MonthFacts;

/// Writes all breaks. Amounts are decimals of their currency, times RFC 3339 in UTC; a text that
/// a spreadsheet would take for a formula gets an apostrophe in front.
///
/// # Errors
/// When writing fails.
pub fn render(facts: &Facts, out: impl Write) -> Result<(), csv::Error> {
    let columns = columns();
    let places = Places::new(facts);
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(columns.iter().map(super::table::Column::name))?;
    for found in facts.breaks.iter() {
        for column in &columns {
            field(&mut writer, column.value(&found, &places))?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(())
}

/// Writes all effects, what needs a person first; cells as in [`render`].
///
/// # Errors
/// When writing fails.
pub fn render_effects(facts: &EffectsFacts, out: impl Write) -> Result<(), csv::Error> {
    let silence = Silence::new(facts);
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(effects::Column::all().map(effects::Column::name))?;
    for item in effects::items(facts) {
        for column in effects::Column::all() {
            field(&mut writer, column.value(item, &silence))?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(())
}

/// Writes all parcels in the order of the plan; cells as in [`render`]. A parcel in several currencies takes a row for
/// each, with what counts it as a whole on the first, so that every column adds up.
///
/// # Errors
/// When writing fails.
pub fn render_sent(parcels: &[ParcelFacts], out: impl Write) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(sent::Column::all().map(sent::Column::name))?;
    for line in sent::lines(parcels) {
        for column in sent::Column::all() {
            field(&mut writer, column.value(&line, false))?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(())
}

/// Writes the transactions behind each line of the receivable, by transaction; cells as in [`render`].
///
/// # Errors
/// When writing fails.
pub fn render_receivable(facts: &MonthFacts, out: impl Write) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(month::columns(facts))?;
    for entry in &facts.entries {
        for cell in month::cells(facts, entry) {
            field(&mut writer, cell)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(())
}

fn field(writer: &mut csv::Writer<impl Write>, value: Value<'_>) -> Result<(), csv::Error> {
    match value {
        Value::Empty => writer.write_field(""),
        Value::Text(text) => writer.write_field(csv_cell(&text).as_bytes()),
        Value::Amount { minor, decimals } => writer.write_field(format_minor(minor, decimals)),
        Value::Count(number) => writer.write_field(number.to_string()),
        Value::Time(time) => writer.write_field(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    }
}
