//! A month that Kard closes: February 2025, day by day, with its end-of-month file and that of January.

use chrono::{Datelike, NaiveDate};

use super::days::Day;
use super::stories::{Outcome, What};
use super::world::{DAY, HOUR, Moment, Purchase, Size, Style, World};

/// One line of an end-of-month file.
#[derive(Debug, Clone)]
struct MonthRow {
    purchase: Purchase,
    /// When Kard has paid it; none: pending.
    paid_at: Option<Moment>,
}

/// An end-of-month file as it is listed.
#[derive(Debug)]
pub(crate) struct MonthFile {
    /// `2502`
    pub(crate) yymm: String,
    pub(crate) sent_at: Moment,
    rows: Vec<MonthRow>,
}

/// The whole month.
#[derive(Debug)]
pub(crate) struct Month {
    /// `2025-02`
    pub(crate) label: &'static str,
    /// January's, then February's own.
    pub(crate) files: Vec<MonthFile>,
    pub(crate) days: Vec<(NaiveDate, Day)>,
    /// What closing February must find, once every day of it was run.
    pub(crate) outcomes: Vec<Outcome>,
}

/// What becomes of a purchase of January in the file of February.
const JANUARY: [(u32, bool, Later); 6] = [
    (9, false, Later::Paid),
    (10, false, Later::StillPending),
    (13, false, Later::Dropped),
    (14, true, Later::PaidAgain),
    (20, false, Later::PaidOtherwise),
    (27, true, Later::Gone),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Later {
    Paid,
    StillPending,
    /// Not in the file, and not paid.
    Dropped,
    PaidAgain,
    PaidOtherwise,
    /// Paid in January: rightly not in the file.
    Gone,
}

/// The days of February on which something is wrong with the first purchase.
const RESTATED: u32 = 6;
const NOT_IN_MONTH: u32 = 11;
const NOT_IN_DAILY: u32 = 18;

/// Tells the month.
pub(crate) fn tell(seed: u64) -> Month {
    let mut month = Month { label: "2025-02", files: Vec::new(), days: Vec::new(), outcomes: Vec::new() };
    let mut of_january = Vec::new();
    let mut of_february = Vec::new();
    for (day, paid, later) in JANUARY {
        let purchase = purchase(seed, date(1, day), 1);
        let paid_at = |month: u32| Some(Moment::start_of(date(month, 14)));
        let now = MonthRow { purchase: purchase.clone(), paid_at: if paid { paid_at(2) } else { None } };
        of_february.extend(month.later(&now, later, paid_at(3)));
        of_january.push(now);
    }
    for date in date(2, 1).iter_days().take_while(|date| date.month() == 2) {
        let mut day = Day::default();
        for number in 1..=2 {
            let purchase = purchase(seed, date, number);
            of_february.extend(month.day(&mut day, date, number, &purchase));
        }
        month.days.push((date, day));
    }
    of_february.sort_by_key(|row| row.purchase.at);
    // Both fifteenths are Saturdays; the Monday after the one of February is a holiday.
    let noon = 15 * HOUR;
    month.files.push(MonthFile {
        yymm: "2501".to_owned(),
        sent_at: Moment::start_of(date(2, 18)).plus(noon),
        rows: of_january,
    });
    month.files.push(MonthFile {
        yymm: "2502".to_owned(),
        sent_at: Moment::start_of(date(3, 17)).plus(noon),
        rows: of_february,
    });
    month
}

fn date(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, month, day).expect("callers give days of 2025")
}

/// Other users from day to day, so that nobody buys much.
fn purchase(seed: u64, date: NaiveDate, number: u32) -> Purchase {
    let world = World { seed, date, style: Style::Shipped };
    let at = world.start().plus((9 + 3 * i64::from(number)) * HOUR);
    world.purchase(u64::from(2 * date.day() + number), at, Size::Usual)
}

impl Month {
    fn found(&mut self, key: &str, kind: &'static str, measure: &'static str, why: &str) {
        let what = What::Break(kind, measure);
        self.outcomes.push(Outcome { key: key.to_owned(), what, why: why.to_owned() });
    }

    /// The row of February's file for a purchase of January.
    fn later(&mut self, now: &MonthRow, later: Later, paid_at: Option<Moment>) -> Option<MonthRow> {
        let key = &now.purchase.key;
        let paid = MonthRow { paid_at, ..now.clone() };
        match later {
            Later::Paid => Some(paid),
            Later::Gone => None,
            Later::StillPending => {
                let why = "Pending since January, and longer than the 30 days that the merchant has.";
                self.found(key, "settled_unpaid", "issuer_commission", why);
                Some(now.clone())
            }
            Later::Dropped => {
                let why = "Pending in the file of January, and not in that of February.";
                self.found(key, "dropped_pending", "issuer_commission", why);
                None
            }
            Later::PaidAgain => {
                let why = "Paid in the file of January, and paid once more in that of February.";
                self.found(key, "paid_twice", "issuer_commission", why);
                Some(paid)
            }
            Later::PaidOtherwise => {
                let why = "Pending with one cashback in January, paid with a dollar less in February.";
                self.found(key, "paid_amount_mismatch", "user_reward", why);
                let mut other = paid;
                other.purchase.user_reward -= 100;
                Some(other)
            }
        }
    }

    /// What the day's three sides hold of a purchase; gives the row of the month's file.
    fn day(&mut self, day: &mut Day, date: NaiveDate, number: u32, purchase: &Purchase) -> Option<MonthRow> {
        let key = &purchase.key;
        let paid_at = if number == 1 { Some(Moment::start_of(date_of_payout()).plus(DAY / 2)) } else { None };
        let mut row = MonthRow { purchase: purchase.clone(), paid_at };
        day.ledger.push(purchase.ledger_row());
        day.notices.push(purchase.notice(super::rows::NoticeKind::Settled, 0));
        let strange = if number == 2 { date.day() } else { 0 };
        if strange != NOT_IN_DAILY {
            day.file.push(purchase.file_row());
        }
        match strange {
            RESTATED => {
                row.purchase.user_reward += 25;
                let why = "The month's file states 25 cents more cashback than the day's file.";
                self.found(key, "restated", "user_reward", why);
                let why = "The month's file states 25 cents more cashback than the ledger.";
                self.found(key, "reward_mismatch", "user_reward", why);
                Some(row)
            }
            NOT_IN_MONTH => {
                let why = "Settled in the day's file, and not in the month's.";
                self.found(key, "missing_in_month", "issuer_commission", why);
                let why = "Booked and announced, and not in the month's file.";
                self.found(key, "missing_in_file", "transaction_amount", why);
                None
            }
            NOT_IN_DAILY => {
                let why = "In the month's file, and in no day's.";
                self.found(key, "missing_in_dailies", "issuer_commission", why);
                Some(row)
            }
            _ => Some(row),
        }
    }
}

fn date_of_payout() -> NaiveDate {
    date(3, 14)
}

impl MonthFile {
    pub(crate) fn name(&self) -> String {
        format!("cardlinked-reconciliation-{}.csv", self.yymm)
    }

    /// # Errors
    /// Only when memory cannot be written to.
    pub(crate) fn text(&self) -> anyhow::Result<Vec<u8>> {
        month_text(self.rows.iter().map(|row| (&row.purchase, row.paid_at)), None)
    }
}

/// An end-of-month file: the attributes of a `rewardedTransaction`, a column each, and that of the currency where it has
/// a name. Each purchase with the time at which it was paid; none: pending.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn month_text<'p>(
    rows: impl Iterator<Item = (&'p Purchase, Option<Moment>)>,
    currency: Option<&str>,
) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let head = ["transactionId", "status", "transactionAmountInCents"];
    let rest = [
        "transactionTimestamp",
        "paidToIssuer",
        "commissionEarned.issuer.type",
        "commissionEarned.issuer.value",
        "commissionEarned.user.type",
        "commissionEarned.user.value",
        "payoutTimestamp",
        "cardBIN",
        "cardLastFour",
        "userId",
        "merchantId",
        "offerId",
    ];
    csv.write_record(head.into_iter().chain(currency).chain(rest))?;
    for (purchase, paid_at) in rows {
        let amount = purchase.amount.to_string();
        let head = [purchase.key.as_str(), "SETTLED", &amount];
        let rest: [&str; 12] = [
            &purchase.at.to_string(),
            if paid_at.is_some() { "PAID_IN_FULL" } else { "PENDING" },
            "cents",
            &purchase.issuer_commission.to_string(),
            "cents",
            &purchase.user_reward.to_string(),
            &paid_at.map_or_else(String::new, |at| at.to_string()),
            purchase.bin,
            &purchase.last_four,
            &purchase.user,
            purchase.merchant.id,
            purchase.merchant.offer,
        ];
        csv.write_record(head.into_iter().chain(currency.map(|_| purchase.currency())).chain(rest))?;
    }
    Ok(csv.into_inner()?)
}
