//! How long the files of old periods are kept: what may go, and why the rest stays. Pure; `survey.rs` looks at the
//! journal and the disk, `sweep.rs` removes.
//!
//! Gone may be the inputs as received (`raw/`), sealed builds of what was sent (`outgoing/`) and the renderings of
//! reports. The journal is never touched, and neither are the small files that later runs read
//! ([`KEPT_FILES`]): a rerun of any period carries and clears the same items before and after.

pub mod survey;
pub mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::report::{ADJUSTMENTS_FILE, OPEN_ITEMS_FILE, RECEIVABLE_FILE};

/// Of an attempt's folder these stay for good: programs and other periods read them, and they are small.
pub const KEPT_FILES: [&str; 4] = ["summary.json", OPEN_ITEMS_FILE, ADJUSTMENTS_FILE, RECEIVABLE_FILE];

/// How long files are kept after the run that made or read them has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Inputs as received, and sealed builds.
    pub raw: TimeDelta,
    /// Renderings of reports.
    pub reports: TimeDelta,
}

/// A job and a period's label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    pub job: String,
    pub period: String,
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.job, self.period)
    }
}

/// One attempt as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub number: u32,
    /// When it ended, or began where it never ended by itself.
    pub at: DateTime<Utc>,
    /// The raw files that it read, of its own period and of others.
    pub read: BTreeSet<RawName>,
}

/// Where a raw file lies: in the folder `raw/` of a period, under its stored name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawName {
    pub of: Name,
    /// `sha256-…`
    pub file: String,
}

/// What the journal says of one period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeriodFacts {
    /// When the period itself ends; none where its label is of no known form.
    pub end: Option<DateTime<Utc>>,
    pub attempts: Vec<Attempt>,
    /// Breaks of the latest attempt that nobody and nothing has closed.
    pub open_breaks: u64,
    /// Effects that are proposed, approved, under way or in doubt.
    pub open_effects: u64,
    /// The attempt that is signed off.
    pub sealed: Option<u32>,
    /// A run is at work, or was killed and not followed by another.
    pub running: bool,
}

/// A thing on the disk that may go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// The renderings of an attempt's report.
    Report { attempt: u32 },
    /// A raw file.
    Raw { file: String },
    /// A sealed build.
    Build { key: String },
}

/// A thing with what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub thing: Thing,
    pub files: u64,
    pub bytes: u64,
    /// When its youngest file was last written.
    pub written: DateTime<Utc>,
}

/// Why something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It is not old enough.
    Young,
    /// A run of the period is at work.
    Running,
    /// The period has breaks that are open.
    OpenBreaks,
    /// The period has effects that are not settled.
    OpenEffects,
    /// It belongs to a run that is signed off.
    Sealed,
    /// Runs of present periods still look back to it.
    InReach,
    /// A kept run of this or another period has read it.
    Read,
    /// The journal does not know what it belongs to.
    Unknown,
}

impl Why {
    /// For people, after a count: `3 of …`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Young => "not old enough",
            Self::Running => "of periods with a run at work",
            Self::OpenBreaks => "of periods with open breaks",
            Self::OpenEffects => "of periods with effects not settled or in doubt",
            Self::Sealed => "of sealed runs",
            Self::InReach => "of periods that present runs look back to",
            Self::Read => "read by runs that are kept",
            Self::Unknown => "unknown to the journal",
        }
    }
}

/// What becomes of each thing, by period.
#[derive(Debug, Default)]
pub struct Plan {
    pub removed: BTreeMap<Name, Vec<Found>>,
    /// Things and their bytes.
    pub kept: BTreeMap<Why, (u64, u64)>,
}

/// What there is, and when it is looked at.
#[derive(Debug)]
pub struct Survey {
    pub now: DateTime<Utc>,
    /// How far back from now runs of present periods look, at most.
    pub reach: TimeDelta,
    pub periods: BTreeMap<Name, PeriodFacts>,
    pub found: BTreeMap<Name, Vec<Found>>,
}

impl Survey {
    /// Decides for every thing that was found.
    pub fn plan(&self, policy: Policy) -> Plan {
        let read = self.read_by_kept_runs(policy);
        let mut plan = Plan::default();
        for (name, things) in &self.found {
            for found in things {
                match self.kept(name, found, policy, &read) {
                    None => plan.removed.entry(name.clone()).or_default().push(found.clone()),
                    Some(why) => {
                        let (things, bytes) = plan.kept.entry(why).or_default();
                        *things += 1;
                        *bytes += found.bytes;
                    }
                }
            }
        }
        plan
    }

    /// Why a whole period stays as it is.
    fn whole(&self, facts: &PeriodFacts) -> Option<Why> {
        let in_reach = facts.end.is_none_or(|end| end > self.now - self.reach);
        [
            (facts.running, Why::Running),
            (facts.open_breaks > 0, Why::OpenBreaks),
            (facts.open_effects > 0, Why::OpenEffects),
            (facts.end.is_none(), Why::Unknown),
            (in_reach, Why::InReach),
        ]
        .into_iter()
        .find_map(|(holds, why)| holds.then_some(why))
    }

    fn is_young(&self, at: DateTime<Utc>, kept_for: TimeDelta) -> bool {
        self.now - at < kept_for
    }

    /// Raw files that a run still needs whose own are kept: those of other periods, too.
    fn read_by_kept_runs(&self, policy: Policy) -> BTreeMap<&RawName, Why> {
        let mut read = BTreeMap::new();
        for facts in self.periods.values() {
            let whole = self.whole(facts);
            for attempt in &facts.attempts {
                let sealed = (facts.sealed == Some(attempt.number)).then_some(Why::Sealed);
                let young = self.is_young(attempt.at, policy.raw).then_some(Why::Young);
                if let Some(why) = whole.or(sealed).or(young) {
                    // What belongs to a sealed run is named so, whoever else reads it.
                    let why = if why == Why::Sealed || why == Why::Young { why } else { Why::Read };
                    for name in &attempt.read {
                        let known = read.entry(name).or_insert(why);
                        if why == Why::Sealed {
                            *known = why;
                        }
                    }
                }
            }
        }
        read
    }

    fn kept(&self, name: &Name, found: &Found, policy: Policy, read: &BTreeMap<&RawName, Why>) -> Option<Why> {
        let Some(facts) = self.periods.get(name) else { return Some(Why::Unknown) };
        if let Some(why) = self.whole(facts) {
            return Some(why);
        }
        match &found.thing {
            Thing::Report { attempt } => {
                let Some(known) = facts.attempts.iter().find(|known| known.number == *attempt) else {
                    return Some(Why::Unknown);
                };
                let sealed = facts.sealed == Some(*attempt);
                sealed.then_some(Why::Sealed).or_else(|| self.is_young(known.at, policy.reports).then_some(Why::Young))
            }
            Thing::Raw { file } => {
                let raw = RawName { of: name.clone(), file: file.clone() };
                let young = self.is_young(found.written, policy.raw).then_some(Why::Young);
                read.get(&raw).copied().or(young)
            }
            Thing::Build { .. } => {
                let last = facts.attempts.iter().map(|attempt| attempt.at).max();
                let sealed = facts.sealed.map(|_| Why::Sealed);
                let at = last.map_or(found.written, |last| last.max(found.written));
                sealed.or_else(|| self.is_young(at, policy.raw).then_some(Why::Young))
            }
        }
    }
}
