//! Frames by hand: rows written as a person would say them.

use chrono::{NaiveDate, TimeDelta, TimeZone, Utc};
use tieout::frames::rows::{Cell, PlainRow, pack};
use tieout::frames::{Exclusion, Field, Frame, Side, Spread};
use tieout::job::{Fallback, Grain, Matching, Splits};
use tieout::matching::Rules;
use tieout::period::Period;
use tieout::sources::{Origin, RawFile};

/// One canonical row; `row("t1")` is a settled purchase of 10.00 USD with a reward of 1.00 at noon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub amount: Option<i64>,
    pub commission: Option<i64>,
    pub reward: Option<i64>,
    pub currency: String,
    pub status: Option<String>,
    pub user: Option<String>,
    pub last_four: Option<String>,
    pub payment: Option<String>,
    pub reason: Option<String>,
    pub event: Option<String>,
    pub at: Option<i64>,
    pub account: Option<String>,
    /// From and to.
    pub valid: [Option<String>; 2],
}

pub fn row(id: &str) -> Row {
    Row {
        id: id.to_owned(),
        amount: Some(1_000),
        commission: Some(200),
        reward: Some(100),
        currency: "USD".to_owned(),
        status: Some("SETTLED".to_owned()),
        user: Some("user-1".to_owned()),
        last_four: Some("4321".to_owned()),
        payment: None,
        reason: None,
        event: None,
        at: Some(hour(12)),
        account: None,
        valid: [None, None],
    }
}

/// A notification: no amount, no card.
pub fn notice(id: &str, status: &str) -> Row {
    let reward = (status == "SETTLED").then_some(100);
    let bare = Row { amount: None, commission: None, last_four: None, reward, ..row(id) };
    bare.status(status).event(&format!("event-{id}-{status}"))
}

impl Row {
    pub fn amount(mut self, minor: i64) -> Self {
        self.amount = Some(minor);
        self
    }
    pub fn reward(mut self, minor: i64) -> Self {
        self.reward = Some(minor);
        self
    }
    pub fn commission(mut self, minor: i64) -> Self {
        self.commission = Some(minor);
        self
    }
    pub fn currency(mut self, code: &str) -> Self {
        code.clone_into(&mut self.currency);
        self
    }
    pub fn status(mut self, status: &str) -> Self {
        self.status = Some(status.to_owned());
        self
    }
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }
    pub fn last_four(mut self, digits: &str) -> Self {
        self.last_four = Some(digits.to_owned());
        self
    }
    pub fn paid(mut self) -> Self {
        self.payment = Some("PAID_IN_FULL".to_owned());
        self
    }
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }
    pub fn event(mut self, id: &str) -> Self {
        self.event = Some(id.to_owned());
        self
    }
    pub fn at(mut self, micros: i64) -> Self {
        self.at = Some(micros);
        self
    }
    pub fn untimed(mut self) -> Self {
        self.at = None;
        self
    }
    pub fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }
    pub fn valid(mut self, from: &str, to: &str) -> Self {
        let day = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.valid = [day(from), day(to)];
        self
    }
}

/// 2025-03-19, that many hours after midnight UTC (negative: the day before), in microseconds.
pub fn hour(hours: i64) -> i64 {
    let midnight = Utc.with_ymd_and_hms(2025, 3, 19, 0, 0, 0).single().expect("a plain instant");
    (midnight + TimeDelta::hours(hours)).timestamp_micros()
}

pub fn day() -> Period {
    let start = Utc.with_ymd_and_hms(2025, 3, 19, 0, 0, 0).single().expect("a plain instant");
    Period {
        label: "2025-03-19".to_owned(),
        grain: Grain::Day,
        zone: chrono_tz::UTC,
        first_day: NaiveDate::from_ymd_opt(2025, 3, 19).expect("a day"),
        start,
        end: start + TimeDelta::days(1),
    }
}

/// The rules of the sample job: three sides, everything compared to the cent, four hours of grace.
pub fn rules() -> Rules {
    Rules {
        job: "rewards-daily".to_owned(),
        matching: Matching {
            key: Field::TransactionId,
            amount_tolerance_minor: Some(0),
            issuer_commission_tolerance_minor: Some(0),
            user_reward_tolerance_minor: Some(0),
            currency: true,
            status: Some(Vec::new()),
            identity: vec![Field::User, Field::CardLastFour],
            validity: false,
            open_after_end: Vec::new(),
            failed: Vec::new(),
            status_changes: None,
            date_tolerance: Some(TimeDelta::days(1)),
            splits: Splits::Sum,
            fallback: vec![Fallback {
                by: vec![Field::CardLastFour, Field::Amount, Field::Currency],
                within: Some(TimeDelta::days(1)),
            }],
        },
        grace: TimeDelta::hours(4),
        settles_within: None,
        period: day(),
        sides: Side::ALL.to_vec(),
        missing: Vec::new(),
        settled_file: true,
        carried: None,
        ledger_states_reward: true,
        watched: std::sync::Arc::default(),
    }
}

/// One file in which the first row stands on line 2; notifications state no amount.
pub fn frame(side: Side, rows: &[Row]) -> Frame {
    keyed(Field::TransactionId, side, rows)
}

/// [`frame`] of a job whose key is another field.
pub fn keyed(key: Field, side: Side, rows: &[Row]) -> Frame {
    leaving_out(key, side, rows, |_| None)
}

/// [`frame`] with its rows kept in another way.
pub fn spread_out(spread: Spread, side: Side, rows: &[Row]) -> Frame {
    packed((Field::TransactionId, spread), side, rows, |_| None)
}

/// [`keyed`] with some rows excluded, by their index.
pub fn leaving_out(key: Field, side: Side, rows: &[Row], excluded: impl Fn(usize) -> Option<Exclusion>) -> Frame {
    packed((key, Spread::held(0)), side, rows, excluded)
}

fn packed(
    (key, spread): (Field, Spread),
    side: Side,
    rows: &[Row],
    excluded: impl Fn(usize) -> Option<Exclusion>,
) -> Frame {
    let plain = rows.iter().enumerate().map(|(index, row)| PlainRow {
        file: 0,
        line: index as u64 + 2,
        excluded: excluded(index),
        cells: cells(side, row),
    });
    let (packed, totals) = pack(key, spread, plain).expect("what is held needs no disk");
    let mapped = mapped().filter(|field| side != Side::Webhooks || *field != Field::Amount).collect();
    Frame {
        side,
        rows: packed,
        totals,
        mapped,
        quarantine: Vec::new(),
        files: vec![RawFile {
            name: format!("{side}.csv"),
            origin: Origin::Path { path: format!("{side}.csv") },
            stored: format!("{side}.csv").into(),
            sha256: side.name().to_owned(),
            bytes: 1,
        }],
        repeats: Vec::new(),
        rows_read: vec![rows.len() as u64],
        warnings: Vec::new(),
        control_mismatches: Vec::new(),
        audit_updates: Vec::new(),
        file_results: Vec::new(),
        rejected: Vec::new(),
        sifted: Vec::new(),
    }
}

/// What a job maps.
fn mapped() -> impl Iterator<Item = Field> {
    let unmapped = [
        Field::Merchant,
        Field::Direction,
        Field::AuthorizedAt,
        Field::SettledAt,
        Field::CardFirstSix,
        Field::PayoutMonth,
        Field::EventKind,
    ];
    Field::ALL.into_iter().filter(move |field| !unmapped.contains(field))
}

fn cells(side: Side, row: &Row) -> Vec<(Field, Cell<'_>)> {
    let cell = |field: Field| match field {
        Field::TransactionId => Some(Cell::Text(&row.id)),
        Field::Currency => Some(Cell::Text(&row.currency)),
        Field::Status => row.status.as_deref().map(Cell::Text),
        Field::User => row.user.as_deref().map(Cell::Text),
        Field::CardLastFour => row.last_four.as_deref().map(Cell::Text),
        Field::PaymentStatus => row.payment.as_deref().map(Cell::Text),
        Field::Reason => row.reason.as_deref().map(Cell::Text),
        Field::EventId => row.event.as_deref().map(Cell::Text),
        Field::Account => row.account.as_deref().map(Cell::Text),
        Field::ValidFrom => row.valid[0].as_deref().map(Cell::Text),
        Field::ValidTo => row.valid[1].as_deref().map(Cell::Text),
        Field::Amount if side != Side::Webhooks => row.amount.map(Cell::Number),
        Field::IssuerCommission => row.commission.map(Cell::Number),
        Field::UserReward => row.reward.map(Cell::Number),
        Field::OccurredAt => row.at.map(Cell::Number),
        _ => None,
    };
    mapped().filter_map(|field| Some((field, cell(field)?))).collect()
}
