//! Reports of card processors in their published columns, beside a ledger that books the same money: what the presets of
//! report formats are shown with. Each report has its own lines; the stories are the same.

mod adyen;
mod cardlytics;
mod http_api;
mod marqeta;
mod stripe;

use chrono::NaiveDate;

use super::prng::Prng;
use super::shipped::{Files, TRUTH_HEADER};
use super::world::{HOUR, MINUTE, Moment};

/// One movement of money as one side states it.
#[derive(Debug, Clone)]
struct Line {
    key: String,
    at: Moment,
    kind: Kind,
    /// Cents; what comes back is negative.
    minor: i64,
    currency: &'static str,
    /// Its number in the report, from 1.
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sale,
    Refund,
    Dispute,
}

/// What happens to a line between the report and the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tale {
    Agreed,
    NotBooked,
    NotReported,
    OtherAmount,
    BookedTwice,
    OtherCurrency,
}

/// A break that must be found.
#[derive(Debug)]
struct Found {
    key: String,
    kind: &'static str,
    currency: &'static str,
    why: String,
}

/// Both sides, and what must be found between them.
#[derive(Debug, Default)]
struct Report {
    lines: Vec<Line>,
    ledger: Vec<Line>,
    found: Vec<Found>,
}

/// How the lines of a report are spread.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Keeps the numbers of one report apart from those of the others.
    purpose: u64,
    prefix: &'static str,
    start: NaiveDate,
    count: u64,
    /// Seconds between two lines.
    apart: i64,
}

impl Plan {
    fn report(&self, seed: u64) -> Report {
        let mut report = Report::default();
        for number in 1..=self.count {
            let line = self.line(seed, number);
            report.tell(tale(number), line);
        }
        report
    }

    fn line(&self, seed: u64, number: u64) -> Line {
        let mut prng = Prng::of(seed, self.purpose, number);
        let position = i64::try_from(number).expect("a small number");
        let kind = match number {
            14 => Kind::Dispute,
            _ if number.is_multiple_of(7) => Kind::Refund,
            _ => Kind::Sale,
        };
        let size = prng.between(450, 9_800);
        Line {
            key: format!("{}{number:04}{:04x}", self.prefix, prng.below(0x1_0000)),
            at: Moment::start_of(self.start).plus(HOUR / 2 + position * self.apart + prng.between(0, 10 * MINUTE)),
            kind,
            minor: if kind == Kind::Sale { size } else { -size },
            currency: if number % 9 == 4 { "EUR" } else { "USD" },
            number,
        }
    }
}

const fn tale(number: u64) -> Tale {
    match number {
        5 | 21 => Tale::NotBooked,
        11 => Tale::NotReported,
        17 | 28 => Tale::OtherAmount,
        23 => Tale::BookedTwice,
        31 => Tale::OtherCurrency,
        _ => Tale::Agreed,
    }
}

impl Report {
    fn tell(&mut self, tale: Tale, line: Line) {
        let booked = match tale {
            Tale::NotBooked => vec![],
            Tale::Agreed | Tale::NotReported => vec![line.clone()],
            Tale::OtherAmount => vec![Line { minor: line.minor + 250, ..line.clone() }],
            Tale::BookedTwice => vec![line.clone(), line.clone()],
            Tale::OtherCurrency => vec![Line { currency: "CAD", ..line.clone() }],
        };
        let told = match tale {
            Tale::Agreed => None,
            Tale::NotBooked => Some(("missing_in_ledger", "In the report, and never booked.")),
            Tale::NotReported => Some(("missing_in_file", "Booked, and not in the report.")),
            Tale::OtherAmount => Some(("amount_mismatch", "Booked with 2.50 more than the report says.")),
            Tale::BookedTwice => Some(("duplicate_row", "Booked twice, line by line the same.")),
            Tale::OtherCurrency => Some(("currency_mismatch", "Booked in Canadian dollars.")),
        };
        if let Some((kind, why)) = told {
            self.expect(&line, kind, why);
        }
        self.ledger.extend(booked);
        if tale != Tale::NotReported {
            self.lines.push(line);
        }
    }

    fn expect(&mut self, line: &Line, kind: &'static str, why: &str) {
        self.found.push(Found { key: line.key.clone(), kind, currency: line.currency, why: why.to_owned() });
    }

    fn ledger_csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["reference", "booked_at", "amount_minor", "currency"])?;
        for line in &self.ledger {
            let (at, minor) = (line.at.to_string(), line.minor.to_string());
            csv.write_record([line.key.as_str(), &at, &minor, line.currency])?;
        }
        Ok(csv.into_inner()?)
    }

    fn truth_csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(TRUTH_HEADER)?;
        for Found { key, kind, currency, why } in &self.found {
            csv.write_record([key.as_str(), kind, currency, "transaction_amount", why])?;
        }
        Ok(csv.into_inner()?)
    }

    /// The ledger and the truth of a job, beside its report.
    fn files(&self, job: &str, label: &str, report: (String, Vec<u8>)) -> anyhow::Result<Files> {
        Ok(Files::from([
            report,
            (format!("data/ledger-{job}-{label}.csv"), self.ledger_csv()?),
            (format!("data/truth-{job}-{label}.csv"), self.truth_csv()?),
        ]))
    }
}

/// `-12.50`
fn major(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

/// All reports, each with its ledger and its truth.
///
/// # Errors
/// Only when memory cannot be written to.
pub(crate) fn files(seed: u64, day: NaiveDate) -> anyhow::Result<Files> {
    let mut files = stripe::files(seed, day)?;
    files.append(&mut adyen::files(seed, day)?);
    files.append(&mut marqeta::files(seed, day)?);
    files.append(&mut cardlytics::files(seed, day)?);
    files.append(&mut http_api::files(day));
    Ok(files)
}
