//! What is decided about effects: approving and refusing those of a run's plan, ending doubts, opening again.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::{Against, allowed, answer};
use crate::decisions::effects::{self, APPROVE, DecisionError, REJECT, Rule, Seen, Which};
use crate::effects::Decision;
use crate::exit::Failure;
use crate::journal::JournalError;
use crate::review::access::{Act, Visitor};
use crate::review::desk::Desk;
use crate::review::done::Done;
use crate::review::form::Form;
use crate::review::refused::Refused;

/// The last part of the address of one effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deed {
    Resolve,
    Reopen,
}

/// Where what is refused leads back to, when nothing says where it came from.
const EFFECTS: &str = "/effects";

/// A run, as its address names it.
type Run = Path<(String, String, String)>;

/// Allows effects of a run's plan to be sent.
pub(super) async fn approve(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((job, period, attempt)): Run,
    headers: HeaderMap,
) -> Response {
    let run = format!("{job}/{period}/{attempt}");
    answer(approved(&desk, &visitor, &form, &run).await, Done::Approved, (&visitor, &form, &headers), EFFECTS)
}

/// Refuses effects of a run's plan.
pub(super) async fn reject(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((job, period, attempt)): Run,
    headers: HeaderMap,
) -> Response {
    let run = format!("{job}/{period}/{attempt}");
    answer(rejected(&desk, &visitor, &form, &run).await, Done::Rejected, (&visitor, &form, &headers), EFFECTS)
}

/// Ends the doubt about one effect, or opens it again.
pub(super) async fn decide(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((id, deed)): Path<(String, Deed)>,
    headers: HeaderMap,
) -> Response {
    let (decided, done) = match deed {
        Deed::Resolve => (resolved(&desk, &visitor, &form, &id).await, Done::Resolved),
        Deed::Reopen => (reopened(&desk, &visitor, &form, &id).await, Done::Reopened),
    };
    answer(decided, done, (&visitor, &form, &headers), EFFECTS)
}

async fn approved(desk: &Desk, visitor: &Visitor, form: &Form, run: &str) -> Result<String, Against> {
    let person = allowed(visitor, Act::Approve)?;
    let comment = form.text_if_any("comment").map_err(Against::bad)?;
    let seen = seen(desk, form, run, APPROVE).await?;
    let (jobs, _) = desk.jobs();
    let Some(job) = jobs.iter().find(|job| job.name == seen.run.job) else {
        // Whether the job asks for four eyes cannot be known.
        let words = "The file of this job is wrong or gone, so its rules cannot be looked at. Nothing was decided; \
                     whoever runs tieout has to mend it (`tieout validate`).";
        return Err(Refused::new(StatusCode::CONFLICT, words).into());
    };
    let after = effects::approve(desk.journal(), &seen, job.effects(), &person.name, comment).await;
    let after = after.map_err(against)?;
    tracing::info!("{} has approved {} effects of run {}", person.name, after.len(), seen.run.id);
    Ok(format!("/runs/{}/effects", seen.run.id))
}

async fn rejected(desk: &Desk, visitor: &Visitor, form: &Form, run: &str) -> Result<String, Against> {
    let person = allowed(visitor, Act::Reject)?;
    let comment = form.text("comment").map_err(Against::bad)?;
    let seen = seen(desk, form, run, REJECT).await?;
    let after = effects::reject(desk.journal(), &seen, &person.name, comment).await.map_err(against)?;
    tracing::info!("{} has refused {} effects of run {}", person.name, after.len(), seen.run.id);
    Ok(format!("/runs/{}/effects", seen.run.id))
}

/// The effects that were chosen, of the plan that was looked at.
async fn seen(desk: &Desk, form: &Form, run: &str, rule: Rule) -> Result<Seen, Against> {
    let chosen: Vec<String> = form.all("effect").map(str::to_owned).collect();
    // An empty one would be the beginning of every id.
    if chosen.is_empty() || chosen.iter().any(String::is_empty) {
        return Err(Against::bad("No effect was chosen. Nothing was decided.".to_owned()));
    }
    let Some(plan) = form.one("plan").filter(|plan| !plan.is_empty()) else {
        return Err(Against::bad("The form does not say which plan was looked at. Nothing was decided.".to_owned()));
    };
    let seen = effects::seen(desk.journal(), run, Which::These(&chosen), rule).await.map_err(against)?;
    match seen {
        Some(seen) if seen.plan == plan => Ok(seen),
        _ => {
            let words =
                "The plan that was looked at is not the plan of this run. Nothing was decided; look at it again.";
            Err(Refused::new(StatusCode::CONFLICT, words).into())
        }
    }
}

async fn resolved(desk: &Desk, visitor: &Visitor, form: &Form, id: &str) -> Result<String, Against> {
    let person = allowed(visitor, Act::Resolve)?;
    let decision = match form.one("decision") {
        Some("applied") => Decision::Applied,
        Some("not_applied") => Decision::NotApplied,
        Some("resend") => Decision::Resend,
        _ => {
            return Err(Against::bad(
                "Say what became of it: it was applied, or not, or shall be sent again.".to_owned(),
            ));
        }
    };
    let reason = form.text("reason").map_err(Against::bad)?;
    let id = desk.journal().effect(id).await?.effect.id;
    let ids = std::slice::from_ref(&id);
    effects::resolve(desk.journal(), ids, decision, person.name.clone(), reason).await.map_err(against)?;
    tracing::info!("{} has ended the doubt about effect {id}", person.name);
    Ok(format!("/effects/{id}"))
}

async fn reopened(desk: &Desk, visitor: &Visitor, form: &Form, id: &str) -> Result<String, Against> {
    let person = allowed(visitor, Act::Reopen)?;
    let reason = form.text("reason").map_err(Against::bad)?;
    let id = desk.journal().effect(id).await?.effect.id;
    let ids = std::slice::from_ref(&id);
    effects::reopen(desk.journal(), ids, person.name.clone(), reason).await.map_err(against)?;
    tracing::info!("{} has reopened effect {id}", person.name);
    Ok(format!("/effects/{id}"))
}

fn against(failure: Failure) -> Against {
    if let Some(error) = failure.source.downcast_ref::<DecisionError>() {
        return in_words(error).into();
    }
    match failure.source.downcast::<JournalError>() {
        Ok(error) => error.into(),
        Err(source) => Against::Failed(Failure { code: failure.code, source }),
    }
}

/// For people without a command line.
fn in_words(error: &DecisionError) -> Refused {
    let conflict = |words: String| Refused::new(StatusCode::CONFLICT, words);
    match error {
        DecisionError::WrongState { effect, state, allowed, decided } => conflict(format!(
            "Effect {effect} is {state} now, and only {allowed} can be {decided}. Nothing was decided."
        )),
        DecisionError::InFlight { effect, run, .. } => conflict(format!(
            "Effect {effect} is being sent by run {run} just now. Nothing was decided; try again when that has ended."
        )),
        DecisionError::NotOfRun { effect, job, period, .. } => {
            conflict(format!("Effect {effect} is of {job} for {period}, not of this run. Nothing was decided."))
        }
        DecisionError::NoPlan { .. } => conflict("This run has planned no effects. Nothing was decided.".to_owned()),
        DecisionError::PlanChanged { changed, .. } => conflict(match &changed.by {
            Some(run) => {
                format!("Run {run} has changed this plan. Nothing was decided; look at the effects of that run.")
            }
            None => "This plan was changed since. Nothing was decided; the period has to be run again.".to_owned(),
        }),
        DecisionError::SamePerson { .. } => {
            let words = "You have started this run, and its job asks that somebody else approves. Nothing was decided.";
            Refused::new(StatusCode::FORBIDDEN, words)
        }
        DecisionError::Meanwhile { effect, state } => conflict(format!(
            "Somebody else was quicker: effect {effect} is {state} now. Nothing was decided; look at it again."
        )),
    }
}
