//! Monthly and daily files by hand: rows as a person would say them, and a month closed over them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use tieout::breaks::{Break, BreakKind};
use tieout::frames::rows::{Cell, PlainRow, pack};
use tieout::frames::{Exclusion, Field, Frame, Side, Spread};
use tieout::job::{Grain, MonthEnd, Payout, Splits, Terms};
use tieout::matching::side::Columns;
use tieout::month::facts::Receivable;
use tieout::month::{self, Closing, DayFile, Inputs, MonthError, MonthFile};
use tieout::period::Period;
use tieout::sources::{Origin, RawFile};

/// A settled item: 100.00 USD, commission 2.00, reward 1.00, settled on 2025-03-10 at noon, pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub id: String,
    pub amount: Option<i64>,
    pub commission: Option<i64>,
    pub reward: Option<i64>,
    pub currency: String,
    pub status: String,
    pub payment: Option<String>,
    pub merchant: Option<String>,
    pub settled: Option<DateTime<Utc>>,
    /// The job leaves it out.
    pub excluded: bool,
}

pub fn item(id: &str) -> Line {
    Line {
        id: id.to_owned(),
        amount: Some(10_000),
        commission: Some(2_00),
        reward: Some(1_00),
        currency: "USD".to_owned(),
        status: "SETTLED".to_owned(),
        payment: Some("UNPAID".to_owned()),
        merchant: Some("Coffee".to_owned()),
        settled: Some(noon("2025-03-10")),
        excluded: false,
    }
}

impl Line {
    pub fn settled(self, day: &str) -> Self {
        Self { settled: Some(noon(day)), ..self }
    }

    pub fn excluded(self) -> Self {
        Self { excluded: true, ..self }
    }

    pub fn paid(self) -> Self {
        Self { payment: Some("PAID_IN_FULL".to_owned()), ..self }
    }

    pub fn owed(self, commission: i64, reward: i64) -> Self {
        Self { commission: Some(commission), reward: Some(reward), ..self }
    }

    pub fn amount(self, amount: i64) -> Self {
        Self { amount: Some(amount), ..self }
    }

    pub fn currency(self, code: &str) -> Self {
        Self { currency: code.to_owned(), ..self }
    }

    pub fn status(self, status: &str) -> Self {
        Self { status: status.to_owned(), ..self }
    }

    pub fn merchant(self, name: &str) -> Self {
        Self { merchant: Some(name.to_owned()), ..self }
    }
}

pub fn clawback(id: &str) -> Line {
    Line { amount: None, commission: None, payment: None, ..item(id).status("CLAWBACK") }
}

pub fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T12:00:00Z").parse().unwrap()
}

/// One file of the side `file` in which the first row stands on line 2.
pub fn file(name: &str, rows: &[Line]) -> Frame {
    files(&[(name, rows)])
}

const MAPPED: [Field; 9] = [
    Field::TransactionId,
    Field::Merchant,
    Field::Amount,
    Field::Currency,
    Field::Status,
    Field::SettledAt,
    Field::IssuerCommission,
    Field::UserReward,
    Field::PaymentStatus,
];

fn cells(row: &Line) -> Vec<(Field, Cell<'_>)> {
    let cell = |field: Field| match field {
        Field::TransactionId => Some(Cell::Text(&row.id)),
        Field::Merchant => row.merchant.as_deref().map(Cell::Text),
        Field::Amount => row.amount.map(Cell::Number),
        Field::Currency => Some(Cell::Text(&row.currency)),
        Field::Status => Some(Cell::Text(&row.status)),
        Field::SettledAt => row.settled.map(|at| Cell::Number(at.timestamp_micros())),
        Field::IssuerCommission => row.commission.map(Cell::Number),
        Field::UserReward => row.reward.map(Cell::Number),
        Field::PaymentStatus => row.payment.as_deref().map(Cell::Text),
        _ => None,
    };
    MAPPED.into_iter().filter_map(|field| Some((field, cell(field)?))).collect()
}

/// Several files of one input.
pub fn files(of: &[(&str, &[Line])]) -> Frame {
    let placed = of.iter().zip(0_u32..).flat_map(|((_, rows), file)| {
        let lines = (2_u64..).zip(*rows);
        lines.map(move |(line, row)| (file, line, row))
    });
    let plain = placed.map(|(file, line, row)| PlainRow {
        file,
        line,
        excluded: row.excluded.then_some(Exclusion::Filtered),
        cells: cells(row),
    });
    let (packed, totals) = pack(Field::TransactionId, Spread::held(0), plain).unwrap();
    let raw = |name: &str| RawFile {
        name: name.to_owned(),
        origin: Origin::Path { path: name.to_owned() },
        stored: name.into(),
        sha256: name.to_owned(),
        bytes: 1,
    };
    Frame {
        side: Side::File,
        mapped: BTreeSet::from(MAPPED),
        rows: packed,
        totals,
        quarantine: Vec::new(),
        files: of.iter().map(|(name, _)| raw(name)).collect(),
        repeats: Vec::new(),
        rows_read: of.iter().map(|(_, rows)| rows.len() as u64).collect(),
        warnings: Vec::new(),
        control_mismatches: Vec::new(),
        audit_updates: Vec::new(),
        file_results: Vec::new(),
        rejected: Vec::new(),
        sifted: Vec::new(),
    }
}

/// Net 30, net 90 for `Airline`; buckets of 30, 60 and 90 days; users are paid at once.
pub fn spec() -> MonthEnd {
    MonthEnd {
        dailies: None,
        earlier: 12,
        terms: Terms { default_days: 30, merchants: BTreeMap::from([("Airline".to_owned(), 90)]) },
        buckets: vec![30, 60, 90],
        payout: Payout::AtOnce,
    }
}

pub fn month(label: &str) -> Period {
    Period::parse(label, Grain::Month, chrono_tz::UTC).unwrap()
}

/// Months and days under test, to be closed for any of the months.
#[derive(Debug, Clone)]
pub struct World {
    pub spec: MonthEnd,
    /// Label, file, notifications; in any order.
    pub months: Vec<(Period, Option<Frame>, Option<Frame>)>,
    /// Label, file; in any order.
    pub days: Vec<(String, Option<Frame>)>,
    pub day_splits: Splits,
    pub grace: TimeDelta,
}

impl World {
    pub fn new() -> Self {
        Self {
            spec: spec(),
            months: Vec::new(),
            days: Vec::new(),
            day_splits: Splits::Forbid,
            grace: TimeDelta::zero(),
        }
    }

    /// The month's file is `kard-LABEL.csv`.
    pub fn month(mut self, label: &str, rows: &[Line]) -> Self {
        self.months.push((month(label), Some(file(&format!("kard-{label}.csv"), rows)), None));
        self
    }

    pub fn without_file(mut self, label: &str) -> Self {
        self.months.push((month(label), None, None));
        self
    }

    /// Notifications of the month that was added last.
    pub fn notices(mut self, rows: &[Line]) -> Self {
        self.months.last_mut().unwrap().2 = Some(Frame { side: Side::Webhooks, ..file("log.jsonl", rows) });
        self
    }

    /// The day's file is `day-LABEL.json`.
    pub fn day(mut self, label: &str, rows: &[Line]) -> Self {
        self.spec.dailies = Some("rewards-daily".to_owned());
        self.days.push((label.to_owned(), Some(file(&format!("day-{label}.json"), rows))));
        self
    }

    pub fn day_missing(mut self, label: &str) -> Self {
        self.spec.dailies = Some("rewards-daily".to_owned());
        self.days.push((label.to_owned(), None));
        self
    }

    pub fn try_close(&self, label: &str) -> Result<Closing, MonthError> {
        self.try_close_after(label, None)
    }

    fn files(&self) -> impl Iterator<Item = MonthFile<'_>> {
        self.months.iter().map(|(period, frame, webhooks)| MonthFile {
            period,
            frame: frame.as_ref(),
            webhooks: webhooks.as_ref(),
        })
    }

    /// The month before was sealed over another world, whose receivable was this.
    pub fn try_close_after(&self, label: &str, sealed: Option<(&Self, &[Receivable])>) -> Result<Closing, MonthError> {
        let period = month(label);
        let sealed = sealed.map(|(world, receivable)| {
            let before = period.previous();
            let until = world.files().filter(|file| file.period.start <= before.start);
            // What both have is read once.
            let same = |then: &MonthFile<'_>| {
                let now = self.files().find(|now| now.period == then.period)?.frame?;
                then.frame.filter(|then| said(now) == said(then)).map(|_| now)
            };
            let closing = |one: &Receivable| (one.currency.clone(), (one.closing_items, one.closing));
            month::Sealed {
                run: "rewards-monthly/sealed/1",
                months: until.map(|file| MonthFile { frame: same(&file).or(file.frame), ..file }).collect(),
                closing: receivable.iter().map(closing).collect(),
            }
        });
        let days = self.days.iter().map(|(day, frame)| DayFile { day, frame: frame.as_ref() });
        month::close(&Inputs {
            job: "rewards-monthly",
            period: &period,
            spec: &self.spec,
            months: self.files().collect(),
            days: days.collect(),
            sealed,
            day_splits: self.day_splits,
            grace: self.grace,
        })
    }

    pub fn close(&self, label: &str) -> Closing {
        self.try_close(label).unwrap()
    }
}

/// Kind, key and what is at risk of each break.
pub fn told(breaks: &[Break]) -> Vec<(BreakKind, &str, i64)> {
    breaks.iter().map(|found| (found.kind, found.key.as_str(), found.at_risk_minor)).collect()
}

/// What the rows of a file state, in their order.
fn said(frame: &Frame) -> Vec<String> {
    let columns = Columns::of(frame);
    columns.numbered().map(|(_, row)| format!("{} {:?}", row.excluded(), row.cells().collect::<Vec<_>>())).collect()
}
