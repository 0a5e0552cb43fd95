//! One key that has to be looked at becomes one verdict: matched, expected, excluded, or breaks.
//! Pure: the same facts give the same verdict.

use chrono::TimeDelta;

use super::{Break, BreakKind, BreakStatus, detail, id};
use crate::frames::{Exclusion, Measure, Side};
use crate::matching::agree::{Differences, differences};
use crate::matching::{Flags, KeyFacts, KeySide, Pairing, Rules};

/// What becomes of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expected {
    InGrace,
    NotSettledYet,
    FileNotThere,
    ExplainedNoReward,
}

impl Expected {
    /// In words, for reports.
    pub const fn words(self) -> &'static str {
        match self {
            Self::InGrace => "in grace: the counterpart is not due yet",
            Self::NotSettledYet => "authorised, not settled yet",
            Self::FileNotThere => "waits for a file that is not there",
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
    let outcome = judge.outcome(&mut breaks);
    breaks.sort_by_key(|found| found.kind);
    Verdict { outcome, breaks }
}

struct Judge<'a> {
    rules: &'a Rules,
    facts: &'a KeyFacts,
}

impl Judge<'_> {
    fn outcome(&self, breaks: &mut Vec<Break>) -> Outcome {
        let already = breaks.len();
        if self.any(Flags::CONFLICT) {
            let named = self.sides_with(Flags::CONFLICT);
            breaks.push(self.found(
                BreakKind::ConflictingRows,
                Measure::TransactionAmount,
                self.largest_amount(),
                detail::conflict(&named),
            ));
        }
        match self.presence() {
            Presence::Outcome(outcome) if breaks.len() == already => return outcome,
            Presence::Missing(kind) => breaks.push(self.presence_break(kind)),
            Presence::Complete | Presence::Unjudged | Presence::Outcome(_) => {}
        }
        if !self.any(Flags::CONFLICT) {
            self.values(breaks);
        }
        if breaks.len() > already { Outcome::Break } else { Outcome::Matched }
    }

    fn side(&self, side: Side) -> Option<&KeySide> {
        self.facts.side(side)
    }

    /// Does the side state the key? A failed-transaction notice alone does not.
    fn states(&self, side: Side) -> bool {
        self.side(side).is_some_and(|stated| !stated.flags.has(Flags::FAILED))
    }

    fn any(&self, flag: Flags) -> bool {
        self.facts.sides.iter().flatten().any(|side| side.flags.has(flag))
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
        if let Some(outcome) = self.not_due(&absent) {
            return Presence::Outcome(outcome);
        }
        // A clawback notice is about an earlier purchase: this period's file need not hold it.
        let bare_clawback =
            self.side(Side::Webhooks).is_some_and(|log| log.facts.status.as_deref() == Some("CLAWBACK"));
        if bare_clawback && self.states(Side::Ledger) {
            return Presence::Unjudged;
        }
        missing_kind(self.rules, |side| self.states(side), self.reward_is_due())
            .map_or(Presence::Unjudged, Presence::Missing)
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
        let settled = |side: &KeySide| {
            !matches!(side.facts.status.as_deref(), Some("APPROVED" | "VALID" | "REVERSED" | "DECLINED"))
        };
        let any_settled = self.facts.sides.iter().flatten().any(settled);
        if self.any(Flags::VOIDED) && !any_settled {
            return Some(Outcome::Excluded(Exclusion::NoMoneyMoved));
        }
        if absent.iter().any(|side| self.rules.missing.contains(side)) {
            return Some(Outcome::Expected(Expected::FileNotThere));
        }
        let only_ledger = !self.states(Side::File) && !self.states(Side::Webhooks);
        let no_reward = ledger.is_some_and(|stated| stated.facts.user_reward_minor.unwrap_or(0) == 0);
        if only_ledger && no_reward && self.rules.ledger_states_reward {
            return Some(Outcome::Excluded(Exclusion::NothingDue));
        }
        if self.rules.settled_file && absent.contains(&Side::File) && !any_settled {
            return Some(Outcome::Expected(Expected::NotSettledYet));
        }
        self.in_grace().then_some(Outcome::Expected(Expected::InGrace))
    }

    fn in_grace(&self) -> bool {
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
        let reward = self.facts.sides.iter().flatten().find_map(|side| side.facts.user_reward_minor);
        let (measure, at_risk_minor) = match (kind, reward) {
            (BreakKind::RewardMissing, Some(reward)) => (Measure::UserReward, reward),
            _ if self.largest_amount() == 0 => (Measure::UserReward, reward.unwrap_or(0)),
            _ => (Measure::TransactionAmount, self.largest_amount()),
        };
        let text = match &self.facts.pairing {
            Pairing::Ambiguous { candidates, rule } if kind == BreakKind::AmbiguousMatch => {
                detail::ambiguous(candidates, rule)
            }
            _ => detail::presence(self.rules, self.facts, |side| self.states(side)),
        };
        self.found(kind, measure, at_risk_minor, text)
    }

    /// Breaks between sides that both state the key.
    fn values(&self, breaks: &mut Vec<Break>) {
        let reversal = self.reversals(breaks);
        if reversal {
            return;
        }
        let split = self.split(breaks);
        let found = differences(self.rules, &self.facts.sides);
        if found.has(Differences::CURRENCY) {
            breaks.push(self.found(
                BreakKind::CurrencyMismatch,
                Measure::TransactionAmount,
                self.largest_amount(),
                detail::texts(self.facts, "currency", |side| side.facts.currency.clone()),
            ));
        }
        // An incomplete or excessive split says the same with its cause.
        if found.has(Differences::AMOUNT) && !split {
            breaks.push(self.difference(BreakKind::AmountMismatch, Measure::TransactionAmount));
        }
        if found.has(Differences::REWARD) {
            breaks.push(self.difference(BreakKind::RewardMismatch, Measure::UserReward));
        } else if found.has(Differences::COMMISSION) {
            breaks.push(self.difference(BreakKind::RewardMismatch, Measure::IssuerCommission));
        }
        if found.has(Differences::STATUS) {
            breaks.push(self.found(
                BreakKind::StatusMismatch,
                Measure::TransactionAmount,
                self.largest_amount(),
                detail::texts(self.facts, "status", |side| side.facts.status.clone()),
            ));
        }
        if found.has(Differences::IDENTITY) {
            breaks.push(self.found(
                BreakKind::IdentityMismatch,
                Measure::TransactionAmount,
                self.largest_amount(),
                detail::identity(self.rules, self.facts),
            ));
        }
        if found.has(Differences::PERIOD) {
            breaks.push(self.found(
                BreakKind::PeriodMismatch,
                Measure::TransactionAmount,
                self.largest_amount(),
                detail::times(self.facts),
            ));
        }
    }

    /// Money that came back explains every other difference of its key.
    fn reversals(&self, breaks: &mut Vec<Break>) -> bool {
        let before = breaks.len();
        let ledger = self.side(Side::Ledger);
        let came_back = |side: &KeySide| {
            side.flags.has(Flags::VOIDED)
                || side.flags.has(Flags::FULLY_RETURNED)
                || side.flags.has(Flags::RETURNS_EXCEED)
        };
        if self.any(Flags::RETURNS_EXCEED) {
            let excess = self.facts.sides.iter().flatten().filter(|side| side.flags.has(Flags::RETURNS_EXCEED));
            let at_risk_minor =
                excess.filter_map(|side| side.facts.amount_minor).map(|minor| -minor).max().unwrap_or(0);
            breaks.push(self.found(
                BreakKind::ReturnsExceedPurchase,
                Measure::TransactionAmount,
                at_risk_minor,
                detail::returns(self.facts),
            ));
        }
        let paid = self.side(Side::File).and_then(|file| file.facts.payment_status.as_deref()) == Some("PAID_IN_FULL");
        if paid && ledger.is_some_and(came_back) && !self.any(Flags::RETURNS_EXCEED) {
            let commission = self.side(Side::File).and_then(|file| file.facts.issuer_commission_minor).unwrap_or(0);
            breaks.push(self.found(
                BreakKind::ReversedAfterPayout,
                Measure::IssuerCommission,
                commission,
                detail::paid_out(self.facts),
            ));
        }
        let holds_reward = |side: &KeySide| {
            !side.flags.has(Flags::HAS_RETURN)
                && !side.flags.has(Flags::VOIDED)
                && side.facts.user_reward_minor.unwrap_or(0) > 0
        };
        if self.side(Side::Webhooks).is_some_and(|log| log.flags.has(Flags::CLAWBACK))
            && ledger.is_some_and(holds_reward)
        {
            let reward = ledger.and_then(|side| side.facts.user_reward_minor).unwrap_or(0);
            let reason = self.side(Side::Webhooks).and_then(|log| log.facts.reason.as_deref());
            breaks.push(self.found(
                BreakKind::ClawbackUnbooked,
                Measure::UserReward,
                reward,
                detail::clawback(self.facts, reason),
            ));
        }
        breaks.len() > before
    }

    fn split(&self, breaks: &mut Vec<Break>) -> bool {
        let gap = self.facts.sides.iter().flatten().find(|side| side.split_gap_minor != 0);
        let Some(side) = gap else { return false };
        let kind = if side.split_gap_minor < 0 { BreakKind::SplitIncomplete } else { BreakKind::SplitExcess };
        breaks.push(self.found(
            kind,
            Measure::TransactionAmount,
            side.split_gap_minor,
            detail::split(self.facts, side.split_gap_minor),
        ));
        true
    }

    fn duplicates(&self) -> Option<Break> {
        let named = self.sides_with(Flags::DUPLICATE);
        let copies = self.facts.sides.iter().flatten().filter(|side| side.flags.has(Flags::DUPLICATE));
        let at_risk_minor = copies.map(|side| side.duplicate_amount_minor.saturating_abs()).max()?;
        Some(self.found(
            BreakKind::DuplicateRow,
            Measure::TransactionAmount,
            at_risk_minor,
            detail::duplicates(self.facts, &named),
        ))
    }

    fn difference(&self, kind: BreakKind, measure: Measure) -> Break {
        let mut stated = self.facts.sides.iter().flatten().filter_map(|side| side.values()[measure as usize]);
        let values: Vec<i64> = stated.by_ref().collect();
        let spread = i128::from(values.iter().copied().max().unwrap_or(0))
            - i128::from(values.iter().copied().min().unwrap_or(0));
        let text = detail::amounts(self.facts, measure);
        let mut found = self.found(kind, measure, i64::try_from(spread).unwrap_or(i64::MAX), text);
        found.difference_minor = match values.as_slice() {
            // The two that differ: where file and ledger agree, the notification is the odd one out.
            [first, second, ..] if first != second => first.checked_sub(*second),
            [first, _, third] => first.checked_sub(*third),
            _ => None,
        };
        found
    }

    /// The largest transaction amount that any side states.
    fn largest_amount(&self) -> i64 {
        self.facts
            .sides
            .iter()
            .flatten()
            .filter_map(|side| side.facts.amount_minor)
            .map(i64::saturating_abs)
            .max()
            .unwrap_or(0)
    }

    fn found(&self, kind: BreakKind, measure: Measure, at_risk_minor: i64, detail: String) -> Break {
        let facts = self.facts;
        let occurred_at = facts.latest().and_then(chrono::DateTime::from_timestamp_micros);
        let currency = facts.currency().to_owned();
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
