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
use crate::job::Job;
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

/// What is decided about effects of a run's plan: the last part of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// They may be sent.
    Approve,
    Reject,
}

impl Verdict {
    const fn act(self) -> Act {
        match self {
            Self::Approve => Act::Approve,
            Self::Reject => Act::Reject,
        }
    }

    const fn done(self) -> Done {
        match self {
            Self::Approve => Done::Approved,
            Self::Reject => Done::Rejected,
        }
    }

    const fn rule(self) -> Rule {
        match self {
            Self::Approve => APPROVE,
            Self::Reject => REJECT,
        }
    }
}

/// Decides about effects of a run's plan.
pub(super) async fn judge(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
    Path((job, period, attempt, verdict)): Path<(String, String, String, Verdict)>,
    headers: HeaderMap,
) -> Response {
    let run = format!("{job}/{period}/{attempt}");
    let judged = judged(&desk, &visitor, &form, &run, verdict).await;
    answer(judged, verdict.done(), (&visitor, &form, &headers), EFFECTS)
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

/// The page to lead to.
async fn judged(desk: &Desk, visitor: &Visitor, form: &Form, run: &str, verdict: Verdict) -> Result<String, Against> {
    let person = allowed(visitor, verdict.act())?;
    let (journal, by) = (desk.journal(), person.name.as_str());
    let (seen, after) = match verdict {
        Verdict::Approve => {
            let comment = form.text_if_any("comment").map_err(Against::bad)?;
            let seen = seen(desk, form, run, verdict.rule()).await?;
            let job = job(desk, &seen.run.job).await?;
            let after = effects::approve(journal, &seen, job.effects(), by, comment).await;
            (seen, after)
        }
        Verdict::Reject => {
            let comment = form.text("comment").map_err(Against::bad)?;
            let seen = seen(desk, form, run, verdict.rule()).await?;
            let after = effects::reject(journal, &seen, by, comment).await;
            (seen, after)
        }
    };
    let (count, decided) = (after.map_err(against)?.len(), verdict.rule().decided);
    tracing::info!("{by} has {decided} {count} effects of run {}", seen.run.id);
    Ok(format!("/runs/{}/effects", seen.run.id))
}

/// The job whose rules say who may approve.
async fn job(desk: &Desk, name: &str) -> Result<Job, Against> {
    desk.job(name).await.map_err(Against::Failed)?.ok_or_else(|| {
        // Whether the job asks for four eyes cannot be known.
        let words = "The file of this job is wrong or gone, so its rules cannot be looked at. Nothing was decided; \
                     whoever runs tieout has to mend it (`tieout validate`).";
        Refused::new(StatusCode::CONFLICT, words).into()
    })
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
