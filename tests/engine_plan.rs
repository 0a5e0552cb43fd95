//! What a cluster is asked, when it is not asked, and what its answers mean.

use std::collections::BTreeSet;

use tieout::engine::{Answer, At, Plan, Sieve, SieveError};
use tieout::frames::sifted::{KEY_CHARS, Left, SiftedFile, Sure};
use tieout::frames::{Exclusion, Field, Frame, InputError, Side, Spread, load, load_sifted};
use tieout::job::{Format, Input};
use tieout::matching::tally::Aside;
use tieout::matching::{Rules, match_frames};
use tieout::sources::RawFile;

use crate::reading_support::{CSV, Shelf, gzip, ledger, map};
use crate::support::frames::rules;

const FILE: &str =
    "id,amount,currency,at\na,1.00,USD,2025-03-19T10:00:00Z\nb,2.00,USD,2025-03-19T10:00:00Z\nc,x,USD,\n";
const LEDGER: &str = "id,amount,currency,at\na,1.00,USD,2025-03-19T10:00:00Z\nb,2.50,USD,2025-03-19T10:00:00Z\n\
                      old,4.00,USD,2025-03-01T10:00:00Z\n";

fn two_sides() -> Rules {
    Rules { sides: vec![Side::File, Side::Ledger], ..rules() }
}

fn side(side: Side, format: Format) -> Input {
    Input { side, quarantine_limit: 10, ..ledger(format) }
}

fn plan_of(file: &Input, bytes: &[u8], watched: &[&str]) -> Result<Plan, String> {
    let shelf = Shelf::new();
    let (one, other) = ([shelf.file("file.csv", bytes)], [shelf.file("ledger.csv", LEDGER.as_bytes())]);
    let rules = two_sides();
    let ledger = side(Side::Ledger, CSV);
    let inputs: [(&Input, &[RawFile], &[bool]); 2] = [(file, &one, &[true]), (&ledger, &other, &[true])];
    let watched: BTreeSet<String> = watched.iter().map(|key| (*key).to_owned()).collect();
    let at = At::Bucket { folder: "s3a://bucket/raw/".to_owned() };
    Plan::of(&rules.matching, &rules.period, watched, &inputs, &at).map_err(|unfit| unfit.to_string())
}

fn plan() -> Plan {
    plan_of(&side(Side::File, CSV), FILE.as_bytes(), &["it's \\ watched"]).unwrap()
}

#[test]
fn a_plan_is_one_text_for_every_engine() {
    let plan = plan();
    insta::assert_snapshot!([plan.views().join(";\n"), plan.survey(), plan.sure(), plan.left()].join(";\n\n"));
}

#[test]
fn what_is_not_plain_is_compared_here() {
    let refused = |bytes: &[u8], change: fn(&mut Input)| {
        let mut input = side(Side::File, CSV);
        change(&mut input);
        plan_of(&input, bytes, &[]).unwrap_err()
    };
    let header = b"id,amount,currency,at\n";
    assert_eq!(refused(b"id,amount,currency,at\n\"a\",1,USD,\n", |_| {}), "file.csv holds quotes");
    assert_eq!(refused(b"\nid,amount\n", |_| {}), "file.csv begins with an empty or odd line");
    assert_eq!(refused(b"id,amount,currency\n", |_| {}), "no column `at`");
    assert_eq!(refused(b"id,id\n", |_| {}), "file.csv names a column twice");
    assert_eq!(
        refused(&gzip(FILE.as_bytes()), |_| {}),
        "file.csv is compressed, which a cluster tells by the ending of a name"
    );
    assert_eq!(refused(b"", |_| {}), "the input `file` has no file");
    assert_eq!(
        refused(header, |input| input.format = Format::WebhookLog),
        "file.csv is of a format that is read here alone: a log of notifications"
    );
    assert_eq!(
        refused(b"{}\n", |input| {
            input.format = Format::Jsonl;
            map(input, Field::User, "attributes.user");
        }),
        "`attributes.user` is below another key of its line"
    );
}

/// The columns of an answer of which all sums but the amount's are empty.
fn told(plan: &Plan, row: [&str; 5], amount_minor: Option<&str>) -> Vec<Option<String>> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let sums = plan.sure().matches("CAST(SUM(").count();
    let mut columns: Vec<Option<String>> = row.into_iter().map(text).collect();
    columns.extend(std::iter::repeat_n(None, sums));
    columns[5] = amount_minor.map(str::to_owned);
    columns[6] = amount_minor.map(|_| "1".to_owned());
    columns
}

/// A cluster that answers as one would: a agrees, b differs, c cannot be read, and one row is of another period.
fn answers(plan: &Plan, statement: &str) -> Answer {
    let row = |row, minor| told(plan, row, minor);
    let texts = |texts: [&str; 5]| texts.map(|text| Some(text.to_owned())).to_vec();
    if statement.starts_with("CREATE") {
        return Vec::new();
    }
    if !statement.starts_with("WITH") {
        // Of the file the first two lines are a part of their own.
        return vec![
            texts(["0", "0", "1", "2", "0"]),
            texts(["0", "0", "0", "2", "0"]),
            texts(["1", "0", "0", "4", "0"]),
        ];
    }
    if statement.ends_with("'left'") {
        let left = |side: &str, id: u64, key: &str| {
            vec![side, "0", &id.to_string(), key].into_iter().map(|text| Some(text.to_owned())).collect()
        };
        return vec![left("0", (1 << 33) + 1, "c"), left("0", 1 << 33, "b"), left("1", 2, "b")];
    }
    vec![
        row(["clean", "0", "0", "USD", "1"], Some("100")),
        row(["clean", "1", "0", "USD", "1"], Some("100")),
        row(["outside", "1", "0", "USD", "1"], Some("400")),
    ]
}

#[test]
fn what_is_sure_and_what_is_left_make_the_comparison_of_all_rows() {
    let (plan, rules) = (plan(), two_sides());
    let sieve = Sieve::of(&plan, |statement| Ok(answers(&plan, statement))).unwrap();
    let lines = |side| sieve.files(side, 1)[0].clone().unwrap().left;
    let left = |line, key: &str| Left { line, key: Some(key.to_owned()) };
    assert_eq!(lines(Side::File), [left(3, "b"), left(4, "c")]);
    assert_eq!(lines(Side::Ledger), [left(3, "b")]);
    assert_eq!(sieve.tally.clean_keys, 1);
    assert_eq!(sieve.tally.excluded_rows[&(Side::Ledger, Exclusion::OutsidePeriod)], 1);
    let aside = (Side::Ledger, Aside::Excluded(Exclusion::OutsidePeriod), "USD".to_owned());
    assert_eq!(sieve.tally.aside[&aside].sums, [400, 0, 0]);

    let shelf = Shelf::new();
    let sides = [(Side::File, FILE), (Side::Ledger, LEDGER)];
    let files = sides.map(|(which, text)| (side(which, CSV), vec![shelf.file("rows.csv", text.as_bytes())]));
    let here: Vec<Frame> = files.iter().map(|(input, files)| load(input, files.clone(), &[]).unwrap()).collect();
    let there = files.map(|(input, files)| {
        load_sifted(&input, files, Vec::new(), sieve.files(input.side, 1), Spread::held(0)).unwrap()
    });
    let whole = match_frames(&rules, &here).unwrap();
    let mut rest = match_frames(&rules, &there).unwrap();
    rest.tally.merge(sieve.tally.clone());
    assert_eq!(whole.tally, rest.tally);
    assert_eq!(whole.suspects, rest.suspects);
    let totals = tieout::breaks::statement::file_totals;
    assert_eq!(here.iter().map(totals).collect::<Vec<_>>(), there.iter().map(totals).collect::<Vec<_>>());
}

#[test]
fn an_answer_that_does_not_fit_the_file_is_not_believed() {
    let plan = plan();
    let sieve = Sieve::of(&plan, |statement| Ok(answers(&plan, statement))).unwrap();
    let shelf = Shelf::new();
    let refused = |text: &str| {
        let file = shelf.file("file.csv", text.as_bytes());
        let sifted = sieve.files(Side::File, 1);
        let read = load_sifted(&side(Side::File, CSV), vec![file], Vec::new(), sifted, Spread::held(0));
        let error = read.expect_err("expected an error");
        assert!(matches!(error, InputError::NotAsSifted { .. }), "{error}");
        error.to_string().rsplit_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(refused(&FILE.replace("\nb,", "\nB,")), "line 3 states another key");
    assert_eq!(refused(&FILE.replace("\nb,", "\n\nb,")), "there is no row in line 3");
    assert_eq!(refused(&FILE[..FILE.len() - 9]), "line 4 is past its end");
    assert_eq!(refused(&format!("{FILE}d,1.00,USD,\n")), "it has 4 rows, the cluster saw 3");
    assert_eq!(refused(&format!("{FILE}d\n")), "line 5 cannot be read, and the cluster has read it");
}

#[test]
fn a_long_key_is_told_by_its_beginning() {
    let long = format!("{}{}", "\u{e9}".repeat(KEY_CHARS), "tail");
    let shelf = Shelf::new();
    let text = format!("id,amount,currency,at\n{long},1.00,USD,2025-03-19T10:00:00Z\n");
    let read = |key: String| {
        let sifted = SiftedFile { sure: Sure::default(), left: vec![Left { line: 2, key: Some(key) }] };
        let file = shelf.file("file.csv", text.as_bytes());
        load_sifted(&side(Side::File, CSV), vec![file], Vec::new(), vec![Some(sifted)], Spread::held(0))
    };
    assert_eq!(read("\u{e9}".repeat(KEY_CHARS)).unwrap().rows_read, [1]);
    let error = read(long.clone()).expect_err("expected an error").to_string();
    assert!(error.ends_with("line 2 states another key"), "{error}");
}

#[test]
fn odd_lines_and_odd_answers_end_in_a_comparison_here() {
    let plan = plan();
    let asked = |survey: Vec<&str>| {
        let survey: Answer = vec![survey.into_iter().map(|text| Some(text.to_owned())).collect()];
        let answer = |statement: &str| Ok(if statement.starts_with("SELECT") { survey.clone() } else { Vec::new() });
        Sieve::of(&plan, answer).unwrap_err()
    };
    assert!(matches!(asked(vec!["0", "0", "0", "4", "1"]), SieveError::Unfit(_)));
    assert!(matches!(asked(vec!["0", "0", "0", "x", "0"]), SieveError::Answer(_)));
    assert!(matches!(asked(vec!["7", "0", "0", "4", "0"]), SieveError::Answer(_)));
}

#[test]
fn a_key_that_others_speak_of_later_needs_all_rows() {
    let plan = plan();
    let rules = |watched: &str| Rules { watched: std::sync::Arc::new([watched.to_owned()].into()), ..two_sides() };
    assert!(plan.serves(&rules("it's \\ watched"), &[]));
    assert!(!plan.serves(&rules("a"), &[]));
    let shelf = Shelf::new();
    let frame = load(&side(Side::File, CSV), vec![shelf.file("file.csv", FILE.as_bytes())], &[]).unwrap();
    assert!(plan.serves(&rules("a"), &[frame]));
}
