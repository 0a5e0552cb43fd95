//! One scenario of the crash campaign: a project of its own, killed at some marks, one of its calls with a fate, then
//! run in peace until nothing changes, then its doubts ended by a person who looks at what the provider has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::process::ExitStatusExt;

use serde_json::Value;

use super::crash_course::{Course, Mark};
use super::effect_project::{AUDITS, FAST, MARKERS, project};
use super::project::{DAY, TestProject};

/// The transactions of each call of [`effect_project`](super::effect_project), in the order in which a run makes them.
const CALLS: [&[&str]; 4] = [&["t-2", "t-3"], &["t-5"], &["t-4"], &["f-1", "f-2", "f-3"]];
/// What the path of each call ends with.
const PATHS: [&str; 4] = ["/users/u-1/audits", "/users/u-2/audits", "/users/u-3/audits", "/fraud"];
/// The call that asks for markers; the others ask for audits.
pub(crate) const MARKERS_CALL: usize = 3;
pub(crate) const NUMBER_OF_CALLS: usize = CALLS.len();

/// Longer than a busy machine holds up an ordinary reply; the late one is later still.
const PATIENT: &str = "{connect_timeout: 5s, idle_timeout: 2s, total_timeout: 20s, attempts: 3, first_delay: 1ms, \
                       max_delay: 5ms}";
/// More runs than it ever takes until nothing changes.
const ENOUGH_RUNS: usize = 6;

/// What becomes of the reply to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Reply,
    ResetBefore,
    ResetAfter,
    Late,
}

impl Fate {
    pub(crate) const ALL: [Self; 4] = [Self::Reply, Self::ResetBefore, Self::ResetAfter, Self::Late];

    const fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Late => "late",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// The first run is killed at the first, the next one at the second.
    pub(crate) kills: Vec<Mark>,
    pub(crate) fate: Fate,
    /// The request that meets the fate: the first, second or third for audits, or the first for markers.
    pub(crate) call: usize,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills: Vec<String> = self.kills.iter().map(Mark::to_string).collect();
        write!(f, "killed {}; {} on call {}", kills.join(", then "), self.fate.name(), self.call + 1)
    }
}

impl Scenario {
    /// Somebody waits for a reply only if it does not come at once.
    pub(crate) fn has_wait(&self) -> bool {
        self.kills.iter().any(|mark| mark.point == "wait")
    }

    /// Rules of a fault plan.
    fn faults(&self) -> String {
        let (on, nth) = if self.call == MARKERS_CALL { ("fraud", 1) } else { ("audits", self.call + 1) };
        let fault = match self.fate {
            Fate::Reply => None,
            Fate::Late => Some("{late: 3s}"),
            plain => Some(plain.name()),
        };
        let mut rules = fault.map_or(String::new(), |fault| format!("  - {{on: {on}, nth: {nth}, do: {fault}}}\n"));
        if self.has_wait() {
            rules.push_str(
                "  - {on: audits, nth: every, do: {slow: 1s}}\n  - {on: fraud, nth: every, do: {slow: 1s}}\n",
            );
        }
        rules
    }

    /// From the first kill to the last doubt.
    pub(crate) fn play(&self) -> Tally {
        let project = project(&[FAST, AUDITS, MARKERS].concat(), &self.faults());
        let mut play = Play {
            project,
            course: Course::of(NUMBER_OF_CALLS),
            noticed: 0,
            allowed: [1; NUMBER_OF_CALLS],
            tally: Tally { scenarios: 1, effects: CALLS.iter().map(|call| call.len()).sum(), ..Tally::default() },
        };
        play.project.set_http(PATIENT);
        self.kills.iter().for_each(|mark| play.killed(*mark));
        let settled = play.settled();
        play.decided(settled);
        play.tally.failures.iter_mut().for_each(|failure| *failure = format!("{self}: {failure}"));
        play.tally
    }
}

/// What was counted in one scenario, or in many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) scenarios: usize,
    pub(crate) kills: usize,
    /// `tieout run`, killed or not.
    pub(crate) runs: usize,
    /// Other commands.
    pub(crate) commands: usize,
    pub(crate) effects: usize,
    /// Asked for once more than once, of those that the provider has.
    pub(crate) duplicates: usize,
    /// Acknowledged without being there, or neither acknowledged nor in doubt in the end.
    pub(crate) lost: usize,
    pub(crate) doubts_expected: usize,
    pub(crate) doubts_found: usize,
    /// Doubts that a person ended with `--applied` and with `--resend`.
    pub(crate) applied: usize,
    pub(crate) resent: usize,
    /// What was not as the protocol says, in words.
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.scenarios += other.scenarios;
        self.kills += other.kills;
        self.runs += other.runs;
        self.commands += other.commands;
        self.effects += other.effects;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.doubts_expected += other.doubts_expected;
        self.doubts_found += other.doubts_found;
        self.applied += other.applied;
        self.resent += other.resent;
        self.failures.extend(other.failures);
    }
}

/// An effect as the journal lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    id: String,
    state: String,
}

/// All that must stand still when nothing changes.
#[derive(Debug, PartialEq, Eq)]
struct Picture {
    /// Transaction → effect.
    journal: BTreeMap<String, Listed>,
    /// Transaction → how often the provider has it.
    provider: BTreeMap<String, u32>,
    /// Where the journal ends.
    end: Value,
}

struct Play {
    project: TestProject,
    /// What should become of the calls.
    course: Course,
    /// So many of the requests that the provider received have been looked at.
    noticed: usize,
    /// How often each call may be made: once, and once more for each time that a person wanted it.
    allowed: [usize; NUMBER_OF_CALLS],
    tally: Tally,
}

impl Play {
    fn fail_unless(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.tally.failures.push(words());
        }
    }

    fn command(&mut self, arguments: &[&str]) -> super::project::Output {
        self.tally.commands += 1;
        self.project.run(arguments)
    }

    /// A run that the kernel ends at this mark.
    fn killed(&mut self, mark: Mark) {
        let should_be = self.course.run(Some(mark)).is_err();
        let mut command = self.project.command(&["run", "rewards", "--period", DAY]);
        command.env(mark.moment.variable(), format!("{}:{}", mark.point, mark.nth));
        let ended = command.spawn().unwrap().wait_with_output().unwrap();
        let was = ended.status.signal() == Some(9);
        self.tally.runs += 1;
        self.tally.kills += usize::from(was);
        self.fail_unless(was == should_be, || {
            let told = String::from_utf8_lossy(&ended.stderr).into_owned();
            format!("{mark}: killed is {was}, should be {should_be}: {:?} {told}", ended.status)
        });
        self.verified();
    }

    /// The journal is whole; says where it ends.
    fn verified(&mut self) -> Value {
        let verified = self.command(&["journal", "verify", "--format", "json"]);
        let document: Value = serde_json::from_str(&verified.stdout).unwrap_or_default();
        let whole = verified.code == Some(0) && document["whole"] == true;
        self.fail_unless(whole, || format!("the journal is not whole: {verified:?}"));
        document["end"].clone()
    }

    /// A run to its end: it asks for a person exactly when something is in doubt.
    fn run(&mut self) {
        let killed = self.course.run(None);
        self.fail_unless(killed.is_ok(), || "killed by nobody".to_owned());
        let run = self.project.run_day(&[]);
        self.tally.runs += 1;
        self.notice_lost_replies();
        let expected = if self.course.doubted.is_empty() { 0 } else { 20 };
        self.fail_unless(run.code == Some(expected), || format!("ended with something else than {expected}: {run:?}"));
    }

    /// A call whose reply the provider lost is in doubt, whatever became of the process.
    fn notice_lost_replies(&mut self) {
        self.project.provider_idle();
        let received = self.project.received();
        let lost = received[self.noticed..]
            .iter()
            .filter(|request| matches!(request.fault, Some("reset_before" | "reset_after" | "late")))
            .filter_map(|request| PATHS.iter().position(|path| request.path.ends_with(path)));
        self.course.doubted.extend(lost);
        self.noticed = received.len();
    }

    fn picture(&mut self) -> Picture {
        let listed = self.command(&["effects", "rewards", "--format", "json"]);
        let effects: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap_or_default();
        self.fail_unless(listed.code == Some(0) && !effects.is_empty(), || format!("no effects: {listed:?}"));
        let text = |effect: &Value, field: &str| effect[field].as_str().unwrap_or_default().to_owned();
        let journal = effects.iter().map(|effect| {
            (text(effect, "transaction"), Listed { id: text(effect, "effect"), state: text(effect, "state") })
        });
        let audits = self.project.audits().into_iter().map(|audit| (audit.transaction, audit.times));
        let markers = self.project.markers().into_iter().map(|marker| (marker.transaction, marker.times));
        let (journal, provider) = (journal.collect(), audits.chain(markers).collect());
        Picture { journal, provider, end: self.verified() }
    }

    /// Runs until nothing changes, and compares what then stands.
    fn settled(&mut self) -> Picture {
        let mut before = None;
        for _ in 0..ENOUGH_RUNS {
            self.run();
            let picture = self.picture();
            if before.as_ref() == Some(&picture) {
                self.compared(&picture);
                return picture;
            }
            before = Some(picture);
        }
        self.tally.failures.push(format!("it goes on for ever: {before:?}"));
        self.picture()
    }

    /// What was promised, held against what the provider has and what the journal says.
    fn compared(&mut self, picture: &Picture) {
        let expected: BTreeSet<&str> = self.course.doubted.iter().flat_map(|call| CALLS[*call]).copied().collect();
        let all: BTreeSet<&str> = CALLS.concat().into_iter().collect();
        let state = |transaction: &str| picture.journal.get(transaction).map_or("nowhere", |listed| &listed.state);
        let has = |transaction: &str| picture.provider.get(transaction).copied().unwrap_or_default();
        let found: BTreeSet<&str> =
            all.iter().copied().filter(|transaction| state(transaction) == "in_doubt").collect();
        let is_lost = |transaction: &&&str| match state(transaction) {
            "acknowledged" => has(transaction) == 0,
            "in_doubt" => false,
            _ => true,
        };
        let lost = all.iter().filter(is_lost).count();
        let duplicates = picture.provider.values().filter(|times| **times > 1).count();
        let known = |transactions: Vec<&String>| transactions.iter().all(|one| all.contains(one.as_str()));
        self.tally.lost += lost;
        self.tally.duplicates += duplicates;
        self.tally.doubts_expected += expected.len();
        self.tally.doubts_found += found.len();
        self.fail_unless(expected == found, || format!("in doubt {found:?}, should be {expected:?}: {picture:?}"));
        self.fail_unless(lost == 0, || format!("{lost} lost: {picture:?}"));
        self.fail_unless(duplicates == 0, || format!("{duplicates} duplicates: {picture:?}"));
        let only_ours = known(picture.journal.keys().collect()) && known(picture.provider.keys().collect());
        self.fail_unless(only_ours, || format!("more than was asked for: {picture:?}"));
        for (path, allowed) in PATHS.into_iter().zip(self.allowed) {
            let made = self.project.received().iter().filter(|request| request.path.ends_with(path)).count();
            self.fail_unless(made <= allowed, || format!("{path} was called {made} times, {allowed} allowed"));
        }
        let listed = self.command(&["in-doubt", "list"]);
        let code = if expected.is_empty() { 0 } else { 20 };
        self.fail_unless(listed.code == Some(code), || format!("in-doubt list should end with {code}: {listed:?}"));
    }

    /// The second act: a person ends each doubt by what the provider has. A call that is sent again may still meet the
    /// fate; then it is in doubt once more.
    fn decided(&mut self, mut picture: Picture) {
        for _ in 0..ENOUGH_RUNS {
            let doubted = std::mem::take(&mut self.course.doubted);
            if doubted.is_empty() {
                break;
            }
            let (there, missing): (BTreeSet<usize>, BTreeSet<usize>) =
                doubted.into_iter().partition(|call| picture.provider.contains_key(CALLS[*call][0]));
            self.tally.applied += self.resolved(&picture, &there, "--applied");
            self.tally.resent += self.resolved(&picture, &missing, "--resend");
            for call in &missing {
                self.allowed[*call] += 1;
            }
            self.course.waiting.extend(missing);
            self.run();
            picture = self.picture();
            self.compared(&picture);
        }
        let all = CALLS.concat();
        let done = picture.journal.values().filter(|listed| listed.state == "acknowledged").count() == all.len();
        let once = all.iter().all(|transaction| picture.provider.get(*transaction) == Some(&1));
        self.fail_unless(done && once, || format!("not everything is there once in the end: {picture:?}"));
    }

    /// Says what the provider has of these calls.
    fn resolved(&mut self, picture: &Picture, calls: &BTreeSet<usize>, decision: &str) -> usize {
        let members: Vec<&str> = calls.iter().flat_map(|call| CALLS[*call]).copied().collect();
        if members.is_empty() {
            return 0;
        }
        let ids = members.iter().filter_map(|member| picture.journal.get(*member)).map(|listed| listed.id.as_str());
        let mut arguments = vec!["in-doubt", "resolve"];
        arguments.extend(ids);
        arguments.extend([decision, "--reason", "asked Kard", "--by", "mai"]);
        let resolved = self.command(&arguments);
        self.fail_unless(resolved.code == Some(0), || format!("{decision} of {members:?}: {resolved:?}"));
        members.len()
    }
}
