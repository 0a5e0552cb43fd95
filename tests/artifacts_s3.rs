//! Artifacts in a bucket: pods keep nothing, and nothing is missed (see `.ci/s3`).

use crate::support::backfill_uploads::{self, assert_ingested};
use crate::support::pod::{Pods, run_at, settle};
use crate::support::project::{DAY, TestProject, rows};

fn small() -> Pods {
    Pods::of(TestProject::small())
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn a_new_pod_finds_what_earlier_ones_have_left() {
    let pods = small();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    let listed = pods.run(&["breaks", &format!("rewards/{DAY}/1"), "--format", "csv"]).ended_with(0).stdout;
    assert_eq!(listed.lines().count(), 4, "{listed}");

    pods.fresh();
    let again = pods.run(&["breaks", &format!("rewards/{DAY}/1"), "--format", "csv"]).ended_with(0).stdout;
    assert_eq!(again, listed);

    // Another ledger: the second attempt knows what the first one had.
    pods.project.write("data/ledger-2025-03-19.csv", rows(&["t-1,10.00,USD,2025-03-19T01:00:00Z"]));
    pods.fresh();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    let summary: serde_json::Value =
        serde_json::from_slice(&pods.kept(&format!("rewards/{DAY}/2/summary.json"))).unwrap();
    assert_eq!(summary["changes"]["against_attempt"], 1, "{}", summary["changes"]);

    pods.fresh();
    let [first, second] = [1, 2].map(|attempt| format!("rewards/{DAY}/{attempt}"));
    let diff = pods.run(&["diff", &first, &second, "--format", "csv"]).ended_with(0);
    assert!(diff.stdout.contains("gone"), "{}", diff.stdout);

    pods.fresh();
    pods.run(&["seal", "rewards", "--period", DAY, "--reason", "signed off", "--by", "mara"]).ended_with(0);
    pods.fresh();
    let seals = pods.run(&["seals", "--format", "csv"]).ended_with(0).stdout;
    assert!(seals.contains("whole"), "{seals}");
    pods.fresh();
    let story = pods.run(&["trace", "t-2", "--format", "json"]).ended_with(0);
    assert!(story.stdout.contains("amount_mismatch"), "{}", story.stdout);
    assert!(!story.stderr.contains("not looked into"), "{}", story.stderr);
    pods.fresh();
    pods.run(&["journal", "verify"]).ended_with(0);
    pods.fresh();
    pods.run(&["unseal", "rewards", "--period", DAY, "--reason", "again", "--by", "mara"]).ended_with(0);
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn what_a_provider_has_given_is_not_asked_for_again_by_a_new_pod() {
    let pods = small();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    let downloads = pods.project.downloads();
    pods.fresh();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    assert_eq!(pods.project.downloads(), downloads);
    pods.fresh();
    pods.run(&["run", "rewards", "--period", DAY, "--offline"]).ended_with(0);
    let breaks = |attempt: u32| pods.kept(&format!("rewards/{DAY}/{attempt}/breaks.csv"));
    assert_eq!((breaks(1), breaks(1)), (breaks(2), breaks(3)));
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn the_journal_names_no_folder_of_a_pod() {
    let pods = small();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    let shown = pods.run(&["runs", "show", &format!("rewards/{DAY}/1")]).ended_with(0).stdout;
    assert!(shown.contains(&format!("s3://bucket/kept/rewards/{DAY}/1")), "{shown}");
    let pod = pods.project.path(".tieout/artifacts");
    let pod = pod.to_str().unwrap().as_bytes();
    let mut looked = 0;
    for entry in std::fs::read_dir(pods.project.path(".tieout")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            looked += bytes.len();
            assert!(!bytes.windows(pod.len()).any(|part| part == pod), "{} names it", path.display());
        }
    }
    assert!(looked > 10_000, "the journal lies elsewhere");
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn a_run_that_is_killed_at_any_object_is_run_again_by_a_new_pod() {
    let mut killed = 0;
    for nth in 1..30 {
        let pods = small();
        let ended =
            pods.run_with(&["run", "rewards", "--period", DAY], &[("TIEOUT_KILL_BEFORE", &format!("keep:{nth}"))]);
        let is_killed = ended.code.is_none();
        killed += u32::from(is_killed);
        pods.fresh();
        let last = if is_killed {
            pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
            2
        } else {
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            1
        };
        let breaks = String::from_utf8(pods.kept(&format!("rewards/{DAY}/{last}/breaks.csv"))).unwrap();
        assert_eq!(breaks.lines().count(), 4, "killed at object {nth}: {breaks}");
        if !is_killed {
            break;
        }
    }
    // Two raw files and a report of several files.
    assert!((5..29).contains(&killed), "{killed}");
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn two_journals_at_one_prefix_are_told_and_nothing_is_replaced() {
    let pods = small();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    let kept = pods.kept(&format!("rewards/{DAY}/1/breaks.csv"));
    let other = TestProject::small();
    other.write("data/ledger-2025-03-19.csv", rows(&["t-1,11.00,USD,2025-03-19T01:00:00Z"]));
    settle(&other, &pods.server);
    let ended = run_at(&other, &["run", "rewards", "--period", DAY], &[]).ended_with(78);
    assert!(
        ended
            .error()
            .contains(&format!("s3://bucket/kept/rewards/{DAY}/1/breaks.csv is there already with other bytes")),
        "{}",
        ended.error()
    );
    assert!(ended.error().ends_with("give each journal a prefix of its own at `artifacts` in tieout.yaml"));
    assert_eq!(pods.kept(&format!("rewards/{DAY}/1/breaks.csv")), kept);
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn an_artifact_that_was_damaged_in_the_bucket_is_not_believed() {
    let pods = small();
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    let key = format!("kept/rewards/{DAY}/1/breaks.parquet");
    let mut bytes = std::fs::read(pods.server.path(&key)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(pods.server.path(&key), bytes).unwrap();
    pods.fresh();
    let ended = pods.run(&["breaks", &format!("rewards/{DAY}/1")]).ended_with(65);
    assert!(ended.error().contains("the object is damaged or was replaced"), "{}", ended.error());
}

/// Whatever a sending job had planned when its pod died: a new one finds the very bytes in the bucket.
#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn what_is_to_be_sent_is_in_the_bucket_before_anybody_hears_of_it() {
    let labels = ["2025-01-01".to_owned()];
    for (variable, point) in [
        ("TIEOUT_KILL_AFTER", "seal"),
        ("TIEOUT_KILL_BEFORE", "keep:2"),
        ("TIEOUT_KILL_BEFORE", "keep:4"),
        ("TIEOUT_KILL_BEFORE", "plan"),
        ("TIEOUT_KILL_AFTER", "plan"),
        ("TIEOUT_KILL_BEFORE", "send"),
        ("TIEOUT_KILL_AFTER", "send"),
    ] {
        let pods = Pods::of(backfill_uploads::days(&labels, "", ""));
        let ended = pods.run_with(&["run", "core", "--period", &labels[0]], &[(variable, point)]);
        assert_eq!(ended.code, None, "{variable}={point}: {}", ended.stderr);
        let sealed = |keys: Vec<String>| keys.into_iter().filter(|key| key.ends_with("/manifest.json")).count();
        let is_planned = matches!(point, "plan" | "send");
        let kept = sealed(pods.server.keys("kept/core"));
        assert_eq!(kept, usize::from(is_planned), "{variable}={point}: {:?}", pods.server.keys("kept/core"));

        pods.fresh();
        let ended = pods.run(&["run", "core", "--period", &labels[0]]);
        assert!(matches!(ended.code, Some(0)), "{variable}={point}: {}", ended.stderr);
        assert_eq!(sealed(pods.server.keys("kept/core")), 1, "{variable}={point}");
        let secret = pods.server.keys("kept").into_iter().find(|key| key.contains(".url"));
        assert_eq!(secret, None, "a URL is a secret of a pod");
        // Looked for where a project on disk has them.
        std::fs::rename(pods.project.path(".tieout/artifacts"), pods.project.path("runs")).unwrap();
        assert_ingested(&pods.project, &labels);
    }
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn a_store_that_is_busy_for_a_while_only_costs_time() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pods = small();
    let front = runtime.block_on(crate::support::s3::Front::start(Some(pods.server.address), |asked| {
        if asked.number % 3 == 1 {
            crate::support::s3::Act::Refuse(503, "SlowDown")
        } else {
            crate::support::s3::Act::Pass
        }
    }));
    let text = String::from_utf8(pods.project.read("tieout.yaml")).unwrap();
    pods.project.write("tieout.yaml", text.replace(&pods.server.address.to_string(), &front.address.to_string()));
    pods.run(&["run", "rewards", "--period", DAY]).ended_with(0);
    pods.fresh();
    let listed = pods.run(&["breaks", &format!("rewards/{DAY}/1"), "--format", "csv"]).ended_with(0).stdout;
    assert_eq!(listed.lines().count(), 4, "{listed}");
}
