//! A balance: all rows of a key are one sum, whatever their status, sign and time.

use std::cmp::Ordering;

use super::fold::{Overflow, conflict, content_order, sum};
use super::side::{Disposition, Flags, RowView, SideView};
use crate::frames::Side;

/// Sums the rows of one key on one side; `rows` is not empty and may be reordered. Copies are told from rows that only
/// look alike by the ids of transaction and event. Rows of several currencies make no sum: they contradict each other.
///
/// # Errors
/// [`Overflow`] when a sum leaves the range of `i64`.
pub(super) fn fold<'a>(side: Side, rows: &mut [RowView<'a>]) -> Result<SideView<'a>, Overflow> {
    let mut flags = Flags::NONE;
    rows.sort_by(|left, right| {
        order(side, left, right).then_with(|| (left.occurred_at, left.row).cmp(&(right.occurred_at, right.row)))
    });
    for index in 1..rows.len() {
        if order(side, &rows[index - 1], &rows[index]) == Ordering::Equal {
            rows[index].disposition = Disposition::Duplicate;
            flags.add(Flags::DUPLICATE);
        }
    }
    if rows.iter().any(|row| row.currency != rows[0].currency) {
        flags.add(Flags::CONFLICT);
        return Ok(conflict(rows, flags));
    }
    let values = sum(rows.iter().filter(|row| row.disposition == Disposition::Counted))?;
    let row = of_all(rows);
    Ok(SideView { values, split_gap_minor: 0, flags, row, status: row.status })
}

fn order(side: Side, left: &RowView, right: &RowView) -> Ordering {
    content_order(side, left, right)
        .then_with(|| (left.transaction_id, left.event_id).cmp(&(right.transaction_id, right.event_id)))
}

/// What stands for all rows: their latest time, and the texts that all of them state.
fn of_all<'a>(rows: &[RowView<'a>]) -> RowView<'a> {
    let shared = |text: fn(&RowView<'a>) -> Option<&'a str>| {
        let first = text(&rows[0]);
        first.filter(|_| rows.iter().all(|row| text(row) == first))
    };
    RowView {
        status: shared(|row| row.status),
        user: shared(|row| row.user),
        merchant: shared(|row| row.merchant),
        card_first_six: shared(|row| row.card_first_six),
        card_last_four: shared(|row| row.card_last_four),
        payment_status: shared(|row| row.payment_status),
        reason: shared(|row| row.reason),
        account: shared(|row| row.account),
        valid_from: shared(|row| row.valid_from),
        valid_to: shared(|row| row.valid_to),
        transaction_id: shared(|row| row.transaction_id),
        event_id: shared(|row| row.event_id),
        settled_at: rows.iter().filter_map(|row| row.settled_at).max(),
        occurred_at: rows.iter().filter_map(|row| row.occurred_at).max(),
        ..rows[0]
    }
}
