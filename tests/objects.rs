//! Objects: places, what a store's answers mean, and what is asked of it, without any store.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use tieout::exit::ExitCode;
use tieout::objects::{Found, ObjectError, Place, Put, S3};

use crate::support::project::TestProject;
use crate::support::s3::{ACCESS_KEY, Act, Front, SECRET_KEY, answer, keys, place, s3, settings};

#[test]
fn a_place_is_a_bucket_and_a_prefix() {
    for (text, bucket, prefix) in [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("s3://my.bucket-1/a/b", "my.bucket-1", "a/b"),
        ("s3://bucket/dt={period}/", "bucket", "dt={period}/"),
    ] {
        let expected = Place { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        assert_eq!(Place::parse(text), Ok(expected), "{text}");
    }
    let told = [
        "bucket/prefix",
        "postgres://me:hunter2@db/x",
        "s3:///prefix",
        "s3://Bucket/prefix",
        "s3://bu/prefix",
        "s3://bucket./prefix",
        "s3://a..b/prefix",
        "s3://bucket//prefix",
        "s3://bucket/a/../b",
        "s3://bucket/a\u{202e}b",
    ]
    .map(|text| Place::parse(text).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"), @r"
    `bucket/prefix` is no place in S3; expected one such as s3://bucket/prefix/
    `postgres://…` is no place in S3; expected one such as s3://bucket/prefix/
    `s3:///prefix` names no bucket; expected 3 to 63 small letters, digits, dots and hyphens, such as s3://my-bucket/prefix/
    `s3://Bucket/prefix` names no bucket; expected 3 to 63 small letters, digits, dots and hyphens, such as s3://my-bucket/prefix/
    `s3://bu/prefix` names no bucket; expected 3 to 63 small letters, digits, dots and hyphens, such as s3://my-bucket/prefix/
    `s3://bucket./prefix` names no bucket; expected 3 to 63 small letters, digits, dots and hyphens, such as s3://my-bucket/prefix/
    `s3://a..b/prefix` names no bucket; expected 3 to 63 small letters, digits, dots and hyphens, such as s3://my-bucket/prefix/
    `s3://bucket//prefix` has an empty part, `.` or `..` in its prefix; expected one such as s3://bucket/prefix/
    `s3://bucket/a/../b` has an empty part, `.` or `..` in its prefix; expected one such as s3://bucket/prefix/
    `s3://bucket/a�b` has an empty part, `.` or `..` in its prefix; expected one such as s3://bucket/prefix/
    ");
}

/// How a list ends when the store always answers this.
async fn listed(act: Act) -> (ObjectError, usize) {
    let front = Front::start(None, move |_| act.clone()).await;
    let error = s3(front.address).list(&place("a/")).await.unwrap_err();
    (error, front.seen().len())
}

#[tokio::test]
async fn what_a_store_answers_is_told_with_what_to_do() {
    let mut told = String::new();
    for (status, code) in [
        (404, "NoSuchBucket"),
        (403, "AccessDenied"),
        (400, "ExpiredToken"),
        (403, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
        (301, "PermanentRedirect"),
        (501, "NotImplemented"),
        (418, "Teapot\u{202e}toofs"),
    ] {
        let (error, asked) = listed(Act::Refuse(status, code)).await;
        writeln!(told, "{} after {asked}: {error}", error.exit_code() as u8).unwrap();
    }
    insta::assert_snapshot!(told, @r"
    78 after 1: listing s3://bucket/a/: there is no bucket `bucket`; create it, or correct its name in tieout.yaml or the job
    77 after 1: listing s3://bucket/a/: access denied: the store's own words; allow these credentials s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload there, or use others
    77 after 1: listing s3://bucket/a/: the credentials are not accepted (ExpiredToken: the store's own words); renew them where the SDK finds them (environment, profile, role), and check this machine's clock
    77 after 1: listing s3://bucket/a/: the credentials are not accepted (InvalidAccessKeyId: the store's own words); renew them where the SDK finds them (environment, profile, role), and check this machine's clock
    77 after 1: listing s3://bucket/a/: the credentials are not accepted (SignatureDoesNotMatch: the store's own words); renew them where the SDK finds them (environment, profile, role), and check this machine's clock
    77 after 1: listing s3://bucket/a/: the credentials are not accepted (RequestTimeTooSkewed: the store's own words); renew them where the SDK finds them (environment, profile, role), and check this machine's clock
    78 after 1: listing s3://bucket/a/: the bucket is in another region: the store's own words; set s3.region in tieout.yaml
    1 after 1: listing s3://bucket/a/: the store answered 501 NotImplemented: the store's own words
    1 after 1: listing s3://bucket/a/: the store answered 418 Teapot�toofs: the store's own words
    ");
}

#[tokio::test]
async fn a_store_that_is_too_busy_is_asked_again_and_then_given_up() {
    for (status, code) in [(503, "SlowDown"), (500, "InternalError")] {
        let (error, asked) = listed(Act::Refuse(status, code)).await;
        assert_eq!((error.exit_code(), asked), (ExitCode::ProviderUnavailable, 5), "{error}");
        let words = format!(
            "listing s3://bucket/a/: the store is too busy or failing ({status} {code}), after all retries; try again later"
        );
        assert_eq!(error.to_string(), words);
    }

    let page = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a/1</Key><Size>3</Size>\
                <ETag>\"e\"</ETag><LastModified>2025-03-19T01:02:03.000Z</LastModified></Contents></ListBucketResult>";
    let list = answer(200, "content-type: application/xml\r\n", page.as_bytes());
    let front = Front::start(None, move |asked| match asked.number {
        1 | 2 => Act::Refuse(503, "SlowDown"),
        _ => Act::Raw(list.clone()),
    });
    let front = front.await;
    let found = s3(front.address).list(&place("a/")).await.unwrap();
    let expected = Found {
        place: place("a/1"),
        bytes: 3,
        etag: "e".to_owned(),
        version: None,
        last_modified: "2025-03-19T01:02:03Z".parse().unwrap(),
        sha256: None,
    };
    assert_eq!((found, front.seen().len()), (vec![expected], 3));
}

#[tokio::test]
async fn a_store_that_nobody_reaches_is_told_with_where_to_look() {
    // Bound and never listened to: refused.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = s3(free).head(&place("a")).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::ProviderUnavailable);
    assert_eq!(
        error.to_string(),
        "looking at s3://bucket/a: no answer; check the network, s3.endpoint in tieout.yaml and whether a proxy or \
         policy of the network stands between"
    );
    let (error, _) = listed(Act::Drop).await;
    assert!(matches!(error, ObjectError::NoRoute { .. }), "{error:?}");
}

/// What a client reads of an object of these bytes whose first answer is cut, and then.
async fn read_cut(
    content: &'static [u8],
    then: fn(usize, &[u8]) -> Act,
) -> (Result<Vec<u8>, ObjectError>, Vec<String>) {
    let front = Front::start(None, move |asked| match asked.number {
        1 => {
            let mut whole = answer(200, "etag: \"e-1\"\r\n", content);
            whole.truncate(whole.len() - content.len() + 100_000);
            Act::Raw(whole)
        }
        number => then(number, content),
    });
    let front = front.await;
    let mut read = Vec::new();
    let mut sink = |chunk: &[u8]| {
        read.extend_from_slice(chunk);
        Ok(())
    };
    let got = s3(front.address).get(&place("a/b"), Path::new("sink"), &mut sink).await;
    let seen = front.seen().into_iter().skip(1);
    let again = seen.map(|asked| format!("{:?} {:?}", asked.header("range"), asked.header("if-match"))).collect();
    (got.map(|_| read), again)
}

fn content() -> &'static [u8] {
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    bytes.leak()
}

#[tokio::test]
async fn a_connection_that_is_cut_is_gone_on_with_where_it_ended() {
    let content = content();
    let rest = |number: usize, content: &[u8]| {
        let from = number * 50_000;
        let mut rest = answer(206, "etag: \"e-1\"\r\n", &content[from..]);
        // Cut once more, 50,000 bytes further on.
        if number == 2 {
            rest.truncate(rest.len() - content[from..].len() + 50_000);
        }
        Act::Raw(rest)
    };
    let (read, again) = read_cut(content, rest).await;
    assert!(read.unwrap() == content, "the bytes arrived otherwise");
    assert_eq!(
        again,
        ["Some(\"bytes=100000-\") Some(\"\\\"e-1\\\"\")", "Some(\"bytes=150000-\") Some(\"\\\"e-1\\\"\")"]
    );
}

#[tokio::test]
async fn an_object_that_is_replaced_while_it_is_read_is_never_mixed_with_the_new_one() {
    let content = content();
    let (read, _) = read_cut(content, |_, _| Act::Refuse(412, "PreconditionFailed")).await;
    assert!(matches!(read, Err(ObjectError::Changed { .. })), "{read:?}");
    // A store that knows no If-Match: its ETag tells.
    let (read, _) =
        read_cut(content, |_, content| Act::Raw(answer(206, "etag: \"e-2\"\r\n", &content[100_000..]))).await;
    assert!(matches!(read, Err(ObjectError::Changed { .. })), "{read:?}");
    // One that knows no ranges: its length tells.
    let (read, _) = read_cut(content, |_, content| Act::Raw(answer(200, "etag: \"e-1\"\r\n", content))).await;
    assert!(matches!(read, Err(ObjectError::Changed { .. })), "{read:?}");
}

#[tokio::test]
async fn a_connection_that_is_cut_again_and_again_without_a_byte_is_given_up() {
    let nothing = |_: usize, content: &[u8]| {
        let rest = &content[100_000..];
        let mut cut = answer(206, "etag: \"e-1\"\r\n", rest);
        cut.truncate(cut.len() - rest.len());
        Act::Raw(cut)
    };
    let (read, again) = read_cut(content(), nothing).await;
    assert!(matches!(&read, Err(ObjectError::NoRoute { .. } | ObjectError::Damaged { .. })), "{read:?}");
    assert_eq!(again.len(), 4);
}

#[tokio::test]
async fn an_object_is_written_under_the_condition_that_there_is_none_with_its_length_and_checksum() {
    let front = Front::start(None, |_| Act::Raw(answer(200, "etag: \"e\"\r\n", b""))).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"abc").unwrap();
    s3(front.address).put(&Put::of(place("a/b c"), file.path()).unwrap()).await.unwrap();
    let seen = front.seen();
    assert_eq!(seen.len(), 1);
    let asked = &seen[0];
    // Path style: the bucket stands in the path, the host is the endpoint's.
    assert_eq!((asked.method.as_str(), asked.target.split('?').next().unwrap()), ("PUT", "/bucket/a/b%20c"));
    assert_eq!(asked.header("host"), Some(front.address.to_string().as_str()));
    assert_eq!(asked.header("if-none-match"), Some("*"));
    assert_eq!(asked.header("content-length"), Some("3"));
    assert_eq!(asked.header("transfer-encoding"), None);
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(asked.header("x-amz-meta-sha256"), Some(sha256));
    assert_eq!(asked.header("x-amz-checksum-sha256"), Some("ungwv48bz+pbqudexa4ii7adyaowf3qctbd/yfiafa0="));
    assert_eq!(asked.body, b"abc");
    assert!(!asked.headers.contains(&SECRET_KEY.to_lowercase()));
}

#[tokio::test]
async fn a_refused_condition_is_an_answer_of_its_own_and_leaves_the_other_object() {
    let front = Front::start(None, |asked| match asked.method.as_str() {
        "PUT" => Act::Refuse(412, "PreconditionFailed"),
        _ => Act::Raw(answer(200, "etag: \"e\"\r\n", b"")),
    });
    let front = front.await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = s3(front.address).put(&Put::of(place("a"), file.path()).unwrap()).await.unwrap_err();
    assert!(error.is_there_already(), "{error:?}");
    assert_eq!(error.to_string(), "writing s3://bucket/a: an object of this name is there already");
    let writes = front.seen().iter().filter(|asked| asked.method == "PUT").count();
    assert_eq!(writes, 1);
}

#[tokio::test]
async fn a_write_that_met_one_under_way_is_tried_again_when_that_has_failed() {
    let front = Front::start(None, |asked| match (asked.method.as_str(), asked.number) {
        ("PUT", 1) => Act::Refuse(409, "ConditionalRequestConflict"),
        ("HEAD", _) => Act::Refuse(404, "NotFound"),
        _ => Act::Raw(answer(200, "etag: \"e\"\r\n", b"")),
    });
    let front = front.await;
    let file = tempfile::NamedTempFile::new().unwrap();
    s3(front.address).put(&Put::of(place("a"), file.path()).unwrap()).await.unwrap();
    assert_eq!(front.seen().iter().map(|asked| asked.method.as_str()).collect::<Vec<_>>(), ["PUT", "HEAD", "PUT"]);
}

#[test]
fn the_secrets_of_a_store_are_in_no_debug_text() {
    let address = "127.0.0.1:9".parse().unwrap();
    let shown = format!("{:?}", S3::with_keys(settings(address), keys(ACCESS_KEY)));
    assert!(!shown.contains(SECRET_KEY) && !shown.contains(ACCESS_KEY), "{shown}");
    assert!(shown.contains("127.0.0.1:9"));
}

/// What doctor says of a bucket whose store answers so.
fn doctor(act: impl Fn(&crate::support::s3::Asked) -> Act + Send + Sync + 'static, credentials: bool) -> (i32, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let front = runtime.block_on(Front::start(None, act));
    let project = TestProject::empty();
    project.write(
        "tieout.yaml",
        format!("artifacts: s3://bucket/kept\ns3: {{endpoint: \"http://{}\", region: us-east-1}}\n", front.address),
    );
    let mut command = project.command(&["doctor", "--format", "csv"]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        command.env_remove(name);
    }
    command.env("HOME", project.path("nobody")).env("AWS_EC2_METADATA_DISABLED", "true");
    if credentials {
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    }
    let output = project.ended(command.spawn().unwrap());
    let line = output.stdout.lines().find(|line| line.starts_with("artifacts bucket")).unwrap_or_default();
    (output.code.unwrap(), line.to_owned())
}

#[test]
fn doctor_tells_what_is_wrong_with_the_bucket_and_what_to_do() {
    let mut told = String::new();
    let cases: [(&str, Act); 4] = [
        ("missing", Act::Refuse(404, "NoSuchBucket")),
        ("denied", Act::Refuse(403, "AccessDenied")),
        ("expired", Act::Refuse(400, "ExpiredToken")),
        ("no route", Act::Drop),
    ];
    for (what, act) in cases {
        let (code, line) = doctor(move |_| act.clone(), true);
        writeln!(told, "{what}, {code}: {line}").unwrap();
    }
    let (code, line) = doctor(|_| Act::Drop, false);
    writeln!(told, "no credentials, {code}: {line}").unwrap();
    let empty = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let list = answer(200, "content-type: application/xml\r\n", empty.as_bytes());
    let (code, line) = doctor(
        move |asked| match asked.method.as_str() {
            "GET" => Act::Raw(list.clone()),
            "DELETE" => Act::Raw(answer(204, "", b"")),
            // It takes every object, whatever the condition.
            _ => Act::Raw(answer(200, "etag: \"e\"\r\n", b"")),
        },
        true,
    );
    writeln!(told, "replaces, {code}: {line}").unwrap();
    insta::assert_snapshot!(told, @r#"
    missing, 78: artifacts bucket,fail,listing s3://bucket/kept/: there is no bucket `bucket`,"create it, or correct its name in tieout.yaml or the job"
    denied, 77: artifacts bucket,fail,listing s3://bucket/kept/: access denied: the store's own words,"allow these credentials s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload there, or use others"
    expired, 77: artifacts bucket,fail,listing s3://bucket/kept/: the credentials are not accepted (ExpiredToken: the store's own words),"renew them where the SDK finds them (environment, profile, role), and check this machine's clock"
    no route, 69: artifacts bucket,fail,listing s3://bucket/kept/: no answer: connection closed before message completed,"check the network, s3.endpoint in tieout.yaml and whether a proxy or policy of the network stands between"
    no credentials, 77: artifacts bucket,fail,listing s3://bucket/kept/: no credentials,"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile at s3.profile in tieout.yaml, or give the machine or pod a role"
    replaces, 78: artifacts bucket,fail,s3://bucket/kept/: the store replaced an object although it was told not to (If-None-Match: *),"use a store that honours conditional writes, or two runs at once may overwrite each other's files"
    "#);
}

#[tokio::test]
async fn keys_that_are_not_those_of_the_store_end_at_once() {
    let started = std::time::Instant::now();
    let (error, asked) = listed(Act::Refuse(403, "InvalidAccessKeyId")).await;
    assert_eq!((error.exit_code(), asked), (ExitCode::CredentialsRefused, 1));
    assert!(started.elapsed() < Duration::from_secs(20));
}
