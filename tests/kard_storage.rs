//! A file put to an upload URL: what goes over the wire, what comes of every ill that can befall it, and that the URL
//! is never seen.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::project::{HttpConfig, Secret};
use tieout::providers::http::Answer;
use tieout::providers::kard::KardConfig;
use tieout::providers::kard::request_transactions::MAX_FILE_BYTES;
use tieout::providers::kard::{Client, KardError};

use crate::support::presign::Signer;
use crate::support::storage::{QUERY, Script, Storage};
use crate::support::{chain, fast_http, utc};

/// So much is read from a file at once.
const PIECE: usize = 256 << 10;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nETag: \"x\"\r\nSet-Cookie: id=cookie\r\nContent-Length: 0\r\n\r\n";

/// A client that has nobody to get a token from: none is needed.
pub(crate) fn client(http: HttpConfig) -> Client {
    Client::new(&KardConfig {
        base_url: "https://kard.invalid".into(),
        token_url: "https://kard.invalid/token".into(),
        organization: "org".into(),
        target_issuer: None,
        client_id: Secret::Sandbox("client".into()),
        client_secret: Secret::Sandbox("client-secret".into()),
        webhook_key: None,
        webhook_key_previous: None,
        http,
    })
    .unwrap()
}

fn impatient() -> Client {
    client(HttpConfig { idle_timeout: Duration::from_millis(600), ..fast_http() })
}

/// Bytes in which a piece that is lost, doubled or moved shows.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    // A prime number of bytes, over and over: no piece of a round length stands twice.
    let once: Vec<u8> = (0..65_537_u32).map(|at| (at ^ (at >> 8)).to_le_bytes()[0]).collect();
    let mut whole = once.repeat(count / once.len() + 1);
    whole.truncate(count);
    whole
}

/// A file with these bytes, in a folder that goes with it.
pub(crate) fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("part-0001.jsonl.gz");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

async fn put(client: &Client, url: &SecretString, content: &[u8]) -> Result<Answer, KardError> {
    let (_folder, path) = file(content);
    client.put_file(url, &path, content.len() as u64, |_| {}).await
}

/// The answer of a storage to a small file.
async fn answer_to(script: Script, content: &[u8]) -> Answer {
    let storage = Storage::start(script);
    put(&client(fast_http()), &storage.url(), content).await.unwrap()
}

fn refusal(status: &str, code: &str, message: &str) -> Vec<u8> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    format!("HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{xml}", xml.len()).into()
}

#[tokio::test]
async fn the_request_has_its_exact_length_and_nothing_that_it_need_not_have() {
    let storage = Storage::start(Script::Answer(OK.to_vec()));
    let client = client(fast_http());
    let sizes = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7];
    for (at, size) in sizes.into_iter().enumerate() {
        let content = bytes(size);
        let answer = put(&client, &storage.url(), &content).await.unwrap();
        let empty = Answer::Reply { status: 200, retry_after: None, body: Vec::new(), web_page: false };
        assert_eq!(answer, empty, "{size}");
        let seen = &storage.closed().await[at];
        let mut head: Vec<&str> = seen.head.split("\r\n").collect();
        let line = head.remove(0).to_owned();
        head.sort_unstable();
        let (host, agent) = (format!("host: {}", storage.address), concat!("user-agent: tieout/", "0.1.0"));
        let length = format!("content-length: {size}");
        // No token, no cookie (though one was offered), no chunks, no other word.
        assert_eq!(head, ["accept: */*", &length, &host, agent]);
        assert_eq!(line, format!("PUT /bucket/a%20file.jsonl.gz?{QUERY} HTTP/1.1"));
        assert!(seen.body == content, "{size}: {} bytes came", seen.body.len());
    }
    assert_eq!(storage.seen().len(), sizes.len(), "each has a connection of its own");
}

#[tokio::test]
async fn progress_is_told_piece_by_piece_up_to_the_end() {
    let storage = Storage::start(Script::Answer(OK.to_vec()));
    let content = bytes(5 * PIECE + 1);
    let (_folder, path) = file(&content);
    let told = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&told);
    let watch = move |sent| notes.lock().unwrap().push(sent);
    client(fast_http()).put_file(&storage.url(), &path, content.len() as u64, watch).await.unwrap();
    let told = told.lock().unwrap();
    assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
    assert_eq!(told.last(), Some(&(content.len() as u64)));
    assert!(told.len() >= 6, "{told:?}");
}

/// Status and body, or how the reply was missed.
fn short(answer: &Answer) -> String {
    match answer {
        Answer::Reply { status, retry_after, body, web_page } => {
            let wait = retry_after.map_or(String::new(), |wait| format!(" wait {} s", wait.as_secs()));
            let page = if *web_page { " web page" } else { "" };
            format!("{status}{wait}{page} {}", String::from_utf8_lossy(body)).trim_end().to_owned()
        }
        Answer::NotSent { why } => format!("not sent: {why}"),
        Answer::Lost { why } => format!("lost: {why}"),
    }
}

#[tokio::test]
async fn every_reply_is_told_as_it_is() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Request has \
               expired</Message></Error>";
    let slow_down = b"HTTP/1.1 503 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n".to_vec();
    let elsewhere = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_vec();
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n <!DOCTYPE html><p>hey".to_vec();
    let declared = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhey".to_vec();
    let cut = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 99\r\n\r\n<Error>".to_vec();
    let table: Vec<(Vec<u8>, String)> = vec![
        (refusal("403 Forbidden", "AccessDenied", "Request has expired"), format!("403 {xml}")),
        (slow_down, "503 wait 7 s".into()),
        (b"HTTP/1.1 411 Length Required\r\n\r\n".to_vec(), "411".into()),
        (b"HTTP/1.1 501 Not Implemented\r\n\r\n".to_vec(), "501".into()),
        (elsewhere, "307".into()),
        (page, "200 web page  <!DOCTYPE html><p>hey".into()),
        (declared, "200 web page hey".into()),
        // The status of a refusal stands, whatever becomes of its words.
        (cut, "403 <Error>".into()),
    ];
    for (reply, told) in table {
        assert_eq!(short(&answer_to(Script::Answer(reply), b"{}\n").await), told);
    }
}

#[tokio::test]
async fn a_success_that_is_not_whole_is_lost() {
    let cut: [&[u8]; 3] = [b"", b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabc"];
    for reply in cut {
        let answer = answer_to(Script::Answer(reply.to_vec()), b"{}\n").await;
        assert!(short(&answer).starts_with("lost: the connection broke before the reply was complete"), "{answer:?}");
    }
}

#[tokio::test]
async fn of_a_reply_without_end_only_the_start_is_kept() {
    let mut long = b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec();
    long.extend(std::iter::repeat_n(b"word ", 400_000).flatten());
    let answer = answer_to(Script::Answer(long), b"{}\n").await;
    assert!(matches!(&answer, Answer::Reply { status: 403, body, .. } if body.len() == 64 << 10));
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_file_was_read_is_heard() {
    let early = refusal("403 Forbidden", "AccessDenied", "no");
    let storage = Storage::start(Script::AnswerEarly(early));
    let content = bytes(64 << 20);
    let answer = put(&client(fast_http()), &storage.url(), &content).await.unwrap();
    assert!(short(&answer).starts_with("403 <?xml"), "{answer:?}");
    let seen = storage.closed().await;
    assert_eq!(seen.len(), 1);
    assert!(seen[0].body.len() < content.len(), "the rest is not sent");
}

#[tokio::test]
async fn a_connection_that_is_reset_is_lost_and_nothing_is_sent_again() {
    for after in [1, PIECE, 3 << 20] {
        let storage = Storage::start(Script::ResetAfter(after));
        let answer = put(&client(fast_http()), &storage.url(), &bytes(16 << 20)).await.unwrap();
        assert!(short(&answer).starts_with("lost: the connection broke before the reply was complete"), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(storage.seen().len(), 1, "after {after}");
    }
}

#[tokio::test]
async fn a_slow_storage_may_take_longer_than_the_idle_and_the_total_time_out() {
    let storage = Storage::start(Script::Slowly(64 << 10, Duration::from_millis(5)));
    let (idle_timeout, total_timeout) = (Duration::from_secs(1), Duration::from_secs(1));
    let client = client(HttpConfig { idle_timeout, total_timeout, ..fast_http() });
    let content = bytes(24 << 20);
    let began = Instant::now();
    let answer = put(&client, &storage.url(), &content).await.unwrap();
    assert_eq!(short(&answer), "200");
    assert!(began.elapsed() > total_timeout, "{:?}", began.elapsed());
    assert!(storage.seen()[0].body == content);
}

#[tokio::test]
async fn what_was_handed_over_and_is_still_on_its_way_is_waited_for() {
    // The kernel takes all of it at once; the storage reads it for longer than the idle time-out.
    let storage = Storage::start(Script::Slowly(64 << 10, Duration::from_millis(30)));
    let client = client(HttpConfig { idle_timeout: Duration::from_millis(300), ..fast_http() });
    let began = Instant::now();
    assert_eq!(short(&put(&client, &storage.url(), &bytes(2 << 20)).await.unwrap()), "200");
    assert!(began.elapsed() > Duration::from_millis(600), "{:?}", began.elapsed());
}

#[tokio::test]
async fn where_nothing_moves_the_upload_ends_and_lets_go_of_its_connection() {
    for (script, content) in [(Script::StallAfter(1 << 20), bytes(32 << 20)), (Script::Silence, bytes(10))] {
        let storage = Storage::start(script.clone());
        let began = Instant::now();
        let answer = put(&impatient(), &storage.url(), &content).await.unwrap();
        assert_eq!(short(&answer), "lost: nothing moved for 0.6 s", "{script:?}");
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        let seen = storage.closed().await;
        assert_eq!(seen.len(), 1);
        let whole = matches!(script, Script::Silence);
        assert_eq!(seen[0].body.len() == content.len(), whole, "nothing goes on behind our back");
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_stops() {
    let storage = Storage::start(Script::StallAfter(1 << 20));
    let content = bytes(32 << 20);
    let (client, url, sent) = (client(fast_http()), storage.url(), content.clone());
    let upload = tokio::spawn(async move { put(&client, &url, &sent).await });
    storage.received(1 << 20).await;
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    assert!(storage.closed().await[0].body.len() < content.len());
}

/// "Authenticating Requests: Using Query Parameters", the example of AWS.
#[test]
fn the_addresses_of_the_tests_are_signed_as_aws_signs() {
    let signer = Signer {
        key: "AKIAIOSFODNN7EXAMPLE".into(),
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        region: "us-east-1".into(),
        endpoint: "https://examplebucket.s3.amazonaws.com".into(),
    };
    let url = signer.presign("GET", "/test.txt", utc("2013-05-24T00:00:00Z"), 86_400);
    let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let published = format!(
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
         AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z\
         &X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
    );
    assert_eq!(url, published);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url: SecretString = format!("http://{free}/bucket/key?{QUERY}").into();
    let answer = put(&impatient(), &url, b"{}\n").await.unwrap();
    assert!(short(&answer).starts_with("not sent: no connection; check the address"), "{answer:?}");
}

#[tokio::test]
async fn a_file_that_is_not_as_it_was_sealed_is_not_sent() {
    let storage = Storage::start(Script::Answer(OK.to_vec()));
    let (folder, path) = file(b"0123456789");
    let gone = folder.path().join("gone.gz");
    let sealed = "were sealed; the file was changed";
    let table = [
        (&path, 11, format!("it has 10 bytes, and 11 {sealed}")),
        (&path, 9, "it has more than the 9 bytes that were sealed; the file was changed".into()),
        (&path, MAX_FILE_BYTES + 1, "it has 5000000001 bytes, and a file may have at most 5000000000".into()),
        (&gone, 10, "it cannot be opened: No such file or directory (os error 2)".into()),
    ];
    for (path, bytes, told) in table {
        let error = client(fast_http()).put_file(&storage.url(), path, bytes, |_| {}).await.unwrap_err();
        assert_eq!(chain(&error), format!("{} cannot be sent: {told}", path.display()));
        assert_eq!(error.exit_code(), ExitCode::Unexpected);
    }
    assert!(storage.seen().is_empty());
}

#[tokio::test]
async fn a_file_that_changes_on_the_way_is_never_complete_at_the_storage() {
    let content = bytes(8 << 20);
    let expected = content.len() as u64;
    for (grows, told) in [
        (true, format!("it has more than the {expected} bytes that were sealed; the file was changed")),
        (false, format!("it has {} bytes, and {expected} were sealed; the file was changed", expected / 2)),
    ] {
        let storage = Storage::start(Script::Answer(OK.to_vec()));
        let (_folder, path) = file(&content);
        let changed = path.clone();
        let watch = move |sent| {
            let mut file = std::fs::OpenOptions::new().append(true).open(&changed).unwrap();
            match grows {
                true if sent == PIECE as u64 => file.write_all(b"!").unwrap(),
                true => {}
                false => file.set_len(expected / 2).unwrap(),
            }
        };
        let error = client(fast_http()).put_file(&storage.url(), &path, expected, watch).await.unwrap_err();
        assert_eq!(chain(&error), format!("{} cannot be sent: {told}", path.display()));
        let seen = storage.closed().await;
        assert!(seen[0].head.contains(&format!("content-length: {expected}")));
        assert!((seen[0].body.len() as u64) < expected, "{} bytes came", seen[0].body.len());
    }
}

/// Addresses that nothing is put to, and why.
const UNUSABLE: [(&str, &str); 9] = [
    ("", "it is no address that begins with https://"),
    ("canary", "it is no address that begins with https://"),
    ("ftp://storage.example/key?X-Amz-Signature=canary", "it is no address that begins with https://"),
    (
        "http://storage.example/key?X-Amz-Signature=canary",
        "it is not https, and the transactions would travel in the clear (http:// is for this machine only)",
    ),
    (
        "https://canary:canary@storage.example/key?X-Amz-Signature=1",
        "it names a user or a fragment, which no presigned address does",
    ),
    (
        "https://storage.example/key?X-Amz-Signature=1#canary",
        "it names a user or a fragment, which no presigned address does",
    ),
    ("https://storage.example/a/../key?X-Amz-Signature=canary", CHANGED),
    ("https://storage.example/a key?X-Amz-Signature=canary", CHANGED),
    ("https://storage.example/key?X-Amz-Signature=canary\"x", CHANGED),
];
const CHANGED: &str =
    "on its way it would become another address: it is not percent-encoded, or has `.` or `..` in its path";

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_without_being_told() {
    for (url, why) in UNUSABLE {
        let error = put(&impatient(), &url.to_owned().into(), b"{}\n").await.unwrap_err();
        assert_eq!(chain(&error), format!("the upload URL cannot be used: {why}"));
        assert_eq!(error.exit_code(), ExitCode::InputData);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

/// What is logged, at every level.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A reply in which the storage repeats all that it knows of the request.
fn echo(status: &str) -> Vec<u8> {
    let query = QUERY.replace('&', "&amp;");
    let signature = QUERY.rsplit_once('=').unwrap().1;
    let words = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>{QUERY} {query} {signature} \
         http://127.0.0.1/bucket/key?{QUERY}</Message><AWSAccessKeyId>CANARYCANARYKEY1</AWSAccessKeyId>\
         <SignatureProvided>{signature}</SignatureProvided>\
         <Credential>CANARYCANARYKEY1/20250319/us-east-1/s3/aws4_request</Credential></Error>"
    );
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{words}", words.len()).into()
}

#[tokio::test]
async fn no_part_of_the_signed_query_is_ever_seen() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());
    tracing::trace!("the log is heard");
    let mut told = Vec::new();
    let scripts = [
        Script::Answer(OK.to_vec()),
        Script::Answer(echo("403 Forbidden")),
        Script::Answer(echo("200 OK")),
        Script::Answer(echo("307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/?X-Amz-Signature=canary")),
        Script::Answer(b"HTTP/1.1 CANARY\r\n\r\n".to_vec()),
        Script::Answer(Vec::new()),
        Script::AnswerEarly(echo("400 Bad Request")),
        Script::ResetAfter(1),
        Script::Silence,
    ];
    let client = impatient();
    for script in scripts {
        let storage = Storage::start(script);
        let answer = put(&client, &storage.url(), &bytes(20_000)).await.unwrap();
        told.push(format!("{answer:?} {}", short(&answer)));
        let (_folder, path) = file(b"0123456789");
        let error = client.put_file(&storage.url(), &path, 9, |_| {}).await.unwrap_err();
        told.push(format!("{error:?} {}", chain(&error)));
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://{free}/key?{QUERY}"), format!("https://{free}/key?{QUERY}")] {
        let answer = put(&client, &url.into(), b"{}\n").await.unwrap();
        told.push(format!("{answer:?} {}", short(&answer)));
    }
    told.push(format!("{client:?}"));
    let told = told.join("\n");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the log is heard"), "{logged}");
    assert!(told.contains("SignatureDoesNotMatch"), "what the storage says is kept: {told}");
    for text in [told, logged] {
        let seen = text.to_lowercase();
        let at = seen.find("canary");
        assert!(at.is_none(), "{}", &text[at.unwrap_or_default().saturating_sub(200)..]);
    }
}
