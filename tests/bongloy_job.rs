//! The shipped jobs of Bongloy, as a newcomer runs them, against the truth of the samples.

use serde_json::{Value, json};

use crate::support::newcomer::Newcomer;

const DAY: &str = "2025-03-19";

#[test]
fn the_days_transactions_show_exactly_the_breaks_of_their_truth() {
    let newcomer = Newcomer::of("bongloy");
    newcomer.run("bongloy-transactions", DAY, 0);
    let run = format!("bongloy-transactions/{DAY}/1");
    assert_eq!(newcomer.breaks(&run), newcomer.truth(&format!("truth-bongloy-transactions-{DAY}")));
    assert_eq!(newcomer.summary(&run)["verdict"]["ties_out"], true);
}

#[test]
fn balances_show_exactly_the_breaks_of_their_truth() {
    let newcomer = Newcomer::of("bongloy");
    newcomer.run("bongloy-balances", DAY, 0);
    let run = format!("bongloy-balances/{DAY}/1");
    assert_eq!(newcomer.breaks(&run), newcomer.truth(&format!("truth-bongloy-balances-{DAY}")));
    assert_eq!(newcomer.summary(&run)["verdict"]["ties_out"], true);
}

/// The day before: one top-up is still pending, one is refused, and one more stands there that is gone a day later.
fn as_the_day_before(text: &str) -> (String, String) {
    let mut list: Value = serde_json::from_str(text).unwrap();
    let data = list["data"].as_array_mut().unwrap();
    let topups: Vec<usize> = (0..data.len())
        .filter(|at| data[*at]["attributes"]["created_at"].as_str().unwrap().starts_with("2025-03-16"))
        .collect();
    data[topups[0]]["attributes"]["status"] = json!("pending");
    data[topups[1]]["attributes"]["status"] = json!("refused");
    let changed = data[topups[1]]["id"].as_str().unwrap().to_owned();
    let mut gone = data[topups[2]].clone();
    gone["id"] = json!("00000000-gone");
    data.insert(0, gone);
    (list.to_string(), changed)
}

#[test]
fn a_status_that_is_not_what_it_was_the_day_before_is_told_and_what_is_gone_too() {
    let newcomer = Newcomer::of("bongloy");
    let list = "samples/bongloy/balance_transactions.json";
    let mut changed = String::new();
    let mut today = String::new();
    newcomer.change(list, |text| {
        today.clone_from(&text);
        let (before, id) = as_the_day_before(&text);
        changed = id;
        before
    });
    let header = "transaction_id,account,cents,currency,state,booked_at\n";
    std::fs::write(newcomer.path("samples/data/bongloy-2025-03-18.csv"), header).unwrap();
    newcomer.run("bongloy-transactions", "2025-03-18", 0);
    assert_eq!(newcomer.breaks("bongloy-transactions/2025-03-18/1"), Vec::<[String; 4]>::new());

    newcomer.change(list, |_| today);
    newcomer.run("bongloy-transactions", DAY, 0);
    let mut wanted = newcomer.truth(&format!("truth-bongloy-transactions-{DAY}"));
    let told = |key: &str, kind: &str| [key, kind, "USD", "transaction_amount"].map(str::to_owned);
    wanted.push(told(&changed, "status_changed"));
    wanted.push(told("00000000-gone", "row_vanished"));
    wanted.sort();
    assert_eq!(newcomer.breaks(&format!("bongloy-transactions/{DAY}/1")), wanted);
    let report = newcomer.path(&format!("sandbox/runs/bongloy-transactions/{DAY}/1/report.html"));
    let report = std::fs::read_to_string(report).unwrap();
    // Neither break says anything of the ledger.
    assert_eq!(report.matches("not looked at").count(), 2, "{report}");
}
