//! What holds for every JSON object: how it is written says nothing about what it says. Objects of which all keys are
//! written plainly are read in another way than those in which one is escaped.

use proptest::prelude::*;
use tieout::frames::{Field, Frame};
use tieout::job::{Format, Input};
use tieout::matching::side::Columns;

use crate::reading_support::{json, ledger, map, message, quarantine, read, rows};
use crate::support::engine::case_count;

/// The same key, in as many characters.
const PLAIN: &str = r#""n"     :0,"#;
const ESCAPED: &str = r#""\u006e":0,"#;
const WHOLE: &str = r#""id":"t0","amount":1.5,"currency":"USD","at":null"#;

const SCALARS: &[&str] = &[
    r#""t1""#,
    r#""t 2 é""#,
    r#"" USD ""#,
    r#""""#,
    r#""2025-03-19T00:00:00Z""#,
    r#""a\"b\u00e9\\""#,
    r#""\ud800""#,
    r#""\x""#,
    "\"a\tb\"",
    "\"a\0b\"",
    "1",
    "-0.50",
    "12345678901234567890",
    "1e2",
    "1E+400",
    "01",
    "-",
    "1.",
    "null",
    "true",
    "false",
    "nul",
];
const KEYS: &[&str] =
    &["id", "amount", "currency", "at", "attributes", "amount", "who", "x", "\\u0069d", "a longer key é"];

fn any_value() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(SCALARS).prop_map(str::to_owned);
    scalar.prop_recursive(3, 12, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3).prop_map(|values| format!("[{}]", values.join(",")));
        prop_oneof![2 => members(inner).prop_map(|members| format!("{{{members}}}")), 1 => list]
    })
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let colon = prop::sample::select(vec![":", ":", " : "]);
    let member =
        (prop::sample::select(KEYS), colon, value).prop_map(|(key, colon, value)| format!("\"{key}\"{colon}{value}"));
    (prop::collection::vec(member, 0..5), prop::sample::select(vec![",", ",", ", "]))
        .prop_map(|(members, comma)| members.join(comma))
}

/// Members of an object; now and then something is wrong with them.
fn any_members() -> impl Strategy<Value = String> {
    let begun = (any::<bool>(), members(any_value())).prop_map(|(is_whole, rest)| match (is_whole, rest.as_str()) {
        (true, "") => WHOLE.to_owned(),
        (true, rest) => format!("{WHOLE},{rest}"),
        (false, _) => rest,
    });
    let fault = prop::option::weighted(
        0.3,
        (any::<prop::sample::Index>(), prop::sample::select(vec!["\"", "\\", "{", "}", "]", ",", ":", "0", " ", "é"])),
    );
    (begun, fault).prop_map(|(mut members, fault)| {
        if let Some((place, found)) = fault {
            let places: Vec<usize> = members.char_indices().map(|(place, _)| place).chain([members.len()]).collect();
            members.insert_str(places[place.index(places.len())], found);
        }
        members
    })
}

fn input(format: Format, known: bool) -> Input {
    let mut input = ledger(format);
    map(&mut input, Field::User, "attributes.who|who");
    map(&mut input, Field::Merchant, "attributes.*.x");
    input.quarantine_limit = u64::MAX;
    input.known_columns = known.then(|| vec!["n".to_owned(), "x.*".to_owned(), "attributes.amount".to_owned()]);
    input
}

/// All that is told of a file; what differs in the way it is written is written alike.
fn told(input: &Input, text: &str) -> String {
    let one = |frame: Frame| {
        let warnings: Vec<String> = frame.warnings.iter().map(|warning| warning.message.clone()).collect();
        [rows(&frame), quarantine(&frame), warnings, vec![format!("{:?}", frame.rows_read)]].concat().join("\n")
    };
    match read(input, text.as_bytes()) {
        Ok(frame) => one(frame).replace(ESCAPED, PLAIN),
        Err(error) => message(Err(error)).replace(ESCAPED, PLAIN),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_escape_in_a_key_changes_nothing(
        objects in prop::collection::vec((any_members(), prop::sample::select(vec!["\n", "\n", "\r\n", " \n\n"])), 0..8),
        known in any::<bool>(), is_document in any::<bool>(),
    ) {
        let text = |first: &str| {
            let whole = std::iter::once((WHOLE, "\n")).chain(objects.iter().map(|(object, end)| (object.as_str(), *end)));
            let objects = whole.map(|(object, end)| (format!("{{{first}{object}}}"), end));
            if is_document {
                format!("[{}]", objects.map(|(object, end)| object + end).collect::<Vec<_>>().join(","))
            } else {
                objects.map(|(object, end)| object + end).collect()
            }
        };
        let input = input(if is_document { json("") } else { Format::Jsonl }, known);
        prop_assert_eq!(told(&input, &text(PLAIN)), told(&input, &text(ESCAPED)));
    }
}

#[test]
fn a_value_that_was_null_before_may_hold_what_is_wanted() {
    let line = |attributes: &str| format!("{{{WHOLE},\"attributes\":{attributes}}}\n");
    let text = [line("null"), line("null"), line(r#"{"who":"u1"}"#), line("null"), line(r#"{"who":"u2"}"#)].concat();
    let frame = read(&input(Format::Jsonl, false), text.as_bytes()).unwrap();
    let columns = Columns::of(&frame);
    let users: Vec<Option<&str>> = columns.numbered().map(|(_, row)| row.text(Field::User)).collect();
    assert_eq!(users, [None, None, Some("u1"), None, Some("u2")]);
}

#[test]
fn a_file_of_many_buffers_and_shapes_reads_the_same_in_both_ways() {
    let text = |first: &str| -> String {
        let line = |number: usize| {
            let who = if number.is_multiple_of(3) {
                format!(",\"who\":\"{}\"", "é".repeat(number % 40))
            } else {
                String::new()
            };
            let note = if number.is_multiple_of(5) { ",\"x\":[1,{\"y\":null}]" } else { "" };
            let end = if number.is_multiple_of(7) { "\r\n" } else { "\n" };
            format!(
                "{{{first}\"id\":\"t{number}\",\"amount\":{number}.25{note},\"currency\":\"USD\",\"at\":null{who}}}{end}"
            )
        };
        (0..20_000).map(line).collect::<Vec<_>>().concat()
    };
    let plain = text(PLAIN);
    assert!(plain.len() > 5 * (256 << 10));
    let input = input(Format::Jsonl, false);
    let expected = told(&input, &text(ESCAPED));
    assert!(expected.contains("20000/0: transaction_id=t19999 "), "{}", expected.len());
    assert!(told(&input, &plain) == expected);
}
