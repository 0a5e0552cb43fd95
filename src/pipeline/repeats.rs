//! Files that hold what a file of an earlier period holds already, under another name: which of them is the original.
//!
//! What is compared are the bytes as they were received: the same rows compressed anew are other bytes, and no repeat.
//! A name that an earlier period has too is no repeat either: a ledger that grows under one name is read every day.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::Request;
use super::history::PeriodFiles;
use crate::exit::Failure;
use crate::frames::{Repeat, Side};
use crate::journal::{Journal, Step};
use crate::sources::RawFile;

/// Earlier periods whose files are known at the least.
const REACH: u32 = 31;

/// The files of several periods of one job, by what they hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Originals {
    by_content: HashMap<(Side, String), Original>,
}

/// The earliest period that has these bytes, and under which names.
#[derive(Debug, Clone)]
struct Original {
    period: String,
    names: Vec<String>,
}

/// What the mark `pulled` says of one side, as far as it is needed here.
#[derive(Deserialize)]
struct Pulled {
    side: Side,
    files: Vec<RawFile>,
}

impl Originals {
    /// What the last finished runs of earlier periods have read: of the periods that the job carries from, of the last
    /// 31 at the least. What later periods have read does not count, in whatever order they were run.
    pub(super) async fn read(journal: &Journal, request: &Request) -> Result<Self, Failure> {
        let Some(reconciliation) = request.job.reconciliation() else { return Ok(Self::default()) };
        let reach = reconciliation.carry.max(REACH) as usize;
        let before = std::iter::successors(Some(request.period.previous()), |period| Some(period.previous()));
        let labels: Vec<String> = before.take(reach).map(|period| period.label).collect();
        let mut originals = Self::default();
        for (period, mark) in journal.last_marks(&request.job.name, &labels, Step::Pulled).await? {
            // A mark that a later version wrote otherwise says nothing.
            let pulled: Vec<Pulled> = serde_json::from_value(mark.detail).unwrap_or_default();
            for input in &pulled {
                originals.add(&period, input.side, &input.files);
            }
        }
        Ok(originals)
    }

    /// The files of these periods, too.
    pub(super) fn with<'p>(mut self, side: Side, periods: impl IntoIterator<Item = &'p PeriodFiles>) -> Self {
        for period in periods {
            self.add(&period.period, side, &period.files);
        }
        self
    }

    fn add(&mut self, period: &str, side: Side, files: &[RawFile]) {
        // Within a period all names are of the same original.
        let mut names = BTreeMap::<&str, Vec<String>>::new();
        for file in files {
            names.entry(&file.sha256).or_default().push(file.name.clone());
        }
        for (sha256, names) in names {
            let here = Original { period: period.to_owned(), names };
            let known = self.by_content.entry((side, sha256.to_owned())).or_insert_with(|| here.clone());
            if here.period < known.period {
                *known = here;
            } else if here.period == known.period {
                known.names.extend(here.names);
            }
        }
    }

    /// Which of a period's files repeat one of an earlier period.
    pub(super) fn repeats(&self, period: &str, side: Side, files: &[RawFile]) -> Vec<Repeat> {
        let repeat = |(file, raw): (u32, &RawFile)| {
            let original = self.by_content.get(&(side, raw.sha256.clone()))?;
            if original.period.as_str() >= period || original.names.contains(&raw.name) {
                return None;
            }
            let name = original.names.first()?.clone();
            Some(Repeat { file, name, period: original.period.clone() })
        };
        (0_u32..).zip(files).filter_map(repeat).collect()
    }
}
