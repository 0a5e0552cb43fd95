//! `tieout effects` and `tieout effects show`: what is asked of the provider, and what became of it.

use serde_json::json;

use super::{Context, decision};
use crate::cli::EffectsArgs;
pub(super) use crate::effects::words::what;
use crate::effects::words::{BY_URGENCY, ask_words, person_of, state_words};
use crate::effects::{Approver, Ask, Effect, Entry, Standing, State};
use crate::exit::{ExitCode, Failure};
use crate::journal::{EffectFilter, Journal, JournalError};
use crate::output::{Cell, Format, Rows};

/// What is shown when nobody names a run or a job: all that something or somebody still has to do with.
const UNFINISHED: [State; 5] = [State::InDoubt, State::Rejected, State::Proposed, State::Approved, State::InFlight];

const COLUMNS: [&str; 13] = [
    "effect",
    "state",
    "kind",
    "transaction",
    "user",
    "asks",
    "at_risk",
    "currency",
    "since",
    "why",
    "words",
    "job",
    "period",
];

/// What a narrow terminal does without; never the currency, an amount is nothing without it.
const SPARE: [&str; 7] = ["kind", "words", "job", "since", "period", "user", "why"];

/// Lists effects, what needs a person first.
///
/// # Errors
/// When the run is unknown, there is no project or the journal cannot be read.
pub async fn list(mut context: Context, args: EffectsArgs) -> Result<ExitCode, Failure> {
    let limit = args.limit.unwrap_or(usize::MAX);
    let mut found = match context.read_journal().await? {
        Some(journal) => {
            let filter = filter(&journal, args).await?;
            journal.effects(&filter).await?
        }
        None => match args.of.filter(|of| of.contains('/')) {
            Some(id) => return Err(JournalError::UnknownRun { id, nearest: Vec::new() }.into()),
            None => Vec::new(),
        },
    };
    found.sort_by_key(|standing| BY_URGENCY.iter().position(|state| *state == standing.state));
    let all = found.len();
    let counted = decision::states_counted(&found);
    found.truncate(limit);
    match (all, found.len()) {
        (0, _) => tracing::info!("no such effect"),
        (all, shown) if shown < all => tracing::info!("the first {shown} of {all} effects: {counted}"),
        (all, _) => tracing::info!("{all} {}: {counted}", if all == 1 { "effect" } else { "effects" }),
    }
    context.output.rows(&rows(&found))?;
    Ok(ExitCode::Done)
}

async fn filter(journal: &Journal, args: EffectsArgs) -> Result<EffectFilter, JournalError> {
    let named = args.of.is_some();
    let (job, period) = match args.of {
        Some(of) if of.contains('/') => {
            let run = journal.run(&of).await?;
            // A run's effects are those of its job and period: sent ones keep the plan that they were sent with.
            (Some(run.job), Some(run.period))
        }
        of => (of, args.period),
    };
    let states = match args.states {
        states if !states.is_empty() => states,
        _ if named => Vec::new(),
        _ => UNFINISHED.to_vec(),
    };
    Ok(EffectFilter { job, period, plan: None, kind: args.kind, states, transaction: args.transaction, limit: None })
}

/// Effects as a table, one row each.
pub(super) fn rows(standings: &[Standing]) -> Rows {
    let mut rows = Rows::new(&COLUMNS).spare(&SPARE);
    for standing in standings {
        let effect = &standing.effect;
        rows.push(vec![
            Cell::text(&*effect.id),
            Cell::text(standing.state.name()),
            Cell::text(effect.kind().name()),
            Cell::text(effect.transaction()),
            Cell::text(&*effect.user),
            Cell::text(ask_words(effect)),
            at_risk(effect),
            currency(effect),
            Cell::Time(standing.since),
            Cell::text(effect.why()),
            Cell::text(state_words(standing)),
            Cell::text(&*effect.job),
            Cell::text(&*effect.period),
        ]);
    }
    rows
}

/// What is at risk; nothing for what a job sends.
pub(super) fn at_risk(effect: &Effect) -> Cell {
    let stated = !effect.currency.is_empty();
    Cell::or_empty(stated.then(|| Cell::amount(effect.at_risk_minor, &effect.currency)))
}

/// The currency of what is at risk.
pub(super) fn currency(effect: &Effect) -> Cell {
    Cell::or_empty(Some(&*effect.currency).filter(|code| !code.is_empty()).map(Cell::text))
}

/// Shows one effect with its grounds and its history.
///
/// # Errors
/// When the effect is unknown, there is no project or the journal cannot be read.
pub async fn show(mut context: Context, id: String) -> Result<ExitCode, Failure> {
    let Some(journal) = context.read_journal().await? else { return Err(no_effect(&[id]).into()) };
    let standing = journal.effect(&id).await?;
    let history = journal.history(&standing.effect.id).await?;
    match context.output.format {
        Format::Json | Format::Jsonl => {
            let document = json!({ "words": state_words(&standing), "standing": standing, "history": history });
            let pretty = context.output.format == Format::Json;
            let text = if pretty { format!("{document:#}\n") } else { format!("{document}\n") };
            context.output.text(&text)?;
        }
        Format::Csv => context.output.rows(&facts(&standing))?,
        Format::Table => {
            context.output.rows(&facts(&standing))?;
            context.output.text("\n")?;
            context.output.rows(&grounds(&standing))?;
            context.output.text("\n")?;
            context.output.rows(&history_rows(&history))?;
        }
    }
    Ok(ExitCode::Done)
}

/// One effect as names and values.
pub(super) fn facts(standing: &Standing) -> Rows {
    let effect = &standing.effect;
    let mut rows = Rows::new(&["field", "value"]).whole();
    let mut fact = |name: &str, value: Cell| rows.push(vec![Cell::text(name), value]);
    let text = |text: Option<&str>| Cell::or_empty(text.map(Cell::text));
    fact("effect", Cell::text(&*effect.id));
    fact("state", Cell::text(standing.state.name()));
    fact("words", Cell::text(state_words(standing)));
    fact("since", Cell::Time(standing.since));
    fact("kind", Cell::text(effect.kind().name()));
    fact("transaction", Cell::text(effect.transaction()));
    fact("user", Cell::text(&*effect.user));
    fact("asks", Cell::text(ask_words(effect)));
    if let Ask::Audit { merchant, description, .. } = &effect.ask {
        fact("merchant", Cell::text(&**merchant));
        fact("description", Cell::text(&**description));
    }
    fact("at_risk", at_risk(effect));
    fact("currency", currency(effect));
    fact("job", Cell::text(&*effect.job));
    fact("period", Cell::text(&*effect.period));
    fact("provider", Cell::text(&*effect.key.provider));
    fact("organization", Cell::text(&*effect.key.organization));
    fact("opening", Cell::integer(effect.opening));
    fact("reopened", text(effect.reopened.as_deref()));
    fact("plan", Cell::text(&*standing.plan));
    fact("approved_by", Cell::or_empty(standing.approval.as_ref().map(|given| Cell::text(approver(&given.by)))));
    fact("comment", text(standing.approval.as_ref().and_then(|given| given.comment.as_deref())));
    fact("attempts", Cell::integer(standing.attempts));
    fact("call", text(standing.call.as_deref()));
    fact("body_sha256", text(standing.body_sha256.as_deref()));
    fact("provider_id", text(standing.provider_id.as_deref()));
    fact("said", text(standing.said.as_deref()));
    rows
}

fn approver(by: &Approver) -> String {
    match by {
        Approver::Person { name } => name.clone(),
        Approver::Job { rule } => format!("the job ({rule})"),
    }
}

fn grounds(standing: &Standing) -> Rows {
    let mut rows = Rows::new(&["ground", "break", "detail", "rows"]).whole();
    for ground in &standing.effect.grounds {
        let places: Vec<String> =
            ground.rows.iter().map(|row| format!("{} {} line {}", row.side, row.file, row.line)).collect();
        rows.push(vec![
            Cell::text(&*ground.rule),
            Cell::or_empty(ground.break_id.as_deref().map(Cell::text)),
            Cell::text(&*ground.detail),
            Cell::text(places.join("; ")),
        ]);
    }
    rows
}

pub(super) fn history_rows(history: &[Entry]) -> Rows {
    let mut rows = Rows::new(&["entry", "at", "by", "what"]).whole();
    for entry in history {
        rows.push(vec![
            Cell::integer(entry.sequence),
            Cell::Time(entry.at),
            Cell::or_empty(by(entry).map(Cell::text)),
            Cell::text(what(&entry.event)),
        ]);
    }
    rows
}

/// The run or the person that it comes from.
pub(super) fn by(entry: &Entry) -> Option<&str> {
    entry.run.as_deref().or_else(|| person_of(&entry.event))
}

/// Nothing was ever run: no effect is known.
pub(super) fn no_effect(ids: &[String]) -> JournalError {
    JournalError::UnknownEffect { id: ids.first().cloned().unwrap_or_default(), nearest: Vec::new() }
}
