//! What a job has sent: the tie-out of source and provider, and how every report tells it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use tieout::breaks::sending::{RejectedRow, row_rejected};
use tieout::breaks::{BreakKind, Bridge};
use tieout::effects::{EffectKind, EffectsFacts, FileOutcome, RefusedRow};
use tieout::exit::ExitCode;
use tieout::frames::{Measure, Quarantined, Side};
use tieout::job::ReportFormat;
use tieout::report::facts::{Fate, InputFacts, ParcelFacts, RunFacts};
use tieout::report::gather_sent::{Counted, Setting, SourceCounts, Sums, gather};
use tieout::report::json::Summary;
use tieout::report::verdict::{Tone, verdict};
use tieout::report::{Facts, MOST_LINES, csv, html, terminal_summary, write};

use crate::breaks_of_sending::rejected;
use crate::support::effects::{acknowledged, approved, effect, in_doubt, in_flight, standing};
use crate::support::frames::day;
use crate::support_facts::{HOSTILE, at, clean};

fn sums(sums: &[(&str, i128)]) -> Sums {
    sums.iter().map(|(currency, minor)| ((*currency).to_owned(), *minor)).collect()
}

fn counted(rows: u64, of: &[(&str, i128)]) -> Counted {
    Counted { rows, sums_minor: sums(of) }
}

fn parcel(number: u64, fate: Fate, rows: u64, of: &[(&str, i128)]) -> ParcelFacts {
    ParcelFacts {
        name: format!("core-upload-2025-03-19-{number:03}-ab12cd34.jsonl.gz"),
        effect: format!("{number:016x}"),
        kind: EffectKind::BulkFile,
        user: None,
        rows,
        totals_minor: sums(of),
        bytes: 43_200_000 + number,
        sha256: format!("{number:064x}"),
        fate,
        rejected_rows: 0,
        provider_id: (!matches!(fate, Fate::Unsent)).then(|| format!("session-{number}")),
    }
}

fn unfit(line: u64) -> Quarantined {
    Quarantined {
        side: Side::Ledger,
        file: 0,
        file_name: "core.csv".to_owned(),
        line,
        field: Some("amount".to_owned()),
        value: "12,5".to_owned(),
        reason: "expected an amount such as 12.50".to_owned(),
        currency: None,
        amounts_minor: [None; 3],
    }
}

/// What a run of the job has found.
fn facts(source: SourceCounts, parcels: Vec<ParcelFacts>, rejected: Vec<RejectedRow>) -> Facts {
    let job = crate::effects_in_jobs::load(crate::effects_in_jobs::JOB);
    let rows = source.read.rows;
    let input = InputFacts {
        side: Side::Ledger,
        name: "core.csv".to_owned(),
        origin: "local file".to_owned(),
        sha256: "d".repeat(64),
        bytes: 350_000_000,
        rows,
        sums: source
            .read
            .sums_minor
            .iter()
            .map(|(currency, minor)| (currency.clone(), Measure::TransactionAmount, *minor))
            .collect(),
    };
    let quarantine = (0..source.quarantined.rows + source.repeated.rows).map(|row| unfit(row + 2)).collect();
    let breaks = row_rejected("core-upload", &day(), &rejected);
    let mut facts = gather(Setting {
        job: &job,
        period: &day(),
        run: RunFacts {
            id: "core-upload/2025-03-19/1".to_owned(),
            attempt: 1,
            run_time: at("2025-03-20T02:00:00Z"),
            note: None,
            sandbox: false,
            pages: None,
        },
        inputs: vec![input],
        source,
        parcels,
        rejected,
        breaks,
        quarantine,
        warnings: Vec::new(),
        parameters: vec![("sends".to_owned(), "coreTransaction".to_owned())],
    });
    "core-upload".clone_into(&mut facts.job.name);
    facts
}

/// Three files, all accepted.
fn all_well() -> Facts {
    let of = [40_000_000_i128, 35_000_000, 25_000_000];
    let parcels = (1..).zip(of).map(|(number, usd)| parcel(number, Fate::Accepted, 300_000, &[("USD", usd)])).collect();
    let source = SourceCounts { read: counted(900_000, &[("USD", 100_000_000)]), ..SourceCounts::default() };
    facts(source, parcels, Vec::new())
}

/// One of each fate, two currencies, refused and quarantined and repeated rows.
fn some_of_all() -> Facts {
    let mut parcels: Vec<ParcelFacts> =
        (1..).zip(Fate::ALL).map(|(number, fate)| parcel(number, fate, 10, &[("USD", 10_000), ("JPY", 500)])).collect();
    parcels[0].rejected_rows = 1;
    let source = SourceCounts {
        read: counted(74, &[("USD", 72_100), ("JPY", 3_500)]),
        quarantined: counted(3, &[("USD", 20_00)]),
        repeated: counted(1, &[("USD", 1_00)]),
    };
    let row = RejectedRow { source: None, ..rejected("e1") };
    facts(source, parcels, vec![row])
}

fn terminal(facts: &Facts) -> String {
    let folder = PathBuf::from("runs/core-upload/2025-03-19/1");
    terminal_summary(facts, &[folder.join("summary.json"), folder.join("sent.csv")], 80, false)
}

fn lines(bridge: &Bridge) -> Vec<(&str, u64, i128)> {
    bridge.lines.iter().map(|line| (line.label.as_str(), line.count, line.amount_minor)).collect()
}

#[test]
fn every_fate_has_its_line_between_the_source_and_what_kard_has() {
    let facts = some_of_all();
    let [jpy, usd] = facts.statement.bridges.as_slice() else { panic!("{:?}", facts.statement) };
    assert_eq!(
        lines(usd),
        [
            ("quarantined: rows of the source that do not fit", 3, -20_00),
            ("excluded from the source: another row has the same event id", 1, -1_00),
            ("expected: still to be sent", 10, -10_000),
            ("expected: sent, and Kard has not told its result yet", 10, -10_000),
            ("in doubt: nobody knows whether Kard has it", 10, -10_000),
            ("break: refused by Kard as a whole", 10, -10_000),
            ("break: unacknowledged", 10, -10_000),
            ("excluded: a person has decided that it is not sent", 10, -10_000),
            ("break: row rejected", 1, -12_50),
        ]
    );
    assert_eq!((usd.left_total_minor, usd.right_total_minor, usd.residual_minor), (72_100, 87_50, 0));
    // The refused and the quarantined rows are of dollars alone.
    assert_eq!(jpy.lines.len(), 6);
    assert_eq!((jpy.left_total_minor, jpy.right_total_minor, jpy.residual_minor), (3_500, 500, 0));
    let [source, sealed] = facts.statement.rows.as_slice() else { panic!("two accounts") };
    let numbers = |rows: &tieout::breaks::RowAccount| {
        [rows.read, rows.matched, rows.expected, rows.breaks, rows.quarantined, rows.excluded]
    };
    assert_eq!((numbers(source), source.unaccounted), ([74, 9, 20, 31, 3, 11], 0));
    assert_eq!((numbers(sealed), sealed.unaccounted), ([70, 9, 20, 31, 0, 10], 0));
    assert!(facts.ties_out());
    let waiting = [("sent, and Kard has not told its result yet", 10), ("still to be sent", 10)];
    assert_eq!(facts.expected, waiting.map(|(reason, rows)| (reason.to_owned(), rows)).into());
    assert_eq!(facts.excluded.iter().map(|excluded| excluded.rows).collect::<Vec<_>>(), [1, 10]);
}

#[test]
fn a_total_or_a_row_that_is_missing_shows() {
    let parcels = |usd| vec![parcel(1, Fate::Accepted, 10, &[("USD", usd)])];
    let source = |rows| SourceCounts { read: counted(rows, &[("USD", 10_000)]), ..SourceCounts::default() };
    assert!(facts(source(10), parcels(10_000), Vec::new()).ties_out());
    let short = facts(source(10), parcels(99_99), Vec::new());
    assert_eq!(short.statement.bridges[0].residual_minor, 1);
    assert!(!short.ties_out());
    let lost = facts(source(11), parcels(10_000), Vec::new());
    assert_eq!(lost.statement.rows.iter().map(|rows| rows.unaccounted).collect::<Vec<_>>(), [1, 0]);
    assert_eq!((verdict(&lost).tone, verdict(&lost).exit), (Tone::Broken, ExitCode::InvariantFailed));
    let invented = facts(source(10), vec![parcel(1, Fate::Unsent, 10, &[("USD", 10_000), ("EUR", 1)])], Vec::new());
    assert_eq!(invented.statement.bridges[0].residual_minor, -1, "a currency that the source does not have");
}

#[test]
fn a_day_on_which_all_is_sent_takes_a_glance() {
    let expected = "\
core-upload for 2025-03-19, attempt 1
OK: Ties out; 3 bulk files with 900,000 rows are sent
Every difference is explained; all 900,000 rows of the source are accounted for.
Sent
  3 bulk files accepted: 900,000 rows, USD 1,000,000.00, 129.6 MB
Totals                                            from            to  difference
  USD amount, source to accepted by Kard  1,000,000.00  1,000,000.00        0.00
Rows             read   accepted    waiting     breaks  quarant.   excluded
  source      900,000    900,000          0          0         0          0
  sealed      900,000    900,000          0          0         0          0
Written to runs/core-upload/2025-03-19/1
  summary.json sent.csv
Exit code 0: the work is done.
";
    let text = terminal(&all_well());
    assert_eq!(text, expected, "{text}");
}

#[test]
fn a_day_on_which_much_went_wrong_says_what_is_where() {
    let text = terminal(&some_of_all());
    let expected = "\
core-upload for 2025-03-19, attempt 1
OK: Ties out with 1 break to review; 3 of 7 bulk files with 30 rows are sent
Every difference is explained; all 74 rows of the source are accounted for.
At risk: USD 12.50 of transaction amount.
Sent
  1 bulk file in doubt: 10 rows, JPY 500, USD 100.00, 43.2 MB
  1 bulk file refused by Kard: 10 rows, JPY 500, USD 100.00, 43.2 MB
  and 5 parcels more: see the report
  in doubt: core-upload-2025-03-19-004-ab12cd34.jsonl.gz
  5 more are not accepted: see the report
Totals                                  from      to  difference  by breaks
  USD amount, source to accepted by Kard  721.00   87.50     -633.50    -212.50
";
    assert!(text.starts_with(&expected[..expected.find("Totals").unwrap()]), "{text}");
    assert!(text.contains("USD amount, source to accepted by Kard"), "{text}");
    assert!(text.contains("To review: 4 quarantined rows (the first: core.csv line 2, "), "{text}");
}

#[test]
fn the_summary_keeps_to_its_lines_whatever_was_sent() {
    let mut hostile = some_of_all();
    for (parcel, text) in hostile.sent.iter_mut().flatten().zip(HOSTILE) {
        text.clone_into(&mut parcel.name);
    }
    let many = (1..40)
        .map(|number| parcel(number, Fate::ALL[usize::try_from(number).unwrap() % 7], 1, &[("USD", 1)]))
        .collect();
    let source = SourceCounts { read: counted(39, &[("USD", 39)]), ..SourceCounts::default() };
    let nothing = facts(SourceCounts::default(), Vec::new(), Vec::new());
    for facts in [all_well(), some_of_all(), hostile, facts(source, many, Vec::new()), nothing] {
        for width in [60, 80, 120] {
            let text = terminal_summary(&facts, &[PathBuf::from("r/summary.json")], width, false);
            assert!(text.lines().count() <= MOST_LINES, "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
            assert!(!text.contains('\u{1b}'));
        }
    }
}

#[test]
fn the_headline_says_what_has_left_and_the_rest_what_waits() {
    let told = |fates: &[Fate]| {
        let parcels: Vec<ParcelFacts> =
            (1..).zip(fates).map(|(number, fate)| parcel(number, *fate, 2, &[("USD", 100)])).collect();
        let read = counted(2 * fates.len() as u64, &[("USD", 100 * fates.len() as i128)]);
        let verdict = verdict(&facts(SourceCounts { read, ..SourceCounts::default() }, parcels, Vec::new()));
        (verdict.headline, verdict.to_review)
    };
    for (fates, headline, waits) in [
        (vec![], "Ties out; nothing to send", vec![]),
        (vec![Fate::Accepted], "Ties out; 1 bulk file with 2 rows is sent", vec![]),
        (
            vec![Fate::Accepted, Fate::Awaited],
            "Ties out; 2 bulk files with 4 rows are sent",
            vec!["1 bulk file with 2 rows waits to be confirmed by Kard."],
        ),
        (
            vec![Fate::Unsent, Fate::Unsent],
            "Ties out; nothing is sent yet",
            vec!["2 bulk files with 4 rows are still to be sent."],
        ),
        (
            vec![Fate::Accepted, Fate::Unsent, Fate::Declined],
            "Ties out; 1 of 3 bulk files with 2 rows is sent",
            vec!["1 bulk file with 2 rows is still to be sent."],
        ),
    ] {
        assert_eq!(told(&fates), (headline.to_owned(), waits.into_iter().map(str::to_owned).collect()));
    }
    let left_out = verdict(&{
        let source = SourceCounts { read: counted(3, &[]), quarantined: counted(1, &[]), ..SourceCounts::default() };
        facts(source, vec![parcel(1, Fate::Accepted, 2, &[])], Vec::new())
    });
    assert_eq!(left_out.headline, "Ties out, but rows are left out; 1 bulk file with 2 rows is sent");
    let unsent = "1 row is not sent: it does not fit, or repeats another row; the quarantine says why.";
    assert_eq!(left_out.to_review, [unsent]);
}

#[test]
fn sent_csv_has_a_line_for_each_parcel_and_currency_and_every_column_adds_up() {
    let mut bytes = Vec::new();
    csv::render_sent(some_of_all().parcels(), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "parcel,kind,user,fate,rows,rows_refused,sum,currency,bytes,sha256,provider_id,effect"
    );
    let (name, digest) = ("core-upload-2025-03-19-001-ab12cd34.jsonl.gz", format!("{:064x}", 1));
    let first = format!("{name},bulk_file,,accepted,10,1,500,JPY,43200001,{digest},session-1,0000000000000001");
    let second = format!("{name},bulk_file,,accepted,,,100.00,USD,,{digest},session-1,0000000000000001");
    assert_eq!((lines.next().unwrap(), lines.next().unwrap()), (first.as_str(), second.as_str()));
    assert_eq!(lines.count(), 12);
    // Nothing that could be added is lost where no amount is stated.
    let mut bytes = Vec::new();
    csv::render_sent(&[parcel(9, Fate::Unsent, 7, &[])], &mut bytes).unwrap();
    assert!(String::from_utf8(bytes).unwrap().contains(",unsent,7,0,,,43200009,"));
}

#[test]
fn the_summary_for_programs_has_every_parcel_and_amounts_as_text() {
    let text = serde_json::to_string(&tieout::report::json::summary(&some_of_all())).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        value["sent"][1],
        json!({
            "name": "core-upload-2025-03-19-002-ab12cd34.jsonl.gz", "effect": "0000000000000002", "kind": "bulk_file",
            "user": null, "fate": "unsent", "rows": 10, "rejected_rows": 0,
            "sums": [{ "currency": "JPY", "sum_minor": "500" }, { "currency": "USD", "sum_minor": "10000" }],
            "bytes": 43_200_002, "sha256": format!("{:064x}", 2), "provider_id": null,
        })
    );
    let read: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(read.sent.len(), 7);
    let without = serde_json::to_value(tieout::report::json::summary(&clean())).unwrap();
    assert_eq!(without.get("sent"), None, "a reconciliation writes what it always wrote");
}

#[test]
fn every_rendering_is_written_with_the_list_of_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut facts = some_of_all();
    facts.effects = Some(EffectsFacts::default());
    let formats = [ReportFormat::Csv, ReportFormat::Html, ReportFormat::Xlsx];
    let written = write(&facts, &formats, folder.path()).unwrap();
    let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["summary.json", "breaks.csv", "effects.csv", "sent.csv", "report.html", "report.xlsx"]);
    let sheets = crate::report_xlsx::sheets(&facts, 1_000);
    let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..7], ["Summary", "Charts", "Breaks", "Ageing", "Sent", "Effects", "Explained"]);
}

#[test]
fn the_page_has_a_section_of_its_own_and_speaks_of_source_and_kard() {
    let page = html::render(&some_of_all(), 1_000);
    assert!(page.contains(r##"<a href="#sent">Sent</a>"##) && page.contains(r#"<h2 id="sent">Sent</h2>"#));
    let row = page.split("<tr>").find(|row| row.contains("core-upload-2025-03-19-004-")).unwrap();
    for part in ["USD 100.00", "JPY 500", "43.2 MB", "in doubt", "session-4", "000000000000…"] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert!(page.contains("source to accepted by Kard") && page.contains("<th scope=\"row\">sealed</th>"));
    assert!(!page.contains("suggested\""), "a job that sends pairs nothing");
    // The most urgent first, and cut with a note.
    let short = html::render(&some_of_all(), 2);
    assert!(short.contains("-004-") && short.contains("-005-") && !short.contains("-007-"));
    assert!(short.contains("Shown are the first 2 of 7; all stand in sent.csv or report.xlsx"));
    let reconciliation = html::render(&clean(), 1_000);
    assert!(!reconciliation.contains("id=\"sent\"") && reconciliation.contains("file to ledger"));
}

#[test]
fn effects_of_sending_put_nothing_at_risk_and_say_what_is_in_them() {
    let with = |kind, last| {
        let mut effect = effect(kind, "core-001.jsonl.gz", 0);
        effect.currency = String::new();
        standing(&effect, &[approved(), in_flight(), last])
    };
    let lost = in_doubt(tieout::effects::Doubt::Conflict, "409");
    let planned =
        vec![with(EffectKind::BulkFile, acknowledged(Some("session-1"))), with(EffectKind::HistoricalPart, lost)];
    let effects = EffectsFacts { planned, ..EffectsFacts::default() };
    let mut bytes = Vec::new();
    csv::render_effects(&effects, &mut bytes).unwrap();
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!((&*rows[1]["asks"], &*rows[1]["at_risk"], &*rows[1]["currency"]), ("3 rows, 12.50 USD", "", ""));
    let facts = Facts { effects: Some(effects), ..all_well() };
    let summary = serde_json::to_value(tieout::report::json::summary(&facts)).unwrap();
    assert_eq!(summary["effects"]["counts"][0]["at_risk"], json!([]));
    let text = terminal(&facts);
    assert!(text.contains("\n  bulk files:       1 sent\n  historical parts: 1 in doubt\n"), "{text}");
    assert!(text.contains(" historical part core-001.jsonl.gz: "), "{text}");
}

#[test]
fn where_a_bulk_file_stands_says_what_became_of_its_rows() {
    let file = standing(&effect(EffectKind::BulkFile, "f", 0), &[approved(), in_flight(), acknowledged(Some("s-1"))]);
    let told = |refused: Vec<RefusedRow>, more: u64, against: &[&str]| {
        let mut file = file.clone();
        file.outcome = Some(FileOutcome {
            notification: "n-1".to_owned(),
            refused,
            more,
            against: against.iter().map(|text| (*text).to_owned()).collect(),
            at: None,
        });
        tieout::effects::words::state_words(&file)
    };
    let row = |id: &str, line| RefusedRow { event_id: id.to_owned(), line, why: "no".to_owned() };
    assert_eq!(tieout::effects::words::state_words(&file), "acknowledged as s-1");
    assert_eq!(told(Vec::new(), 0, &[]), "acknowledged as s-1; all rows read");
    assert_eq!(told(vec![row("a", None)], 0, &[]), "acknowledged as s-1; 1 row refused");
    let twice = vec![row("a", Some(1)), row("a", Some(1)), row("b", Some(2)), row("", Some(3))];
    assert_eq!(told(twice.clone(), 0, &[]), "acknowledged as s-1; 3 rows refused");
    assert_eq!(told(twice, 8, &[]), "acknowledged as s-1; 3 rows refused, and 8 more refusals");
    let against = "acknowledged as s-1; Kard says of the file: not gzip";
    assert_eq!(told(Vec::new(), 0, &["not gzip"]), against);
}

#[test]
fn a_refused_row_is_a_break_of_the_report() {
    let facts = some_of_all();
    assert_eq!(facts.breaks.iter().map(|found| found.kind).collect::<Vec<_>>(), [BreakKind::RowRejected]);
    assert_eq!((verdict(&facts).tone, verdict(&facts).exit), (Tone::Review, ExitCode::Done));
}

/// Parcels of any fate in two currencies, with refused rows in some of those that are accepted.
fn any_parcels() -> impl Strategy<Value = (Vec<ParcelFacts>, Vec<RejectedRow>)> {
    let one = (
        prop::sample::select(Fate::ALL.to_vec()),
        1..50_u64,
        -10_000..10_000_i64,
        prop::option::of(0..900_i64),
        0..3_u64,
    );
    prop::collection::vec(one, 0..8).prop_map(|written| {
        let mut rows = Vec::new();
        let mut parcels = Vec::new();
        for (number, (fate, count, usd, jpy, refused)) in (1..).zip(written) {
            let mut made = parcel(number, fate, count, &[("USD", usd.into())]);
            if let Some(jpy) = jpy {
                made.totals_minor.insert("JPY".to_owned(), jpy.into());
            }
            if fate == Fate::Accepted {
                made.rejected_rows = refused.min(count);
                for row in 0..made.rejected_rows {
                    let line = row + 1;
                    let (file, event_id) = (made.name.clone(), format!("{number}-{row}"));
                    rows.push(RejectedRow { file, line, amount_minor: 7, ..rejected(&event_id) });
                }
            }
            parcels.push(made);
        }
        (parcels, rows)
    })
}

proptest! {
    #[test]
    fn where_source_and_sealed_agree_nothing_is_left_over_and_otherwise_exactly_what_differs(
        (parcels, rejected) in any_parcels(),
        unfit in (0..9_u64, -500..500_i128),
        repeated in (0..9_u64, -500..500_i128),
        off in prop_oneof![Just(0_i128), -9..9_i128],
        lost in prop_oneof![Just(0_u64), 0..3_u64],
    ) {
        let mut read = counted(unfit.0 + repeated.0 + lost, &[]);
        let mut count = |of: &Counted, rows: bool| {
            read.rows += if rows { of.rows } else { 0 };
            for (currency, minor) in &of.sums_minor {
                *read.sums_minor.entry(currency.clone()).or_default() += minor;
            }
        };
        for parcel in &parcels {
            count(&Counted { rows: parcel.rows, sums_minor: parcel.totals_minor.clone() }, true);
        }
        // A sum without rows is none.
        let aside = |(rows, minor): (u64, i128)| counted(rows, if rows > 0 { vec![("USD", minor)] } else { vec![] }.as_slice());
        let (quarantined, repeated) = (aside(unfit), aside(repeated));
        count(&quarantined, false);
        count(&repeated, false);
        count(&counted(0, &[("USD", off)]), false);
        let sealed: u64 = parcels.iter().map(|parcel| parcel.rows).sum();
        let refused = rejected.len() as u64;
        let facts = facts(SourceCounts { read, quarantined, repeated }, parcels, rejected);
        for bridge in &facts.statement.bridges {
            let expected = if bridge.currency == "USD" { off } else { 0 };
            prop_assert_eq!(bridge.residual_minor, expected, "{:?}", bridge);
        }
        let rest: Vec<i64> = facts.statement.rows.iter().map(|rows| rows.unaccounted).collect();
        prop_assert_eq!(rest, [i64::try_from(lost).unwrap(), 0]);
        prop_assert_eq!(facts.ties_out(), off == 0 && lost == 0);
        prop_assert_eq!(facts.statement.rows[1].read, sealed);
        let both = |read: fn(&tieout::breaks::RowAccount) -> u64| facts.statement.rows.iter().map(read).collect::<Vec<_>>();
        prop_assert!(both(|rows| rows.matched).windows(2).all(|two| two[0] == two[1]));
        prop_assert!(both(|rows| rows.breaks).iter().all(|breaks| *breaks >= refused));
    }
}
