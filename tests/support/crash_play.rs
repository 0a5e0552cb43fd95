//! Scenarios of a crash campaign, some at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Plays them all, so many at once, and tells in their order what each has come to. One that panics must not hide
/// what the others find: `panicked` says what it has come to.
pub(crate) fn played<S: Sync, T: Send + Default + Clone>(
    scenarios: &[S],
    at_once: usize,
    play: impl Fn(&S) -> T + Sync,
    panicked: impl Fn(&S) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let tallies = Mutex::new(vec![T::default(); scenarios.len()]);
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(place) else { break };
            let tally = catch_unwind(AssertUnwindSafe(|| play(scenario))).unwrap_or_else(|_| panicked(scenario));
            tallies.lock().unwrap_or_else(PoisonError::into_inner)[place] = tally;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
    });
    tallies.into_inner().unwrap_or_else(PoisonError::into_inner)
}
