//! What a report is made of: plain data, complete, and the same for every rendering.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::breaks::carry::{self, CarriedItem};
use crate::breaks::carry_file::LeftOpen;
pub use crate::breaks::gates::GateFacts;
use crate::breaks::{BreakStatus, Breaks, RowAccount, RowRef, Statement, Suggestion};
use crate::effects::{EffectKind, EffectsFacts};
use crate::frames::{Measure, Quarantined, Side, Warning};
use crate::month::MonthFacts;
use crate::seals::SealFacts;

/// The version of `summary.json`; a reader refuses a newer major number.
pub const SUMMARY_SCHEMA: &str = "tieout.summary/1";

/// Everything one finished comparison found.
#[derive(Debug, Clone)]
pub struct Facts {
    pub program: ProgramFacts,
    pub job: JobFacts,
    pub period: PeriodFacts,
    pub run: RunFacts,
    pub inputs: Vec<InputFacts>,
    /// Files of other periods that the job's rules or the close of the month read: part of no total.
    pub history: Vec<InputFacts>,
    pub statement: Statement,
    /// Ordered by kind, then most at risk first, then key.
    pub breaks: Breaks,
    /// Break id → its life before this run and with it; told beside the breaks, which depend on the inputs alone.
    pub lives: HashMap<String, LifeFacts>,
    /// The life of each break that has none in `lives`: this run finds it for the first time. None where lives are not
    /// told.
    pub new_life: Option<LifeFacts>,
    /// Those that nobody has accepted.
    pub suggestions: Vec<Suggestion>,
    /// One-sided items that are still in grace, and failed-transaction notices: reason → keys.
    pub expected: BTreeMap<String, u64>,
    /// Rows left out, by side and reason in words.
    pub excluded: Vec<ExcludedFacts>,
    pub quarantine: Vec<Quarantined>,
    pub gates: Vec<GateFacts>,
    pub warnings: Vec<Warning>,
    /// What is asked of the provider because of the breaks; none for a job without effects.
    pub effects: Option<EffectsFacts>,
    /// What a sending job has sealed, in the order of the plan, and what became of it; none for a reconciliation.
    pub sent: Option<Vec<ParcelFacts>>,
    /// How the month was closed; none for a job that does not close months.
    pub month: Option<MonthFacts>,
    /// What other periods left open and what this one does; none where the job carries nothing.
    pub carried: Option<CarriedFacts>,
    /// Whether the period is sealed, and what sealed periods leave to it.
    pub sealed: SealFacts,
    /// Against the last finished attempt of the same period; none for the first.
    pub changes: Option<Changes>,
}

impl Facts {
    /// Whether the job sends, rather than compares.
    pub const fn is_sending(&self) -> bool {
        self.sent.is_some()
    }

    /// What a sending job has sealed; nothing for a reconciliation.
    pub fn parcels(&self) -> &[ParcelFacts] {
        self.sent.as_deref().unwrap_or_default()
    }

    /// [`total_words`]
    pub const fn total_words(&self, side: Side) -> &'static str {
        total_words(side, self.is_sending())
    }

    /// [`rows_words`]
    pub const fn rows_words(&self, side: Side) -> &'static str {
        rows_words(side, self.is_sending())
    }

    /// Rows read: of a job that sends, those of its source.
    pub fn rows_read(&self) -> u64 {
        self.counted_rows().fold(0, |sum, rows| sum.saturating_add(rows.read))
    }

    /// The accounts that add up to the rows of the report: what a job has sealed is its source once more.
    pub fn counted_rows(&self) -> impl Iterator<Item = &RowAccount> {
        self.statement.rows.iter().filter(|rows| !self.is_sending() || rows.side == Side::Ledger)
    }

    /// What is known of a break beside what this run has found; none where lives are not told.
    pub fn life(&self, id: &str) -> Option<&LifeFacts> {
        self.lives.get(id).or(self.new_life.as_ref())
    }

    /// Every file that was read, those of earlier periods last.
    pub fn all_inputs(&self) -> impl Iterator<Item = &InputFacts> {
        self.inputs.iter().chain(&self.history)
    }

    /// Sum of `at_risk_minor` of the open breaks by currency and measure, file-level kinds left out.
    pub fn at_risk(&self) -> BTreeMap<(String, Measure), i128> {
        let mut sums = BTreeMap::<(&str, Measure), i128>::new();
        for found in self.breaks.heads().filter(|found| found.is_open() && !found.currency.is_empty()) {
            *sums.entry((found.currency, found.measure)).or_default() += i128::from(found.at_risk_minor);
        }
        sums.into_iter().map(|((currency, measure), sum)| ((currency.to_owned(), measure), sum)).collect()
    }

    /// How many breaks still wait for somebody.
    pub fn open_breaks(&self) -> u64 {
        self.breaks.statuses().filter(|status| status.is_open()).count() as u64
    }

    /// How many breaks have this status.
    pub fn with_status(&self, status: BreakStatus) -> u64 {
        self.breaks.statuses().filter(|known| *known == status).count() as u64
    }

    pub fn breached_gates(&self) -> impl Iterator<Item = &GateFacts> {
        self.gates.iter().filter(|gate| gate.breached)
    }

    /// Residual zero everywhere and no row unaccounted for.
    pub fn ties_out(&self) -> bool {
        self.statement.bridges.iter().all(|bridge| bridge.residual_minor == 0)
            && self.statement.rows.iter().all(|rows| rows.unaccounted == 0)
            && self.month.iter().flat_map(|month| &month.receivable).all(|one| one.residual.is_zero())
    }
}

/// A side in the totals: `ledger`, or of a job that sends `source`.
pub const fn total_words(side: Side, sends: bool) -> &'static str {
    match side {
        Side::Ledger if sends => "source",
        Side::File if sends => "accepted by Kard",
        side => side.name(),
    }
}

/// A side in the account of rows: of a job that sends, `sealed` is all that was made for Kard.
pub const fn rows_words(side: Side, sends: bool) -> &'static str {
    match side {
        Side::Ledger if sends => "source",
        Side::File if sends => "sealed",
        side => side.name(),
    }
}

/// The life of a break across runs, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeFacts {
    pub owner: Option<String>,
    /// The earliest period in which it was ever found.
    pub first_period: String,
    /// Business days from the last day of that period to the last day of the run's own: no clock is asked, so that the
    /// same inputs give the same bytes.
    pub age_business_days: i64,
    pub comments: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramFacts {
    pub version: String,
    /// Git commit of the build, or `unknown`.
    pub commit: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFacts {
    pub name: String,
    pub description: Option<String>,
    pub path: String,
    /// SHA-256 of the job file.
    pub sha256: String,
    /// What was asked for, in words: (`key`, `transaction_id`), (`grace`, `6h`), …
    pub parameters: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodFacts {
    /// `2025-03-19`
    pub label: String,
    /// IANA name of the job's zone.
    pub timezone: String,
    /// Half open: start is in, end is out. UTC.
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFacts {
    /// `JOB/PERIOD/ATTEMPT`
    pub id: String,
    pub attempt: u32,
    /// The only clock reading in the report; `--run-time` pins it.
    pub run_time: DateTime<Utc>,
    pub note: Option<String>,
    /// The provider was the built-in sandbox.
    pub sandbox: bool,
    /// How people reach the pages on which it is reviewed, without a slash at the end; none: nothing links to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFacts {
    pub side: Side,
    pub name: String,
    /// In words: `kard file list`, `path`.
    pub origin: String,
    pub sha256: String,
    pub bytes: u64,
    pub rows: u64,
    /// (currency, measure, sum in minor units) over all readable rows.
    pub sums: Vec<(String, Measure, i128)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedFacts {
    pub side: Side,
    pub reason: String,
    pub rows: u64,
}

/// One parcel: a bulk file, or the rows of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelFacts {
    /// The name of the file, as Kard is told it.
    pub name: String,
    /// The effect's id.
    pub effect: String,
    pub kind: EffectKind,
    /// Of a historical part: whose transactions they are.
    pub user: Option<String>,
    pub rows: u64,
    /// Currency (ISO 4217) → sum in minor units.
    pub totals_minor: BTreeMap<String, i128>,
    /// On disk; compressed for a bulk file.
    pub bytes: u64,
    pub sha256: String,
    pub fate: Fate,
    /// Rows of it that Kard refused by themselves.
    pub rejected_rows: u64,
    /// Kard's id: of the upload session, or of the request.
    pub provider_id: Option<String>,
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Kard has it; of a file whose result the job waits for: and has told so.
    Accepted,
    /// Not sent yet, or to be sent again.
    Unsent,
    /// Sent; the result is not told yet, and not due.
    Awaited,
    InDoubt,
    /// Kard refused it as a whole.
    Refused,
    /// Sent, and the result is not told in time.
    Overdue,
    /// A person has decided that it is not sent.
    Declined,
}

impl Fate {
    pub const ALL: [Self; 7] =
        [Self::Accepted, Self::Unsent, Self::Awaited, Self::InDoubt, Self::Refused, Self::Overdue, Self::Declined];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unsent => "unsent",
            Self::Awaited => "awaited",
            Self::InDoubt => "in_doubt",
            Self::Refused => "refused",
            Self::Overdue => "overdue",
            Self::Declined => "declined",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unsent => "still to be sent",
            Self::Awaited => "sent, result awaited",
            Self::InDoubt => "in doubt",
            Self::Refused => "refused by Kard",
            Self::Overdue => "sent, no result in time",
            Self::Declined => "not to be sent",
        }
    }
}

/// Open items on their way between periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedFacts {
    /// The runs whose lists were taken in.
    pub from: Vec<String>,
    /// By fate, period and key.
    pub items: Vec<CarriedItem>,
    /// Breaks of other periods in the place of which others stand now, with the row that says so.
    pub replaced: Vec<(String, Side, RowRef)>,
    /// What this run hands on.
    pub left: LeftOpen,
}

impl CarriedFacts {
    /// How many items had this fate.
    pub fn count(&self, fate: carry::Fate) -> u64 {
        self.items.iter().filter(|one| one.fate == fate).count() as u64
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    pub against_attempt: u32,
    /// Every input has the digest it had then, and the job file too.
    pub inputs_unchanged: bool,
    /// Names of inputs whose bytes differ, that are new, or gone.
    pub changed_inputs: Vec<String>,
    pub new_breaks: u64,
    pub gone_breaks: u64,
}
