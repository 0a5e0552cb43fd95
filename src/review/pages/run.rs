//! The page of one run: what it found, who ran it, what leads on. Made from the journal and the run's `summary.json`.

mod files;
mod look;
mod said;
mod time;
mod trend;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::overview::state;
use crate::journal::{JournalError, RunFilter, RunRecord, RunStatus};
use crate::report::html::links::Links;
use crate::report::html::parts;
use crate::report::json::Summary;
use crate::review::access::{Act, Visitor};
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::frame::{Crumb, Page, Refusal, Section, page};
use crate::review::sign_off;
use crate::text::visible;
use look::{Look, Report};

/// Parcels, days and other rows of a part of the report; all stand in its files.
const PART_ROWS: usize = 200;

/// To the last attempt of a period.
pub(super) async fn period(
    State(desk): State<Desk>,
    Path((job, period)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let filter =
        RunFilter { job: Some(job.clone()), period: Some(period.clone()), limit: Some(1), ..RunFilter::default() };
    match desk.journal().runs(&filter).await?.first() {
        Some(run) => Ok(Redirect::to(&address::run(&run.id)).into_response()),
        None => Err(Refusal::NotFound(format!("run of {job} for {period}"))),
    }
}

pub(super) async fn run(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let id = format!("{job}/{period}/{attempt}");
    let run = match desk.journal().run(&id).await {
        Err(JournalError::UnknownRun { .. }) => return Err(Refusal::NotFound(format!("run {id}"))),
        run => run?,
    };
    let title = format!("{} for {}, attempt {}", run.job, run.period, run.attempt);
    let month: String = run.period.chars().take(7).collect();
    let crumbs = vec![Crumb { name: month.clone(), href: format!("/?month={}", address::segment(&month)) }];
    let sign_off = sign_off::brief(&desk, &run).await?;
    let found = look::look(&desk, run).await?;
    let body = body(&visitor, &found, &sign_off);
    Ok(page(&visitor, Page { title, section: Section::Overview, crumbs, body }))
}

fn body(visitor: &Visitor, found: &Look, sign_off: &Markup) -> Markup {
    let run = &found.run;
    html! {
        (about(found))
        @match &found.report {
            Report::Is(summary) => (reported(visitor, found, summary, sign_off)),
            Report::Never => (unreported(run)),
            Report::Gone(why) => {
                section.note aria-labelledby="gone" {
                    h2 #gone { "The report is not here" }
                    p { "The run has left a report, and " bdi { (visible(why)) } ". What the journal says of it stands below." }
                    @if let Some(breaks) = run.breaks { p { "It had found " (crate::report::count(breaks)) " breaks." } }
                }
            }
        }
        (time::attempts(run, &found.attempts))
        (time::steps(&found.steps))
        @if !matches!(found.report, Report::Is(_)) { (files::inputs(visitor, run, &found.inputs)) }
        @if run.artifacts.is_some() { (files::files(run, &found.files, &found.removed)) }
    }
}

/// Who ran it, when, and why; that it is not the last attempt; that the period is sealed.
fn about(found: &Look) -> Markup {
    let run = &found.run;
    let state = state::State::of(run, None);
    let latest = found.attempts.first().filter(|latest| latest.attempt > run.attempt);
    html! {
        p {
            span class={ "state " (state.class()) } { (run.status.name().replace('_', " ")) }
            " begun " (time::at(run.started_at)) " by " bdi { (visible(run.started_by.as_deref().unwrap_or("somebody")) ) }
            @if let Some(end) = run.finished_at { ", ended after " (time::took(end - run.started_at)) }
            @if let Some(code) = run.exit_code { " with exit code " (code) }
            "; tieout " (visible(&run.program_version))
        }
        @if let (Some(note), Report::Never | Report::Gone(_)) = (&run.note, &found.report) { p.soft { "Note: " bdi { (visible(note)) } } }
        @if let (true, Report::Never | Report::Gone(_)) = (run.sandbox, &found.report) {
            p.sandbox { strong { "Sandbox." } " The provider was simulated: these are not real transactions." }
        }
        @if let Some(latest) = latest {
            p.note {
                "A later attempt is there: " a href=(address::run(&latest.id)) { "attempt " (latest.attempt) }
                ", " (latest.status.name().replace('_', " ")) "."
            }
        }
        @if let Some(seal) = &found.seal {
            p.note {
                "The period is sealed: "
                @if seal.run == run.id { "this attempt" } @else { a href=(address::run(&seal.run)) { bdi { (visible(&seal.run)) } } }
                " was signed off by " bdi { (visible(&seal.by)) } " at " (time::at(seal.at)) ": " bdi { (visible(&seal.reason)) } "."
            }
        }
    }
}

/// Why there is no report.
fn unreported(run: &RunRecord) -> Markup {
    let (title, words) = match run.status {
        RunStatus::Running => (
            "Running",
            "The run has begun and not ended. When its process is gone, the next attempt says so; what was done until then stands below.",
        ),
        RunStatus::Interrupted => (
            "Interrupted",
            "The run was stopped, or its process went away. Nothing of it is lost: the next attempt goes on from what is recorded.",
        ),
        RunStatus::Failed => ("Failed", "The run could not do its work, and has left no report."),
        RunStatus::Done | RunStatus::GateBreached => ("No report", "The journal names no report of this run."),
    };
    let class = if run.status == RunStatus::Failed { "verdict broken" } else { "verdict review" };
    html! {
        section class=(class) aria-labelledby="verdict" {
            h2 #verdict { (title) }
            @if let Some(message) = &run.message { p { bdi { (visible(message)) } } }
            p { (words) }
        }
    }
}

fn reported(visitor: &Visitor, found: &Look, summary: &Summary, sign_off: &Markup) -> Markup {
    let address = address::run(&found.run.id);
    let links = Links::Run { address: address.clone(), inputs: visitor.may(Act::ReadInputs) };
    html! {
        @if let Some(description) = &summary.job.description { p { bdi { (visible(description)) } } }
        (parts::banners(summary))
        (parts::verdict(summary))
        (sign_off)
        ul.links {
            li { a href={ (address) "/breaks" } { "Breaks" } }
            @if summary.effects.is_some() { li { a href={ (address) "/effects" } { "Effects" } } }
            li { a href="#files" { "Files" } }
            li { a href="#evidence" { "Evidence" } }
            li { a href="#attempts" { "Attempts" } }
        }
        (parts::figures(summary))
        @if summary.is_sending() { (parts::sent(summary, PART_ROWS)) }
        @if let Some(month) = &summary.month { (parts::month(month, PART_ROWS)) }
        (parts::tie_out(summary))
        (parts::kinds(summary, &links))
        (said::statuses(summary, &address))
        (parts::ages(summary, &links))
        (said::top(&found.top, &address))
        (trend::trend(&found.run.job, &found.trend))
        @if let Some(effects) = &summary.effects { (said::effects(effects, &address)) }
        (said::adjustments(summary))
        (said::quarantine(&summary.quarantine))
        (parts::rows(summary))
        (parts::gates(summary))
        (parts::notes(summary))
        (parts::evidence(summary, &links))
    }
}
