//! Runs killed at every named point, with every fate of a reply: nothing is asked for twice, nothing is lost, and in
//! doubt is what the protocol says and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::crash_course::{Course, Mark, OF_CALLS};
use crate::support::crash_play;
use crate::support::crash_scenario::{Fate, MARKERS_CALL, NUMBER_OF_CALLS, Scenario, Tally};

/// Scenarios mostly wait: for the disk, and for replies that are late.
const AT_ONCE: usize = 4;

/// Plays them all, some at once; each has a project and a provider of its own.
fn played(scenarios: &[Scenario]) -> Vec<Tally> {
    crash_play::played(scenarios, AT_ONCE, Scenario::play, |scenario| Tally {
        failures: vec![format!("{scenario}: panicked, see above")],
        ..Tally::default()
    })
}

/// Kills that a run can be found at; one of recovery needs something to recover.
fn first_kills() -> Vec<Vec<Mark>> {
    let mut kills = Vec::new();
    for mark in Mark::all() {
        match mark.point {
            "recover" => kills.extend([1, MARKERS_CALL + 1].map(|nth| vec![Mark::after("intent", nth), mark])),
            _ if mark.is_of_calls() => {
                kills.extend((1..=NUMBER_OF_CALLS).map(|nth| vec![Mark { nth, ..mark }]));
            }
            _ => kills.push(vec![mark]),
        }
    }
    kills
}

/// A reply that is reset at once is waited for by nobody.
fn is_possible(scenario: &Scenario) -> bool {
    !scenario.has_wait() || matches!(scenario.fate, Fate::Reply | Fate::Late)
}

/// Each kill with each fate, of a call for audits and of the call for markers.
fn killed_once() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (turn, kills) in (0..).zip(first_kills()) {
        let last = kills.last().expect("at least one kill");
        // The very call that is interrupted, where it is one for audits.
        let audits = if last.is_of_calls() { (last.nth - 1) % MARKERS_CALL } else { turn % MARKERS_CALL };
        for fate in Fate::ALL {
            let calls = if fate == Fate::Reply { vec![audits] } else { vec![audits, MARKERS_CALL] };
            scenarios.extend(calls.into_iter().map(|call| Scenario { kills: kills.clone(), fate, call }));
        }
    }
    scenarios.retain(is_possible);
    scenarios
}

/// Each point followed by each point that the next run can be found at; the calls and the fates take turns.
fn killed_again() -> Vec<Scenario> {
    let none = Course::of(NUMBER_OF_CALLS);
    let mut scenarios = Vec::new();
    let mut turn = 0;
    let firsts = first_kills();
    // Those that differ only in the number of the call.
    for same in firsts.chunk_by(|one, other| one.last().map(|mark| mark.side()) == other.last().map(|mark| mark.side()))
    {
        for mark in Mark::all() {
            let nths = if mark.is_of_calls() { [1 + turn / 2 % NUMBER_OF_CALLS, 1] } else { [1, 1] };
            let pairs = same
                .iter()
                .cycle()
                .skip(turn % same.len())
                .take(same.len())
                .flat_map(|first| nths.map(|nth| [first.clone(), vec![Mark { nth, ..mark }]].concat()));
            let Some(kills) = pairs.into_iter().find(|kills| none.is_struck_by(kills)) else { continue };
            let fates = (turn..turn + Fate::ALL.len()).map(|turn| Fate::ALL[turn % Fate::ALL.len()]);
            let call = turn / Fate::ALL.len() % NUMBER_OF_CALLS;
            let mut possible = fates.map(|fate| Scenario { kills: kills.clone(), fate, call }).filter(is_possible);
            scenarios.extend(possible.next());
            turn += 1;
        }
    }
    scenarios
}

/// Each point once from each side, in as few scenarios as that takes.
fn shortened() -> Vec<Scenario> {
    let (before, after) = (Mark::before, Mark::after);
    let table = [
        (vec![after("intent", 1), before("recover", 1)], Fate::ResetBefore, MARKERS_CALL),
        (vec![after("wait", 4), after("recover", 1)], Fate::Late, MARKERS_CALL),
        (vec![before("plan", 1), after("plan", 1)], Fate::ResetAfter, 0),
        (vec![before("planned", 1), after("planned", 1)], Fate::Late, 2),
        (vec![before("intent", 2), after("send", 1)], Fate::ResetBefore, 1),
        (vec![before("send", 1), after("outcome", 2)], Fate::ResetAfter, MARKERS_CALL),
        (vec![before("outcome", 4), before("sent", 1)], Fate::Reply, 0),
        (vec![after("sent", 1), before("reported", 1)], Fate::ResetAfter, 2),
        (vec![after("reported", 1), before("finished", 1)], Fate::ResetBefore, 0),
        (vec![after("finished", 1)], Fate::Late, 1),
    ];
    table.into_iter().map(|(kills, fate, call)| Scenario { kills, fate, call }).collect()
}

fn points(scenarios: &[Scenario]) -> BTreeSet<Mark> {
    scenarios.iter().flat_map(|scenario| &scenario.kills).map(|mark| Mark { nth: 1, ..*mark }).collect()
}

#[test]
fn a_run_killed_at_any_point_asks_for_nothing_twice_and_loses_nothing() {
    let scenarios = shortened();
    assert_eq!(points(&scenarios), Mark::all().into_iter().collect(), "a point is left out");
    let mut all = Tally::default();
    for tally in played(&scenarios) {
        all.add(tally);
    }
    assert!(all.failures.is_empty(), "\n{}\n", all.failures.join("\n"));
    let kills: usize = scenarios.iter().map(|scenario| scenario.kills.len()).sum();
    assert_eq!((all.scenarios, all.kills, all.duplicates, all.lost), (scenarios.len(), kills, 0, 0));
    assert_eq!(all.doubts_expected, all.doubts_found);
    // Both ways out of a doubt were taken.
    assert!(all.applied > 0 && all.resent > 0, "{all:?}");
}

#[test]
#[ignore = "takes minutes: `just crash`"]
#[expect(clippy::print_stdout, reason = "its numbers are what it is run for")]
fn the_whole_campaign() {
    let scenarios = [killed_once(), killed_again()].concat();
    assert_eq!(points(&scenarios), Mark::all().into_iter().collect(), "a point is left out");
    let start = std::time::Instant::now();
    let mut tallies = Vec::new();
    for some in scenarios.chunks(100) {
        tallies.extend(played(some));
        let failures: usize = tallies.iter().map(|tally| tally.failures.len()).sum();
        println!("{} of {} scenarios, {failures} failures", tallies.len(), scenarios.len());
    }
    let mut rows = BTreeMap::<(usize, &str), Tally>::new();
    let mut all = Tally::default();
    for (scenario, tally) in scenarios.iter().zip(tallies) {
        let row = match &scenario.kills[..] {
            [.., last] if last.point == "recover" => (1, "recover"),
            [first, ..] => (usize::from(OF_CALLS.contains(&first.point)) + 2, first.point),
            [] => (0, "none"),
        };
        rows.entry(row).or_default().add(tally.clone());
        all.add(tally);
    }
    println!("\n{}", header());
    for ((_, point), tally) in &rows {
        println!("{}", line(point, tally));
    }
    println!("{}", line("all", &all));
    let marks: BTreeSet<Mark> = scenarios.iter().flat_map(|scenario| scenario.kills.clone()).collect();
    println!(
        "{} points, {} with the number of the call; {} commands besides the runs; {} failures; {} s\n",
        points(&scenarios).len(),
        marks.len(),
        all.commands,
        all.failures.len(),
        start.elapsed().as_secs()
    );
    assert!(all.failures.is_empty(), "\n{}\n", all.failures.join("\n"));
}

fn header() -> String {
    "killed at   scenarios  kills   runs  effects  duplicates  lost  in doubt expected/found  applied  resent"
        .to_owned()
}

fn line(point: &str, tally: &Tally) -> String {
    format!(
        "{point:<10}  {:>9}  {:>5}  {:>5}  {:>7}  {:>10}  {:>4}  {:>17}/{:<5}  {:>7}  {:>6}",
        tally.scenarios,
        tally.kills,
        tally.runs,
        tally.effects,
        tally.duplicates,
        tally.lost,
        tally.doubts_expected,
        tally.doubts_found,
        tally.applied,
        tally.resent
    )
}
