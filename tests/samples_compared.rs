//! The generator's truth against the comparison itself, without files and readers between them:
//! on the shipped days, and on big days of several seeds.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use tieout::breaks::carry::{LeftOpen, Others};
use tieout::breaks::compare::{Comparison, compare, compare_among};
use tieout::frames::{Frame, Side};
use tieout::matching::Rules;

use crate::samples_generated::generator;
use crate::support::frames::{Row, frame, row, rules};
use generator::bulk::BigDay;
use generator::days::{Day, plans};
use generator::rows::{FileRow, LedgerRow, Notice, NoticeKind, State};
use generator::stories::{Outcome, What};
use generator::world::{Moment, Purchase};

fn micros(moment: Moment) -> i64 {
    DateTime::parse_from_rfc3339(&moment.to_string()).unwrap().timestamp_micros()
}

fn purchase_row(purchase: &Purchase, at: Moment) -> Row {
    row(&purchase.key)
        .amount(purchase.amount)
        .commission(purchase.issuer_commission)
        .reward(purchase.user_reward)
        .user(&purchase.user)
        .last_four(&purchase.last_four)
        .at(micros(at))
}

fn file_row(said: &FileRow) -> Row {
    let row = purchase_row(&said.purchase, said.purchase.at);
    if said.paid { row.paid() } else { row }
}

fn ledger_row(said: &LedgerRow) -> Row {
    let (status, sign) = match said.state {
        State::Posted => ("SETTLED", 1),
        State::Authorized => ("APPROVED", 1),
        State::Declined => ("DECLINED", 1),
        State::Refunded => ("RETURNED", -1),
        State::Voided => ("REVERSED", -1),
    };
    let mut row = purchase_row(&said.purchase, said.booked_at).status(status).currency(said.currency);
    row.amount = row.amount.map(|minor| sign * minor);
    row.commission = row.commission.filter(|_| said.rewarded).map(|minor| sign * minor);
    row.reward = row.reward.filter(|_| said.rewarded).map(|minor| sign * minor);
    row
}

/// None for what the reader sets aside.
fn notice_row(said: &Notice) -> Option<Row> {
    let (status, reason) = match said.kind {
        NoticeKind::Approved => ("APPROVED", None),
        NoticeKind::Settled => ("SETTLED", None),
        NoticeKind::Failed { reason } => ("FAILED", Some(reason)),
        NoticeKind::Clawback { reason } => ("CLAWBACK", Some(reason)),
        NoticeKind::AuditUpdate(_) | NoticeKind::FileProcessingResult => return None,
    };
    let settled = said.kind == NoticeKind::Settled;
    let row = purchase_row(&said.purchase, said.received_at).status(status).event(&said.event_id);
    let reward = row.reward.filter(|_| settled);
    let row = Row { amount: None, commission: None, last_four: None, reward, ..row };
    (!said.forged).then(|| reason.map_or(row.clone(), |reason| row.reason(reason)))
}

/// The three sides as the readers would hand them on.
fn frames(day: &Day) -> [Frame; 3] {
    let file: Vec<Row> = day.file.iter().map(file_row).collect();
    let ledger: Vec<Row> = day.ledger.iter().filter(|said| !said.grouped_amount).map(ledger_row).collect();
    let mut ids = BTreeSet::new();
    let first = |said: &&Notice| ids.insert(said.event_id.clone());
    let log: Vec<Row> = day.notices.iter().filter(first).filter_map(notice_row).collect();
    [frame(Side::File, &file), frame(Side::Ledger, &ledger), frame(Side::Webhooks, &log)]
}

fn rules_of(date: NaiveDate) -> Rules {
    let mut rules = rules();
    let start = date.and_time(NaiveTime::MIN).and_utc();
    rules.period.label = date.to_string();
    (rules.period.first_day, rules.period.start, rules.period.end) = (date, start, start + TimeDelta::days(1));
    rules
}

/// Key, kind, currency and measure of every break that is about a key.
type Told = BTreeSet<(String, String, String, String)>;

/// `before`: the days before are known.
fn wanted(outcomes: &[Outcome], before: bool) -> Told {
    let about_key = |outcome: &Outcome| {
        let (kind, measure) = outcome.what.found().filter(|(_, measure)| !measure.is_empty())?;
        let is_carried = matches!(outcome.what, What::CarriedBreak(..));
        (before || !is_carried).then(|| (outcome.key.clone(), kind.to_owned(), "USD".to_owned(), measure.to_owned()))
    };
    outcomes.iter().filter_map(about_key).collect()
}

fn assert_truth(date: NaiveDate, day: &Day) {
    assert_found(date, day, &compare(&rules_of(date), &frames(day)).unwrap(), false);
}

fn assert_found(date: NaiveDate, day: &Day, found: &Comparison, before: bool) {
    let breaks = found.breaks();
    let told: Told = breaks
        .iter()
        .map(|found| {
            let (kind, measure) = (found.kind.name().to_owned(), found.measure.name().to_owned());
            (found.key.clone(), kind, found.currency.clone(), measure)
        })
        .collect();
    let wanted = wanted(&day.outcomes, before);
    let (more, less) = (told.difference(&wanted), wanted.difference(&told));
    let (more, less): (Vec<_>, Vec<_>) = (more.take(5).collect(), less.take(5).collect());
    assert!(more.is_empty() && less.is_empty(), "{date}: found but not true {more:?}; true but not found {less:?}");
    assert_eq!(breaks.len(), told.len(), "{date}: a break stands there twice");
    let counted = |what| day.outcomes.iter().filter(|outcome| outcome.what == what).count() as u64;
    assert_eq!(found.expected().values().sum::<u64>(), counted(What::Expected), "{date}: expected keys");
    let suggested: usize = found.suggestions().iter().map(|suggestion| suggestion.keys.len()).sum();
    assert_eq!(suggested as u64, counted(What::Suggested), "{date}: suggested keys");
}

#[test]
fn the_shipped_days_in_their_order_find_the_truth_and_clear_what_comes_a_day_late() {
    let mut lists: Vec<LeftOpen> = Vec::new();
    let mut cleared = Vec::new();
    for plan in plans().into_iter().filter(|plan| plan.file_sent_after.is_some()) {
        let day = plan.tell(generator::SHIPPED_SEED);
        let others = Others::of_lists(&lists);
        let rules = Rules { watched: Arc::new(others.keys()), ..rules_of(plan.date) };
        let found = compare_among(&rules, &frames(&day), &others).unwrap();
        assert_found(plan.date, &day, &found, true);
        let left = found.left_open(&plan.date.to_string());
        cleared.push((left.settled.len(), left.ran_out.len()));
        lists.push(left);
    }
    assert_eq!(cleared, [(0, 0), (2, 1), (1, 0)], "settled, and run out, on each day");
}

#[test]
fn the_comparison_finds_exactly_the_truth_of_the_shipped_days() {
    for plan in plans().into_iter().filter(|plan| plan.file_sent_after.is_some()) {
        assert_truth(plan.date, &plan.tell(generator::SHIPPED_SEED));
    }
}

#[test]
fn the_comparison_finds_exactly_the_truth_of_big_days() {
    for seed in 1..=4 {
        let mut day = Day::default();
        for story in BigDay::new(seed, 2_500).stories(1) {
            day.file.extend(story.file);
            day.ledger.extend(story.ledger);
            day.notices.extend(story.notices);
            day.outcomes.extend(story.outcomes);
        }
        assert_truth(NaiveDate::from_ymd_opt(2025, 3, 19).unwrap(), &day);
    }
}
