//! From a source to sealed parcels: nothing lost, nothing twice, both sides tie, the same bytes
//! whoever works, and nothing at all where something is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use polars::prelude::{Column, DataFrame, ParquetWriter};
use proptest::prelude::*;
use tieout::exit::ExitCode;
use tieout::job::{ColumnSource, Format, TimeFormat, Unit};
use tieout::outgoing::{BuildError, BuildSpec, Built, Layout, SourcePlace, build};
use tieout::records::{AmountSign, FieldColumn, Mapping, RecordPlan, RecordType};

use crate::outgoing_support::{BULK, Workshop, ids_of, lines_of, purchase, purchases};
use crate::reading_support::gzip;

fn totals(pairs: &[(&str, i128)]) -> BTreeMap<String, i128> {
    pairs.iter().map(|(currency, sum)| ((*currency).to_owned(), *sum)).collect()
}

/// The rows left out, as a person reads them.
fn told(left_out: &[tieout::frames::Quarantined]) -> Vec<String> {
    let field = |row: &tieout::frames::Quarantined| row.field.clone().unwrap_or_else(|| "row".to_owned());
    left_out
        .iter()
        .map(|row| {
            let amount = row.amounts_minor[0].map_or("?".to_owned(), |amount| amount.to_string());
            let currency = row.currency.as_deref().unwrap_or("?");
            format!(
                "{}:{} {} `{}` {} ({amount} {currency})",
                row.file_name,
                row.line,
                field(row),
                row.value,
                row.reason
            )
        })
        .collect()
}

#[test]
fn every_row_is_sealed_once_in_order_and_both_sides_say_the_same() {
    let sealed = Workshop::new(BULK).csv(&purchases(0..100)).build().unwrap();
    let manifest = sealed.manifest();
    assert_eq!(ids_of(&sealed), [(0..100).map(|id| format!("txn-{id}")).collect::<Vec<_>>()]);
    let expected = totals(&[("EUR", 2_950), ("USD", 12_000)]);
    assert_eq!(manifest.source.totals.by_currency(), &expected);
    assert_eq!(manifest.sealed.totals.by_currency(), &expected);
    assert_eq!(manifest.parcels[0].totals.by_currency(), &expected);
    let source = &manifest.source;
    assert_eq!((source.rows, source.quarantined, source.repeated, source.written), (100, 0, 0, 100));
    assert_eq!((manifest.sealed.rows, manifest.parcels[0].rows), (100, 100));
    assert_eq!((manifest.files[0].rows, manifest.files[0].name.as_str()), (100, "core.csv"));
    let text: usize = lines_of(&sealed, &manifest.parcels[0]).iter().map(|line| line.len() + 1).sum();
    assert_eq!(manifest.sealed.text_bytes, text as u64);
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_workers() {
    for layout in [BULK, Layout::Parts { rows: 9 }, Layout::PartsByUser { rows: 4 }] {
        let mut rows = purchases(0..300);
        rows[17] = rows[3].clone();
        rows[200] = "txn-x,user 1,much,USD".to_owned();
        let built: Vec<_> = [1, 2, 8]
            .into_iter()
            .map(|workers| {
                let mut workshop = Workshop::new(layout).csv(&rows).tolerating(2);
                workshop.workers = workers;
                workshop.build().unwrap().manifest().clone()
            })
            .collect();
        assert_eq!(built[0], built[1], "{layout:?}");
        assert_eq!(built[0], built[2], "{layout:?}");
    }
}

#[test]
fn every_format_gives_the_same_lines() {
    let rows = purchases(0..40);
    let csv = Workshop::new(BULK).csv(&rows).build().unwrap();
    let expected = lines_of(&csv, &csv.manifest().parcels[0]);
    let objects: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            format!(r#"{{"id":"{}","user":"{}","amount":{},"currency":"{}"}}"#, cells[0], cells[1], cells[2], cells[3])
        })
        .collect();
    let (first, second) = objects.split_at(23);
    let jsonl = |part: &[String]| gzip(part.join("\n").as_bytes());
    let document = format!(r#"{{"count":40,"rows":[{}]}}"#, objects.join(","));
    let control = tieout::job::ControlPaths { rows: Some("count".to_owned()), amount: None };
    let workshops = [
        Workshop::new(BULK).format(Format::Jsonl).file("a.gz", &jsonl(first)).file("b.gz", &jsonl(second)),
        Workshop::new(BULK).format(Format::Parquet).file("1", &parquet(0..15)).file("2", &parquet(15..40)),
        Workshop::new(BULK)
            .format(Format::Json { rows: "rows".to_owned(), control: Some(control) })
            .file("all.json", document.as_bytes()),
    ];
    for workshop in workshops {
        let sealed = workshop.build().unwrap();
        assert_eq!(lines_of(&sealed, &sealed.manifest().parcels[0]), expected, "{:?}", workshop.source.format);
    }
}

fn parquet(ids: std::ops::Range<usize>) -> Vec<u8> {
    let rows = purchases(ids);
    let cell = |slot: usize| rows.iter().map(|row| row.split(',').nth(slot).unwrap()).collect::<Vec<_>>();
    let amounts: Vec<i64> = cell(2).iter().map(|text| text.parse().unwrap()).collect();
    let columns = vec![
        Column::new("id".into(), cell(0)),
        Column::new("user".into(), cell(1)),
        Column::new("amount".into(), amounts),
        Column::new("currency".into(), cell(3)),
    ];
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut DataFrame::new(rows.len(), columns).unwrap()).unwrap();
    bytes
}

#[test]
fn rows_that_do_not_fit_and_rows_that_repeat_are_left_out_and_told() {
    let mut rows = purchases(0..30);
    rows[4] = "txn-4,user 1,much,USD".to_owned();
    rows[9] = "txn-9,too,few".to_owned();
    rows[20] = rows[2].clone();
    rows[25] = "txn-2,user 2,999,EUR".to_owned();
    let sealed = Workshop::new(BULK).csv(&rows).tolerating(4).build().unwrap();
    let id = "9437dabb33d2ef43df436d8b28d83661";
    assert_eq!(
        told(&sealed.manifest().left_out),
        [
            "core.csv:6 amount `much` is no amount (? USD)".to_owned(),
            "core.csv:11 row `txn-9,too,few` has 3 values; expected 4, one for each column (? ?)".to_owned(),
            format!("core.csv:22 id `{id}` is the event of line 4 once more (102 USD)"),
            format!("core.csv:27 id `{id}` is the event of line 4 once more (999 EUR)"),
        ]
    );
    let source = &sealed.manifest().source;
    assert_eq!((source.rows, source.quarantined, source.repeated, source.written), (30, 2, 2, 26));
    let expected = (0..30).filter(|id| ![4, 9, 20, 25].contains(id)).map(|id| format!("txn-{id}"));
    assert_eq!(ids_of(&sealed), [expected.collect::<Vec<_>>()]);
}

#[test]
fn a_repeat_in_another_file_is_told_with_that_files_name() {
    let rows = |ids: &[usize]| {
        let rows: Vec<String> = ids.iter().map(|id| purchase(*id)).collect();
        format!("id,user,amount,currency\n{}\n", rows.join("\n"))
    };
    let workshop = Workshop::new(BULK)
        .file("monday.csv", rows(&[1, 2]).as_bytes())
        .file("tuesday.csv", rows(&[3, 1]).as_bytes())
        .tolerating(1);
    let sealed = workshop.build().unwrap();
    assert_eq!(told(&sealed.manifest().left_out).len(), 1);
    assert!(told(&sealed.manifest().left_out)[0].contains("is the event of line 2 once more (in monday.csv)"));
    assert_eq!(ids_of(&sealed), [["txn-1", "txn-2", "txn-3"]]);
}

#[test]
fn more_rows_than_are_tolerated_and_nothing_is_left() {
    let mut rows = purchases(0..60);
    rows[50] = rows[1].clone();
    for row in [3, 10, 11, 12, 40, 41] {
        rows[row] = format!("txn-{row},user 1,much,USD");
    }
    let workshop = Workshop::new(BULK).csv(&rows).tolerating(6);
    assert_eq!(
        workshop.message(),
        "upload: 7 rows do not fit, 6 are tolerated, so nothing is sent:
  core.csv: line 5: amount `much` is no amount
  core.csv: line 12: amount `much` is no amount
  core.csv: line 13: amount `much` is no amount
  core.csv: line 14: amount `much` is no amount
  core.csv: line 42: amount `much` is no amount
  and 2 more
correct the source, or tolerate more with `upload.quarantine`"
    );
    assert_eq!(workshop.build().unwrap_err().exit_code(), ExitCode::InputData);
    assert_eq!(workshop.spool_holds(), [""; 0]);
    assert_eq!(workshop.tolerating(7).build().unwrap().manifest().source.written, 53);

    let twice = [purchase(1), purchase(1)];
    let id = &tieout::digest::sha256(b"txn-1")[..32];
    assert_eq!(
        Workshop::new(BULK).csv(&twice).message(),
        format!(
            "upload: 1 row does not fit, 0 are tolerated, so nothing is sent:
  core.csv: line 3: id `{id}` is the event of line 2 once more
correct the source, or tolerate more with `upload.quarantine`"
        )
    );
}

#[test]
fn a_fault_of_the_source_names_the_keys_of_the_sending_job() {
    let table: [(Workshop, &str); 4] = [
        (
            Workshop::new(BULK).file("core.csv", b""),
            "core.csv: the file has 0 bytes; ask for it again or, if a period without rows comes as an empty file, set `upload.source.allow_empty: true`",
        ),
        (
            Workshop::new(BULK).file("core.csv", b"id,amont,user,currency\n"),
            "core.csv: no column `amount` for `amount`; the file has `id`, `amont`, `user`, `currency` (did you mean `amont`?); correct `upload.columns.amount`",
        ),
        (
            Workshop::new(BULK).file("core.csv", b"id,user,amount,currency\n\"1,a,1,USD\n2,b,2,USD\n"),
            "core.csv: line 2: a quote opens here and is never closed; expected a closing '\"' (or another `quote` in `upload.source.format`)",
        ),
        (
            Workshop::new(BULK)
                .format(Format::Json {
                    rows: "rows".to_owned(),
                    control: Some(tieout::job::ControlPaths { rows: Some("count".to_owned()), amount: None }),
                })
                .file("core.json", br#"{"count":2,"rows":[{"id":"1","user":"a","amount":1,"currency":"USD"}]}"#),
            "core.json: the document states 2 rows and has 1; fetch the file again",
        ),
    ];
    for (workshop, expected) in table {
        assert_eq!(workshop.message(), expected);
        assert_eq!(workshop.spool_holds(), [""; 0]);
    }
}

#[test]
fn a_source_without_rows_gives_no_parcel_and_says_so() {
    let sealed = Workshop::new(BULK).file("core.csv", b"id,user,amount,currency\n").build().unwrap();
    assert_eq!(sealed.manifest().parcels, []);
    assert_eq!(sealed.manifest().warnings[0].message, "core.csv has no rows");
}

#[test]
fn a_build_that_is_asked_to_stop_stops_and_leaves_nothing() {
    let workshop = Workshop::new(BULK).csv(&purchases(0..50_000));
    let (asked, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 20;
    let progress = |built: Built| done.store(usize::try_from(built.rows).unwrap(), Ordering::Relaxed);
    let error = build(&workshop.spec(), &workshop.files, &workshop.spool(), &stop, &progress).unwrap_err();
    assert!(matches!(error, BuildError::Stopped), "{error}");
    assert_eq!(error.exit_code(), ExitCode::TryAgainLater);
    // Not a batch more than was read before: seven rows each.
    assert_eq!(done.load(Ordering::Relaxed), 20 * 7);
    assert_eq!(workshop.spool_holds(), [""; 0]);
}

/// What each row of a source is: fits, does not fit, or repeats an earlier one.
#[derive(Debug, Clone)]
enum Kind {
    Fits(usize),
    Faulty,
    Repeats(prop::sample::Index),
}

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let kind = prop_oneof![
        8 => (0..10_000_usize).prop_map(Kind::Fits),
        1 => Just(Kind::Faulty),
        1 => any::<prop::sample::Index>().prop_map(Kind::Repeats),
    ];
    prop::collection::vec(kind, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_rows_each_event_that_fits_is_sealed_once_where_it_stood_first(
        kinds in kinds(),
        layout in prop_oneof![
            Just(BULK),
            (200..2_000_u64, prop::option::of(1..30_u64))
                .prop_map(|(max_bytes, max_rows)| Layout::BulkFiles { max_bytes, max_rows }),
            (1..20_u64).prop_map(|rows| Layout::Parts { rows }),
            (1..20_u64).prop_map(|rows| Layout::PartsByUser { rows }),
        ],
        workers in 1..4_usize,
    ) {
        let (mut rows, mut first, mut repeated, mut faulty) = (Vec::<String>::new(), Vec::new(), 0, 0);
        let mut seen = BTreeSet::new();
        for (kind, line) in kinds.iter().zip(2..) {
            let row = match kind {
                Kind::Fits(id) => purchase(*id),
                Kind::Repeats(index) if !rows.is_empty() => rows[index.index(rows.len())].clone(),
                Kind::Faulty | Kind::Repeats(_) => "x,user 1,much,USD".to_owned(),
            };
            let id = row.split(',').next().unwrap().to_owned();
            if id == "x" {
                faulty += 1;
            } else if seen.insert(id.clone()) {
                first.push((id, SourcePlace { file: 0, line }));
            } else {
                repeated += 1;
            }
            rows.push(row);
        }
        let mut workshop = Workshop::new(layout).csv(&rows).tolerating(200);
        workshop.workers = workers;
        let sealed = workshop.build().unwrap();
        let source = &sealed.manifest().source;
        prop_assert_eq!((source.quarantined, source.repeated, source.written), (faulty, repeated, first.len() as u64));
        let mut found = Vec::new();
        for parcel in &sealed.manifest().parcels {
            let lines = (1..=parcel.rows).collect();
            for row in sealed.find(parcel, &BTreeSet::default(), &lines).unwrap() {
                found.push((row.transaction_id.unwrap(), row.source));
            }
            if let Layout::BulkFiles { max_bytes, max_rows } = layout {
                prop_assert!(parcel.bytes <= max_bytes && parcel.rows <= max_rows.unwrap_or(u64::MAX));
            }
        }
        if matches!(layout, Layout::PartsByUser { .. }) {
            found.sort_by_key(|(_, place)| *place);
        }
        prop_assert_eq!(found, first);
    }
}

#[test]
fn the_published_records_are_lines_of_a_parcel() {
    let column = |name: &str| FieldColumn {
        from: ColumnSource::Columns(vec![name.to_owned()]),
        unit: Unit::Minor,
        time: TimeFormat::Iso { zone: None },
        words: BTreeMap::new(),
        fips: false,
    };
    let names = ["userId", "transactionId", "amount", "currency", "description", "direction", "settledDate"];
    let mut columns: BTreeMap<String, FieldColumn> = names.map(|name| (name.to_owned(), column(name))).into();
    columns.insert("authorizationDate".to_owned(), column("settledDate"));
    columns.insert("cardLastFours".to_owned(), column("card"));
    let mapping =
        Mapping { record: RecordType::CoreTransaction, columns, sign: AmountSign::Unsigned, event_key: vec![] };
    assert_eq!(tieout::records::check(&mapping), []);
    let plan = RecordPlan::new(&mapping, "org-1");
    let row =
        |id: usize, direction: &str| format!("u{id},t{id},{id}00,USD,Café,{direction},2025-03-19T01:02:03Z,4321\n");
    let text = format!("{},card\n{}{}{}", names.join(","), row(1, "DEBIT"), row(2, "SIDEWAYS"), row(1, "CREDIT"));
    let workshop = Workshop::new(BULK).file("core.csv", text.as_bytes()).tolerating(2);
    let spec = workshop.spec();
    let spec = BuildSpec {
        lines: &plan,
        job: spec.job,
        period: spec.period,
        block: spec.block,
        source: spec.source,
        mapping: spec.mapping,
        layout: spec.layout,
        tolerated: spec.tolerated,
        grain: spec.grain,
        workers: spec.workers,
    };
    let sealed = build(&spec, &workshop.files, &workshop.spool(), &|| false, &|_| {}).unwrap();
    let manifest = sealed.manifest();
    assert_eq!(manifest.sealed.totals.by_currency(), &totals(&[("USD", 100)]));
    let left_out: Vec<_> = manifest.left_out.iter().map(|row| (row.line, row.field.as_deref().unwrap())).collect();
    assert_eq!(left_out, [(3, "direction"), (4, "id")]);
    let found = sealed.find(&manifest.parcels[0], &BTreeSet::new(), &BTreeSet::from([1])).unwrap();
    assert_eq!((found[0].transaction_id.as_deref(), found[0].amount_minor, found[0].source.line), (Some("t1"), 100, 2));
}
