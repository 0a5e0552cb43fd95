//! Bad input through the program: the exit code and the whole message, or the row that is set aside.

use serde_json::json;

use crate::reading_support::gzip;
use crate::support::Sample;
use crate::support::project::{TestProject, file_rows, job, rows, settled};

const RUN: &str = "rewards/2025-03-19/1";
const LEDGER: &str = "data/ledger-2025-03-19.csv";

/// The small job with this ledger and these lines for it.
fn with_ledger(bytes: &[u8], more: &[(&str, &str)]) -> TestProject {
    let project = TestProject::small();
    project.write("jobs/rewards.yaml", job(more));
    project.write(LEDGER, bytes);
    project
}

/// Runs it and checks that it is refused with 65 and leaves no report.
#[track_caller]
fn refused(bytes: &[u8], more: &[(&str, &str)]) -> String {
    let project = with_ledger(bytes, more);
    let ended = project.run_day(&["-q"]).ended_with(65);
    assert_eq!(ended.stdout, "");
    assert_eq!(project.listing("runs/rewards/2025-03-19/1"), Vec::<String>::new());
    ended.error().to_owned()
}

/// The quarantined rows of the ledger, as `line N field: reason`.
fn set_aside(bytes: &[u8]) -> Vec<String> {
    let project = with_ledger(bytes, &[("ledger", "quarantine: 100")]);
    project.run_day(&[]).ended_with(0);
    let summary = project.summary(RUN);
    let quarantine = &summary["quarantine"];
    let told = quarantine["first"].as_array().unwrap();
    assert_eq!(quarantine["count"], told.len());
    assert_eq!(summary["verdict"]["ties_out"], true, "a row that is set aside is accounted for");
    let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("row").to_owned();
    told.iter().map(|row| format!("line {} {}: {}", row["line"], word(row, "field"), word(row, "reason"))).collect()
}

#[test]
fn damaged_gzip_ends_the_run() {
    let whole = gzip(&rows(&["t-1,10.00,USD,2025-03-19T01:00:00Z"; 50]));
    let mut checksum = whole.clone();
    let place = checksum.len() - 7;
    checksum[place] ^= 0xff;
    let cut = &whole[..whole.len() - 12];
    let trailing = [whole.as_slice(), b"<html>"].concat();
    let cases = [
        (
            cut,
            format!(
                "ledger-2025-03-19.csv: the gzip data ends too early (truncated after {} bytes); fetch the file again",
                cut.len()
            ),
        ),
        (
            &checksum,
            "ledger-2025-03-19.csv: the gzip checksum does not match the data; fetch the file again".to_owned(),
        ),
        (
            &trailing,
            format!(
                "ledger-2025-03-19.csv: bytes that are no gzip data follow the end of the gzip data (at byte {}); fetch \
                 the file again",
                whole.len()
            ),
        ),
    ];
    for (bytes, message) in cases {
        assert_eq!(refused(bytes, &[]), message);
    }
}

#[test]
fn gzip_of_several_members_is_one_file() {
    let [first, second] =
        ["id,amount,currency,at\nt-1,10.00,USD,2025-03-19T01:00:00Z\n", "t-2,20.50,USD,2025-03-19T02:00:00Z\n"]
            .map(|part| gzip(part.as_bytes()));
    let project = with_ledger(&[first, second].concat(), &[]);
    project.run_day(&[]).ended_with(0);
    let breaks = project.breaks(RUN);
    assert_eq!(breaks.len(), 1, "{breaks:?}");
    assert_eq!(breaks[0][..2], ["t-3", "missing_in_ledger"]);
}

#[test]
fn a_decompression_bomb_stops_at_the_jobs_limits() {
    let bomb = gzip(&vec![b'0'; 20 << 20]);
    assert_eq!(
        refused(&bomb, &[("ledger", "limits: {max_ratio: 100}")]),
        "ledger-2025-03-19.csv: unfolds to more than 100 times its size, like a decompression bomb; if that is right, \
         raise `max_ratio` in `limits` of the input"
    );
    assert_eq!(
        refused(&bomb, &[("ledger", "limits: {max_bytes: 1MiB}")]),
        "ledger-2025-03-19.csv: unfolds to more than 1048576 bytes; if that is right, raise `max_bytes` in `limits` of \
         the input"
    );
}

#[test]
fn an_empty_file_ends_the_run_unless_the_job_allows_it() {
    assert_eq!(
        refused(b"", &[]),
        "ledger-2025-03-19.csv: the file has 0 bytes; ask for it again or, if a period without rows comes as an empty \
         file, set `inputs.ledger.allow_empty: true`"
    );
    let project = with_ledger(b"", &[("ledger", "allow_empty: true")]);
    project.run_day(&[]).ended_with(0);
    assert_eq!(project.breaks(RUN).len(), 3, "three rows of the file are missing in the ledger");
}

#[test]
fn a_header_alone_is_a_ledger_without_rows_and_worth_a_warning() {
    let project = with_ledger(&rows(&[]), &[]);
    project.run_day(&[]).ended_with(0);
    let kinds: Vec<_> = project.breaks(RUN).into_iter().map(|[_, kind, ..]| kind).collect();
    assert_eq!(kinds, ["missing_in_ledger"; 3]);
    let warnings = &project.summary(RUN)["warnings"];
    assert_eq!(warnings[0]["message"], "ledger-2025-03-19.csv has no rows", "{warnings}");
}

#[test]
fn a_row_that_is_no_text_or_too_long_is_set_aside() {
    let long = "7".repeat(2 << 20);
    let mut bytes = rows(&["t-1,10.00,USD,2025-03-19T01:00:00Z", &format!("{long},1.00,USD,")]);
    bytes.extend(b"t-\xff,1.00,USD,\nt-\0,1.00,USD,\nt-5,1.00,USD\n");
    assert_eq!(
        set_aside(&bytes),
        [
            "line 3 row: is longer than 1048576 bytes (`max_row_bytes` in `limits`)",
            "line 4 row: is not UTF-8 (byte 3 of the row's text)",
            "line 5 row: holds a NUL byte",
            "line 6 row: has 3 values; expected 4, one for each column",
        ]
    );
}

#[test]
fn amounts_that_are_not_exact_are_set_aside() {
    let shape = "expected digits, at most one decimal point and a leading minus";
    let cases = [
        ("1e400", "amount: is written with an exponent; expected plain digits".to_owned()),
        ("NaN", format!("amount: holds 'N' as character 1; {shape}")),
        ("0.30000000000000004", "amount: has 17 decimals; the currency has 2".to_owned()),
        ("\"1,234.50\"", format!("amount: holds ',' as character 2; {shape}")),
    ];
    let written: Vec<String> = cases.iter().map(|(amount, _)| format!("t-9,{amount},USD,")).collect();
    let written: Vec<&str> = written.iter().map(String::as_str).chain(["t-9,1.50,JPY,", "t-9,1.50,XAU,"]).collect();
    let mut expected: Vec<String> =
        cases.iter().enumerate().map(|(at, (_, told))| format!("line {} {told}", at + 2)).collect();
    expected.push("line 6 amount: has 2 decimals; the currency has 0".to_owned());
    expected.push("line 7 currency: is no currency with minor units; expected an ISO 4217 code such as USD".to_owned());
    assert_eq!(set_aside(&rows(&written)), expected);
}

#[test]
fn more_unreadable_rows_than_the_job_tolerates_end_the_run() {
    let bytes = rows(&["t-1,10.00,USD,2025-03-19T01:00:00Z", "t-2,1e400,USD,", "4111111111111111,x,USD,yesterday"]);
    assert_eq!(
        refused(&bytes, &[("ledger", "quarantine: 1")]),
        "ledger: 2 rows cannot be read, 1 is tolerated:\n  \
         ledger-2025-03-19.csv: line 3: amount `1e400` is written with an exponent; expected plain digits\n  \
         ledger-2025-03-19.csv: line 4: amount `x` holds 'x' as character 1; expected digits, at most one decimal \
         point and a leading minus\n\
         correct the input, or tolerate more with `inputs.ledger.quarantine`"
    );
}

#[test]
fn deep_json_is_set_aside_and_json_of_another_shape_ends_the_run() {
    let row = r#"{"id": "t-1", "amount": "10.00", "currency": "USD", "at": "2025-03-19T01:00:00Z"}"#;
    let deep = format!("{{\"id\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let project =
        with_ledger(format!("{row}\n{deep}\n").as_bytes(), &[("ledger", "format: jsonl"), ("ledger", "quarantine: 1")]);
    project.run_day(&[]).ended_with(0);
    assert_eq!(
        project.summary(RUN)["quarantine"]["first"][0]["reason"],
        "is not a readable JSON object: `id` holds a list; expected text, a number or null (character 200007)"
    );
    assert_eq!(
        refused(b"<html>", &[("ledger", "format: {json: {rows: data}}")]),
        "ledger-2025-03-19.csv: line 1: not JSON: found `<`, expected `{`; the rest of the file cannot be read safely"
    );
}

#[test]
fn the_same_id_twice_is_a_duplicate_or_a_conflict_and_never_multiplied() {
    let bytes = rows(&[
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.50,USD,2025-03-19T02:00:00Z",
        "t-2,99.00,USD,2025-03-19T02:00:00Z",
        "t-3,5.25,USD,2025-03-19T03:00:00Z",
    ]);
    let project = with_ledger(&bytes, &[]);
    project.run_day(&[]).ended_with(0);
    let found: Vec<_> = project.breaks(RUN).into_iter().map(|[key, kind, ..]| (key, kind)).collect();
    let expected = [("t-1", "duplicate_row"), ("t-2", "conflicting_rows")];
    assert_eq!(found, expected.map(|(key, kind)| (key.to_owned(), kind.to_owned())));
    let accounts = &project.summary(RUN)["statement"]["rows"];
    let ledger = accounts.as_array().unwrap().iter().find(|side| side["side"] == "ledger").unwrap();
    assert_eq!((&ledger["read"], &ledger["unaccounted"]), (&json!(5), &json!(0)));
}

#[test]
fn a_missing_column_ends_the_run_and_names_the_nearest() {
    assert_eq!(
        refused(b"id,amonut,currency,at\nt-1,10.00,USD,\n", &[]),
        "ledger-2025-03-19.csv: no column `amount` for `amount`; the file has `id`, `amonut`, `currency`, `at` (did you \
         mean `amonut`?); correct `inputs.ledger.columns.amount`"
    );
}

/// The provider's file under another name.
fn named(id: &str, name: &str) -> Sample {
    Sample { id: id.to_owned(), name: name.to_owned(), ..settled(&file_rows()) }
}

#[test]
fn a_name_that_the_provider_gives_is_never_a_path() {
    let long = format!("settled-2025-03-19{}", "x".repeat(300));
    let names = [
        "settled-2025-03-19/../../../../../../escaped.csv",
        "settled-2025-03-19\u{1b}[31m\n\r\0.csv",
        &long,
        "settled-2025-03-19=cmd|' /C calc'!A0",
    ];
    for name in names {
        let project = TestProject::new(&[named("f/../..\u{1b}[0m", name)], "");
        let ended = project.run_day(&["-vv"]).ended_with(0);
        assert_eq!(project.downloads(), 1, "{name:?}");
        let stored = project.listing("runs/rewards/2025-03-19/raw");
        assert_eq!(stored.len(), 2, "{name:?}: {stored:?}");
        assert!(stored.iter().all(|path| path.contains("/raw/sha256-") && path.len() < 150), "{name:?}: {stored:?}");
        assert!(!project.listing("").iter().any(|path| path.contains("escaped")), "{name:?}");
        for (place, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            assert!(
                !text.contains('\u{1b}') && !text.contains('\0'),
                "{name:?}: a control character on {place}\n{text}"
            );
        }
        let csv = String::from_utf8(project.read(&format!("runs/{RUN}/breaks.csv"))).unwrap();
        assert!(!csv.contains('\u{1b}') && !csv.contains('\0'), "{name:?}: a control character in breaks.csv");
    }
}

#[test]
fn an_unknown_zone_is_a_mistake_in_the_job_file_with_its_place() {
    let project = TestProject::small();
    project.write("jobs/rewards.yaml", job(&[]).replace("timezone: UTC", "timezone: Europe/Pariss"));
    let ended = project.run_day(&["-q"]).ended_with(78);
    assert_eq!(
        ended.error(),
        "jobs/rewards.yaml:2:32: unknown time zone `Europe/Pariss`; did you mean `Europe/Paris`?\n  \
         2 | period: {grain: day, timezone: Europe/Pariss}\n    |                                ^"
    );
    assert_eq!(project.received().len(), 0, "nobody is asked before the job is right");
}

/// The keys of the breaks of a day in Havana, where clocks change at midnight: only the ledger holds these rows.
fn broken_in_havana(day: &str, booked_at: [&str; 4]) -> Vec<String> {
    let booked = [0, 1, 2, 3].map(|key| format!("t-{key},1.00,USD,{}", booked_at[key]));
    let file = Sample::daily("f-1", &format!("settled-{day}.csv"), &rows(&[]));
    let project = TestProject::new(&[Sample { sent_at: format!("{day}T23:00:00Z").parse().unwrap(), ..file }], "");
    project.write("jobs/rewards.yaml", job(&[]).replace("timezone: UTC", "timezone: America/Havana"));
    project.write(&format!("data/ledger-{day}.csv"), rows(&booked.each_ref().map(String::as_str)));
    project.run(&["run", "rewards", "--period", day]).ended_with(0);
    let run = format!("rewards/{day}/1");
    let period = &project.summary(&run)["period"];
    assert_eq!((&period["start"], &period["end"]), (&json!(booked_at[1]), &json!(booked_at[3])), "{day}");
    project.breaks(&run).into_iter().map(|[key, ..]| key).collect()
}

#[test]
fn a_day_that_begins_in_a_gap_or_with_a_repeated_hour_has_exactly_its_rows() {
    // The last second before the day, its first, its last, and the first after it.
    for (day, booked_at) in [
        // No midnight: from 00:00 the clocks go to 01:00. 23 hours.
        (
            "2025-03-09",
            ["2025-03-09T04:59:59Z", "2025-03-09T05:00:00Z", "2025-03-10T03:59:59Z", "2025-03-10T04:00:00Z"],
        ),
        // Two midnights: at 01:00 the clocks go back to 00:00. 25 hours.
        (
            "2025-11-02",
            ["2025-11-02T03:59:59Z", "2025-11-02T04:00:00Z", "2025-11-03T04:59:59Z", "2025-11-03T05:00:00Z"],
        ),
    ] {
        assert_eq!(broken_in_havana(day, booked_at), ["t-1", "t-2"], "{day}");
    }
}

#[test]
fn a_label_that_names_no_period_is_a_mistake_on_the_command_line() {
    let project = TestProject::small();
    for (label, told) in [
        ("2025-02-30", "--period of job rewards: \"2025-02-30\" is not a day; expected YYYY-MM-DD"),
        (
            "2025-03",
            "--period of job rewards: \"2025-03\" is a month, but the job's period is a day; expected YYYY-MM-DD, such \
             as 2025-03-01",
        ),
        ("../../etc", "--period of job rewards: \"../../etc\" is not a day; expected YYYY-MM-DD"),
    ] {
        let ended = project.run(&["run", "rewards", "--period", label, "-q"]).ended_with(2);
        assert_eq!(ended.error(), told);
    }
    assert_eq!(project.listing("runs"), Vec::<String>::new());
}
