//! Top-ups under an idempotency key, from breaks to the provider: however often one is sent, it is paid once.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::effect_project::states;
use crate::support::project::{DAY, TestProject};

/// The master wallet holds exactly what both top-ups need.
const WORLD: &str = r#"{"master_balance": {"USD": "100.00"}, "users": [{"external_user_id":"emp-1","cardholder":true}],
"cards": [{"card_id":"card-1","external_user_id":"emp-1","active":true}]}"#;

const JOB: &str = "job: rewards
period: {grain: day, timezone: UTC}
inputs:
  file:
    provider: issuing
    dataset: topup_orders
    ids: {input: ledger, column: order}
    preset: card-issuing-topups
    allow_empty: true
  ledger:
    path: \"topups-{period}.csv\"
    columns: {transaction_id: order, user: user, account: card, amount: {column: amount, unit: major}, currency: currency}
match:
  compare: {amount: {tolerance: 0}, currency: exact}
effects:
  provider: issuing
  rate: 1000/s
  concurrency: 1
  card_top_up: {for: [missing_in_file], approval: none}
";

fn project(ledger: &str, faults: &str) -> TestProject {
    let mut project = TestProject::empty();
    project.write("card_issuing/world.json", WORLD);
    project.write("card_issuing/orders.json", json!({ "card_orders": [], "topup_orders": [] }).to_string());
    project.serve(&[], faults);
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let line = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap().to_owned();
    let more = format!(
        "  issuing:\n    type: card_issuing\n    base_url: {}/card_issuing\n    api_key: {{file: key}}\n    \
         encryption_key: {{file: envelope}}\n    paths: {{card_order: /orders/card, topup_order: /orders/topup}}\n    \
         http: {}\n",
        line("base_url: "),
        line("http: ")
    );
    project.write("tieout.yaml", text.clone() + &more);
    project.write("key", "sandbox-issuing-key");
    project.write("envelope", "c2FuZGJveC1rZXktb2YtZW5jcnlwdGVkLWJvZGllcyE=");
    project.write("jobs/rewards.yaml", JOB);
    project.write(&format!("data/topups-{DAY}.csv"), format!("order,user,card,amount,currency\n{ledger}"));
    project
}

const BOTH: &str = "top-1,emp-1,card-1,60.00,USD\ntop-2,emp-1,card-1,40.00,USD\n";

fn all(project: &TestProject) -> Vec<String> {
    let states: BTreeMap<String, String> = states(project);
    states.into_iter().map(|(transaction, state)| format!("{transaction} {state}")).collect()
}

fn arrived(project: &TestProject) -> usize {
    project.received().iter().filter(|request| request.path.ends_with("/cards/topup")).count()
}

/// Fault on the first top-up → how often one arrives. Were it paid twice, the second would find the wallet empty.
#[test]
fn a_top_up_whose_reply_is_lost_goes_again_and_is_paid_once() {
    for (fault, times) in [
        ("reset_after", 3),
        ("{status: 500, applied: true}", 3),
        ("{status: 502, applied: true}", 3),
        ("html_page", 3),
        ("malformed_json", 3),
        ("{status: 503}", 3),
    ] {
        let project = project(BOTH, &format!("- {{on: card_issuing.card_topup, nth: 1, do: {fault}}}"));
        let run = project.run_day(&[]).ended_with(0);
        assert_eq!(all(&project), ["top-1 acknowledged", "top-2 acknowledged"], "{fault}: {}", run.stderr);
        assert_eq!(arrived(&project), times, "{fault}");
        project.run_day(&[]).ended_with(0);
        assert_eq!(arrived(&project), times, "{fault}: nothing is sent again");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn a_process_that_is_killed_around_a_top_up_pays_it_once() {
    for (variable, point) in [
        ("TIEOUT_KILL_AFTER", "intent"),
        ("TIEOUT_KILL_BEFORE", "send"),
        ("TIEOUT_KILL_AFTER", "send"),
        ("TIEOUT_KILL_BEFORE", "outcome"),
    ] {
        let project = project(BOTH, "");
        let killed = project.command(&["run", "rewards", "--period", DAY]).env(variable, point).spawn().unwrap();
        assert_eq!(project.ended(killed).code, None, "{point}");
        project.provider_idle();
        project.run_day(&[]).ended_with(0);
        assert_eq!(all(&project), ["top-1 acknowledged", "top-2 acknowledged"], "{variable} {point}");
        project.run(&["journal", "verify"]).ended_with(0);
    }
}

#[test]
fn a_wallet_without_money_ends_the_sending_and_nothing_is_lost() {
    let project = project(&BOTH.replace("60.00", "160.00"), "");
    let run = project.run_day(&[]);
    assert_eq!(run.code, Some(20), "{}", run.stdout);
    assert_eq!(all(&project), ["top-1 approved", "top-2 approved"], "{}", run.stdout);
    assert!(run.stdout.contains("insufficient_funds"), "{}", run.stdout);
}

#[test]
fn a_top_up_that_names_no_card_says_what_it_lacks() {
    let project = project("top-1,emp-1,,60.00,USD\n", "");
    project.run_day(&[]).ended_with(0);
    assert_eq!(arrived(&project), 0);
    let effects = String::from_utf8(project.read(&format!("runs/rewards/{DAY}/1/effects.csv"))).unwrap();
    assert!(effects.contains("the ledger does not state the card (`account`)"), "{effects}");
}
