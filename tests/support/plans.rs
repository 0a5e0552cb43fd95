//! Drafts by hand, and a book that plans and remembers like the journal, for tests of planning.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tieout::breaks::BreakKind;
use tieout::effects::draft::Draft;
use tieout::effects::plan::{Plan, Scope, decide, standings_after};
use tieout::effects::{
    Approver, Ask, BusinessKey, Decision, Doubt, EffectKind, Event, Ground, News, RowPlace, Standing, State,
};
use tieout::frames::Side;
use tieout::job::{ApprovalRule, AuditCode, AuditRule, Caution, Effects, MarkerRule, Rate};

pub(crate) fn scope(job: &str, period: &str) -> Scope {
    Scope { job: job.to_owned(), period: period.to_owned() }
}

/// The job and period of most tests.
pub(crate) fn here() -> Scope {
    scope("daily", "2025-03-19")
}

/// Both kinds with the same caution.
pub(crate) fn rules(caution: &Caution) -> Effects {
    Effects {
        provider: "kard".to_owned(),
        concurrency: 4,
        rate: Rate { calls: 5, per: Duration::from_secs(1) },
        provider_audit: Some(AuditRule {
            kinds: vec![BreakKind::RewardMissing],
            codes: BTreeMap::new(),
            description: None,
            caution: caution.clone(),
            news_within: TimeDelta::days(14),
        }),
        fraud_marker: Some(MarkerRule {
            kinds: vec![BreakKind::ReversedAfterPayout],
            side: Side::Ledger,
            history: 0,
            rules: Vec::new(),
            caution: caution.clone(),
        }),
        cards: BTreeMap::new(),
    }
}

pub(crate) fn asking() -> Effects {
    rules(&Caution::default())
}

pub(crate) fn free() -> Effects {
    rules(&Caution { approval: ApprovalRule::None, ..Caution::default() })
}

/// A draft with 10.00 USD at risk.
pub(crate) fn draft(kind: EffectKind, transaction: &str, user: &str) -> Draft {
    let ask = match kind {
        EffectKind::FraudMarker => Ask::Marker,
        EffectKind::ProviderAudit => Ask::Audit {
            code: AuditCode::CashbackMissing,
            merchant: "Caribbean Goodness".to_owned(),
            description: format!("no cashback for {transaction}"),
        },
        kind => super::asks::sent_by_a_job(kind),
    };
    Draft {
        key: BusinessKey {
            provider: "kard".to_owned(),
            organization: "org-1".to_owned(),
            kind,
            transaction: transaction.to_owned(),
        },
        user: user.to_owned(),
        ask,
        at_risk_minor: 10_00,
        currency: "USD".to_owned(),
        grounds: vec![Ground {
            break_id: Some(format!("break-{transaction}")),
            rule: "reward_missing".to_owned(),
            detail: "in ledger, not in file".to_owned(),
            rows: vec![RowPlace { side: Side::Ledger, file: "ledger.csv".to_owned(), line: 2 }],
        }],
    }
}

pub(crate) fn audit(transaction: &str, user: &str) -> Draft {
    draft(EffectKind::ProviderAudit, transaction, user)
}

pub(crate) fn marker(transaction: &str, user: &str) -> Draft {
    draft(EffectKind::FraudMarker, transaction, user)
}

pub(crate) fn now() -> DateTime<Utc> {
    super::utc("2025-03-20T10:00:00Z")
}

/// What has happened so far, all jobs together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book(pub(crate) Vec<Standing>);

impl Book {
    /// Plans, writes the plan down, and tells its events as `proposed audit a`, `approved marker b 2` (the opening
    /// where it is not the first).
    pub(crate) fn plan(&mut self, rules: &Effects, scope: &Scope, drafts: &[Draft]) -> (Plan, Vec<String>) {
        let plan = decide(rules, scope, drafts, &self.0);
        self.0 = standings_after(&self.0, &plan.events, now()).unwrap();
        let told = plan.events.iter().map(|(id, event)| format!("{} {}", event.name(), self.name(id))).collect();
        (plan, told)
    }

    /// Only what it tells.
    pub(crate) fn told(&mut self, rules: &Effects, scope: &Scope, drafts: &[Draft]) -> Vec<String> {
        self.plan(rules, scope, drafts).1
    }

    pub(crate) fn by_id(&self, id: &str) -> &Standing {
        self.0.iter().find(|standing| standing.effect.id == id).unwrap()
    }

    fn name(&self, id: &str) -> String {
        let effect = &self.by_id(id).effect;
        let kind = if effect.kind() == EffectKind::FraudMarker { "marker" } else { "audit" };
        let opening = if effect.opening == 1 { String::new() } else { format!(" {}", effect.opening) };
        format!("{kind} {}{opening}", effect.transaction())
    }

    /// The latest opening of a transaction's effect.
    pub(crate) fn of(&self, transaction: &str) -> &Standing {
        let all = self.0.iter().filter(|standing| standing.effect.transaction() == transaction);
        all.max_by_key(|standing| standing.effect.opening).unwrap()
    }

    pub(crate) fn happens(&mut self, transaction: &str, event: Event) {
        let id = self.of(transaction).effect.id.clone();
        self.0 = standings_after(&self.0, &[(id, event)], now()).unwrap();
    }

    pub(crate) fn approve(&mut self, transaction: &str) {
        let plan = self.of(transaction).plan.clone();
        let by = Approver::Person { name: "ada".to_owned() };
        self.happens(transaction, Event::Approved { plan, by, comment: None });
    }

    /// From proposed to a state.
    pub(crate) fn bring(&mut self, transaction: &str, state: State) {
        let plan = || "p".to_owned();
        let words = || "words".to_owned();
        if state == State::Proposed {
            return;
        }
        if state == State::Withdrawn {
            return self.happens(transaction, Event::Withdrawn { plan: plan() });
        }
        if state == State::Refused {
            return self.happens(transaction, Event::Refused { by: "ada".to_owned(), comment: words() });
        }
        self.approve(transaction);
        if state == State::Approved {
            return;
        }
        self.happens(transaction, Event::InFlight { call: "c".to_owned(), body_sha256: "d".to_owned(), session: None });
        match state {
            State::Acknowledged => {
                self.happens(
                    transaction,
                    Event::Acknowledged { provider_id: Some("audit-1".to_owned()), note: None, refused: Vec::new() },
                );
            }
            State::Rejected => self.happens(transaction, Event::Rejected { why: words() }),
            State::InDoubt | State::NotApplied => {
                self.happens(transaction, Event::InDoubt { doubt: Doubt::NoReply, why: words() });
                if state == State::NotApplied {
                    self.resolve(transaction, Decision::NotApplied);
                }
            }
            _ => assert_eq!(state, State::InFlight),
        }
    }

    pub(crate) fn resolve(&mut self, transaction: &str, decision: Decision) {
        let (by, reason) = ("ada".to_owned(), "asked Kard".to_owned());
        self.happens(transaction, Event::Resolved { decision, by, reason });
    }

    pub(crate) fn reopen(&mut self, transaction: &str, reason: &str) {
        self.happens(transaction, Event::Reopened { by: "ada".to_owned(), reason: reason.to_owned() });
    }

    pub(crate) fn news(&mut self, transaction: &str, status: &str) {
        let news = News {
            notification: format!("n-{status}"),
            audit: Some("audit-1".to_owned()),
            status: status.to_owned(),
            resolution_code: None,
            resolution: None,
            at: None,
        };
        self.happens(transaction, Event::News(news));
    }
}
