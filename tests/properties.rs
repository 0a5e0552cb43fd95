//! What must hold whatever the rows say: the totals tie, no row is lost, sides mirror, order is nothing.

use proptest::prelude::*;

use tieout::breaks::{Break, BreakKind, Statement, Suggestion};
use tieout::frames::{Frame, Side};
use tieout::job::Splits;
use tieout::matching::Rules;

use crate::support::engine::{case_count, compare};
use crate::support::frames::{Row, frame, hour, row, rules};

fn any_row() -> impl Strategy<Value = Row> {
    let status = prop::sample::select(vec![
        None,
        Some("SETTLED"),
        Some("APPROVED"),
        Some("RETURNED"),
        Some("REVERSED"),
        Some("DECLINED"),
        Some("FAILED"),
        Some("CLAWBACK"),
        Some("VALID"),
        Some("SOMETHING_NEW"),
    ]);
    let minor = prop_oneof![Just(None), (-3_i64..4).prop_map(|units| Some(units * 100))];
    let text = |words: &'static [&'static str]| prop::option::of(prop::sample::select(words).prop_map(str::to_owned));
    (
        (0_u8..12, minor.clone(), minor.clone(), minor, prop::sample::select(vec!["USD", "EUR", "JPY"])),
        (status, text(&["u1", "u2"]), text(&["1111", "2222"]), text(&["PAID_IN_FULL", "UNPAID"])),
        (text(&["e1", "e2", "e3"]), prop::option::of(-20_i64..44)),
    )
        .prop_map(
            |((id, amount, commission, reward, currency), (status, user, last_four, payment), (event, at))| Row {
                id: format!("t{id}"),
                amount,
                commission,
                reward,
                currency: currency.to_owned(),
                status: status.map(str::to_owned),
                user,
                last_four,
                payment,
                reason: None,
                event,
                at: at.map(hour),
                account: None,
                valid: [None, None],
            },
        )
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(any_row(), 0..25)
}

/// The same rows twice, the second time in another order.
fn shuffled_rows() -> impl Strategy<Value = (Vec<Row>, Vec<Row>)> {
    any_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

/// The sample job's rules with some of them turned off or loosened.
fn any_rules() -> impl Strategy<Value = Rules> {
    let missing = prop::sample::subsequence(Side::ALL.to_vec(), 0..=1);
    (any::<[bool; 6]>(), 0_i64..200, missing).prop_map(
        |([sum, settled, reward, currency, status, graced], cents, missing)| {
            let mut rules = Rules { settled_file: settled, ledger_states_reward: reward, missing, ..rules() };
            rules.matching.splits = if sum { Splits::Sum } else { Splits::Forbid };
            rules.matching.currency = currency;
            rules.matching.amount_tolerance_minor = (cents < 150).then_some(cents);
            rules.matching.status = status.then(Vec::new);
            if !graced {
                rules.grace = chrono::TimeDelta::zero();
            }
            rules
        },
    )
}

/// Everything that breaks, suggestions and the statement say, without the places of rows.
fn whole(rules: &Rules, frames: &[Frame]) -> (Vec<Break>, Vec<Suggestion>, Statement) {
    let comparison = compare(rules, frames).expect("ties out");
    let (mut breaks, mut suggestions) = (comparison.breaks(), comparison.suggestions());
    let sides = breaks.iter_mut().flat_map(|found| &mut found.sides);
    for side in sides.chain(suggestions.iter_mut().flat_map(|found| &mut found.sides)).flatten() {
        side.to_mut().rows.clear();
    }
    (breaks, suggestions, comparison.statement)
}

fn three(file: &[Row], ledger: &[Row], webhooks: &[Row]) -> [Frame; 3] {
    [frame(Side::File, file), frame(Side::Ledger, ledger), frame(Side::Webhooks, webhooks)]
}

fn found(rules: &Rules, frames: &[Frame]) -> Vec<(String, BreakKind, String, Option<i64>)> {
    let comparison = compare(rules, frames).expect("ties out");
    let breaks = comparison.breaks();
    breaks.into_iter().map(|found| (found.id, found.kind, found.key, found.difference_minor)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(192), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_residual_is_zero_and_every_row_has_one_outcome(
        file in any_rows(), ledger in any_rows(), webhooks in any_rows(), rules in any_rules()
    ) {
        let comparison = compare(&rules, &three(&file, &ledger, &webhooks)).expect("proven");
        for rows in &comparison.statement.rows {
            prop_assert_eq!(rows.unaccounted, 0);
            prop_assert_eq!(rows.matched + rows.expected + rows.breaks + rows.quarantined + rows.excluded, rows.read);
        }
        for bridge in &comparison.statement.bridges {
            let explained: i128 = bridge.lines.iter().map(|line| line.amount_minor).sum();
            prop_assert_eq!(bridge.left_total_minor + explained, bridge.right_total_minor);
        }
    }

    #[test]
    fn no_two_breaks_share_an_id(
        file in any_rows(), ledger in any_rows(), webhooks in any_rows(), rules in any_rules()
    ) {
        let mut ids: Vec<String> = found(&rules, &three(&file, &ledger, &webhooks)).into_iter().map(|one| one.0).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), all);
    }

    #[test]
    fn the_order_of_rows_changes_nothing(
        file in shuffled_rows(), ledger in shuffled_rows(), webhooks in shuffled_rows(), rules in any_rules()
    ) {
        prop_assert_eq!(
            whole(&rules, &three(&file.0, &ledger.0, &webhooks.0)),
            whole(&rules, &three(&file.1, &ledger.1, &webhooks.1))
        );
    }

    #[test]
    fn swapping_file_and_ledger_mirrors_the_breaks(left in plain_rows(), right in plain_rows()) {
        let mut rules = Rules { sides: vec![Side::File, Side::Ledger], ledger_states_reward: false, grace: chrono::TimeDelta::zero(), ..rules() };
        // A suggestion goes by the file's key: that is meant to be lopsided.
        rules.matching.fallback.clear();
        let one_way = found(&rules, &[frame(Side::File, &left), frame(Side::Ledger, &right)]);
        let other_way = found(&rules, &[frame(Side::File, &right), frame(Side::Ledger, &left)]);
        let mirror = |kind: BreakKind| match kind {
            BreakKind::MissingInFile => BreakKind::MissingInLedger,
            BreakKind::MissingInLedger => BreakKind::MissingInFile,
            other => other,
        };
        let mut mirrored: Vec<_> = one_way.into_iter().map(|(_, kind, key, minor)| (mirror(kind), key, minor.map(|minor| -minor))).collect();
        let mut other: Vec<_> = other_way.into_iter().map(|(_, kind, key, minor)| (kind, key, minor)).collect();
        mirrored.sort();
        other.sort();
        prop_assert_eq!(mirrored, other);
    }

    #[test]
    fn a_side_that_repeats_another_word_for_word_has_no_breaks(amounts in prop::collection::vec(1_i64..1_000_000, 0..40)) {
        let rows: Vec<Row> = amounts.iter().enumerate().map(|(index, minor)| row(&format!("t{index}")).amount(*minor)).collect();
        let rules = Rules { sides: vec![Side::File, Side::Ledger], ..rules() };
        prop_assert_eq!(found(&rules, &[frame(Side::File, &rows), frame(Side::Ledger, &rows)]), vec![]);
    }
}

/// Settled purchases, at most one a key: what both sides can hold alike.
fn plain_rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::btree_map(0_u8..15, (1_i64..4, 0_i64..3, 0_i64..24), 0..12).prop_map(|rows| {
        rows.into_iter()
            .map(|(id, (amount, reward, at))| {
                row(&format!("t{id}")).amount(amount * 500).reward(reward * 50).at(hour(at))
            })
            .collect()
    })
}
