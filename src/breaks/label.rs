//! What a line of the bridge is called: the reason for which one key differs between two sides in
//! one measure, and never a reason that is another difference's.

use super::classify::Outcome;
use super::statement::Judged;
use super::{BreakKind, BridgeLine, Rule};
use crate::frames::{Measure, Side};
use crate::matching::agree::{Differences, pair_differences};
use crate::matching::{Flags, KeySide, Pairing, Rules};

/// One key's difference between two sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'a> {
    pub(super) rules: &'a Rules,
    pub(super) one: &'a Judged,
    pub(super) left: Side,
    pub(super) right: Side,
    pub(super) measure: Measure,
}

impl Telling<'_> {
    /// The line's name.
    pub(super) fn label(&self) -> String {
        match (self.one.facts.side(self.left), self.one.facts.side(self.right)) {
            (Some(left), Some(right)) => self.two_sided(left, right),
            (None, _) => self.one_sided(self.left),
            (_, None) => self.one_sided(self.right),
        }
    }

    /// The first break of the key that one of the rules found, in the order of the rules.
    fn found(&self, rules: &[Rule]) -> Option<String> {
        let kinds = || self.one.verdict.breaks.iter().map(|found| found.kind);
        rules.iter().find_map(|rule| kinds().find(|kind| kind.rule() == *rule)).map(words)
    }

    fn one_sided(&self, absent: Side) -> String {
        if let Outcome::Excluded(reason) = self.one.verdict.outcome {
            return format!("excluded: {}", reason.words());
        }
        if let Some(reason) = self.one.verdict.waits {
            return format!("expected: {}", reason.words());
        }
        self.found(&[Rule::Presence, Rule::Clawback, Rule::Returns, Rule::Multiplicity])
            .unwrap_or_else(|| format!("only on one side: not in {absent}"))
    }

    fn two_sided(&self, left: &KeySide, right: &KeySide) -> String {
        let either = |flag: Flags| left.flags.has(flag) || right.flags.has(flag);
        if left.currency() != right.currency() {
            return self.found(&[Rule::Currency]).unwrap_or_else(|| "in another currency on the other side".to_owned());
        }
        if either(Flags::CONFLICT) {
            return words(BreakKind::ConflictingRows);
        }
        if pair_differences(self.rules, (self.left, left), (self.right, right)).has(Differences::of(self.measure)) {
            let rules: &[Rule] = match self.measure {
                Measure::TransactionAmount => &[Rule::Amount, Rule::Split, Rule::Returns, Rule::Payout],
                _ => &[Rule::Reward, Rule::Returns, Rule::Payout, Rule::Clawback],
            };
            if let Some(found) = self.found(rules) {
                return found;
            }
        }
        self.not_apart(left, right)
    }

    /// Both state the key, and the difference is none that the job minds.
    fn not_apart(&self, left: &KeySide, right: &KeySide) -> String {
        for (side, stated) in [(self.left, left), (self.right, right)] {
            if stated.values()[self.measure as usize].is_some() {
                continue;
            }
            if stated.flags.has(Flags::VOIDED) {
                let found = self.found(&[Rule::Payout, Rule::Status]);
                return found.unwrap_or_else(|| format!("declined or reversed in {side}"));
            }
            if let Outcome::Expected(reason) = self.one.verdict.outcome
                && stated.flags.has(Flags::FAILED)
            {
                return format!("expected: {}", reason.words());
            }
            return format!("not stated by {side}");
        }
        match self.one.facts.pairing {
            Pairing::Suggested { .. } => "suggested matches".to_owned(),
            _ if self.rules.matching.tolerance_minor(self.measure).is_some() => "within tolerance".to_owned(),
            _ => "not compared by this job".to_owned(),
        }
    }
}

fn words(kind: BreakKind) -> String {
    format!("{}{}", BridgeLine::BREAK, kind.name().replace('_', " "))
}
