//! Files that hold the bytes of an earlier period's file under another name: said to be so, and never counted twice.

use serde_json::Value;
use tieout::frames::{Repeat, Spread, load_among};

use crate::reading_support::{CSV, Shelf, gzip, ledger, rows as rows_of};
use crate::support::project::{TestProject, rows};

const JOB: &str = "\
job: rewards
period: {grain: day, timezone: UTC}
inputs:
  file:
    path: \"file-{period}*.csv*\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
    # of the file
  ledger:
    path: \"ledger-{period}.csv\"
    columns: {transaction_id: id, amount: {column: amount, unit: major}, currency: currency, occurred_at: at}
match:
  compare: {amount: {tolerance: 0}, currency: exact, date: {tolerance: 1d}}
report: [csv]
";

const FIRST: &str = "2025-03-18";
const SECOND: &str = "2025-03-19";
/// One purchase a day, at noon.
const OF_FIRST: [&str; 1] = ["a,1.00,USD,2025-03-18T12:00:00Z"];
const OF_SECOND: [&str; 1] = ["b,2.00,USD,2025-03-19T12:00:00Z"];

fn project(job: &str) -> TestProject {
    let project = TestProject::new(&[], "");
    project.write("jobs/rewards.yaml", job);
    for (day, of) in [(FIRST, OF_FIRST), (SECOND, OF_SECOND)] {
        project.write(&format!("data/file-{day}.csv"), rows(&of));
        project.write(&format!("data/ledger-{day}.csv"), rows(&of));
    }
    project
}

fn breaking() -> String {
    JOB.replace("# of the file", "on_missing: break")
}

/// Key, kind and detail of the breaks of a run.
fn breaks(project: &TestProject, run: &str) -> Vec<[String; 3]> {
    let text = project.read(&format!("runs/rewards/{run}/breaks.csv"));
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header = reader.headers().unwrap().clone();
    let places = ["key", "kind", "detail"].map(|name| header.iter().position(|column| column == name).unwrap());
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| places.map(|place| row[place].to_owned())).collect()
}

fn run(project: &TestProject, day: &str) {
    project.run(&["run", "rewards", "--period", day]).ended_with(0);
}

/// Rows of the side `file`: read, excluded, expected, in breaks.
fn file_rows(project: &TestProject, run: &str) -> [u64; 4] {
    let summary = project.summary(&format!("rewards/{run}"));
    assert_eq!(summary["verdict"]["ties_out"], Value::Bool(true), "{summary:#}");
    let of_file = summary["statement"]["rows"].as_array().unwrap().iter().find(|rows| rows["side"] == "file").unwrap();
    ["read", "excluded", "expected", "breaks"].map(|name| of_file[name].as_u64().unwrap())
}

const COPIED: &str = "file-2025-03-19.csv holds the same bytes as file-2025-03-18.csv, which was read for 2025-03-18";

#[test]
fn yesterdays_file_under_todays_name_is_waited_for_as_if_it_were_not_there() {
    let project = project(JOB);
    project.write("data/file-2025-03-19.csv", rows(&OF_FIRST));
    run(&project, FIRST);
    let ended = project.run(&["run", "rewards", "--period", SECOND, "-q"]).ended_with(75);
    assert_eq!(
        ended.error(),
        format!(
            "no file input for 2025-03-19 yet: file-2025-03-19*.csv*; {COPIED}; try again when it is there, or set \
             inputs.file.on_missing to break"
        )
    );
    // The right one comes.
    project.write("data/file-2025-03-19.csv", rows(&OF_SECOND));
    run(&project, SECOND);
    assert_eq!(breaks(&project, "2025-03-19/2"), Vec::<[String; 3]>::new());
}

#[test]
fn where_the_job_goes_on_without_a_file_it_says_what_was_there_instead() {
    let project = project(&breaking());
    project.write("data/file-2025-03-19.csv", rows(&OF_FIRST));
    run(&project, FIRST);
    run(&project, SECOND);
    let missing = format!("no file input for 2025-03-19: file-2025-03-19*.csv*; {COPIED}");
    let repeated = format!("{COPIED}; it takes no part in 2025-03-19");
    let expected =
        [["file-2025-03-19*.csv*", "file_missing", &missing], ["file-2025-03-19.csv", "file_duplicate", &repeated]];
    assert_eq!(breaks(&project, "2025-03-19/1"), expected.map(|row| row.map(str::to_owned)));
    assert_eq!(file_rows(&project, "2025-03-19/1"), [1, 1, 0, 0]);
    let summary = project.summary("rewards/2025-03-19/1");
    assert_eq!(summary["expected"]["waits for a file that is not there"], 1, "what is booked waits: {summary:#}");
    // Offline the same is found; a plan finds it too.
    project.run(&["run", "rewards", "--period", SECOND, "--offline"]).ended_with(0);
    assert_eq!(breaks(&project, "2025-03-19/2"), expected.map(|row| row.map(str::to_owned)));
    let told = project.run(&["plan", "rewards", "--period", SECOND]).ended_with(0).stdout;
    assert!(told.contains("  file duplicate               1  -\n"), "{told}");
}

#[test]
fn beside_the_days_own_file_a_copy_of_yesterdays_is_left_out() {
    // Without a time of its own, a row is of the period whose file holds it: it would be counted in both.
    let timeless = JOB.replacen(", occurred_at: at", "", 1).replace(", date: {tolerance: 1d}", "");
    let project = project(&timeless);
    project.write("data/file-2025-03-19-more.csv", rows(&OF_FIRST));
    run(&project, FIRST);
    run(&project, SECOND);
    let detail = "file-2025-03-19-more.csv holds the same bytes as file-2025-03-18.csv, which was read for \
                  2025-03-18; it takes no part in 2025-03-19";
    let expected = ["file-2025-03-19-more.csv", "file_duplicate", detail].map(str::to_owned);
    assert_eq!(breaks(&project, "2025-03-19/1"), [expected]);
    assert_eq!(file_rows(&project, "2025-03-19/1"), [2, 1, 0, 0]);
}

#[test]
fn the_earlier_periods_file_is_the_original_in_whatever_order_they_are_run() {
    let project = project(&breaking());
    project.write("data/file-2025-03-19.csv", rows(&OF_FIRST));
    let kinds = |run: &str| breaks(&project, run).into_iter().map(|[_, kind, _]| kind).collect::<Vec<_>>();
    run(&project, SECOND);
    assert!(!kinds("2025-03-19/1").contains(&"file_duplicate".to_owned()), "nobody has read the original yet");
    run(&project, FIRST);
    assert_eq!(kinds("2025-03-18/1"), Vec::<String>::new(), "the later one makes it no repeat");
    run(&project, SECOND);
    assert_eq!(kinds("2025-03-19/2"), ["file_missing", "file_duplicate"]);
}

#[test]
fn one_name_in_both_periods_a_header_alone_and_other_bytes_are_no_repeats() {
    // A ledger that grows under one name.
    let growing = project(&JOB.replace("ledger-{period}.csv", "ledger.csv"));
    growing.write("data/ledger.csv", rows(&[OF_FIRST, OF_SECOND].concat()));
    run(&growing, FIRST);
    run(&growing, SECOND);
    assert_eq!(breaks(&growing, "2025-03-19/1"), Vec::<[String; 3]>::new());

    // Two days without a purchase.
    let quiet = project(JOB);
    for day in [FIRST, SECOND] {
        quiet.write(&format!("data/file-{day}.csv"), rows(&[]));
        quiet.write(&format!("data/ledger-{day}.csv"), rows(&[]));
        run(&quiet, day);
    }
    assert_eq!(breaks(&quiet, "2025-03-19/1"), Vec::<[String; 3]>::new());

    // Compressed anew it is another file: its rows are of another day, and are found to be.
    let packed = project(JOB);
    std::fs::remove_file(packed.path("data/file-2025-03-19.csv")).unwrap();
    packed.write("data/file-2025-03-19.csv.gz", gzip(&rows(&OF_FIRST)));
    run(&packed, FIRST);
    run(&packed, SECOND);
    let found = breaks(&packed, "2025-03-19/1");
    assert_eq!(found.iter().map(|[key, kind, _]| [&**key, &**kind]).collect::<Vec<_>>(), [["b", "missing_in_file"]]);
}

#[test]
fn what_a_periods_last_run_no_longer_reads_is_no_original() {
    let project = project(JOB);
    // The first day's file is the second day's by mistake, and is replaced.
    project.write("data/file-2025-03-18.csv", rows(&OF_SECOND));
    run(&project, FIRST);
    project.write("data/file-2025-03-18.csv", rows(&OF_FIRST));
    run(&project, FIRST);
    run(&project, SECOND);
    assert_eq!(breaks(&project, "2025-03-19/1"), Vec::<[String; 3]>::new());
}

#[test]
fn a_copy_of_a_copy_repeats_the_first_and_a_period_too_far_back_is_not_looked_at() {
    let project = project(&breaking());
    for day in [SECOND, "2025-03-20", "2025-04-19"] {
        project.write(&format!("data/file-{day}.csv"), rows(&OF_FIRST));
        project.write(&format!("data/ledger-{day}.csv"), rows(&[]));
    }
    for day in [FIRST, SECOND, "2025-03-20", "2025-04-19"] {
        run(&project, day);
    }
    let of = |day: &str| breaks(&project, &format!("{day}/1")).pop().unwrap()[2].clone();
    assert!(of("2025-03-20").contains("as file-2025-03-18.csv, which was read for 2025-03-18"), "{}", of("2025-03-20"));
    // Thirty-one days back stands the copy, which counts as the original from there.
    assert!(of("2025-04-19").contains("as file-2025-03-19.csv, which was read for 2025-03-19"), "{}", of("2025-04-19"));
}

#[test]
fn rows_of_a_repeat_are_read_counted_and_left_out_and_a_file_without_rows_is_none() {
    let shelf = Shelf::new();
    let text = |rows: &str| format!("id,amount,currency,at\n{rows}");
    let files = vec![
        shelf.file("old.csv", text("a,1.00,USD,2025-03-18T12:00:00Z\n").as_bytes()),
        shelf.file("own.csv", text("b,2.00,USD,2025-03-19T12:00:00Z\n").as_bytes()),
        shelf.file("empty.csv", text("").as_bytes()),
    ];
    let repeat = |file: u32| Repeat { file, name: format!("{file}.csv"), period: "2025-03-18".to_owned() };
    let frame = load_among(&ledger(CSV), files.clone(), vec![repeat(0), repeat(2)], &[], Spread::held(0)).unwrap();
    assert_eq!(frame.repeats, [repeat(0)]);
    assert_eq!(frame.rows_read, [1, 1, 0]);
    let excluded: Vec<String> = rows_of(&frame).iter().map(|row| row.chars().take(3).collect()).collect();
    assert_eq!(excluded, ["2/4", "2/0"]);
    assert!(frame.is_there());
    let frame = load_among(&ledger(CSV), files[..1].to_vec(), vec![repeat(0)], &[], Spread::held(0)).unwrap();
    assert!(!frame.is_there());
    let frame = load_among(&ledger(CSV), Vec::new(), Vec::new(), &[], Spread::held(0)).unwrap();
    assert!(!frame.is_there());
}
