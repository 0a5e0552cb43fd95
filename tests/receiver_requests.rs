//! `tieout listen`, request by request: what is taken, what is refused, and who is cut off.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use tieout::sandbox::WEBHOOK_KEY;

use crate::support::project::TestProject;
use crate::support::receiver::{head, ids, lines, listen, notification, post, reply, signature};

/// An empty project with a block `receiver:` of these lines.
fn project(receiver: &str) -> TestProject {
    let project = TestProject::empty();
    if !receiver.is_empty() {
        let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
        project.write("tieout.yaml", format!("{text}receiver: {receiver}\n"));
    }
    project
}

#[test]
fn what_is_signed_stands_in_the_log_as_it_came() {
    let project = project("");
    let mut listening = listen(&project, &[]);
    // Blanks, escapes and line ends are part of what was signed.
    let body = notification("n-1", "t-1").replace(":{", ": {\r\n\t");
    let before = chrono::Utc::now();
    assert_eq!(listening.post(&body), (200, "taken".to_owned()));
    let [line] = lines(&project, "webhooks").try_into().unwrap();
    assert_eq!(line["body"], body);
    assert_eq!(line["signature"], signature(WEBHOOK_KEY, body.as_bytes()));
    let received: chrono::DateTime<chrono::Utc> = line["received_at"].as_str().unwrap().parse().unwrap();
    assert!((received - before).num_seconds().abs() < 60, "{received} {before}");
    let name = format!("data/webhooks-{}.jsonl", received.date_naive());
    assert_eq!(project.listing("data"), ["data/.webhooks.lock", name.as_str()]);
    assert_eq!(listening.stop(), Some(0));
    let told = listening.rest_of_log().join("\n");
    assert!(told.contains("stopping on SIGTERM") && told.contains("everything that was answered is on the disk"));
    assert!(!told.contains(WEBHOOK_KEY) && !told.contains("n-1"), "{told}");
}

#[test]
fn files_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let project = project("{folder: new/log}");
    let listening = listen(&project, &[]);
    assert_eq!(listening.post(&notification("n-1", "t-1")).0, 200);
    assert_eq!(listening.post_signed(b"{}", None).0, 401);
    let names = project.listing("new/log");
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        assert_eq!(std::fs::metadata(project.path(&name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let folder = std::fs::metadata(project.path("new/log")).unwrap().permissions().mode();
    assert_eq!(folder & 0o777, 0o700);
}

#[test]
fn what_is_not_signed_is_refused_and_kept_with_the_reason() {
    let project = project("");
    let listening = listen(&project, &[]);
    let body = notification("n-1", "t-1");
    let wrong_base64 = "has a signature that is not base64; expected base64 of an HMAC-SHA256";
    let wrong = "has a wrong signature: the body is not what was signed with the webhook key";
    let missing = "has no signature; expected the header notify-signature";
    let cases = [
        (None, missing),
        (Some("  ".to_owned()), missing),
        (Some("never".to_owned()), wrong_base64),
        (Some("bmV2ZXI=".to_owned()), wrong),
        (Some(String::new()), missing),
        (Some(signature("another key", body.as_bytes())), wrong),
        (Some(signature(WEBHOOK_KEY, format!("{body} ").as_bytes())), wrong),
    ];
    for (signature, reason) in &cases {
        let reply = listening.post_signed(body.as_bytes(), signature.as_deref());
        assert_eq!(reply, (401, format!("the notification {reason}")));
    }
    let kept = lines(&project, "rejected");
    let reasons: Vec<&str> = kept.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, cases.each_ref().map(|(_, reason)| *reason));
    assert!(kept.iter().all(|line| line["body"] == body && line["received_at"].is_string()));
    assert!(lines(&project, "webhooks").is_empty());
}

#[test]
fn while_a_key_is_rotated_both_are_good() {
    let project = project("");
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    let (before, after) = text.split_once("    http:").unwrap();
    project.write("tieout.yaml", format!("{before}    webhook_key_previous: {{env: OLD_KEY}}\n    http:{after}"));
    let mut command = project.command(&["listen", "--bind", "127.0.0.1:0"]);
    command.env("OLD_KEY", "yesterday");
    let listening = crate::support::receiver::started(command);
    for (key, id, status) in [(WEBHOOK_KEY, "n-1", 200), ("yesterday", "n-2", 200), ("tomorrow", "n-3", 401)] {
        let body = notification(id, "t-1");
        let told = listening.post_signed(body.as_bytes(), Some(&signature(key, body.as_bytes())));
        assert_eq!(told.0, status, "{key}: {told:?}");
    }
    assert_eq!(ids(&project).len(), 2);
}

#[test]
fn what_is_signed_and_no_notification_is_refused_and_kept() {
    let project = project("");
    let listening = listen(&project, &[]);
    let deep = format!("{}1{}", "{\"data\":".repeat(200), "}".repeat(200));
    let cases: [(&[u8], &str); 12] = [
        (b"", "is not a readable JSON object: expected `{`"),
        (b"[1]", "is not a readable JSON object: expected `{`"),
        (b"{\"data\":{\"id\":\"n-1\"}", "is not a readable JSON object: EOF while parsing"),
        (b"{\"data\":{\"id\":\"n-1\"}} x", "is not a readable JSON object: trailing characters"),
        (b"{\"data\":{\"name\":\"x\"}}", "has no `data.id`"),
        (b"{\"data\":{\"id\":7}}", "has a `data.id` that is no text, or empty"),
        (b"{\"data\":{\"id\":\" \"}}", "has a `data.id` that is no text, or empty"),
        (b"{\"data\":{\"id\":\"n-\xff\"}}", "is not UTF-8 at byte 17"),
        (br#"{"data":{"id":"n-1","id":"n-2"}}"#, "is not a readable JSON object: duplicate field `id`"),
        (br#"{"data":{"id":"n-1"},"data":{"id":"n-1"}}"#, "is not a readable JSON object: duplicate field `data`"),
        (br#"{"data":{"id":"n-\u0000"}}"#, "has a `data.id` that is no text, or empty"),
        (deep.as_bytes(), "is not a readable JSON object: recursion limit exceeded"),
    ];
    for (body, reason) in &cases {
        let (status, told) = listening.post_signed(body, Some(&signature(WEBHOOK_KEY, body)));
        assert_eq!(status, 400, "{told}");
        assert!(told.starts_with(&format!("the notification {reason}")), "{told}");
    }
    let kept = lines(&project, "rejected");
    assert_eq!(kept.len(), cases.len());
    assert_eq!(kept[1]["body"], "[1]");
    assert_eq!(
        (&kept[7]["body"], kept[7]["body_base64"].as_str()),
        (&Value::Null, Some("eyJkYXRhIjp7ImlkIjoibi3/In19"))
    );
    assert!(lines(&project, "webhooks").is_empty());
}

#[test]
fn a_repeat_is_answered_and_written_once_even_after_a_restart() {
    let project = project("");
    let mut listening = listen(&project, &[]);
    let body = notification("n-1", "t-1");
    for _ in 0..3 {
        assert_eq!(listening.post(&body).0, 200);
    }
    assert_eq!(listening.stop(), Some(0));
    let listening = listen(&project, &[]);
    assert_eq!(listening.post(&body).0, 200);
    assert_eq!(listening.post(&notification("n-2", "t-1")).0, 200);
    assert_eq!(ids(&project).into_iter().collect::<Vec<_>>(), [("n-1".to_owned(), 1), ("n-2".to_owned(), 1)]);
    // The provider calls it the same: it counts once, and what differs is not lost.
    assert_eq!(listening.post(&notification("n-1", "t-9")).0, 200);
    assert_eq!(ids(&project)["n-1"], 1);
    let [other] = lines(&project, "rejected").try_into().unwrap();
    assert_eq!(other["reason"], "repeats the id of an earlier notification with another body");
    assert_eq!(other["body"], notification("n-1", "t-9"));
}

#[test]
fn a_body_that_is_too_long_is_refused_whether_it_says_so_or_not() {
    let project = project("{limits: {body: 16KiB}}");
    let listening = listen(&project, &[]);
    let long = vec![b'x'; (16 << 10) + 1];
    let (status, told) = listening.post_signed(&long, Some("x"));
    assert_eq!(
        (status, told.as_str()),
        (413, "the notification is longer than 16384 bytes (`limits.body` of `receiver`)")
    );
    let mut stream = listening.connect();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n").unwrap();
    stream.write_all(&long).unwrap();
    stream.write_all(b"\r\n0\r\n\r\n").unwrap();
    assert_eq!(reply(&mut stream).unwrap().0, 413);
    let kept = lines(&project, "rejected");
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|line| line.get("body").is_none() && line["reason"].as_str().unwrap().contains("longer")));
    // One byte less is read, and refused for what it is.
    assert_eq!(listening.post_signed(&long[1..], None).0, 401);
}

#[test]
fn rejected_ones_are_kept_up_to_their_size_a_day() {
    let project = project("{limits: {rejected: 1kB}}");
    let listening = listen(&project, &[]);
    for _ in 0..20 {
        assert_eq!(listening.post_signed(&[b'x'; 100], None).0, 401);
    }
    let kept = lines(&project, "rejected").len();
    assert!((2..10).contains(&kept), "{kept}");
    assert_eq!(listening.post(&notification("n-1", "t-1")).0, 200);
    assert_eq!(listening.get("/readyz").0, 200);
}

#[test]
fn other_paths_and_methods_are_refused() {
    let project = project("{path: /hooks/kard}");
    let listening = listen(&project, &[]);
    assert_eq!(listening.post(&notification("n-1", "t-1")).0, 404);
    assert_eq!(listening.get("/hooks/kard"), (405, "this path has no such method".to_owned()));
    assert_eq!(listening.get("/healthz"), (200, "up".to_owned()));
    assert_eq!(listening.get("/readyz"), (200, "ready".to_owned()));
    assert_eq!(listening.get("/hooks/kard/").0, 404);
    let body = notification("n-1", "t-1");
    let mut stream = listening.connect();
    let head =
        head(body.len(), Some(&signature(WEBHOOK_KEY, body.as_bytes()))).replace("POST / ", "POST /hooks/kard?x=1 ");
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
    assert_eq!(reply(&mut stream).unwrap().0, 200);
}

/// How long until the other end closes, and what it said before.
fn until_closed(stream: &mut TcpStream) -> (Duration, String) {
    let begun = Instant::now();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    (begun.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn whoever_sends_slowly_is_cut_off_and_the_others_are_served() {
    let project = project("{limits: {connections: 4, head_timeout: 400ms, body_timeout: 700ms, idle_timeout: 900ms}}");
    let listening = listen(&project, &[]);
    // Nothing at all; a head that never ends, byte by byte; a body that never ends; a connection that stays.
    let mut silent = listening.connect();
    let mut dripping = listening.connect();
    let drips = dripping.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut drips = drips;
        for byte in b"POST / HTTP/1.1\r\nx-endless: ".iter().chain(std::iter::repeat(&b'x')) {
            if drips.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut halved = listening.connect();
    halved.write_all(&[head(100, Some("x")).as_bytes(), b"half"].concat()).unwrap();
    let mut idle = listening.connect();
    let body = notification("n-1", "t-1");
    assert_eq!(post(&mut idle, body.as_bytes(), Some(&signature(WEBHOOK_KEY, body.as_bytes()))).unwrap().0, 200);
    // All four places are taken: this one waits for the first that is freed.
    assert_eq!(listening.post(&notification("n-2", "t-1")).0, 200);

    let (waited, said) = until_closed(&mut silent);
    assert!(waited < Duration::from_secs(10) && said.is_empty(), "{waited:?} {said}");
    let (waited, said) = until_closed(&mut dripping);
    assert!(waited < Duration::from_secs(10) && said.is_empty(), "{waited:?} {said}");
    let (waited, said) = until_closed(&mut halved);
    assert!(waited < Duration::from_secs(10) && said.starts_with("HTTP/1.1 408 "), "{waited:?} {said}");
    let (waited, said) = until_closed(&mut idle);
    assert!(waited < Duration::from_secs(10) && said.is_empty(), "{waited:?} {said}");
    assert_eq!(ids(&project).len(), 2);
    assert!(lines(&project, "rejected").is_empty(), "nobody knows what it would have been");
}

#[test]
fn connections_beyond_the_bound_wait_until_one_ends() {
    let project = project("{limits: {connections: 2}}");
    let listening = listen(&project, &[]);
    let body = notification("n-1", "t-1");
    let signed = signature(WEBHOOK_KEY, body.as_bytes());
    let mut held: Vec<TcpStream> = (0..2).map(|_| listening.connect()).collect();
    for stream in &mut held {
        assert_eq!(post(stream, body.as_bytes(), Some(&signed)).unwrap().0, 200);
    }
    let mut third = listening.connect();
    third.write_all(&[head(body.len(), Some(&signed)).as_bytes(), body.as_bytes()].concat()).unwrap();
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let waiting = reply(&mut third).unwrap_err().kind();
    assert!(matches!(waiting, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{waiting:?}");
    drop(held.pop());
    third.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(reply(&mut third).unwrap().0, 200);
    // One connection takes many requests, one after the other.
    for number in 0..50 {
        let body = notification(&format!("m-{number}"), "t-1");
        assert_eq!(post(&mut third, body.as_bytes(), Some(&signature(WEBHOOK_KEY, body.as_bytes()))).unwrap().0, 200);
    }
    assert_eq!(ids(&project).len(), 51);
}
