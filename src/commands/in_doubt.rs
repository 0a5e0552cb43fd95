//! `tieout in-doubt`: what was sent and may or may not have arrived, until evidence or a person decides.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::decision;
use super::effects::{self, facts, history_rows, no_effect, rows};
use super::{Context, person::person};
use crate::cli::ResolveArgs;
use crate::decisions::effects::{RESOLVE, Rule, check, resolve as resolve_all};
pub use crate::effects::doubt::age;
use crate::effects::doubt::{asked, decision_words, ending, method, path, question, why};
use crate::effects::words::{ask_words, state_words};
use crate::effects::{Decision, Effect, Standing, State};
use crate::exit::{ExitCode, Failure};
use crate::journal::{EffectFilter, JournalError};
use crate::output::{Cell, Format, Rows};

const COLUMNS: [&str; 13] = [
    "effect",
    "age",
    "kind",
    "transaction",
    "user",
    "asks",
    "at_risk",
    "currency",
    "since",
    "attempts",
    "why",
    "job",
    "period",
];

/// What a narrow terminal does without; never the currency, an amount is nothing without it.
const SPARE: [&str; 6] = ["kind", "attempts", "since", "user", "job", "period"];

/// Lists everything in doubt, oldest first; ends with 20 when there is anything.
///
/// # Errors
/// When there is no project or the journal cannot be read.
pub async fn list(mut context: Context) -> Result<ExitCode, Failure> {
    let states = vec![State::InDoubt, State::InFlight];
    let open = match context.read_journal().await? {
        Some(journal) => journal.effects(&EffectFilter { states, ..EffectFilter::default() }).await?,
        None => Vec::new(),
    };
    let (mut found, in_flight): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|standing| standing.state == State::InDoubt);
    found.sort_by_key(|standing| standing.since);
    if !in_flight.is_empty() {
        let counted = decision::counted(&in_flight);
        tracing::warn!(
            "{counted} in flight: a run is sending them, or it is gone and the next run finds them in doubt"
        );
    }
    context.output.rows(&list_rows(&found, Utc::now()))?;
    if found.is_empty() {
        tracing::info!("nothing is in doubt");
        return Ok(ExitCode::Done);
    }
    tracing::info!("in doubt: {}; `tieout in-doubt show EFFECT` tells how to decide", decision::counted(&found));
    Ok(ExitCode::PersonNeeded)
}

fn list_rows(found: &[Standing], now: DateTime<Utc>) -> Rows {
    let mut rows = Rows::new(&COLUMNS).spare(&SPARE);
    for standing in found {
        let effect = &standing.effect;
        rows.push(vec![
            Cell::text(&*effect.id),
            Cell::text(age(now - standing.since)),
            Cell::text(effect.kind().name()),
            Cell::text(effect.transaction()),
            Cell::text(&*effect.user),
            Cell::text(ask_words(effect)),
            effects::at_risk(effect),
            effects::currency(effect),
            Cell::Time(standing.since),
            Cell::integer(standing.attempts),
            Cell::text(why(standing)),
            Cell::text(&*effect.job),
            Cell::text(&*effect.period),
        ]);
    }
    rows
}

/// Shows one effect in doubt: the call, what to ask the provider, and what each decision means.
///
/// # Errors
/// When the effect is unknown or not in doubt, there is no project or the journal cannot be read.
pub async fn show(mut context: Context, id: String) -> Result<ExitCode, Failure> {
    let Some(journal) = context.read_journal().await? else {
        return Err(JournalError::UnknownEffect { id, nearest: Vec::new() }.into());
    };
    let standing = journal.effect(&id).await?;
    check(&journal, std::slice::from_ref(&standing), Rule { decided: "shown here", ..RESOLVE }).await?;
    let history = journal.history(&standing.effect.id).await?;
    let path = path(&standing.effect);
    let question = question(&standing);
    match context.output.format {
        Format::Json | Format::Jsonl => {
            let document = json!({
                "words": state_words(&standing),
                "why": why(&standing),
                "call": { "method": method(&standing.effect).name(), "path": path, "body_sha256": standing.body_sha256, "id": standing.call },
                "ask_provider": question,
                "standing": standing,
                "history": history,
            });
            let pretty = context.output.format == Format::Json;
            let text = if pretty { format!("{document:#}\n") } else { format!("{document}\n") };
            context.output.text(&text)?;
        }
        Format::Csv => context.output.rows(&doubt_facts(&standing, &path, &question))?,
        Format::Table => {
            context.output.rows(&doubt_facts(&standing, &path, &question))?;
            context.output.text("\n")?;
            context.output.rows(&history_rows(&history))?;
            context.output.text(&how_to_decide(&standing.effect))?;
        }
    }
    Ok(ExitCode::Done)
}

fn doubt_facts(standing: &Standing, path: &str, question: &str) -> Rows {
    let mut rows = facts(standing);
    let sent_to = format!("{} {path}", method(&standing.effect).name());
    for (name, value) in [("sent_to", sent_to), ("ask_provider", question.to_owned())] {
        rows.push(vec![Cell::text(name), Cell::text(value)]);
    }
    rows
}

fn how_to_decide(effect: &Effect) -> String {
    let (whom, ending, effect) = (asked(effect), ending(effect.kind()), &effect.id);
    format!(
        "
Ask {whom}. {ending}

  {}:
    tieout in-doubt resolve {effect} --applied --reason TEXT
  {}:
    tieout in-doubt resolve {effect} --not-applied --reason TEXT
  {}:
    tieout in-doubt resolve {effect} --resend --reason TEXT
",
        decision_words(Decision::Applied),
        decision_words(Decision::NotApplied),
        decision_words(Decision::Resend),
    )
}

/// Ends doubts, all or none.
///
/// # Errors
/// When an effect is unknown or not in doubt, or nobody is named.
pub async fn resolve(mut context: Context, args: ResolveArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let decision = args.decision.decision();
    let journal = context.write_journal().await?.ok_or_else(|| no_effect(&args.effects))?;
    let after = resolve_all(&journal, &args.effects, decision, by, args.reason).await?;
    journal.close().await?;
    let counted = decision::counted(&after);
    match decision {
        Decision::Applied => tracing::info!("resolved {counted}: the provider has them"),
        Decision::NotApplied => {
            tracing::info!(
                "resolved {counted}: the provider does not have them; `tieout reopen` would open them again"
            );
        }
        Decision::Resend => {
            let next = decision::next_runs(&after, context.sandbox);
            tracing::info!("resolved {counted}: {next} sends them again");
        }
    }
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}
