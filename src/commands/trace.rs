//! `tieout trace`: the story of one transaction.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::{Context, effects, lives};
use crate::cli::TraceArgs;
use crate::effects::words::{ask_words, state_words};
use crate::exit::{ExitCode, Failure};
use crate::job;
use crate::output::{Cell, Format, Rows};
use crate::trace::{BreakStory, EffectStory, Search, Story, trace};

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
            trace(&journal, &project.kept(), &jobs, &search).await?
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
        Format::Json => context.output.text(&format!("{:#}\n", document(&story)))?,
        Format::Jsonl => context.output.text(&format!("{}\n", document(&story)))?,
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
    let mut tables = vec![rows(story), breaks(story), standings(story), sent(story), asked(story)];
    tables.push(timeline_rows(&timeline(story)));
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

/// Where its breaks stand by now.
fn standings(story: &Story) -> Rows {
    let mut rows =
        Rows::new(&["break", "stands", "since", "kind", "owner", "comments", "job"]).spare(&["comments", "job"]);
    for BreakStory { standing, .. } in &story.lives {
        rows.push(vec![
            Cell::text(&*standing.id),
            Cell::text(standing.status.words()),
            Cell::Time(standing.since),
            Cell::text(standing.facts().kind_name()),
            Cell::or_empty(standing.owner.as_deref().map(Cell::text)),
            Cell::integer(standing.comments),
            Cell::text(&*standing.job),
        ]);
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

fn asked(story: &Story) -> Rows {
    let mut rows = Rows::new(&["effect", "state", "kind", "asks", "words", "period"]).spare(&["kind"]);
    for EffectStory { standing, .. } in &story.effects {
        rows.push(vec![
            Cell::text(&*standing.effect.id),
            Cell::text(standing.state.name()),
            Cell::text(standing.effect.kind().name()),
            Cell::text(ask_words(&standing.effect)),
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
    // Rows stand above, with all that they say.
    for moment in timeline(story).into_iter().filter(|moment| moment.about != About::Row) {
        rows.push(vec![
            Cell::text(moment.about.words()),
            Cell::text(moment.id),
            Cell::or_empty(moment.entry.map(Cell::integer)),
            Cell::Time(moment.at),
            Cell::or_empty(moment.by.map(Cell::text)),
            Cell::text(moment.says),
        ]);
    }
    rows
}

/// Something that happened to the transaction, or was done about it.
#[derive(Debug, Serialize)]
struct Moment<'s> {
    /// UTC.
    at: DateTime<Utc>,
    about: About,
    /// The file, break or effect; the run for what was carried.
    id: &'s str,
    /// The run or the person.
    by: Option<&'s str>,
    says: String,
    /// Its number in the journal; none for what runs have kept elsewhere.
    entry: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum About {
    Row,
    Life,
    Carried,
    Effect,
}

impl About {
    const fn words(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Life => "life",
            Self::Carried => "carried",
            Self::Effect => "effect",
        }
    }
}

fn document(story: &Story) -> serde_json::Value {
    let mut document = json!(story);
    document["timeline"] = json!(timeline(story));
    document
}

/// All of it in the order of time; of one instant in the order in which it was recorded.
fn timeline(story: &Story) -> Vec<Moment<'_>> {
    let rows = story.rows.iter().map(|row| Moment {
        at: row.read_at,
        about: About::Row,
        id: &row.file,
        by: row.runs.first().map(String::as_str),
        says: format!("read: {} of {}, line {}", row.side, row.period, row.line),
        entry: None,
    });
    let lives = story.lives.iter().flat_map(|life| &life.history).map(|entry| Moment {
        at: entry.at,
        about: About::Life,
        id: &entry.id,
        by: lives::by(entry),
        says: lives::what(&entry.event),
        entry: Some(entry.sequence),
    });
    let carried = story.carried.iter().map(|carried| Moment {
        at: carried.at,
        about: About::Carried,
        id: &carried.run,
        by: Some(&carried.run),
        says: carried.says.clone(),
        entry: None,
    });
    let effects = story.effects.iter().flat_map(|effect| effect.history.iter().map(move |entry| (effect, entry)));
    let effects = effects.map(|(effect, entry)| Moment {
        at: entry.at,
        about: About::Effect,
        id: &effect.standing.effect.id,
        by: effects::by(entry),
        says: effects::what(&entry.event),
        entry: Some(entry.sequence),
    });
    let mut moments: Vec<Moment<'_>> = rows.chain(lives).chain(effects).chain(carried).collect();
    moments.sort_by_key(|moment| (moment.at, moment.entry));
    moments
}

fn timeline_rows(moments: &[Moment<'_>]) -> Rows {
    let mut rows = Rows::new(&["at", "about", "which", "by", "says"]).whole();
    for moment in moments {
        rows.push(vec![
            Cell::Time(moment.at),
            Cell::text(moment.about.words()),
            Cell::text(moment.id),
            Cell::or_empty(moment.by.map(Cell::text)),
            Cell::text(&*moment.says),
        ]);
    }
    rows
}
