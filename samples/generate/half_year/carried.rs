//! Purchases that one day leaves open and another clears, or does not.

use super::super::rows::{LedgerRow, NoticeKind};
use super::super::world::{DAY, HOUR, MINUTE, Moment};
use super::cast::Scene;
use super::tale::Tale;

/// Half past midnight of a day, UTC.
fn past_midnight(scene: &Scene, later: u64) -> Moment {
    Moment::start_of(scene.later(later)).plus(30 * MINUTE)
}

/// Late at night; the file of the next day has it.
pub(super) fn night_file(scene: &Scene) -> Tale {
    let next = scene.later(1);
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date).in_file(next);
    tale.expected(scene.date, "Booked and announced late at night; the next day's file has it.")
        .cleared_by(next)
        .by_terms(scene.date)
}

/// Late at night; no file ever has it.
pub(super) fn night_never_in_file(scene: &Scene) -> Tale {
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date);
    let (month, found) = (tale.month(), tale.amount("missing_in_file"));
    tale.daily(scene.later(1), found, "Booked late the night before, and not in this day's file either.").monthly(
        month,
        found,
        "Booked and announced, and in no file.",
    )
}

/// Late at night; the ledger books it after midnight.
pub(super) fn night_booking(scene: &Scene) -> Tale {
    let next = scene.later(1);
    let tale = Tale::new(scene.purchase.clone(), scene.date).in_file(scene.date).noticed(scene.date);
    let row = LedgerRow { booked_at: past_midnight(scene, 1), ..tale.purchase.ledger_row() };
    tale.booked_as(next, row)
        .expected(scene.date, "In the file late at night; booked after midnight.")
        .cleared_by(next)
        .by_terms(scene.date)
}

/// Late at night; the ledger never books it.
pub(super) fn night_never_booked(scene: &Scene) -> Tale {
    let tale = Tale::new(scene.purchase.clone(), scene.date).in_file(scene.date).noticed(scene.date);
    let (month, found) = (tale.month(), tale.amount("missing_in_ledger"));
    tale.daily(scene.later(1), found, "In the file late the night before, and not booked this day either.")
        .monthly(month, found, "In the month's file and announced, and never booked.")
        .by_terms(scene.date)
}

/// Late at night; the notification is received after midnight.
pub(super) fn night_notice(scene: &Scene) -> Tale {
    let next = scene.later(1);
    let tale = Tale::new(scene.purchase.clone(), scene.date).in_file(scene.date).booked(scene.date);
    let mut notice = tale.purchase.notice(NoticeKind::Settled, 0);
    notice.received_at = past_midnight(scene, 1);
    tale.noticed_as(next, notice)
        .expected(scene.date, "In the file and booked late at night; the notification came after midnight.")
        .cleared_by(next)
        .by_terms(scene.date)
}

/// Late at night; a break when the grace has run out, and cleared by the file of the fourth day.
pub(super) fn night_file_days_later(scene: &Scene) -> Tale {
    let cleared = scene.later(4);
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date).in_file(cleared);
    let found = tale.amount("missing_in_file");
    tale.daily(scene.later(1), found, "Booked late the night before; the file of three days later has it.")
        .cleared_by(cleared)
        .by_terms(scene.date)
}

/// By day; the file of the third day has it.
pub(super) fn file_days_later(scene: &Scene) -> Tale {
    let cleared = scene.later(3);
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date).in_file(cleared);
    let found = tale.amount("missing_in_file");
    tale.daily(scene.date, found, "Booked and announced; only the file of three days later has it.")
        .cleared_by(cleared)
        .by_terms(scene.date)
}

/// By day; the ledger's export of two days later has it, with its own date.
pub(super) fn booked_days_later(scene: &Scene) -> Tale {
    let cleared = scene.later(2);
    let tale = Tale::new(scene.purchase.clone(), scene.date).in_file(scene.date).noticed(scene.date).booked(cleared);
    let found = tale.amount("missing_in_ledger");
    tale.daily(scene.date, found, "In the file and announced; only the export of two days later has it.")
        .cleared_by(cleared)
        .by_terms(scene.date)
}

/// By day; the notification is received two days later.
pub(super) fn notice_days_later(scene: &Scene) -> Tale {
    let cleared = scene.later(2);
    let tale = Tale::new(scene.purchase.clone(), scene.date).in_file(scene.date).booked(scene.date);
    let mut notice = tale.purchase.notice(NoticeKind::Settled, 0);
    notice.received_at = notice.received_at.plus(2 * DAY);
    let found = tale.amount("missing_webhook");
    tale.noticed_as(cleared, notice)
        .daily(scene.date, found, "In the file and booked; the notification came two days later.")
        .cleared_by(cleared)
        .by_terms(scene.date)
}

/// Authorised, and settled three days later on all sides.
pub(super) fn settled_days_later(scene: &Scene) -> Tale {
    let settled = scene.later(3);
    let tale = authorised(scene)
        .expected(scene.date, "Authorised; settled on all sides three days later.")
        .cleared_by(settled);
    let mut purchase = scene.purchase.clone();
    purchase.at = purchase.at.plus(3 * DAY - HOUR);
    tale.settled_as(purchase).in_file(settled).booked(settled).noticed(settled).by_terms(settled)
}

/// Authorised, and neither settled nor voided: a break from the eleventh day on.
pub(super) fn never_settled(scene: &Scene) -> Tale {
    let tale = authorised(scene).expected(scene.date, "Authorised; never settled.");
    let found = tale.amount("authorized_unsettled");
    tale.daily(scene.later(10), found, "Authorised more than ten days ago, and neither settled nor voided.")
}

/// Authorised, a break from the eleventh day on, and settled two days after that.
pub(super) fn settled_too_late(scene: &Scene) -> Tale {
    let settled = scene.later(12);
    let tale = authorised(scene).expected(scene.date, "Authorised; settled only twelve days later.");
    let found = tale.amount("authorized_unsettled");
    let tale = tale
        .daily(scene.later(10), found, "Authorised more than ten days ago; settled two days later.")
        .cleared_by(settled);
    let mut purchase = scene.purchase.clone();
    purchase.at = purchase.at.plus(12 * DAY - HOUR);
    tale.settled_as(purchase).in_file(settled).booked(settled).noticed(settled).by_terms(settled)
}

fn authorised(scene: &Scene) -> Tale {
    let tale = Tale::new(scene.purchase.clone(), scene.date);
    let (hold, approval) = (tale.purchase.authorization(), tale.purchase.notice(NoticeKind::Approved, 1));
    tale.booked_as(scene.date, hold).noticed_as(scene.date, approval)
}

/// Late on the last day of the month. The next day's file has it, and the file of the month.
pub(super) fn boundary_in_its_month(scene: &Scene) -> Tale {
    night_file(scene)
}

/// Late on the last day of the month. The next day's file has it, and only the file of the next month.
pub(super) fn boundary_in_the_next(scene: &Scene) -> Tale {
    let next = scene.later(1);
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date).in_file(next);
    let month = tale.month().plus(1);
    tale.expected(
        scene.date,
        "Booked and announced late on the month's last day; the next day's and month's files have it.",
    )
    .cleared_by(next)
    .settles_late(month)
    .pays(month)
}

/// On the last day of the month by day. The month's file has it, of the daily ones only one of the next month.
pub(super) fn boundary_by_day(scene: &Scene) -> Tale {
    let cleared = scene.later(2);
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date).in_file(cleared);
    let (month, amount, owed) = (tale.month(), tale.amount("missing_in_file"), tale.owed("missing_in_dailies"));
    tale.daily(scene.date, amount, "Booked and announced by day; only the file of two days later has it.")
        .cleared_by(cleared)
        .monthly(month, owed, "In the month's file; of the daily files only one of the next month has it.")
        .by_terms(scene.date)
}

/// Late on the last day of all: nothing comes after it, but for the month's file.
pub(super) fn last_night(scene: &Scene) -> Tale {
    let tale = Tale::new(scene.purchase.clone(), scene.date).booked(scene.date).noticed(scene.date);
    tale.expected(scene.date, "Booked and announced late on the last day that is run.").by_terms(scene.date)
}
