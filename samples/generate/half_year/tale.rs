//! One purchase with everything that becomes of it: rows of days, rows of months, what moves in the receivable, and
//! what runs must find.

use chrono::{Datelike, NaiveDate};

use super::super::rows::{FileRow, LedgerRow, Notice, NoticeKind};
use super::super::world::Purchase;
use super::months::Month;

pub(super) const DAILY: &str = "rewards-daily";
pub(super) const MONTHLY: &str = "rewards-monthly";

/// The word in the truth for what waits for its counterpart and is no break.
pub(super) const EXPECTED: &str = "expected";

/// What a run of a job must find in a period.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) job: &'static str,
    pub(super) period: String,
    pub(super) kind: &'static str,
    pub(super) key: String,
    /// Empty for what is about a file.
    pub(super) currency: &'static str,
    pub(super) measure: &'static str,
    /// Minor units of the currency.
    pub(super) at_risk: i64,
    pub(super) why: String,
    /// The day or month whose files bring what was missing, or pay what was owed.
    pub(super) cleared_by: Option<String>,
}

/// A row of an end-of-month file.
#[derive(Debug, Clone)]
pub(super) struct MonthRow {
    pub(super) purchase: Purchase,
    pub(super) paid: bool,
}

/// What one purchase moves in the receivable of a month: commission and reward, with their sign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) month: Month,
    pub(super) line: &'static str,
    pub(super) owed: [i64; 2],
}

/// Kind, measure and minor units at risk.
pub(super) type Found = (&'static str, &'static str, i64);

#[derive(Debug)]
pub(super) struct Tale {
    pub(super) purchase: Purchase,
    /// The day of the purchase.
    pub(super) date: NaiveDate,
    /// Rows with the day in whose file, export or log they stand.
    pub(super) file: Vec<(NaiveDate, FileRow)>,
    pub(super) ledger: Vec<(NaiveDate, LedgerRow)>,
    pub(super) notices: Vec<(NaiveDate, Notice)>,
    pub(super) month_rows: Vec<(Month, MonthRow)>,
    pub(super) moves: Vec<Move>,
    /// Months from whose file it is gone without being paid.
    pub(super) dropped: Vec<Month>,
    pub(super) labels: Vec<Label>,
    /// The purchase as the end-of-month files state it.
    stated: Purchase,
}

impl Tale {
    /// Nobody knows of it yet.
    pub(super) fn new(purchase: Purchase, date: NaiveDate) -> Self {
        Self {
            stated: purchase.clone(),
            purchase,
            date,
            file: Vec::new(),
            ledger: Vec::new(),
            notices: Vec::new(),
            month_rows: Vec::new(),
            moves: Vec::new(),
            dropped: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// File, ledger and log of its day agree.
    pub(super) fn agreed(purchase: Purchase, date: NaiveDate) -> Self {
        Self::new(purchase, date).in_file(date).booked(date).noticed(date)
    }

    pub(super) fn month(&self) -> Month {
        Month::of(self.date)
    }

    /// It settles with these facts, which count from now on.
    pub(super) fn settled_as(self, purchase: Purchase) -> Self {
        Self { stated: purchase.clone(), purchase, ..self }
    }

    pub(super) fn in_file(mut self, on: NaiveDate) -> Self {
        self.file.push((on, self.purchase.file_row()));
        self
    }

    pub(super) fn booked(self, on: NaiveDate) -> Self {
        let row = self.purchase.ledger_row();
        self.booked_as(on, row)
    }

    pub(super) fn booked_as(mut self, on: NaiveDate, row: LedgerRow) -> Self {
        self.ledger.push((on, row));
        self
    }

    pub(super) fn noticed(self, on: NaiveDate) -> Self {
        let notice = self.purchase.notice(NoticeKind::Settled, 0);
        self.noticed_as(on, notice)
    }

    pub(super) fn noticed_as(mut self, on: NaiveDate, notice: Notice) -> Self {
        self.notices.push((on, notice));
        self
    }
}

/// What runs must find.
impl Tale {
    /// At risk is the amount of the purchase.
    pub(super) fn amount(&self, kind: &'static str) -> Found {
        (kind, "transaction_amount", self.purchase.amount)
    }

    pub(super) fn reward(&self, kind: &'static str) -> Found {
        (kind, "user_reward", self.purchase.user_reward)
    }

    /// At risk is all that the month's files owe for it; the commission is the larger part.
    pub(super) fn owed(&self, kind: &'static str) -> Found {
        let [commission, reward] = self.stated_owed();
        (kind, "issuer_commission", commission + reward)
    }

    pub(super) fn daily(self, on: NaiveDate, found: Found, why: impl Into<String>) -> Self {
        self.label(DAILY, on.to_string(), found, why.into())
    }

    pub(super) fn monthly(self, month: Month, found: Found, why: impl Into<String>) -> Self {
        if !month.is_told() {
            return self;
        }
        self.label(MONTHLY, month.label(), found, why.into())
    }

    /// It waits on this day, and is no break.
    pub(super) fn expected(self, on: NaiveDate, why: impl Into<String>) -> Self {
        self.daily(on, (EXPECTED, "", 0), why)
    }

    /// The files of this day bring what the label told last misses.
    pub(super) fn cleared_by(mut self, on: NaiveDate) -> Self {
        if let Some(label) = self.labels.last_mut() {
            label.cleared_by = Some(on.to_string());
        }
        self
    }

    /// The file of this month states what the ones before missed, or pays what was owed for too long.
    pub(super) fn cleared_in(mut self, month: Month) -> Self {
        let over = ["settled_unpaid", "dropped_pending", "missing_in_month", "missing_in_file"];
        let labels = self.labels.iter_mut().filter(|label| label.job == MONTHLY && over.contains(&label.kind));
        for label in labels.filter(|_| month.is_told()) {
            label.cleared_by = Some(month.label());
        }
        self
    }

    /// As [`Self::label_of`], of the purchase's own key.
    fn label(self, job: &'static str, period: String, found: Found, why: String) -> Self {
        let key = self.purchase.key.clone();
        self.label_of(&key, job, period, found, why)
    }

    pub(super) fn label_of(
        mut self,
        key: &str,
        job: &'static str,
        period: String,
        (kind, measure, at_risk): Found,
        why: String,
    ) -> Self {
        let (key, currency) = (key.to_owned(), self.purchase.currency());
        self.labels.push(Label { job, period, kind, key, currency, measure, at_risk, why, cleared_by: None });
        self
    }
}

/// What the end-of-month files hold, and what that moves.
impl Tale {
    fn stated_owed(&self) -> [i64; 2] {
        [self.stated.issuer_commission, self.stated.user_reward]
    }

    fn moved(mut self, month: Month, line: &'static str, owed: [i64; 2]) -> Self {
        if month.is_told() {
            self.moves.push(Move { month, line, owed });
        }
        self
    }

    /// Stands as pending in the month's file.
    pub(super) fn pending(mut self, month: Month) -> Self {
        if month.is_told() {
            self.month_rows.push((month, MonthRow { purchase: self.stated.clone(), paid: false }));
        }
        self
    }

    pub(super) fn settles(self, month: Month) -> Self {
        let owed = self.stated_owed();
        self.pending(month).moved(month, "newly_settled", owed)
    }

    /// First stated by the file of a month after the one in which it settled.
    pub(super) fn settles_late(self, month: Month) -> Self {
        let owed = self.stated_owed();
        self.pending(month).moved(month, "settled_earlier", owed)
    }

    /// Stated again although it was paid.
    pub(super) fn comes_back(self, month: Month) -> Self {
        let owed = self.stated_owed();
        self.pending(month).moved(month, "stated_again", owed)
    }

    /// Gone again after it came back.
    pub(super) fn leaves_again(self, month: Month) -> Self {
        let [commission, reward] = self.stated_owed();
        self.moved(month, "stated_again", [-commission, -reward])
    }

    /// Stated as paid by the file of the month, which may state it already.
    pub(super) fn pays(mut self, month: Month) -> Self {
        if !self.month_rows.iter().any(|(of, _)| *of == month) {
            self = self.pending(month);
        }
        for (_, row) in self.month_rows.iter_mut().filter(|(of, _)| *of == month) {
            row.paid = true;
        }
        let [commission, reward] = self.stated_owed();
        self.moved(month, "paid", [-commission, -reward])
    }

    /// Gone from the file, and a notice says why.
    pub(super) fn clawed_back(self, month: Month) -> Self {
        let [commission, reward] = self.stated_owed();
        self.moved(month, "clawed_back", [-commission, -reward])
    }

    pub(super) fn drops(mut self, month: Month) -> Self {
        if month.is_told() {
            self.dropped.push(month);
        }
        self
    }

    /// From now on the files state so much less of the user's reward.
    pub(super) fn stating_less(mut self, cents: i64) -> Self {
        self.stated.user_reward -= cents;
        self
    }

    /// From now on the files state another amount of the purchase.
    pub(super) fn stating_amount(mut self, amount: i64) -> Self {
        self.stated.amount = amount;
        self
    }

    /// The file of the month states so much less of the user's reward than the one before.
    pub(super) fn adjusted(self, month: Month, cents: i64) -> Self {
        self.stating_less(cents).pending(month).moved(month, "adjusted", [0, -cents])
    }

    /// Settles on this day and is paid when the merchant's terms say so.
    pub(super) fn by_terms(self, date: NaiveDate) -> Self {
        let later = match (terms(&self.purchase), date.day()) {
            (30, ..=15) => 0,
            (30, _) => 1,
            (90, 4..) => 3,
            (_, _) => 2,
        };
        let month = Month::of(date);
        let told = (1..later).fold(self.settles(month), |tale, months| tale.pending(month.plus(months)));
        told.pays(month.plus(later))
    }
}

/// In how many days the merchant pays.
pub(super) fn terms(purchase: &Purchase) -> u32 {
    match purchase.merchant.id {
        NET_60 => 60,
        NET_90 => 90,
        _ => 30,
    }
}

pub(super) const NET_60: &str = "merchant-105";
pub(super) const NET_90: &str = "merchant-108";
