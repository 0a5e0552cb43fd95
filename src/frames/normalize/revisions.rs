//! Reports that are sent again under a higher revision: which row is of which, and which rows no longer count.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::super::error::InputError;
use super::super::read::{RowView, Sources};
use super::{From, Trouble};
use crate::frames::mask;
use crate::job::Revisions;

/// Whose rows are no part of any revision that counts.
const NONE: u32 = u32::MAX;

/// The revisions of all files of an input, and that of each row.
#[derive(Debug)]
pub(super) struct Ledger {
    report: Vec<usize>,
    revision: Vec<usize>,
    /// Report and revision, in order of appearance, and the file that has them.
    known: Vec<(String, u64, u32)>,
    places: BTreeMap<(String, u64), u32>,
    /// The first revision that two files of different bytes have.
    twice: Option<(u32, u32)>,
    /// Of the row that is being read.
    current: u32,
}

/// What `revisions:` is called where a column of it is missing or cannot be read.
const REPORT: &str = "revisions.report";
const REVISION: &str = "revisions.revision";

impl Ledger {
    pub(super) fn new(columns: &Revisions, sources: &mut Sources) -> Self {
        let mut slots = |field: &str, names: &[String]| {
            let slots: Vec<usize> = names.iter().map(|name| sources.slot(name)).collect();
            sources.fields.push((field.to_owned(), slots.clone()));
            slots
        };
        let report = slots(REPORT, &columns.report);
        let revision = slots(REVISION, &columns.revision);
        Self { report, revision, known: Vec::new(), places: BTreeMap::new(), twice: None, current: NONE }
    }

    /// Notes which revision a row is of. What a repeated file says was said by the other one.
    ///
    /// # Errors
    /// When the row does not say it.
    pub(super) fn note(&mut self, row: RowView<'_>, file: u32, is_repeat: bool) -> Result<(), Trouble> {
        self.current = NONE;
        let wrong = |field: &'static str, value: &str, reason: &str| Trouble {
            field,
            value: mask::shown(value),
            reason: reason.to_owned(),
        };
        let report = From::first(&self.report, row)
            .ok_or_else(|| wrong(REPORT, "", "is empty; every row needs the id of its report"))?;
        let text = From::first(&self.revision, row)
            .ok_or_else(|| wrong(REVISION, "", "is empty; every row needs the revision of its report"))?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        let number: u64 = number.ok_or_else(|| wrong(REVISION, text, "is no whole number from 0 on"))?;
        if is_repeat {
            return Ok(());
        }
        // Rows of one revision stand together.
        let next = u32::try_from(self.known.len()).unwrap_or(NONE);
        if let Some((known, revision, of)) = self.known.last()
            && (known.as_str(), *revision, *of) == (report, number, file)
        {
            self.current = next - 1;
            return Ok(());
        }
        self.current = match self.places.entry((report.to_owned(), number)) {
            Entry::Occupied(place) => {
                let place = *place.get();
                let first = self.known[place as usize].2;
                if first != file {
                    self.twice.get_or_insert((place, file));
                }
                place
            }
            Entry::Vacant(free) => {
                free.insert(next);
                self.known.push((report.to_owned(), number, file));
                next
            }
        };
        Ok(())
    }

    /// Which of all revisions the row that was noted last is of, if of any that counts.
    pub(super) fn current(&self) -> Option<u32> {
        (self.current != NONE).then_some(self.current)
    }

    /// Of each revision, whether a higher one of its report replaces it.
    ///
    /// # Errors
    /// When two files that differ call themselves the same revision of the same report.
    pub(super) fn replaced(&self, files: &[&str]) -> Result<Vec<bool>, InputError> {
        if let Some((place, second)) = self.twice {
            let (report, revision, first) = &self.known[place as usize];
            return Err(InputError::SameRevision {
                first: files[*first as usize].to_owned(),
                second: files[second as usize].to_owned(),
                report: mask::shown(report),
                revision: *revision,
            });
        }
        let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
        for (report, revision, _) in &self.known {
            let top = highest.entry(report).or_default();
            *top = (*top).max(*revision);
        }
        Ok(self.known.iter().map(|(report, revision, _)| highest[report.as_str()] > *revision).collect())
    }
}
