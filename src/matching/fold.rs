//! Several rows of one key on one side become one statement: duplicates are told from conflicts,
//! authorisations give way to settlements, parts add up.

use std::cmp::Ordering;

use super::balance;
use super::side::{Disposition, Flags, RowView, SideView};
use crate::frames::{Measure, Side};
use crate::job::Splits;

/// What a status means for money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Money that moved (`SETTLED`, and any status that we do not know).
    Settled,
    /// Money that came back.
    Returned,
    /// Money that is reserved.
    Hold,
    /// Cancels a hold.
    Void,
    /// A notice that a transaction failed.
    Failed,
    /// A notice that a reward is taken back.
    Clawback,
}

fn role(status: Option<&str>) -> Role {
    match status {
        Some("RETURNED") => Role::Returned,
        Some("APPROVED" | "VALID") => Role::Hold,
        Some("REVERSED" | "DECLINED") => Role::Void,
        Some("FAILED") => Role::Failed,
        Some("CLAWBACK") => Role::Clawback,
        _ => Role::Settled,
    }
}

/// A key whose sums do not fit into 64 bits: no real book holds one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the amounts of one key add up to more than 64 bits of minor units hold")]
pub struct Overflow;

/// Folds the rows of one key on one side; `rows` is not empty and may be reordered.
/// Each row's disposition is set. The result does not depend on the order of the rows.
///
/// # Errors
/// [`Overflow`] when a sum leaves the range of `i64`.
pub fn fold<'a>(side: Side, splits: Splits, rows: &mut [RowView<'a>]) -> Result<SideView<'a>, Overflow> {
    if splits == Splits::Balance {
        return balance::fold(side, rows);
    }
    if let [only] = rows {
        return Ok(single(only));
    }
    let mut flags = Flags::NONE;
    // Of equal rows the first to be received comes first, wherever it stands.
    rows.sort_by(|left, right| {
        let place = |row: &RowView<'a>| (row.occurred_at, row.event_id, row.row);
        content_order(side, left, right).then_with(|| place(left).cmp(&place(right)))
    });
    for index in 1..rows.len() {
        if content_order(side, &rows[index - 1], &rows[index]) == Ordering::Equal {
            rows[index].disposition = Disposition::Duplicate;
            flags.add(Flags::DUPLICATE);
        }
    }
    if conflicting(side, splits, rows) {
        flags.add(Flags::CONFLICT);
        return Ok(conflict(rows, flags));
    }
    combine(splits, rows, flags)
}

/// Whether the only row of a side is folded into itself, and nothing else is to be said of it.
pub(super) fn says_it_all(row: &RowView<'_>) -> bool {
    matches!(role(row.status), Role::Settled | Role::Hold)
}

/// One row says it all: the way that nearly every key goes.
fn single<'a>(row: &mut RowView<'a>) -> SideView<'a> {
    let mut flags = Flags::NONE;
    match role(row.status) {
        Role::Settled | Role::Hold => {}
        Role::Returned => flags.add(Flags::HAS_RETURN),
        Role::Void => flags.add(Flags::VOIDED),
        Role::Failed => flags.add(Flags::FAILED),
        Role::Clawback => flags.add(Flags::CLAWBACK),
    }
    row.disposition = match role(row.status) {
        Role::Settled | Role::Hold | Role::Returned => Disposition::Counted,
        Role::Void => Disposition::Voided,
        Role::Failed | Role::Clawback => Disposition::Notice,
    };
    let counted = row.disposition == Disposition::Counted;
    let values = if counted { row.values } else { [None; 3] };
    SideView { values, split_gap_minor: 0, flags, row: *row, status: row.status }
}

/// A total order over what a row says, not where it stands. Notifications of the same news
/// differ in id and time of receipt.
pub(super) fn content_order(side: Side, left: &RowView, right: &RowView) -> Ordering {
    let said =
        |row: &RowView| (row.values, row.settled_at, if side == Side::Webhooks { None } else { row.occurred_at });
    left.status
        .cmp(&right.status)
        .then_with(|| said(left).cmp(&said(right)))
        .then_with(|| left.currency.cmp(right.currency))
        .then_with(|| left.user.cmp(&right.user))
        .then_with(|| left.merchant.cmp(&right.merchant))
        .then_with(|| left.card_first_six.cmp(&right.card_first_six))
        .then_with(|| left.card_last_four.cmp(&right.card_last_four))
        .then_with(|| left.payment_status.cmp(&right.payment_status))
        .then_with(|| left.reason.cmp(&right.reason))
        .then_with(|| left.account.cmp(&right.account))
        .then_with(|| (left.valid_from, left.valid_to).cmp(&(right.valid_from, right.valid_to)))
}

/// Do any two different rows contradict each other? `rows` is in content order.
fn conflicting(side: Side, splits: Splits, rows: &[RowView]) -> bool {
    let distinct = || rows.iter().filter(|row| row.disposition == Disposition::Counted);
    let Some(first) = distinct().next() else { return false };
    let user = distinct().find_map(|row| row.user);
    let card = distinct().find_map(|row| row.card_last_four);
    let account = distinct().find_map(|row| row.account);
    let other_identity = distinct().any(|row| {
        row.currency != first.currency
            || stated_differently(row.user, user)
            || stated_differently(row.card_last_four, card)
            || stated_differently(row.account, account)
    });
    let holds = distinct().filter(|row| row.status == Some("APPROVED")).count();
    let settled = distinct().filter(|row| role(row.status) == Role::Settled).count();
    if other_identity || holds > 1 || (settled > 1 && splits == Splits::Forbid) {
        return true;
    }
    let mut ids: Vec<&str> = distinct().filter_map(|row| row.event_id).collect();
    // Notifications carry the time of receipt, which tells nothing about the event.
    let mut events: Vec<_> = distinct()
        .filter(|row| side != Side::Webhooks && row.occurred_at.or(row.settled_at).is_some())
        .map(|row| (row.status, row.settled_at, row.occurred_at))
        .collect();
    repeats(&mut ids) || repeats(&mut events)
}

/// Does any value stand there twice?
fn repeats<T: Ord>(values: &mut [T]) -> bool {
    values.sort_unstable();
    values.windows(2).any(|pair| pair[0] == pair[1])
}

fn stated_differently(left: Option<&str>, right: Option<&str>) -> bool {
    matches!((left, right), (Some(left), Some(right)) if left != right)
}

/// The row with the largest amount stands for the key (so much is at risk), of several the first in
/// content order; the others are set aside, visibly.
pub(super) fn conflict<'a>(rows: &mut [RowView<'a>], flags: Flags) -> SideView<'a> {
    let size = |row: &RowView| row.values[Measure::TransactionAmount as usize].map_or(0, i64::unsigned_abs);
    let distinct = rows.iter().enumerate().filter(|(_, row)| row.disposition == Disposition::Counted);
    let chosen = distinct.rev().max_by_key(|(_, row)| size(row)).map_or(0, |(index, _)| index);
    for (index, row) in rows.iter_mut().enumerate() {
        if row.disposition == Disposition::Counted && index != chosen {
            row.disposition = Disposition::Conflicting;
        }
    }
    let row = rows[chosen];
    SideView { values: row.values, split_gap_minor: 0, flags, row, status: row.status }
}

fn combine<'a>(splits: Splits, rows: &mut [RowView<'a>], mut flags: Flags) -> Result<SideView<'a>, Overflow> {
    let has = |wanted: Role| rows.iter().any(|row| role(row.status) == wanted);
    let (settled, returned, void) = (has(Role::Settled), has(Role::Returned), has(Role::Void));
    if has(Role::Clawback) {
        flags.add(Flags::CLAWBACK);
    }
    let of = |wanted: Role| rows.iter().filter(move |row| role(row.status) == wanted).map(|row| row.occurred_at);
    // News of a failure that no later news takes back, and no settlement contradicts.
    if has(Role::Failed) && !settled && !returned && of(Role::Failed).max() >= of(Role::Hold).max() {
        flags.add(Flags::FAILED);
    }
    let first_settled = of(Role::Settled).min().flatten();
    // A reversal after settlement gives the money back; before it, there was none.
    let gives_back = |row: &RowView| {
        let before = matches!((row.occurred_at, first_settled), (Some(at), Some(settled_at)) if at < settled_at);
        settled && row.status == Some("REVERSED") && !before
    };
    for row in rows.iter_mut().filter(|row| row.disposition == Disposition::Counted) {
        row.disposition = match role(row.status) {
            Role::Hold if settled || returned => Disposition::Superseded,
            Role::Hold if void => Disposition::Voided,
            Role::Void if !gives_back(row) => Disposition::Voided,
            Role::Failed | Role::Clawback => Disposition::Notice,
            Role::Settled | Role::Returned | Role::Hold | Role::Void => Disposition::Counted,
        };
    }
    let values = sum(rows.iter().filter(|row| row.disposition == Disposition::Counted))?;
    let is_return = |row: &&RowView| matches!(role(row.status), Role::Returned | Role::Void);
    let back = sum(rows.iter().filter(|row| row.disposition == Disposition::Counted).filter(is_return))?;
    let amount = Measure::TransactionAmount as usize;
    if let Some(back_minor) = back[amount] {
        flags.add(Flags::HAS_RETURN);
        match values[amount].unwrap_or_default().cmp(&0) {
            Ordering::Less if settled && back_minor < 0 => flags.add(Flags::RETURNS_EXCEED),
            Ordering::Equal if settled => flags.add(Flags::FULLY_RETURNED),
            _ => {}
        }
    }
    let split_gap_minor = if splits == Splits::Sum && settled { split_gap(rows)? } else { 0 };
    match split_gap_minor.cmp(&0) {
        Ordering::Less => flags.add(Flags::SPLIT_INCOMPLETE),
        Ordering::Greater => flags.add(Flags::SPLIT_EXCESS),
        Ordering::Equal => {}
    }
    Ok(stand_for(rows, values, split_gap_minor, flags))
}

/// Settled parts minus the one authorisation, less what of it was reversed before; zero when there is none.
fn split_gap(rows: &[RowView]) -> Result<i64, Overflow> {
    let amount = Measure::TransactionAmount as usize;
    let hold = rows.iter().find(|row| row.disposition == Disposition::Superseded && row.status == Some("APPROVED"));
    let parts = rows.iter().filter(|row| row.disposition == Disposition::Counted && role(row.status) == Role::Settled);
    let reversed = rows.iter().filter(|row| row.disposition == Disposition::Voided && row.status == Some("REVERSED"));
    let reversed_minor = sum(reversed)?[amount].unwrap_or(0).min(0);
    match (hold.and_then(|hold| hold.values[amount]), sum(parts)?[amount]) {
        (Some(authorised_minor), Some(settled_minor)) => {
            let open_minor = authorised_minor.checked_add(reversed_minor).filter(|open_minor| *open_minor > 0);
            settled_minor.checked_sub(open_minor.unwrap_or(authorised_minor)).ok_or(Overflow)
        }
        _ => Ok(0),
    }
}

fn stand_for<'a>(
    rows: &[RowView<'a>],
    values: [Option<i64>; 3],
    split_gap_minor: i64,
    mut flags: Flags,
) -> SideView<'a> {
    // The latest counted purchase (or, failing that, the latest row) stands for the key.
    let rank = |row: &RowView| {
        let counted = row.disposition == Disposition::Counted;
        (
            counted && role(row.status) == Role::Settled,
            counted,
            row.disposition != Disposition::Duplicate,
            row.occurred_at,
        )
    };
    let mut best = rows[0];
    for row in rows {
        if rank(row) > rank(&best) {
            best = *row;
        }
    }
    if best.disposition == Disposition::Voided {
        flags.add(Flags::VOIDED);
    }
    let bare_clawback = best.disposition == Disposition::Notice && flags.has(Flags::CLAWBACK);
    let status_of =
        |wanted: Role| rows.iter().find(|row| role(row.status) == wanted).map_or(best.status, |row| row.status);
    let status = if flags.has(Flags::VOIDED) {
        status_of(Role::Void)
    } else if bare_clawback {
        status_of(Role::Clawback)
    } else if flags.has(Flags::FAILED) {
        status_of(Role::Failed)
    } else {
        best.status
    };
    if bare_clawback {
        flags.remove(Flags::FAILED);
    }
    SideView { values, split_gap_minor, flags, row: best, status }
}

pub(super) fn sum<'r, 'a: 'r>(rows: impl Iterator<Item = &'r RowView<'a>>) -> Result<[Option<i64>; 3], Overflow> {
    let mut sums: [Option<i64>; 3] = [None; 3];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row.values) {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0).checked_add(value).ok_or(Overflow)?);
            }
        }
    }
    Ok(sums)
}
