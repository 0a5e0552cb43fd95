//! What the protocol says becomes of each call when a run is killed at a named point: reckoned from the order of the
//! work alone, without a look at the journal or at the provider.

use std::collections::BTreeSet;
use std::fmt;

/// Either side of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    Before,
    After,
}

impl Moment {
    /// What asks the program for it.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Before => "TIEOUT_KILL_BEFORE",
            Self::After => "TIEOUT_KILL_AFTER",
        }
    }
}

/// Passed once for each call that is made.
pub(crate) const OF_CALLS: [&str; 4] = ["intent", "send", "wait", "outcome"];
/// Passed at most once in a run.
const OF_RUNS: [&str; 6] = ["recover", "plan", "planned", "sent", "reported", "finished"];

/// Where a run is killed: the nth time that it comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) moment: Moment,
    pub(crate) point: &'static str,
    pub(crate) nth: usize,
}

impl Mark {
    pub(crate) const fn before(point: &'static str, nth: usize) -> Self {
        Self { moment: Moment::Before, point, nth }
    }

    pub(crate) const fn after(point: &'static str, nth: usize) -> Self {
        Self { moment: Moment::After, point, nth }
    }

    /// Every point from both sides; the wait for a reply has no side but the one.
    pub(crate) fn all() -> Vec<Self> {
        let points = OF_RUNS.into_iter().chain(OF_CALLS);
        let both = points.flat_map(|point| [Self::before(point, 1), Self::after(point, 1)]);
        both.filter(|mark| (mark.moment, mark.point) != (Moment::Before, "wait")).collect()
    }

    /// Which side of which point, however often it is passed.
    pub(crate) const fn side(self) -> (Moment, &'static str) {
        (self.moment, self.point)
    }

    pub(crate) fn is_of_calls(self) -> bool {
        OF_CALLS.contains(&self.point)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = if self.moment == Moment::Before { "before" } else { "after" };
        write!(f, "{moment} {}", self.point)?;
        if self.nth > 1 { write!(f, ":{}", self.nth) } else { Ok(()) }
    }
}

/// The process is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Killed;

/// A mark, and how often the process has come by.
struct Clock {
    mark: Option<Mark>,
    passed: usize,
}

impl Clock {
    fn pass(&mut self, moment: Moment, point: &str) -> Result<(), Killed> {
        let Some(mark) = self.mark.filter(|mark| (mark.moment, mark.point) == (moment, point)) else { return Ok(()) };
        self.passed += 1;
        if self.passed == mark.nth { Err(Killed) } else { Ok(()) }
    }

    fn before(&mut self, point: &str) -> Result<(), Killed> {
        self.pass(Moment::Before, point)
    }

    fn after(&mut self, point: &str) -> Result<(), Killed> {
        self.pass(Moment::After, point)
    }
}

/// The calls of one job and period, by number, over any number of runs. One call at a time, in the order of the numbers.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// Allowed, and not sent since.
    pub(crate) waiting: BTreeSet<usize>,
    /// The intent is written, and the outcome is not.
    in_flight: Option<usize>,
    /// Nobody knows whether the provider has it.
    pub(crate) doubted: BTreeSet<usize>,
}

impl Course {
    /// Before the first run.
    pub(crate) fn of(calls: usize) -> Self {
        Self { waiting: (0..calls).collect(), in_flight: None, doubted: BTreeSet::new() }
    }

    /// One run, killed at this mark if it comes there.
    pub(crate) fn run(&mut self, mark: Option<Mark>) -> Result<(), Killed> {
        let clock = &mut Clock { mark, passed: 0 };
        if self.in_flight.is_some() {
            clock.before("recover")?;
            self.doubted.extend(self.in_flight.take());
            clock.after("recover")?;
        }
        for step in ["plan", "planned"] {
            clock.before(step)?;
            clock.after(step)?;
        }
        self.send(clock)?;
        for step in ["sent", "reported", "finished"] {
            clock.before(step)?;
            clock.after(step)?;
        }
        Ok(())
    }

    fn send(&mut self, clock: &mut Clock) -> Result<(), Killed> {
        loop {
            let next = self.waiting.first().copied();
            // One commit holds the outcome of the last call and the intent of the next one.
            let points = [("outcome", self.in_flight.is_some()), ("intent", next.is_some())];
            let points = points.into_iter().filter(|(_, there)| *there).map(|(point, _)| point);
            for point in points.clone() {
                clock.before(point)?;
            }
            self.in_flight = next;
            self.waiting.pop_first();
            for point in points {
                clock.after(point)?;
            }
            if next.is_none() {
                return Ok(());
            }
            clock.before("send")?;
            clock.after("wait")?;
            clock.after("send")?;
        }
    }

    /// Whether a kill at each of these marks, run after run, finds its process there.
    pub(crate) fn is_struck_by(&self, marks: &[Mark]) -> bool {
        let mut course = self.clone();
        marks.iter().all(|mark| course.run(Some(*mark)) == Err(Killed))
    }
}
