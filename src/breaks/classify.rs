//! One key that has to be looked at becomes one verdict: matched, expected, excluded, or breaks.
//! Pure: the same facts give the same verdict.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Break, BreakKind, BreakStatus, detail, id, values};
use crate::frames::{Exclusion, Measure, Side};
use crate::job::Splits;
use crate::matching::{Flags, KeyFacts, KeySide, Pairing, Rules};

/// What becomes of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
    /// Why an absent side is no break, also where the sides that are there make one.
    pub waits: Option<Expected>,
    /// At most one break a rule.
    pub breaks: Vec<Break>,
}

/// The outcome of a key's rows. Copies of a row are a break of their own whatever the key's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The sides agree, or differ within the tolerance.
    Matched,
    /// One-sided, and the counterpart is not due, or a notice explains why there is none.
    Expected(Expected),
    /// Nothing to compare and nothing due.
    Excluded(Exclusion),
    /// At least one break.
    Break,
}

/// Why a missing counterpart is no break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    InGrace,
    NotSettledYet,
    FileNotThere,
    ExplainedNoReward,
    OtherPeriod,
}

impl Expected {
    /// In words, for reports.
    pub const fn words(self) -> &'static str {
        match self {
            Self::InGrace => "in grace: the counterpart is not due yet",
            Self::NotSettledYet => "authorised, not settled yet",
            Self::FileNotThere => "waits for a file that is not there",
            Self::OtherPeriod => "the counterpart stands in another period",
            Self::ExplainedNoReward => "no reward, and a failed-transaction notice says why",
        }
    }
}

/// Judges one key.
pub fn classify(rules: &Rules, facts: &KeyFacts) -> Verdict {
    let judge = Judge { rules, facts };
    let mut breaks = Vec::new();
    if let Some(copies) = judge.duplicates() {
        breaks.push(copies);
    }
    let (outcome, waits) = judge.outcome(&mut breaks);
    breaks.sort_by_key(|found| found.kind);
    Verdict { outcome, waits, breaks }
}

/// One key under judgement.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) rules: &'a Rules,
    pub(super) facts: &'a KeyFacts,
}

impl Judge<'_> {
    fn outcome(&self, breaks: &mut Vec<Break>) -> (Outcome, Option<Expected>) {
        let already = breaks.len();
        if self.any(Flags::CONFLICT) {
            let named = self.sides_with(Flags::CONFLICT);
            breaks.push(self.found(
                BreakKind::ConflictingRows,
                Measure::TransactionAmount,
                self.largest_amount(),
                match self.rules.matching.splits {
                    Splits::Balance => detail::several_currencies(&named),
                    Splits::Sum | Splits::Forbid => detail::conflict(&named),
                },
            ));
        }
        let presence = self.presence();
        let waits = match presence {
            Presence::Outcome(Outcome::Expected(reason)) => Some(reason),
            _ => None,
        };
        match presence {
            // A notice or a reversal says why nothing agrees here: there is nothing to compare.
            Presence::Outcome(Outcome::Excluded(_) | Outcome::Expected(Expected::ExplainedNoReward)) => {}
            Presence::Missing(kind) => {
                breaks.push(self.presence_break(kind));
                values::find(*self, breaks);
            }
            // What a third side is still waited for may already differ between the two that are there.
            Presence::Complete | Presence::Unjudged | Presence::Outcome(_) => values::find(*self, breaks),
        }
        let outcome = match presence {
            _ if breaks.len() > already => Outcome::Break,
            Presence::Outcome(outcome) => outcome,
            _ => Outcome::Matched,
        };
        (outcome, waits)
    }

    pub(super) fn side(&self, side: Side) -> Option<&KeySide> {
        self.facts.side(side)
    }

    /// Does the side state the key? A failed-transaction notice alone does not.
    fn states(&self, side: Side) -> bool {
        self.side(side).is_some_and(|stated| !stated.flags.has(Flags::FAILED))
    }

    pub(super) fn any(&self, flag: Flags) -> bool {
        self.facts.sides.iter().flatten().any(|side| side.flags.has(flag))
    }

    /// Does some side of the job not state the key?
    pub(super) fn is_incomplete(&self) -> bool {
        self.rules.sides.iter().any(|side| !self.states(*side))
    }

    fn sides_with(&self, flag: Flags) -> Vec<Side> {
        Side::ALL.into_iter().filter(|side| self.side(*side).is_some_and(|stated| stated.flags.has(flag))).collect()
    }

    fn presence(&self) -> Presence {
        let absent: Vec<Side> = self.rules.sides.iter().copied().filter(|side| !self.states(*side)).collect();
        if absent.is_empty() {
            return Presence::Complete;
        }
        if let Pairing::Ambiguous { .. } = self.facts.pairing {
            return Presence::Missing(BreakKind::AmbiguousMatch);
        }
        if self.is_balanced_by_nothing() {
            return Presence::Unjudged;
        }
        if let Some(outcome) = self.not_due(&absent) {
            return Presence::Outcome(outcome);
        }
        if self.awaits_settlement(&absent) {
            return Presence::Missing(BreakKind::AuthorizedUnsettled);
        }
        // What is clawed back, of this period or an earlier one, this period's file need not hold.
        let clawed_back = self.side(Side::Webhooks).is_some_and(|log| log.flags.has(Flags::CLAWBACK));
        if clawed_back && self.states(Side::Ledger) {
            return Presence::Unjudged;
        }
        missing_kind(self.rules, |side| self.states(side), self.reward_is_due())
            .map_or(Presence::Unjudged, Presence::Missing)
    }

    /// Of a balance, nothing on one side is what no row on the other adds up to.
    fn is_balanced_by_nothing(&self) -> bool {
        let zero = |side: &KeySide| side.facts.amount_minor == Some(0);
        self.rules.matching.splits == Splits::Balance && self.facts.sides.iter().flatten().all(zero)
    }

    /// Reasons for which an absent side is no break.
    fn not_due(&self, absent: &[Side]) -> Option<Outcome> {
        let failed = self.any(Flags::FAILED);
        let ledger = self.side(Side::Ledger);
        if failed && !self.states(Side::File) {
            let explained = ledger.is_none_or(|stated| !stated.flags.has(Flags::VOIDED));
            return Some(if explained {
                Outcome::Expected(Expected::ExplainedNoReward)
            } else {
                Outcome::Excluded(Exclusion::NoMoneyMoved)
            });
        }
        if self.any(Flags::VOIDED) && !self.any_settled() {
            return Some(Outcome::Excluded(Exclusion::NoMoneyMoved));
        }
        if self.waits_for_input(absent) {
            return Some(Outcome::Expected(Expected::FileNotThere));
        }
        let only_ledger = !self.states(Side::File) && !self.states(Side::Webhooks);
        let no_reward = ledger.is_some_and(|stated| stated.facts.user_reward_minor.unwrap_or(0) == 0);
        if only_ledger && no_reward && self.rules.ledger_states_reward {
            return Some(Outcome::Excluded(Exclusion::NothingDue));
        }
        if self.awaits_settlement(absent) {
            return (!self.is_overdue()).then_some(Outcome::Expected(Expected::NotSettledYet));
        }
        self.in_grace().then_some(Outcome::Expected(Expected::InGrace))
    }

    /// Does everything that lacks the key have no input yet? What lacks it in spite of its input is
    /// a break today; only notifications say little while the file that they announce is not there.
    fn waits_for_input(&self, absent: &[Side]) -> bool {
        let missing = &self.rules.missing;
        let lacking: Vec<Side> = absent.iter().copied().filter(|side| !missing.contains(side)).collect();
        lacking.len() < absent.len()
            && (lacking.is_empty() || (lacking == [Side::Webhooks] && missing.contains(&Side::File)))
    }

    fn any_settled(&self) -> bool {
        let settled = |side: &KeySide| {
            !matches!(side.facts.status.as_deref(), Some("APPROVED" | "VALID" | "REVERSED" | "DECLINED"))
        };
        self.facts.sides.iter().flatten().any(settled)
    }

    /// Is it only authorised, and the file holds what has settled?
    fn awaits_settlement(&self, absent: &[Side]) -> bool {
        self.rules.settled_file && absent.contains(&Side::File) && !self.any_settled()
    }

    /// Booked, and open for longer than the job allows.
    fn is_overdue(&self) -> bool {
        let end_micros = self.rules.period.end.timestamp_micros();
        let within_micros = self.rules.settles_within.map(|within| within.num_microseconds().unwrap_or(i64::MAX));
        let latest_micros = self.facts.latest().filter(|_| self.states(Side::Ledger));
        within_micros.zip(latest_micros).is_some_and(|(within, latest)| latest.saturating_add(within) < end_micros)
    }

    pub(super) fn in_grace(&self) -> bool {
        let end_micros = self.rules.period.end.timestamp_micros();
        let grace_micros = self.rules.grace.num_microseconds().unwrap_or(i64::MAX);
        self.rules.grace > TimeDelta::zero()
            && self.facts.latest().is_some_and(|latest_micros| latest_micros.saturating_add(grace_micros) > end_micros)
    }

    /// Settled, a purchase, and (where the ledger says so) with a reward.
    fn reward_is_due(&self) -> bool {
        self.side(Side::Ledger).is_some_and(|ledger| {
            let settled = ledger.facts.status.as_deref().is_none_or(|status| status == "SETTLED");
            settled && ledger.facts.amount_minor.is_none_or(|minor| minor > 0)
        })
    }

    fn presence_break(&self, kind: BreakKind) -> Break {
        let reward = self.in_its_currency().find_map(|side| side.facts.user_reward_minor);
        let (measure, at_risk_minor) = match (kind, reward) {
            (BreakKind::RewardMissing, Some(reward)) => (Measure::UserReward, reward),
            _ if self.largest_amount() == 0 => (Measure::UserReward, reward.unwrap_or(0)),
            _ => (Measure::TransactionAmount, self.largest_amount()),
        };
        let text = match &self.facts.pairing {
            Pairing::Ambiguous { candidates, rule } if kind == BreakKind::AmbiguousMatch => {
                detail::ambiguous(candidates, rule)
            }
            _ if kind == BreakKind::AuthorizedUnsettled => detail::unsettled(self.rules, self.facts),
            _ => detail::presence(self.rules, self.facts, |side| self.states(side)),
        };
        self.found(kind, measure, at_risk_minor, text)
    }

    fn duplicates(&self) -> Option<Break> {
        let named = self.sides_with(Flags::DUPLICATE);
        let copies = self.facts.sides.iter().flatten().filter(|side| side.flags.has(Flags::DUPLICATE));
        let worst = copies.max_by_key(|side| side.duplicate_amount_minor.saturating_abs())?;
        Some(self.found_in(
            worst.currency(),
            BreakKind::DuplicateRow,
            Measure::TransactionAmount,
            worst.duplicate_amount_minor,
            detail::duplicates(self.facts, &named),
        ))
    }

    /// The sides that state the key in its own currency: other amounts are no amounts of it.
    fn in_its_currency(&self) -> impl Iterator<Item = &KeySide> {
        let currency = self.facts.currency();
        self.facts.sides.iter().flatten().filter(move |side| side.currency() == currency)
    }

    /// The largest transaction amount that any side states in the key's currency.
    pub(super) fn largest_amount(&self) -> i64 {
        self.in_its_currency().filter_map(|side| side.facts.amount_minor).map(i64::saturating_abs).max().unwrap_or(0)
    }

    pub(super) fn found(&self, kind: BreakKind, measure: Measure, at_risk_minor: i64, detail: String) -> Break {
        self.found_in(self.facts.currency(), kind, measure, at_risk_minor, detail)
    }

    /// A break whose amounts are of the given currency.
    pub(super) fn found_in(
        &self,
        currency: &str,
        kind: BreakKind,
        measure: Measure,
        at_risk_minor: i64,
        detail: String,
    ) -> Break {
        let facts = self.facts;
        let occurred_at = facts.latest().and_then(chrono::DateTime::from_timestamp_micros);
        let currency = currency.to_owned();
        Break {
            id: id::break_id(&self.rules.job, kind.rule(), &facts.key, &currency),
            kind,
            key: facts.key.clone(),
            currency,
            measure,
            at_risk_minor: at_risk_minor.saturating_abs(),
            difference_minor: None,
            sides: Side::ALL.map(|side| facts.side(side).map(|stated| stated.facts.clone())),
            occurred_at,
            age_days: occurred_at.map_or(0, |at| (self.rules.period.end - at).num_days().max(0)),
            status: BreakStatus::Open,
            detail,
        }
    }
}

/// What the absence of a side means.
#[derive(Clone, Copy)]
enum Presence {
    Complete,
    Outcome(Outcome),
    Missing(BreakKind),
    /// Only a notice: nothing that could be missing.
    Unjudged,
}

/// The kind by the sides on which the key stands.
fn missing_kind(rules: &Rules, states: impl Fn(Side) -> bool, reward_is_due: bool) -> Option<BreakKind> {
    let compared = |side: Side| rules.sides.contains(&side);
    let three = Side::ALL.into_iter().all(compared);
    let kind = match (states(Side::File), states(Side::Ledger), states(Side::Webhooks)) {
        (true, true, true) | (false, false, false) => return None,
        (true, false, false) if three => BreakKind::FileOnly,
        (false, false, true) if three => BreakKind::WebhookOnly,
        (false, true, false) if reward_is_due && rules.ledger_states_reward && compared(Side::File) => {
            BreakKind::RewardMissing
        }
        // Of two sides, or two of three: named after the first one that lacks it.
        (false, ..) if compared(Side::File) => BreakKind::MissingInFile,
        (_, false, _) if compared(Side::Ledger) => BreakKind::MissingInLedger,
        _ => BreakKind::MissingWebhook,
    };
    Some(kind)
}
