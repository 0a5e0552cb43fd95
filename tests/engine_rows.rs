//! Rows as they are written, sifted by a cluster and read here: the same comes of it, whatever stands in them.

use std::fmt::Write as _;

use proptest::prelude::*;
use tieout::frames::{Field, Side};
use tieout::job::{Column, ColumnSource, Format, Input, ReadLimits, Sign, TimeFormat, Unit};
use tieout::matching::Rules;

use crate::reading_support::{CSV, Shelf, ledger, map};
use crate::support::engine::{address, both};
use crate::support::frames::rules;

/// Cells that are plain, and cells that are anything but.
fn of(plain: &'static [&'static str], odd: &'static [&'static str]) -> impl Strategy<Value = String> {
    let plain = proptest::sample::select(plain);
    let odd = proptest::sample::select(odd);
    prop_oneof![12 => plain, 1 => odd].prop_map(str::to_owned)
}

fn id() -> impl Strategy<Value = String> {
    let plain = (0..40_u32).prop_map(|number| format!("T{number}"));
    let odd = proptest::sample::select(
        &["", " ", " T1", "T2 ", "t3", "T\u{2028}4", "é", "e\u{301}", "T5\t", "\u{a0}T6", "T7\u{fffd}"][..],
    );
    prop_oneof![30 => plain, 1 => odd.prop_map(str::to_owned)]
}

fn cells() -> impl Strategy<Value = Vec<String>> {
    let amount = of(
        &["1.00", "1.5", "2", "0.99", "0", "10.10", "1.000", "007.10"],
        &[
            "-1.00",
            "1.005",
            "+1",
            "1e2",
            "1,5",
            "",
            "-",
            ".5",
            "5.",
            "99999999999999.99",
            "123456789012345678901",
            "1 0",
            "\u{661}",
            "-0",
            "1.00\u{2028}",
        ],
    );
    let currency = of(&["USD", "USD", "USD", "JPY", "BHD"], &["usd", "", "XXX", "US", "ＵＳＤ", " USD ", "USD\u{85}"]);
    let status = of(
        &["SETTLED", "settled", "APPROVED", "done", ""],
        &[
            "RETURNED",
            "DECLINED",
            "reversed",
            "FAILED",
            "Valid",
            "PENDıNG",
            "ſettled",
            "SETTLED\u{2028}",
            "what'\\s this",
        ],
    );
    let at = of(
        &[
            "2025-03-19T10:00:00Z",
            "2025-03-19 10:00:01",
            "2025-03-19T23:59:59.999999",
            "2025-03-19",
            "2025-03-19T01:00:00+07:00",
        ],
        &[
            "2025-02-30T00:00:00Z",
            "2025-03-18T10:00:00Z",
            "2025-03-20",
            "2025-03-30T01:30:00",
            "2025-03-30",
            "2024-02-29",
            "2025-02-29",
            "x",
            "",
            "2025-03-19T24:00:00Z",
            "2025-03-19T10:00Z",
            "2025-03-19t10:00:00z",
            "1066-10-14",
            "2025-03-19T10:00:60Z",
            "2025-10-26T01:30:00-00:00",
        ],
    );
    let user = of(&["ann", "bob", ""], &["Ann", "ann ", "a'n\\n", "ann\u{301}"]);
    let card = of(&["4321", "1111", ""], &["**** 4321", "4111111111114321", "432", "x", "٤٣٢١"]);
    (id(), amount, currency, status, at, user, card).prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f, g])
}

const NAMES: [&str; 7] = ["id", "amount", "currency", "status", "at", "user", "card"];

fn csv(rows: &[Vec<String>], odd: Option<usize>) -> String {
    let mut text = NAMES.join(",") + "\n";
    for (place, row) in rows.iter().enumerate() {
        // A cell with a comma in it makes a row of another width, as it should.
        text += &row.join(",");
        text += match odd.map(|odd| odd * 7 + place) {
            Some(1) => "\n\n",
            Some(2) => ",more\n",
            Some(3) => "\n  \n",
            Some(4) if place + 1 == rows.len() => "",
            _ => "\n",
        };
    }
    text
}

fn json(rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        let members = NAMES.iter().zip(row).map(|(name, cell)| match (*name, place % 5) {
            ("amount", 0..3) if cell.parse::<f64>().is_ok() && !cell.starts_with('+') => format!("\"{name}\": {cell}"),
            ("status", 3) => format!("\"{name}\":null"),
            _ => format!("\"{name}\":{}", serde_json::Value::from(cell.as_str())),
        });
        let _ = writeln!(text, "{{{}}}", members.collect::<Vec<_>>().join(if place % 2 == 0 { ", " } else { "," }));
    }
    text
}

pub fn input(side: Side, format: Format, sign: Sign, zone: chrono_tz::Tz) -> Input {
    let mut input = Input { side, quarantine_limit: u64::MAX, limits: ReadLimits::default(), ..ledger(format) };
    input.mapping.sign = sign;
    input.mapping.statuses.insert("done".to_owned(), "SETTLED".to_owned());
    map(&mut input, Field::Status, "status");
    map(&mut input, Field::User, "user");
    map(&mut input, Field::CardLastFour, "card");
    let time = TimeFormat::Iso { zone: Some(zone) };
    let from = ColumnSource::Columns(vec!["at".to_owned()]);
    input.mapping.fields.insert(Field::OccurredAt, Column { from, unit: Unit::Minor, time });
    input
}

pub fn two_sides() -> Rules {
    Rules { sides: vec![Side::File, Side::Ledger], ..rules() }
}

proptest! {
    #[test]
    #[ignore = "needs a cluster at TIEOUT_TEST_ENGINE"]
    fn csv_of_any_rows_is_compared_the_same(
        file in prop::collection::vec(cells(), 0..60),
        changed in prop::collection::vec(cells(), 0..6),
        sign in proptest::sample::select(vec![Sign::Signed, Sign::Unsigned, Sign::Inverted]),
        zone in proptest::sample::select(vec![chrono_tz::UTC, chrono_tz::Europe::London, chrono_tz::Asia::Phnom_Penh]),
        selects in any::<bool>(),
        odd in proptest::option::of(0..4_usize),
    ) {
        prop_assume!(address().is_some());
        let booked = [&file[file.len() / 20..], &changed].concat();
        let shelf = Shelf::new();
        let mut inputs = vec![
            (input(Side::File, CSV, sign, chrono_tz::UTC), vec![shelf.file("file.csv", csv(&file, odd).as_bytes())]),
            (input(Side::Ledger, CSV, sign, zone), vec![shelf.file("ledger.csv", csv(&booked, None).as_bytes())]),
        ];
        if selects {
            for (input, _) in &mut inputs {
                input.mapping.only.insert(Field::Status, vec!["SETTLED".to_owned(), "APPROVED".to_owned()]);
            }
        }
        both(&two_sides(), &inputs);
    }

    #[test]
    #[ignore = "needs a cluster at TIEOUT_TEST_ENGINE"]
    fn lines_of_json_of_any_rows_are_compared_the_same(
        file in prop::collection::vec(cells(), 0..60),
        changed in prop::collection::vec(cells(), 0..6),
    ) {
        prop_assume!(address().is_some());
        let booked = [&file[file.len() / 20..], &changed].concat();
        let shelf = Shelf::new();
        let parted = file.split_at(file.len() / 2);
        let inputs = vec![
            (
                input(Side::File, Format::Jsonl, Sign::Signed, chrono_tz::UTC),
                vec![shelf.file("one.jsonl", json(parted.0).as_bytes()), shelf.file("two.jsonl", json(parted.1).as_bytes())],
            ),
            (input(Side::Ledger, CSV, Sign::Signed, chrono_tz::UTC), vec![shelf.file("ledger.csv", csv(&booked, None).as_bytes())]),
        ];
        both(&two_sides(), &inputs);
    }
}
