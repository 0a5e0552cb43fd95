//! Rows about the transaction, in files of every format. Files are independent of each other: all cores look.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Files, Row, Story, Unread, told};
use crate::frames::{Field, Side, Sources, rows_of, sources};
use crate::job::{Input, Job, Work};
use crate::journal::InputRecord;
use crate::records::{Attribute, RecordPlan};

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
            let sources = Sources { names: plan.sources().to_vec(), fields: fields.collect() };
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
                while let Some(((job, period, side, _), (record, runs))) =
                    files.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let rows = in_file(jobs, job, *side, record, wanted);
                    let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match rows {
                        Ok(rows) => found.0.extend(rows.into_iter().map(|row| Row {
                            period: period.clone(),
                            job: job.clone(),
                            side: *side,
                            file: record.file.name.clone(),
                            line: row.line,
                            sha256: record.file.sha256.clone(),
                            runs: runs.clone(),
                            values: row.values,
                        })),
                        Err(error) => found.1.push(told(&format!("{period} {}", record.file.name), error)),
                    }
                }
            });
        }
    });
    let (rows, mut unread) = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    story.rows.extend(rows);
    unread.sort();
    story.unread.extend(unread);
}

fn in_file(
    jobs: &[Job],
    job: &str,
    side: Side,
    record: &InputRecord,
    wanted: &str,
) -> Result<Vec<crate::frames::WrittenRow>, Unread> {
    let reader = jobs.iter().find(|known| known.name == job).and_then(|job| Reader::of(job, side));
    let Reader { input, sources, field } = reader.ok_or_else(|| Unread::NoJob { job: job.to_owned() })?;
    Ok(rows_of(input, &record.file, &sources, field, wanted)?)
}
