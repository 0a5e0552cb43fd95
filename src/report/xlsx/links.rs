//! The addresses of pages that a workbook links to, where the project says how people reach them.

use std::fmt::Write as _;

use super::super::facts::Facts;

/// A sheet holds so many links; rows after these have none.
pub(super) const MOST_ROWS: u32 = 65_530;
/// Excel takes 2,080 characters; what stands behind the pages' own address needs some of them.
const LONGEST: usize = 1_000;

/// Makes addresses.
#[derive(Debug, Clone)]
pub(super) struct Links {
    /// `https://tieout.acme.example/runs/rewards-daily/2025-03-19/1`; none: nothing links.
    run: Option<String>,
    pages: String,
}

/// What a row of a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Break,
    Effect,
}

impl Links {
    pub(super) fn new(facts: &Facts) -> Self {
        let pages = facts.run.pages.clone().unwrap_or_default();
        let (job, period) = (encoded(&facts.job.name), encoded(&facts.period.label));
        let run = format!("{pages}/runs/{job}/{period}/{}", facts.run.attempt);
        let fits = run.len() <= LONGEST && ["http://", "https://"].iter().any(|scheme| pages.starts_with(scheme));
        Self { run: fits.then_some(run), pages }
    }

    /// The run's own page.
    pub(super) fn run(&self) -> Option<String> {
        self.run.clone()
    }

    /// The page of what a row is about, by its id.
    pub(super) fn of(&self, subject: Subject, id: &str) -> Option<String> {
        let run = self.run.as_ref().filter(|_| id.len() <= 64)?;
        Some(match subject {
            Subject::Break => format!("{run}/breaks/{}", encoded(id)),
            Subject::Effect => format!("{}/effects/{}", self.pages, encoded(id)),
        })
    }
}

/// One segment of a path: no value becomes another part of the address.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut safe, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            safe.push(char::from(byte));
        } else {
            write!(safe, "%{byte:02X}").expect("writing to a string cannot fail");
        }
        safe
    })
}
