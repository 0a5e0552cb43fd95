//! When things were, in a run's page.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use crate::journal::{RunRecord, StepRecord};
use crate::report::count;
use crate::review::address;
use crate::review::pages::overview::state::State;
use crate::text::visible;

/// `2025-03-20 13:45:00 UTC`
pub(super) fn at(time: DateTime<Utc>) -> Markup {
    html! { time datetime=(time.format("%Y-%m-%dT%H:%M:%SZ")) { (time.format("%Y-%m-%d %H:%M:%S UTC")) } }
}

/// `340 ms`, `4.2 s`, `3 min 7 s`
pub(super) fn took(time: TimeDelta) -> String {
    let millis = time.num_milliseconds().max(0);
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// Every attempt of the period: who, when, how it ended.
pub(super) fn attempts(run: &RunRecord, attempts: &[RunRecord]) -> Markup {
    html! {
        section aria-labelledby="attempts" {
            h2 #attempts { "Attempts of this period" }
            div.scroll tabindex="0" role="region" aria-label="Table: Attempts of this period" {
                table {
                    caption { "The latest first; no attempt replaces another" }
                    thead { tr {
                        th scope="col" { "Attempt" } th scope="col" { "How it ended" } th.n scope="col" { "Exit code" }
                        th.n scope="col" { "Breaks" } th.n scope="col" { "Rows" } th scope="col" { "Begun" }
                        th scope="col" { "Took" } th scope="col" { "By" } th scope="col" { "Note" }
                    } }
                    tbody { @for one in attempts { (attempt(one, one.id == run.id)) } }
                }
            }
        }
    }
}

fn attempt(one: &RunRecord, is_here: bool) -> Markup {
    let state = State::of(one, None);
    let took = one.finished_at.map(|end| took(end - one.started_at));
    html! {
        tr aria-current=[is_here.then_some("true")] {
            th scope="row" {
                a href=(address::run(&one.id)) { "Attempt " (one.attempt) } @if is_here { " (this one)" }
            }
            td {
                span class={ "state " (state.class()) } { (one.status.name().replace('_', " ")) }
                @if let Some(message) = &one.message { br; bdi { (visible(message)) } }
            }
            td.n { @if let Some(code) = one.exit_code { (code) } }
            td.n { @if let Some(breaks) = one.breaks { (count(breaks)) } }
            td.n { @if let Some(rows) = one.rows { (count(rows)) } }
            td { (at(one.started_at)) }
            td { (took.unwrap_or_default()) }
            td { bdi { (visible(one.started_by.as_deref().unwrap_or("not recorded"))) } @if one.sandbox { ", in the sandbox" } }
            td { bdi { (visible(one.note.as_deref().unwrap_or_default())) } }
        }
    }
}

/// How far this run has come, and how long each step took.
pub(super) fn steps(steps: &[StepRecord]) -> Markup {
    let before = std::iter::once(None).chain(steps.iter().map(|step| Some(step.at)));
    html! {
        section aria-labelledby="steps" {
            h2 #steps { "Steps of this run" }
            div.scroll tabindex="0" role="region" aria-label="Table: Steps of this run" {
                table {
                    caption { "As the journal marked them; each mark was on disk before the work went on" }
                    thead { tr { th scope="col" { "Step" } th scope="col" { "At" } th.n scope="col" { "After" } th scope="col" { "What it told" } } }
                    tbody {
                        @for (step, before) in steps.iter().zip(before) {
                            tr {
                                th scope="row" { (step.step.name()) }
                                td { (at(step.at)) }
                                td.n { @if let Some(before) = before { (took(step.at - before)) } }
                                td.wide { bdi { (visible(&told(&step.detail))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a step has told in numbers and words: `files 4, rows 1,204`. Figures stand elsewhere on the page.
fn told(detail: &serde_json::Value) -> String {
    let Some(fields) = detail.as_object() else { return String::new() };
    let one = |(name, value): (&String, &serde_json::Value)| {
        let name = name.replace('_', " ");
        match value {
            serde_json::Value::Number(number) => number.as_u64().map(|number| format!("{name} {}", count(number))),
            serde_json::Value::String(text) => Some(format!("{name} {text}")),
            _ => None,
        }
    };
    fields.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}
