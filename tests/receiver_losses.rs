//! Lost notifications told apart: never received, or received and rejected.

use crate::support::project::{DAY, TestProject, job, ledger_rows, rows};
use crate::support::receiver::{listen, notification, signature};
use crate::support::{Sample, project::settled};

/// The small job with the log of a receiver as its third side.
fn with_log(more: &str) -> String {
    let log = "  webhooks: {path: \"webhooks-{period}.jsonl\", preset: kard-notifications, verify: kard";
    job(&[]).replace("match:\n", &format!("{log}{more}}}\nmatch:\n"))
}

/// Key and detail of each `missing_webhook` of a run.
fn missing(project: &TestProject, attempt: u32) -> Vec<(String, String)> {
    let path = project.path(&format!("runs/rewards/{DAY}/{attempt}/breaks.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|column| column == name).unwrap();
    let (key, kind, detail) = (place("key"), place("kind"), place("detail"));
    let rows = reader.records().map(Result::unwrap);
    let mut found: Vec<_> = rows
        .filter(|row| &row[kind] == "missing_webhook")
        .map(|row| (row[key].to_owned(), row[detail].to_owned()))
        .collect();
    found.sort();
    found
}

/// Three purchases on which file and ledger agree; the receiver took the first's notification and rejected the second's,
/// twice.
fn project() -> TestProject {
    let both = rows(&[
        "t-1,10.00,USD,2025-03-19T01:00:00Z",
        "t-2,20.50,USD,2025-03-19T02:00:00Z",
        "t-3,5.25,USD,2025-03-19T03:00:00Z",
    ]);
    let samples: [Sample; 1] = [settled(&both)];
    let project = TestProject::new(&samples, "");
    assert_ne!(both, ledger_rows());
    project.write("data/ledger-2025-03-19.csv", &both);
    let mut listening = listen(&project, &["--folder", "received"]);
    assert_eq!(listening.post(&notification("n-1", "t-1")).0, 200);
    let body = notification("n-2", "t-2");
    for key in ["wrong", "wrong"] {
        assert_eq!(listening.post_signed(body.as_bytes(), Some(&signature(key, body.as_bytes()))).0, 401);
    }
    assert_eq!(listening.post_signed(b"no notification at all", None).0, 401);
    assert_eq!(listening.stop(), Some(0));
    // They were received today; here they are those of the day that is compared.
    for name in project.listing("received").into_iter().filter(|name| name.contains("-20")) {
        let kind = name.trim_start_matches("received/").split('-').next().unwrap().to_owned();
        let text = String::from_utf8(project.read(&name)).unwrap();
        let lines = text.lines().map(|line| {
            let (_, rest) = line.split_once(",\"signature\"").unwrap();
            format!("{{\"received_at\":\"2025-03-19T05:00:00.000Z\",\"signature\"{rest}\n")
        });
        project.write(&format!("data/{kind}-{DAY}.jsonl"), lines.collect::<String>());
    }
    project
}

#[test]
fn a_missing_notification_says_whether_it_was_rejected_or_never_received() {
    let project = project();
    project.write("jobs/rewards.yaml", with_log(""));
    project.run_day(&[]).ended_with(0);
    let plain = missing(&project, 1);
    assert_eq!(plain.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["t-2", "t-3"]);

    project.write("jobs/rewards.yaml", with_log(", rejected: \"rejected-{period}.jsonl\""));
    project.run_day(&[]).ended_with(0);
    let rejected = "; received at 2025-03-19T05:00:00.000Z and rejected: it has a wrong signature: the body is not what \
                    was signed with the webhook key (rejected-2025-03-19.jsonl line 1, and 1 more)";
    let told: Vec<_> = [(&plain[0], rejected), (&plain[1], "; never received")]
        .map(|((key, detail), told)| (key.clone(), format!("{detail}{told}")))
        .into();
    assert_eq!(missing(&project, 2), told);
    // What was rejected is no row: nothing is quarantined for it, and no number of the report changes.
    let (before, after) = (project.summary("rewards/2025-03-19/1"), project.summary("rewards/2025-03-19/2"));
    assert_eq!(before["statement"], after["statement"]);
    // The file is an input like the others: a rerun without it at hand says the same.
    std::fs::remove_file(project.path("data/rejected-2025-03-19.jsonl")).unwrap();
    project.run_day(&["--offline"]).ended_with(0);
    assert_eq!(missing(&project, 3), told);
    project.run_day(&[]).ended_with(0);
    assert!(missing(&project, 4).iter().all(|(_, detail)| detail.ends_with("; never received")));
}

#[test]
fn rejected_ones_are_no_rows_even_in_a_log_that_is_not_verified() {
    let project = project();
    let log = with_log("").replace("webhooks-{period}.jsonl", "*-{period}.jsonl").replace(", verify: kard", "");
    project.write("jobs/rewards.yaml", log);
    project.run_day(&[]).ended_with(0);
    assert_eq!(missing(&project, 1).len(), 2);
}

#[test]
fn rejected_ones_belong_to_a_log_that_is_a_path() {
    let project = TestProject::small();
    let log = with_log(", rejected: /rejected.jsonl").replace("preset: kard-notifications", "format: jsonl");
    project.write("jobs/rewards.yaml", log);
    let told = project.run(&["validate", "rewards"]).ended_with(78);
    for words in ["`rejected` is what the receiver of notifications rejected", "is not below the data folder"] {
        assert!(told.stdout.contains(words) || told.stderr.contains(words), "{words}: {}{}", told.stdout, told.stderr);
    }
}
