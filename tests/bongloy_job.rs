//! The shipped jobs of Bongloy, as a newcomer runs them, against the truth of the samples.

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
