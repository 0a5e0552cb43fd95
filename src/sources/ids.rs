//! The ids that a provider is asked about: a column of CSV files, gzip or plain.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::RawFile;
use crate::exit::ExitCode;
use crate::job::Ids;
use crate::providers::Asked;
use crate::providers::http::displayable;

/// Texts of others are shown up to this many characters.
const SHOWN: usize = 60;
/// An id is no longer than this.
const MOST_ID_BYTES: usize = 256;

/// Every id once, in the order in which the files first state it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundIds {
    pub ids: Vec<Asked>,
    /// Rows that state none.
    pub without: u64,
}

/// Ids that cannot be had. Exit code 65, but for the disk.
#[derive(Debug, thiserror::Error)]
pub enum IdsError {
    #[error("{file}: cannot be read")]
    Read { file: String, source: io::Error },
    #[error("{file}, line {line}: {reason}")]
    Row { file: String, line: u64, reason: String },
    #[error("{file} has no column `{column}`, which `ids` names; it has {known}")]
    NoColumn { file: String, column: String, known: String },
}

impl IdsError {
    /// How the process ends.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. } => ExitCode::Unexpected,
            _ => ExitCode::InputData,
        }
    }
}

/// Reads the ids of files.
///
/// # Errors
/// When a file cannot be read, lacks a column, or says two things beside one id.
pub fn read(files: &[RawFile], wanted: &Ids) -> Result<FoundIds, IdsError> {
    let mut found = FoundIds::default();
    let mut places = HashMap::new();
    for file in files {
        read_file(file, wanted, &mut found, &mut places)?;
    }
    Ok(found)
}

fn read_file(
    file: &RawFile,
    wanted: &Ids,
    found: &mut FoundIds,
    places: &mut HashMap<String, usize>,
) -> Result<(), IdsError> {
    let unread = |source| IdsError::Read { file: file.name.clone(), source };
    let mut reader = csv::Reader::from_reader(open(file).map_err(unread)?);
    let told = |error: csv::Error, line: u64| match error.into_kind() {
        csv::ErrorKind::Io(source) => IdsError::Read { file: file.name.clone(), source },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let reason = format!("the row has {len} fields; expected {expected_len}");
            IdsError::Row { file: file.name.clone(), line, reason }
        }
        csv::ErrorKind::Utf8 { .. } => {
            IdsError::Row { file: file.name.clone(), line, reason: "the row is not UTF-8".to_owned() }
        }
        other => IdsError::Row { file: file.name.clone(), line, reason: format!("{other:?}") },
    };
    let header = reader.headers().map_err(|error| told(error, 1))?.clone();
    let place = |column: &str| {
        let at = header.iter().position(|name| name.trim_start_matches('\u{feff}') == column);
        at.ok_or_else(|| {
            let known: Vec<String> = header.iter().map(|name| format!("`{}`", displayable(name, SHOWN))).collect();
            IdsError::NoColumn { file: file.name.clone(), column: column.to_owned(), known: known.join(", ") }
        })
    };
    let id_at = place(&wanted.column)?;
    let with: Vec<(&String, usize)> =
        wanted.with.iter().map(|(name, column)| Ok((name, place(column)?))).collect::<Result<_, IdsError>>()?;
    let mut row = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut row).map_err(|error| told(error, line))? {
            return Ok(());
        }
        let line = row.position().map_or(line, csv::Position::line);
        let id = row.get(id_at).unwrap_or_default().trim();
        if id.is_empty() {
            found.without += 1;
            continue;
        }
        if id.len() > MOST_ID_BYTES {
            let reason = format!("the id has {} bytes; expected at most {MOST_ID_BYTES}", id.len());
            return Err(IdsError::Row { file: file.name.clone(), line, reason });
        }
        let text = |at: usize| row.get(at).unwrap_or_default().trim().to_owned();
        let asked =
            Asked { id: id.to_owned(), with: with.iter().map(|(name, at)| ((*name).clone(), text(*at))).collect() };
        if let Some(known) = places.get(id) {
            same(&found.ids[*known], &asked, &file.name, line)?;
        } else {
            places.insert(id.to_owned(), found.ids.len());
            found.ids.push(asked);
        }
    }
}

/// What stands beside an id is the same wherever the id stands.
fn same(before: &Asked, now: &Asked, file: &str, line: u64) -> Result<(), IdsError> {
    let differs = before.with.iter().zip(&now.with).find(|(before, now)| before != now);
    let Some(((name, before), (_, found))) = differs else { return Ok(()) };
    let shown = |text: &str| displayable(text, SHOWN);
    let reason = format!(
        "`{}` stands there again with another {name}: `{}`, and before it was `{}`",
        shown(&now.id),
        shown(found),
        shown(before)
    );
    Err(IdsError::Row { file: file.to_owned(), line, reason })
}

fn open(file: &RawFile) -> io::Result<Box<dyn Read>> {
    let mut bytes = BufReader::new(File::open(&file.stored)?);
    let packed = bytes.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) })
}
