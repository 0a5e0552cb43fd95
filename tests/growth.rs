//! Inputs that are big in an unusual way: work must grow with their rows, not with pairs of rows.
//! Nothing is timed here; what grew with the square would not come to an end.

use tieout::breaks::BreakKind as K;
use tieout::breaks::compare::{Comparison, compare};
use tieout::frames::Side;
use tieout::job::Splits;
use tieout::matching::Rules;
use tieout::money::exponent;

use crate::support::frames::{Row, frame, hour, row, rules};

const MANY: usize = 30_000;

fn two(rules: &Rules, file: &[Row], ledger: &[Row]) -> Comparison {
    let rules = Rules { sides: vec![Side::File, Side::Ledger], ..rules.clone() };
    compare(&rules, &[frame(Side::File, file), frame(Side::Ledger, ledger)]).unwrap_or_else(|error| panic!("{error}"))
}

fn counted(comparison: &Comparison, kind: K) -> usize {
    comparison.breaks().iter().filter(|found| found.kind == kind).count()
}

#[test]
fn one_key_may_have_many_rows() {
    let micros = |index: usize| hour(1) + i64::try_from(index).unwrap();
    let parts: Vec<Row> = (0..MANY).map(|index| row("a").amount(1).reward(0).commission(0).at(micros(index))).collect();
    let whole = row("a").amount(i64::try_from(MANY).unwrap()).reward(0).commission(0);
    let summed = two(&rules(), &[whole], &parts);
    assert_eq!(summed.breaks().len(), 0);
    let mut forbidding = rules();
    forbidding.matching.splits = Splits::Forbid;
    let copies = vec![row("a"); MANY];
    let repeated = two(&forbidding, &[row("a")], &copies);
    assert_eq!(counted(&repeated, K::DuplicateRow), 1);
    assert_eq!(repeated.statement.rows[1].breaks, MANY as u64 - 1);
}

#[test]
fn many_keys_may_fit_each_other_equally() {
    let side = |letter: &str, from: usize| -> Vec<Row> {
        let micros = |index: usize| hour(1) + i64::try_from(index).unwrap() * 700_000;
        (from..from + MANY / 2).map(|index| row(&format!("{letter}{index:06}")).at(micros(index))).collect()
    };
    let comparison = two(&rules(), &side("f", 0), &side("l", 0));
    assert_eq!(counted(&comparison, K::AmbiguousMatch), MANY);
    let mut lonely = rules();
    lonely.ledger_states_reward = false;
    assert_eq!(counted(&two(&lonely, &[], &side("l", 0)), K::MissingInFile), MANY / 2);
}

#[test]
fn there_may_be_many_breaks_in_many_currencies() {
    let letters = || b'A'..=b'Z';
    let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
    let codes: Vec<String> = codes.map(|code| String::from_utf8(code.to_vec()).unwrap()).collect();
    let known: Vec<&String> = codes.iter().filter(|code| exponent(code).is_some()).collect();
    assert!(known.len() > 150);
    let rows = |amount: i64| -> Vec<Row> {
        let one = |index: usize| row(&format!("t{index}")).amount(amount).currency(known[index % known.len()]);
        (0..MANY).map(one).collect()
    };
    let comparison = two(&rules(), &rows(10), &rows(7));
    assert_eq!(counted(&comparison, K::AmountMismatch), MANY);
    assert_eq!(comparison.statement.bridges.len(), 3 * known.len());
}
