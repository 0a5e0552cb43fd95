//! What effects cost in commits: each waits for the disk, so there is one for a call and never one for an effect.
//! Nothing is timed here.

use std::fmt::Write as _;
use std::path::Path;

use tempfile::TempDir;
use tieout::effects::State;
use tieout::journal::{EffectFilter, Journal};
use tieout::pipeline::{self, Finished, Request};
use tieout::project::Project;
use tieout::sandbox::{Options, Sandbox};

use crate::support::project::settled;
use crate::support::{self, write_samples};

const PERIOD: &str = "2025-03-19";
const HEADER: &str = "id,user,merchant,amount,currency,at\n";

/// What a run writes besides: its lease, its start and its end, its inputs, a mark for each step, its plan.
const OF_THE_RUN: u64 = 16;

/// What one run came to: itself, the calls that the provider received, the commits.
struct Cost {
    finished: Finished,
    calls: u64,
    commits: u64,
}

/// One run over `count` rows that only the file has, each of a user of its own, and `effect` for every one of them.
async fn run(count: usize, effect: &str) -> Cost {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let both = "both,u,Diner,10.00,USD,2025-03-19T01:00:00Z\n";
    let mut file = [HEADER, both].concat();
    for row in 0..count {
        writeln!(file, "t-{row:05},u-{row:05},Arcade,1.00,USD,2025-03-19T02:00:00Z").unwrap();
    }
    for place in ["jobs", "samples/data", "provider"] {
        std::fs::create_dir_all(root.join(place)).unwrap();
    }
    write_samples(&root.join("provider"), &[settled(file.as_bytes())]);
    std::fs::write(root.join(format!("samples/data/ledger-{PERIOD}.csv")), [HEADER, both].concat()).unwrap();
    std::fs::write(root.join("jobs/rewards.yaml"), job(effect)).unwrap();
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tieout.yaml"), root.join("tieout.yaml")).unwrap();

    let sandbox = Sandbox::start(Options::new(root.join("provider"))).await.unwrap();
    let mut project = Project::load(root).unwrap().with_sandbox(&sandbox.base_url);
    // However slow the machine: it is not renewed while this runs.
    project.lease = std::time::Duration::from_hours(24);
    let job = tieout::job::load::load(&project, "rewards").unwrap_or_else(|problems| panic!("{problems}"));
    let request = Request { sandbox: true, ..support::request(project, job, PERIOD) };
    let journal = Journal::open(&request.project.state).await.unwrap();
    let finished = pipeline::run(&request, &journal, std::future::pending()).await.unwrap();
    let acknowledged = EffectFilter { states: vec![State::Acknowledged], ..EffectFilter::default() };
    assert_eq!(journal.effects(&acknowledged).await.unwrap().len(), count);
    // Proposed, approved, in flight, acknowledged; its break opened and, by an audit, disputed.
    let of_breaks = if effect == "provider_audit" { 2 } else { 1 };
    assert_eq!(journal.anchor().await.unwrap().sequence, (4 + of_breaks) * count as u64);
    let calls = sandbox.received().iter().filter(|request| request.body.is_some()).count() as u64;
    Cost { finished, calls, commits: journal.commits() }
}

fn job(effect: &str) -> String {
    let columns = "columns: {transaction_id: id, user: user, merchant: merchant, amount: {column: amount, unit: major}, \
                   currency: currency, occurred_at: at}";
    format!(
        "job: rewards\nperiod: {{grain: day, timezone: UTC}}\ninputs:\n  file:\n    provider: kard\n    \
         file_type: earnedRewardSettledDailyReconciliationFile\n    name: \"settled-{{period}}\"\n    {columns}\n  \
         ledger:\n    path: \"ledger-{{period}}.csv\"\n    {columns}\nmatch:\n  compare: {{amount: {{tolerance: 0}}, \
         currency: exact}}\nreport: [json]\neffects:\n  rate: 100000/s\n  concurrency: 8\n  {effect}: {{for: \
         [missing_in_ledger], approval: none}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_markers_take_about_one_commit_for_each_call_of_five_hundred() {
    let cost = Box::pin(run(10_000, "fraud_marker")).await;
    assert_eq!((cost.finished.facts.breaks.len(), cost.calls), (10_000, 20));
    // The intents of what leaves stand in one commit with the outcomes of what has landed.
    assert!(cost.commits <= cost.calls + 1 + OF_THE_RUN, "{} commits for {} calls", cost.commits, cost.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn audits_of_a_thousand_users_take_far_fewer_commits_than_intents_and_outcomes() {
    let cost = Box::pin(run(1_000, "provider_audit")).await;
    assert_eq!((cost.finished.facts.breaks.len(), cost.calls), (1_000, 1_000));
    assert!(cost.commits <= cost.calls + 1 + OF_THE_RUN, "{} commits for {} calls", cost.commits, cost.calls);
}
