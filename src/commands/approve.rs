//! `tieout approve` and `tieout reject`: a person decides about effects of a plan that was seen.

use super::Context;
use super::decision::{self, Changed, DecisionError, Rule};
use super::effects::rows;
use super::person::{is_same, person};
use super::run::load_job;
use crate::cli::{ApproveArgs, RejectArgs, WhichArgs};
use crate::effects::{Approver, EffectKind, Event, Standing, State};
use crate::exit::{ExitCode, Failure};
use crate::job::Effects;
use crate::journal::{EffectFilter, Journal, JournalError, RunFilter, RunRecord, Step};

const APPROVE: Rule =
    Rule { allows: |standing| standing.state == State::Proposed, allowed: "proposed ones", decided: "approved" };

const REJECT: Rule = Rule {
    allows: |standing| matches!(standing.state, State::Proposed | State::Approved),
    allowed: "proposed and approved ones that are not sent yet",
    decided: "refused",
};

/// Approves effects of a run's plan, all or none.
///
/// # Errors
/// When an effect is unknown, not waiting, or of another plan than the one that was seen; when the person may not.
pub async fn approve(mut context: Context, args: ApproveArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let Some(seen) = seen(&mut context, &args.which, APPROVE).await? else {
        return nothing_waits(&context, &args.which);
    };
    let job = load_job(&mut context, &seen.run.job)?;
    refuse_starter(job.effects(), &seen.run, &seen.effects, &by)?;
    let event = Event::Approved { plan: seen.plan, by: Approver::Person { name: by }, comment: args.comment };
    let after = decision::write(seen.journal, &seen.effects, &event).await?;
    tracing::info!(
        "approved {}; {} sends them",
        decision::counted(&after),
        decision::next_runs(&after, context.sandbox)
    );
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}

/// Refuses effects of a run's plan, all or none.
///
/// # Errors
/// As [`approve`], but anybody may.
pub async fn reject(mut context: Context, args: RejectArgs) -> Result<ExitCode, Failure> {
    let by = person(args.person.by.as_deref())?;
    let Some(seen) = seen(&mut context, &args.which, REJECT).await? else {
        return nothing_waits(&context, &args.which);
    };
    let event = Event::Refused { by, comment: args.comment };
    let after = decision::write(seen.journal, &seen.effects, &event).await?;
    tracing::info!("refused {}; `tieout reopen` would open them again", decision::counted(&after));
    context.output.rows(&rows(&after))?;
    Ok(ExitCode::Done)
}

fn nothing_waits(context: &Context, which: &WhichArgs) -> Result<ExitCode, Failure> {
    tracing::info!("nothing of run {} waits for approval", which.run);
    context.output.rows(&rows(&[]))?;
    Ok(ExitCode::Done)
}

/// What a decision is about: a run's plan as it was seen.
struct Seen {
    journal: Journal,
    run: RunRecord,
    /// The plan's digest.
    plan: String,
    effects: Vec<Standing>,
}

/// The effects that are meant, checked; none where all were meant and nothing waits.
async fn seen(context: &mut Context, which: &WhichArgs, rule: Rule) -> Result<Option<Seen>, Failure> {
    let Some(journal) = context.write_journal().await? else {
        return Err(JournalError::UnknownRun { id: which.run.clone(), nearest: Vec::new() }.into());
    };
    let run = journal.run(&which.run).await?;
    let Some(plan) = planned(&journal, &run.id).await? else {
        return Err(DecisionError::NoPlan { run: run.id, status: run.status.name() }.into());
    };
    let effects = if which.all {
        let (job, period) = (Some(run.job.clone()), Some(run.period.clone()));
        journal.effects(&EffectFilter { job, period, states: vec![State::Proposed], ..EffectFilter::default() }).await?
    } else {
        decision::effects(Some(&journal), &which.effects).await?
    };
    if effects.is_empty() {
        return Ok(None);
    }
    let of_run = |effect: &crate::effects::Effect| effect.job == run.job && effect.period == run.period;
    if let Some(other) = effects.iter().map(|standing| &standing.effect).find(|effect| !of_run(effect)) {
        let (job, period) = (other.job.clone(), other.period.clone());
        return Err(DecisionError::NotOfRun { effect: other.id.clone(), job, period, run: run.id }.into());
    }
    decision::check(&journal, &effects, rule).await?;
    if let Some(other) = effects.iter().find(|standing| standing.plan != plan) {
        let by = run_that_planned(&journal, &run, &other.plan).await?;
        return Err(DecisionError::PlanChanged { run: run.id, changed: Changed { by } }.into());
    }
    Ok(Some(Seen { journal, run, plan, effects }))
}

/// The digest of the plan that a run wrote down; none when it did not come so far or its job has no effects.
async fn planned(journal: &Journal, run: &str) -> Result<Option<String>, JournalError> {
    let steps = journal.steps(run).await?;
    let planned = steps.iter().find(|step| step.step == Step::Planned);
    Ok(planned.and_then(|step| step.detail["plan"].as_str()).filter(|plan| !plan.is_empty()).map(str::to_owned))
}

/// The latest run of the same job and period with this plan.
async fn run_that_planned(journal: &Journal, run: &RunRecord, plan: &str) -> Result<Option<String>, JournalError> {
    let filter = RunFilter { job: Some(run.job.clone()), period: Some(run.period.clone()), ..RunFilter::default() };
    for other in journal.runs(&filter).await? {
        if planned(journal, &other.id).await?.as_deref() == Some(plan) {
            return Ok(Some(other.id));
        }
    }
    Ok(None)
}

/// Where the job wants four eyes for a kind, whoever started the run may not approve effects of that kind.
///
/// # Errors
/// [`DecisionError::SamePerson`], with both names.
pub fn refuse_starter(
    rules: Option<&Effects>,
    run: &RunRecord,
    effects: &[Standing],
    person: &str,
) -> Result<(), DecisionError> {
    let distinct = |kind: EffectKind| {
        let rules = rules?;
        match kind {
            EffectKind::ProviderAudit => rules.provider_audit.as_ref().map(|rule| rule.caution.distinct),
            EffectKind::FraudMarker => rules.fraud_marker.as_ref().map(|rule| rule.caution.distinct),
            _ => None,
        }
    };
    let wanted = effects.iter().any(|standing| distinct(standing.effect.kind()).unwrap_or(false));
    match run.started_by.as_deref().filter(|starter| wanted && is_same(starter, person)) {
        None => Ok(()),
        Some(starter) => Err(DecisionError::SamePerson {
            person: person.to_owned(),
            starter: starter.to_owned(),
            run: run.id.clone(),
        }),
    }
}
