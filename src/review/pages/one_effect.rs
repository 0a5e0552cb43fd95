//! One effect: where it stands, what it rests on, the exact call, and what became of it.

use axum::Extension;
use axum::extract::{Path, Query as Parameters, State};
use axum::response::Response;
use maud::{Markup, html};

use super::calls;
use super::effects::at_risk;
use super::in_doubt;
use super::parts::{Asked, capital, link, notice, said, time};
use crate::decisions::effects::REOPEN;
use crate::effects::words::{about, about_name, ask_words, person_of, state_words, what};
use crate::effects::{Approver, Ask, Entry, Ground, Standing, State as EffectState};
use crate::journal::{EffectFilter, JournalError};
use crate::review::access::{Act, Visitor};
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::form::MOST_TEXT_CHARS;
use crate::review::frame::{Crumb, Page, Refusal, Section, form, page};
use crate::text::visible;

/// Rows of a ground that are named.
const MOST_ROWS: usize = 50;

pub(super) async fn one(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let journal = desk.journal();
    let standing = match journal.effect(&id).await {
        Err(JournalError::UnknownEffect { .. } | JournalError::AmbiguousEffect { .. }) => {
            return Err(Refusal::NotFound(format!("effect {id}")));
        }
        found => found?,
    };
    let history = journal.history(&standing.effect.id).await?;
    let call = call(&desk, &standing).await?;
    let effect = &standing.effect;
    let body = html! {
        (notice(&from))
        p.lead { (said(&state_words(&standing))) }
        (facts(&standing))
        @if standing.state == EffectState::InDoubt { (in_doubt::decide(&visitor, &standing)) }
        h2 { "What it rests on" }
        @for ground in &effect.grounds { (of_ground(ground)) }
        (call)
        @if (REOPEN.allows)(&standing) { (reopen(&visitor, &standing)) }
        h2 #history { "History" }
        (entries(&history))
    };
    let title = capital(format!("{} for {}", ask_words(effect), about(effect)));
    let crumbs = vec![Crumb { name: "Effects".to_owned(), href: "/effects".to_owned() }];
    Ok(page(&visitor, Page { title, section: Section::Effects, crumbs, body }))
}

/// The call that would be made; of what is sent already, what the journal keeps of it.
async fn call(desk: &Desk, standing: &Standing) -> Result<Markup, Refusal> {
    let effect = &standing.effect;
    if !matches!(standing.state, EffectState::Proposed | EffectState::Approved) {
        return Ok(html! {
            @if let (Some(call), Some(sha256)) = (&standing.call, &standing.body_sha256) {
                h2 { "The call" }
                p { "Sent in call " span.id { (visible(call)) } ", whose body had the sha256 " span.id { (visible(sha256)) } "." }
            }
        });
    }
    if matches!(effect.ask, Ask::Parcel(_) | Ask::Session { .. }) {
        return Ok(html! { h2 { "The exact call" } (calls::parcel(desk.project(), effect)) });
    }
    let filter = EffectFilter {
        job: Some(effect.job.clone()),
        period: Some(effect.period.clone()),
        states: vec![EffectState::Proposed, EffectState::Approved],
        ..EffectFilter::default()
    };
    let unsent = desk.journal().effects(&filter).await?;
    let planned = calls::planned(&unsent);
    let found = planned.iter().find(|call| call.members.contains(&effect.id));
    Ok(html! {
        @if let Some(call) = found {
            h2 { "The exact call" }
            p.soft { "If all that waits for this job and period is approved, it travels in this call." }
            (calls::shown(desk.project(), effect, call, None))
        }
    })
}

fn facts(standing: &Standing) -> Markup {
    let effect = &standing.effect;
    html! {
        dl.facts {
            div { dt { (about_name(effect.kind())) } dd { a href={ "/transactions?id=" (address::segment(about(effect))) } { (said(about(effect))) } } }
            @if !effect.user.is_empty() { div { dt { "User" } dd { (said(&effect.user)) } } }
            @if !effect.currency.is_empty() { div { dt { "At risk" } dd { (at_risk(standing)) } } }
            @if let Ask::Audit { merchant, description, .. } = &effect.ask {
                div { dt { "Merchant" } dd { (said(merchant)) } }
                div { dt { "Description" } dd { (said(description)) } }
            }
            div { dt { "Since" } dd { (time(standing.since)) } }
            div { dt { "Job and period" } dd { a href={ "/runs/" (address::segment(&effect.job)) "/" (address::segment(&effect.period)) } { (said(&effect.job)) " " (said(&effect.period)) } } }
            div { dt { "Provider" } dd {
                (said(&effect.key.provider))
                @if !effect.key.organization.is_empty() { ", organization " (said(&effect.key.organization)) }
            } }
            div { dt { "Attempts" } dd { (standing.attempts) } }
            @if let Some(approval) = &standing.approval {
                div { dt { "Approved" } dd {
                    "by " @match &approval.by { Approver::Person { name } => (said(name)), Approver::Job { rule } => { "the job (" (said(rule)) ")" } }
                    ", " (time(approval.at)) @if let Some(comment) = &approval.comment { ": " (said(comment)) }
                } }
            }
            @if let Some(id) = &standing.provider_id { div { dt { "The provider's id" } dd.id { (said(id)) } } }
            @if let Some(reason) = &effect.reopened { div { dt { "Opened again" } dd { (said(reason)) } } }
            div { dt { "Plan" } dd.id { (visible(&standing.plan)) } }
            div { dt { "Effect" } dd.id { (visible(&effect.id)) } }
        }
    }
}

fn of_ground(ground: &Ground) -> Markup {
    html! {
        div.ground {
            p {
                @match &ground.break_id {
                    Some(id) => (link(&format!("/breaks/{}", address::segment(id)), &ground.rule.replace('_', " "))),
                    None => (said(&ground.rule)),
                }
                ": " (said(&ground.detail))
            }
            @if !ground.rows.is_empty() {
                ul.soft {
                    @for row in ground.rows.iter().take(MOST_ROWS) { li { (row.side) " " (said(&row.file)) " line " (row.line) } }
                    @if ground.rows.len() > MOST_ROWS { li { (ground.rows.len() - MOST_ROWS) " more rows" } }
                }
            }
        }
    }
}

fn reopen(visitor: &Visitor, standing: &Standing) -> Markup {
    let fields = html! {
        div.fields {
            label { "Reason" textarea name="reason" rows="2" maxlength=(MOST_TEXT_CHARS) required {} }
            button { "Open again" }
        }
    };
    html! {
        h2 { "What can be done" }
        p.soft { "The next plan may ask for it anew." }
        @if visitor.may(Act::Reopen) {
            (form(visitor, Act::Reopen, &format!("/effects/{}/reopen", address::segment(&standing.effect.id)), &fields))
        } @else { p.soft { "Opening it again takes the role " (Act::Reopen.asks_for().name()) "." } }
    }
}

fn entries(history: &[Entry]) -> Markup {
    html! {
        ol.history {
            @for entry in history {
                li {
                    (time(entry.at)) " "
                    @if let Some(by) = person_of(&entry.event) { strong { (said(by)) } ": " }
                    @else if let Some(run) = &entry.run { (link(&address::run(run), run)) ": " }
                    (said(&what(&entry.event)))
                    span.soft { " (entry " (entry.sequence) ")" }
                }
            }
        }
    }
}
