//! The first page: what waits for people, and jobs and their periods as calendars.

mod calendar;
pub(super) mod look;
pub(super) mod state;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Months, NaiveDate, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use crate::job::Grain;
use crate::journal::RunRecord;
use crate::report::count;
use crate::review::access::Visitor;
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::frame::{Page, Refusal, Section, page};
use crate::text::visible;
use look::{JobShown, Overview, Waiting};

/// Items of a list beside a count; the count tells them all.
const FIRST: usize = 5;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// `2025-03`
    month: Option<String>,
}

pub(super) async fn overview(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refusal> {
    let month = match asked.month.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(
            look::parse_month(text)
                .ok_or_else(|| Refusal::Bad(format!("`{text}` is no month; months are written as 2025-03.")))?,
        ),
        None => None,
    };
    let found = look::overview(&desk, month, Utc::now()).await?;
    let body = html! {
        (waiting(&found.waiting))
        (months(&found))
        (jobs(&found))
        (legend())
    };
    Ok(page(&visitor, Page { title: "Periods".to_owned(), section: Section::Overview, crumbs: Vec::new(), body }))
}

fn waiting(waiting: &Waiting) -> Markup {
    let failed = waiting.failed.len() as u64;
    html! {
        h2.hid { "What waits for people" }
        ul.waits {
            li.some[waiting.to_approve > 0] {
                strong { (count(waiting.to_approve)) }
                a href="/effects" { @if waiting.to_approve == 1 { "effect to approve" } @else { "effects to approve" } }
                @if !waiting.plans.is_empty() {
                    ul {
                        @for (period, number) in waiting.plans.iter().take(FIRST) {
                            li { a href=(address::run(period)) { bdi { (visible(period)) } } ": " (count(*number)) }
                        }
                        (more(waiting.plans.len()))
                    }
                }
            }
            li.some[waiting.in_doubt > 0] {
                strong { (count(waiting.in_doubt)) }
                a href="/in-doubt" { @if waiting.in_doubt == 1 { "effect in doubt" } @else { "effects in doubt" } }
            }
            li.some[failed > 0] {
                strong { (count(failed)) }
                @if failed == 1 { "period failed" } @else { "periods failed" }
                @if failed > 0 {
                    ul {
                        @for run in waiting.failed.iter().take(FIRST) { li { (failed_run(run)) } }
                        (more(waiting.failed.len()))
                    }
                }
            }
        }
    }
}

fn failed_run(run: &RunRecord) -> Markup {
    html! { a href=(address::run(&run.id)) { bdi { (visible(&run.job)) } " " bdi { (visible(&run.period)) } } }
}

fn more(all: usize) -> Markup {
    html! { @if all > FIRST { li.soft { "and " (count((all - FIRST) as u64)) " more" } } }
}

fn months(found: &Overview) -> Markup {
    let label = |month: NaiveDate| month.format("%Y-%m").to_string();
    let step = |month: Option<NaiveDate>, words: &str, rel: &str| {
        html! {
            @if let Some(month) = month {
                a href={ "/?month=" (label(month)) } rel=(rel) { (words) " " (calendar::month_words(month)) }
            }
        }
    };
    html! {
        nav.months-nav aria-label="Months" {
            (step(found.month.checked_sub_months(Months::new(1)), "Before:", "prev"))
            form method="get" action="/" {
                label { "Month" input type="month" name="month" value=(label(found.month)) required; }
                button { "Show" }
            }
            (step(found.month.checked_add_months(Months::new(1)), "After:", "next"))
            @if let Some((first, last)) = &found.known {
                span.soft {
                    "Run so far: " a href={ "/?month=" (address::segment(first)) } { (visible(first)) } " to "
                    a href={ "/?month=" (address::segment(last)) } { (visible(last)) }
                }
            }
        }
    }
}

fn jobs(found: &Overview) -> Markup {
    let is_shown = |job: &&JobShown| job.was_run || !job.cells.is_empty();
    let (shown, never): (Vec<&JobShown>, Vec<&JobShown>) = found.jobs.iter().partition(is_shown);
    let of = |grain| shown.iter().filter(move |job| job.grain == grain);
    html! {
        @if found.unread > 0 {
            p.note { "Something is wrong with the job files: " code { "tieout validate" } " says what. Jobs that cannot be read show their runs alone." }
        }
        @if shown.is_empty() { p.empty { "Nothing was run yet: " code { "tieout run JOB --period LABEL" } " begins." } }
        div.jobs {
            @for job in of(Grain::Day) { div { (one(job, found.month)) } }
        }
        div.jobs.years { @for job in of(Grain::Month) { div { (one(job, found.month)) } } }
        @if !never.is_empty() {
            p.soft {
                "Never run, and nothing due: "
                @for (place, job) in never.iter().enumerate() { @if place > 0 { ", " } bdi { (visible(&job.name)) } } "."
            }
        }
    }
}

fn one(job: &JobShown, month: NaiveDate) -> Markup {
    html! {
        h2 { bdi { (visible(&job.name)) } }
        @if let Some(description) = &job.description { p.soft { bdi { (visible(description)) } } }
        (calendar::calendar(&visible(&job.name), job.grain, month, |label| job.cells.get(label).cloned()))
    }
}

fn legend() -> Markup {
    html! {
        h2.hid { "Legend" }
        ul.legend {
            @for state in state::State::LEGEND {
                li { span class={ "state " (state.class()) } { (state.legend()) } }
            }
            li.soft { "A period shows its last attempt, and beside it whether its report is prepared or signed off, and whether the period is sealed." }
        }
    }
}
