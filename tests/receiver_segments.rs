//! What `tieout listen` leaves on the disk, and what it makes of what it finds there.

use std::io::Write;
use std::time::Duration;

use chrono::{Days, Utc};
use proptest::prelude::{ProptestConfig, any, prop_oneof};
use proptest::proptest;
use proptest::strategy::{Just, Strategy};
use tieout::sandbox::WEBHOOK_KEY;

use crate::support::project::TestProject;
use crate::support::receiver::{head, ids, lines, listen, notification, post, reply, signature, started};

/// A line as a receiver writes it.
fn logged(body: &str) -> String {
    let signature = signature(WEBHOOK_KEY, body.as_bytes());
    serde_json::json!({"received_at": "2025-03-19T00:00:00.000Z", "signature": signature, "body": body}).to_string()
}

fn days_ago(days: u64) -> String {
    let day = Utc::now().date_naive().checked_sub_days(Days::new(days)).unwrap();
    format!("data/webhooks-{day}.jsonl")
}

#[test]
fn a_torn_last_line_is_removed_and_a_whole_one_is_ended() {
    let whole = logged(&notification("n-1", "t-1"));
    let torn = logged(&notification("n-2", "t-2"));
    for (tail, left, told) in [
        (&torn[..torn.len() - 1], vec!["n-1"], true),
        (&torn[..1], vec!["n-1"], true),
        ("\0\0\0", vec!["n-1"], true),
        (&torn[..], vec!["n-1", "n-2"], false),
        ("", vec!["n-1"], false),
    ] {
        // Yesterday's: nothing is written there any more, and still it must not stay broken.
        for days in [0, 1] {
            let project = TestProject::empty();
            project.write(&days_ago(days), format!("{whole}\n{tail}"));
            let mut listening = listen(&project, &[]);
            assert_eq!(ids(&project).into_keys().collect::<Vec<_>>(), left, "{tail:?}");
            assert_eq!(listening.post(&notification("n-3", "t-3")).0, 200);
            assert_eq!(ids(&project).len(), left.len() + 1);
            assert_eq!(listening.stop(), Some(0));
            assert_eq!(listening.known(), left.len());
            let removed = listening.early().iter().any(|line| line.contains("removed the beginning of a line"));
            assert_eq!(removed, told, "{tail:?}: {:?}", listening.early());
        }
    }
}

#[test]
fn ids_are_known_for_the_days_that_are_asked_for() {
    let project = TestProject::empty();
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", format!("{text}receiver: {{limits: {{repeat_days: 3}}}}\n"));
    for days in 1..=4 {
        project.write(&days_ago(days), format!("{}\n", logged(&notification(&format!("n-{days}"), "t-1"))));
    }
    // Neither line is a notification; both stay, and nothing stumbles over them.
    project.write(&days_ago(1), format!("{}\n\nnot JSON\n{{}}\n", logged(&notification("n-1", "t-1"))));
    let listening = listen(&project, &[]);
    assert_eq!(listening.known(), 2);
    for days in 1..=4 {
        assert_eq!(listening.post(&notification(&format!("n-{days}"), "t-1")).0, 200);
    }
    let today = String::from_utf8(project.read(&days_ago(0))).unwrap();
    assert_eq!(today.lines().count(), 2, "{today}");
    assert!(today.contains("n-3") && today.contains("n-4"), "{today}");
    assert!(String::from_utf8(project.read(&days_ago(1))).unwrap().ends_with("\n\nnot JSON\n{}\n"));
}

#[test]
fn a_segment_that_was_moved_away_is_begun_anew() {
    let project = TestProject::empty();
    let listening = listen(&project, &[]);
    assert_eq!(listening.post(&notification("n-1", "t-1")).0, 200);
    std::fs::rename(project.path(&days_ago(0)), project.path("data/kept")).unwrap();
    assert_eq!(listening.post(&notification("n-2", "t-2")).0, 200);
    assert_eq!(listening.post(&notification("n-1", "t-1")).0, 200, "what was taken stays taken");
    assert_eq!(ids(&project).into_keys().collect::<Vec<_>>(), ["n-2"]);
    assert!(String::from_utf8(project.read("data/kept")).unwrap().contains("n-1"));
}

#[test]
fn two_receivers_do_not_write_one_folder() {
    let project = TestProject::empty();
    let mut first = listen(&project, &[]);
    let second = project.run(&["listen", "--bind", "127.0.0.1:0"]).ended_with(75);
    assert_eq!(
        second.error(),
        "another receiver writes the folder FOLDER/data; two would write each notification twice"
    );
    let elsewhere = listen(&project, &["--folder", "elsewhere"]);
    assert_eq!(elsewhere.post(&notification("n-1", "t-1")).0, 200);
    assert_eq!(project.listing("elsewhere").len(), 2);
    first.kill();
    listen(&project, &[]);
}

#[test]
fn a_stop_finishes_what_is_under_way() {
    let project = TestProject::empty();
    let mut listening = listen(&project, &[]);
    // One that has been served and stays, one that says nothing, and one in the middle of its body.
    let mut idle = listening.connect();
    let body = notification("n-1", "t-1");
    let signed = signature(WEBHOOK_KEY, body.as_bytes());
    assert_eq!(post(&mut idle, body.as_bytes(), Some(&signed)).unwrap().0, 200);
    let mut under_way = listening.connect();
    let body = notification("n-2", "t-2");
    let signed = signature(WEBHOOK_KEY, body.as_bytes());
    under_way.write_all(&[head(body.len(), Some(&signed)).as_bytes(), &body.as_bytes()[..10]].concat()).unwrap();
    // Its request has been begun when another one after it is answered.
    std::thread::sleep(Duration::from_millis(200));
    listening.signal("-TERM");
    listening.says("stopping on SIGTERM");
    under_way.write_all(&body.as_bytes()[10..]).unwrap();
    assert_eq!(reply(&mut under_way).unwrap().0, 200);
    assert_eq!(listening.child.wait().unwrap().code(), Some(0));
    assert_eq!(ids(&project).len(), 2);
    assert!(std::net::TcpStream::connect(&listening.address).is_err(), "nobody listens any more");
}

#[test]
fn a_disk_that_is_full_is_told_as_unavailable_until_there_is_room() {
    let project = TestProject::empty();
    // No file grows beyond 8 KiB; what is written beyond it is refused as on a full disk.
    let shell = ["sh", "-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_tieout")];
    let listening = started(project.wrapped(&shell, &["listen", "--bind", "127.0.0.1:0"]));
    let large = |id: &str| notification(id, &"t".repeat(2_500));
    for id in ["n-1", "n-2"] {
        assert_eq!(listening.post(&large(id)).0, 200);
    }
    assert_eq!(listening.get("/readyz").0, 200);
    for _ in 0..2 {
        assert_eq!(listening.post(&large("n-3")), (503, "cannot be kept now; send it again".to_owned()));
        assert_eq!(ids(&project).into_keys().collect::<Vec<_>>(), ["n-1", "n-2"], "nothing of it is left");
        assert_eq!(listening.get("/readyz"), (503, "the log cannot be written".to_owned()));
    }
    assert_eq!(listening.get("/healthz").0, 200);
    // Somebody makes room.
    std::fs::rename(project.path(&days_ago(0)), project.path("data/kept")).unwrap();
    assert_eq!(listening.get("/readyz").0, 200);
    assert_eq!(listening.post(&large("n-3")).0, 200);
    assert_eq!(ids(&project).into_keys().collect::<Vec<_>>(), ["n-3"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_told() {
    let project = TestProject::empty();
    project.write("data/file", "x");
    let ended = project.run(&["listen", "--bind", "127.0.0.1:0", "--folder", "data/file"]).ended_with(1);
    let told = "cannot use FOLDER/data/file; the folder must be on a writable disk and belong to this user";
    assert!(ended.error().starts_with(told), "{}", ended.error());
}

/// Bodies that look like notifications, in part, and bytes that look like nothing.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let id = prop_oneof!["[a-z]{0,3}", "\\PC{0,4}", any::<String>()];
    let value = prop_oneof![
        Just("1e999".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("-0".to_owned()),
        Just("{\"id\":1,\"id\":2}".to_owned()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let shaped = (id, "[a-z]{1,4}", value, "[ \t\r\n]{0,3}").prop_map(|(id, key, value, blank)| {
        let id = serde_json::to_string(&id).unwrap();
        format!("{{{blank}\"data\":{{\"id\":{id},{blank}\"type\":\"clawback\",\"{key}\":{value}}}}}{blank}")
            .into_bytes()
    });
    prop_oneof![3 => shaped, 1 => proptest::collection::vec(any::<u8>(), 0..200)]
}

#[test]
fn no_body_breaks_the_receiver_or_the_log() {
    let project = TestProject::empty();
    let listening = listen(&project, &[]);
    let stream = std::cell::RefCell::new(listening.connect());
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) }, |(body in bodies())| {
        let signed = signature(WEBHOOK_KEY, &body);
        let (status, told) = post(&mut stream.borrow_mut(), &body, Some(&signed)).unwrap();
        assert!(matches!(status, 200 | 400), "{status} {told}");
    });
    let taken = lines(&project, "webhooks");
    assert!(taken.len() > 50, "{}", taken.len());
    // What it wrote, a job reads to the last line; and it knows every one of them after a restart.
    let files = project.listing("data").into_iter().filter(|name| name.starts_with("data/webhooks-"));
    let bytes: Vec<u8> = files.flat_map(|name| project.read(&name)).collect();
    let frame = crate::reading_webhooks::read_log(&bytes, WEBHOOK_KEY);
    let refused: Vec<&str> = frame.quarantine.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!(frame.rows_read, [taken.len() as u64]);
    assert!(!refused.iter().any(|reason| reason.contains("JSON") || reason.contains("signature")), "{refused:?}");
    drop(listening);
    assert_eq!(listen(&project, &[]).known(), ids(&project).len());
    assert!(ids(&project).values().all(|count| *count == 1));
}
