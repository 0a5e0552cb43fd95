//! Reports that are sent again under a higher revision: only the highest counts, visibly.

use serde_json::Value;
use tieout::frames::Exclusion;
use tieout::job::{Input, Revisions};

use crate::reading_support::{CSV, ledger, message, quarantine, read, read_all, rows};
use crate::support::project::TestProject;

fn input() -> Input {
    let mut input = ledger(CSV);
    input.mapping.fields.remove(&tieout::frames::Field::OccurredAt);
    input.mapping.revisions =
        Some(Revisions { report: vec!["report".to_owned()], revision: vec!["revision".to_owned()] });
    input.quarantine_limit = 100;
    input
}

fn file(lines: &[&str]) -> Vec<u8> {
    format!("report,revision,id,amount,currency\n{}\n", lines.join("\n")).into_bytes()
}

/// Id and exclusion of each row.
fn told(files: &[(&str, Vec<u8>)]) -> Vec<String> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let frame = read_all(&input(), &files, None).unwrap();
    let replaced = format!("/{}: ", Exclusion::Superseded as u32);
    rows(&frame)
        .iter()
        .map(|row| {
            let id = row.split("transaction_id=").nth(1).unwrap().split(' ').next().unwrap();
            let state = if row.contains(&replaced) { "replaced" } else { "counts" };
            assert!(row.contains(&replaced) || row.contains("/0: "), "{row}");
            format!("{id} {state}")
        })
        .collect()
}

#[test]
fn of_several_files_with_one_report_the_highest_revision_counts_in_whatever_order_they_come() {
    let first = || file(&["5,0,a,1.00,USD", "5,0,b,2.00,USD"]);
    let second = || file(&["5,1,a,1.50,USD"]);
    let third = || file(&["5,10,a,1.75,USD"]);
    assert_eq!(told(&[("r0.csv", first())]), ["a counts", "b counts"]);
    assert_eq!(told(&[("r0.csv", first()), ("r1.csv", second())]), ["a replaced", "b replaced", "a counts"]);
    assert_eq!(told(&[("r1.csv", second()), ("r0.csv", first())]), ["a counts", "a replaced", "b replaced"]);
    // 10 is more than 9 and 1, number by number.
    assert_eq!(told(&[("r10.csv", third()), ("r1.csv", second())]), ["a counts", "a replaced"]);
}

#[test]
fn each_report_has_revisions_of_its_own_also_within_one_file() {
    let rows = file(&["5,0,a,1.00,USD", "6,0,b,1.00,USD", "5,1,c,1.00,USD", "6,0,d,1.00,USD", "5,1,e,1.00,USD"]);
    assert_eq!(told(&[("all.csv", rows)]), ["a replaced", "b counts", "c counts", "d counts", "e counts"]);
}

#[test]
fn the_same_revision_twice_is_fine_with_the_same_bytes_and_an_error_with_others() {
    let one = file(&["5,1,a,1.00,USD"]);
    let other = file(&["5,1,a,9.99,USD"]);
    let frame = read_all(&input(), &[("one.csv", one.as_slice()), ("copy.csv", one.as_slice())], None).unwrap();
    assert_eq!(rows(&frame).len(), 2);
    assert!(rows(&frame)[1].contains(&format!("/{}: ", Exclusion::RepeatedFile as u32)), "{:?}", rows(&frame));
    let error = read_all(&input(), &[("one.csv", one.as_slice()), ("other.csv", other.as_slice())], None);
    assert_eq!(
        message(error),
        "other.csv: it calls itself revision 1 of the report `5`, as one.csv does, and holds other bytes; expected one \
         file a revision: ask the provider which one counts, and take the other one away"
    );
    // Also where a higher one replaces both: nobody knows what else is not what it says it is.
    let higher = file(&["5,2,a,1.00,USD"]);
    let files = [("one.csv", one.as_slice()), ("other.csv", other.as_slice()), ("higher.csv", higher.as_slice())];
    assert!(read_all(&input(), &files, None).is_err());
}

#[test]
fn a_row_that_does_not_say_its_revision_is_quarantined_and_an_unreadable_one_still_tells_it() {
    let lines =
        ["5,,a,1.00,USD", ",1,b,1.00,USD", "5,one,c,1.00,USD", "5,-1,d,1.00,USD", "5,2,e,x,USD", "5,1,f,1.00,USD"];
    let frame = read(&input(), &file(&lines)).unwrap();
    assert_eq!(
        quarantine(&frame),
        [
            "ledger.csv:2 revisions.revision ``: is empty; every row needs the revision of its report",
            "ledger.csv:3 revisions.report ``: is empty; every row needs the id of its report",
            "ledger.csv:4 revisions.revision `one`: is no whole number from 0 on",
            "ledger.csv:5 revisions.revision `-1`: is no whole number from 0 on",
            "ledger.csv:6 amount `x`: holds 'x' as character 1; expected digits, at most one decimal point and a leading minus",
        ]
    );
    // Revision 2 is there, though none of its rows can be read.
    assert_eq!(rows(&frame).len(), 1);
    assert!(rows(&frame)[0].starts_with(&format!("7/{}: ", Exclusion::Superseded as u32)), "{:?}", rows(&frame));
}

#[test]
fn columns_of_revisions_must_be_there() {
    assert_eq!(
        message(read(&input(), b"report,id,amount,currency\n5,a,1.00,USD\n")),
        "ledger.csv: no column `revision` for `revisions.revision`; the file has `report`, `id`, `amount`, `currency`; \
         correct `inputs.ledger.revisions.revision`"
    );
}

const JOB: &str = "\
job: reports
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: \"report-{period}-*.csv\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
    revisions: {report: report, revision: revision}
  ledger:
    path: \"ledger-{period}.csv\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
match: {compare: {amount: {tolerance: 0}, currency: exact}}
report: [csv]
";

/// Key and kind of the breaks of a run, in the order of the keys.
fn breaks(project: &TestProject, run: &str) -> Vec<String> {
    let text = String::from_utf8(project.read(&format!("runs/reports/2025-03-19/{run}/breaks.csv"))).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|column| column == name).unwrap();
    let (key, kind) = (place("key"), place("kind"));
    let rows = reader.records().map(Result::unwrap);
    let mut found: Vec<String> = rows.map(|row| format!("{} {}", &row[key], &row[kind])).collect();
    found.sort();
    found
}

#[test]
fn a_revision_that_comes_later_closes_and_opens_breaks_as_a_rerun_does() {
    let project = TestProject::new(&[], "");
    project.write("jobs/reports.yaml", JOB);
    let at = "2025-03-19T12:00:00Z";
    let report = |revision: u64, rows: &[&str]| {
        let lines: String =
            rows.iter().map(|row| format!("5,{revision},{row},USD,{at}\n")).collect::<Vec<_>>().concat();
        format!("report,revision,id,amount,currency,at\n{lines}")
    };
    let booked: String =
        ["a,1.00", "b,2.00", "c,3.00"].iter().map(|row| format!("{row},USD,{at}\n")).collect::<Vec<_>>().concat();
    project.write("data/ledger-2025-03-19.csv", format!("id,amount,currency,at\n{booked}"));
    project.write("data/report-2025-03-19-0.csv", report(0, &["a,9.00", "b,2.00"]));
    project.run(&["run", "reports", "--period", "2025-03-19"]).ended_with(0);
    assert_eq!(breaks(&project, "1"), ["a amount_mismatch", "c missing_in_file"]);

    project.write("data/report-2025-03-19-1.csv", report(1, &["a,1.00", "b,2.50", "c,3.00"]));
    project.run(&["run", "reports", "--period", "2025-03-19"]).ended_with(0);
    assert_eq!(breaks(&project, "2"), ["b amount_mismatch"]);
    let summary = project.summary("reports/2025-03-19/2");
    assert_eq!(summary["verdict"]["ties_out"], Value::Bool(true));
    let excluded = summary["excluded"].as_array().unwrap();
    assert_eq!(excluded.len(), 1, "{excluded:?}");
    assert_eq!(
        (&excluded[0]["reason"], &excluded[0]["rows"]),
        (&"of a revision that a higher one replaces".into(), &2.into())
    );
    // The bridge of the file's side shows them with their money: 11.00 leave it.
    let lines = summary["statement"]["bridges"][0]["lines"].as_array().unwrap();
    let line =
        lines.iter().find(|line| line["label"] == "excluded from file: of a revision that a higher one replaces");
    assert_eq!(line.unwrap_or_else(|| panic!("{lines:#?}"))["amount_minor"], "1100", "{lines:#?}");
    // Each break of the first revision has a life that ended, and the new one has begun.
    let lived = |status: &str| {
        let listed = project.run(&["breaks", "list", "reports", "--status", status, "--format", "csv"]).ended_with(0);
        let mut reader = csv::Reader::from_reader(listed.stdout.as_bytes());
        reader.records().map(|row| row.unwrap()[3].to_owned()).collect::<Vec<_>>()
    };
    let mut resolved = lived("resolved");
    resolved.sort();
    assert_eq!(resolved, ["a", "c"]);
    assert_eq!(lived("open"), ["b"]);
}
