//! Breaks are kept as few bytes, and are the same when they are unfolded.

use chrono::DateTime;
use proptest::prelude::*;
use tieout::breaks::found::sightings;
use tieout::breaks::{Break, BreakKind, BreakStatus, Breaks, RowRef, SideFacts, compare};
use tieout::frames::Measure;

use crate::support_facts::{a_day, every_kind, found, hostile};

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![Just("USD".to_owned()), ".{0,200}"])
}

prop_compose! {
    fn a_side()(
        amounts in any::<[Option<i64>; 3]>(),
        texts in proptest::collection::vec(text(), 11),
        micros in proptest::option::of(-1_i64 << 55..1_i64 << 55),
        rows in proptest::collection::vec((any::<u32>(), any::<u64>()), 0..4),
    ) -> SideFacts {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().flatten();
        let [amount_minor, issuer_commission_minor, user_reward_minor] = amounts;
        SideFacts {
            amount_minor,
            issuer_commission_minor,
            user_reward_minor,
            currency: next(),
            status: next(),
            user: next(),
            merchant: next(),
            card_first_six: next(),
            card_last_four: next(),
            payment_status: next(),
            reason: next(),
            account: next(),
            valid_from: next(),
            valid_to: next(),
            occurred_at: micros.and_then(DateTime::from_timestamp_micros),
            rows: rows.into_iter().map(|(file, line)| RowRef { file, line }).collect(),
        }
    }
}

prop_compose! {
    fn a_break()(
        kind in 0..BreakKind::ALL.len(),
        (id, key, detail) in ("[0-3]", ".{0,20}", ".{0,300}"),
        (measure, status) in (0_usize..3, 0..BreakStatus::ALL.len()),
        at_risk_minor in prop_oneof![0_i64..3, any::<i64>()],
        difference_minor in any::<Option<i64>>(),
        sides in [proptest::option::of(a_side()), proptest::option::of(a_side()), proptest::option::of(a_side())],
        age_days in any::<i64>(),
    ) -> Break {
        let occurred_at = sides.iter().flatten().find_map(|side: &SideFacts| side.occurred_at);
        Break {
            difference_minor,
            sides: sides.map(|side| side.map(Into::into)),
            occurred_at,
            age_days,
            detail,
            measure: Measure::ALL[measure],
            status: BreakStatus::ALL[status],
            ..Break { id, ..found(BreakKind::ALL[kind], &key, ["USD", "EUR", ""][measure], at_risk_minor) }
        }
    }
}

proptest! {
    #[test]
    fn what_is_packed_is_the_same_when_it_is_unfolded(
        left in proptest::collection::vec(a_break(), 0..6),
        right in proptest::collection::vec(a_break(), 0..6),
    ) {
        let mut packed = Breaks::from(left.clone());
        packed.append(right.clone().into());
        let mut plain = [left, right].concat();
        prop_assert_eq!(packed.to_vec(), &*plain);
        for (place, one) in plain.iter().enumerate() {
            let head = packed.head(place);
            prop_assert_eq!((head.id(), head.key(), head.detail(), head.status), (&*one.id, &*one.key, &*one.detail, one.status));
            prop_assert_eq!(head.stated(), one.sides.each_ref().map(Option::is_some));
        }
        packed.sort();
        compare::sort(&mut plain);
        prop_assert_eq!(packed.to_vec(), &*plain);
        packed.change(|head| head.id() == "1", |one| one.detail.push('!'));
        plain.iter_mut().filter(|one| one.id == "1").for_each(|one| one.detail.push('!'));
        prop_assert_eq!(packed.to_vec(), plain);
    }
}

proptest! {
    #[test]
    fn breaks_that_are_alike_in_kind_and_amount_lie_in_the_order_of_key_and_id(
        some in proptest::collection::vec(
            (prop_oneof!["[ab\u{0}é]{0,3}", "the same beginning[ab\u{0}]{0,2}"], "[0-3]", 0_i64..2),
            0..40,
        ),
    ) {
        let one = |(key, id, at_risk_minor): (String, String, i64)| Break {
            id,
            ..found(BreakKind::AmountMismatch, &key, "USD", at_risk_minor)
        };
        let mut plain: Vec<Break> = some.into_iter().map(one).collect();
        let mut packed = Breaks::from(plain.clone());
        packed.sort();
        compare::sort(&mut plain);
        prop_assert_eq!(packed.to_vec(), plain);
    }
}

#[test]
fn breaks_of_every_kind_and_with_any_text_survive_packing() {
    for facts in [a_day(), every_kind(), hostile()] {
        let plain = facts.breaks.to_vec();
        assert_eq!(Breaks::from(plain.clone()).to_vec(), plain);
    }
}

#[test]
fn several_findings_of_one_id_are_sighted_as_one_in_the_place_of_the_first() {
    let day = a_day();
    let mut breaks = day.breaks.to_vec();
    breaks.insert(4, Break { detail: "and this".to_owned(), ..breaks[1].clone() });
    let seen = sightings("2025-03-19", DateTime::UNIX_EPOCH, &breaks.clone().into(), &day.suggestions);
    let alone = sightings("2025-03-19", DateTime::UNIX_EPOCH, &day.breaks, &day.suggestions);
    let ids = |found: &tieout::breaks::found::Found| found.ids().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(ids(&seen), ids(&alone));
    for (place, (one, other)) in seen.iter().zip(alone.iter()).enumerate() {
        assert_eq!(one == other, place != 1, "{one:?}");
    }
    assert_eq!(seen.get(1).facts.detail, format!("{}; and this", breaks[1].detail));
    assert_ne!(seen.get(1).facts.digest, alone.get(1).facts.digest);
}
