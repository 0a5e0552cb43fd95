//! `tieout breaks list` and `tieout breaks show`: where breaks stand across runs, and what became of one.

use chrono::{NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::json;

use super::Context;
use super::runs::Seals;
use crate::breaks::BreakStatus;
use crate::breaks::life::{Event, Evidence, Sighting, Standing};
use crate::cli::LivesArgs;
use crate::exit::{ExitCode, Failure};
use crate::journal::{BreakEntry, BreakFilter, BreakRow, Journal, JournalError, SightingRecord};
use crate::money;
use crate::output::{Cell, Format, Rows};
use crate::report::lives::Ages;

const COLUMNS: [&str; 16] = [
    "break",
    "status",
    "kind",
    "key",
    "at_risk",
    "currency",
    "owner",
    "age",
    "comments",
    "period",
    "first_seen",
    "last_seen",
    "last_run",
    "job",
    "detail",
    "sealed",
];

/// What a narrow terminal does without; never the currency, an amount is nothing without it.
const SPARE: [&str; 8] = ["first_seen", "last_seen", "last_run", "comments", "job", "period", "detail", "owner"];

/// Lists breaks across runs, oldest first within a job; those that are not closed unless a status is asked for.
///
/// # Errors
/// When there is no project or the journal cannot be read.
pub async fn list(mut context: Context, args: LivesArgs) -> Result<ExitCode, Failure> {
    let mut ages = Ages::new(today());
    let (found, seals) = match context.read_journal().await? {
        Some(journal) => (journal.breaks(&filter(&args)).await?, Seals::read(&journal).await?),
        None => (Vec::new(), Seals::default()),
    };
    let mut rows = Rows::new(&COLUMNS).spare(&SPARE);
    let mut statuses = Vec::new();
    for row in &found {
        let standing = &row.standing;
        let age = ages.of(standing);
        let old_enough = args.older_than.is_none_or(|days| age > i64::from(days));
        let enough = args.min_amount.is_none_or(|least| at_risk_amount(standing.facts()) >= least);
        if old_enough && enough {
            statuses.push(standing.status);
            if args.limit.is_none_or(|limit| rows.len() < limit) {
                rows.push(cells(row, age, &seals));
            }
        }
    }
    let counted = counted(&statuses);
    match (rows.len(), statuses.len()) {
        (_, 0) => tracing::info!("no such break"),
        (shown, all) if shown < all => tracing::info!("the first {shown} of {all} breaks: {counted}"),
        (_, all) => tracing::info!("{all} {}: {counted}", if all == 1 { "break" } else { "breaks" }),
    }
    context.output.rows(&rows)?;
    Ok(ExitCode::Done)
}

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

fn filter(args: &LivesArgs) -> BreakFilter {
    let open = || BreakStatus::ALL.into_iter().filter(|status| status.is_open()).collect();
    BreakFilter {
        job: args.job.clone(),
        period: args.period.clone(),
        statuses: if args.statuses.is_empty() { open() } else { args.statuses.clone() },
        kinds: args.kinds.clone(),
        owner: args.owner.clone(),
    }
}

/// In units of the currency, exactly.
fn at_risk_amount(facts: &Sighting) -> Decimal {
    Decimal::new(facts.at_risk_minor, u32::from(money::exponent(&facts.currency).unwrap_or(2)))
}

/// `2 open, 1 in dispute`
pub(super) fn counted(statuses: &[BreakStatus]) -> String {
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    let counts = BreakStatus::ALL.into_iter().map(|status| (count(status), status));
    let words = counts.filter(|(count, _)| *count > 0).map(|(count, status)| format!("{count} {}", status.words()));
    words.collect::<Vec<_>>().join(", ")
}

fn cells(row: &BreakRow, age: i64, seals: &Seals) -> Vec<Cell> {
    let standing = &row.standing;
    let facts = standing.facts();
    vec![
        Cell::text(&*standing.id),
        Cell::text(standing.status.name()),
        Cell::text(facts.kind_name()),
        Cell::text(&*facts.key),
        at_risk(facts),
        Cell::or_empty(Some(&*facts.currency).filter(|code| !code.is_empty()).map(Cell::text)),
        Cell::or_empty(standing.owner.as_deref().map(Cell::text)),
        Cell::integer(age),
        Cell::integer(standing.comments),
        Cell::text(&*standing.first.period),
        Cell::Time(standing.first.seen_at),
        Cell::Time(row.last.last_seen),
        Cell::text(&*row.last.last_run),
        Cell::text(&*standing.job),
        Cell::text(&*facts.detail),
        is_sealed(seals, &standing.job, &standing.first.period),
    ]
}

/// `true` where the period is sealed; nothing where it is open.
fn is_sealed(seals: &Seals, job: &str, period: &str) -> Cell {
    Cell::or_empty(seals.is_sealed(job, period).then_some(Cell::Flag(true)))
}

/// What is at risk; nothing for what is about a whole file, or only suggested.
fn at_risk(facts: &Sighting) -> Cell {
    let stated = !facts.currency.is_empty() && !facts.is_pair();
    Cell::or_empty(stated.then(|| Cell::amount(facts.at_risk_minor, &facts.currency)))
}

/// After a decision: the breaks that it was about.
pub(super) fn decided_rows(standings: &[Standing]) -> Rows {
    let mut rows = Rows::new(&["break", "status", "kind", "key", "at_risk", "currency", "owner", "comments", "job"])
        .spare(&["comments", "job"]);
    for standing in standings {
        let facts = standing.facts();
        rows.push(vec![
            Cell::text(&*standing.id),
            Cell::text(standing.status.name()),
            Cell::text(facts.kind_name()),
            Cell::text(&*facts.key),
            at_risk(facts),
            Cell::or_empty(Some(&*facts.currency).filter(|code| !code.is_empty()).map(Cell::text)),
            Cell::or_empty(standing.owner.as_deref().map(Cell::text)),
            Cell::integer(standing.comments),
            Cell::text(&*standing.job),
        ]);
    }
    rows
}

/// The break of an id or of its first digits.
async fn life(journal: Option<&Journal>, id: &str) -> Result<Standing, JournalError> {
    match journal {
        Some(journal) => journal.life(id).await,
        None => Err(JournalError::UnknownBreak { id: id.to_owned(), nearest: Vec::new() }),
    }
}

/// Shows one break with the runs that found it, its effects and its life.
///
/// # Errors
/// When the break is unknown, there is no project or the journal cannot be read.
pub async fn show(mut context: Context, id: String) -> Result<ExitCode, Failure> {
    let journal = context.read_journal().await?;
    let standing = life(journal.as_ref(), &id).await?;
    let Some(journal) = journal else { return Ok(ExitCode::Done) };
    let entries = journal.life_of(&standing.id).await?;
    let sightings = journal.sightings(&standing.id).await?;
    let seals = Seals::read(&journal).await?;
    let mut effects = Vec::new();
    for (id, says) in &standing.effects {
        effects.push((journal.effect(id).await?, *says));
    }
    let age = Ages::new(today()).of(&standing);
    match context.output.format {
        Format::Json | Format::Jsonl => {
            let effects: Vec<_> = effects.iter().map(|(effect, _)| effect).collect();
            let document = json!({
                "standing": standing, "age_business_days": age, "sightings": sightings, "effects": effects,
                "history": entries,
            });
            let pretty = context.output.format == Format::Json;
            let text = if pretty { format!("{document:#}\n") } else { format!("{document}\n") };
            context.output.text(&text)?;
        }
        Format::Csv => context.output.rows(&facts(&standing, age))?,
        Format::Table => {
            context.output.rows(&facts(&standing, age))?;
            context.output.text("\n")?;
            context.output.rows(&sighting_rows(&sightings, &standing.job, &seals))?;
            if !effects.is_empty() {
                let mut rows = Rows::new(&["effect", "kind", "state", "says"]).whole();
                for (effect, says) in &effects {
                    let (kind, state) = (effect.effect.kind().name(), effect.state.name());
                    let id = &*effect.effect.id;
                    rows.push([id, kind, state, says.words()].map(Cell::text).to_vec());
                }
                context.output.text("\n")?;
                context.output.rows(&rows)?;
            }
            context.output.text("\n")?;
            context.output.rows(&history(&entries))?;
        }
    }
    Ok(ExitCode::Done)
}

/// One break as names and values.
fn facts(standing: &Standing, age: i64) -> Rows {
    let found = standing.facts();
    let mut rows = Rows::new(&["field", "value"]).whole();
    let mut fact = |name: &str, value: Cell| rows.push(vec![Cell::text(name), value]);
    fact("break", Cell::text(&*standing.id));
    fact("status", Cell::text(standing.status.name()));
    fact("since", Cell::Time(standing.since));
    fact("kind", Cell::text(found.kind_name()));
    fact("key", Cell::text(&*found.key));
    fact("detail", Cell::text(&*found.detail));
    fact("at_risk", at_risk(found));
    fact("currency", Cell::or_empty(Some(&*found.currency).filter(|code| !code.is_empty()).map(Cell::text)));
    fact("measure", Cell::text(found.measure.name()));
    fact("owner", Cell::or_empty(standing.owner.as_deref().map(Cell::text)));
    fact("job", Cell::text(&*standing.job));
    fact("first_period", Cell::text(&*standing.first.period));
    fact("first_seen", Cell::Time(standing.first.seen_at));
    fact("age_business_days", Cell::integer(age));
    fact("comments", Cell::integer(standing.comments));
    rows
}

fn sighting_rows(sightings: &[SightingRecord], job: &str, seals: &Seals) -> Rows {
    let mut rows = Rows::new(&["period", "there", "first_run", "last_run", "last_seen", "sealed"]).whole();
    for sighting in sightings {
        rows.push(vec![
            Cell::text(&*sighting.period),
            Cell::Flag(sighting.present),
            Cell::text(&*sighting.first_run),
            Cell::text(&*sighting.last_run),
            Cell::Time(sighting.last_seen),
            is_sealed(seals, job, &sighting.period),
        ]);
    }
    rows
}

fn history(entries: &[BreakEntry]) -> Rows {
    let mut rows = Rows::new(&["entry", "at", "by", "what"]).whole();
    for entry in entries {
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
pub(super) fn by(entry: &BreakEntry) -> Option<&str> {
    entry.run.as_deref().or_else(|| entry.event.person())
}

/// One entry of the journal in a line.
pub(super) fn what(event: &Event) -> String {
    let said = |words: &str, text: &str| format!("{words}: {text}");
    let perhaps = |words: String, text: Option<&str>| text.map_or_else(|| words.clone(), |text| said(&words, text));
    let found = |words: &str, facts: &Sighting| {
        format!("{words} in {} as {}: {}", facts.period, facts.kind_name().replace('_', " "), facts.detail)
    };
    match event {
        Event::Opened { facts, .. } => found("found", facts),
        Event::Changed { facts } => found("found with other facts", facts),
        Event::Reopened { facts } => found("open again, found", facts),
        Event::Closed { period, evidence } => cleared(period, evidence),
        Event::Disputed { effect } => format!("in dispute by audit {effect}"),
        Event::Settled { effect, verdict } => format!("audit {effect} leaves it {}", verdict.words()),
        Event::Assigned { to, reason, .. } => perhaps(format!("assigned to {to}"), reason.as_deref()),
        Event::Commented { text, .. } => said("comment", text),
        Event::Confirmed { reason, .. } => perhaps("confirmed".to_owned(), reason.as_deref()),
        Event::WrittenOff { reason, .. } => said("written off", reason),
        Event::ForceMatched { with: Some(key), reason, .. } => said(&format!("force matched with {key}"), reason),
        Event::ForceMatched { with: None, reason, .. } => said("force matched", reason),
        Event::SuggestionAccepted { reason, .. } => said("suggestion accepted", reason),
        Event::ReopenedByPerson { reason, .. } => said("opened again", reason),
    }
}

/// Why a run finds a break no more.
fn cleared(period: &str, evidence: &Evidence) -> String {
    match evidence {
        Evidence::Inputs { changed } if changed.is_empty() => {
            format!("no longer found in {period}, though no input has changed")
        }
        Evidence::Inputs { changed } => format!("no longer found in {period}; changed since: {}", changed.join(", ")),
        Evidence::Suggestion { id } => format!("no longer found in {period}: suggestion {id} pairs its key"),
        Evidence::Row { period: by, side, file, line } => {
            format!("cleared by the run of {by}: {side} {file} line {line}")
        }
        Evidence::Together { period: of } => {
            format!("seen by the run of {period}: what {of} and other periods left open belongs together")
        }
    }
}
