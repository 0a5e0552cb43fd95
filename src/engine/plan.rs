//! What a cluster is asked: which files, how their lines are read, what has to be equal. Made of the job alone, before
//! anything is compared, and the same for every engine.

use std::collections::BTreeSet;
use std::path::Path;

use super::cells::Lines;
use super::times::whole;
use super::{head, values::Values};
use crate::frames::{Exclusion, Field, Frame, Side};
use crate::job::{ColumnSource, Format, Input, Matching, Reconciliation, Splits};
use crate::matching::Rules;
use crate::period::Period;
use crate::sources::RawFile;

/// More files than this are read here: each is a table of its own to the cluster.
const MOST_FILES: usize = 64;
/// More keys that other periods speak of than this are not written into a query.
const MOST_WATCHED: usize = 10_000;
/// Fields whose canonical text is what is written.
const KEYS: &[Field] =
    &[Field::TransactionId, Field::User, Field::Merchant, Field::EventId, Field::Account, Field::Reason];

/// Why a comparison is made here. No error: the result is the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

impl Unfit {
    pub(super) fn job(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    pub(super) fn file(raw: &RawFile, why: impl AsRef<str>) -> Self {
        Self(format!("{} {}", raw.name, why.as_ref()))
    }
}

/// Where a cluster finds what lies in the raw store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// Below the same path as here.
    Disk,
    /// In a bucket: the folder of the raw store there, with a slash at its end, as the cluster writes it.
    Bucket { folder: String },
}

impl At {
    fn of(&self, stored: &Path) -> String {
        let name = stored.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match self {
            Self::Disk => stored.display().to_string(),
            Self::Bucket { folder } => format!("{folder}{name}"),
        }
    }
}

/// A comparison as a cluster is asked for it.
#[derive(Debug)]
pub struct Plan {
    pub(super) files: Vec<PlannedFile>,
    pub(super) sides: Vec<Side>,
    pub(super) matching: Matching,
    /// Seconds since 1970, half-open.
    pub(super) period: (i64, i64),
    /// Keys that are read here whatever they say, in text order.
    pub(super) watched: BTreeSet<String>,
    /// The statuses that are not simply money that moved.
    pub(super) looked_at: Vec<&'static str>,
}

/// One file of one side.
#[derive(Debug)]
pub(super) struct PlannedFile {
    pub(super) side: Side,
    /// Index into the side's files.
    pub(super) file: u32,
    pub(super) location: String,
    pub(super) lines: Lines,
    pub(super) key_names: Vec<String>,
    pub(super) key: Field,
    pub(super) max_row_bytes: usize,
    pub(super) values: Values,
    /// What `where` asks for.
    pub(super) selected: Vec<String>,
    /// All names that are read.
    pub(super) names: Vec<String>,
}

impl Plan {
    /// What of a job can never be sifted, whatever its files hold.
    ///
    /// # Errors
    /// Why not, in words that go on from "compared here: ".
    pub fn check(reconciliation: &Reconciliation) -> Result<(), Unfit> {
        let matching = &reconciliation.matching;
        let unfit = |why: &str| Err(Unfit::job(why));
        if reconciliation.month_end.is_some() {
            return unfit("the close of a month looks at every row");
        }
        if matching.status_changes.is_some() {
            return unfit("`status_changes` looks at every row");
        }
        if reconciliation.effects.as_ref().is_some_and(|effects| effects.fraud_marker.is_some()) {
            return unfit("rules of fraud look at every row");
        }
        if !KEYS.contains(&matching.key) {
            return Err(Unfit::job(format!("the key `{}` is made of what is written", matching.key.name())));
        }
        for input in &reconciliation.inputs {
            let side = input.side;
            let why = match &input.format {
                Format::Csv { .. } | Format::Jsonl if input.mapping.revisions.is_some() => "has `revisions`",
                Format::Jsonl if input.known_columns.is_some() => "has `known_columns` for lines of JSON",
                Format::Csv { .. } | Format::Jsonl => continue,
                Format::Json { .. } => "is a JSON document",
                Format::WebhookLog => "is a log of notifications",
                Format::Parquet => "is Parquet",
            };
            return Err(Unfit::job(format!("the input `{side}` {why}")));
        }
        Ok(())
    }

    /// The plan of one comparison. `inputs`: each side with its files and which of these take part (those that repeat
    /// others do not).
    ///
    /// # Errors
    /// Why it is made here.
    pub fn of(
        matching: &Matching,
        period: &Period,
        watched: BTreeSet<String>,
        inputs: &[(&Input, &[RawFile], &[bool])],
        at: &At,
    ) -> Result<Self, Unfit> {
        if watched.len() > MOST_WATCHED {
            return Err(Unfit::job(format!("other periods speak of more than {MOST_WATCHED} keys")));
        }
        if inputs.iter().map(|(_, files, _)| files.len()).sum::<usize>() > MOST_FILES {
            return Err(Unfit::job(format!("there are more than {MOST_FILES} files")));
        }
        let mut planned = Vec::new();
        for (input, files, takes_part) in inputs {
            let files = (0_u32..).zip(*files).zip(*takes_part);
            for ((file, raw), _) in files.filter(|((_, raw), takes_part)| **takes_part && raw.bytes > 0) {
                planned.push(PlannedFile::of(input, (file, raw), period, at)?);
            }
        }
        let sides: Vec<Side> = inputs.iter().map(|(input, ..)| input.side).collect();
        if let Some(side) = sides.iter().find(|side| planned.iter().all(|file| file.side != **side)) {
            return Err(Unfit::job(format!("the input `{side}` has no file")));
        }
        let looked_at = if matching.splits == Splits::Balance {
            Vec::new()
        } else {
            vec!["RETURNED", "REVERSED", "DECLINED", "FAILED", "CLAWBACK"]
        };
        let period = (whole(period.start)?, whole(period.end)?);
        Ok(Self { files: planned, sides, matching: matching.clone(), period, watched, looked_at })
    }

    /// The keys that are read here whatever they say.
    pub const fn watched(&self) -> &BTreeSet<String> {
        &self.watched
    }

    /// Whether what is sifted by this plan serves these rules: every key that they watch was watched, or all of its rows
    /// are among those that were read here anyway.
    pub fn serves(&self, rules: &Rules, frames: &[Frame]) -> bool {
        let mut missed: BTreeSet<&str> =
            rules.watched.iter().map(String::as_str).filter(|key| !self.watched.contains(*key)).collect();
        for frame in frames {
            if missed.is_empty() {
                break;
            }
            // Where rows cannot be read back they are read anew.
            let found = frame.rows.each(|row| {
                missed.remove(row.key());
            });
            if found.is_err() {
                return false;
            }
        }
        missed.is_empty() && rules.carried.is_none()
    }

    /// How rows are kept that were surely left out.
    pub(super) const fn exclusion(verdict: &str) -> Option<Exclusion> {
        match verdict.as_bytes() {
            b"filtered" => Some(Exclusion::Filtered),
            b"outside" => Some(Exclusion::OutsidePeriod),
            _ => None,
        }
    }
}

impl PlannedFile {
    fn of(input: &Input, (file, raw): (u32, &RawFile), period: &Period, at: &At) -> Result<Self, Unfit> {
        let lines = Lines::of(input, head::of(input, raw)?)?;
        let values = Values::of(input, &lines, period)?;
        let selected = values.selected(&input.mapping.only)?;
        let ColumnSource::Columns(key_names) = &input.mapping.fields[&input.key].from else {
            return Err(Unfit::job("the key is a constant"));
        };
        let names = input.mapping.fields.values().flat_map(|column| column.names().cloned()).collect();
        Ok(Self {
            side: input.side,
            file,
            location: at.of(&raw.stored),
            lines,
            key_names: key_names.clone(),
            key: input.key,
            max_row_bytes: input.limits.max_row_bytes,
            values,
            selected,
            names,
        })
    }
}
