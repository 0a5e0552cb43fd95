//! Random rows of a few purchases over four days: in whatever order the days are run, and however often, the same items
//! and the same breaks are open in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use tieout::breaks::carry::{LeftOpen, Others, Said, Until};
use tieout::breaks::carry_judge::{self, ClosedBy};
use tieout::breaks::compare::{Comparison, compare_among};
use tieout::breaks::found::sightings;
use tieout::breaks::life::{Evidence, Standing};
use tieout::breaks::observe::{Observation, after, steps};
use tieout::frames::{Frame, Side};
use tieout::matching::{Rules, match_frames};

use crate::support::frames::{Row, day, frame, hour, notice, row, rules};
use crate::support::utc;

const DAYS: usize = 4;

/// Where a side states a purchase: in the file of that day, as of so many days before, early or late in the day.
#[derive(Debug, Clone, Copy)]
struct Place {
    in_file_of: usize,
    days_before: usize,
    late: bool,
    /// Other cents than the others.
    odd: bool,
}

/// In the order of [`Side::ALL`]. Each side states a purchase in one day's file: an id is used once.
type Purchase = [Option<Place>; 3];

fn place() -> impl Strategy<Value = Option<Place>> {
    let stated = (0..DAYS, 0..3_usize, any::<bool>(), prop::bool::weighted(0.2));
    prop::option::weighted(0.7, stated).prop_map(|place| {
        place.map(|(in_file_of, days_before, late, odd)| {
            // What comes late comes rarely.
            let days_before = if days_before == 1 { in_file_of.min(1) } else { 0 };
            Place { in_file_of, days_before, late, odd }
        })
    })
}

fn rules_of(number: usize) -> Rules {
    let mut rules = rules();
    rules.matching.fallback.clear();
    let days = TimeDelta::days(i64::try_from(number).unwrap());
    let first_day = NaiveDate::from_ymd_opt(2025, 3, 19).unwrap() + days;
    rules.period.label = first_day.to_string();
    rules.period.first_day = first_day;
    (rules.period.start, rules.period.end) = (day().start + days, day().end + days);
    rules
}

/// The frames of each day.
fn files(purchases: &[Purchase]) -> Vec<Vec<Frame>> {
    let of_side = |number: usize, side: Side| {
        let stated =
            purchases.iter().enumerate().filter_map(|(index, purchase)| Some((index, purchase[side as usize]?)));
        let rows: Vec<Row> = stated
            .filter(|(_, place)| place.in_file_of == number)
            .map(|(index, place)| {
                let key = format!("p{index}");
                let at =
                    i64::try_from(place.in_file_of - place.days_before).unwrap() * 24 + if place.late { 22 } else { 9 };
                let base = if side == Side::Webhooks { notice(&key, "SETTLED") } else { row(&key) };
                let odd = place.odd && side != Side::Webhooks;
                if odd { base.at(hour(at)).amount(1_050) } else { base.at(hour(at)) }
            })
            .collect();
        frame(side, &rows)
    };
    (0..DAYS).map(|number| Side::ALL.map(|side| of_side(number, side)).to_vec()).collect()
}

/// What is open when all runs have ended.
#[derive(Debug, PartialEq, Eq)]
struct Open {
    /// Period and key of the items that no list settles.
    items: BTreeSet<String>,
    /// The breaks of the journal.
    ids: BTreeSet<String>,
}

/// What is kept from run to run.
#[derive(Default)]
struct Kept {
    lists: BTreeMap<usize, LeftOpen>,
    lives: HashMap<String, Standing>,
}

impl Kept {
    /// As the program runs a day: in the light of all lists, and of the files of later days that were run.
    fn compare(&self, days: &[Vec<Frame>], number: usize) -> Comparison {
        let mut rules = rules_of(number);
        let mut others =
            Others::of_lists(self.lists.iter().filter(|(other, _)| **other != number).map(|(_, list)| list));
        let later: Vec<usize> = self.lists.keys().copied().filter(|other| *other > number).collect();
        others.until = later.last().map(|last| Until { end: rules_of(*last).period.end, missing: Vec::new() });
        rules.watched = Arc::new(others.keys());
        let first = compare_among(&rules, &days[number], &others).unwrap();
        let open = first.left_open(&rules.period.label).items;
        if later.is_empty() || open.is_empty() {
            return first;
        }
        let keys: Arc<HashSet<String>> = Arc::new(open.iter().map(|item| item.key.clone()).collect());
        for other in later {
            let rules = Rules { watched: Arc::clone(&keys), ..rules_of(other) };
            let matched = match_frames(&rules, &days[other]).unwrap();
            for facts in matched.suspects.into_iter().filter(|facts| keys.contains(&facts.key)).chain(matched.strays) {
                let said = Said { period: rules.period.label.clone(), key: facts.key.clone(), sides: facts.sides };
                others.later.entry(facts.key).or_default().push(said);
            }
        }
        for item in open.into_iter().filter(|item| item.waits.is_some()) {
            others.later.entry(item.key).or_default();
        }
        rules.watched = Arc::new(others.keys());
        compare_among(&rules, &days[number], &others).unwrap()
    }

    fn run(&mut self, days: &[Vec<Frame>], number: usize) {
        let found = self.compare(days, number);
        let (job, period) = (found.job.clone(), rules_of(number).period.label);
        let at = utc("2025-04-01T09:00:00Z");
        let closed = carry_judge::closed(&job, &found.carried.items, &found.carried.replaced).into_iter();
        let cleared = closed.map(|(id, by)| {
            let evidence = match by {
                ClosedBy::Row(side, row) => {
                    Evidence::Row { period: period.clone(), side, file: "f".to_owned(), line: row.line }
                }
                ClosedBy::Together(period) => Evidence::Together { period },
            };
            (id, evidence)
        });
        let observation = Observation {
            job: job.clone(),
            period: period.clone(),
            found: sightings(&period, at, &found.packed(), &[]),
            cleared: cleared.collect(),
            ..Observation::default()
        };
        let steps = steps(&observation, &self.lives);
        self.lives.extend(after(&self.lives, &steps, at).unwrap());
        self.lists.insert(number, found.left_open(&period));
    }

    fn open(&self) -> Open {
        let settled: HashSet<_> = self.lists.values().flat_map(|list| &list.settled).collect();
        let items = self.lists.values().flat_map(|list| &list.items);
        let open = items
            .filter(|item| !settled.iter().any(|settled| (&settled.period, &settled.key) == (&item.period, &item.key)));
        let items = open.map(|item| format!("{} {}", item.period, item.key)).collect();
        let open: Vec<&Standing> = self.lives.values().filter(|standing| standing.status.is_open()).collect();
        let ids = open.iter().map(|standing| standing.id.clone()).collect();
        Open { items, ids }
    }
}

fn after_runs(days: &[Vec<Frame>], order: &[usize]) -> Open {
    let mut kept = Kept::default();
    for number in order {
        kept.run(days, *number);
    }
    kept.open()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_runs_and_their_repetition_change_nothing(
        purchases in prop::collection::vec([place(), place(), place()], 1..5),
        order in Just([0, 1, 2, 3]).prop_shuffle(),
        again in prop::collection::vec(0..DAYS, 0..6),
    ) {
        let days = files(&purchases);
        let otherwise = [&order[..], &again].concat();
        let (in_order, otherwise_open) = (after_runs(&days, &[0, 1, 2, 3]), after_runs(&days, &otherwise));
        prop_assert_eq!(otherwise_open.items, in_order.items, "{:?}", &otherwise);
    }

    #[test]
    fn nor_which_breaks_are_open(
        purchases in prop::collection::vec([place(), place(), place()], 1..5),
        order in Just([0, 1, 2, 3]).prop_shuffle(),
        again in prop::collection::vec(0..DAYS, 0..6),
    ) {
        let days = files(&purchases);
        let otherwise = [&order[..], &again].concat();
        prop_assert_eq!(after_runs(&days, &otherwise).ids, after_runs(&days, &[0, 1, 2, 3]).ids, "{:?}", &otherwise);
    }
}
