//! What is done about each period of a range: pure, from what the journal knows of its runs.

use std::collections::{BTreeMap, HashMap};

use crate::job::{ApprovalRule, Job, SendApproval};
use crate::journal::{PeriodEnd, PlannedPeriod, Reprocess, RunRecord, RunStatus};
use crate::period::Period;

/// One period of a backfill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub period: Period,
    pub todo: Todo,
    /// Attempts that the journal knows of when the backfill begins.
    pub known_attempts: u32,
    /// In words, for people: the last run, and what became of it.
    pub why: String,
}

/// What is done about a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Todo {
    Run,
    Skip,
    /// It has been run to its end since the backfill began, but that does not stand on the backfill's list yet.
    Record(Box<RunRecord>),
}

impl Line {
    pub fn is_to_run(&self) -> bool {
        self.todo == Todo::Run
    }

    /// As the journal keeps it when the backfill begins.
    pub fn planned(&self) -> PlannedPeriod {
        PlannedPeriod {
            period: self.period.label.clone(),
            known_attempts: self.known_attempts,
            skipped: (!self.is_to_run()).then(|| self.why.clone()),
        }
    }
}

/// The lines of a new backfill, in the order of the periods. `runs` are those of its range, in the order in which they
/// were started.
pub fn begin(periods: Vec<Period>, runs: &[RunRecord], reprocess: Reprocess) -> Vec<Line> {
    let runs = by_period(runs);
    let line = |period: Period| {
        let of_period = runs.get(period.label.as_str()).map_or(&[][..], Vec::as_slice);
        let known_attempts = of_period.iter().map(|run| run.attempt).max().unwrap_or(0);
        let (todo, why) = choose(of_period, reprocess);
        Line { period, todo, known_attempts, why }
    };
    periods.into_iter().map(line).collect()
}

fn choose(runs: &[&RunRecord], reprocess: Reprocess) -> (Todo, String) {
    let Some(last) = runs.last() else {
        return match reprocess {
            Reprocess::Missing | Reprocess::All => (Todo::Run, "never run".to_owned()),
            Reprocess::Failed => (Todo::Skip, "never run".to_owned()),
        };
    };
    // Of the finished runs the last one counts: it may have found more to send, and left it unsent.
    let finished = runs.iter().rev().find(|run| run.status.is_finished());
    let good = match reprocess {
        Reprocess::All => None,
        Reprocess::Missing => finished.filter(|run| run.ended_well()),
        Reprocess::Failed => Some(last).filter(|run| run.ended_well()),
    };
    match good {
        Some(run) => (Todo::Skip, told(run)),
        None => (Todo::Run, told(last)),
    }
}

/// What was approved since its period ended is left unsent: such a period is run, too. `approved` counts by label.
pub fn with_approved(lines: &mut [Line], approved: &BTreeMap<String, usize>) {
    for line in lines.iter_mut().filter(|line| !line.is_to_run()) {
        let Some(count) = approved.get(&line.period.label) else { continue };
        let what = if *count == 1 { "1 effect is".to_owned() } else { format!("{count} effects are") };
        line.todo = Todo::Run;
        line.why = format!("{}; {what} approved and not sent", line.why);
    }
}

/// Sealed periods (label → the sealed run) are done, whatever became of later attempts. A backfill that `goes_on` has
/// counted them when it was begun: they are written down as done.
pub fn without_sealed(lines: &mut [Line], sealed: &BTreeMap<String, RunRecord>, goes_on: bool) {
    for line in lines.iter_mut().filter(|line| line.is_to_run()) {
        let Some(run) = sealed.get(&line.period.label) else { continue };
        line.todo = if goes_on { Todo::Record(Box::new(run.clone())) } else { Todo::Skip };
        line.why = format!("sealed with {}", run.id);
    }
}

/// The lines of a backfill that is gone on with, in the order of the periods.
pub fn resume(periods: Vec<Period>, planned: &[PlannedPeriod], ends: &[PeriodEnd], runs: &[RunRecord]) -> Vec<Line> {
    let runs = by_period(runs);
    let planned: HashMap<&str, &PlannedPeriod> = planned.iter().map(|line| (line.period.as_str(), line)).collect();
    let done: HashMap<&str, &PeriodEnd> =
        ends.iter().filter(|end| end.well).map(|end| (end.period.as_str(), end)).collect();
    let line = |period: Period| {
        let label = period.label.as_str();
        // Labels resolve to the same periods unless the zone's rules have changed meanwhile.
        let known_attempts = planned.get(label).map_or(0, |line| line.known_attempts);
        let of_period = runs.get(label).map_or(&[][..], Vec::as_slice);
        let since = of_period.iter().rev().find(|run| run.attempt > known_attempts && run.ended_well());
        let (todo, why) = match (planned.get(label).and_then(|line| line.skipped.clone()), done.get(label), since) {
            (Some(why), ..) => (Todo::Skip, why),
            (None, Some(end), _) => {
                (Todo::Skip, end.run.as_ref().map_or("done".to_owned(), |run| format!("done by {run}")))
            }
            (None, None, Some(run)) => (Todo::Record(Box::new((*run).clone())), told(run)),
            (None, None, None) => (Todo::Run, of_period.last().map_or("never run".to_owned(), |run| told(run))),
        };
        Line { period, todo, known_attempts, why }
    };
    periods.into_iter().map(line).collect()
}

fn by_period(runs: &[RunRecord]) -> HashMap<&str, Vec<&RunRecord>> {
    let mut found: HashMap<&str, Vec<&RunRecord>> = HashMap::new();
    for run in runs {
        found.entry(&run.period).or_default().push(run);
    }
    found
}

/// How a run ended, in a few words.
fn told(run: &RunRecord) -> String {
    let code = run.exit_code.unwrap_or_default();
    match run.status {
        RunStatus::Running => format!("{} has not ended", run.id),
        RunStatus::Interrupted => format!("{} was interrupted", run.id),
        RunStatus::Failed => format!("{} failed ({code})", run.id),
        RunStatus::Done | RunStatus::GateBreached if run.ended_well() => format!("done by {}", run.id),
        RunStatus::Done | RunStatus::GateBreached if run.ties_out == Some(false) => {
            format!("{} does not tie out ({code})", run.id)
        }
        RunStatus::Done | RunStatus::GateBreached => format!("{} left something unsent ({code})", run.id),
    }
}

/// `2025-03-01 to 2025-03-18, 2025-03-20`: the periods to be run. After a dozen stretches the rest is counted.
pub fn stretches(lines: &[Line]) -> String {
    const MOST: usize = 12;
    let mut found: Vec<(&str, &str, usize)> = Vec::new();
    let mut follows = false;
    for line in lines {
        let label = line.period.label.as_str();
        match found.last_mut().filter(|_| follows) {
            Some(stretch) if line.is_to_run() => *stretch = (stretch.0, label, stretch.2 + 1),
            _ if line.is_to_run() => found.push((label, label, 1)),
            _ => {}
        }
        follows = line.is_to_run();
    }
    let words = |(first, last, count): &(&str, &str, usize)| match count {
        1 => (*first).to_owned(),
        _ => format!("{first} to {last}"),
    };
    let mut text = found.iter().take(MOST).map(words).collect::<Vec<_>>().join(", ");
    let rest: usize = found.iter().skip(MOST).map(|(_, _, count)| count).sum();
    if rest > 0 {
        text = format!("{text} and {rest} more; --dry-run lists them");
    }
    text
}

/// What a job sends without asking a person, in words; none: it sends nothing of its own accord.
///
/// What waits approved in the journal is not looked at here: see [`super::Proposal`].
pub fn sends_unasked(job: &Job) -> Vec<&'static str> {
    if let Some(sending) = job.sending() {
        return if sending.approval == SendApproval::None { vec!["transactions"] } else { Vec::new() };
    }
    let Some(effects) = job.effects() else { return Vec::new() };
    let unasked = |rule: &ApprovalRule| *rule != ApprovalRule::Required;
    let audits = effects.provider_audit.as_ref().is_some_and(|rule| unasked(&rule.caution.approval));
    let markers = effects.fraud_marker.as_ref().is_some_and(|rule| unasked(&rule.caution.approval));
    let words = [(audits, "audits"), (markers, "fraud markers")];
    words.into_iter().filter_map(|(sends, word)| sends.then_some(word)).collect()
}
