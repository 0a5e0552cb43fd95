//! The provider's faults through the program: the exit code, the words that a person sees, and no secret anywhere.

use base64::Engine as _;
use tieout::sandbox::{CLIENT_ID, CLIENT_SECRET, SIGNATURE, TOKEN_PREFIX, WEBHOOK_KEY};

use crate::support::project::{Output, SMALL_BREAKS, TestProject, file_rows, settled};

const LIST: &str = "provider kard: listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after";
const TOKEN: &str = "provider kard: asking Kard for a token: POST HOST/v2/auth/token failed after";
const DOWNLOAD: &str = "provider kard: downloading a file of Kard: GET HOST/presigned/f-1 failed after";
const NOT_OURS: &str = "The fault plan wants this.";

/// A fault, the exit code of a run that always meets it, and the whole message.
struct Case {
    on: &'static str,
    fault: &'static str,
    code: i32,
    message: String,
}

fn case(on: &'static str, fault: &'static str, code: i32, message: String) -> Case {
    Case { on, fault, code, message }
}

fn token_faults() -> Vec<Case> {
    vec![
        case("token", "{status: 401}", 77, format!("{TOKEN} 1 attempt: status 401: Unauthorized: {NOT_OURS}")),
        case("token", "{status: 404}", 77, format!("{TOKEN} 1 attempt: status 404: Not Found: {NOT_OURS}")),
        case(
            "token",
            "{status: 500}",
            69,
            format!("{TOKEN} 3 attempts: status 500: Internal Server Error: {NOT_OURS}"),
        ),
        case("token", "html_page", 69, format!("{TOKEN} 3 attempts: {WEB_PAGE}")),
        case("token", "{slow: 30s}", 69, format!("{TOKEN} 3 attempts: no answer in time")),
        case("token", "malformed_json", 65, format!("{TOKEN} 3 attempts: the reply is not the published JSON: ")),
        case("token", "reset_before", 69, format!("{TOKEN} 3 attempts: {BROKE}")),
    ]
}

const WEB_PAGE: &str = "status 200 with a web page instead of data; a proxy or a maintenance page may answer";
const BROKE: &str = "the connection broke before the reply was complete";

fn list_faults() -> Vec<Case> {
    vec![
        case("files", "{status: 500}", 69, format!("{LIST} 3 attempts: status 500: Internal Server Error: {NOT_OURS}")),
        case("files", "malformed_json", 65, format!("{LIST} 3 attempts: the reply is not the published JSON: ")),
        case("files", "html_page", 69, format!("{LIST} 3 attempts: {WEB_PAGE}")),
        case(
            "files",
            "repeat_cursor",
            65,
            "provider kard: listing Kard's files: page 3 has the cursor of an earlier page; the list would never end"
                .to_owned(),
        ),
        case(
            "files",
            "revoke_token",
            77,
            format!(
                "{LIST} 1 attempt: status 401: Unauthorized: The token is unknown, expired or revoked. (header Authorization)"
            ),
        ),
        case("files", "{status: 403}", 77, format!("{LIST} 1 attempt: status 403: Forbidden: {NOT_OURS}")),
        case("files", "{truncate: 20}", 69, format!("{LIST} 3 attempts: {BROKE}")),
    ]
}

fn download_faults() -> Vec<Case> {
    vec![
        case("download", "reset_before", 69, format!("{DOWNLOAD} 3 attempts: {BROKE}")),
        case("download", "reset_after", 69, format!("{DOWNLOAD} 3 attempts: {BROKE}")),
        case("download", "{truncate: 20}", 69, format!("{DOWNLOAD} 3 attempts: {BROKE}")),
        case("download", "html_page", 69, format!("{DOWNLOAD} 3 attempts: {WEB_PAGE}")),
        case("download", "expired_url", 69, format!("{DOWNLOAD} 1 attempt: status 403: ")),
        case("files", "expired_url", 69, format!("{DOWNLOAD} 1 attempt: status 403: ")),
        case("download", "{slow: 30s}", 69, format!("{DOWNLOAD} 3 attempts: no answer in time")),
        case("download", "{status: 503}", 69, format!("{DOWNLOAD} 3 attempts: status 503: ")),
    ]
}

/// A message is whole when it stands as it is, or begins so where the rest is the words of a library or of S3.
fn tells(told: &str, message: &str) -> bool {
    told == message
        || told.starts_with(&format!("{message}: "))
        || (message.ends_with(": ") && told.starts_with(message))
}

fn every_time(cases: Vec<Case>) {
    for Case { on, fault, code, message } in cases {
        let rule = format!("  - {{on: {on}, nth: every, do: {fault}}}\n");
        let project = TestProject::new(&[settled(&file_rows())], &rule);
        let ended = project.run_day(&["-q"]).ended_with(code);
        assert!(tells(ended.error(), &message), "{on} {fault}:\n{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{on} {fault}: told once\n{}", ended.stderr);
        assert_eq!(ended.stdout, "", "{on} {fault}");
        // Nothing of it is left, but that it was tried.
        assert_eq!(project.listing("runs/rewards/2025-03-19/1"), Vec::<String>::new(), "{on} {fault}");
        let stored = project.listing("runs/rewards/2025-03-19/raw");
        assert!(stored.len() == 1 && stored[0].contains("/sha256-"), "{on} {fault}: the ledger alone: {stored:?}");
        assert_eq!(project.statuses()["rewards/2025-03-19/1"], "failed", "{on} {fault}");
        let shown = project.run(&["runs", "--format", "json"]).ended_with(0).stdout;
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown[0]["exit_code"], code, "{on} {fault}");
        assert_eq!(shown[0]["message"].as_str(), Some(ended.error()), "{on} {fault}: the journal keeps the words");
    }
}

#[test]
fn a_fault_of_the_token_endpoint_that_stays_ends_the_run() {
    every_time(token_faults());
}

#[test]
fn a_fault_of_the_file_list_that_stays_ends_the_run() {
    every_time(list_faults());
}

#[test]
fn a_fault_of_the_downloads_that_stays_ends_the_run() {
    every_time(download_faults());
}

#[test]
fn a_fault_that_passes_is_overcome_and_said_on_stderr() {
    let cases = [
        ("token", "{status: 500}", "trying again"),
        ("token", "reset_after", "trying again"),
        ("files", "{status: 503, retry_after: 0}", "trying again"),
        ("files", "{status: 401}", "Kard refused the token; asking for a new one"),
        ("files", "revoke_token", "Kard refused the token; asking for a new one"),
        ("files", "expired_url", "the download URL has expired; asking for a fresh one"),
        ("download", "expired_url", "the download URL has expired; asking for a fresh one"),
        ("download", "{truncate: 20}", "trying again"),
        ("download", "reset_after", "trying again"),
        ("download", "html_page", "trying again"),
    ];
    for (on, fault, told) in cases {
        let rule = format!("  - {{on: {on}, nth: 1, do: {fault}}}\n");
        let project = TestProject::new(&[settled(&file_rows())], &rule);
        let ended = project.run_day(&[]).ended_with(0);
        assert!(ended.stderr.contains(told), "{on} {fault}: {}", ended.stderr);
        let breaks = SMALL_BREAKS.map(|row| row.map(str::to_owned));
        assert_eq!(project.breaks("rewards/2025-03-19/1"), breaks, "{on} {fault}");
        assert_eq!(project.listing("runs/rewards/2025-03-19/raw").len(), 2, "{on} {fault}: no leftovers");
    }
}

#[test]
fn a_download_of_other_bytes_than_a_file_is_refused_where_it_is_read() {
    for (fault, told) in [
        ("wrong_bytes", "settled-2025-03-19.csv: no column `id` for `transaction_id`; the file has "),
        ("malformed_json", "file: 1 row cannot be read, 0 are tolerated:\n  settled-2025-03-19.csv: line 3: "),
    ] {
        let rule = format!("  - {{on: download, nth: every, do: {fault}}}\n");
        let project = TestProject::new(&[settled(&file_rows())], &rule);
        let ended = project.run_day(&["-q"]).ended_with(65);
        assert!(ended.error().starts_with(told), "{fault}: {}", ended.stderr);
    }
}

#[test]
fn a_provider_that_is_not_there_is_told_with_what_to_check() {
    let mut project = TestProject::small();
    project.stop_provider();
    let ended = project.run_day(&["-q"]).ended_with(69);
    let message = format!("{TOKEN} 3 attempts: no connection; check the address, the network and any proxy");
    assert!(tells(ended.error(), &message), "{}", ended.stderr);
}

#[test]
fn a_secret_that_is_not_there_is_named_by_its_variable() {
    let project = TestProject::small();
    let cases: [(&str, Option<&str>, i32, &str); 4] = [
        (
            "TEST_CLIENT_SECRET",
            None,
            78,
            "provider kard: client_secret cannot be read: environment variable TEST_CLIENT_SECRET is not set",
        ),
        (
            "TEST_CLIENT_ID",
            Some(""),
            78,
            "provider kard: client_id cannot be read: environment variable TEST_CLIENT_ID is set, but empty or not text",
        ),
        (
            "TEST_CLIENT_SECRET",
            Some("canary-wrong-secret"),
            77,
            "provider kard: asking Kard for a token: POST HOST/v2/auth/token failed after 1 attempt: status 401: \
             Unauthorized: Invalid credentials.",
        ),
        (
            "TEST_CLIENT_ID",
            Some("canary-wrong-id"),
            77,
            "provider kard: asking Kard for a token: POST HOST/v2/auth/token failed after 1 attempt: status 404: \
             Not Found: Client not found.",
        ),
    ];
    for (variable, value, code, message) in cases {
        let mut command = project.command(&["run", "rewards", "--period", "2025-03-19", "-q"]);
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
        let ended = project.ended(command.spawn().unwrap()).ended_with(code);
        assert_eq!(ended.error(), message, "{variable}");
    }
}

/// What must stand nowhere, in any form in which it goes over the wire.
fn canaries() -> Vec<String> {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    let mut all = vec![CLIENT_SECRET.to_owned(), WEBHOOK_KEY.to_owned(), basic];
    all.extend([TOKEN_PREFIX.to_owned(), format!("{SIGNATURE}=")]);
    all
}

#[test]
fn no_secret_no_token_and_no_signed_url_is_written_anywhere() {
    let faults = [
        "",
        "  - {on: token, nth: 1, do: {status: 500}}\n  - {on: files, nth: 1, do: revoke_token}\n",
        "  - {on: files, nth: 1, do: expired_url}\n  - {on: download, nth: 2, do: reset_after}\n",
        "  - {on: token, nth: every, do: {status: 401}}\n",
        "  - {on: files, nth: every, do: malformed_json}\n",
        "  - {on: download, nth: every, do: {status: 403}}\n",
        "  - {on: token, nth: every, do: malformed_json}\n",
    ];
    for fault in faults {
        let project = TestProject::new(&[settled(&file_rows())], fault);
        for log in ["json", "text"] {
            let ended = project.run_day(&["-vvvv", "--log-format", log]);
            assert_no_canary(&project, ended, fault);
        }
    }
    // This job needs the key of the notifications, too.
    let project = TestProject::shipped("");
    let ended = project.run(&["run", "rewards-daily", "--period", "2025-03-19", "-vvvv"]).ended_with(0);
    assert_no_canary(&project, ended, "the shipped job");
}

/// Neither in what the program said nor in what it wrote: reports, state, locks, stored files.
fn assert_no_canary(project: &TestProject, ended: Output, case: &str) {
    assert!(ended.stderr.contains("DEBUG") || ended.stderr.contains("TRACE"), "{case}: no log\n{}", ended.stderr);
    let said = [("stdout", ended.stdout.into_bytes()), ("stderr", ended.stderr.into_bytes())];
    let written = project.listing("").into_iter().filter(|path| !path.ends_with('/'));
    let written: Vec<(String, Vec<u8>)> = written.map(|path| (path.clone(), project.read(&path))).collect();
    assert!(written.iter().any(|(path, _)| path == ".tieout/state.db"), "{case}: {written:?}");
    for (place, bytes) in said.map(|(place, bytes)| (place.to_owned(), bytes)).into_iter().chain(written) {
        let text = String::from_utf8_lossy(&bytes);
        for canary in canaries() {
            assert!(!text.contains(&canary), "{case}: {canary} in {place}");
        }
    }
}

#[test]
fn the_bearer_token_goes_to_the_list_and_never_to_a_download() {
    let project = TestProject::small();
    project.run_day(&[]).ended_with(0);
    let received = project.received();
    assert_eq!(received.len(), 3, "{received:?}");
    for request in received {
        assert_eq!(request.bearer, request.path.ends_with("/files/metadata"), "{request:?}");
    }
}
