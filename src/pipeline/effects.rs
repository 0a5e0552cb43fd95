//! The stage between breaks and report: what became of earlier effects, what is to be asked for now, and sending
//! what is approved. `tieout plan` takes the same way on paper.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Request;
use super::book::{Book, Standings};
use super::carrier::Carrier;
use super::lease::Guard;
use super::lives::Lives;
use super::provider::{NamedProvider, provider};
use super::send::{self, Ended, Goods, Means, Sent};
use super::stop::Stop;
use crate::effects::call::calls;
use crate::effects::draft::{Drafts, Material, drafts};
use crate::effects::plan::{self, Plan, Scope};
use crate::effects::{BusinessKey, Call, Doubt, EffectKind, EffectsFacts, Event, Finding, Standing, State, news};
use crate::exit::{ExitCode, Failure};
use crate::frames::AuditUpdate;
use crate::job::Effects;
use crate::journal::{EffectFilter, Journal, JournalError, RunRecord, Writer, kill};
use crate::report::Facts;

/// What the comparison hands on besides its facts.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// What the notifications of this run's log say about audits.
    pub updates: Vec<AuditUpdate>,
    /// What the job's rules have found in the rows.
    pub findings: Vec<Finding>,
    /// The names of each side's files, sides in the order of [`Side::ALL`](crate::frames::Side::ALL).
    pub files: [Vec<String>; 3],
}

/// What is to be asked for, written down.
#[derive(Debug)]
pub(super) struct Planned {
    plan: Plan,
    standings: Standings,
    drafts: Drafts,
    /// The audits of which something new was told.
    news: Vec<String>,
}

impl Planned {
    /// How many effects this job wants for this period, sent or not.
    pub(super) fn count(&self) -> usize {
        self.plan.ids.len()
    }

    /// See [`Plan::digest`].
    pub(super) fn digest(&self) -> &str {
        &self.plan.digest
    }

    /// What may be sent now, as the calls that would be made.
    pub(super) fn calls(&self) -> Vec<Call> {
        let standings: Vec<Standing> = self.standings.of(&self.plan.ids).cloned().collect();
        calls(&standings)
    }
}

/// The provider that takes what the job asks for.
pub(super) fn taker<'r>(request: &'r Request, effects: &'r Effects) -> Result<NamedProvider<'r>, Failure> {
    provider(request, "effects", &effects.provider)
}

/// How often a plan is made again because others wrote to the journal meanwhile.
const TRIES: u32 = 5;

/// Follows what became of earlier effects, and plans what this run's breaks and findings ask for.
///
/// Another job, or a person, may change an effect between reading and writing: then nothing of that part is written,
/// and all is read and planned again.
pub(super) async fn plan(
    request: &Request,
    effects: &Effects,
    book: Book<'_>,
    wanted: &Wanted,
    (facts, lives): (&mut Facts, &Lives),
) -> Result<Planned, Failure> {
    lives.before_planning(facts);
    let mut tries = 1;
    loop {
        match plan_once(request, effects, book, wanted, facts).await {
            Err(failure) if tries < TRIES && is_overtaken(&failure) => tries += 1,
            outcome => return outcome,
        }
    }
}

fn is_overtaken(failure: &Failure) -> bool {
    matches!(failure.source.downcast_ref(), Some(JournalError::IllegalEffect(_) | JournalError::OtherId { .. }))
}

async fn plan_once(
    request: &Request,
    effects: &Effects,
    book: Book<'_>,
    wanted: &Wanted,
    facts: &Facts,
) -> Result<Planned, Failure> {
    let taker = taker(request, effects)?;
    let (organization, cards) = if effects.cards.is_empty() {
        (taker.kard()?.organization.as_str(), None)
    } else {
        // Its name in the project file says it all.
        ("", Some(taker.cards()?))
    };
    let scope = Scope { job: request.job.name.clone(), period: request.period.label.clone() };
    let breaks = facts.breaks.to_vec();
    let drafts = drafts(&Material {
        job: &request.job,
        period: &request.period.label,
        organization,
        breaks: &breaks,
        file_names: &wanted.files,
        findings: &wanted.findings,
        cards,
    });
    let mut standings = Standings::default();
    if let Some(journal) = book.journal() {
        let mut keys: BTreeSet<BusinessKey> = drafts.effects.iter().map(|draft| draft.key.clone()).collect();
        keys.extend(wanted.updates.iter().map(|update| BusinessKey {
            provider: effects.provider.clone(),
            organization: organization.to_owned(),
            kind: EffectKind::ProviderAudit,
            transaction: update.transaction.clone(),
        }));
        standings.take(known(journal, &scope, keys).await?);
    }
    if let Book::Paper(_) = book {
        put_down(book, &mut standings).await?;
    }
    kill::before("plan");
    let events = news::follow(standings.all(), &wanted.updates);
    let mut news: Vec<String> = events.iter().map(|(id, _)| id.clone()).collect();
    news.sort_unstable();
    news.dedup();
    book.write(&mut standings, &events).await?;
    let plan = plan::decide(effects, &scope, &drafts.effects, standings.all());
    book.write(&mut standings, &plan.events).await?;
    kill::after("plan");
    Ok(Planned { plan, standings, drafts, news })
}

/// On paper: a run would find these in flight, and nobody there.
pub(super) async fn put_down(book: Book<'_>, standings: &mut Standings) -> Result<(), Failure> {
    let left = standings.all().iter().filter(|standing| standing.state == State::InFlight);
    let events: Vec<_> = left.map(|standing| (standing.effect.id.clone(), left_in_flight(standing))).collect();
    book.write(standings, &events).await
}

/// What the journal knows of these, and of all that this job wanted for this period before.
async fn known(journal: &Journal, scope: &Scope, keys: BTreeSet<BusinessKey>) -> Result<Vec<Standing>, Failure> {
    let keys: Vec<BusinessKey> = keys.into_iter().collect();
    let mut found = journal.standings(&keys).await?;
    let mut again = Vec::new();
    // News of an audit must find that very audit, not the one that was opened after it.
    for standing in found.iter().filter(|standing| standing.effect.opening > 1) {
        let filter = EffectFilter {
            kind: Some(standing.effect.kind()),
            transaction: Some(standing.effect.transaction().to_owned()),
            ..EffectFilter::default()
        };
        again.extend(journal.effects(&filter).await?);
    }
    found.extend(again);
    let own =
        EffectFilter { job: Some(scope.job.clone()), period: Some(scope.period.clone()), ..EffectFilter::default() };
    found.extend(journal.effects(&own).await?);
    Ok(found)
}

/// What dead attempts of this job left in flight is in doubt: the intent is on disk and the outcome is not.
/// Other periods are looked at too, since nobody may ever run them again.
pub(super) async fn recover(request: &Request, journal: &Journal, run: &RunRecord) -> Result<(), Failure> {
    let of_job =
        EffectFilter { job: Some(request.job.name.clone()), states: vec![State::InFlight], ..EffectFilter::default() };
    let left = journal.effects(&of_job).await?;
    let periods: BTreeSet<String> = left.into_iter().map(|standing| standing.effect.period).collect();
    for period in periods {
        let own = period == request.period.label;
        // Whoever holds the period's lease lives, and will write the outcomes.
        let lease = if own { None } else { super::lease::of_the_dead(request, journal, &period).await? };
        if !own && lease.is_none() {
            continue;
        }
        // Read again: from here on nobody else writes for the period.
        let of_period = EffectFilter { period: Some(period.clone()), ..of_job.clone() };
        let left = journal.effects(&of_period).await?;
        let events: Vec<(String, Event)> =
            left.iter().map(|standing| (standing.effect.id.clone(), left_in_flight(standing))).collect();
        kill::before("recover");
        journal.append(Writer::Run(run), &events).await?;
        kill::after("recover");
        let what = if events.iter().any(|(_, event)| matches!(event, Event::InDoubt { .. })) {
            "in doubt: left in flight by a run that is gone"
        } else {
            "left in flight by a run that is gone, sent again"
        };
        tracing::warn!(period, effects = events.len(), "{what}");
        if let Some(lease) = lease {
            journal.release(lease).await?;
        }
    }
    Ok(())
}

fn left_in_flight(standing: &Standing) -> Event {
    let why = "its run ended between writing the intent and writing the outcome".to_owned();
    if standing.effect.repeats_safely() {
        return Event::Again { doubt: Doubt::Interrupted, why };
    }
    Event::InDoubt { doubt: Doubt::Interrupted, why }
}

/// Sends what is approved of this plan.
pub(super) async fn send(
    request: &Request,
    effects: &Effects,
    planned: &Planned,
    means: (&Journal, &RunRecord, &Guard, &Stop),
) -> Result<Sent, Failure> {
    let planned = planned.standings.of(&planned.plan.ids);
    let approved: Vec<Standing> = planned.filter(|standing| standing.state == State::Approved).cloned().collect();
    if approved.is_empty() {
        return Ok(Sent::default());
    }
    if request.offline {
        let why = "--offline asks no provider: nothing is sent".to_owned();
        return Ok(Sent { ended: Some(Ended { code: ExitCode::Done, why }), ..Sent::default() });
    }
    let taker = taker(request, effects)?;
    let (carrier, goods, http) = if effects.cards.is_empty() {
        (Carrier::Kard(Arc::new(taker.client()?)), Goods::Items, &taker.kard()?.http)
    } else {
        (Carrier::Orders(taker.courier()?.into()), Goods::Orders, taker.cards()?.http())
    };
    let (journal, run, guard, stop) = means;
    let (rate, concurrency, carrier) = (Some(effects.rate), effects.concurrency, &carrier);
    send::send(Means { journal, run, guard, carrier, goods, rate, concurrency, http, stop }, approved).await
}

/// Everything of this job that is in doubt, of whatever period.
pub(super) async fn in_doubt(
    request: &Request,
    book: Book<'_>,
    standings: &Standings,
) -> Result<Vec<Standing>, Failure> {
    let Some(journal) = book.journal() else { return Ok(Vec::new()) };
    let (job, states) = (Some(request.job.name.clone()), vec![State::InDoubt]);
    let mut in_doubt = journal.effects(&EffectFilter { job, states, ..EffectFilter::default() }).await?;
    // On paper some of these have moved on.
    in_doubt.retain(|doubt| standings.get(&doubt.effect.id).is_none_or(|standing| standing.state == State::InDoubt));
    Ok(in_doubt)
}

/// Tells the report what became of effects, and of the breaks that they are about.
pub(super) async fn told(
    request: &Request,
    effects: &Effects,
    book: Book<'_>,
    (planned, sent): (Planned, Sent),
    (facts, lives): (&mut Facts, &mut Lives),
) -> Result<(), Failure> {
    let Planned { plan, mut standings, drafts, news } = planned;
    standings.take(sent.standings.into_values());
    lives.tell(request, facts, standings.all())?;
    let in_doubt = in_doubt(request, book, &standings).await?;
    let (mut audits, mut anchor) = (Vec::new(), None);
    if let Some(journal) = book.journal() {
        let (job, kind) = (Some(request.job.name.clone()), Some(EffectKind::ProviderAudit));
        let of_job = EffectFilter { job, kind, states: vec![State::Acknowledged], ..EffectFilter::default() };
        audits = journal.effects(&of_job).await?;
        anchor = Some(journal.anchor().await?);
    }
    let silent = effects
        .provider_audit
        .as_ref()
        .map(|rule| news::silent(&audits, rule.news_within, request.run_time))
        .unwrap_or_default();
    facts.effects = Some(EffectsFacts {
        planned: standings.of(&plan.ids).cloned().collect(),
        plan: plan.digest,
        elsewhere: plan.elsewhere,
        unplannable: drafts.unplannable,
        held: plan.held,
        in_doubt,
        news: standings.of(&news).cloned().collect(),
        silent,
        stopped: sent.ended.as_ref().map(|ended| ended.why.clone()),
        stopped_exit: sent.ended.as_ref().map(|ended| ended.code).filter(|code| *code != ExitCode::Done),
        anchor,
    });
    Ok(())
}
