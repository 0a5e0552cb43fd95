//! Every fault of the sandbox, one by one, against the real client: done once it is overcome,
//! done every time it ends with its exit code and a message that says what happened.

use std::time::Duration;

use tieout::exit::ExitCode;
use tieout::job::FileType;
use tieout::providers::kard::KardError;
use tieout::sources::provider::{Pulled, pull};

use crate::support::{Rig, Sample, chain, day};

const NAME: &str = "cardlinked-reconciliation-250319.json";
const BYTES: &[u8] = br#"{"data": [{"id": "1"}, {"id": "2"}]}"#;

/// A fault that is done every time.
struct Case {
    on: &'static str,
    fault: &'static str,
    exit: ExitCode,
    /// How the message begins, the address of the sandbox written as HOST.
    message: &'static str,
}

const fn case(on: &'static str, fault: &'static str, exit: ExitCode, message: &'static str) -> Case {
    Case { on, fault, exit, message }
}

const CASES: &[Case] = &[
    case(
        "token",
        "{status: 503}",
        ExitCode::ProviderUnavailable,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: status 503: Service Unavailable: The fault plan wants this.",
    ),
    case(
        "token",
        "{status: 429, retry_after: 0}",
        ExitCode::ProviderUnavailable,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: status 429: Too Many Requests",
    ),
    case(
        "token",
        "{status: 400}",
        ExitCode::Configuration,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 1 attempt: status 400: Bad Request: The fault plan wants this.",
    ),
    case(
        "token",
        "{status: 401}",
        ExitCode::CredentialsRefused,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 1 attempt: status 401: Unauthorized: The fault plan wants this.",
    ),
    case(
        "token",
        "{status: 404}",
        ExitCode::CredentialsRefused,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 1 attempt: status 404: Not Found",
    ),
    case(
        "token",
        "{status: 307}",
        ExitCode::Configuration,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 1 attempt: status 307",
    ),
    case(
        "token",
        "reset_before",
        ExitCode::ProviderUnavailable,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: the connection broke before the reply was complete",
    ),
    case(
        "token",
        "reset_after",
        ExitCode::ProviderUnavailable,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: the connection broke before the reply was complete",
    ),
    case(
        "token",
        "{slow: 3s}",
        ExitCode::ProviderUnavailable,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: no answer in time",
    ),
    case(
        "token",
        "{truncate: 7}",
        ExitCode::ProviderUnavailable,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: the connection broke before the reply was complete",
    ),
    case(
        "token",
        "malformed_json",
        ExitCode::InputData,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: the reply is not the published JSON: it ends early, at line 1, column",
    ),
    case(
        "token",
        "wrong_bytes",
        ExitCode::InputData,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: the reply is not the published JSON: bad syntax at line 1, column 1",
    ),
    case(
        "token",
        "html_page",
        ExitCode::ProviderUnavailable,
        "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: status 200 with a web page instead of data; a proxy or a maintenance page may answer",
    ),
    case(
        "files",
        "{status: 500}",
        ExitCode::ProviderUnavailable,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 3 attempts: status 500: Internal Server Error",
    ),
    case(
        "files",
        "{status: 403}",
        ExitCode::CredentialsRefused,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 1 attempt: status 403: Forbidden",
    ),
    case(
        "files",
        "{status: 404}",
        ExitCode::Configuration,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 1 attempt: status 404: Not Found",
    ),
    case(
        "files",
        "reset_before",
        ExitCode::ProviderUnavailable,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 3 attempts: the connection broke",
    ),
    case(
        "files",
        "reset_after",
        ExitCode::ProviderUnavailable,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 3 attempts: the connection broke",
    ),
    case(
        "files",
        "{slow: 3s}",
        ExitCode::ProviderUnavailable,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 3 attempts: no answer in time",
    ),
    case(
        "files",
        "{truncate: 20}",
        ExitCode::ProviderUnavailable,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 3 attempts: the connection broke",
    ),
    case(
        "files",
        "malformed_json",
        ExitCode::InputData,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 3 attempts: the reply is not the published JSON: it ends early",
    ),
    case(
        "files",
        "html_page",
        ExitCode::ProviderUnavailable,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 3 attempts: status 200 with a web page",
    ),
    case(
        "files",
        "revoke_token",
        ExitCode::CredentialsRefused,
        "listing Kard's files: GET HOST/v2/issuers/org-sandbox/files/metadata failed after 1 attempt: status 401: Unauthorized: The token is unknown, expired or revoked. (header Authorization)",
    ),
    case(
        "files",
        "repeat_cursor",
        ExitCode::InputData,
        "listing Kard's files: page 3 has the cursor of an earlier page; the list would never end",
    ),
    case(
        "files",
        "expired_url",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 1 attempt: status 403: ",
    ),
    case(
        "download",
        "{status: 503}",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 3 attempts: status 503: ",
    ),
    case(
        "download",
        "{status: 404}",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 1 attempt: status 404: ",
    ),
    case(
        "download",
        "expired_url",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 1 attempt: status 403: ",
    ),
    case(
        "download",
        "reset_before",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 3 attempts: the connection broke",
    ),
    case(
        "download",
        "reset_after",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 3 attempts: the connection broke",
    ),
    case(
        "download",
        "{slow: 3s}",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 3 attempts: no answer in time",
    ),
    case(
        "download",
        "{truncate: 0}",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 3 attempts: the connection broke",
    ),
    case(
        "download",
        "{truncate: 20}",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 3 attempts: the connection broke",
    ),
    case(
        "download",
        "html_page",
        ExitCode::ProviderUnavailable,
        "downloading a file of Kard: GET HOST/presigned/f-1 failed after 3 attempts: status 200 with a web page",
    ),
];

/// What is overcome although it ends the run when it stays.
const ALSO_PASSING: &[Case] = &[
    case("files", "revoke_token", ExitCode::Done, ""),
    case("files", "expired_url", ExitCode::Done, ""),
    case("download", "expired_url", ExitCode::Done, ""),
    case("download", "{status: 503, retry_after: 1}", ExitCode::Done, ""),
    case("download", "{status: 503, retry_after_date: 1}", ExitCode::Done, ""),
];

/// Retried by itself: more than one attempt was made.
fn passes(case: &Case) -> bool {
    case.message.contains("failed after 3 attempts")
}

async fn rig(on: &str, nth: &str, fault: &str) -> Rig {
    let rule = format!("  - {{on: {on}, nth: {nth}, do: {fault}}}\n");
    let quick =
        |provider: &mut tieout::providers::kard::KardConfig| provider.http.idle_timeout = Duration::from_millis(400);
    Rig::start_with(&[Sample::daily("f-1", NAME, BYTES)], &rule, |_| {}, quick).await
}

async fn pull_day(rig: &Rig) -> Result<Pulled, KardError> {
    let kind = FileType::EarnedRewardSettledDaily;
    pull(&rig.client, "kard", kind, "cardlinked-reconciliation-{yymmdd}", &day("2025-03-19"), &rig.store, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_stays_ends_with_its_exit_code_and_says_what_happened() {
    for case in CASES {
        let rig = rig(case.on, "every", case.fault).await;
        let error = pull_day(&rig).await.expect_err(case.fault);
        let told = chain(&error).replace(&rig.sandbox.base_url, "HOST");
        assert!(told.starts_with(case.message), "{} {}:\n{told}", case.on, case.fault);
        assert_eq!(error.exit_code(), case.exit, "{} {}: {told}", case.on, case.fault);
        assert_eq!(rig.stored(), Vec::<String>::new(), "{} {} leaves nothing behind", case.on, case.fault);
        rig.sandbox.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_overcome() {
    for case in CASES.iter().filter(|case| passes(case)).chain(ALSO_PASSING) {
        let rig = rig(case.on, "1", case.fault).await;
        let pulled =
            pull_day(&rig).await.unwrap_or_else(|error| panic!("{} {}: {}", case.on, case.fault, chain(&error)));
        let [file] = pulled.files.as_slice() else { panic!("one file") };
        assert_eq!(std::fs::read(&file.stored).unwrap(), BYTES, "{} {}", case.on, case.fault);
        assert_eq!(rig.stored().len(), 1, "{} {}: one file and no leftovers", case.on, case.fault);
    }
}

#[tokio::test]
async fn bytes_that_only_a_reader_can_doubt_are_stored_as_they_came() {
    for (fault, expected) in [
        ("wrong_bytes", BYTES.iter().rev().copied().collect::<Vec<u8>>()),
        ("malformed_json", BYTES[..BYTES.len() / 2].to_vec()),
    ] {
        let rig = rig("download", "1", fault).await;
        let pulled = pull_day(&rig).await.unwrap();
        assert_eq!(std::fs::read(&pulled.files[0].stored).unwrap(), expected, "{fault}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unavailable() {
    // Bound and not listening: nobody else can take the port, and nobody answers.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let host = format!("http://{}", socket.local_addr().unwrap());
    let rig = Rig::start_with(&[], "", |_| {}, |provider| provider.token_url = format!("{host}/v2/auth/token")).await;
    let error = rig.client.probe().await.unwrap_err();
    let told = chain(&error).replace(&host, "HOST");
    let expected = "asking Kard for a token: POST HOST/v2/auth/token failed after 3 attempts: \
                    no connection; check the address, the network and any proxy";
    assert!(told.starts_with(expected), "{told}");
    assert_eq!(error.exit_code(), ExitCode::ProviderUnavailable);
    drop(socket);
}
