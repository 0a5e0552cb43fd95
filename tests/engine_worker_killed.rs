//! A worker of a cluster that is killed in the middle of a comparison changes nothing of it.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use tieout::frames::Side;
use tieout::job::Sign;

use crate::engine_rows::{input, two_sides};
use crate::reading_support::{CSV, Shelf};
use crate::support::engine::{address, both};

/// Every hundredth row differs.
fn day(rows: u32, side: Side) -> String {
    let mut text = "id,amount,currency,status,at,user,card\n".to_owned();
    for row in 0..rows {
        let cents = if side == Side::Ledger && row % 100 == 0 { "51" } else { "50" };
        let _ = writeln!(text, "T{row},12.{cents},USD,SETTLED,2025-03-19T10:00:00Z,user-{},4321", row % 1_000);
    }
    text
}

/// The executors of the Spark server that the script has started, and of no other.
fn executors(server: &str) -> Vec<String> {
    let found = Command::new("pgrep").args(["-P", server, "-f", "CoarseGrainedExecutorBackend"]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs a cluster at TIEOUT_TEST_ENGINE and its process at TIEOUT_TEST_ENGINE_SERVER"]
fn a_worker_killed_in_the_middle_changes_nothing() {
    let (Some(_), Ok(server)) = (address(), std::env::var("TIEOUT_TEST_ENGINE_SERVER")) else { return };
    let shelf = Shelf::new();
    let inputs = [Side::File, Side::Ledger].map(|side| {
        let file = shelf.file(&format!("{side}.csv"), day(600_000, side).as_bytes());
        (input(side, CSV, Sign::Signed, chrono_tz::UTC), vec![file])
    });
    let before = executors(&server);
    assert!(before.len() > 1, "the cluster has {} executors", before.len());
    let victim = before[0].clone();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(4));
        Command::new("kill").args(["-KILL", &victim]).status().unwrap().success()
    });
    both(&two_sides(), &inputs);
    assert!(killer.join().unwrap());
    assert!(!executors(&server).contains(&before[0]));
}
