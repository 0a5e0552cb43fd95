//! Breaks between sides that both state a key: what differs, and what another break of the key
//! already says with its cause.

use super::classify::Judge;
use super::{Break, BreakKind, detail};
use crate::frames::{Measure, Side};
use crate::job::Splits;
use crate::matching::agree::{Differences, PAIRS, Stated, differences, has_failed, open_after_end, pair_differences};
use crate::matching::{Flags, KeySide};

/// Differences that a reversal explains.
#[derive(Clone, Copy, Default)]
struct Explained {
    /// Everything but currency and identity: the money came back.
    money: bool,
    /// Rewards and commissions only: they are taken back.
    rewards: bool,
}

/// Adds a break for everything that differs.
pub(super) fn find(judge: Judge<'_>, breaks: &mut Vec<Break>) {
    let explained = reversals(judge, breaks);
    let split = split(judge, breaks);
    let found = differences(judge.rules, &compared(judge));
    if found.has(Differences::CURRENCY) {
        let text = detail::texts(judge.facts, "currency", |side| side.facts.currency.clone());
        breaks.push(whole(judge, BreakKind::CurrencyMismatch, text));
    }
    if found.has(Differences::IDENTITY) {
        breaks.push(whole(judge, BreakKind::IdentityMismatch, detail::identity(judge.rules, judge.facts)));
    }
    states(judge, found, breaks);
    if !explained.money && !explained.rewards {
        let reward = found.has(Differences::REWARD);
        let measure = if reward { Measure::UserReward } else { Measure::IssuerCommission };
        breaks.extend(difference(judge, BreakKind::RewardMismatch, measure));
    }
    if explained.money {
        return;
    }
    // An incomplete or excessive split says the same with its cause.
    if !(split && split_explains(judge)) {
        let balance = judge.rules.matching.splits == Splits::Balance;
        let kind = if balance { BreakKind::BalanceMismatch } else { BreakKind::AmountMismatch };
        breaks.extend(difference(judge, kind, Measure::TransactionAmount));
    }
    // Within the grace a side may not know yet how far the key got.
    let status = found.has(Differences::STATUS) && !(judge.is_incomplete() && judge.in_grace());
    // That it has failed says more than that the statuses differ.
    let failed = breaks.iter().any(|found| found.kind == BreakKind::ProviderFailed);
    if !failed && (status || voided_elsewhere_settled(judge)) {
        let text = detail::texts(judge.facts, "status", |side| side.facts.status.clone());
        breaks.push(whole(judge, BreakKind::StatusMismatch, text));
    }
    if found.has(Differences::PERIOD) {
        breaks.push(whole(judge, BreakKind::PeriodMismatch, detail::times(judge.facts)));
    }
}

/// What the sides, or the file alone, say of how things stand.
fn states(judge: Judge<'_>, differs: Differences, breaks: &mut Vec<Break>) {
    if differs.has(Differences::VALIDITY) {
        breaks.push(whole(judge, BreakKind::ValidityMismatch, detail::validity(judge.facts)));
    }
    let sides = compared(judge);
    let Some(file) = sides[Side::File as usize] else { return };
    if has_failed(judge.rules, &file) {
        breaks.push(whole(judge, BreakKind::ProviderFailed, detail::failed(file)));
    }
    if let Some(side) = open_after_end(judge.rules, &sides) {
        let text = detail::open_after_end(judge.rules, judge.facts, side);
        let at_risk_minor = file.facts.amount_minor.unwrap_or(0);
        breaks.push(judge.found(BreakKind::OpenAfterEnd, Measure::TransactionAmount, at_risk_minor, text));
    }
}

/// A break that puts the whole transaction in question.
fn whole(judge: Judge<'_>, kind: BreakKind, text: String) -> Break {
    judge.found(kind, Measure::TransactionAmount, judge.largest_amount(), text)
}

/// The sides whose rows do not contradict each other.
fn compared(judge: Judge<'_>) -> [Option<&KeySide>; 3] {
    Side::ALL.map(|side| judge.facts.side(side).filter(|stated| !stated.flags.has(Flags::CONFLICT)))
}

/// One side has it declined or reversed, another one settled: a contradiction, whether or not the
/// job compares statuses, since the first one has no amount left that could be compared.
fn voided_elsewhere_settled(judge: Judge<'_>) -> bool {
    let sides = compared(judge);
    let status = |side: &KeySide| side.facts.status.clone().unwrap_or_default();
    let moved = |side: &KeySide| {
        let silent = ["APPROVED", "VALID", "FAILED", "CLAWBACK", "RETURNED"];
        !side.flags.has(Flags::VOIDED) && !silent.contains(&status(side).as_str())
    };
    let same = judge.rules.matching.status.as_deref().unwrap_or_default();
    let is_same = |one: &KeySide, other: &KeySide| {
        let pair = (status(one), status(other));
        same.iter().any(|(left, right)| pair == (left.clone(), right.clone()) || pair == (right.clone(), left.clone()))
    };
    let voided = sides.iter().flatten().filter(|side| side.flags.has(Flags::VOIDED));
    voided.into_iter().any(|one| sides.iter().flatten().any(|other| moved(other) && !is_same(one, other)))
}

/// Money or a reward that is taken back.
fn reversals(judge: Judge<'_>, breaks: &mut Vec<Break>) -> Explained {
    let mut explained = Explained::default();
    let facts = judge.facts;
    let (file, ledger) = (judge.side(Side::File), judge.side(Side::Ledger));
    let came_back = |side: &KeySide| {
        side.flags.has(Flags::VOIDED) || side.flags.has(Flags::FULLY_RETURNED) || side.flags.has(Flags::RETURNS_EXCEED)
    };
    let excess = facts.sides.iter().flatten().filter(|side| side.flags.has(Flags::RETURNS_EXCEED));
    if let Some(worst) = excess.min_by_key(|side| side.facts.amount_minor) {
        explained.money = true;
        breaks.push(judge.found_in(
            worst.currency(),
            BreakKind::ReturnsExceedPurchase,
            Measure::TransactionAmount,
            worst.facts.amount_minor.unwrap_or(0),
            detail::returns(facts),
        ));
    }
    let paid = file.filter(|file| file.facts.payment_status.as_deref() == Some("PAID_IN_FULL") && !came_back(file));
    if let Some(file) = paid
        && ledger.is_some_and(came_back)
        && !explained.money
    {
        explained.money = true;
        breaks.push(judge.found_in(
            file.currency(),
            BreakKind::ReversedAfterPayout,
            Measure::IssuerCommission,
            file.facts.issuer_commission_minor.unwrap_or(0),
            detail::paid_out(facts),
        ));
    }
    let log = judge.side(Side::Webhooks).filter(|log| log.flags.has(Flags::CLAWBACK));
    let gave_back = |side: &KeySide| side.flags.has(Flags::HAS_RETURN) || side.flags.has(Flags::VOIDED);
    if log.is_some() && file.is_none() && ledger.is_some_and(gave_back) {
        // Both have taken the reward back; the log's own sum is that of before.
        explained.rewards = true;
    }
    let held = ledger.filter(|side| !gave_back(side));
    if let (Some(log), Some(held)) = (log, held)
        && let Some(reward) = held.facts.user_reward_minor.filter(|reward| *reward > 0)
    {
        explained.rewards = true;
        breaks.push(judge.found_in(
            held.currency(),
            BreakKind::ClawbackUnbooked,
            Measure::UserReward,
            reward,
            detail::clawback(facts, log.facts.reason.as_deref()),
        ));
    }
    explained
}

/// Whether some side's settled parts miss what was authorised.
fn split(judge: Judge<'_>, breaks: &mut Vec<Break>) -> bool {
    let gaps = Side::ALL.into_iter().filter_map(|side| Some((side, judge.side(side)?)));
    let gaps = gaps.filter(|(_, stated)| stated.split_gap_minor != 0);
    let Some((side, stated)) = gaps.max_by_key(|(_, stated)| stated.split_gap_minor.unsigned_abs()) else {
        return false;
    };
    let gap_minor = stated.split_gap_minor;
    let kind = if gap_minor < 0 { BreakKind::SplitIncomplete } else { BreakKind::SplitExcess };
    let text = detail::split(side, stated.currency(), gap_minor);
    breaks.push(judge.found_in(stated.currency(), kind, Measure::TransactionAmount, gap_minor, text));
    true
}

/// With what is missing of the parts made good, do the sides agree?
fn split_explains(judge: Judge<'_>) -> bool {
    let whole = |side: &KeySide| Some(i128::from(side.facts.amount_minor?) - i128::from(side.split_gap_minor));
    let authorised: Vec<i128> = compared(judge).into_iter().flatten().filter_map(whole).collect();
    let tolerance_minor = judge.rules.matching.tolerance_minor(Measure::TransactionAmount).unwrap_or(0).unsigned_abs();
    match (authorised.iter().max(), authorised.iter().min()) {
        (Some(most), Some(least)) => (most - least).unsigned_abs() <= u128::from(tolerance_minor),
        _ => true,
    }
}

/// The break for a measure on which two sides differ, in the currency of these two.
fn difference(judge: Judge<'_>, kind: BreakKind, measure: Measure) -> Option<Break> {
    let sides = compared(judge);
    let wanted = Differences::of(measure);
    let stated = |side: Side| Some((side, sides[side as usize]?));
    let mut both = PAIRS.into_iter().filter_map(|(left, right)| Some((stated(left)?, stated(right)?)));
    let (left, right) = both.find(|(left, right)| pair_differences(judge.rules, *left, *right).has(wanted))?;
    let value = |side: &KeySide| side.values()[measure as usize];
    let of_currency = sides.iter().flatten().filter(|side| Stated::currency(*side) == left.1.currency());
    let values: Vec<i128> = of_currency.filter_map(|side| value(side)).map(i128::from).collect();
    let spread = values.iter().max()? - values.iter().min()?;
    let text = match kind {
        BreakKind::BalanceMismatch => detail::balance(judge.facts),
        _ => detail::amounts(judge.facts, measure),
    };
    let at_risk_minor = i64::try_from(spread).unwrap_or(i64::MAX);
    let mut found = judge.found_in(left.1.currency(), kind, measure, at_risk_minor, text);
    found.difference_minor = value(left.1)?.checked_sub(value(right.1)?);
    Some(found)
}
