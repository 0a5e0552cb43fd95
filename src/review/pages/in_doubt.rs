//! What was sent and may or may not have arrived: what to ask the provider, and what each decision means.

use axum::Extension;
use axum::extract::{Query as Parameters, State};
use axum::response::Response;
use chrono::Utc;
use maud::{Markup, html};

use super::effects::at_risk;
use super::parts::{Asked, Place, capital, counted, link, notice, number, pager, said, time};
use crate::effects::doubt::{age, asked, decision_words, ending, method, path, question, why};
use crate::effects::words::{about, ask_words};
use crate::effects::{Decision, Standing, State as EffectState};
use crate::journal::EffectFilter;
use crate::review::access::{Act, Visitor};
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::form::MOST_TEXT_CHARS;
use crate::review::frame::{Page, Refusal, Section, form, page};

/// Doubts of one page.
const A_PAGE: usize = 20;

pub(super) async fn in_doubt(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let states = vec![EffectState::InDoubt, EffectState::InFlight];
    let open = desk.journal().effects(&EffectFilter { states, ..EffectFilter::default() }).await?;
    let (mut found, in_flight): (Vec<Standing>, Vec<Standing>) =
        open.into_iter().partition(|standing| standing.state == EffectState::InDoubt);
    found.sort_by(|one, other| (one.since, &one.effect.id).cmp(&(other.since, &other.effect.id)));
    let place = Place::of(number(&from, "page")?, found.len(), A_PAGE);
    let href = |page: usize| if page > 1 { format!("/in-doubt?page={page}") } else { "/in-doubt".to_owned() };
    let now = Utc::now();
    let body = html! {
        (notice(&from))
        p { "These calls were made, and no answer tells whether the provider has them. None of them is made again until news of the provider or a person ends the doubt." }
        @if !in_flight.is_empty() {
            p.note { (counted(in_flight.len(), "effect is", "effects are")) " in flight: a run is sending, or it is gone and the next run finds them in doubt." }
        }
        p { strong { (counted(found.len(), "effect is", "effects are")) " in doubt" } @if !found.is_empty() { ", the oldest first" } "." }
        (pager(place, "Pages, above the list", href))
        @for standing in found.iter().skip(place.skip).take(A_PAGE) {
            section.doubt aria-labelledby={ "doubt-" (standing.effect.id) } {
                h2 id={ "doubt-" (standing.effect.id) } { (link(&format!("/effects/{}", address::segment(&standing.effect.id)), &title(standing))) }
                p { "For " (age(now - standing.since)) ", since " (time(standing.since)) ": " (said(&why(standing))) }
                dl.facts {
                    @if !standing.effect.user.is_empty() { div { dt { "User" } dd { (said(&standing.effect.user)) } } }
                    div { dt { "At risk" } dd { (at_risk(standing)) } }
                    div { dt { "Attempts" } dd { (standing.attempts) } }
                    div { dt { "Job and period" } dd { (said(&standing.effect.job)) " " (said(&standing.effect.period)) } }
                }
                (decide(&visitor, standing))
            }
        }
        (pager(place, "Pages", href))
    };
    Ok(page(&visitor, Page { title: "In doubt".to_owned(), section: Section::InDoubt, crumbs: Vec::new(), body }))
}

fn title(standing: &Standing) -> String {
    capital(format!("{} for {}", ask_words(&standing.effect), about(&standing.effect)))
}

/// What to ask, and the form that ends the doubt.
pub(super) fn decide(visitor: &Visitor, standing: &Standing) -> Markup {
    let effect = &standing.effect;
    let fields = html! {
        div.fields {
            fieldset {
                legend { "What is known now" }
                @for decision in [Decision::Applied, Decision::NotApplied, Decision::Resend] {
                    label.radio { input type="radio" name="decision" value=(decision.name()) required; " " (decision_words(decision)) }
                }
            }
            label { "Reason" textarea name="reason" rows="2" maxlength=(MOST_TEXT_CHARS) required {} }
            button { "End the doubt" }
        }
    };
    html! {
        div.ask {
            p { strong { "Ask " (asked(effect)) ": " } (said(&question(standing))) }
            p.soft { (ending(effect.kind())) }
            p.soft {
                "The call was " (method(effect).name()) " " (said(&path(effect)))
                @if let Some(sha256) = &standing.body_sha256 { ", body sha256 " span.id { (said(sha256)) } }
                "."
            }
        }
        @if visitor.may(Act::Resolve) {
            (form(visitor, Act::Resolve, &format!("/effects/{}/resolve", address::segment(&effect.id)), &fields))
        } @else {
            ul { @for decision in [Decision::Applied, Decision::NotApplied, Decision::Resend] { li { (decision_words(decision)) "." } } }
            p.soft { "To end the doubt takes the role " (Act::Resolve.asks_for().name()) "." }
        }
    }
}
