//! What is asked of the provider: all of it, and a run's plan with the exact calls that would be made.

use axum::Extension;
use axum::extract::{Path, Query as Parameters, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::calls;
use super::parts::{
    Asked, Place, RunPath, asked, choice, counted, crumbs, field, link, notice, number, pager, query, run_of, said,
    time,
};
use crate::decisions::effects::planned;
use crate::effects::words::{BY_URGENCY, about, ask_words, state_name_words, state_words};
use crate::effects::{Body, Call, EffectKind, Standing, State as EffectState};
use crate::journal::{EffectFilter, RunRecord};
use crate::report::money;
use crate::review::access::{Act, Visitor};
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::form::MOST_TEXT_CHARS;
use crate::review::frame::{Page, Refusal, Section, page, token};
use crate::text::visible;

/// Effects of one page.
const A_PAGE: usize = 100;
/// Effects of a plan on one page, with their calls.
const A_PLAN_PAGE: usize = 50;
/// Calls that are shown on one page.
const MOST_CALLS: usize = 20;

/// What something or somebody still has to do with.
const UNFINISHED: [EffectState; 5] =
    [EffectState::InDoubt, EffectState::Rejected, EffectState::Proposed, EffectState::Approved, EffectState::InFlight];

pub(super) async fn all(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let state = asked(&from, "state");
    let states = match state {
        None => UNFINISHED.to_vec(),
        Some("all") => Vec::new(),
        Some(name) => vec![EffectState::from_name(name).ok_or_else(|| unknown("state", name))?],
    };
    let kind = asked(&from, "kind");
    let of_name = |name: &str| EffectKind::ALL.into_iter().find(|kind| kind.name() == name);
    let kind = kind.map(|name| of_name(name).ok_or_else(|| unknown("kind", name))).transpose()?;
    let job = asked(&from, "job").map(str::to_owned);
    let filter = EffectFilter { job: job.clone(), kind, states, ..EffectFilter::default() };
    let all = desk.journal().effects_counted(&filter).await?;
    let place = Place::of(number(&from, "page")?, usize::try_from(all).unwrap_or(usize::MAX), A_PAGE);
    let found = desk.journal().effects_page(&filter, place.skip as u64, A_PAGE as u64).await?;
    let href = |page: usize| {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(
            ["state", "kind", "job"].into_iter().filter_map(|name| Some((name, asked(&from, name)?.to_owned()))),
        );
        if page > 1 {
            pairs.push(("page", page.to_string()));
        }
        format!("/effects{}", query(&pairs))
    };
    let body = html! {
        (filters(state, kind, job.as_deref()))
        p { strong { (counted(usize::try_from(all).unwrap_or(usize::MAX), "effect", "effects")) } @if state.is_none() { " with which somebody or something still has to do" } "." }
        (pager(place, "Pages, above the list", href))
        @if found.is_empty() { p.empty { "No effect is like that." } } @else { (table(&found)) }
        (pager(place, "Pages", href))
    };
    Ok(page(&visitor, Page { title: "Effects".to_owned(), section: Section::Effects, crumbs: Vec::new(), body }))
}

fn unknown(name: &str, found: &str) -> Refusal {
    Refusal::Bad(format!("`{name}` is `{found}`, which is no {name} of effects."))
}

fn filters(state: Option<&str>, kind: Option<EffectKind>, job: Option<&str>) -> Markup {
    let kinds: Vec<_> = EffectKind::ALL.into_iter().map(|kind| (kind.name(), kind.words(2).to_owned())).collect();
    html! {
        form.filters method="get" action="/effects" role="search" aria-label="Which effects" {
            label {
                "State"
                select name="state" {
                    option value="" { "not finished" }
                    @for one in BY_URGENCY { option value=(one.name()) selected[state == Some(one.name())] { (state_name_words(one)) } }
                    option value="all" selected[state == Some("all")] { "all" }
                }
            }
            (choice("Kind", "kind", kind.map(EffectKind::name), &kinds))
            (field("Job", "job", job, None))
            button { "Filter" }
        }
    }
}

fn table(found: &[Standing]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Effects" tabindex="0" {
            table.list {
                caption { "Effects, what needs a person first" }
                thead { tr {
                    th scope="col" { "About" } th scope="col" { "Stands" } th scope="col" { "Asks" }
                    th.n scope="col" { "At risk" } th scope="col" { "User" } th scope="col" { "Since" } th scope="col" { "Job and period" }
                } }
                tbody {
                    @for standing in found {
                        @let effect = &standing.effect;
                        tr {
                            th.id scope="row" { (link(&format!("/effects/{}", address::segment(&effect.id)), about(effect))) }
                            td.wide { (said(&state_words(standing))) }
                            td { (said(&ask_words(effect))) }
                            td.n { (at_risk(standing)) }
                            td { (said(&effect.user)) }
                            td { (time(standing.since)) }
                            td { (said(&effect.job)) " " (said(&effect.period)) }
                        }
                    }
                }
            }
        }
    }
}

/// Nothing for what a job sends.
pub(super) fn at_risk(standing: &Standing) -> Markup {
    let effect = &standing.effect;
    html! { @if !effect.currency.is_empty() { (money(effect.at_risk_minor.into(), &effect.currency)) } }
}

/// What a run's plan wants now: its digest, and the effects of its job and period that are not sent.
struct Plan {
    run: RunRecord,
    digest: Option<String>,
    /// Proposed or approved, by any run of this job and period.
    unsent: Vec<Standing>,
    calls: Vec<Call>,
}

async fn plan(desk: &Desk, path: &RunPath) -> Result<Plan, Refusal> {
    let run = run_of(desk, path).await?;
    let digest = planned(desk.journal(), &run.id).await?;
    let filter = EffectFilter {
        job: Some(run.job.clone()),
        period: Some(run.period.clone()),
        states: vec![EffectState::Proposed, EffectState::Approved],
        ..EffectFilter::default()
    };
    let unsent = desk.journal().effects(&filter).await?;
    let calls = calls::planned(&unsent);
    Ok(Plan { run, digest, unsent, calls })
}

pub(super) async fn of_run(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path(path): Path<RunPath>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let plan = plan(&desk, &path).await?;
    let base = format!("{}/effects", address::run(&plan.run.id));
    let of_plan = |standing: &&Standing| Some(&standing.plan) == plan.digest.as_ref();
    let waiting: Vec<&Standing> =
        plan.unsent.iter().filter(|standing| standing.state == EffectState::Proposed).filter(of_plan).collect();
    let others = plan.unsent.iter().filter(|standing| !of_plan(standing)).count();
    let place = Place::of(number(&from, "page")?, waiting.len(), A_PLAN_PAGE);
    let shown: Vec<&Standing> = waiting.iter().copied().skip(place.skip).take(A_PLAN_PAGE).collect();
    let href = |page: usize| if page > 1 { format!("{base}?page={page}") } else { base.clone() };
    let body = html! {
        (notice(&from))
        @match &plan.digest {
            None => p.note { "This run has planned nothing: its job has no effects, or it did not come so far." },
            Some(digest) => p { "The plan of this run has the digest " span.id { (visible(digest)) } ". An approval holds for this plan and for no other." },
        }
        @if others > 0 {
            p.note { (counted(others, "effect", "effects")) " of this job and period belong to another run's plan, which came later or went before: look at the latest run." }
        }
        p { strong { (counted(waiting.len(), "effect waits", "effects wait")) } " for approval." }
        (pager(place, "Pages, above the list", href))
        @if let (Some(digest), false) = (&plan.digest, shown.is_empty()) { (approval(&visitor, &base, digest, &shown)) }
        (pager(place, "Pages", href))
        (call_list(&desk, &plan, &base, &shown))
        p { a href={ "/effects?state=all&job=" (address::segment(&plan.run.job)) } { "All effects of this job" } }
    };
    let title = format!("Effects of {}", plan.run.id);
    Ok(page(&visitor, Page { title, section: Section::Effects, crumbs: crumbs(&plan.run), body }))
}

/// One form with a tick for each: approve, or refuse with a comment.
fn approval(visitor: &Visitor, base: &str, digest: &str, shown: &[&Standing]) -> Markup {
    let (approves, rejects) = (visitor.may(Act::Approve), visitor.may(Act::Reject));
    let list = html! {
        div.scroll role="region" aria-label="Waiting for approval" tabindex="0" {
            table.list {
                caption { "Waiting for approval" }
                thead { tr {
                    @if approves || rejects { th scope="col" { "Choose" } }
                    th scope="col" { "About" } th scope="col" { "Asks" } th.n scope="col" { "At risk" } th scope="col" { "User" } th scope="col" { "Why" }
                } }
                tbody {
                    @for standing in shown {
                        @let effect = &standing.effect;
                        tr {
                            @if approves || rejects {
                                td { input type="checkbox" name="effect" value=(effect.id) aria-label={ "Choose " (visible(about(effect))) }; }
                            }
                            th.id scope="row" { (link(&format!("/effects/{}", address::segment(&effect.id)), about(effect))) }
                            td { (said(&ask_words(effect))) }
                            td.n { (at_risk(standing)) }
                            td { (said(&effect.user)) }
                            td.wide { @for ground in &effect.grounds { p { (said(&ground.rule.replace('_', " "))) ": " (said(&ground.detail)) } } }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if approves || rejects {
            form method="post" action={ (base) "/approve" } {
                (token(visitor))
                input type="hidden" name="plan" value=(digest);
                label.tick hidden { input type="checkbox" data-all="effect"; " Choose all of this page" }
                (list)
                label { "Comment (needed to reject)" textarea name="comment" rows="2" maxlength=(MOST_TEXT_CHARS) {} }
                @if approves { button.yes { "Approve what is chosen" } " " }
                @if rejects { button.no formaction={ (base) "/reject" } { "Reject what is chosen" } }
            }
        } @else {
            (list)
            p.soft { "To approve or reject takes the role " (Act::Approve.asks_for().name()) "." }
        }
    }
}

fn call_list(desk: &Desk, plan: &Plan, base: &str, shown: &[&Standing]) -> Markup {
    let is_shown = |id: &String| shown.iter().any(|standing| standing.effect.id == *id);
    let found: Vec<&Call> = plan.calls.iter().filter(|call| call.members.iter().any(is_shown)).collect();
    let parcels =
        shown.iter().filter(|standing| plan.calls.iter().all(|call| !call.members.contains(&standing.effect.id)));
    let effect_of = |call: &Call| {
        let id = call.members.first()?;
        plan.unsent.iter().find(|standing| standing.effect.id == *id).map(|standing| &standing.effect)
    };
    html! {
        @if !shown.is_empty() {
            h2 #calls { "The exact calls" }
            p.soft { "What is approved together travels together: these are the calls if all that waits is approved. The bytes of a call with fewer members are others." }
            @for call in found.iter().take(MOST_CALLS) {
                @if let Some(effect) = effect_of(call) {
                    details {
                        summary { (counted(call.members.len(), call.kind.words(1), call.kind.words(2))) ", call " span.id { (call.id()) } }
                        (calls::shown(desk.project(), effect, call, Some(&calls::exact_href(base, call))))
                    }
                }
            }
            @if found.len() > MOST_CALLS { p.soft { (counted(found.len() - MOST_CALLS, "more call is", "more calls are")) " told on the pages of their effects." } }
            @for standing in parcels.take(MOST_CALLS) {
                details {
                    summary { (standing.effect.kind().words(1)) " " (said(standing.effect.transaction())) }
                    (calls::parcel(desk.project(), &standing.effect))
                }
            }
        }
    }
}

/// The bytes of one call, exactly as they would be sent.
pub(super) async fn exact(
    State(desk): State<Desk>,
    Path((job, period, attempt, id)): Path<(String, String, String, String)>,
) -> Result<Response, Refusal> {
    let plan = plan(&desk, &(job, period, attempt)).await?;
    let call = plan.calls.iter().find(|call| call.id() == id);
    let Some(Call { body: Body::Bytes(bytes), .. }) = call else {
        return Err(Refusal::NotFound(format!("call {id} among what run {} would send now", plan.run.id)));
    };
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, "attachment; filename=\"body.json\"".to_owned()),
        (ETAG, format!("\"{}\"", crate::digest::sha256(bytes))),
    ];
    Ok((headers, bytes.clone()).into_response())
}
