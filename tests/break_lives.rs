//! The life of a break: every step that may follow, what each leaves behind, and that the order of runs is no part of it.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use proptest::prelude::*;
use tieout::breaks::age::last_day;
use tieout::breaks::found::sightings;
use tieout::breaks::life::{Closer, Event, Evidence, Sighted, Sighting, Standing, apply};
use tieout::breaks::observe::{Dispute, Observation, after, steps};
use tieout::breaks::{BreakKind, BreakStatus};
use tieout::calendar::Calendar;
use tieout::frames::{Measure, Side};
use tieout::shared::Shared;

use crate::support::lives::{AT, DAY, ID, JOB, facts, opened, pair, person};
use crate::support::utc;
use crate::support_facts::{a_day, found};

fn lived(events: &[Event]) -> Standing {
    let mut standing = None;
    for event in events {
        standing = Some(apply(standing.as_ref(), ID, event, utc(AT)).unwrap());
    }
    standing.unwrap()
}

fn closed(period: &str) -> Event {
    Event::Closed { period: period.to_owned(), evidence: Evidence::Inputs { changed: vec!["ledger l.csv".to_owned()] } }
}

fn disputed(effect: &str) -> Event {
    Event::Disputed { effect: effect.to_owned() }
}

fn settled(effect: &str, verdict: BreakStatus) -> Event {
    Event::Settled { effect: effect.to_owned(), verdict }
}

fn found_as(period: &str, digest: &str) -> Event {
    Event::Changed { facts: facts(period, digest).into() }
}

fn found_again(digest: &str) -> Event {
    Event::Reopened { facts: facts(DAY, digest).into() }
}

/// A life that ends in each status; what is closed in each way that there is.
fn lives() -> Vec<(&'static str, Vec<Event>)> {
    let with = |more: &[Event]| [&[opened("one")], more].concat();
    vec![
        ("open", with(&[])),
        ("suggested", vec![Event::Opened { job: JOB.to_owned(), facts: pair("one").into() }]),
        ("confirmed", with(&[person("confirm")])),
        ("in dispute", with(&[disputed("a")])),
        ("gone", with(&[closed(DAY)])),
        ("settled", with(&[disputed("a"), settled("a", BreakStatus::Resolved)])),
        ("written off", with(&[person("write off")])),
        ("matched", with(&[person("match")])),
    ]
}

/// Event → the status after it for each of [`lives`], `-` where it cannot follow.
#[test]
fn every_legal_step_and_no_other_is_taken() {
    use BreakStatus::{Open, Resolved, WrittenOff};
    let table: Vec<(&str, Event, &str)> = vec![
        ("opened", opened("one"), "- - - - - - - -"),
        ("found as before", found_as(DAY, "one"), "- - - - - - - -"),
        ("found with other facts", found_as(DAY, "two"), "open - open in_dispute - - - -"),
        (
            "found elsewhere as before",
            found_as("2025-03-20", "one"),
            "open - confirmed in_dispute - resolved written_off force_matched",
        ),
        ("gone", closed(DAY), "resolved resolved resolved resolved - resolved written_off force_matched"),
        ("gone from where it was not", closed("2025-03-20"), "- - - - - - - -"),
        ("found again as before", found_again("one"), "- - - - open - - -"),
        ("found again otherwise", found_again("two"), "- - - - open open open open"),
        ("disputed", disputed("b"), "in_dispute - in_dispute in_dispute resolved resolved written_off force_matched"),
        (
            "disputed by what disputes it",
            disputed("a"),
            "in_dispute - in_dispute - resolved in_dispute written_off force_matched",
        ),
        ("settled without a dispute", settled("b", Resolved), "- - - - - - - -"),
        ("settled", settled("a", WrittenOff), "- - - written_off - written_off - -"),
        ("settled as open", settled("a", Open), "- - - open - open - -"),
        ("settled as nothing", settled("a", BreakStatus::Confirmed), "- - - - - - - -"),
        ("assigned", person("assign"), "open suggested confirmed in_dispute - - - -"),
        (
            "commented",
            person("comment"),
            "open suggested confirmed in_dispute resolved resolved written_off force_matched",
        ),
        ("confirmed", person("confirm"), "confirmed - - - - - - -"),
        ("written off", person("write off"), "written_off - written_off written_off - - - -"),
        ("force matched", person("match"), "force_matched - force_matched force_matched - - - -"),
        ("accepted", person("accept"), "- force_matched - - - - - -"),
        ("reopened", person("reopen"), "- - - - open open open open"),
    ];
    for (name, event, expected) in table {
        let told: Vec<&str> = lives()
            .iter()
            .map(|(_, events)| {
                let after = apply(Some(&lived(events)), ID, &event, utc(AT));
                after.map_or("-", |standing| standing.status.name())
            })
            .collect();
        assert_eq!(told.join(" "), expected, "{name}");
        assert_eq!(apply(None, ID, &event, utc(AT)).is_ok(), name == "opened", "{name}");
    }
    let illegal = apply(None, ID, &person("write off"), utc(AT)).unwrap_err();
    assert_eq!(illegal.to_string(), format!("break {ID}: `written_off` cannot follow nothing"));
    let illegal = apply(Some(&lived(&lives()[4].1)), ID, &person("write off"), utc(AT)).unwrap_err();
    assert_eq!(illegal.to_string(), format!("break {ID}: `written_off` cannot follow resolved"));
}

#[test]
fn what_is_in_two_periods_is_gone_when_both_have_it_no_more() {
    let both = [opened("one"), found_as("2025-03-18", "two")];
    let standing = lived(&both);
    assert_eq!((&*standing.first.period, &*standing.facts().digest), ("2025-03-18", "one"), "the latest is told");
    let half = lived(&[&both[..], &[closed(DAY)]].concat());
    assert_eq!((half.status, &*half.facts().digest), (BreakStatus::Open, "two"));
    let gone = lived(&[&both[..], &[closed(DAY), closed("2025-03-18")]].concat());
    assert_eq!((gone.status, gone.closing.as_ref().unwrap().by.clone()), (BreakStatus::Resolved, Closer::Run));
    assert_eq!((&*gone.facts().digest, gone.periods.len()), ("two", 0), "the last facts are kept");
}

#[test]
fn what_a_row_of_another_period_clears_stays_closed_while_its_own_period_finds_the_same() {
    let row = Evidence::Row { period: "2025-03-20".to_owned(), side: Side::File, file: "f.csv".to_owned(), line: 7 };
    let standing = lived(&[opened("one"), Event::Closed { period: "2025-03-20".to_owned(), evidence: row.clone() }]);
    assert_eq!(standing.status, BreakStatus::Resolved);
    let known = HashMap::from([(ID.to_owned(), standing)]);
    assert_eq!(steps(&seen(DAY, &[(ID, "one")]), &known), []);
    let [(_, Event::Reopened { .. })] = &steps(&seen(DAY, &[(ID, "two")]), &known)[..] else { panic!("other facts") };
    // On the other side: what a run finds itself it does not clear.
    let open = HashMap::from([(ID.to_owned(), lived(&[opened("one")]))]);
    let mut clears = seen("2025-03-20", &[(ID, "one")]);
    clears.cleared.push((ID.to_owned(), row.clone()));
    assert!(matches!(&steps(&clears, &open)[..], [(_, Event::Changed { .. })]));
    clears.found = vec![].into();
    let expected = Event::Closed { period: "2025-03-20".to_owned(), evidence: row };
    assert_eq!(steps(&clears, &open), [(ID.to_owned(), expected)]);
}

#[test]
fn what_a_later_period_has_cleared_already_is_opened_and_closed_and_no_news_again() {
    let row = Evidence::Row { period: "2025-04".to_owned(), side: Side::File, file: "f.csv".to_owned(), line: 7 };
    let mut late = seen("2025-02", &[(ID, "one")]);
    late.cleared_later.insert(ID.to_owned(), ("2025-04".to_owned(), row.clone()));
    let mut known = HashMap::new();
    let over = Event::Closed { period: "2025-04".to_owned(), evidence: row.clone() };
    let made = steps(&late, &known);
    assert!(matches!(&made[..], [(_, Event::Opened { .. }), (_, closed)] if *closed == over), "{made:?}");
    run(&mut known, &late);
    assert_eq!(known[ID].status, BreakStatus::Resolved);
    assert_eq!(steps(&late, &known), []);
    // The month between finds it too, and is run last: it opens nothing again.
    let mut between = seen("2025-03", &[(ID, "one")]);
    between.cleared_later.insert(ID.to_owned(), ("2025-04".to_owned(), row));
    run(&mut known, &between);
    assert_eq!((known[ID].status, known[ID].periods.len()), (BreakStatus::Resolved, 2));
}

#[test]
fn what_several_periods_clear_together_is_closed_by_a_run_that_has_no_row_of_it() {
    let together = Evidence::Together { period: DAY.to_owned() };
    let standing = lived(&[opened("one"), Event::Closed { period: "2025-03-20".to_owned(), evidence: together }]);
    assert_eq!((standing.status, standing.periods.len()), (BreakStatus::Resolved, 1), "its own period still has it");
}

#[test]
fn what_is_cleared_by_a_row_and_gone_from_the_period_is_closed_by_the_row() {
    let row = Evidence::Row { period: DAY.to_owned(), side: Side::File, file: "f.csv".to_owned(), line: 7 };
    let known = HashMap::from([(ID.to_owned(), lived(&[opened("one")]))]);
    let mut clears = seen(DAY, &[]);
    clears.cleared.push((ID.to_owned(), row.clone()));
    let steps = steps(&clears, &known);
    let evidence = |(_, event): &(String, Event)| match event {
        Event::Closed { evidence, .. } => evidence.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(evidence(&steps[0]), row);
    assert_eq!(steps.len(), 2);
    let standing = steps
        .iter()
        .fold(known[ID].clone(), |standing, (id, event)| apply(Some(&standing), id, event, utc(AT)).unwrap());
    assert_eq!((standing.status, standing.periods.len()), (BreakStatus::Resolved, 0));
}

#[test]
fn a_break_opened_again_is_in_dispute_while_its_audit_goes_on() {
    let standing = lived(&[opened("one"), disputed("a"), closed(DAY), found_again("two")]);
    assert_eq!(standing.status, BreakStatus::InDispute);
    assert!(standing.closing.is_none());
    let over = lived(&[opened("one"), disputed("a"), settled("a", BreakStatus::Resolved), found_again("two")]);
    assert_eq!(over.status, BreakStatus::Open);
}

#[test]
fn what_audits_say_makes_each_step_once() {
    let mut standing = lived(&[opened("one")]);
    let mut observation = seen(DAY, &[(ID, "one")]);
    let says = |verdict| vec![Dispute { effect: "a".to_owned(), verdict }];
    for (verdict, expected) in [
        (BreakStatus::InDispute, vec!["disputed"]),
        (BreakStatus::InDispute, vec![]),
        (BreakStatus::Resolved, vec!["settled"]),
        (BreakStatus::Resolved, vec![]),
        (BreakStatus::Open, vec!["settled"]),
        (BreakStatus::InDispute, vec!["disputed"]),
    ] {
        observation.disputes.insert(ID.to_owned(), says(verdict));
        let known = HashMap::from([(ID.to_owned(), standing.clone())]);
        let made = steps(&observation, &known);
        assert_eq!(made.iter().map(|(_, event)| event.name()).collect::<Vec<_>>(), expected);
        if let Some(next) = after(&known, &made, utc(AT)).unwrap().remove(ID) {
            standing = next;
        }
        assert_eq!(standing.status, verdict);
    }
    // All at once, for a break that is new.
    let made = steps(
        &Observation { disputes: [(ID.to_owned(), says(BreakStatus::WrittenOff))].into(), ..observation },
        &HashMap::new(),
    );
    assert_eq!(made.iter().map(|(_, event)| event.name()).collect::<Vec<_>>(), ["opened", "disputed", "settled"]);
}

#[test]
fn a_key_that_a_weaker_rule_pairs_is_gone_because_of_that() {
    let known = HashMap::from([(ID.to_owned(), lived(&[opened("one")]))]);
    let mut observation = seen(DAY, &[]);
    observation.changed_inputs.push("ledger l.csv".to_owned());
    let evidence = |observation: &Observation| match &steps(observation, &known)[..] {
        [(id, Event::Closed { evidence, .. })] if id == ID => evidence.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(evidence(&observation), Evidence::Inputs { changed: vec!["ledger l.csv".to_owned()] });
    observation.paired.insert("t-1".to_owned(), "5a".to_owned());
    assert_eq!(evidence(&observation), Evidence::Suggestion { id: "5a".to_owned() });
}

#[test]
fn facts_are_told_apart_by_what_they_say_and_not_by_where_they_stand() {
    let one = found(BreakKind::AmountMismatch, "t-1", "USD", 67);
    let digest = |found: &tieout::breaks::Break| {
        sightings(DAY, utc(AT), &vec![found.clone()].into(), &[]).get(0).facts.digest.clone()
    };
    let same = digest(&one);
    let mut moved = one.clone();
    for side in moved.sides.iter_mut().flatten() {
        for row in &mut side.to_mut().rows {
            row.line += 7;
        }
    }
    (moved.age_days, moved.status) = (3, BreakStatus::Resolved);
    assert_eq!(digest(&moved), same);
    let mut changes = Vec::new();
    for change in 0..4 {
        let mut other = one.clone();
        match change {
            0 => other.at_risk_minor += 1,
            1 => other.kind = BreakKind::RewardMismatch,
            2 => other.measure = Measure::UserReward,
            _ => other.difference_minor = Some(-1),
        }
        changes.push(digest(&other));
    }
    changes.push(same);
    changes.sort();
    changes.dedup();
    assert_eq!(changes.len(), 5);
    // The suggestion of the day comes last, under its own id.
    let day = a_day();
    let all = sightings(DAY, utc(AT), &day.breaks, &day.suggestions);
    assert_eq!(all.len(), day.breaks.len() + 1);
    let last = all.get(all.len() - 1);
    assert_eq!((&last.id, last.facts.kind_name()), (&day.suggestions[0].id, "suggested_match"));
}

#[test]
fn business_days_are_counted_after_one_day_and_with_the_other() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    for (after, until, expected) in [
        ("2025-03-19", "2025-03-19", 0),
        ("2025-03-19", "2025-03-20", 1),
        ("2025-03-21", "2025-03-23", 0),
        ("2025-03-21", "2025-03-24", 1),
        ("2025-03-01", "2025-03-31", 21),
        ("2025-03-20", "2025-03-19", 0),
        // Washington's Birthday is a Monday.
        ("2025-02-14", "2025-02-18", 1),
    ] {
        let counted = Calendar::us_federal().business_days_between(day(after), day(until));
        assert_eq!(counted, expected, "{after} to {until}");
    }
    assert_eq!(last_day("2024-02"), Some(day("2024-02-29")));
    assert_eq!(last_day("2025-03-19"), Some(day("2025-03-19")));
    assert_eq!(last_day("auto"), None);
}

/// What a run of a period finds.
fn seen(period: &str, found: &[(&str, &str)]) -> Observation {
    let found = found.iter().map(|(id, digest)| Sighted { id: (*id).to_owned(), facts: facts(period, digest).into() });
    let found = found.collect();
    Observation { job: JOB.to_owned(), period: period.to_owned(), found, ..Observation::default() }
}

/// What each period has found.
type Periods = BTreeMap<String, Shared<Sighting>>;

/// Ids and how they stand, without the times.
fn statuses(known: &HashMap<String, Standing>) -> Vec<(String, BreakStatus, String, Periods)> {
    let mut all: Vec<_> =
        known.values().map(|one| (one.id.clone(), one.status, one.first.period.clone(), one.periods.clone())).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn run(known: &mut HashMap<String, Standing>, observation: &Observation) {
    let made = steps(observation, known);
    let next = after(known, &made, utc(AT)).unwrap();
    known.extend(next);
}

proptest! {
    /// Five periods, each of which finds some of six breaks with one of two sets of facts.
    #[test]
    fn any_order_and_repetition_of_the_same_runs_gives_the_same_breaks(
        periods in prop::collection::vec(prop::collection::btree_map(0_usize..6, 0_usize..2, 0..6), 5),
        order in prop::collection::vec(0_usize..5, 0..20),
    ) {
        let ids: Vec<String> = (0..6).map(|number| format!("{number:016x}")).collect();
        let runs: Vec<Observation> = (1..).zip(&periods).map(|(day, found)| {
            let found: Vec<(&str, &str)> =
                found.iter().map(|(id, digest)| (&*ids[*id], ["one", "two"][*digest])).collect();
            seen(&format!("2025-03-{day:02}"), &found)
        }).collect();
        let mut expected = HashMap::new();
        for one in &runs {
            run(&mut expected, one);
        }
        let mut known = HashMap::new();
        // In any order, some twice; those that were left out come at the end.
        for one in order.iter().map(|place| &runs[*place]).chain(runs.iter().rev()) {
            run(&mut known, one);
        }
        prop_assert_eq!(statuses(&known), statuses(&expected));
        // Whatever is run again makes no event.
        for one in &runs {
            prop_assert_eq!(steps(one, &known), vec![]);
        }
    }
}
