//! What became of the transaction's breaks, and which runs carried it from period to period.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};

use super::{BreakStory, Carried, FinishedRun, Search, Unread};
use crate::breaks::carry::{Fate, OpenItem};
use crate::breaks::carry_file::LeftOpen;
use crate::breaks::classify::Expected;
use crate::exit::Failure;
use crate::journal::Journal;
use crate::report::OPEN_ITEMS_FILE;

/// The breaks of the transaction, and the suggestions that pair it, with everything recorded of them.
pub(super) async fn lives(journal: &Journal, search: &Search) -> Result<Vec<BreakStory>, Failure> {
    let mut stories = Vec::new();
    for standing in journal.lives_of_key(&search.transaction).await? {
        if search.job.as_ref().is_some_and(|job| *job != standing.job) {
            continue;
        }
        let sightings = journal.sightings(&standing.id).await?;
        let is_wanted = |period: &String| sightings.iter().any(|sighting| sighting.period == *period);
        if search.period.as_ref().is_none_or(is_wanted) {
            let history = journal.life_of(&standing.id).await?;
            stories.push(BreakStory { standing, history });
        }
    }
    Ok(stories)
}

/// What a run has left open of the transaction, and what it has found of what other periods left.
pub(super) fn carried(run: &FinishedRun, wanted: &str) -> Result<Vec<Carried>, Unread> {
    let file = match File::open(run.folder.join(OPEN_ITEMS_FILE)) {
        Ok(file) => file,
        // A job that carries nothing leaves none.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    // As the list writes it: most lines need no second look.
    let written = serde_json::Value::from(wanted).to_string();
    let mut lines = String::new();
    for line in BufReader::new(file).lines() {
        let line = line?;
        if line.contains(&written) {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    let left = LeftOpen::read(lines.as_bytes())?;
    let of_run =
        |period: &str, fate, says| Carried { run: run.id.clone(), at: run.at, period: period.to_owned(), fate, says };
    let items: Vec<&OpenItem> = left.items.iter().filter(|item| item.key == wanted).collect();
    // What another period settles is told with what that one has left.
    let open = items.iter().filter(|item| item.waits != Some(Expected::OtherPeriod));
    let open = open.map(|item| of_run(&item.period, None, format!("left open for other periods: {}", item.words())));
    let is_own = |period: &str| items.iter().any(|item| item.period == period);
    let settled = left.settled.iter().filter(|settled| settled.key == wanted && !is_own(&settled.period));
    let settled = settled.map(|settled| (settled.period.as_str(), Fate::Cleared));
    let marked = left.carried.iter().filter(|mark| mark.key == wanted);
    let taken = settled.chain(marked.map(|mark| (mark.period.as_str(), mark.fate)));
    let taken =
        taken.map(|(period, fate)| of_run(period, Some(fate), format!("carried from {period}: {}", fate.words())));
    Ok(open.chain(taken).collect())
}
