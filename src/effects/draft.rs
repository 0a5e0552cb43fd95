//! From breaks and findings to drafts: what should be asked for, whatever has been asked for before. One draft a
//! transaction and kind, however many breaks and rules want it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::describe::{self, describe};
use super::draft_cards;
use super::{Ask, BusinessKey, Effect, EffectKind, Finding, Ground, RowPlace, Unplannable};
use crate::breaks::{Break, BreakKind, SideFacts};
use crate::frames::Side;
use crate::job::{AuditCode, AuditRule, Effects, Job, MarkerRule};
use crate::money::exponent;
use crate::providers::cards::CardProvider;
use crate::providers::kard::request::audits_path;

/// An effect that has neither number nor owner yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub key: BusinessKey,
    /// The user's id on the issuer's system.
    pub user: String,
    pub ask: Ask,
    /// What may be lost or owed: minor units of `currency`. The most that one ground has at risk.
    pub at_risk_minor: i64,
    /// ISO 4217
    pub currency: String,
    /// The one with most at risk first.
    pub grounds: Vec<Ground>,
}

impl Draft {
    /// The order of a plan: kind, user, transaction.
    pub(super) fn place(&self) -> (EffectKind, &str, &str) {
        (self.key.kind, &self.user, &self.key.transaction)
    }

    /// The effect that it becomes.
    pub(super) fn effect(&self, scope: &super::plan::Scope, opening: u32, reopened: Option<&str>) -> Effect {
        Effect {
            id: self.key.effect_id(opening),
            key: self.key.clone(),
            opening,
            reopened: reopened.map(str::to_owned),
            job: scope.job.clone(),
            period: scope.period.clone(),
            user: self.user.clone(),
            ask: self.ask.clone(),
            at_risk_minor: self.at_risk_minor,
            currency: self.currency.clone(),
            grounds: self.grounds.clone(),
        }
    }
}

/// What drafts are made of.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    pub job: &'a Job,
    /// The period's label.
    pub period: &'a str,
    /// The organization id of the provider's paths.
    pub organization: &'a str,
    pub breaks: &'a [Break],
    /// The names of each side's files, in the order that [`crate::breaks::RowRef::file`] counts; sides in that of
    /// [`Side::ALL`].
    pub file_names: &'a [Vec<String>; 3],
    pub findings: &'a [Finding],
    /// Who makes calls of orders for cards; none where the job has no such rule.
    pub cards: Option<&'a dyn CardProvider>,
}

/// All that a run would ask for, and what it would and cannot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drafts {
    /// In the order of a plan: kind, user, transaction.
    pub effects: Vec<Draft>,
    /// By kind and transaction.
    pub unplannable: Vec<Unplannable>,
}

/// One draft for each transaction and kind that open breaks or findings ask for; none for a job without effects.
pub fn drafts(material: &Material<'_>) -> Drafts {
    let mut drafts = Drafts::default();
    let Some(rules) = material.job.effects() else { return drafts };
    let mut keep = |draft: Result<Draft, Unplannable>| match draft {
        Ok(draft) => drafts.effects.push(draft),
        Err(unplannable) => drafts.unplannable.push(unplannable),
    };
    if let Some(rule) = &rules.provider_audit {
        for (transaction, reasons) in reasons(material, &rule.kinds, &[], |kind| Some(rule.code(kind))) {
            keep(audit(material, rules, rule, transaction, &reasons));
        }
    }
    if let Some(rule) = &rules.fraud_marker {
        for (transaction, reasons) in wanted_markers(material, rule) {
            keep(marker(material, rules, transaction, &reasons));
        }
    }
    draft_cards::drafts(material, rules, &mut drafts);
    drafts.effects.sort_by(|one, other| one.place().cmp(&other.place()));
    drafts
}

fn wanted_markers<'a>(material: &Material<'a>, rule: &MarkerRule) -> BTreeMap<&'a str, Vec<Reason<'a>>> {
    reasons(material, &rule.kinds, material.findings, |_| None)
}

/// Why something is asked for.
#[derive(Debug, Clone, Copy)]
enum Why<'a> {
    Break(&'a Break),
    Finding(&'a Finding),
}

/// A reason with what it is ordered by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reason<'a> {
    why: Why<'a>,
    code: Option<AuditCode>,
}

impl<'a> Reason<'a> {
    const fn money(&self) -> (i64, &'a str) {
        match self.why {
            Why::Break(found) => (found.at_risk_minor, found.currency.as_str()),
            Why::Finding(finding) => (finding.amount_minor, finding.currency.as_str()),
        }
    }

    /// Most at risk first; then a missing reward, a wrong one, all else; then what only keeps the order the same
    /// however the breaks come.
    fn rank(&self) -> (Reverse<i128>, u8, Option<BreakKind>, &'a str, &'a str) {
        let (minor, currency) = self.money();
        // Currencies are compared by their major unit. That is rough, but only ranks what is asked for anyway.
        let scale = 10_i128.pow(4 - u32::from(exponent(currency).unwrap_or(2).min(4)));
        let code = match self.code {
            Some(AuditCode::CashbackMissing) => 0,
            Some(AuditCode::CashbackIncorrect) => 1,
            Some(AuditCode::Other) | None => 2,
        };
        let (kind, first, second) = match self.why {
            Why::Break(found) => (Some(found.kind), found.id.as_str(), found.detail.as_str()),
            Why::Finding(finding) => (None, finding.rule.as_str(), finding.detail.as_str()),
        };
        (Reverse(i128::from(minor) * scale), code, kind, first, second)
    }

    pub(super) const fn found(&self) -> Option<&'a Break> {
        match self.why {
            Why::Break(found) => Some(found),
            Why::Finding(_) => None,
        }
    }

    fn ground(&self, file_names: &[Vec<String>; 3]) -> Ground {
        match self.why {
            Why::Break(found) => Ground {
                break_id: Some(found.id.clone()),
                rule: found.kind.name().to_owned(),
                detail: found.detail.clone(),
                rows: rows(found, file_names),
            },
            Why::Finding(finding) => {
                let mut rows = finding.rows.clone();
                rows.sort();
                rows.dedup();
                Ground { break_id: None, rule: finding.rule.clone(), detail: finding.detail.clone(), rows }
            }
        }
    }
}

/// The reasons for each transaction, the weightiest first.
pub(super) fn reasons<'a>(
    material: &Material<'a>,
    kinds: &[BreakKind],
    findings: &'a [Finding],
    code: impl Fn(BreakKind) -> Option<AuditCode>,
) -> BTreeMap<&'a str, Vec<Reason<'a>>> {
    let mut by_transaction = BTreeMap::<&str, Vec<Reason<'_>>>::new();
    let wanted = |found: &&Break| found.is_open() && kinds.contains(&found.kind);
    for found in material.breaks.iter().filter(wanted) {
        let reason = Reason { why: Why::Break(found), code: code(found.kind) };
        by_transaction.entry(&found.key).or_default().push(reason);
    }
    for finding in findings {
        let reason = Reason { why: Why::Finding(finding), code: None };
        by_transaction.entry(&finding.transaction).or_default().push(reason);
    }
    for reasons in by_transaction.values_mut() {
        reasons.sort_by(|one, other| one.rank().cmp(&other.rank()));
    }
    by_transaction
}

fn audit(
    material: &Material<'_>,
    rules: &Effects,
    rule: &AuditRule,
    transaction: &str,
    reasons: &[Reason<'_>],
) -> Result<Draft, Unplannable> {
    let kind = EffectKind::ProviderAudit;
    let found = reasons.first().and_then(Reason::found).expect("audits are asked for because of breaks");
    let missing = |reason: String| unplannable(kind, transaction, reasons, reason);
    let (user, merchant) = (user(reasons), merchant(reasons));
    let (user, merchant) = match (user, merchant) {
        (Some(user), Some(merchant)) => (user, merchant),
        (None, Some(_)) => return Err(missing("no side states the user".to_owned())),
        (Some(_), None) => return Err(missing("no side states the merchant".to_owned())),
        (None, None) => return Err(missing("no side states the user or the merchant".to_owned())),
    };
    if audits_path(material.organization, user).is_none() {
        return Err(missing(format!("the user id `{user}` cannot stand in the address of the call")));
    }
    let code = rule.code(found.kind);
    let grounds = grounds(material, reasons);
    let facts =
        describe::Facts { job: &material.job.name, period: material.period, found, user, merchant, grounds: &grounds };
    let description = describe(rule.description.as_ref(), code, &facts);
    let ask = Ask::Audit { code, merchant: merchant.to_owned(), description };
    Ok(draft(business_key(material, rules, kind, transaction), user, ask, reasons, grounds))
}

fn marker(
    material: &Material<'_>,
    rules: &Effects,
    transaction: &str,
    reasons: &[Reason<'_>],
) -> Result<Draft, Unplannable> {
    let kind = EffectKind::FraudMarker;
    let Some(user) = user(reasons) else {
        return Err(unplannable(kind, transaction, reasons, "no side states the user".to_owned()));
    };
    let grounds = grounds(material, reasons);
    Ok(draft(business_key(material, rules, kind, transaction), user, Ask::Marker, reasons, grounds))
}

pub(super) fn business_key(
    material: &Material<'_>,
    rules: &Effects,
    kind: EffectKind,
    transaction: &str,
) -> BusinessKey {
    BusinessKey {
        provider: rules.provider.clone(),
        organization: material.organization.to_owned(),
        kind,
        transaction: transaction.to_owned(),
    }
}

pub(super) fn draft(key: BusinessKey, user: &str, ask: Ask, reasons: &[Reason<'_>], grounds: Vec<Ground>) -> Draft {
    let (at_risk_minor, currency) = reasons.first().map_or((0, ""), Reason::money);
    Draft { key, user: user.to_owned(), ask, at_risk_minor, currency: currency.to_owned(), grounds }
}

pub(super) fn unplannable(kind: EffectKind, transaction: &str, reasons: &[Reason<'_>], reason: String) -> Unplannable {
    let break_id = reasons.iter().find_map(Reason::found).map(|found| found.id.clone());
    Unplannable { kind, transaction: transaction.to_owned(), break_id, reason }
}

/// Each reason once.
pub(super) fn grounds(material: &Material<'_>, reasons: &[Reason<'_>]) -> Vec<Ground> {
    let mut grounds = Vec::<Ground>::new();
    for reason in reasons {
        let ground = reason.ground(material.file_names);
        if !grounds.contains(&ground) {
            grounds.push(ground);
        }
    }
    grounds
}

/// The rows of a break, by the names of their files.
fn rows(found: &Break, file_names: &[Vec<String>; 3]) -> Vec<RowPlace> {
    let mut places = BTreeSet::new();
    for side in Side::ALL {
        let Some(facts) = found.side(side) else { continue };
        for row in &facts.rows {
            let named = file_names[side as usize].get(row.file as usize);
            let file = named.cloned().unwrap_or_else(|| format!("file {}", row.file + 1));
            places.insert(RowPlace { side, file, line: row.line });
        }
    }
    places.into_iter().collect()
}

/// Who is believed first about users and merchants: we ask in the issuer's own words.
const BELIEVED: [Side; 3] = [Side::Ledger, Side::File, Side::Webhooks];

pub(super) fn user<'a>(reasons: &[Reason<'a>]) -> Option<&'a str> {
    let of_rows = || {
        reasons.iter().find_map(|reason| match reason.why {
            Why::Break(_) => None,
            Why::Finding(finding) => finding.user.as_deref().filter(|user| !user.is_empty()),
        })
    };
    stated(reasons, |facts| facts.user.as_deref()).or_else(of_rows)
}

fn merchant<'a>(reasons: &[Reason<'a>]) -> Option<&'a str> {
    stated(reasons, |facts| facts.merchant.as_deref())
}

/// What the most believed side says, over all breaks of the transaction.
fn stated<'a>(reasons: &[Reason<'a>], text: impl Fn(&'a SideFacts) -> Option<&'a str>) -> Option<&'a str> {
    let breaks = || reasons.iter().filter_map(Reason::found);
    BELIEVED.into_iter().find_map(|side| {
        breaks().filter_map(|found| found.side(side)).find_map(|facts| text(facts).filter(|text| !text.is_empty()))
    })
}
