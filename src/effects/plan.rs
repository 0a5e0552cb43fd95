//! What is to happen to the effects of one job and period: drafts held against what the journal knows. Pure, so that
//! `tieout plan` tells exactly what `tieout run` then does.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::draft::Draft;
use super::{Approver, Ask, BusinessKey, Effect, EffectKind, Event, IllegalEffectStep, Standing, State, apply};
use crate::digest::hex;
use crate::job::{ApprovalRule, Caution, Effects};
use crate::money::{exponent, format_minor};

/// Whose plan it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub job: String,
    /// The period's label.
    pub period: String,
}

impl Scope {
    pub(super) fn owns(&self, standing: &Standing) -> bool {
        standing.effect.job == self.job && standing.effect.period == self.period
    }
}

/// What a run writes to the journal, and what it tells about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// SHA-256 over id, user and ask of all that this job wants for this period, sent or not: sending changes nothing
    /// about it, a changed wish does.
    pub digest: String,
    /// Effect id and what happens to it, in the order in which it is to be written.
    pub events: Vec<(String, Event)>,
    /// Wanted too, but another job or period has asked for it or will.
    pub elsewhere: Vec<Standing>,
    /// Why effects wait although the job would let them go, in words.
    pub held: Vec<String>,
    /// All that is wanted here, in the order of the plan: kind, user, transaction.
    pub ids: Vec<String>,
}

/// Holds what is wanted against what is known.
///
/// `standings` are those of the latest opening of each key that is wanted, and all of this job and period. An effect
/// is proposed once for ever, unless a person has opened it again.
pub fn decide(rules: &Effects, scope: &Scope, drafts: &[Draft], standings: &[Standing]) -> Plan {
    let latest = latest(standings);
    let mut drafts: Vec<&Draft> = drafts.iter().collect();
    drafts.sort_by(|one, other| one.place().cmp(&other.place()));
    let mut plan = Plan::default();
    let mut wanted = Vec::new();
    for draft in drafts {
        match wish(scope, draft, latest.get(&draft.key).copied()) {
            Ok(wish) => wanted.push(wish),
            Err(standing) => plan.elsewhere.push(standing.clone()),
        }
    }
    plan.digest = digest(&wanted);
    let ids: HashSet<&str> = wanted.iter().map(|wish| wish.effect.id.as_str()).collect();
    withdraw(scope, &ids, standings, &mut plan);
    for kind in EffectKind::ALL {
        let wishes: Vec<&Wish<'_>> = wanted.iter().filter(|wish| wish.effect.kind() == kind).collect();
        propose(caution(rules, kind), kind, &wishes, &mut plan);
    }
    plan.ids = wanted.into_iter().map(|wish| wish.effect.id).collect();
    plan
}

/// The standings after a plan's events, new ones last: what `tieout plan` shows without writing anything.
///
/// # Errors
/// When an event cannot follow: the standings are not those that were planned with.
pub fn standings_after(
    standings: &[Standing],
    events: &[(String, Event)],
    at: DateTime<Utc>,
) -> Result<Vec<Standing>, IllegalEffectStep> {
    let mut after = standings.to_vec();
    let mut places: HashMap<String, usize> =
        after.iter().zip(0..).map(|(standing, place)| (standing.effect.id.clone(), place)).collect();
    for (id, event) in events {
        let place = places.get(id).copied();
        let standing = apply(place.and_then(|place| after.get(place)), id, event, at)?;
        if let Some(place) = place {
            after[place] = standing;
        } else {
            places.insert(id.clone(), after.len());
            after.push(standing);
        }
    }
    Ok(after)
}

/// Something that is wanted and is this job and period's business.
struct Wish<'a> {
    effect: Effect,
    /// Under the very same id.
    known: Option<&'a Standing>,
}

impl Wish<'_> {
    /// Nothing has been sent that could stand: the plan may still say what happens to it.
    fn is_open(&self) -> bool {
        let open = |standing: &Standing| matches!(standing.state, State::Proposed | State::Approved | State::Withdrawn);
        self.known.is_none_or(open)
    }

    /// An attempt may have arrived: only a person can let it be sent again.
    fn is_a_persons(&self) -> bool {
        self.known.is_some_and(|standing| standing.was_in_doubt)
    }
}

/// What is wanted as an effect of this scope, or the standing elsewhere that is in the way.
fn wish<'a>(scope: &Scope, draft: &Draft, known: Option<&'a Standing>) -> Result<Wish<'a>, &'a Standing> {
    let Some(standing) = known else {
        return Ok(Wish { effect: draft.effect(scope, 1, None), known: None });
    };
    let before = &standing.effect;
    if let Some(reason) = reopening(standing) {
        return Ok(Wish { effect: draft.effect(scope, before.opening + 1, Some(reason)), known: None });
    }
    // What another job or period has withdrawn stands nowhere, and nobody else wants it.
    if scope.owns(standing) || standing.state == State::Withdrawn {
        let effect = draft.effect(scope, before.opening, before.reopened.as_deref());
        return Ok(Wish { effect, known: Some(standing) });
    }
    Err(standing)
}

/// Why a person wants it opened again. Not while the provider is still at work on it: news may have come after the
/// person's word.
fn reopening(standing: &Standing) -> Option<&str> {
    standing.reopening.as_deref().filter(|_| standing.is_over())
}

/// The latest opening of each key.
fn latest(standings: &[Standing]) -> HashMap<&BusinessKey, &Standing> {
    let mut latest = HashMap::<&BusinessKey, &Standing>::with_capacity(standings.len());
    for standing in standings {
        let kept = latest.entry(&standing.effect.key).or_insert(standing);
        if kept.effect.opening < standing.effect.opening {
            *kept = standing;
        }
    }
    latest
}

/// What this job and period asked for and want no longer, as long as nothing was sent.
fn withdraw(scope: &Scope, wanted: &HashSet<&str>, standings: &[Standing], plan: &mut Plan) {
    let mut unwanted: Vec<&Effect> = standings
        .iter()
        .filter(|standing| scope.owns(standing) && matches!(standing.state, State::Proposed | State::Approved))
        .map(|standing| &standing.effect)
        .filter(|effect| !wanted.contains(effect.id.as_str()))
        .collect();
    unwanted.sort_by(|one, other| place(one).cmp(&place(other)));
    unwanted.dedup_by(|one, other| one.id == other.id);
    for effect in unwanted {
        plan.events.push((effect.id.clone(), Event::Withdrawn { plan: plan.digest.clone() }));
    }
}

/// The order of a plan.
pub(super) fn place(effect: &Effect) -> (EffectKind, &str, &str, &str) {
    (effect.kind(), &effect.user, effect.transaction(), &effect.id)
}

/// Proposals of one kind, and the approvals that the job gives by itself.
fn propose(caution: &Caution, kind: EffectKind, wishes: &[&Wish<'_>], plan: &mut Plan) {
    let open: Vec<&Wish<'_>> = wishes.iter().copied().filter(|wish| wish.is_open()).collect();
    let allowed = |wish: &Wish<'_>| !wish.is_a_persons() && allows(&caution.approval, &wish.effect);
    let over = over_limit(caution, kind, &open);
    // Nothing is held back by a limit that a person would have been asked for anyway.
    let lets_any_go = open.iter().any(|wish| allowed(wish) && !approved_by_person(wish.known));
    if lets_any_go {
        plan.held.extend(over.iter().map(|excess| format!("{excess}: all wait for approval")));
    }
    for wish in open {
        let may_go = over.is_empty() && allowed(wish);
        let unchanged = wish.known.filter(|known| {
            known.state != State::Withdrawn && known.plan == plan.digest && known.effect == wish.effect
        });
        // The job's own word holds no longer than the job says so.
        let job_took_it_back = unchanged.is_some_and(|known| approved_by_job(known) && !wish.is_a_persons() && !may_go);
        let anew = unchanged.is_none() || job_took_it_back;
        let id = &wish.effect.id;
        if anew {
            let effect = Box::new(wish.effect.clone());
            plan.events.push((id.clone(), Event::Proposed { plan: plan.digest.clone(), effect }));
        }
        if may_go && (anew || wish.known.is_some_and(|known| known.state == State::Proposed)) {
            let by = Approver::Job { rule: rule_words(&caution.approval, &wish.effect.currency) };
            plan.events.push((id.clone(), Event::Approved { plan: plan.digest.clone(), by, comment: None }));
        }
    }
}

fn approved_by_job(known: &Standing) -> bool {
    known.state == State::Approved
        && known.approval.as_ref().is_some_and(|approval| matches!(approval.by, Approver::Job { .. }))
}

fn approved_by_person(known: Option<&Standing>) -> bool {
    known.is_some_and(|known| known.state == State::Approved && !approved_by_job(known))
}

fn caution(rules: &Effects, kind: EffectKind) -> &Caution {
    /// What a person is always asked for; nothing is wanted of a kind that has no rule.
    const ASK: &Caution = &Caution {
        approval: ApprovalRule::Required,
        distinct: false,
        limit: None,
        limit_amount_minor: BTreeMap::new(),
    };
    match kind {
        EffectKind::ProviderAudit => rules.provider_audit.as_ref().map_or(ASK, |rule| &rule.caution),
        EffectKind::FraudMarker => rules.fraud_marker.as_ref().map_or(ASK, |rule| &rule.caution),
        // Only sending jobs want the others, and they plan apart.
        _ => kind.operation().and_then(|operation| rules.cards.get(&operation)).map_or(ASK, |rule| &rule.caution),
    }
}

/// Whether the job lets the effect go without a person.
fn allows(rule: &ApprovalRule, effect: &Effect) -> bool {
    match rule {
        ApprovalRule::Required => false,
        ApprovalRule::None => true,
        ApprovalRule::Above(most) => most.get(&effect.currency).is_some_and(|most| effect.at_risk_minor <= *most),
    }
}

/// `approval: none`, `approval: above 10.00 USD`
fn rule_words(rule: &ApprovalRule, currency: &str) -> String {
    match rule {
        ApprovalRule::Required => "approval: required".to_owned(),
        ApprovalRule::None => "approval: none".to_owned(),
        ApprovalRule::Above(most) => {
            let most = most.get(currency).copied().unwrap_or_default();
            format!("approval: above {}", money(i128::from(most), currency))
        }
    }
}

/// Each limit of the job that what is not sent yet goes beyond, in words.
fn over_limit(caution: &Caution, kind: EffectKind, open: &[&Wish<'_>]) -> Vec<String> {
    let mut over = Vec::new();
    let count = open.len() as u64;
    if let Some(limit) = caution.limit.filter(|limit| count > *limit) {
        over.push(format!("{count} {}, the job allows {limit} a run", kind.words(count)));
    }
    for (currency, limit) in &caution.limit_amount_minor {
        let of_currency = open.iter().map(|wish| &wish.effect).filter(|effect| effect.currency == *currency);
        let sum: i128 = of_currency.map(|effect| i128::from(effect.at_risk_minor)).sum();
        if sum > i128::from(*limit) {
            let (sum, limit) = (money(sum, currency), money(i128::from(*limit), currency));
            over.push(format!("{} with {sum} at risk, the job allows {limit} a run", kind.words(2)));
        }
    }
    over
}

fn money(minor: i128, currency: &str) -> String {
    format!("{} {currency}", format_minor(minor, exponent(currency).unwrap_or(2)))
}

/// See [`Plan::digest`].
fn digest(wanted: &[Wish<'_>]) -> String {
    let mut hasher = Sha256::new();
    // The length keeps ("ab", "c") and ("a", "bc") apart.
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for Wish { effect, .. } in wanted {
        part(&effect.id);
        part(&effect.user);
        match &effect.ask {
            Ask::Audit { code, merchant, description } => {
                part("audit");
                part(&code.number().to_string());
                part(merchant);
                part(description);
            }
            Ask::Marker => part("marker"),
            Ask::Parcel(parcel) => part(&parcel.sha256),
            Ask::Session { .. } => part("session"),
            Ask::Card(ask) => {
                part(ask.call.method.name());
                part(&ask.call.path);
                part(&ask.call.body);
                part(if ask.call.keyed { "keyed" } else { "" });
            }
        }
    }
    hex(&hasher.finalize())
}
