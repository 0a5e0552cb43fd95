//! `tieout trace`: the story of one transaction.

use serde_json::json;

use super::Context;
use super::effects::{by, history_rows, what};
use crate::cli::TraceArgs;
use crate::effects::words::{ask_words, state_words};
use crate::exit::{ExitCode, Failure};
use crate::job;
use crate::output::{Cell, Format, Rows};
use crate::trace::{EffectStory, Search, Story, trace};

/// Nothing that any run has kept knows the transaction.
#[derive(Debug, thiserror::Error)]
#[error(
    "nothing that runs have kept knows the transaction `{transaction}` ({files} files looked into); an id is looked for whole, as the files write it"
)]
struct Unknown {
    transaction: String,
    files: usize,
}

/// Tells the story.
///
/// # Errors
/// When nothing knows the transaction, there is no project, or the journal cannot be read.
pub async fn run(mut context: Context, args: TraceArgs) -> Result<ExitCode, Failure> {
    let search = Search { transaction: args.transaction, job: args.job, period: args.period };
    let project = context.load_project()?.clone();
    let story = match context.read_journal().await? {
        Some(journal) => {
            let (jobs, _) = job::load_all(&project);
            trace(&journal, &jobs, &search).await?
        }
        None => Story::default(),
    };
    for unread in &story.unread {
        tracing::warn!("not looked into: {unread}");
    }
    if story.is_empty() {
        let unknown = Unknown { transaction: search.transaction, files: story.files };
        return Err(Failure::new(ExitCode::Usage, unknown));
    }
    match context.output.format {
        Format::Json => context.output.text(&format!("{:#}\n", json!(story)))?,
        Format::Jsonl => context.output.text(&format!("{}\n", json!(story)))?,
        Format::Csv => context.output.rows(&lines(&story))?,
        Format::Table => tables(&context, &story)?,
    }
    tracing::info!(
        "{} rows, {} breaks, {} rows sent, {} effects; {} files looked into",
        story.rows.len(),
        story.breaks.len(),
        story.sent.len(),
        story.effects.len(),
        story.files
    );
    Ok(ExitCode::Done)
}

/// What there is, one table after the other.
fn tables(context: &Context, story: &Story) -> Result<(), Failure> {
    let mut tables = vec![rows(story), breaks(story), sent(story), effects(story)];
    tables.extend(story.effects.iter().map(|effect| history_rows(&effect.history)));
    tables.retain(|table| !table.is_empty());
    for (number, table) in tables.iter().enumerate() {
        if number > 0 {
            context.output.text("\n")?;
        }
        context.output.rows(table)?;
    }
    Ok(())
}

fn rows(story: &Story) -> Rows {
    let mut rows = Rows::new(&["period", "side", "file", "line", "says", "job", "run"]).spare(&["job", "run"]);
    for row in &story.rows {
        rows.push(vec![
            Cell::text(&*row.period),
            Cell::text(row.side.name()),
            Cell::text(&*row.file),
            Cell::integer(row.line),
            Cell::text(says(&row.values)),
            Cell::text(&*row.job),
            Cell::or_empty(row.runs.last().map(Cell::text)),
        ]);
    }
    rows
}

fn says(values: &[(String, String)]) -> String {
    values.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn breaks(story: &Story) -> Rows {
    let mut rows = Rows::new(&["run", "break", "kind", "status", "detail"]).spare(&["break"]);
    for found in &story.breaks {
        let cells = [&found.run, &found.id, &found.kind, &found.status, &found.detail];
        rows.push(cells.map(Cell::text).to_vec());
    }
    rows
}

fn sent(story: &Story) -> Rows {
    let mut rows = Rows::new(&["sent_in", "line", "event", "amount", "currency", "state", "run"]).spare(&["run"]);
    for row in &story.sent {
        rows.push(vec![
            Cell::text(&*row.parcel),
            Cell::integer(row.line),
            Cell::text(&*row.event_id),
            Cell::amount(row.amount_minor, &row.currency),
            Cell::text(&*row.currency),
            Cell::or_empty(row.state.as_deref().map(Cell::text)),
            Cell::text(&*row.run),
        ]);
    }
    rows
}

fn effects(story: &Story) -> Rows {
    let mut rows = Rows::new(&["effect", "state", "kind", "asks", "words", "period"]).spare(&["kind"]);
    for EffectStory { standing, .. } in &story.effects {
        rows.push(vec![
            Cell::text(&*standing.effect.id),
            Cell::text(standing.state.name()),
            Cell::text(standing.effect.kind().name()),
            Cell::text(ask_words(&standing.effect.ask)),
            Cell::text(state_words(standing)),
            Cell::text(&*standing.effect.period),
        ]);
    }
    rows
}

/// Everything, a line each: for a sheet.
fn lines(story: &Story) -> Rows {
    let mut rows = Rows::new(&["what", "where", "line", "at", "by", "says"]);
    for row in &story.rows {
        rows.push(vec![
            Cell::text("row"),
            Cell::text(format!("{} {} {} {}", row.job, row.period, row.side, row.file)),
            Cell::integer(row.line),
            Cell::Empty,
            Cell::Empty,
            Cell::text(says(&row.values)),
        ]);
    }
    for found in &story.breaks {
        let says = format!("{}, {}: {}", found.kind, found.status, found.detail);
        let what = ["break", &found.run].map(Cell::text);
        rows.push([what.to_vec(), vec![Cell::Empty, Cell::Empty, Cell::Empty, Cell::text(says)]].concat());
    }
    for row in &story.sent {
        let says = format!("event {}, {}", row.event_id, row.state.as_deref().unwrap_or("not planned"));
        rows.push(vec![
            Cell::text("sent"),
            Cell::text(&*row.parcel),
            Cell::integer(row.line),
            Cell::Empty,
            Cell::Empty,
            Cell::text(says),
        ]);
    }
    for EffectStory { standing, history } in &story.effects {
        for entry in history {
            rows.push(vec![
                Cell::text("effect"),
                Cell::text(&*standing.effect.id),
                Cell::integer(entry.sequence),
                Cell::Time(entry.at),
                Cell::or_empty(by(entry).map(Cell::text)),
                Cell::text(what(&entry.event)),
            ]);
        }
    }
    rows
}
