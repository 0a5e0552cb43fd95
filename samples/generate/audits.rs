//! What the provider tells of audits about the first day's breaks, on the two days after it.

use chrono::NaiveDate;

use super::days::Day;
use super::rows::{AuditNews, Notice, NoticeKind};
use super::stories::{Outcome, Story, What};
use super::world::{MINUTE, Moment};

/// One notification: the day of March, minutes after its start, the kind of break, and what it says.
struct Told {
    day: u32,
    minute: i64,
    about: &'static str,
    news: AuditNews,
    /// It comes once more under the same id, so many minutes later.
    again_after: Option<i64>,
}

const fn told(day: u32, minute: i64, about: &'static str, news: AuditNews) -> Told {
    Told { day, minute, about, news, again_after: None }
}

const MISSING: AuditNews =
    AuditNews { status: "NEW", code: 3006, description: "cashback missing", resolution: None, resolved_at: None };
const INCORRECT: AuditNews = AuditNews { code: 3005, description: "cashback incorrect", ..MISSING };
const OTHER: AuditNews = AuditNews { code: 8001, description: "the amounts differ", ..MISSING };

const NOTIFICATIONS: [Told; 7] = [
    told(20, 11 * 60 + 5, "reward_missing", MISSING),
    told(20, 11 * 60 + 6, "reward_mismatch", INCORRECT),
    told(20, 15 * 60 + 20, "reward_missing", AuditNews { status: "IN_PROGRESS", ..MISSING }),
    Told {
        again_after: Some(15),
        ..told(21, 10 * 60 + 10, "reward_missing", MISSING.closed(5004, "Reward dispute resolved"))
    },
    told(21, 10 * 60 + 40, "reward_mismatch", INCORRECT.closed(5005, "Transaction will be marked for writeoff")),
    told(21, 11 * 60 + 30, "amount_mismatch", OTHER.closed(5009, "No change needed")),
    told(21, 13 * 60, "missing_in_file", AuditNews { status: "ESCALATED", ..MISSING }),
];

/// The notifications of one day, each left out of the comparison.
pub(crate) fn story(date: NaiveDate, first_day: &Day) -> Story {
    let mut story = Story::default();
    let today = |told: &&(u64, &Told)| NaiveDate::from_ymd_opt(2025, 3, told.1.day) == Some(date);
    for (n, told) in (200_u64..).zip(&NOTIFICATIONS).filter(|told| today(&told)) {
        let about = |outcome: &&Outcome| matches!(outcome.what, What::Break(kind, _) if kind == told.about);
        let key = &first_day.outcomes.iter().find(about).expect("the first day holds these kinds").key;
        let row = first_day.ledger.iter().find(|row| row.purchase.key == *key).expect("the ledger books these kinds");
        let received_at = Moment::start_of(date).plus(told.minute * MINUTE + 17);
        let resolved_at = told.news.resolution.map(|_| received_at.plus(-5 * MINUTE));
        let notice = Notice {
            purchase: row.purchase.clone(),
            kind: NoticeKind::AuditUpdate(AuditNews { resolved_at, ..told.news }),
            event_id: row.purchase.event_id(n),
            received_at,
            forged: false,
        };
        let why = format!("An auditUpdate notification: the audit about {key} is {}.", told.news.words());
        story.outcomes.push(Outcome { key: notice.event_id.clone(), what: What::Excluded, why });
        if let Some(minutes) = told.again_after {
            let received_at = notice.received_at.plus(minutes * MINUTE);
            let why = format!("The auditUpdate notification {} was delivered again.", notice.event_id);
            story.outcomes.push(Outcome { key: key.clone(), what: What::Excluded, why });
            story.notices.push(Notice { received_at, ..notice.clone() });
        }
        story.notices.push(notice);
    }
    story
}
