//! A project whose journal holds effects, for the commands by which people decide.

use chrono::DateTime;
use serde_json::json;
use tieout::effects::{Effect, Event, Standing};
use tieout::exit::ExitCode;
use tieout::journal::{Ending, Journal, NewRun, RunOutcome, RunRecord, Step, Writer};

use super::effects::{PLAN, proposed};
use super::project::TestProject;
use super::utc;

/// The first run of [`Ledger::run`] for 2025-03-19.
pub(crate) const RUN: &str = "rewards/2025-03-19/1";

/// The small project, its job `rewards`, and a journal that the test fills.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) project: TestProject,
    runtime: tokio::runtime::Runtime,
    run: Option<RunRecord>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let project = TestProject::small();
        std::fs::create_dir_all(project.path(".tieout")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { project, runtime, run: None }
    }

    fn with_journal<T>(&self, work: impl AsyncFnOnce(&Journal) -> T) -> T {
        self.runtime.block_on(async {
            let journal = Journal::open(&self.project.path(".tieout/state.db")).await.unwrap();
            let done = work(&journal).await;
            journal.close().await.unwrap();
            done
        })
    }

    /// A run whose plan has the digest [`PLAN`]; what follows is written by it.
    pub(crate) fn run(&mut self, period: &str, starter: &str) -> String {
        self.run_with_plan(period, starter, PLAN)
    }

    pub(crate) fn run_with_plan(&mut self, period: &str, starter: &str, plan: &str) -> String {
        self.run_with_detail(period, starter, &json!({ "plan": plan, "effects": 3 }))
    }

    /// A run of a job without effects.
    pub(crate) fn run_without_plan(&mut self, period: &str) -> String {
        self.run_with_detail(period, "dana", &json!({}))
    }

    fn run_with_detail(&mut self, period: &str, starter: &str, planned: &serde_json::Value) -> String {
        let new = NewRun {
            job: "rewards".to_owned(),
            period: period.to_owned(),
            note: None,
            job_sha256: "ab".repeat(32),
            program_version: "0.1.0".to_owned(),
            started_at: utc("2025-03-20T09:00:00Z"),
            sandbox: false,
            started_by: starter.to_owned(),
            lease_epoch: None,
        };
        let outcome = RunOutcome {
            ending: Ending::Done,
            exit_code: ExitCode::Done,
            breaks: Some(3),
            rows: Some(6),
            ties_out: Some(true),
            message: None,
            finished_at: utc("2025-03-20T09:05:00Z"),
            artifacts: None,
        };
        let run = self.with_journal(async |journal| {
            let run = journal.start_run(new).await.unwrap();
            for step in [Step::Pulled, Step::Normalized, Step::Matched, Step::Classified] {
                journal.mark(&run, step, json!({})).await.unwrap();
            }
            journal.mark(&run, Step::Planned, planned.clone()).await.unwrap();
            journal.mark(&run, Step::Sent, json!({})).await.unwrap();
            journal.mark(&run, Step::Reported, json!({})).await.unwrap();
            journal.finish(&run, outcome).await.unwrap()
        });
        let id = run.id.clone();
        self.run = Some(run);
        id
    }

    /// Proposes an effect of the job for 2025-03-19 and brings it on by these events.
    pub(crate) fn effect(&mut self, effect: Effect, events: &[Event]) {
        self.effect_of(effect, "2025-03-19", events);
    }

    /// The same for another period.
    pub(crate) fn effect_of(&mut self, mut effect: Effect, period: &str, events: &[Event]) {
        "rewards".clone_into(&mut effect.job);
        period.clone_into(&mut effect.period);
        self.append(&effect.id, std::iter::once(&proposed(&effect)).chain(events));
    }

    /// Each event as a person's or as the latest run's.
    pub(crate) fn append<'e>(&self, effect: &str, events: impl IntoIterator<Item = &'e Event>) {
        let run = self.run.as_ref().expect("a run comes first");
        self.with_journal(async |journal| {
            for event in events {
                let of_person = matches!(
                    event,
                    Event::Approved { .. } | Event::Refused { .. } | Event::Resolved { .. } | Event::Reopened { .. }
                );
                let writer = if of_person { Writer::Person } else { Writer::Run(run) };
                journal.append(writer, &[(effect.to_owned(), event.clone())]).await.unwrap();
            }
        });
    }

    /// Where an effect stands now.
    pub(crate) fn standing(&self, effect: &str) -> Standing {
        self.with_journal(async |journal| journal.effect(effect).await.unwrap())
    }

    /// How many entries the effect journal has.
    pub(crate) fn entries(&self) -> u64 {
        self.with_journal(async |journal| journal.anchor().await.unwrap().sequence)
    }
}

/// Times of a table, which differ from run to run, become dots.
pub(crate) fn redacted(text: &str) -> String {
    let is_time = |part: &str| part.ends_with('Z') && DateTime::parse_from_rfc3339(part).is_ok();
    let line = |line: &str| {
        let parts = line.split(' ').map(|part| if is_time(part) { ".".repeat(part.len()) } else { part.to_owned() });
        parts.collect::<Vec<_>>().join(" ")
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
