//! How fast calls may follow each other. Pure: the time is told, never read.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::job::Rate;

/// Keeps at most `rate.calls` calls within any time of `rate.per`, and the pauses that a provider asks for.
#[derive(Debug)]
pub struct Pace {
    rate: Rate,
    /// The latest calls, oldest first; never more than `rate.calls`.
    made: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

impl Pace {
    pub const fn new(rate: Rate) -> Self {
        Self { rate, made: VecDeque::new(), paused_until: None }
    }

    /// When the next call may be made, which may be in the past.
    pub fn next(&self, now: Instant) -> Instant {
        let full = self.made.len() >= self.rate.calls as usize;
        let by_rate = self.made.front().filter(|_| full).map_or(now, |oldest| *oldest + self.rate.per);
        self.paused_until.map_or(by_rate, |until| by_rate.max(until))
    }

    /// Counts a call that is made now.
    pub fn count(&mut self, now: Instant) {
        if self.made.len() >= self.rate.calls as usize {
            self.made.pop_front();
        }
        self.made.push_back(now);
    }

    /// No call before this time has passed.
    pub fn pause(&mut self, now: Instant, wait: Duration) {
        let until = now + wait;
        self.paused_until = Some(self.paused_until.map_or(until, |earlier| earlier.max(until)));
    }
}
