//! Rows as they wait for matching: whatever is held and whatever is laid aside on the disk, they are the same rows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tieout::breaks::carry::Others;
use tieout::breaks::compare::{Keeps, compare, compare_sifted};
use tieout::frames::rows::{Cell, PackedRow, PlainRow, pack};
use tieout::frames::{Exclusion, Field, Frame, Rows, Side, Spread, load_among};
use tieout::matching::Afterwards;
use tieout::matching::side::Columns;

use crate::bytes_to_breaks::log;
use crate::reading_support::{Shelf, rows as told};
use crate::support::frames::{Row, frame, row, rules, spread_out};

/// What a row states, owned.
type Stated = (u32, u64, u32, BTreeMap<u8, String>);

fn stated(row: PackedRow<'_>) -> Stated {
    let (file, line) = row.place();
    let cells = row.cells().map(|(field, cell)| (field as u8, format!("{cell:?}")));
    (file, line, row.excluded(), cells.collect())
}

fn all(rows: &Rows) -> Vec<Stated> {
    let mut all = Vec::new();
    rows.each(|row| all.push(stated(row))).unwrap();
    all.sort();
    all
}

#[derive(Debug, Clone)]
struct Made {
    excluded: bool,
    texts: BTreeMap<Field, String>,
    numbers: BTreeMap<Field, i64>,
}

impl Made {
    fn cells(&self) -> Vec<(Field, Cell<'_>)> {
        let texts = self.texts.iter().map(|(field, text)| (*field, Cell::Text(text.as_str())));
        let numbers = self.numbers.iter().map(|(field, number)| (*field, Cell::Number(*number)));
        let mut cells: Vec<_> = texts.chain(numbers).collect();
        cells.sort_by_key(|(field, _)| *field);
        cells
    }
}

fn made() -> impl Strategy<Value = Made> {
    let text = prop_oneof!["[a-c]{1,2}", "\\PC{0,12}", Just("x".repeat(5_000))];
    let texts = proptest::collection::btree_map(
        prop::sample::select(vec![Field::TransactionId, Field::User, Field::Currency, Field::Reason, Field::ValidTo]),
        text,
        0..5,
    );
    let numbers = proptest::collection::btree_map(
        prop::sample::select(vec![Field::Amount, Field::UserReward, Field::OccurredAt, Field::AuthorizedAt]),
        prop_oneof![
            any::<i64>(),
            -200_i64..200,
            Just(i64::MIN),
            Just(i64::MAX),
            (i64::MIN / 1_000_000..=i64::MAX / 1_000_000).prop_map(|seconds| seconds * 1_000_000),
        ],
        0..4,
    );
    (any::<bool>(), texts, numbers).prop_map(|(excluded, texts, numbers)| Made { excluded, texts, numbers })
}

fn packed(key: Field, spread: Spread, rows: &[Made]) -> Rows {
    let plain = (1..).zip(rows).map(|(line, row)| PlainRow {
        file: u32::try_from(line % 3).unwrap(),
        line,
        excluded: row.excluded.then_some(Exclusion::Filtered),
        cells: row.cells(),
    });
    pack(key, spread, plain).unwrap().0
}

/// From how many bytes on a part is matched in finer ones.
fn fine_bytes() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1_usize), Just(300), Just(usize::MAX)]
}

proptest! {
    #[test]
    fn what_is_packed_comes_out_as_it_was_whether_held_or_laid_aside(
        rows in proptest::collection::vec(made(), 0..60),
        limit in prop_oneof![Just(0_usize), 1_usize..20_000, Just(usize::MAX)],
        raw_bytes in prop_oneof![Just(0_u64), Just(1 << 25)],
    ) {
        let expected: Vec<Stated> = (1_u64..).zip(&rows).map(|(line, row)| {
            let cells = row.cells().into_iter().map(|(field, cell)| (field as u8, format!("{cell:?}")));
            (u32::try_from(line % 3).unwrap(), line, u32::from(row.excluded), cells.collect())
        }).collect();
        let mut sorted = expected;
        sorted.sort();
        let key = Field::TransactionId;
        let packed = packed(key, Spread::new(raw_bytes, limit), &rows);
        prop_assert_eq!(packed.height(), rows.len());
        prop_assert!(limit > 0 || rows.is_empty() || packed.is_spilled());
        prop_assert!(limit < usize::MAX || !packed.is_spilled());
        prop_assert_eq!(all(&packed), sorted);
    }

    #[test]
    fn a_row_may_be_as_long_as_it_likes(lengths in proptest::collection::vec(65_480_usize..65_560, 1..8)) {
        let long = |length: &usize| Made {
            excluded: length.is_multiple_of(2),
            texts: [(Field::TransactionId, format!("t{length}")), (Field::Reason, "x".repeat(*length))].into(),
            numbers: BTreeMap::new(),
        };
        let rows: Vec<Made> = lengths.iter().map(long).chain([long(&1), long(&1_000_000)]).collect();
        for limit in [0, usize::MAX] {
            let packed = packed(Field::TransactionId, Spread::new(0, limit), &rows);
            let mut found: Vec<(u64, bool, String)> = Vec::new();
            let note = |row: PackedRow<'_>| {
                let reason = row.text(Field::Reason).unwrap_or_default().to_owned();
                found.push((row.place().1, row.excluded() > 0, reason));
            };
            packed.each(note).unwrap();
            found.sort();
            let reasons = rows.iter().map(|row| (row.excluded, row.texts[&Field::Reason].clone()));
            prop_assert!(found == (1..).zip(reasons).map(|(line, (out, said))| (line, out, said)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn rows_of_one_key_lie_in_one_part_in_the_order_of_reading(rows in proptest::collection::vec(made(), 0..60)) {
        let packed = packed(Field::User, Spread::new(1 << 25, 3_000), &rows);
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        packed.each(|row| {
            let before = last.insert(row.key().to_owned(), row.place().1);
            assert!(before.is_none_or(|before| before < row.place().1), "line {} after {before:?}", row.place().1);
        }).unwrap();
    }

    #[test]
    fn rows_that_nobody_wants_afterwards_are_forgotten_with_the_same_result(
        keys in proptest::collection::vec((0_u8..20, 0_i64..3, 0_u8..7), 1..60),
        limit in prop_oneof![Just(0_usize), Just(usize::MAX)],
        fine in fine_bytes(),
    ) {
        let rows: Vec<Row> = keys.iter().map(|(key, minor, _)| row(&format!("t{key}")).amount(1_000 + minor)).collect();
        let on = |side: u8| -> Vec<Row> {
            keys.iter().zip(&rows).filter(|((_, _, sides), _)| sides >> side & 1 == 0).map(|(_, row)| row.clone()).collect()
        };
        let spread = Spread::new(1 << 25, limit).fine_from(fine);
        let frames = [(Side::File, 0), (Side::Ledger, 1)].map(|(side, bit)| spread_out(spread, side, &on(bit)));
        let mut rules = rules();
        rules.matching.fallback.clear();
        let keeping = |afterwards| {
            compare_sifted(&rules, &frames, None, (&Others::default(), Keeps::Breaks(afterwards))).unwrap()
        };
        let (stayed, gone) = (keeping(Afterwards::RowsStay), keeping(Afterwards::RowsGo));
        prop_assert_eq!(gone.breaks(), stayed.breaks());
        prop_assert_eq!(&gone.statement, &stayed.statement);
        let left = frames.iter().map(|frame| frame.rows.each(|_| {}).map_err(|error| error.to_string()));
        prop_assert_eq!(left.collect::<Vec<_>>(), vec![Err("these rows were given away".to_owned()); 2]);
    }

    #[test]
    fn what_is_laid_aside_or_matched_in_finer_parts_is_compared_as_what_is_held(
        keys in proptest::collection::vec((0_u8..20, 0_i64..3, 0_u8..7), 1..60),
        fine in fine_bytes(),
    ) {
        let rows: Vec<Row> = keys.iter().map(|(key, minor, _)| row(&format!("t{key}")).amount(1_000 + minor)).collect();
        let on = |side: u8| -> Vec<Row> {
            keys.iter().zip(&rows).filter(|((_, _, sides), _)| sides >> side & 1 == 0).map(|(_, row)| row.clone()).collect()
        };
        let held = [frame(Side::File, &on(0)), frame(Side::Ledger, &on(1)), frame(Side::Webhooks, &on(2))];
        // Each side is cut up otherwise, and most of it lies on the disk.
        let aside = [
            spread_out(Spread::new(0, 0).fine_from(fine), Side::File, &on(0)),
            spread_out(Spread::new(1 << 30, 2_000), Side::Ledger, &on(1)),
            spread_out(Spread::new(1 << 25, usize::MAX), Side::Webhooks, &on(2)),
        ];
        let (expected, found) = (compare(&rules(), &held).unwrap(), compare(&rules(), &aside).unwrap());
        prop_assert_eq!(found.breaks(), expected.breaks());
        prop_assert_eq!(&found.statement, &expected.statement);
        prop_assert_eq!(found.tally.clean_keys, expected.tally.clean_keys);
        prop_assert_eq!(found.suggestions(), expected.suggestions());
    }
}

#[test]
fn repeated_notifications_are_told_from_others_also_on_the_disk() {
    let shelf = Shelf::new();
    let lines: Vec<String> = (0..40)
        .map(|index| crate::bytes_to_breaks::notification(index % 25, 9, 0, 3 + i64::from(index / 25)))
        .collect();
    let files = || vec![shelf.file("log", format!("{}\n", lines.join("\n")).as_bytes())];
    let read = |spread: Spread| -> Frame { load_among(&log(), files(), Vec::new(), &[], spread).unwrap() };
    let held = read(Spread::held(0));
    assert_eq!(told(&held).iter().filter(|row| row.contains("/3: ")).count(), 15);
    let aside = read(Spread::new(0, 0));
    assert!(aside.rows.is_spilled());
    assert_eq!(all(&aside.rows), all(&held.rows));
    assert_eq!(aside.totals, held.totals);
    let compared = |frame: Frame| compare(&rules(), &[frame]).unwrap();
    let (expected, found) = (compared(held), compared(read(Spread::new(0, 0).fine_from(1))));
    assert_eq!(expected.tally.excluded_rows[&(Side::Webhooks, Exclusion::RepeatedNotification)], 15);
    assert_eq!(found.tally.excluded_rows, expected.tally.excluded_rows);
    assert_eq!(found.statement, expected.statement);
    assert_eq!(found.breaks(), expected.breaks());
}

#[test]
fn rows_are_numbered_in_the_order_of_file_and_line() {
    let rows: Vec<Row> = (0..500).map(|index| row(&format!("t{index}"))).collect();
    let columns = Columns::of(&frame(Side::Ledger, &rows));
    let ids: Vec<&str> = columns.numbered().map(|(_, row)| row.key()).collect();
    assert_eq!(ids, rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>());
    assert_eq!(columns.place(499).line, 501);
}
