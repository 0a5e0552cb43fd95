//! Breaks of a month that the file of a later month clears: what was owed for too long is paid, what was missing is
//! stated. Whichever of the two months is run first, the break is closed by the later one's row.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde::Deserialize;

use super::earlier::report_file;
use super::{Request, month};
use crate::breaks::life::{Evidence, Standing};
use crate::breaks::{BreakKind, BreakStatus};
use crate::exit::{ExitCode, Failure};
use crate::frames::Side;
use crate::journal::{BreakFilter, Journal};
use crate::month::MonthFacts;
use crate::period::Period;
use crate::report::{Facts, RECEIVABLE_FILE};

/// What is over when a later month's file states the transaction and its run does not find the break again.
const KINDS: [BreakKind; 4] =
    [BreakKind::SettledUnpaid, BreakKind::DroppedPending, BreakKind::MissingInMonth, BreakKind::MissingInFile];

const OPEN: [BreakStatus; 4] =
    [BreakStatus::Open, BreakStatus::Suggested, BreakStatus::Confirmed, BreakStatus::InDispute];

/// Open breaks of earlier months that the file of this one clears, each with its row.
pub(super) async fn by_this_month(
    journal: Option<&Journal>,
    request: &Request,
    facts: &Facts,
) -> Result<Vec<(String, Evidence)>, Failure> {
    let (Some(journal), Some(month)) = (journal, &facts.month) else { return Ok(Vec::new()) };
    let filter = BreakFilter {
        job: Some(request.job.name.clone()),
        statuses: OPEN.to_vec(),
        kinds: KINDS.to_vec(),
        ..BreakFilter::default()
    };
    let label = &request.period.label;
    let is_earlier = |standing: &Standing| standing.periods.keys().all(|period| period < label);
    let standings = journal.breaks(&filter).await?.into_iter().map(|row| row.standing).filter(is_earlier);
    let cleared = standings.filter_map(|standing| {
        let (file, line) = row_of(month, &standing.facts().key)?;
        Some((standing.id, evidence(label, file, line)))
    });
    Ok(cleared.collect())
}

fn row_of<'m>(month: &'m MonthFacts, transaction: &str) -> Option<(&'m str, u64)> {
    let at = month.items.binary_search_by(|item| (*item.transaction).cmp(transaction)).ok()?;
    let place = month.items[at].now?;
    Some((month.files.get(place.file as usize)?, place.line))
}

fn evidence(period: &str, file: &str, line: u64) -> Evidence {
    Evidence::Row { period: period.to_owned(), side: Side::File, file: file.to_owned(), line }
}

/// The columns of `receivable.csv` that say where the month's file states a transaction.
#[derive(Deserialize)]
struct Stated {
    transaction: String,
    file: String,
    file_line: Option<u64>,
}

/// Breaks that this month finds and the file of a later one clears, which was run already: id → that month and its row.
/// `known` is where breaks stood before.
pub(super) async fn by_later_months(
    journal: Option<&Journal>,
    request: &Request,
    facts: &Facts,
    known: &HashMap<String, Standing>,
) -> Result<BTreeMap<String, (String, Evidence)>, Failure> {
    let mut cleared = BTreeMap::new();
    let (Some(journal), Some(month_end)) = (journal, month::month_end(request)) else { return Ok(cleared) };
    let found = facts.breaks.heads().filter(|found| KINDS.contains(&found.kind));
    let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for found in found {
        open.entry(found.key()).or_default().push(found.id());
    }
    let later = std::iter::successors(Some(request.period.next()), |period: &Period| Some(period.next()));
    for period in later.take(month_end.earlier as usize) {
        if open.is_empty() {
            break;
        }
        let Some(run) = journal.last_finished(&request.job.name, &period.label).await? else { continue };
        let Some(path) = report_file(request, &run, RECEIVABLE_FILE).await? else { continue };
        let stated = stated_in(&path, &open.keys().copied().collect()).map_err(|error| {
            let told = anyhow::Error::new(error).context(format!("cannot read {}", path.display()));
            Failure::new(ExitCode::InputData, told)
        })?;
        for (transaction, (file, line)) in stated {
            let ids = open.remove(transaction.as_str()).unwrap_or_default();
            // What that month finds itself it does not clear.
            let finds = |id: &str| known.get(id).is_some_and(|standing| standing.periods.contains_key(&period.label));
            let (still, over): (Vec<&str>, Vec<&str>) = ids.into_iter().partition(|id| finds(id));
            for id in over {
                cleared.insert(id.to_owned(), (period.label.clone(), evidence(&period.label, &file, line)));
            }
            if let Some(found) = facts.breaks.heads().find(|found| still.contains(&found.id())) {
                open.insert(found.key(), still);
            }
        }
    }
    Ok(cleared)
}

/// Where a month's file states some of these transactions; nothing where the report has no such list any more.
fn stated_in(path: &Path, wanted: &BTreeSet<&str>) -> csv::Result<BTreeMap<String, (String, u64)>> {
    let mut stated = BTreeMap::new();
    if !path.exists() {
        return Ok(stated);
    }
    for row in csv::Reader::from_path(path)?.deserialize() {
        let Stated { transaction, file, file_line } = row?;
        if let Some(line) = file_line.filter(|_| wanted.contains(transaction.as_str())) {
            stated.insert(transaction, (file, line));
        }
    }
    Ok(stated)
}
