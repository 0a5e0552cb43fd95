//! What holds for every row: text survives, the same row is the same line, and what has no part in
//! the event id does not change it.

use chrono::{DateTime, SecondsFormat, Utc};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tieout::job::Unit;
use tieout::money::parse_minor;
use tieout::records::{AmountSign, Mapping, RecordPlan, RecordType, Scratch, Written};

use crate::support::records::{Cells, ORGANIZATION, column, example, valid, whole, write};

fn any_record() -> impl Strategy<Value = RecordType> {
    prop_oneof![
        Just(RecordType::Transaction),
        Just(RecordType::MatchedTransaction),
        Just(RecordType::CoreTransaction),
        Just(RecordType::HistoricalTransaction),
    ]
}

/// Text of every kind, with the characters that JSON and its readers treat specially among it.
fn any_text() -> impl Strategy<Value = String> {
    let special = prop_oneof![
        Just('"'),
        Just('\\'),
        Just('\n'),
        Just('\r'),
        Just('\u{1f}'),
        Just('\u{7f}'),
        Just('\u{85}'),
        Just('\u{9f}'),
        Just('\u{2028}'),
        Just('\u{2029}'),
        Just('\u{feff}'),
        Just('\u{10ffff}'),
    ];
    let char = prop_oneof![3 => proptest::char::range(' ', '~'), 1 => special, 1 => any::<char>()];
    proptest::collection::vec(char, 0..60).prop_map(|chars| chars.into_iter().filter(|c| *c != '\0').collect())
}

fn written(plan: &RecordPlan, cells: &Cells<'_>, scratch: &mut Scratch) -> (Written, Vec<u8>) {
    let mut out = Vec::new();
    let cell = |slot: usize| cells.get(plan.sources()[slot].as_str()).copied();
    let written = plan.write(cell, scratch, &mut out).expect("the row fits");
    (written, out)
}

/// The same mapping over columns whose order of first mention is turned round.
fn renamed(fields: &Mapping) -> (Mapping, impl Fn(&str) -> String) {
    let rename = |name: &str| format!("column of {}", name.chars().rev().collect::<String>());
    let columns = fields.columns.keys().map(|name| (name.clone(), column(&rename(name)))).collect();
    (Mapping { columns, ..fields.clone() }, rename)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives(record in any_record(), description in any_text(), user in any_text()) {
        let mut cells = example(record);
        cells.extend([("description", description.as_str()), ("userId", user.as_str())]);
        let is_blank = [&description, &user].iter().any(|text| text.trim().is_empty());
        match write(&whole(record), &cells) {
            Err(refused) => prop_assert!(is_blank, "{}", refused),
            Ok((written, line)) => {
                prop_assert!(!is_blank);
                let value = valid(record, &line);
                prop_assert_eq!(value["attributes"]["description"].as_str(), Some(description.as_str()));
                let user_json: String = serde_json::from_str(&line[written.user]).unwrap();
                prop_assert_eq!(&user_json, &user);
                let separators = ['\u{2028}', '\u{2029}'];
                prop_assert!(!line[..line.len() - 1].contains(|c: char| c.is_control() || separators.contains(&c)));
            }
        }
    }

    #[test]
    fn the_same_row_is_the_same_line_whatever_came_before(
        record in any_record(), id in "[a-z0-9-]{1,40}", others in proptest::collection::vec(0_usize..4, 0..6)
    ) {
        let plans = RecordType::ALL.map(|record| RecordPlan::new(&whole(record), ORGANIZATION));
        let plan = &plans[RecordType::ALL.iter().position(|one| *one == record).unwrap()];
        let mut cells = example(record);
        cells.insert("transactionId", &id);
        let fresh = written(plan, &cells, &mut Scratch::default());
        let mut scratch = Scratch::default();
        for other in others {
            let mut cells = example(RecordType::ALL[other]);
            cells.extend([("currency", "JPY"), ("cardLastFours", "1111,2222")]);
            let _ = written(&plans[other], &cells, &mut scratch);
        }
        prop_assert_eq!(written(plan, &cells, &mut scratch), fresh);
    }

    #[test]
    fn the_event_id_knows_neither_amounts_nor_texts_nor_columns(
        record in any_record(), amount in 0_i64..1_000_000, description in "[a-z]{1,20}"
    ) {
        let fields = whole(record);
        let (first, _) = written(&RecordPlan::new(&fields, ORGANIZATION), &example(record), &mut Scratch::default());
        let amount = amount.to_string();
        let mut cells = example(record);
        cells.extend([("amount", amount.as_str()), ("description", description.as_str())]);
        let (moved, rename) = renamed(&fields);
        let other: Vec<(String, &str)> = cells.iter().map(|(name, text)| (rename(name), *text)).collect();
        let cells: Cells<'_> = other.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let (second, line) = written(&RecordPlan::new(&moved, ORGANIZATION), &cells, &mut Scratch::default());
        prop_assert_eq!(second.event_id, first.event_id);
        let line = String::from_utf8(line).unwrap();
        let value = valid(record, &line);
        prop_assert_eq!(value["attributes"]["description"].as_str(), Some(description.as_str()));
    }

    #[test]
    fn an_amount_is_sent_as_money_reads_it(
        whole_units in -200_000_i64..200_000, cents in 0_u32..100, major in any::<bool>(), sign in 0_usize..3
    ) {
        let signs = [AmountSign::Unsigned, AmountSign::Signed, AmountSign::Inverted];
        let text = if major { format!("{whole_units}.{cents:02}") } else { whole_units.to_string() };
        let unit = if major { Unit::Major } else { Unit::Minor };
        let mut fields = whole(RecordType::CoreTransaction);
        fields.sign = signs[sign];
        fields.columns.get_mut("amount").unwrap().unit = unit;
        let mut cells = example(fields.record);
        cells.insert("amount", &text);
        let read = parse_minor(&text, unit, 2).unwrap();
        match write(&fields, &cells) {
            Ok((written, line)) => {
                prop_assert_eq!(written.amount_minor, read.abs());
                let value = valid(fields.record, &line);
                prop_assert_eq!(value["attributes"]["amount"].as_i64(), Some(read.abs()));
            }
            Err(refused) => prop_assert!(sign == 0 && read < 0, "{}", refused),
        }
    }

    #[test]
    fn a_time_is_written_as_the_calendar_has_it(micros in 0_i64..=253_402_300_799_999_999, whole_millis in any::<bool>()) {
        let micros = if whole_millis { micros / 1_000 * 1_000 } else { micros };
        let time = DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
        let text = time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut cells = example(RecordType::CoreTransaction);
        cells.insert("settledDate", &text);
        let (_, line) = write(&whole(RecordType::CoreTransaction), &cells).unwrap();
        let form = if micros % 1_000 == 0 { SecondsFormat::Millis } else { SecondsFormat::Micros };
        let value = valid(RecordType::CoreTransaction, &line);
        let expected = time.to_rfc3339_opts(form, true);
        prop_assert_eq!(value["attributes"]["settledDate"].as_str(), Some(expected.as_str()));
    }

    #[test]
    fn a_time_as_it_is_sent_goes_through_the_checks_of_all_others(
        year in prop_oneof![0_u32..10_000, 1_968_u32..2_105], month in 0_u32..14, day in 0_u32..33,
        (hour, minute, second) in (0_u32..26, 0_u32..62, 0_u32..62), millis in 0_u32..1_000,
        wrong in proptest::option::weighted(0.2, (0_usize..24, proptest::char::range(' ', '~'))),
    ) {
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z");
        if let Some((at, char)) = wrong {
            text.replace_range(at..=at, char.encode_utf8(&mut [0]));
        }
        // Three more digits say the same, and nobody sends them.
        let other = format!("{}000{}", &text[..23], &text[23..]);
        let fields = whole(RecordType::CoreTransaction);
        let [sent, expected] = [&text, &other].map(|text| {
            let mut cells = example(fields.record);
            cells.insert("settledDate", text);
            write(&fields, &cells).map_err(|refused| (refused.field, refused.reason))
        });
        prop_assert_eq!(&sent, &expected, "{} {}", text, other);
    }

    #[test]
    fn no_row_of_any_text_ends_in_a_panic_or_half_a_line(
        record in any_record(), field in any::<proptest::sample::Index>(), text in any_text()
    ) {
        let fields = record.fields();
        let mut cells = example(record);
        cells.insert(field.get(fields).attribute.name(), &text);
        // `write` itself asserts that nothing is left of a refused row.
        if let Ok((_, line)) = write(&whole(record), &cells) {
            valid(record, &line);
        }
    }
}
