//! Sending jobs killed at every named point, with every fate of a reply: no row is missing at the provider, none stands
//! there under two ids, and what may have come twice came with the same ids.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::support::crash_course::{Mark, Moment};
use crate::support::crash_play;
use crate::support::sending_faults::{Fate, PEACE};
use crate::support::sending_project::SendingWay;
use crate::support::sending_scenario::{Scenario, Tally};

/// Scenarios mostly wait: for the disk, for replies that are late, and for results.
const AT_ONCE: usize = 8;

/// Passed once in a run; what is sealed is read twice, since a row repeats another.
const STEPS: [(&str, usize); 10] = [
    ("started", 1),
    ("pulled", 1),
    ("collect", 2),
    ("seal", 1),
    ("sealed", 1),
    ("plan", 1),
    ("planned", 1),
    ("sent", 1),
    ("reported", 1),
    ("finished", 1),
];
/// Passed once a call.
const OF_CALLS: [&str; 4] = ["intent", "send", "wait", "outcome"];

/// Every mark at which a run of this way that meets no fault can be found, and those of recovery.
fn marks(way: SendingWay) -> Vec<Mark> {
    let mut points = STEPS.to_vec();
    points.extend(OF_CALLS.map(|point| (point, way.calls())));
    points.push(("recover", 1));
    if way == SendingWay::Upload {
        points.extend([("url", way.calls()), ("result", 1)]);
    }
    let both = points.into_iter().flat_map(|(point, times)| {
        (1..=times).flat_map(move |nth| [Mark::before(point, nth), Mark::after(point, nth)])
    });
    // The wait for a reply has no side but the one.
    both.filter(|mark| (mark.moment, mark.point) != (Moment::Before, "wait")).collect()
}

/// What a run must have behind it to be found there: recovery needs something to recover.
fn kills(mark: Mark) -> Vec<Mark> {
    if mark.point == "recover" { vec![Mark::after("intent", 1), mark] } else { vec![mark] }
}

/// Plays them all, some at once; each has a project and a provider of its own.
fn played(scenarios: &[Scenario]) -> Vec<Tally> {
    crash_play::played(scenarios, AT_ONCE, Scenario::play, |scenario| Tally {
        failures: vec![format!("{scenario}: panicked, see above")],
        ..Tally::default()
    })
}

/// Takes turns through what there is, always in the same order: a generator by Steele, Lea and Flood (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap_or_default()
    }

    fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.throw(these.len())]
    }
}

/// Points in the order in which a run comes by.
const ORDER: [&str; 17] = [
    "started", "pulled", "collect", "seal", "sealed", "recover", "plan", "planned", "url", "intent", "send", "wait",
    "outcome", "result", "sent", "reported", "finished",
];

/// Whether a run that follows one which was killed at the first is found at the second.
fn is_before(first: Mark, second: Mark) -> bool {
    place(first) < place(second)
}

fn place(mark: Mark) -> Option<usize> {
    ORDER.iter().position(|point| *point == mark.point)
}

/// Sides of a point, whatever the number of the time.
fn sides(marks: impl IntoIterator<Item = Mark>) -> BTreeSet<Mark> {
    marks.into_iter().map(|mark| Mark { nth: 1, ..mark }).collect()
}

/// Fates of one way that do not fall on the same request, some at a time.
fn gathered(way: SendingWay) -> Vec<Vec<Fate>> {
    let mut groups: Vec<Vec<Fate>> = Vec::new();
    for fate in Fate::all(way).iter().filter(|fate| **fate != PEACE) {
        let fits = |group: &&mut Vec<Fate>| group.iter().all(|other| !other.meets(*fate));
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(*fate),
            None => groups.push(vec![*fate]),
        }
    }
    groups
}

/// Each fate once, and with them each point once from each side.
fn shortened() -> Vec<Scenario> {
    let groups = SendingWay::ALL.into_iter().flat_map(|way| gathered(way).into_iter().map(move |fates| (way, fates)));
    let mut scenarios: Vec<Scenario> = groups.map(|(way, fates)| Scenario { way, kills: Vec::new(), fates }).collect();
    let all = SendingWay::ALL.into_iter().flat_map(marks);
    // What only one way comes by is placed first, and what stands last in a run comes second where it must.
    let mut left: Vec<Mark> = sides(all).into_iter().collect();
    left.sort_by_key(|mark| (!["result", "url"].contains(&mark.point), place(*mark)));
    let mut turn = 0;
    for mark in left {
        let comes_by = |scenario: &Scenario| sides(marks(scenario.way)).contains(&mark);
        let is_free = |scenario: &Scenario| scenario.kills.is_empty();
        let has_room = |scenario: &Scenario| matches!(scenario.kills[..], [first] if is_before(first, mark));
        let count = scenarios.len();
        let turns = || (turn..turn + count).map(|step| step % count);
        let free = turns().find(|at| is_free(&scenarios[*at]) && comes_by(&scenarios[*at]));
        let found = free.or_else(|| turns().find(|at| has_room(&scenarios[*at]) && comes_by(&scenarios[*at])));
        let at = found.expect("there is room for every point");
        scenarios[at].kills.extend(kills(mark));
        // Ways take turns.
        turn = at + count / 3;
    }
    scenarios
}

#[test]
fn a_sending_job_killed_at_any_point_loses_no_row_and_sends_none_under_two_ids() {
    let scenarios = shortened();
    let mut all = Tally::default();
    for tally in played(&scenarios) {
        all.add(tally);
    }
    assert!(all.failures.is_empty(), "\n{}\n", all.failures.join("\n"));
    let points = SendingWay::ALL.into_iter().flat_map(marks);
    assert_eq!(sides(all.struck.iter().copied()), sides(points), "a point is left out");
    assert_eq!((all.scenarios, all.missing, all.twice), (scenarios.len(), 0, 0));
    // What may come twice did, and what may be refused or in doubt was.
    assert!(all.repeated > 0 && all.refused > 0 && all.doubts > 0, "{all:?}");
}

/// Every mark with and without a fate, every fate without a kill, and some pairs of marks.
fn whole() -> Vec<Scenario> {
    let mut dice = Dice(4);
    let mut scenarios = Vec::new();
    for way in SendingWay::ALL {
        let (marks, fates) = (marks(way), Fate::all(way));
        for mark in &marks {
            let fate = dice.one_of(&fates[1..]);
            scenarios.push(Scenario { way, kills: kills(*mark), fates: Vec::new() });
            scenarios.push(Scenario { way, kills: kills(*mark), fates: vec![fate] });
        }
        scenarios.extend(fates.iter().map(|fate| Scenario { way, kills: Vec::new(), fates: vec![*fate] }));
        for _ in 0..PAIRS {
            let kills = [kills(dice.one_of(&marks)), vec![dice.one_of(&marks)]].concat();
            scenarios.push(Scenario { way, kills, fates: vec![dice.one_of(fates)] });
        }
    }
    scenarios
}

/// Of each way.
const PAIRS: usize = 30;

#[test]
#[ignore = "takes minutes: `just crash`"]
#[expect(clippy::print_stdout, reason = "its numbers are what it is run for")]
fn the_whole_campaign_of_what_is_sent() {
    let scenarios = whole();
    let start = Instant::now();
    let mut tallies = Vec::new();
    for some in scenarios.chunks(50) {
        let new = played(some);
        for failure in new.iter().flat_map(|tally| &tally.failures) {
            println!("{failure}");
        }
        tallies.extend(new);
        let failures: usize = tallies.iter().map(|tally| tally.failures.len()).sum();
        println!("{} of {} scenarios, {failures} failures", tallies.len(), scenarios.len());
    }
    let mut rows = BTreeMap::<(SendingWay, usize), Tally>::new();
    let mut all = Tally::default();
    for (scenario, tally) in scenarios.iter().zip(tallies) {
        let recovers = scenario.kills.iter().find(|mark| mark.point == "recover");
        let point = recovers.or(scenario.kills.first()).map(|mark| mark.point);
        let place = ORDER.iter().position(|name| Some(*name) == point).map_or(0, |place| place + 1);
        rows.entry((scenario.way, place)).or_default().add(tally.clone());
        all.add(tally);
    }
    println!("\n{HEADER}");
    for ((way, place), tally) in &rows {
        let point = place.checked_sub(1).map_or("nowhere", |place| ORDER[place]);
        println!("{}", line(way.job(), point, tally));
    }
    println!("{}", line("all", "", &all));
    let (struck, marks) = (all.struck.len(), SendingWay::ALL.into_iter().flat_map(marks).collect::<BTreeSet<_>>());
    println!(
        "{struck} of {} marks struck; {} failures; {} s\n",
        marks.len(),
        all.failures.len(),
        start.elapsed().as_secs()
    );
    assert!(all.failures.is_empty(), "\n{}\n", all.failures.join("\n"));
    assert_eq!(all.struck, marks, "a mark is left out");
}

const HEADER: &str =
    "way         killed at  scenarios  kills   runs     rows  missing  under two ids  came again  refused  doubts";

fn line(way: &str, point: &str, tally: &Tally) -> String {
    format!(
        "{way:<10}  {point:<9}  {:>9}  {:>5}  {:>5}  {:>7}  {:>7}  {:>13}  {:>10}  {:>7}  {:>6}",
        tally.scenarios,
        tally.kills,
        tally.runs,
        tally.rows,
        tally.missing,
        tally.twice,
        tally.repeated,
        tally.refused,
        tally.doubts
    )
}
