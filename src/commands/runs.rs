//! `tieout runs` and `tieout runs show`: what the journal knows.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::Context;
use crate::cli::RunsArgs;
use crate::exit::{ExitCode, Failure};
use crate::journal::{InputRecord, Journal, JournalError, RunFilter, RunRecord, StepRecord};
use crate::output::{Cell, Format, Rows};
use crate::seals::Standing;
use crate::seals::life::seal_id;
use crate::sign_off::Standing as SignOff;

/// The periods that are sealed.
#[derive(Debug, Default)]
pub(super) struct Seals(HashMap<String, Standing>);

impl Seals {
    pub(super) async fn read(journal: &Journal) -> Result<Self, Failure> {
        let sealed = journal.seals(None).await?.into_iter().filter(Standing::is_sealed);
        Ok(Self(sealed.map(|seal| (seal.id.clone(), seal)).collect()))
    }

    pub(super) fn is_sealed(&self, job: &str, period: &str) -> bool {
        self.0.contains_key(&seal_id(job, period))
    }

    fn of(&self, run: &RunRecord) -> Option<&Standing> {
        self.0.get(&seal_id(&run.job, &run.period))
    }

    /// `sealed` for the attempt that is signed off, `late` for one after it; nothing for any other.
    fn word(&self, run: &RunRecord) -> Option<&'static str> {
        let seal = self.of(run)?;
        let sealed: u32 = seal.run.rsplit('/').next()?.parse().ok()?;
        match run.attempt.cmp(&sealed) {
            Ordering::Less => None,
            Ordering::Equal => Some("sealed"),
            Ordering::Greater => Some("late"),
        }
    }
}

/// Lists runs, latest first.
///
/// # Errors
/// When there is no project or the journal cannot be read.
pub async fn list(mut context: Context, args: RunsArgs) -> Result<ExitCode, Failure> {
    let filter = RunFilter { job: args.job, period: args.period, finished: false, limit: Some(args.limit) };
    let (runs, seals) = match context.read_journal().await? {
        Some(journal) => (journal.runs(&filter).await?, Seals::read(&journal).await?),
        None => (Vec::new(), Seals::default()),
    };
    if runs.is_empty() {
        tracing::info!("no such run yet; `tieout run JOB --period PERIOD` makes one");
    }
    context.output.rows(&run_rows(&runs, &seals))?;
    Ok(ExitCode::Done)
}

/// Shows one run.
///
/// # Errors
/// When the run is unknown, there is no project or the journal cannot be read.
pub async fn show(mut context: Context, id: String) -> Result<ExitCode, Failure> {
    let Some(journal) = context.read_journal().await? else {
        return Err(JournalError::UnknownRun { id, nearest: Vec::new() }.into());
    };
    let run = journal.run(&id).await?;
    let (steps, inputs) = (journal.steps(&id).await?, journal.inputs(&id).await?);
    let seal = Seals::read(&journal).await?;
    let seal = (seal.word(&run), seal.of(&run));
    let signed = journal.sign_off(&run.id).await?;
    match context.output.format {
        Format::Json | Format::Jsonl => {
            let document = json!({ "run": run, "steps": steps, "inputs": inputs, "seal": seal.1, "sign_off": signed });
            let pretty = context.output.format == Format::Json;
            context
                .output
                .text(&format!("{}\n", if pretty { format!("{document:#}") } else { document.to_string() }))?;
        }
        Format::Csv => context.output.rows(&facts(&run, seal, signed.as_ref()))?,
        Format::Table => {
            context.output.rows(&facts(&run, seal, signed.as_ref()))?;
            context.output.text("\n")?;
            context.output.rows(&step_lines(&steps))?;
            context.output.text("\n")?;
            context.output.rows(&input_rows(&inputs))?;
        }
    }
    Ok(ExitCode::Done)
}

fn run_rows(runs: &[RunRecord], seals: &Seals) -> Rows {
    let mut rows = Rows::new(&[
        "run",
        "status",
        "exit_code",
        "breaks",
        "rows",
        "ties_out",
        "started_at",
        "finished_at",
        "note",
        "message",
        "seal",
    ])
    .spare(&["finished_at", "ties_out", "rows", "note"]);
    for run in runs {
        rows.push(vec![
            Cell::text(&run.id),
            Cell::text(run.status.name()),
            Cell::or_empty(run.exit_code.map(Cell::integer)),
            Cell::or_empty(run.breaks.map(Cell::integer)),
            Cell::or_empty(run.rows.map(Cell::integer)),
            Cell::or_empty(run.ties_out.map(Cell::Flag)),
            Cell::Time(run.started_at),
            Cell::or_empty(run.finished_at.map(Cell::Time)),
            optional_text(run.note.as_deref()),
            optional_text(run.message.as_deref()),
            optional_text(seals.word(run)),
        ]);
    }
    rows
}

/// One run as names and values.
fn facts(run: &RunRecord, (word, seal): (Option<&str>, Option<&Standing>), signed: Option<&SignOff>) -> Rows {
    let mut rows = Rows::new(&["field", "value"]).whole();
    let mut fact = |name: &str, value: Cell| rows.push(vec![Cell::text(name), value]);
    fact("run", Cell::text(&run.id));
    fact("status", Cell::text(run.status.name()));
    fact("exit_code", Cell::or_empty(run.exit_code.map(Cell::integer)));
    fact("breaks", Cell::or_empty(run.breaks.map(Cell::integer)));
    fact("rows", Cell::or_empty(run.rows.map(Cell::integer)));
    fact("ties_out", Cell::or_empty(run.ties_out.map(Cell::Flag)));
    fact("started_at", Cell::Time(run.started_at));
    fact("finished_at", Cell::or_empty(run.finished_at.map(Cell::Time)));
    fact("started_by", optional_text(run.started_by.as_deref()));
    fact("note", optional_text(run.note.as_deref()));
    fact("message", optional_text(run.message.as_deref()));
    fact("seal", optional_text(word));
    fact("sealed_by", optional_text(seal.map(|seal| seal.by.as_str())));
    fact("sealed_at", Cell::or_empty(seal.map(|seal| Cell::Time(seal.at))));
    fact("sign_off", optional_text(signed.map(|signed| signed.state.name())));
    let names =
        signed.map(|signed| [&signed.prepared, &signed.signed_off].map(|name| name.as_ref().map(|one| &*one.by)));
    let [prepared_by, signed_off_by] = names.unwrap_or_default();
    fact("prepared_by", optional_text(prepared_by));
    fact("signed_off_by", optional_text(signed_off_by));
    fact("artifacts", optional_text(run.artifacts.as_deref()));
    fact("sandbox", Cell::Flag(run.sandbox));
    fact("job_sha256", Cell::text(&run.job_sha256));
    fact("program_version", Cell::text(&run.program_version));
    rows
}

/// The steps for people: what the inputs were stands in a table of its own.
fn step_lines(steps: &[StepRecord]) -> Rows {
    let mut rows = Rows::new(&["step", "at", "detail"]);
    for step in steps {
        let detail = detail_words(&step.detail);
        rows.push(vec![Cell::text(step.step.name()), Cell::Time(step.at), Cell::text(detail)]);
    }
    rows
}

/// `214 rows`, or the names of the files of each side.
fn detail_words(detail: &Value) -> String {
    match detail {
        Value::Object(pairs) => {
            let words = |(name, value): (&String, &Value)| format!("{value} {}", name.replace('_', " "));
            // Figures are for programs: the report tells them better.
            pairs.iter().filter(|(_, value)| !value.is_object()).map(words).collect::<Vec<_>>().join(", ")
        }
        Value::Array(inputs) => {
            let files = |input: &Value| input["files"].as_array().map_or(0, Vec::len);
            let words = |input: &Value| format!("{} {}", input["side"].as_str().unwrap_or("input"), files(input));
            format!("files: {}", inputs.iter().map(words).collect::<Vec<_>>().join(", "))
        }
        _ => String::new(),
    }
}

fn input_rows(inputs: &[InputRecord]) -> Rows {
    let mut rows = Rows::new(&["input", "name", "rows", "bytes", "sha256"]);
    for input in inputs {
        rows.push(vec![
            Cell::text(input.side.name()),
            Cell::text(&input.file.name),
            Cell::integer(input.rows),
            Cell::integer(input.file.bytes),
            Cell::text(&input.file.sha256),
        ]);
    }
    rows
}

fn optional_text(text: Option<&str>) -> Cell {
    Cell::or_empty(text.map(Cell::text))
}
