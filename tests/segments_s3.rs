//! Notifications copied to a bucket while they are received, and read there by jobs (see `.ci/s3`).

use std::collections::BTreeSet;
use std::time::Duration;

use tieout::sandbox::WEBHOOK_KEY;

use crate::support::pod::{Pods, run_at};
use crate::support::project::{DAY, TestProject, job};
use crate::support::receiver::{Listening, notification, signature, started};
use crate::support::s3::{ACCESS_KEY, SECRET_KEY, Server};

/// A line as a receiver writes it.
fn logged(id: &str, transaction: &str) -> String {
    let body = notification(id, transaction);
    let signature = signature(WEBHOOK_KEY, body.as_bytes());
    let line = serde_json::json!({"received_at": "2025-03-19T05:00:00.000Z", "signature": signature, "body": body});
    format!("{line}\n")
}

fn publishing(project: &TestProject, server: &Server) {
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let s3 = format!("s3: {{endpoint: \"http://{}\", region: us-east-1}}\n", server.address);
    let s3 = if text.contains("\ns3:") { String::new() } else { s3 };
    let receiver = "receiver: {folder: received, publish: \"s3://bucket/log\", publish_every: 50ms}\n";
    project.write("tieout.yaml", format!("{text}{s3}{receiver}"));
}

fn listening(project: &TestProject) -> Listening {
    let mut command = project.command(&["listen", "--bind", "127.0.0.1:0"]);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    started(command)
}

/// The pieces of a segment, one after the other, and the names of their receivers.
fn in_bucket(server: &Server, stem: &str) -> (Vec<u8>, BTreeSet<String>) {
    let mut pieces: Vec<String> = server.keys("log");
    pieces.retain(|key| key.starts_with(&format!("log/{stem}.")));
    let names = pieces.iter().map(|key| key.split('.').nth(1).unwrap().to_owned()).collect();
    let bytes = pieces.iter().flat_map(|key| std::fs::read(server.path(key)).unwrap()).collect();
    (bytes, names)
}

/// The segments of a receiver, below the project's folder.
fn segments(project: &TestProject) -> Vec<String> {
    project.listing("received").into_iter().filter(|name| name.contains("-20")).collect()
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn every_byte_of_the_log_is_in_the_bucket_once_also_when_the_receiver_is_killed() {
    let (project, server) = (TestProject::empty(), Server::start());
    publishing(&project, &server);
    project.write(&format!("received/webhooks-{DAY}.jsonl"), logged("n-0", "t-0"));
    for round in 0..4 {
        let mut listening = listening(&project);
        for number in 0..15 {
            let body = notification(&format!("n-{round}-{number}"), &format!("t-{number}"));
            assert_eq!(listening.post(&body).0, 200);
            std::thread::sleep(Duration::from_millis(10));
        }
        if round < 3 { listening.kill() } else { assert_eq!(listening.stop(), Some(0)) }
    }
    let mut receivers = BTreeSet::new();
    let mut lines = 0;
    for name in segments(&project) {
        let stem = name.trim_start_matches("received/").trim_end_matches(".jsonl");
        let (copied, names) = in_bucket(&server, stem);
        let local = project.read(&name);
        assert!(copied == local, "{stem}: {} bytes in the bucket, {} here", copied.len(), local.len());
        lines += String::from_utf8(local).unwrap().lines().count();
        receivers.extend(names);
    }
    assert_eq!((receivers.len(), lines), (1, 61), "one folder, one name");
    assert!(server.keys("log").len() > 5, "in pieces: {:?}", server.keys("log"));
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn two_receivers_copy_to_one_place_and_a_job_elsewhere_reads_both() {
    let webhooks = "  webhooks: {s3: \"s3://bucket/log/\", pattern: \"webhooks-{period}.*.jsonl\", preset: \
                    kard-notifications, verify: kard}\n";
    let pods = Pods::of(TestProject::small());
    for transaction in ["t-1", "t-2"] {
        let receiver = TestProject::empty();
        publishing(&receiver, &pods.server);
        receiver.write(&format!("received/webhooks-{DAY}.jsonl"), logged(&format!("n-{transaction}"), transaction));
        assert_eq!(listening(&receiver).stop(), Some(0));
    }
    let (_, names) = in_bucket(&pods.server, &format!("webhooks-{DAY}"));
    assert_eq!(names.len(), 2, "{names:?}");
    pods.project.write("jobs/rewards.yaml", job(&[]).replace("match:\n", &format!("{webhooks}match:\n")));
    let ended = run_at(&pods.project, &["run", "rewards", "--period", DAY], &[]).ended_with(0);
    let summary = String::from_utf8(pods.kept(&format!("rewards/{DAY}/1/summary.json"))).unwrap();
    for name in names {
        assert!(summary.contains(&format!("webhooks-{DAY}.{name}.000000000000.jsonl")), "{}", ended.stdout);
    }
    assert!(!summary.contains("file_missing"), "{summary}");
}

#[test]
#[ignore = "needs s3s-fs: .ci/s3"]
fn a_bucket_that_cannot_be_reached_keeps_no_notification_from_being_taken() {
    let (project, server) = (TestProject::empty(), Server::start());
    publishing(&project, &server);
    drop(server);
    let mut listening = listening(&project);
    for number in 0..5 {
        assert_eq!(listening.post(&notification(&format!("n-{number}"), "t-1")).0, 200);
    }
    listening.says("notifications are not copied to s3://bucket/log/ now");
    listening.kill();
    let server = Server::start();
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let port = text.split("endpoint: \"http://").nth(1).unwrap().split('"').next().unwrap().to_owned();
    project.write("tieout.yaml", text.replace(&port, &server.address.to_string()));
    assert_eq!(self::listening(&project).stop(), Some(0));
    let copied: usize = server.keys("log").iter().map(|key| std::fs::read(server.path(key)).unwrap().len()).sum();
    let local: usize = segments(&project).iter().map(|name| project.read(name).len()).sum();
    assert!(local > 500 && copied == local, "{copied} of {local}");
}
