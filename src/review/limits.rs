//! How often somebody may fail to sign in. Pure: the time is given.
//!
//! What counts is first of all a name from one address, so that whoever guesses at one name keeps nobody else out. A name
//! from everywhere and an address for all names are bounded far more widely, and not at all for those who have signed in
//! from there before: nobody is kept out by strangers.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Failures of a name from one address that cost nothing.
    pub free: u32,
    /// Failures of a name from everywhere, and of an address for all names, that cost nothing.
    pub free_wide: u32,
    /// After those: until the next try. Doubled with each more of a name from one address.
    pub wait: Duration,
    /// Never longer; after so long without a failure all is forgotten.
    pub most_wait: Duration,
    /// Entries of failures in the journal within a minute, over all.
    pub entries: u32,
}

impl Default for Pace {
    fn default() -> Self {
        let (wait, most_wait) = (Duration::from_secs(30), Duration::from_mins(15));
        Self { free: 5, free_wide: 60, wait, most_wait, entries: 20 }
    }
}

/// So many names and addresses are remembered; of more, those are forgotten that have failed the longest time ago.
const MOST_KNOWN: usize = 10_000;
const MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Pair(String, IpAddr),
    Name(String),
    Guest(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Who has failed, and how often.
#[derive(Debug)]
pub struct Limits {
    pace: Pace,
    failures: HashMap<Who, Failures>,
    /// Those who have signed in before.
    friends: HashSet<(String, IpAddr)>,
    /// The minute of the entries that are counted.
    entries: Option<(Instant, u32)>,
    /// Failures without an entry since the last one that has one.
    unwritten: u64,
}

impl Limits {
    pub fn new(pace: Pace) -> Self {
        Self { pace, failures: HashMap::new(), friends: HashSet::new(), entries: None, unwritten: 0 }
    }

    /// Counts a try before it is looked at, as if it failed: many at once are no way around. The error is how long to
    /// wait; the try is not counted then, and must not be looked at.
    ///
    /// # Errors
    /// When there were too many.
    pub fn attempt(&mut self, name: &str, guest: IpAddr, now: Instant) -> Result<(), Duration> {
        let whos = self.whos(name, guest);
        let wait = whos.iter().filter_map(|who| self.wait(who, now)).max();
        if let Some(wait) = wait {
            return Err(wait);
        }
        for who in whos {
            self.make_room(now);
            let most_wait = self.pace.most_wait;
            let failures = self.failures.entry(who).or_insert(Failures { count: 0, last: now });
            if now.duration_since(failures.last) > most_wait {
                failures.count = 0;
            }
            *failures = Failures { count: failures.count.saturating_add(1), last: now };
        }
        Ok(())
    }

    /// The last try was good.
    pub fn succeeded(&mut self, name: &str, guest: IpAddr) {
        for who in self.whos(name, guest) {
            match who {
                Who::Pair(..) => {
                    self.failures.remove(&who);
                }
                Who::Name(_) | Who::Guest(_) => {
                    if let Some(failures) = self.failures.get_mut(&who) {
                        failures.count = failures.count.saturating_sub(1);
                    }
                }
            }
        }
        if self.friends.len() < MOST_KNOWN {
            self.friends.insert((folded(name), guest));
        }
    }

    /// Whether a failure gets an entry in the journal: then, how many before it got none.
    pub fn entry(&mut self, now: Instant) -> Option<u64> {
        let written = match self.entries {
            Some((since, written)) if now.duration_since(since) < MINUTE => (since, written),
            _ => (now, 0),
        };
        if written.1 >= self.pace.entries {
            self.unwritten = self.unwritten.saturating_add(1);
            return None;
        }
        self.entries = Some((written.0, written.1 + 1));
        Some(std::mem::take(&mut self.unwritten))
    }

    fn whos(&self, name: &str, guest: IpAddr) -> Vec<Who> {
        let name = folded(name);
        let pair = Who::Pair(name.clone(), guest);
        if self.friends.contains(&(name.clone(), guest)) {
            return vec![pair];
        }
        vec![pair, Who::Name(name), Who::Guest(guest)]
    }

    fn wait(&self, who: &Who, now: Instant) -> Option<Duration> {
        let Failures { count, last } = *self.failures.get(who)?;
        let wait = match who {
            Who::Pair(..) => {
                let over = count.checked_sub(self.pace.free)?;
                self.pace.wait.saturating_mul(1 << over.min(16)).min(self.pace.most_wait)
            }
            Who::Name(_) | Who::Guest(_) => {
                count.checked_sub(self.pace.free_wide)?;
                self.pace.wait / 10
            }
        };
        (last + wait).checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    fn make_room(&mut self, now: Instant) {
        if self.failures.len() < MOST_KNOWN {
            return;
        }
        let most_wait = self.pace.most_wait;
        self.failures.retain(|_, failures| now.duration_since(failures.last) <= most_wait);
        if self.failures.len() >= MOST_KNOWN {
            let mut times: Vec<Instant> = self.failures.values().map(|failures| failures.last).collect();
            times.sort_unstable();
            let middle = times[times.len() / 2];
            self.failures.retain(|_, failures| failures.last > middle);
        }
    }
}

/// The beginning is enough to tell names apart, and bounds what is kept.
fn folded(name: &str) -> String {
    name.trim().to_lowercase().chars().take(100).collect()
}
