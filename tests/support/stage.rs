//! The shipped samples after two attempts, people of every role, and the pages of `tieout serve --review-only` on a free
//! port: what the tests of browsers look at and decide about.

use serde_json::Value;
use tokio::runtime::Runtime;

use super::browser::Browser;
use super::house::{PASSWORD, PEOPLE, hash};
use super::project::{DAY, TestProject};
use crate::browser_review::Pages;
use crate::schedule_plan::job_text;

/// The second attempt, which rosa has started: two audits and two markers wait, one audit is in doubt.
pub(crate) const RUN: &str = "rewards-daily/2025-03-19/2";
/// A run of [`MANY_BREAKS`] breaks.
pub(crate) const MANY: &str = "many/2025-03-19/1";
pub(crate) const MANY_BREAKS: usize = 230;
/// Whose audit was sent without an answer.
pub(crate) const DOUBTED: &str = "txn-0319-0012";
/// A reviewer beside rosa.
pub(crate) const OTHER_REVIEWER: &str = "rolf";

pub(crate) struct Stage {
    pub(crate) project: TestProject,
    pub(crate) pages: Pages,
    /// For the test; the project has one of its own.
    pub(crate) runtime: Runtime,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let project = TestProject::shipped("  - {on: audits, nth: 1, do: reset_after}\n");
        let rules = String::from_utf8(project.read("jobs/rewards-daily.yaml")).unwrap();
        let four_eyes = rules.replacen("    limit: 200", "    distinct: true\n    limit: 200", 1);
        assert_ne!(rules, four_eyes, "the shipped job asks for approval");
        project.write("jobs/rewards-daily.yaml", four_eyes);
        let run = |by: &str| project.run(&["run", "rewards-daily", "--period", DAY, "--by", by]);
        run("dana").ended_with(0);
        let first = format!("rewards-daily/{DAY}/1");
        let listed = project.run(&["effects", &first, "--transaction", DOUBTED, "--format", "json"]).ended_with(0);
        let effects: Value = serde_json::from_str(&listed.stdout).unwrap();
        let id = effects[0]["effect"].as_str().unwrap();
        project.run(&["approve", id, "--run", &first, "--by", "Mara Lind"]).ended_with(0);
        run("rosa").ended_with(20);

        project.write("jobs/many.yaml", job_text("many", "day", "{cron: \"0 9 1 1 *\", catchup: 1}"));
        let rows: Vec<String> = (0..MANY_BREAKS).map(|row| format!("t-{row:04},{}.00\n", row % 90 + 1)).collect();
        let rows = rows.concat();
        project.write(&format!("data/file-{DAY}.csv"), format!("id,amount\n{rows}"));
        // The shipped ledgers are those of another job.
        let job = String::from_utf8(project.read("jobs/many.yaml")).unwrap();
        project.write("jobs/many.yaml", job.replace("ledger-{period}", "books-{period}"));
        project.write(&format!("data/books-{DAY}.csv"), "id,amount\n");
        project.run(&["run", "many", "--period", DAY]).ended_with(0);

        let hash = hash();
        let people = PEOPLE.map(|(name, role)| (name, role.name())).into_iter().chain([(OTHER_REVIEWER, "reviewer")]);
        let users: Vec<String> = people
            .map(|(name, role)| format!("    {name}: {{role: {role}, password: '{}'}}\n", hash.as_str()))
            .collect();
        let pages = Pages::with(&project, &format!("  users:\n{}", users.concat()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { project, pages, runtime }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.pages.base)
    }

    /// What a command says as JSON.
    pub(crate) fn told(&self, arguments: &[&str]) -> Value {
        let told = self.project.run(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told:?}"))
    }

    /// The effect for a transaction.
    pub(crate) fn effect(&self, transaction: &str) -> Value {
        self.told(&["effects", "rewards-daily", "--transaction", transaction])[0].clone()
    }

    /// The id of the break of this kind for this key.
    pub(crate) fn a_break(&self, kind: &str, key: &str) -> String {
        let listed = self.told(&["breaks", "list", "rewards-daily"]);
        let found = listed.as_array().unwrap().iter().find(|one| one["kind"] == kind && one["key"] == key);
        found.unwrap_or_else(|| panic!("no {kind} of {key}: {listed}"))["break"].as_str().unwrap().to_owned()
    }

    /// Every entry of the journal, from the first.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let lines = self.project.run(&["journal", "export"]).ended_with(0).stdout;
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"].clone()).collect()
    }

    /// The event that the journal has kept last.
    pub(crate) fn last(&self) -> Value {
        self.entries().pop().expect("the journal has entries")["event"].clone()
    }

    /// Somebody comes in place of whoever was there.
    pub(crate) async fn signs_in(&self, browser: &Browser, name: &str) {
        browser.open(&self.at("/sign-in")).await;
        if browser.count("form.who").await > 0 {
            browser.press("Sign out").await;
            browser.has("Password").await;
        }
        browser.fill("#name", name).await;
        browser.fill("#password", PASSWORD).await;
        browser.press("Sign in").await;
        browser.has("Sign out").await;
        browser.has(&format!("{name} (")).await;
    }
}
