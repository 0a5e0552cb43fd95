//! A big day for measuring. Every purchase is a function of seed and index alone, so each side is
//! written in one pass of its own, in an order of its own, with nothing kept in memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use chrono::NaiveDate;
use flate2::{Compression, GzBuilder};

use super::rows::{LedgerRow, signer};
use super::shipped::{TRUTH_HEADER, file_name, list_of_one, truth_record};
use super::stories::{Plot, Story, tell};
use super::world::{HOUR, MINUTE, Size, Style, World};

/// Beyond this, amounts of one card would repeat and pairs by weaker rules would arise by chance.
pub(crate) const MOST_PURCHASES: u64 = 200_000_000;

/// How many rows were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) file: u64,
    pub(crate) ledger: u64,
    pub(crate) webhooks: u64,
    pub(crate) breaks: u64,
}

/// The 19th of March 2025 with many purchases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BigDay {
    world: World,
    purchases: u64,
}

/// Writes a [`BigDay`] of this many purchases: `kard/` and `data/` as in the samples.
///
/// # Errors
/// When the disk refuses, and for no purchase or more than [`MOST_PURCHASES`].
pub(crate) fn write(folder: &Path, seed: u64, purchases: u64) -> anyhow::Result<Counts> {
    anyhow::ensure!((1..=MOST_PURCHASES).contains(&purchases), "{purchases} rows; expected 1 to {MOST_PURCHASES}");
    let day = BigDay::new(seed, purchases);
    let date = day.world.date;
    std::fs::create_dir_all(folder.join("kard/files"))?;
    std::fs::create_dir_all(folder.join("data"))?;
    std::fs::write(folder.join("kard/files.json"), list_of_one(date))?;
    Ok(Counts {
        file: day.write_file(&folder.join("kard/files").join(file_name(date, "")))?,
        ledger: day.write_ledger(&folder.join(format!("data/ledger-{date}.csv")))?,
        webhooks: day.write_webhooks(&folder.join(format!("data/webhooks-{date}.jsonl.gz")))?,
        breaks: day.write_truth(&folder.join(format!("data/truth-{date}.csv")))?,
    })
}

impl BigDay {
    pub(crate) fn new(seed: u64, purchases: u64) -> Self {
        let date = NaiveDate::from_ymd_opt(2025, 3, 19).expect("a day of the calendar");
        Self { world: World { seed, date, style: Style::Bulk }, purchases }
    }

    /// The purchases in an order that is `side`'s own: indexes step by a number without a factor in common
    /// with the count, and so meet each one once.
    pub(crate) fn stories(&self, side: u64) -> impl Iterator<Item = Story> {
        let count = self.purchases;
        let mut prng = self.world.prng(20, side);
        let first = prng.below(count);
        let least = 1 + prng.below(count);
        let step = (least..=least + count).find(|&step| coprime(step, count)).expect("as many in a row as there are");
        (0..count).map(move |n| {
            let slot = (u128::from(first) + u128::from(n) * u128::from(step)) % u128::from(count);
            self.story(u64::try_from(slot).expect("below the count") + 1)
        })
    }

    fn story(&self, index: u64) -> Story {
        let mut prng = self.world.prng(21, index);
        let plot = plot(prng.below(10_000), prng.next());
        let (from, to) = if plot.in_grace() { (20 * HOUR + 30 * MINUTE, 23 * HOUR) } else { (HOUR, 18 * HOUR) };
        let at = self.world.start().plus(prng.between(from, to));
        tell(plot, &self.world.purchase(index, at, Size::Usual))
    }

    fn write_file(&self, path: &Path) -> anyhow::Result<u64> {
        let mut out = BufWriter::new(File::create(path)?);
        let mut rows = 0;
        write!(out, "{{\"data\": [")?;
        for row in self.stories(1).flat_map(|story| story.file) {
            write!(out, "{}\n{}", if rows == 0 { "" } else { "," }, row.json())?;
            rows += 1;
        }
        out.write_all(b"\n]}\n")?;
        out.flush()?;
        Ok(rows)
    }

    fn write_ledger(&self, path: &Path) -> anyhow::Result<u64> {
        let mut csv = csv::Writer::from_path(path)?;
        csv.write_record(LedgerRow::HEADER)?;
        let mut rows = 0;
        for row in self.stories(2).flat_map(|story| story.ledger) {
            csv.write_record(row.record())?;
            rows += 1;
        }
        csv.flush()?;
        Ok(rows)
    }

    fn write_webhooks(&self, path: &Path) -> anyhow::Result<u64> {
        let key = signer();
        let file = BufWriter::new(File::create(path)?);
        let mut gz = GzBuilder::new().mtime(0).write(file, Compression::default());
        let mut rows = 0;
        for notice in self.stories(3).flat_map(|story| story.notices) {
            writeln!(gz, "{}", notice.line(&key))?;
            rows += 1;
        }
        gz.finish()?.flush()?;
        Ok(rows)
    }

    fn write_truth(&self, path: &Path) -> anyhow::Result<u64> {
        let mut csv = csv::Writer::from_path(path)?;
        csv.write_record(TRUTH_HEADER)?;
        let mut breaks = 0;
        for index in 1..=self.purchases {
            for record in self.story(index).outcomes.iter().filter_map(truth_record) {
                csv.write_record(record)?;
                breaks += 1;
            }
        }
        csv.flush()?;
        Ok(breaks)
    }
}

const QUIET: [Plot; 8] = [
    Plot::LateOnFileOnly,
    Plot::LateInFile,
    Plot::LateInLedger,
    Plot::FailedValidation,
    Plot::OtherKeyInFile,
    Plot::NothingDue,
    Plot::Declined,
    Plot::NotifiedTwice,
];

/// Two purchases of a hundred break, six more are told in another form of agreement.
fn plot(lot: u64, choice: u64) -> Plot {
    let of = |plots: &[Plot]| {
        let n = choice % plots.len() as u64;
        plots[usize::try_from(n).expect("below a slice's length")]
    };
    match lot {
        0..200 => of(Plot::BREAKING),
        200..300 => of(&QUIET),
        300..500 => Plot::AgreedInParts,
        500..600 => Plot::AgreedWithAuthorization,
        600..700 => Plot::AgreedWithApproval,
        700..800 => Plot::AgreedAndPaid,
        _ => Plot::Agreed,
    }
}

fn coprime(a: u64, b: u64) -> bool {
    if b == 0 { a == 1 } else { coprime(b, a % b) }
}
