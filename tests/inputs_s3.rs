//! Inputs in a bucket, at a real S3-speaking server (see `.ci/s3`).

use serde_json::Value;

use crate::support::pod::Pods;
use crate::support::project::{DAY, TestProject, file_rows, job, ledger_rows, rows};

const OF_PROVIDER: &str = "    provider: kard
    file_type: earnedRewardSettledDailyReconciliationFile
    name: \"settled-{period}\"
";

/// Newest first, as Kard delivers them.
const DELIVERED: &str = "    s3: [\"s3://bucket/upload/\", \"s3://bucket/backup/\"]
    pattern: \"settled-{yymmdd}*.csv\"
";

/// The small job with its file in Kard's bucket, artifacts on disk.
fn pods(more: &[(&str, &str)]) -> Pods {
    let project = TestProject::empty();
    project.write("jobs/rewards.yaml", job(more).replace(OF_PROVIDER, DELIVERED));
    project.write("data/ledger-2025-03-19.csv", ledger_rows());
    Pods::of(project)
}

fn breaks(pods: &Pods, attempt: u32) -> String {
    String::from_utf8(pods.kept(&format!("rewards/{DAY}/{attempt}/breaks.csv"))).unwrap()
}

fn summary(pods: &Pods, attempt: u32) -> Value {
    serde_json::from_slice(&pods.kept(&format!("rewards/{DAY}/{attempt}/summary.json"))).unwrap()
}

fn warnings(pods: &Pods, attempt: u32) -> Vec<String> {
    let summary = summary(pods, attempt);
    let warnings = summary["warnings"].as_array().unwrap().iter();
    warnings.map(|warning| warning["message"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn a_file_is_found_in_upload_and_when_it_has_moved_in_backup_with_the_same_outcome() {
    let pods = pods(&[]);
    pods.server.lay("upload/settled-250319-a.csv", file_rows());
    // Of another day, and of a name that only begins alike.
    pods.server.lay("upload/settled-250318-a.csv", "no file of this day");
    pods.server.lay("upload/deeper/settled-250319-a.csv", "another folder");
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    std::fs::create_dir_all(pods.server.path("backup")).unwrap();
    std::fs::rename(pods.server.path("upload/settled-250319-a.csv"), pods.server.path("backup/settled-250319-a.csv"))
        .unwrap();
    pods.fresh();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    assert_eq!(breaks(&pods, 1), breaks(&pods, 2));
    assert_eq!(breaks(&pods, 1).lines().count(), 4, "{}", breaks(&pods, 1));

    let inputs = |attempt: &str| {
        let run = format!("rewards/{DAY}/{attempt}");
        let shown = pods.run(&["runs", "show", &run, "--format", "json"]).ended_with(0);
        shown.stdout
    };
    assert!(inputs("1").contains("settled-250319-a.csv"), "{}", inputs("1"));
    let origin = summary(&pods, 2)["inputs"].to_string();
    assert!(origin.contains("s3://bucket/backup/settled-250319-a.csv, modified "), "{origin}");
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn of_one_name_under_two_prefixes_the_first_counts_and_other_bytes_are_told() {
    let pods = pods(&[]);
    pods.server.lay("upload/settled-250319.csv", file_rows());
    pods.server.lay("backup/settled-250319.csv", file_rows());
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    assert_eq!(breaks(&pods, 1).lines().count(), 4, "the same file twice is read once: {}", breaks(&pods, 1));
    assert_eq!(warnings(&pods, 1), Vec::<String>::new());

    pods.server.lay("backup/settled-250319.csv", rows(&["t-9,1.00,USD,2025-03-19T01:00:00Z"]));
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    assert_eq!(breaks(&pods, 1), breaks(&pods, 2));
    assert_eq!(
        warnings(&pods, 2),
        [
            "settled-250319.csv stands under two prefixes with different bytes: s3://bucket/upload/settled-250319.csv (126 \
          bytes) counts, s3://bucket/backup/settled-250319.csv (56 bytes) does not"
        ]
    );
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn an_object_that_is_not_there_is_missing_like_any_other_input() {
    let waiting = pods(&[]);
    let ended = waiting.run(&["run", "rewards", "--period", DAY]).ended_with(75);
    assert_eq!(
        ended.error(),
        "no file input for 2025-03-19 yet: s3://bucket/upload/settled-250319*.csv or \
         s3://bucket/backup/settled-250319*.csv; try again when it is there, or set inputs.file.on_missing to break"
    );
    let going_on = pods(&[("file", "on_missing: break")]);
    going_on.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    assert!(breaks(&going_on, 1).contains("file_missing"), "{}", breaks(&going_on, 1));
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn offline_needs_no_input_at_all() {
    let pods = pods(&[]);
    pods.server.lay("upload/settled-250319.csv", file_rows());
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    std::fs::remove_file(pods.server.path("upload/settled-250319.csv")).unwrap();
    pods.fresh();
    pods.run(&["run", "rewards", "--period", DAY, "--offline"]).ended_with(0);
    assert_eq!(breaks(&pods, 1), breaks(&pods, 2));
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(75);
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn plan_and_doctor_know_inputs_in_a_bucket() {
    let pods = pods(&[]);
    pods.server.lay("upload/settled-250319.csv", file_rows());
    let plan = pods.run(&["plan", "rewards", "--period", DAY]).ended_with(0);
    assert!(plan.stdout.contains("amount mismatch"), "{}", plan.stdout);
    assert!(plan.stdout.contains("write  s3://bucket/kept/rewards/2025-03-19/1: summary.json"), "{}", plan.stdout);
    assert_eq!(pods.server.keys("kept"), Vec::<String>::new(), "a plan keeps nothing");

    let told = pods.run(&["doctor", "--format", "csv"]).stdout;
    for line in [
        "artifacts bucket,ok,\"s3://bucket/kept/ can be listed and written, each object once\",",
        "inputs in s3://bucket/upload/,ok,can be listed,",
        "inputs in s3://bucket/backup/,ok,can be listed; holds nothing yet,",
    ] {
        assert!(told.lines().any(|found| found == line), "{line} is not in\n{told}");
    }
    assert_eq!(pods.server.keys("kept"), Vec::<String>::new(), "the probe is gone");
}

/// What the shipped sample says, with the file and the ledger each in a bucket, and each in a folder.
#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn the_sample_days_from_a_bucket_give_the_same_bytes_as_from_a_folder() {
    let project = |inputs: [&str; 2]| {
        let project = TestProject::shipped("");
        let text = String::from_utf8(project.read("jobs/core-daily.yaml")).unwrap();
        std::fs::remove_dir_all(project.path("jobs")).unwrap();
        let text = text
            .replace("    provider: kard\n    file_type: earnedRewardSettledDailyReconciliationFile\n", inputs[0])
            .replace("    path: \"core-{period}.json\"\n", inputs[1])
            .replace("    due: 12h\n", "");
        project.write("jobs/core-daily.yaml", text);
        project
    };
    let days = ["2025-03-19", "2025-03-20", "2025-03-21"];
    let disk = project(["    path: \"kard-{period}.json\"\n", "    path: \"core-{period}.json\"\n"]);
    let in_bucket = |name: &str| format!("    s3: s3://bucket/in\n    pattern: \"{name}-{{period}}.json\"\n");
    let pods = Pods::of(project([&in_bucket("kard"), &in_bucket("core")]));
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for day in days {
        let short = day[2..].replace('-', "");
        let file = std::fs::read(samples.join(format!("kard/files/cardlinked-reconciliation-{short}.json"))).unwrap();
        disk.write(&format!("data/kard-{day}.json"), &file);
        pods.server.lay(&format!("in/kard-{day}.json"), &file);
        let core = std::fs::read(samples.join(format!("data/core-{day}.json"))).unwrap();
        pods.server.lay(&format!("in/core-{day}.json"), core);
    }
    // The first day again: now there are later ones that say something about its open items.
    let mut attempts = std::collections::BTreeMap::new();
    for day in [days[0], days[1], days[2], days[0]] {
        let attempt = attempts.entry(day).and_modify(|attempt| *attempt += 1).or_insert(1);
        let of_disk = disk.run(&["run", "core-daily", "--period", day]);
        pods.fresh();
        let of_bucket = pods.run(&["run", "core-daily", "--period", day]);
        assert_eq!(of_bucket.code, of_disk.code, "{}", of_bucket.stderr);
        for name in ["breaks.csv", "open-items.jsonl", "breaks.parquet"] {
            let run = format!("core-daily/{day}/{attempt}/{name}");
            assert!(pods.kept(&run) == disk.read(&format!("runs/{run}")), "{run} differs");
        }
    }
}
