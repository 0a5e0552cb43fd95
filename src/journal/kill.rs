//! For the crash tests: ends this process as `kill -9` does at a named point, when the environment asks for it.
//!
//! `TIEOUT_KILL_BEFORE=NAME` and `TIEOUT_KILL_AFTER=NAME`; `NAME:3` is the third time that the process comes by.
//! Builds without debug assertions have no such variables.

use std::sync::atomic::{AtomicU32, Ordering};

/// Just before the thing of that name is done.
pub fn before(name: &str) {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    point("TIEOUT_KILL_BEFORE", name, &PASSED);
}

/// Just after it.
pub fn after(name: &str) {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    point("TIEOUT_KILL_AFTER", name, &PASSED);
}

fn point(variable: &str, name: &str, passed: &AtomicU32) {
    if strikes(variable, name, passed) {
        die();
    }
}

/// Whether the environment asks for this point, and for this time of passing it.
fn strikes(variable: &str, name: &str, passed: &AtomicU32) -> bool {
    if !cfg!(debug_assertions) {
        return false;
    }
    let Ok(asked) = std::env::var(variable) else { return false };
    let (wanted, nth) = match asked.rsplit_once(':') {
        Some((wanted, nth)) => (wanted, nth.parse().unwrap_or(1)),
        None => (asked.as_str(), 1),
    };
    // Only the point that is asked for is counted, so one counter a variable is enough.
    wanted == name && passed.fetch_add(1, Ordering::Relaxed) + 1 == nth
}

fn die() -> ! {
    let _ = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    // Where there is no `kill` command: the nearest thing, no destructor runs either.
    std::process::abort();
}

/// While something is awaited: ends the process a moment later when `TIEOUT_KILL_AFTER=wait` asks for it; else never
/// returns. `wait:3` is the third thing that is awaited, however soon the first two came.
pub async fn while_waiting() {
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    if strikes("TIEOUT_KILL_AFTER", "wait", &BEGUN) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        die();
    }
    std::future::pending::<()>().await;
}
