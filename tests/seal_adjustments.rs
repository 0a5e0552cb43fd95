//! What is left to adjust of sealed periods, from what was sealed, booked and found.

use std::collections::BTreeMap;

use tieout::breaks::BreakKind;
use tieout::frames::Measure;
use tieout::seals::adjustments::{Adjustment, Change, Late, State, left_to_adjust, read_list, totals, write_list};

fn state(at_risk_minor: i64) -> State {
    State {
        kind: BreakKind::AmountMismatch,
        key: "t-1".to_owned(),
        currency: "USD".to_owned(),
        measure: Measure::TransactionAmount,
        at_risk_minor,
        difference_minor: Some(at_risk_minor),
        stated_minor: [[Some(1_000), None, None], [Some(1_000 - at_risk_minor), None, None], [None; 3]],
        stated: [[Some("USD".to_owned()), None], [Some("USD".to_owned()), None], [None, None]],
        detail: "file and ledger differ".to_owned(),
    }
}

fn states(of: &[(&str, i64)]) -> BTreeMap<String, State> {
    of.iter().map(|(id, minor)| ((*id).to_owned(), state(*minor))).collect()
}

fn late(period: &str, sealed: &[(&str, i64)], now: &[(&str, i64)]) -> Late {
    let run = |attempt| format!("rewards/{period}/{attempt}");
    Late { period: period.to_owned(), sealed_run: run(1), late_run: run(2), sealed: states(sealed), now: states(now) }
}

/// Period, id, at risk before and after.
fn told(found: &[Adjustment]) -> Vec<(&str, &str, Option<i64>, Option<i64>)> {
    let minor = |state: &Option<State>| state.as_ref().map(|state| state.at_risk_minor);
    found.iter().map(|one| (&*one.period, &*one.id, minor(&one.before), minor(&one.after))).collect()
}

#[test]
fn what_is_new_gone_and_changed_is_an_adjustment_and_what_stays_is_none() {
    let late = [late("2025-03-19", &[("a", 100), ("b", 200), ("c", 300)], &[("b", 200), ("c", 350), ("d", 40)])];
    let found = left_to_adjust(&late, &[]);
    let day = "2025-03-19";
    assert_eq!(
        told(&found),
        [(day, "a", Some(100), None), (day, "c", Some(300), Some(350)), (day, "d", None, Some(40))]
    );
    assert_eq!(found.iter().map(Adjustment::change).collect::<Vec<_>>(), [Change::Gone, Change::Changed, Change::New]);
    let usd = totals(&found)["USD"];
    assert_eq!((usd.count, usd.before_minor, usd.after_minor), (3, 400, 390));
}

#[test]
fn that_a_row_has_moved_is_no_adjustment_and_another_stated_amount_is_one() {
    let mut moved = late("2025-03-19", &[("a", 100)], &[("a", 100)]);
    moved.now.get_mut("a").unwrap().detail = "line 9 now".to_owned();
    assert_eq!(left_to_adjust(&[moved.clone()], &[]), []);
    moved.now.get_mut("a").unwrap().stated_minor[1][2] = Some(5);
    assert_eq!(left_to_adjust(&[moved], &[]).len(), 1);
}

#[test]
fn what_a_sealed_period_between_has_booked_is_not_booked_again() {
    let first = late("2025-03-19", &[("a", 100), ("b", 200)], &[("a", 150), ("c", 5)]);
    let booked = left_to_adjust(std::slice::from_ref(&first), &[]);
    assert_eq!(booked.len(), 3);
    assert_eq!(left_to_adjust(std::slice::from_ref(&first), &booked), []);

    // A later attempt says something else: only what is new since is left, from what was booked on.
    let again = late("2025-03-19", &[("a", 100), ("b", 200)], &[("a", 160), ("b", 200)]);
    let left = left_to_adjust(&[again], &booked);
    let day = "2025-03-19";
    assert_eq!(told(&left), [(day, "a", Some(150), Some(160)), (day, "b", None, Some(200)), (day, "c", Some(5), None)]);

    // Two periods between: what the later one has booked counts.
    let back = late("2025-03-19", &[("a", 100), ("b", 200)], &[("a", 150), ("c", 5)]);
    let both = [booked, left].concat();
    assert_eq!(told(&left_to_adjust(&[back], &both)).len(), 3);
}

#[test]
fn the_same_break_in_two_periods_is_two_matters() {
    let both = [late("2025-03-19", &[("a", 100)], &[]), late("2025-03-20", &[("a", 100)], &[])];
    let booked = left_to_adjust(&both[..1], &[]);
    assert_eq!(told(&left_to_adjust(&both, &booked)), [("2025-03-20", "a", Some(100), None)]);
}

#[test]
fn totals_are_kept_apart_by_currency_and_leave_out_whole_files() {
    let mut both = late("2025-03-19", &[("a", 100), ("f", 0)], &[("a", 100)]);
    both.sealed.get_mut("f").unwrap().currency.clear();
    both.now.get_mut("a").unwrap().currency = "JPY".to_owned();
    let found = left_to_adjust(&[both], &[]);
    assert_eq!(found.len(), 2);
    let told: Vec<_> =
        totals(&found).into_iter().map(|(code, one)| (code, one.before_minor, one.after_minor)).collect();
    assert_eq!(told, [("JPY", 0, 100), ("USD", 100, 0)]);
}

#[test]
fn a_list_reads_back_as_it_was_written() {
    let found = left_to_adjust(&[late("2025-03-19", &[("a", 100)], &[("b", -7)])], &[]);
    let mut bytes = Vec::new();
    write_list(&found, &mut bytes).unwrap();
    assert_eq!(std::str::from_utf8(&bytes).unwrap().lines().count(), 2);
    assert_eq!(read_list(bytes.as_slice()).unwrap(), found);
    assert!(read_list(b"{}\n".as_slice()).is_err());
}
