//! One scenario of the crash campaign of what is sent: a project of its own, killed at some marks, its requests with a
//! fate, then run until it is done; then what the provider has, what the journal says and what lies on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use serde_json::Value;

use super::crash_course::{Mark, Moment};
use super::project::{DAY, Output, TestProject};
use super::sending_faults::{Fate, plan};
use super::sending_project::{FITTING, ROWS, SendingWay, sending_project};
use super::sending_receipts::Receipts;

/// Longer than a busy machine holds up an ordinary reply; the late one is later still.
const PATIENT: &str = "{connect_timeout: 5s, idle_timeout: 2s, total_timeout: 20s, attempts: 3, first_delay: 1ms, \
                       max_delay: 5ms}";
/// More runs than it ever takes until all is done.
const ENOUGH_RUNS: usize = 8;
/// Exit codes of a run that wants to be run again: the provider is not available, or asks to wait.
const AGAIN: [i32; 2] = [69, 75];
const PERSON_NEEDED: i32 = 20;

/// Points before which nothing is sealed.
const BEFORE_SEALED: [&str; 3] = ["started", "pulled", "collect"];

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) way: SendingWay,
    /// The first run is killed at the first, the next one at the second.
    pub(crate) kills: Vec<Mark>,
    /// None for peace.
    pub(crate) fates: Vec<Fate>,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills: Vec<String> = self.kills.iter().map(Mark::to_string).collect();
        let kills = if kills.is_empty() { "by nobody".to_owned() } else { kills.join(", then ") };
        let fates: Vec<&str> = self.fates.iter().map(|fate| fate.name).collect();
        write!(f, "{} killed {kills}; {}", self.way.job(), fates.join(" + "))
    }
}

/// What was counted in one scenario, or in many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) scenarios: usize,
    pub(crate) kills: usize,
    /// `tieout run`, killed or not.
    pub(crate) runs: usize,
    /// Rows that fit and that nobody refused.
    pub(crate) rows: usize,
    /// Of these, how many the provider does not have.
    pub(crate) missing: usize,
    /// Transactions that stand under two event ids.
    pub(crate) twice: usize,
    /// Rows that came more than once, under the same id and with the same content.
    pub(crate) repeated: usize,
    /// Rows that the provider refused by name.
    pub(crate) refused: usize,
    /// Doubts that a person ended.
    pub(crate) doubts: usize,
    /// The marks at which a run was found.
    pub(crate) struck: BTreeSet<Mark>,
    /// What was not as promised, in words.
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.scenarios += other.scenarios;
        self.kills += other.kills;
        self.runs += other.runs;
        self.rows += other.rows;
        self.missing += other.missing;
        self.twice += other.twice;
        self.repeated += other.repeated;
        self.refused += other.refused;
        self.doubts += other.doubts;
        self.struck.extend(other.struck);
        self.failures.extend(other.failures);
    }
}

/// What tells one sealed file from another that was built later: inode, time of the last change in ns, bytes.
type Stamp = (u64, i128, u64);

struct Play {
    way: SendingWay,
    fates: Vec<Fate>,
    project: TestProject,
    /// The sealed files, by path, as they were first seen.
    sealed: BTreeMap<String, Stamp>,
    tally: Tally,
}

impl Scenario {
    /// From the first kill to the last look at the books.
    pub(crate) fn play(&self) -> Tally {
        let slow = self.kills.iter().any(|mark| mark.point == "wait");
        let mut project = sending_project(self.way, &plan(&self.fates, self.way, slow));
        project.set_http(PATIENT);
        let tally = Tally { scenarios: 1, ..Tally::default() };
        let fates = self.fates.clone();
        let mut play = Play { way: self.way, fates, project, sealed: BTreeMap::new(), tally };
        for (index, mark) in self.kills.iter().enumerate() {
            play.killed(*mark, index == 0);
        }
        play.done();
        play.at_rest();
        play.compared();
        play.tally.failures.iter_mut().for_each(|failure| *failure = format!("{self}: {failure}"));
        play.tally
    }
}

impl Play {
    fn fail_unless(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.tally.failures.push(words());
        }
    }

    fn arguments(&self) -> [&'static str; 4] {
        ["run", self.way.job(), "--period", DAY]
    }

    /// A run that the kernel ends at this mark, if it comes there. One that the provider turns away is begun again.
    fn killed(&mut self, mark: Mark, first: bool) {
        let mut was = false;
        let mut told = String::new();
        for _ in 0..ENOUGH_RUNS {
            let mut command = self.project.command(&self.arguments());
            command.env(mark.moment.variable(), format!("{}:{}", mark.point, mark.nth));
            let ended = command.spawn().unwrap().wait_with_output().unwrap();
            self.tally.runs += 1;
            was = ended.status.signal() == Some(9);
            told = format!("{:?}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
            let known = [0, PERSON_NEEDED].iter().chain(&AGAIN).any(|code| ended.status.code() == Some(*code));
            self.fail_unless(was || known, || format!("{mark}: ended by itself: {told}"));
            self.unchanged();
            if was || !AGAIN.iter().any(|code| ended.status.code() == Some(*code)) {
                break;
            }
        }
        if was {
            self.tally.kills += 1;
            self.tally.struck.insert(mark);
        }
        // Nobody waits for a reply that a fate brings at once.
        let sure = first && (mark.nth == 1 && mark.point != "wait" || !self.may_end_a_run());
        self.fail_unless(was || !sure, || format!("{mark}: it was not there: {told}"));
        self.verified();
        if first && was {
            let before = (mark.moment, mark.point) == (Moment::Before, "seal") || BEFORE_SEALED.contains(&mark.point);
            let sealed = !self.sealed.is_empty();
            self.fail_unless(sealed != before, || format!("{mark}: sealed is {sealed}"));
        }
    }

    fn may_end_a_run(&self) -> bool {
        self.fates.iter().any(|fate| fate.may_end_a_run())
    }

    /// The journal is whole.
    fn verified(&mut self) {
        let verified = self.project.run(&["journal", "verify", "--format", "json"]);
        let document: Value = serde_json::from_str(&verified.stdout).unwrap_or_default();
        let whole = verified.code == Some(0) && document["whole"] == true;
        self.fail_unless(whole, || format!("the journal is not whole: {verified:?}"));
    }

    /// What was sealed once is not built again.
    fn unchanged(&mut self) {
        let below = format!("runs/{}/{DAY}/outgoing", self.way.job());
        let mut found = BTreeMap::new();
        for path in self.project.listing(&below) {
            let unfinished = is_left_over(&path) || path.ends_with('/');
            if let (false, Ok(told)) = (unfinished, self.project.path(&path).metadata()) {
                let changed_ns = i128::from(told.mtime()) * 1_000_000_000 + i128::from(told.mtime_nsec());
                found.insert(path, (told.ino(), changed_ns, told.len()));
            }
        }
        if self.sealed.is_empty() {
            self.sealed = found;
        } else if self.sealed != found {
            let words = format!("what was sealed is built again: {:?}, then {found:?}", self.sealed);
            self.tally.failures.push(words);
        }
    }

    fn run(&mut self) -> Output {
        let run = self.project.run(&self.arguments());
        self.tally.runs += 1;
        self.unchanged();
        run
    }

    /// Runs until nothing is left to do. A person helps where the fate makes one needed.
    fn done(&mut self) {
        for _ in 0..ENOUGH_RUNS {
            let run = self.run();
            match run.code {
                Some(0) => return,
                Some(PERSON_NEEDED) if self.fates.iter().any(|fate| fate.doubtful) => self.resolved(),
                Some(code) if AGAIN.contains(&code) && self.may_end_a_run() => {}
                _ => return self.tally.failures.push(format!("ended with something else: {run:?}")),
            }
        }
        self.tally.failures.push("it goes on for ever".to_owned());
    }

    /// A person wants whatever is in doubt sent again: its rows have ids.
    fn resolved(&mut self) {
        let effects = self.effects();
        let doubted = effects.iter().filter(|effect| effect["state"] == "in_doubt");
        let ids: Vec<&str> = doubted.filter_map(|effect| effect["effect"].as_str()).collect();
        let mut arguments = vec!["in-doubt", "resolve"];
        arguments.extend(&ids);
        arguments.extend(["--resend", "--reason", "its rows have ids", "--by", "mai"]);
        let resolved = self.project.run(&arguments);
        self.tally.doubts += ids.len();
        self.fail_unless(resolved.code == Some(0), || format!("{resolved:?}"));
    }

    fn effects(&mut self) -> Vec<Value> {
        let listed = self.project.run(&["effects", self.way.job(), "--format", "json"]);
        let effects: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap_or_default();
        let (found, wanted) = (effects.len(), self.way.calls());
        self.fail_unless(found == wanted, || format!("{found} effects, {wanted} wanted: {listed:?}"));
        effects
    }

    /// Everything has its outcome, one more run asks the provider for nothing, and nothing lies about.
    fn at_rest(&mut self) {
        for effect in self.effects() {
            self.fail_unless(effect["state"] == "acknowledged", || format!("not acknowledged: {effect}"));
        }
        self.project.provider_idle();
        let received = self.project.received().len();
        let again = self.run();
        let asked = self.project.received().len() - received;
        self.fail_unless(again.code == Some(0), || format!("one more run: {again:?}"));
        self.fail_unless(asked == 0, || format!("one more run asked {asked} times"));
        self.verified();
        let left: Vec<String> = self.project.listing("runs").into_iter().filter(|path| is_left_over(path)).collect();
        self.fail_unless(left.is_empty(), || format!("left over: {left:?}"));
        self.fail_unless(!self.sealed.is_empty(), || "nothing is sealed".to_owned());
    }

    /// What the provider has, held against the source and against the last report.
    fn compared(&mut self) {
        let receipts = Receipts::of(&self.project, self.way);
        let report = self.last_report();
        let refused = self.refused(&report);
        let lost: Vec<&String> = receipts.missing.difference(&refused).collect();
        let taken: Vec<&String> = refused.difference(&receipts.missing).collect();
        self.tally.rows += FITTING - refused.len();
        self.tally.missing += lost.len();
        self.tally.twice += receipts.twice;
        self.tally.repeated += receipts.repeated;
        self.tally.refused += refused.len();
        self.fail_unless(lost.is_empty(), || format!("{} rows are missing, such as {lost:?}", lost.len()));
        self.fail_unless(taken.is_empty(), || format!("told as refused, and there: {taken:?}"));
        let (most, found) = (self.fates.iter().map(|fate| fate.refuses).sum::<usize>(), refused.len());
        self.fail_unless(found <= most, || format!("{found} rows were refused, {most} at most"));
        let faults = self.project.received().into_iter().filter_map(|request| request.fault);
        let met = faults.filter(|fault| *fault != "slow").count();
        let planned = self.fates.iter().map(|fate| fate.requests()).sum::<usize>();
        self.fail_unless(met == planned, || format!("{met} requests met a fate, {planned} should have"));
        self.tally.failures.extend(receipts.failures);
        self.reported(&report, found);
    }

    /// The folder of the last attempt.
    fn last_report(&self) -> String {
        let home = format!("{}/{DAY}", self.way.job());
        let listed = self.project.listing(&format!("runs/{home}"));
        let attempts = listed.iter().filter_map(|path| {
            path.strip_prefix(&format!("runs/{home}/"))?.strip_suffix("/summary.json")?.parse::<u32>().ok()
        });
        format!("{home}/{}", attempts.max().unwrap_or_default())
    }

    /// The transactions that the report tells as refused.
    fn refused(&self, report: &str) -> BTreeSet<String> {
        let breaks = self.project.breaks(report).into_iter();
        breaks.filter(|[_, kind, ..]| kind == "row_rejected").map(|[key, ..]| key).collect()
    }

    /// The last report ties out and tells every row as accepted that nobody refused.
    fn reported(&mut self, report: &str, refused: usize) {
        let summary = self.project.summary(report);
        let number = |value: usize| Value::from(value as u64);
        let verdict = &summary["verdict"];
        let ties = verdict["ties_out"] == true && verdict["exit_code"] == 0;
        self.fail_unless(ties, || format!("the report does not tie out: {verdict}"));
        let bridges = summary["statement"]["bridges"].as_array().cloned().unwrap_or_default();
        let residual = bridges.len() == 1 && bridges[0]["residual_minor"] == "0";
        self.fail_unless(residual, || format!("a residual: {bridges:?}"));
        let rows = &summary["statement"]["rows"];
        let told = |side: usize, fields: &[(&str, usize)]| {
            fields.iter().all(|(field, value)| rows[side][*field] == number(*value))
        };
        let rest = [("breaks", refused), ("matched", FITTING - refused), ("expected", 0), ("unaccounted", 0)];
        let ledger = [&rest[..], &[("read", ROWS), ("quarantined", 1), ("excluded", 1)]].concat();
        let file = [&rest[..], &[("read", FITTING), ("quarantined", 0), ("excluded", 0)]].concat();
        self.fail_unless(told(0, &ledger) && told(1, &file), || format!("{refused} refused, and told: {rows}"));
        let in_doubt = summary["effects"]["in_doubt"].as_array().is_some_and(Vec::is_empty);
        self.fail_unless(in_doubt, || format!("in doubt: {}", summary["effects"]));
    }
}

/// Something unfinished, or the URL of a file.
fn is_left_over(path: &str) -> bool {
    path.contains(".tmp-") || is_url(path)
}

/// Whether the URL of a file is kept there.
pub(crate) fn is_url(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "url")
}
