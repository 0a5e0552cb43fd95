//! How long runs wait, together, for what the provider tells later.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A wait that several runs share: what one of them has waited is gone for the others.
///
/// The results of files that go out one after the other come one after the other, too, and any later run of the job
/// hears them: a backfill that waited for each of a year's days would wait for hours, and know no more.
#[derive(Debug)]
pub struct Patience {
    left_ms: AtomicU64,
}

impl Patience {
    /// All of `wait` is left.
    pub fn new(wait: Duration) -> Self {
        Self { left_ms: AtomicU64::new(millis(wait)) }
    }

    /// Takes `wanted`, or what is left of it; nothing when it is used up.
    pub fn take(&self, wanted: Duration) -> Duration {
        let wanted_ms = millis(wanted);
        let mut left_ms = self.left_ms.load(Ordering::Relaxed);
        loop {
            let taken_ms = wanted_ms.min(left_ms);
            let rest_ms = left_ms - taken_ms;
            match self.left_ms.compare_exchange_weak(left_ms, rest_ms, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Duration::from_millis(taken_ms),
                Err(other_ms) => left_ms = other_ms,
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
