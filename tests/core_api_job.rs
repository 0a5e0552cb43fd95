//! The shipped jobs of Core API, as a newcomer runs them, against the truth of the samples.

use crate::support::newcomer::Newcomer;

const DAY: &str = "2025-03-19";

#[test]
fn the_days_movements_show_exactly_the_breaks_of_their_truth() {
    let newcomer = Newcomer::of("core_api");
    newcomer.run("core-movements", DAY, 0);
    let run = format!("core-movements/{DAY}/1");
    assert_eq!(newcomer.breaks(&run), newcomer.truth(&format!("truth-core-movements-{DAY}")));
    let summary = newcomer.summary(&run);
    assert_eq!(summary["verdict"]["ties_out"], true);
}

#[test]
fn the_days_balances_show_exactly_the_breaks_of_their_truth() {
    let newcomer = Newcomer::of("core_api");
    newcomer.run("core-balances", DAY, 0);
    let run = format!("core-balances/{DAY}/1");
    assert_eq!(newcomer.breaks(&run), newcomer.truth(&format!("truth-core-balances-{DAY}")));
    assert_eq!(newcomer.summary(&run)["verdict"]["ties_out"], true);
}
