//! `request_timestamp` ("Decrypted payload"): microseconds since 1970, none used twice for a key and URL.
//!
//! The provider refuses what is more than 30 seconds away from its clock, and what it has seen within 30 seconds under
//! the same key and URL. So a time stamp must follow the clock and never repeat:
//!
//! - **Calls at once, a clock that stands still**: where the clock's microsecond is used, the next free one is taken.
//! - **A clock that is set back**: what was used is remembered, so nothing of it is used again. Always going on above
//!   the last stamp would do that, too, but would stay as far ahead of the clock as it was set back: a clock that was
//!   wrong and is put right would be refused for as long as it was wrong. So only what was really used is left out.
//!   (Of thousands of stamps the oldest are remembered as if all between them had been used.)
//! - **The process is restarted**: nothing is kept on disk. The stamps of the process before lie before the instant at
//!   which it ended, so the clock's own progress keeps them apart. Only if the clock was set back meanwhile, or two
//!   processes call in the same microsecond, may a stamp be used twice: then the provider answers "Duplicate request
//!   detected". A read is then simply made again, under a new stamp. So is a mutation, whose `Idempotency-Key` makes a
//!   second arrival the first order again.

use std::sync::{Mutex, PoisonError};

/// More stretches are not remembered one by one: the two oldest become one. 64 KiB, and minutes of busy calls.
const MOST_STRETCHES: usize = 4096;

/// What was used so far.
#[derive(Debug)]
pub struct Timestamps {
    /// First and last microsecond of each stretch, in order, with a free microsecond between any two.
    used: Mutex<Vec<(i64, i64)>>,
}

/// The stamps of this process: several clients may use one key.
static OF_THIS_PROCESS: Timestamps = Timestamps::new();

impl Timestamps {
    /// Nothing was used yet.
    pub const fn new() -> Self {
        Self { used: Mutex::new(Vec::new()) }
    }

    /// Those that this process shares.
    pub fn of_this_process() -> &'static Self {
        &OF_THIS_PROCESS
    }

    /// A stamp that was never used, for a clock that says `now_micros`: that very microsecond, or the next free one.
    pub fn next(&self, now_micros: i64) -> i64 {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        // The first stretch that does not end before the clock's time.
        let after = used.partition_point(|(_, last)| *last < now_micros);
        let stamp = match used.get(after) {
            Some((first, last)) if *first <= now_micros => last + 1,
            _ => now_micros,
        };
        // It ends the stretch before it, begins the one behind it, joins both, or stands alone.
        let place = used.partition_point(|(_, last)| *last < stamp);
        let ends = place.checked_sub(1).filter(|before| used[*before].1 + 1 == stamp);
        let begins = used.get(place).is_some_and(|(first, _)| stamp + 1 == *first);
        match (ends, begins) {
            (Some(before), true) => {
                used[before].1 = used[place].1;
                used.remove(place);
            }
            (Some(before), false) => used[before].1 = stamp,
            (None, true) => used[place].0 = stamp,
            (None, false) => used.insert(place, (stamp, stamp)),
        }
        if used.len() > MOST_STRETCHES {
            used[1].0 = used[0].0;
            used.remove(0);
        }
        stamp
    }
}

impl Default for Timestamps {
    fn default() -> Self {
        Self::new()
    }
}
