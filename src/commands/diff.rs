//! `tieout diff`: which breaks are new, gone or changed between two finished runs of a job, read back from their
//! `breaks.parquet`.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat};
use polars::prelude::{AnyValue, Column, DataFrame, PolarsError};

use super::Context;
use super::breaks::{BREAKS_FILE, BreaksError, read};
use crate::cli::DiffArgs;
use crate::exit::{ExitCode, Failure};
use crate::journal::{JournalError, RunRecord};
use crate::money;
use crate::output::{Cell, Rows};

const COLUMNS: [&str; 8] = ["change", "break", "kind", "key", "currency", "field", "before", "after"];

/// What a narrow terminal does without.
const SPARE: [&str; 3] = ["break", "currency", "kind"];

/// What says nothing of a break itself: where it was found, and what depends on the day of the run.
const LEFT_OUT: [&str; 9] =
    ["id", "job", "period", "exponent", "age_days", "owner", "first_period", "age_business_days", "comments"];

/// The runs cannot be compared. Exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    #[error("run {before} is of job {of}, run {after} of job {other}; a diff is of two runs of one job")]
    OtherJob { before: String, of: String, after: String, other: String },
}

impl From<DiffError> for Failure {
    fn from(error: DiffError) -> Self {
        Self::new(ExitCode::Usage, error)
    }
}

/// Lists what is new, then what is gone, then what has changed, field by field.
///
/// # Errors
/// When a run is unknown, of another job, never finished, or its file is gone.
pub async fn run(mut context: Context, args: DiffArgs) -> Result<ExitCode, Failure> {
    let project = context.load_project()?;
    let (artifacts, kept) = (project.artifacts.clone(), project.kept());
    let unknown = |id: &str| JournalError::UnknownRun { id: id.to_owned(), nearest: Vec::new() };
    let journal = context.read_journal().await?.ok_or_else(|| unknown(&args.before))?;
    let (before, after) = (journal.run(&args.before).await?, journal.run(&args.after).await?);
    if before.job != after.job {
        let (of, other) = (before.job, after.job);
        return Err(DiffError::OtherJob { before: before.id, of, after: after.id, other }.into());
    }
    for run in [&before, &after] {
        kept.bring_file(&artifacts.join(&run.id).join(BREAKS_FILE)).await?;
    }
    let table = |run: &RunRecord| -> Result<Table, Failure> {
        let path = artifacts.join(&run.id).join(BREAKS_FILE);
        let frame = read(run, &path)?;
        Ok(Table::new(&frame).map_err(|source| BreaksError::Unreadable { path, source })?)
    };
    let (before, after) = (table(&before)?, table(&after)?);
    let (rows, [new, gone, changed]) = compare(&before, &after);
    tracing::info!("{new} new, {gone} gone, {changed} changed of {} and {} breaks", before.len(), after.len());
    context.output.rows(&rows.spare(&SPARE))?;
    Ok(ExitCode::Done)
}

/// The breaks of a run as text, field by field.
struct Table {
    /// Column → its cells; amounts as decimals, without the `_minor` of their names.
    fields: Vec<(String, Vec<Option<String>>)>,
    ids: Vec<String>,
    places: HashMap<String, usize>,
}

impl Table {
    fn new(frame: &DataFrame) -> Result<Self, PolarsError> {
        let text = |name: &str| -> Result<Vec<Option<String>>, PolarsError> {
            Ok(frame.column(name)?.str()?.iter().map(|cell| cell.map(str::to_owned)).collect())
        };
        let (ids, shared) = (text("id")?, text("currency")?);
        let ids: Vec<String> = ids.into_iter().map(Option::unwrap_or_default).collect();
        let mut fields = Vec::new();
        for column in frame.columns() {
            let name = column.name().as_str();
            if LEFT_OUT.contains(&name) || name.ends_with("_files") || name.ends_with("_lines") {
                continue;
            }
            match name.strip_suffix("_minor") {
                Some(amount) => {
                    // A side's amounts are in its own currency.
                    let side = amount.split_once('_').map(|(side, _)| format!("{side}_currency"));
                    let own = side.filter(|name| frame.get_column_index(name).is_some());
                    let own = own.map_or_else(|| Ok(vec![None; ids.len()]), |name| text(&name))?;
                    let currency = |at: usize| own[at].as_deref().or(shared[at].as_deref()).unwrap_or_default();
                    fields.push((amount.to_owned(), amounts(column, currency)?));
                }
                None => fields.push((name.to_owned(), texts(column)?)),
            }
        }
        let places = ids.iter().enumerate().map(|(place, id)| (id.clone(), place)).collect();
        Ok(Self { fields, ids, places })
    }

    const fn len(&self) -> usize {
        self.ids.len()
    }

    fn get(&self, field: &str, place: usize) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == field).and_then(|(_, cells)| cells[place].as_deref())
    }

    /// The first cells of a row about a break.
    fn about(&self, change: &str, place: usize) -> Vec<Cell> {
        let cell = |field: &str| Cell::or_empty(self.get(field, place).map(Cell::text));
        vec![Cell::text(change), Cell::text(&*self.ids[place]), cell("kind"), cell("key"), cell("currency")]
    }
}

fn amounts<'c>(column: &Column, currency: impl Fn(usize) -> &'c str) -> Result<Vec<Option<String>>, PolarsError> {
    let minors = column.i64()?.iter().enumerate();
    let decimal = |at: usize, minor: i64| money::format_minor(minor.into(), money::exponent(currency(at)).unwrap_or(2));
    Ok(minors.map(|(at, minor)| minor.map(|minor| decimal(at, minor))).collect())
}

fn texts(column: &Column) -> Result<Vec<Option<String>>, PolarsError> {
    let cells = (0..column.len()).map(|place| {
        Ok(match column.get(place)? {
            AnyValue::Null => None,
            AnyValue::String(text) => Some(text.to_owned()),
            AnyValue::Datetime(micros, ..) => {
                DateTime::from_timestamp_micros(micros).map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            other => Some(other.to_string()),
        })
    });
    cells.collect()
}

/// The rows, and how many breaks are new, gone and changed.
fn compare(before: &Table, after: &Table) -> (Rows, [u64; 3]) {
    let mut rows = Rows::new(&COLUMNS);
    let mut counts = [0; 3];
    let detail = |table: &Table, place| Cell::or_empty(table.get("detail", place).map(Cell::text));
    for (place, _) in after.ids.iter().enumerate().filter(|(_, id)| !before.places.contains_key(*id)) {
        counts[0] += 1;
        rows.push([after.about("new", place), vec![Cell::Empty, Cell::Empty, detail(after, place)]].concat());
    }
    for (place, _) in before.ids.iter().enumerate().filter(|(_, id)| !after.places.contains_key(*id)) {
        counts[1] += 1;
        rows.push([before.about("gone", place), vec![Cell::Empty, detail(before, place), Cell::Empty]].concat());
    }
    for (place, id) in after.ids.iter().enumerate() {
        let Some(earlier) = before.places.get(id) else { continue };
        let mut differs = false;
        for (field, cells) in &after.fields {
            let (was, is) = (before.get(field, *earlier), cells[place].as_deref());
            if was != is {
                differs = true;
                let cell = |text: Option<&str>| Cell::or_empty(text.map(Cell::text));
                rows.push([after.about("changed", place), vec![Cell::text(&**field), cell(was), cell(is)]].concat());
            }
        }
        counts[2] += u64::from(differs);
    }
    (rows, counts)
}
