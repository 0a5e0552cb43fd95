//! For the crash tests: ends this process as `kill -9` does at a named point, or stops it there as `kill -STOP` does,
//! when the environment asks for it.
//!
//! `TIEOUT_KILL_BEFORE=NAME` and `TIEOUT_KILL_AFTER=NAME`; `NAME:3` is the third time that the process comes by.
//! `TIEOUT_STOP_BEFORE` and `TIEOUT_STOP_AFTER` likewise; `kill -CONT` lets it go on.
//! Builds without debug assertions have no such variables.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Just before the thing of that name is done.
pub fn before(name: &str) {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    static PAUSED: AtomicU32 = AtomicU32::new(0);
    point("TIEOUT_KILL_BEFORE", name, &PASSED, end);
    point("TIEOUT_STOP_BEFORE", name, &PAUSED, pause);
}

/// Just after it.
pub fn after(name: &str) {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    static PAUSED: AtomicU32 = AtomicU32::new(0);
    point("TIEOUT_KILL_AFTER", name, &PASSED, end);
    point("TIEOUT_STOP_AFTER", name, &PAUSED, pause);
}

fn point(variable: &str, name: &str, passed: &AtomicU32, what: fn()) {
    if strikes(variable, name, passed) {
        what();
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

fn signal_self(signal: &str) {
    let _ = std::process::Command::new("kill").args([signal, &std::process::id().to_string()]).status();
}

fn end() {
    signal_self("-9");
    // Where there is no `kill` command: the nearest thing, no destructor runs either.
    std::process::abort();
}

fn pause() {
    signal_self("-STOP");
    // It may take a moment until this thread is stopped too; it must not go on before.
    std::thread::sleep(Duration::from_millis(150));
    // Continued: other threads first hear the signals that came meanwhile.
    std::thread::sleep(Duration::from_millis(150));
}

/// While something is awaited: ends the process a moment later when `TIEOUT_KILL_AFTER=wait` asks for it; else never
/// returns. `wait:3` is the third thing that is awaited, however soon the first two came.
pub async fn while_waiting() {
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    if strikes("TIEOUT_KILL_AFTER", "wait", &BEGUN) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        end();
    }
    std::future::pending::<()>().await;
}
