//! What other periods of the job left open, and what their files say about what this one leaves open.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::earlier::{PulledFiles, pulled_by, report_file};
use super::{Request, aside, pull};
use crate::breaks::carry::{Others, Reach, Said, Until};
use crate::breaks::carry_file::LeftOpen;
use crate::breaks::compare::Comparison;
use crate::exit::{ExitCode, Failure};
use crate::frames::{Field, Frame, Side, Spread, load_among};
use crate::job::Reconciliation;
use crate::journal::{Journal, RunRecord};
use crate::matching::{Rules, match_frames};
use crate::period::Period;
use crate::report::OPEN_ITEMS_FILE;
use crate::report::facts::CarriedFacts;

/// The last finished runs of the periods around this one, and what they left open.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Label → items as read; those that are settled too.
    lists: Vec<(Period, RunRecord, LeftOpen)>,
    /// The label of the first period in the nearer half of the reach.
    near: String,
}

impl Neighbours {
    /// Of the periods that the job carries from and to. A run of a version that kept no list has none.
    pub(super) async fn read(
        journal: Option<&Journal>,
        request: &Request,
        reconciliation: &Reconciliation,
    ) -> Result<Self, Failure> {
        let Some(journal) = journal else { return Ok(Self::default()) };
        let before = std::iter::successors(Some(request.period.previous()), |period| Some(period.previous()));
        let after = std::iter::successors(Some(request.period.next()), |period| Some(period.next()));
        let reach = reconciliation.carry as usize;
        let near = before.clone().nth(reach / 2).map(|period| period.label).unwrap_or_default();
        let mut lists = Vec::new();
        for period in before.take(reach).chain(after.take(reach)) {
            let Some(run) = journal.last_finished(&request.job.name, &period.label).await? else { continue };
            let left = match report_file(request, &run, OPEN_ITEMS_FILE).await? {
                Some(path) => left_open(&path)?,
                None => LeftOpen::default(),
            };
            lists.push((period, run, left));
        }
        Ok(Self { lists, near })
    }

    /// What all of them say together. `journal`: none where nothing was ever run.
    pub(super) async fn others(&self, journal: Option<&Journal>, request: &Request) -> Result<Others, Failure> {
        let mut others = Others::of_lists(self.lists.iter().map(|(.., left)| left));
        let latest = self.later_than(&request.period).max_by_key(|(period, ..)| period.end);
        if let (Some(journal), Some((period, run, _))) = (journal, latest) {
            let pulled = pulled_by(journal, request, run).await?;
            let has_files = |side: Side| pulled.iter().any(|input| input.side == side && !input.files.is_empty());
            let sides = request.job.inputs().into_iter().map(|input| input.side);
            others.until = Some(Until { end: period.end, missing: sides.filter(|side| !has_files(*side)).collect() });
        }
        let ends = self.lists.iter().map(|(period, ..)| period.end).filter(|end| *end <= request.period.start);
        others.reach = ends.max().map(|known_until| Reach { near: self.near.clone(), known_until });
        Ok(others)
    }

    /// The runs whose lists were read.
    fn runs(&self) -> Vec<String> {
        let runs: BTreeSet<&str> = self.lists.iter().map(|(_, run, _)| run.id.as_str()).collect();
        runs.into_iter().map(str::to_owned).collect()
    }

    /// What was taken in of other periods, and what is handed on; none where the job carries nothing.
    pub(super) fn facts(
        &self,
        request: &Request,
        reconciliation: &Reconciliation,
        comparison: &Comparison,
    ) -> Option<CarriedFacts> {
        (reconciliation.carry > 0).then(|| CarriedFacts {
            from: self.runs(),
            items: comparison.carried.items.clone(),
            replaced: comparison.carried.replaced.clone(),
            left: comparison.left_open(&request.period.label),
        })
    }

    /// Whether a period after this one was run already.
    pub(super) fn has_later(&self, period: &Period) -> bool {
        self.later_than(period).next().is_some()
    }

    fn later_than(&self, period: &Period) -> impl Iterator<Item = &(Period, RunRecord, LeftOpen)> {
        let end = period.end;
        self.lists.iter().filter(move |(later, ..)| later.start >= end)
    }

    /// What the files of later periods say about these keys.
    pub(super) async fn later(
        &self,
        journal: &Journal,
        request: &Request,
        reconciliation: &Reconciliation,
        keys: &Arc<HashSet<String>>,
    ) -> Result<BTreeMap<String, Vec<Said>>, Failure> {
        let mut found = BTreeMap::<String, Vec<Said>>::new();
        for (period, run, _) in self.later_than(&request.period) {
            let pulled = pulled_by(journal, request, run).await?;
            let frames = frames(request, reconciliation, &pulled).await?;
            let states_reward = states_reward(&frames);
            let mut rules = Rules::new(&request.job.name, reconciliation, period, Vec::new(), states_reward);
            rules.watched = Arc::clone(keys);
            let label = period.label.clone();
            let sides = aside(move || {
                let matched = match_frames(&rules, &frames)?;
                let watched = matched.suspects.into_iter().filter(|facts| rules.watched.contains(&facts.key));
                Ok::<_, crate::matching::MatchError>(watched.chain(matched.strays).collect::<Vec<_>>())
            });
            let sides = sides.await?.map_err(|error| Failure::new(ExitCode::InputData, error))?;
            for facts in sides {
                let later = Said { period: label.clone(), key: facts.key.clone(), sides: facts.sides };
                found.entry(facts.key).or_default().push(later);
            }
        }
        Ok(found)
    }
}

/// Whether the ledger states what reward it booked.
pub(super) fn states_reward(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| frame.side == Side::Ledger && frame.mapped.contains(&Field::UserReward))
}

fn left_open(path: &Path) -> Result<LeftOpen, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        // An older version kept none; a report that somebody has removed took it along.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(LeftOpen::default()),
        Err(error) => return Err(unreadable(path, error)),
    };
    LeftOpen::read(BufReader::new(file)).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    let told = anyhow::Error::new(error)
        .context(format!("cannot read {}; run that period again to have it written anew", path.display()));
    Failure::new(ExitCode::InputData, told)
}

/// The files of a run as it read them.
async fn frames(
    request: &Request,
    reconciliation: &Reconciliation,
    pulled: &[PulledFiles],
) -> Result<Vec<Frame>, Failure> {
    let by_side: HashMap<Side, &PulledFiles> = pulled.iter().map(|input| (input.side, input)).collect();
    let mut frames = Vec::new();
    for input in &reconciliation.inputs {
        let Some(pulled) = by_side.get(&input.side) else { continue };
        pull::whole(request, &pulled.files).await?;
        let (files, repeats) = (pulled.files.clone(), pulled.repeats.clone());
        let (input, key) = (input.clone(), pull::verify_key(request, input)?);
        let spread = Spread::of_files(&input.format, &files);
        let frame = aside(move || load_among(&input, files, repeats, key.as_ref(), spread)).await?;
        frames.push(frame.context("reading the files of a later period again").map_err(input_data)?);
    }
    Ok(frames)
}

fn input_data(error: anyhow::Error) -> Failure {
    Failure::new(ExitCode::InputData, error)
}
