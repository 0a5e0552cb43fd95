//! One break: what each side says, where its rows stand, what became of it across runs, and what can be decided.

use axum::Extension;
use axum::extract::{Path, Query as Parameters, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::break_forms::forms;
use super::break_rows::{self, Received};
use super::break_sides::sides;
use super::breaks::{amount, status_words};
use super::parts::{Asked, RunPath, asked, capital, crumbs, link, notice, query, run_of, said, time};
use crate::breaks::BreakKind;
use crate::breaks::life::{Event, Standing};
use crate::breaks::words::what;
use crate::effects::Standing as EffectStanding;
use crate::effects::words::state_words;
use crate::journal::{BreakEntry, EffectFilter, JournalError, RunRecord, SightingRecord};
use crate::review::access::Visitor;
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::frame::{Crumb, Page, Refusal, Section, page};
use crate::review::store::{BreakRow, StoreError};
use crate::text::visible;

/// Entries of its history that are shown, the latest ones.
const MOST_ENTRIES: usize = 500;

/// What the journal knows of a break.
struct Life {
    standing: Standing,
    sightings: Vec<SightingRecord>,
    history: Vec<BreakEntry>,
}

/// Leads to the break in the run that saw it last.
pub(super) async fn last_run(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let not_found = || Refusal::NotFound(format!("break {id}"));
    let standing = match desk.journal().life(&id).await {
        Err(JournalError::UnknownBreak { .. } | JournalError::AmbiguousBreak { .. }) => return Err(not_found()),
        found => found?,
    };
    let sightings = desk.journal().sightings(&standing.id).await?;
    let last = sightings.iter().max_by_key(|sighting| (sighting.last_seen, &sighting.period)).ok_or_else(not_found)?;
    // What was done is told on the page, too.
    let done = asked(&from, "done").map(|word| query(&[("done", word.to_owned())])).unwrap_or_default();
    let href = format!("{}/breaks/{}{done}", address::run(&last.last_run), address::segment(&standing.id));
    Ok(Redirect::to(&href).into_response())
}

pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt, id)): Path<(String, String, String, String)>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let path: RunPath = (job, period, attempt);
    let run = run_of(&desk, &path).await?;
    let life = life(&desk, &id).await?;
    let row = match desk.store().breaks(desk.kept(), &run).await {
        Err(StoreError::Gone { .. }) => None,
        found => Some(found?.one(&id).await?),
    };
    let is_known_there = |life: &Life| life.sightings.iter().any(|sighting| sighting.period == run.period);
    let is_gone = row.is_none();
    let row = match (row.flatten(), &life) {
        (Some(row), _) => Some(row),
        // The run's files are gone, or it is a suggestion, which is no break: the journal knows.
        (None, Some(life))
            if life.standing.job == run.job && is_known_there(life) && (is_gone || life.standing.facts().is_pair()) =>
        {
            None
        }
        _ => return Err(Refusal::NotFound(format!("break {id} in run {}", run.id))),
    };
    let received = match &row {
        Some(row) => break_rows::received(&desk, &run, row, asked(&from, "rows") == Some("all")).await?,
        None => Received::Nothing,
    };
    let effects = effects(&desk, &run, &id, row.as_ref(), life.as_ref()).await?;
    let href = format!("{}/breaks/{}", address::run(&run.id), address::segment(&id));
    let title = title(row.as_ref(), life.as_ref());
    let body = html! {
        (notice(&from))
        @if is_gone { p.note { "The files of this run are not kept any more; this is what the journal knows." } }
        (found(&run, &id, row.as_ref(), life.as_ref()))
        @if let Some(row) = &row { (sides(row)) (break_rows::section(&visitor, row, &received, &href, &run)) }
        @if let Some(life) = &life {
            @if !effects.is_empty() { (asked_for(&effects)) }
            (comments(life))
            (forms(&visitor, &life.standing))
            (seen(life))
            (history(life))
        } @else { p.soft { "The journal keeps no life of this break, so nothing can be decided about it." } }
    };
    let mut way = crumbs(&run);
    way.push(Crumb { name: "Breaks".to_owned(), href: format!("{}/breaks", address::run(&run.id)) });
    Ok(page(&visitor, Page { title, section: Section::Overview, crumbs: way, body }))
}

async fn life(desk: &Desk, id: &str) -> Result<Option<Life>, Refusal> {
    let journal = desk.journal();
    let Some(standing) = journal.lives(&[id]).await?.remove(id) else { return Ok(None) };
    let (sightings, history) = (journal.sightings(id).await?, journal.life_of(id).await?);
    Ok(Some(Life { standing, sightings, history }))
}

/// What was asked of the provider because of it: the audits that its life tells of, and whatever names it as a ground.
async fn effects(
    desk: &Desk,
    run: &RunRecord,
    id: &str,
    row: Option<&BreakRow>,
    life: Option<&Life>,
) -> Result<Vec<EffectStanding>, Refusal> {
    let key = row.and_then(|row| row.text("key")).or_else(|| life.map(|life| &*life.standing.facts().key));
    let filter =
        EffectFilter { job: Some(run.job.clone()), transaction: key.map(str::to_owned), ..EffectFilter::default() };
    let mut found = desk.journal().effects(&filter).await?;
    let of_life = |effect: &str| life.is_some_and(|life| life.standing.effects.contains_key(effect));
    found.retain(|standing| {
        let effect = &standing.effect;
        of_life(&effect.id) || effect.grounds.iter().any(|ground| ground.break_id.as_deref() == Some(id))
    });
    Ok(found)
}

fn title(row: Option<&BreakRow>, life: Option<&Life>) -> String {
    let (kind, key) = match (row, life) {
        (Some(row), _) => (row.said("kind").to_owned(), row.said("key")),
        (None, Some(life)) => (life.standing.facts().kind_name().to_owned(), &*life.standing.facts().key),
        (None, None) => (String::new(), ""),
    };
    format!("{}: {key}", capital(kind.replace('_', " ")))
}

/// What it is, in words and numbers.
fn found(run: &RunRecord, id: &str, row: Option<&BreakRow>, life: Option<&Life>) -> Markup {
    let facts = life.map(|life| life.standing.facts());
    let kind = row.map(|row| row.said("kind")).or_else(|| facts.map(crate::breaks::life::Sighting::kind_name));
    let meaning = kind.and_then(|name| BreakKind::ALL.iter().find(|kind| kind.name() == name)).map(|kind| kind.words());
    let detail = row.and_then(|row| row.text("detail")).or_else(|| facts.map(|facts| &*facts.detail));
    let now = life.map(|life| life.standing.status);
    let status = row.map_or("", |row| row.said("status"));
    let currency = row.map_or("", |row| row.said("currency"));
    let is_pair = facts.is_some_and(crate::breaks::life::Sighting::is_pair);
    html! {
        @if is_pair { p { "What this means: Paired by a weaker rule because the keys differ; counted as matched, to be reviewed." } }
        @if let Some(detail) = detail { p.lead { (said(detail)) } }
        @if let Some(meaning) = meaning { p { "What this means: " (meaning) } }
        dl.facts {
            @if let Some(now) = now {
                div { dt { "Stands" } dd { strong { (now.words()) }
                    @if !status.is_empty() && status != now.name() { span.soft { " (the run said: " (status_words(status)) ")" } } } }
            } @else { div { dt { "Status" } dd { (status_words(status)) } } }
            @if let Some(life) = life {
                div { dt { "Owner" } dd { @match &life.standing.owner { Some(owner) => (said(owner)), None => "nobody" } } }
            }
            @if let Some(row) = row {
                @if let Some(minor) = row.whole("at_risk_minor") {
                    div { dt { "At risk" } dd { (amount(minor, currency)) } }
                }
                @if let Some(minor) = row.whole("difference_minor") {
                    div { dt { "Difference" } dd { (amount(minor, currency)) } }
                }
                @if let Some(measure) = row.text("measure") { div { dt { "Measure" } dd { (visible(&measure.replace('_', " "))) } } }
                @if let Some(at) = row.time("occurred_at") { div { dt { "Occurred" } dd { (time(at)) } } }
                @if let Some(days) = row.whole("age_days") { div { dt { "Age at the period's end" } dd { (days) @if days == 1 { " day" } @else { " days" } } } }
                @if let Some(first) = row.text("first_period") { div { dt { "First found in" } dd { (said(first)) } } }
            }
            div { dt { "Break" } dd.id { (said(id)) } }
            div { dt { "Run" } dd { (link(&address::run(&run.id), &run.id)) } }
        }
    }
}

fn asked_for(effects: &[EffectStanding]) -> Markup {
    html! {
        h2 { "What was asked of the provider" }
        ul {
            @for standing in effects {
                li {
                    a href={ "/effects/" (address::segment(&standing.effect.id)) } { (standing.effect.kind().words(1)) " " (said(&standing.effect.id)) }
                    ": " (said(&state_words(standing)))
                }
            }
        }
    }
}

fn comments(life: &Life) -> Markup {
    let comments: Vec<_> = life
        .history
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Commented { text, by } => Some((entry.at, by, text)),
            _ => None,
        })
        .collect();
    let shown = &comments[comments.len().saturating_sub(MOST_ENTRIES)..];
    html! {
        h2 #comments { "Comments" }
        @if shown.is_empty() { p.empty { "Nobody has commented." } }
        @for (at, by, text) in shown {
            article.comment {
                p.soft { (said(by)) ", " (time(*at)) }
                p.said { (said(text)) }
            }
        }
    }
}

fn seen(life: &Life) -> Markup {
    html! {
        h2 { "Where it was found" }
        div.scroll role="region" aria-label="Where it was found" tabindex="0" {
            table {
                caption { "Periods in which runs have found it" }
                thead { tr { th scope="col" { "Period" } th scope="col" { "There now" } th scope="col" { "First run" } th scope="col" { "Last run" } th scope="col" { "Last seen" } } }
                tbody {
                    @for sighting in &life.sightings {
                        tr {
                            th scope="row" { (said(&sighting.period)) }
                            td { @if sighting.present { "yes" } @else { "no" } }
                            td { (link(&address::run(&sighting.first_run), &sighting.first_run)) }
                            td { a href={ (address::run(&sighting.last_run)) "/breaks/" (address::segment(&life.standing.id)) } { (said(&sighting.last_run)) } }
                            td { (time(sighting.last_seen)) }
                        }
                    }
                }
            }
        }
    }
}

fn history(life: &Life) -> Markup {
    let left_out = life.history.len().saturating_sub(MOST_ENTRIES);
    html! {
        h2 #history { "History" }
        @if left_out > 0 { p.soft { "The latest " (MOST_ENTRIES) " entries; " (left_out) " earlier ones stand in the journal." } }
        ol.history {
            @for entry in &life.history[left_out..] {
                li {
                    (time(entry.at)) " "
                    @if let Some(by) = entry.event.person() { strong { (said(by)) } ": " }
                    @else if let Some(run) = &entry.run { (link(&address::run(run), run)) ": " }
                    (said(&what(&entry.event)))
                    span.soft { " (entry " (entry.sequence) ")" }
                }
            }
        }
    }
}
