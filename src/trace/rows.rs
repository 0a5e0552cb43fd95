//! Rows about the transaction, in files of every format. Files are independent of each other: all cores look.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{FileKey, Files, KnownFile, Row, Story, Unread, told};
use crate::frames::{Field, Side, Sources, WrittenRow, rows_of, sources};
use crate::job::{Input, Job, Work};
use crate::records::{Attribute, RecordPlan};
use crate::sources::RawFile;

/// How the files of one side of a job are read.
struct Reader<'j> {
    input: &'j Input,
    sources: Sources,
    /// The field that names the transaction.
    field: &'static str,
}

impl<'j> Reader<'j> {
    fn of(job: &'j Job, side: Side) -> Option<Self> {
        let input = job.input(side)?;
        if let (Work::Send(sending), Side::Ledger) = (&job.work, side) {
            // The issuer's id has no part in which columns are read.
            let plan = RecordPlan::new(&sending.mapping, "");
            let fields = plan.fields().iter().map(|field| (field.name.to_owned(), field.slots.clone()));
            let sources = Sources { names: plan.sources().to_vec(), fields: fields.collect(), joins: Vec::new() };
            return Some(Self { input, sources, field: Attribute::TransactionId.name() });
        }
        Some(Self { input, sources: sources(&input.mapping), field: Field::TransactionId.name() })
    }
}

/// Looks into every file; what cannot be read is told.
pub(super) fn find(files: Files, jobs: &[Job], wanted: &str, story: &mut Story) {
    let files: Vec<_> = files.0.into_iter().collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new((Vec::new(), Vec::new()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores.min(files.len()) {
            scope.spawn(|| {
                while let Some((key, known)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let rows = in_file(jobs, key, &known.file, wanted);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    match rows {
                        Ok(rows) => found.0.extend(rows.into_iter().map(|row| row_of(key, known, row))),
                        Err(error) => found.1.push(told(&format!("{} {}", key.period, known.file.name), error)),
                    }
                }
            });
        }
    });
    let (rows, mut unread) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    story.rows.extend(rows);
    unread.sort();
    story.unread.extend(unread);
}

fn in_file(jobs: &[Job], key: &FileKey, file: &RawFile, wanted: &str) -> Result<Vec<WrittenRow>, Unread> {
    let reader = jobs.iter().find(|job| job.name == key.job).and_then(|job| Reader::of(job, key.side));
    let Reader { input, sources, field } = reader.ok_or_else(|| Unread::NoJob { job: key.job.clone() })?;
    Ok(rows_of(input, file, &sources, field, wanted)?)
}

fn row_of(key: &FileKey, known: &KnownFile, row: WrittenRow) -> Row {
    Row {
        period: key.period.clone(),
        job: key.job.clone(),
        side: key.side,
        file: known.file.name.clone(),
        line: row.line,
        sha256: key.sha256.clone(),
        runs: known.runs.clone(),
        read_at: known.read_at,
        values: row.values,
    }
}
