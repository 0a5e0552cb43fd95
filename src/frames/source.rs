//! The source of a job that sends: one file's rows into a sink of the caller's, and what the file
//! told besides them. Unlike `load` this keeps no row.

use super::error::{InputError, Place};
use super::load::{drift_message, never_present, no_rows_message};
use super::read::{self, Reading, RowSink, Sources};
use super::schema::{Warning, WarningKind};
use crate::job::Input;
use crate::sources::RawFile;

/// What was learned of one file.
#[derive(Debug)]
pub(crate) struct FileRead {
    /// The name for people.
    pub(crate) name: String,
    /// Rows met, readable or not, as the reader counted them.
    pub(crate) rows: u64,
    /// How many rows the document says it has, as written.
    pub(crate) stated_rows: Option<String>,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads one file into the sink. Notifications are not asked for their signature.
///
/// # Errors
/// When the file as a whole cannot be read safely, or the sink wants no more.
pub(crate) fn read_source(
    input: &Input,
    place: Place,
    raw: &RawFile,
    sources: &Sources,
    sink: &mut impl RowSink,
) -> Result<FileRead, InputError> {
    let reading = Reading { input, place, raw, sources, verifier: None, runner: None, held_bytes: u64::MAX };
    let outcome = read::read(reading, sink)?;
    let mut warnings = Vec::new();
    let mut warn = |kind, message| {
        warnings.push(Warning { side: Some(input.side), kind, file: Some(raw.name.clone()), message });
    };
    if let Some(message) = drift_message(reading, &outcome) {
        warn(WarningKind::SchemaDrift, message);
    }
    for (field, _) in &sources.fields {
        if let Some((field, wanted)) = never_present(reading, &outcome, &[field]) {
            let wanted = wanted.join("` or `");
            warn(WarningKind::SchemaDrift, format!("no row of {} has `{wanted}` for `{field}`", raw.name));
        }
    }
    if let Some(message) = no_rows_message(reading, &outcome) {
        warn(WarningKind::NoRows, message);
    }
    Ok(FileRead { name: raw.name.clone(), rows: outcome.rows, stated_rows: outcome.stated_rows, warnings })
}
