//! A job that was checked against another project file: the run says which provider it lacks, and where the job names it.

use tempfile::TempDir;
use tieout::exit::{ExitCode, Failure};
use tieout::job;
use tieout::pipeline;
use tieout::project::Project;

use crate::support::request;

const KARD: &str = "    type: kard
    base_url: http://127.0.0.1:9
    token_url: http://127.0.0.1:9/token
    organization: org-123
    client_id: {env: NOBODY}
    client_secret: {env: NOBODY}
    webhook_key: {env: NOBODY}
";
const KUGGAR: &str = "    type: kuggar
    base_url: http://127.0.0.1:9
    client_id: {env: NOBODY}
    client_secret: {env: NOBODY}
";
const COLUMNS: &str = "columns: {transaction_id: id, user: id, amount: amount, currency: {constant: USD}}";

/// A project of these providers.
fn project(folder: &TempDir, providers: &[(&str, &str)]) -> Project {
    let listed: Vec<String> = providers.iter().map(|(name, text)| format!("  {name}:\n{text}")).collect();
    let providers = if listed.is_empty() { String::new() } else { format!("providers:\n{}", listed.concat()) };
    let text = format!("state: sqlite:state.db\nartifacts: runs/\ndata: data/\n{providers}");
    std::fs::write(folder.path().join("tieout.yaml"), text).unwrap();
    Project::load(folder.path()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What a plan says where the job was checked with both providers, and the project now has these.
async fn refused(file: &str, more: &str, now: &[(&str, &str)]) -> Failure {
    let folder = TempDir::new().unwrap();
    for name in ["jobs", "data"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    for name in ["file.csv", "ledger.csv"] {
        std::fs::write(folder.path().join("data").join(name), "id,amount\na,100\n").unwrap();
    }
    std::fs::write(folder.path().join("data/notices.jsonl"), "").unwrap();
    let text = format!(
        "job: daily\nperiod: {{grain: day, timezone: UTC}}\ninputs:\n  file: {file}\n  ledger: {{path: ledger.csv, \
         {COLUMNS}}}\n{more}"
    );
    std::fs::write(folder.path().join("jobs/daily.yaml"), text).unwrap();
    let checked = project(&folder, &[("cards", KUGGAR), ("kard", KARD)]);
    let job = job::load(&checked, "daily").unwrap_or_else(|problems| panic!("{problems}"));
    let request = request(project(&folder, now), job, "2025-03-19");
    pipeline::plan(&request, None).await.expect_err("the provider is not as the job was checked with")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_gone_or_another_is_told_with_where_the_job_names_it() {
    let compared = "match: {compare: {amount: {tolerance: 0}}}\n";
    let local = format!("{{path: file.csv, {COLUMNS}}}");
    let file = format!("{{provider: kard, file_type: earnedRewardSettledDailyReconciliationFile, {COLUMNS}}}");
    let dataset = "{provider: cards, dataset: cards, ids: {path: ledger.csv, column: id}, format: jsonl, columns: \
                   {transaction_id: row.kuggarId, amount: {column: row.cardLimit, unit: major}, currency: \
                   row.currencyCode}}";
    let verified = "  webhooks: {path: notices.jsonl, preset: kard-notifications, verify: kard}\n";
    let (verified, plain) = (format!("{verified}{compared}"), compared.to_owned());
    let closing = format!("{compared}effects: {{provider: cards, card_delete: {{for: [missing_in_ledger]}}}}\n");
    let marking = format!("{compared}effects: {{provider: kard, fraud_marker: {{for: [missing_in_ledger]}}}}\n");
    let swapped = [("cards", KARD), ("kard", KUGGAR)];
    let kuggar = "is of type `kuggar`; expected `kard`";
    for (file, more, at, name, other) in [
        (file.as_str(), &plain, "inputs.file", "kard", Some(kuggar)),
        // Whichever it is, it is asked for the dataset.
        (dataset, &plain, "inputs.file", "cards", None),
        (&local, &verified, "inputs.webhooks.verify", "kard", Some(kuggar)),
        (
            &local,
            &closing,
            "effects",
            "cards",
            Some("is of type `kard`; expected one with cards that something can be done to"),
        ),
        (&local, &marking, "effects", "kard", Some(kuggar)),
    ] {
        let gone = Box::pin(refused(file, more, &[])).await;
        assert_eq!(gone.to_string(), format!("job daily, {at}: provider `{name}` is not in tieout.yaml"));
        assert_eq!(gone.code, ExitCode::Configuration);
        if let Some(other) = other {
            let failure = Box::pin(refused(file, more, &swapped)).await;
            assert_eq!(failure.to_string(), format!("job daily, {at}: provider `{name}` {other}"));
            assert_eq!(failure.code, ExitCode::Configuration);
        }
    }
}
