//! `tieout backfills` and `tieout backfills show`: what the journal knows of them.

use serde_json::json;

use super::Context;
use crate::backfill::last_ends;
use crate::cli::BackfillsArgs;
use crate::exit::{ExitCode, Failure};
use crate::journal::{BackfillAttempt, BackfillRecord, JournalError, PeriodEnd, PlannedPeriod};
use crate::output::{Cell, Format, Rows};

/// Lists backfills, latest first.
///
/// # Errors
/// When there is no project or the journal cannot be read.
pub async fn list(mut context: Context, args: BackfillsArgs) -> Result<ExitCode, Failure> {
    let backfills = match context.read_journal().await? {
        Some(journal) => journal.backfills(args.job.as_deref(), args.limit).await?,
        None => Vec::new(),
    };
    if backfills.is_empty() {
        tracing::info!("no such backfill yet; `tieout backfill JOB --from PERIOD --to PERIOD` makes one");
    }
    context.output.rows(&list_rows(&backfills))?;
    Ok(ExitCode::Done)
}

/// Shows one backfill.
///
/// # Errors
/// When it is unknown, there is no project or the journal cannot be read.
pub async fn show(mut context: Context, id: u64) -> Result<ExitCode, Failure> {
    let Some(journal) = context.read_journal().await? else {
        return Err(JournalError::UnknownBackfill { id }.into());
    };
    let backfill = journal.backfill(id).await?;
    let (attempts, periods) = (journal.backfill_attempts(id).await?, journal.backfill_periods(id).await?);
    let ends = journal.backfill_ends(id).await?;
    match context.output.format {
        Format::Json | Format::Jsonl => {
            let document = json!({ "backfill": backfill, "attempts": attempts, "periods": periods, "ends": ends });
            let pretty = context.output.format == Format::Json;
            let text = if pretty { format!("{document:#}\n") } else { format!("{document}\n") };
            context.output.text(&text)?;
        }
        Format::Csv => context.output.rows(&period_rows(&periods, &ends))?,
        Format::Table => {
            context.output.rows(&list_rows(&[backfill]))?;
            context.output.text("\n")?;
            context.output.rows(&attempt_rows(&attempts))?;
            context.output.text("\n")?;
            context.output.rows(&period_rows(&periods, &ends))?;
        }
    }
    Ok(ExitCode::Done)
}

fn list_rows(backfills: &[BackfillRecord]) -> Rows {
    let columns = [
        "backfill",
        "job",
        "from",
        "to",
        "reprocess",
        "status",
        "done",
        "to_run",
        "left_out",
        "attempts",
        "begun_at",
        "begun_by",
    ];
    let mut rows = Rows::new(&columns).spare(&["begun_by", "attempts", "reprocess", "left_out", "begun_at"]);
    for backfill in backfills {
        rows.push(vec![
            Cell::integer(backfill.id),
            Cell::text(&backfill.job),
            Cell::text(&backfill.from),
            Cell::text(&backfill.to),
            Cell::text(backfill.reprocess.name()),
            Cell::text(backfill.status.name()),
            Cell::integer(backfill.done),
            Cell::integer(backfill.to_run),
            Cell::integer(backfill.left_out),
            Cell::integer(backfill.attempts),
            Cell::Time(backfill.begun_at),
            Cell::text(&backfill.begun_by),
        ]);
    }
    rows
}

fn attempt_rows(attempts: &[BackfillAttempt]) -> Rows {
    let columns = [
        "attempt",
        "status",
        "done",
        "found",
        "not_done",
        "begun_at",
        "ended_at",
        "exit_code",
        "message",
        "begun_by",
        "max_parallel",
        "newest_first",
        "offline",
        "note",
    ];
    let mut rows = Rows::new(&columns).spare(&["offline", "newest_first", "max_parallel", "begun_by", "note"]);
    for attempt in attempts {
        rows.push(vec![
            Cell::integer(attempt.attempt),
            Cell::text(attempt.status.name()),
            Cell::integer(attempt.done),
            Cell::integer(attempt.found),
            Cell::integer(attempt.not_done),
            Cell::Time(attempt.begun_at),
            Cell::or_empty(attempt.ended_at.map(Cell::Time)),
            Cell::or_empty(attempt.exit_code.map(Cell::integer)),
            Cell::or_empty(attempt.message.as_deref().map(Cell::text)),
            Cell::text(&attempt.begun_by),
            Cell::integer(attempt.max_parallel),
            Cell::Flag(attempt.newest_first),
            Cell::Flag(attempt.offline),
            Cell::or_empty(attempt.note.as_deref().map(Cell::text)),
        ]);
    }
    rows
}

/// Where each period stands: how it ended last, left out, or still to do. `attempt` is the backfill's, `tries` counts
/// how often the period ended in it.
pub(super) fn period_rows(periods: &[PlannedPeriod], ends: &[PeriodEnd]) -> Rows {
    let mut rows = Rows::new(&PERIOD_COLUMNS[1..]).spare(&SPARE);
    push_periods(periods, ends, |row| rows.push(row));
    rows
}

/// The same of several jobs, one after the other.
pub(super) fn period_rows_of_jobs(jobs: &[(&str, &[PlannedPeriod], &[PeriodEnd])]) -> Rows {
    let mut rows = Rows::new(&PERIOD_COLUMNS).spare(&SPARE);
    for (job, periods, ends) in jobs {
        push_periods(periods, ends, |row| {
            let mut cells = vec![Cell::text(*job)];
            cells.extend(row);
            rows.push(cells);
        });
    }
    rows
}

const PERIOD_COLUMNS: [&str; 11] =
    ["job", "period", "done", "status", "run", "exit_code", "breaks", "attempt", "tries", "took_ms", "message"];

const SPARE: [&str; 4] = ["took_ms", "tries", "attempt", "message"];

fn push_periods(periods: &[PlannedPeriod], ends: &[PeriodEnd], mut push: impl FnMut(Vec<Cell>)) {
    let last = last_ends(ends);
    for period in periods {
        let Some(end) = last.get(period.period.as_str()) else {
            let status = if period.skipped.is_some() { "left_out" } else { "to_do" };
            let mut row = vec![Cell::text(&period.period), Cell::Flag(false), Cell::text(status)];
            row.extend(std::iter::repeat_n(Cell::Empty, 6));
            row.push(Cell::or_empty(period.skipped.as_deref().map(Cell::text)));
            push(row);
            continue;
        };
        let tries = ends.iter().filter(|end| end.period == period.period).count() as u64;
        push(vec![
            Cell::text(&period.period),
            Cell::Flag(end.well),
            Cell::text(end.status.name()),
            Cell::or_empty(end.run.as_deref().map(Cell::text)),
            Cell::integer(end.exit_code),
            Cell::or_empty(end.breaks.map(Cell::integer)),
            Cell::integer(end.attempt),
            Cell::integer(tries),
            Cell::integer((end.ended_at - end.begun_at).num_milliseconds()),
            Cell::or_empty(end.message.as_deref().map(Cell::text)),
        ]);
    }
}
