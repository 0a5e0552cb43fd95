//! What may go of old periods, and why the rest stays: the pure plan of `tieout gc`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tieout::retention::{Attempt, Found, Name, PeriodFacts, Policy, RawName, Survey, Thing, Why};

const POLICY: Policy = Policy { raw: TimeDelta::days(100), reports: TimeDelta::days(400) };

fn now() -> DateTime<Utc> {
    "2026-11-21T09:00:00Z".parse().unwrap()
}

fn ago(days: i64) -> DateTime<Utc> {
    now() - TimeDelta::days(days)
}

fn name(period: &str) -> Name {
    Name { job: "rewards".to_owned(), period: period.to_owned() }
}

fn raw(period: &str, file: &str) -> RawName {
    RawName { of: name(period), file: file.to_owned() }
}

fn attempt(number: u32, days: i64, read: &[RawName]) -> Attempt {
    Attempt { number, at: ago(days), read: read.iter().cloned().collect() }
}

fn found(thing: Thing, days: i64) -> Found {
    Found { thing, files: 1, bytes: 10, written: ago(days) }
}

/// In words, why it stays, and how a period comes to it.
type Trouble = (&'static str, Why, fn(&mut PeriodFacts));

/// A period that ended `days` ago, run once the day after: its report, one raw file, one build.
fn period(label: &str, days: i64) -> (PeriodFacts, Vec<Found>) {
    let file = format!("sha256-{label}");
    let facts = PeriodFacts {
        end: Some(ago(days)),
        attempts: vec![attempt(1, days - 1, &[raw(label, &file)])],
        ..PeriodFacts::default()
    };
    let things = vec![
        found(Thing::Report { attempt: 1 }, days - 1),
        found(Thing::Raw { file }, days - 1),
        found(Thing::Build { key: "k".to_owned() }, days - 1),
    ];
    (facts, things)
}

fn survey(periods: impl IntoIterator<Item = (Name, (PeriodFacts, Vec<Found>))>) -> Survey {
    let mut survey =
        Survey { now: now(), reach: TimeDelta::days(33), periods: BTreeMap::new(), found: BTreeMap::new() };
    for (name, (facts, things)) in periods {
        survey.periods.insert(name.clone(), facts);
        survey.found.insert(name, things);
    }
    survey
}

/// What goes of one period with these facts, and why the rest stays.
fn planned(days: i64, change: impl FnOnce(&mut PeriodFacts)) -> (Vec<&'static str>, BTreeSet<Why>) {
    let (mut facts, things) = period("p", days);
    change(&mut facts);
    let plan = survey([(name("p"), (facts, things))]).plan(POLICY);
    let word = |found: &Found| match found.thing {
        Thing::Report { .. } => "report",
        Thing::Raw { .. } => "raw",
        Thing::Build { .. } => "build",
    };
    (plan.removed.values().flatten().map(word).collect(), plan.kept.keys().copied().collect())
}

#[test]
fn what_is_old_goes_and_what_is_young_or_needed_stays() {
    let nothing = |_: &mut PeriodFacts| {};
    let all = vec!["report", "raw", "build"];
    let none: Vec<&str> = Vec::new();
    assert_eq!(planned(500, nothing), (all, BTreeSet::new()), "older than both");
    assert_eq!(planned(200, nothing), (vec!["raw", "build"], [Why::Young].into()), "older than raw files are kept");
    assert_eq!(planned(90, nothing), (none.clone(), [Why::Young].into()));
    assert_eq!(planned(20, nothing), (none.clone(), [Why::InReach].into()), "present runs look back to it");
    let whole: [Trouble; 4] = [
        ("open breaks", Why::OpenBreaks, |facts| facts.open_breaks = 1),
        ("an effect in doubt", Why::OpenEffects, |facts| facts.open_effects = 1),
        ("a run at work", Why::Running, |facts| facts.running = true),
        ("a label of no known form", Why::Unknown, |facts| facts.end = None),
    ];
    for (about, why, change) in whole {
        assert_eq!(planned(5_000, change), (none.clone(), [why].into()), "{about}");
    }
    assert_eq!(planned(5_000, |facts| facts.sealed = Some(1)), (none, [Why::Sealed].into()), "signed off");
    let of_another = planned(5_000, |facts| facts.sealed = Some(2));
    assert_eq!(of_another, (vec!["report", "raw"], [Why::Sealed].into()), "another attempt is signed off");
    let unknown = planned(5_000, |facts| facts.attempts[0].number = 7);
    assert_eq!(unknown, (vec!["raw", "build"], [Why::Unknown].into()), "a report of no known attempt");
}

#[test]
fn a_raw_file_stays_as_long_as_any_kept_run_of_any_period_has_read_it() {
    // Both months are long ago; the close of March is signed off and has read a file of February.
    let (february, mut things) = period("2024-02", 1_000);
    things.push(found(Thing::Raw { file: "sha256-other".to_owned() }, 999));
    let (mut march, of_march) = period("2024-03", 970);
    march.attempts[0].read.insert(raw("2024-02", "sha256-2024-02"));
    march.sealed = Some(1);
    let plan = survey([(name("2024-02"), (february, things)), (name("2024-03"), (march, of_march))]).plan(POLICY);
    let raw_gone: Vec<&Thing> = plan.removed.values().flatten().map(|found| &found.thing).collect();
    assert!(raw_gone.contains(&&Thing::Raw { file: "sha256-other".to_owned() }), "{raw_gone:?}");
    assert!(!raw_gone.contains(&&Thing::Raw { file: "sha256-2024-02".to_owned() }), "{raw_gone:?}");
    // A rerun from last week has read it, too: it stays although the first run is old.
    let (mut again, things) = period("2024-02", 1_000);
    again.attempts.push(attempt(2, 7, &[raw("2024-02", "sha256-2024-02")]));
    let plan = survey([(name("2024-02"), (again, things))]).plan(POLICY);
    let kept: Vec<&Thing> = plan.removed.values().flatten().map(|found| &found.thing).collect();
    assert_eq!(kept, [&Thing::Report { attempt: 1 }], "the first attempt's report alone is old");
}

/// Periods of any age and state, with raw files that any of their attempts may have read.
fn any_survey() -> impl Strategy<Value = Survey> {
    let attempt = (0..900_i64, proptest::collection::btree_set((0..6_usize, 0..3_usize), 0..4));
    let facts = (
        proptest::collection::vec(attempt, 1..4),
        0..900_i64,
        prop_oneof![4 => Just(0_u64), 1 => Just(1)],
        prop_oneof![4 => Just(0_u64), 1 => Just(1)],
        prop_oneof![2 => Just(None), 1 => (1..4_u32).prop_map(Some)],
        proptest::bool::weighted(0.1),
    );
    proptest::collection::vec(facts, 1..6).prop_map(|periods| {
        let raw_of = |(period, file): (usize, usize)| raw(&format!("p{period}"), &format!("sha256-{file}"));
        let made =
            periods.into_iter().enumerate().map(|(number, (attempts, end, breaks, effects, sealed, running))| {
                let attempts: Vec<Attempt> = attempts
                    .into_iter()
                    .zip(1..)
                    .map(|((days, read), number)| Attempt {
                        number,
                        at: ago(days),
                        read: read.into_iter().map(raw_of).collect(),
                    })
                    .collect();
                let reports = attempts.iter().map(|known| found(Thing::Report { attempt: known.number }, 900));
                let files = (0..3).map(|file| found(Thing::Raw { file: format!("sha256-{file}") }, 900));
                let things = reports.chain(files).collect();
                let facts = PeriodFacts {
                    end: Some(ago(end)),
                    attempts,
                    open_breaks: breaks,
                    open_effects: effects,
                    sealed,
                    running,
                };
                (name(&format!("p{number}")), (facts, things))
            });
        survey(made)
    })
}

proptest! {
    #[test]
    fn nothing_of_a_protected_period_goes_and_nothing_that_a_kept_run_has_read(survey in any_survey()) {
        let plan = survey.plan(POLICY);
        let mut removed = 0;
        for (name, things) in &plan.removed {
            let facts = &survey.periods[name];
            prop_assert!(facts.open_breaks == 0 && facts.open_effects == 0 && !facts.running);
            prop_assert!(facts.end.unwrap() <= now() - survey.reach);
            for found in things {
                removed += 1;
                match &found.thing {
                    Thing::Report { attempt } => {
                        prop_assert_ne!(facts.sealed, Some(*attempt));
                        let known = facts.attempts.iter().find(|known| known.number == *attempt).unwrap();
                        prop_assert!(now() - known.at >= POLICY.reports);
                    }
                    Thing::Raw { file } => {
                        let raw = RawName { of: name.clone(), file: file.clone() };
                        for facts in survey.periods.values() {
                            for reader in facts.attempts.iter().filter(|attempt| attempt.read.contains(&raw)) {
                                prop_assert!(now() - reader.at >= POLICY.raw, "a young run has read it");
                                prop_assert_ne!(facts.sealed, Some(reader.number));
                                prop_assert!(facts.open_breaks == 0 && facts.open_effects == 0 && !facts.running);
                            }
                        }
                    }
                    Thing::Build { .. } => unreachable!("none was made"),
                }
            }
        }
        let kept: u64 = plan.kept.values().map(|(count, _)| count).sum();
        let all: usize = survey.found.values().map(Vec::len).sum();
        prop_assert_eq!(removed + kept, all as u64, "each thing goes or stays");
    }
}
