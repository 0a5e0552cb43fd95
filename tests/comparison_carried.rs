//! A monthly file carries items of earlier months along: which keys are of another period, and which are not.

use tieout::frames::{Field, Frame, Side};
use tieout::matching::{Carried, Rules};

use crate::support::engine::compare;
use crate::support::frames::{Row, frame, hour, notice, row, rules};

/// A day stands for the month here: what lies before it is of an earlier period.
fn earlier(id: &str) -> Row {
    row(id).at(hour(-48))
}

/// Key and kind of the breaks, then how many rows of each side are left out.
fn told(file: &[Row], ledger: &[Row], webhooks: &[Row], before: &[Row]) -> (Vec<(String, String)>, [u64; 3]) {
    let frames = [frame(Side::File, file), frame(Side::Ledger, ledger), frame(Side::Webhooks, webhooks)];
    let before: Vec<Frame> = vec![frame(Side::File, before)];
    let carried = Some(Carried::of(Field::TransactionId, &frames, &before));
    let comparison = compare(&Rules { carried, ..rules() }, &frames).unwrap();
    let breaks = comparison.breaks();
    let breaks = breaks.iter().map(|found| (found.key.clone(), found.kind.name().to_owned())).collect();
    let left_out =
        Side::ALL.map(|side| comparison.statement.rows.iter().find(|rows| rows.side == side).unwrap().excluded);
    (breaks, left_out)
}

#[test]
fn what_settled_before_the_period_and_is_not_booked_in_it_is_of_another_period() {
    assert_eq!(told(&[earlier("a")], &[], &[], &[]), (vec![], [1, 0, 0]));
    // Also where a notice of this period names it.
    assert_eq!(told(&[earlier("a")], &[], &[notice("a", "SETTLED")], &[]), (vec![], [1, 0, 1]));
}

#[test]
fn what_the_ledger_books_in_the_period_is_compared_whenever_it_settled() {
    let (breaks, left_out) = told(&[earlier("a")], &[row("a")], &[notice("a", "SETTLED")], &[]);
    assert_eq!(breaks, [("a".to_owned(), "period_mismatch".to_owned())]);
    assert_eq!(left_out, [0, 0, 0]);
}

#[test]
fn what_is_of_the_period_is_a_break_where_it_is_missing() {
    let (breaks, left_out) = told(&[row("a")], &[], &[notice("a", "SETTLED")], &[]);
    assert_eq!(breaks, [("a".to_owned(), "missing_in_ledger".to_owned())]);
    assert_eq!(left_out, [0, 0, 0]);
    // One of its rows is enough.
    let (breaks, _) = told(&[earlier("a").amount(900), row("a")], &[], &[], &[]);
    assert_eq!(breaks.len(), 1, "{breaks:?}");
}

#[test]
fn a_notice_alone_is_of_another_period_only_if_an_earlier_file_knows_the_item() {
    let log = [notice("known", "SETTLED"), notice("stranger", "SETTLED"), notice("taken back", "CLAWBACK")];
    let (breaks, left_out) = told(&[], &[], &log, &[earlier("known"), earlier("taken back").paid()]);
    assert_eq!(breaks, [("stranger".to_owned(), "webhook_only".to_owned())]);
    assert_eq!(left_out, [0, 0, 2]);
    // What the ledger books is not explained by an earlier file.
    let (breaks, _) = told(&[], &[row("known")], &[notice("known", "SETTLED")], &[earlier("known")]);
    assert_eq!(breaks, [("known".to_owned(), "missing_in_file".to_owned())]);
}

#[test]
fn a_job_that_closes_no_months_takes_nothing_over() {
    let frames = [
        frame(Side::File, &[earlier("a")]),
        frame(Side::Ledger, &[]),
        frame(Side::Webhooks, &[notice("a", "SETTLED")]),
    ];
    let comparison = compare(&rules(), &frames).unwrap();
    assert_eq!(comparison.breaks().len(), 1);
}
