//! A file put to a real S3-speaking server, and read back. Ignored unless asked for, because it needs the program
//! `s3s-fs` (`cargo install s3s-fs --version 0.14.1 --features binary --locked`), as `TIEOUT_S3S_FS` or in the path:
//! as a dependency it would have all others compiled twice, once for the tests and once for the program. (Unlike S3 it
//! takes chunks; that we send none is seen on the wire, in `kard_storage`.)

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use tempfile::TempDir;
use tieout::providers::http::Answer;
use tieout::providers::kard::reply_transactions::{is_expired_upload, storage_error};
use tieout::sandbox::ObjectStorage;
use tokio::net::TcpStream;

use crate::kard_storage::{bytes, client, file};
use crate::support::backfill_uploads::{job, sealed_files};
use crate::support::fast_http;
use crate::support::presign::Signer;
use crate::support::project::TestProject;

/// The server, with one bucket; it ends with this.
struct S3 {
    folder: TempDir,
    signer: Signer,
    server: Child,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl S3 {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let program = std::env::var("TIEOUT_S3S_FS").unwrap_or_else(|_| "s3s-fs".to_owned());
        let server = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", &free.port().to_string()])
            .args(["--access-key", "AKIATIEOUTTEST", "--secret-key", "a secret of the tests"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start ({error}): see the head of this file"));
        let signer = Signer {
            key: "AKIATIEOUTTEST".into(),
            secret: "a secret of the tests".into(),
            region: "us-east-1".into(),
            endpoint: format!("http://{free}"),
        };
        let s3 = Self { folder, signer, server };
        for _ in 0..100 {
            if TcpStream::connect(free).await.is_ok() {
                return s3;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{program} does not listen on {free}");
    }

    fn url(&self, key: &str, at: DateTime<Utc>) -> SecretString {
        self.signer.presign("PUT", &format!("/bucket/{key}"), at, 900).into()
    }

    fn object(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path().join("bucket").join(key)).ok()
    }
}

async fn put(url: &SecretString, content: &[u8]) -> (u16, Vec<u8>) {
    let (_folder, path) = file(content);
    let answer = client(fast_http()).put_file(url, &path, content.len() as u64, |_| {}).await.unwrap();
    let Answer::Reply { status, body, web_page: false, .. } = answer else { panic!("{answer:?}") };
    (status, body)
}

#[tokio::test]
#[ignore = "needs the program s3s-fs"]
async fn a_real_s3_server_takes_the_file_byte_for_byte_and_refuses_what_s3_refuses() {
    let s3 = S3::start().await;
    let now = Utc::now();
    for (key, size) in [("small.jsonl.gz", 1), ("a file+é.jsonl.gz", 300_000), ("big.jsonl.gz", 40_000_000)] {
        let content = bytes(size);
        let (status, body) = put(&s3.url(key, now), &content).await;
        assert_eq!(status, 200, "{key}: {}", String::from_utf8_lossy(&body));
        assert!(s3.object(key) == Some(content), "{key} arrived otherwise");
    }

    // The same file to the same URL is harmless.
    let url = s3.url("twice", now);
    assert_eq!((put(&url, &bytes(1_000)).await.0, put(&url, &bytes(1_000)).await.0), (200, 200));
    assert_eq!(s3.object("twice"), Some(bytes(1_000)));

    let (status, body) = put(&s3.url("late", now - TimeDelta::minutes(20)), &bytes(10)).await;
    assert!(is_expired_upload(status, &body), "{status} {}", String::from_utf8_lossy(&body));

    let wrong = Signer { secret: "another".into(), ..s3.signer.clone() };
    let (status, body) = put(&wrong.presign("PUT", "/bucket/wrong", now, 900).into(), &bytes(10)).await;
    assert_eq!((status, storage_error(&body).unwrap().0.as_str()), (403, "SignatureDoesNotMatch"));

    // A URL for another method is not good for PUT.
    let (status, _) = put(&s3.signer.presign("GET", "/bucket/method", now, 900).into(), &bytes(10)).await;
    assert_eq!(status, 403);
    assert_eq!(["late", "wrong", "method"].map(|key| s3.object(key)), [None, None, None]);
}

/// What a job of several files leaves at the server, object by object, beside what it has sealed.
#[test]
#[ignore = "needs the program s3s-fs"]
fn what_a_whole_job_uploads_lies_at_a_real_s3_server_byte_for_byte() {
    let s3 = tokio::runtime::Runtime::new().unwrap().block_on(S3::start());
    let mut project = TestProject::small();
    project.write("jobs/core.yaml", job("  split: {max_rows: 400}\n  concurrency: 4\n"));
    let row = |n: usize| format!("u-{},t-{n},{}.25,SHOP \u{e9} {n},2025-01-01T10:00:00Z\n", n % 7, n % 900 + 1);
    let source: String = (0..2_000).map(row).collect();
    project.write("data/core-2025-01-01.csv", format!("user,id,amount,text,at\n{source}"));
    let storage = ObjectStorage {
        endpoint: s3.signer.endpoint.clone(),
        bucket: "bucket".to_owned(),
        access_key: s3.signer.key.clone(),
        secret_key: s3.signer.secret.clone(),
        region: s3.signer.region.clone(),
    };
    project.serve_beside(storage.clone());
    project.run(&["run", "core", "--period", "2025-01-01"]).ended_with(0);

    let sealed = sealed_files(&project, "2025-01-01");
    assert_eq!(sealed.len(), 5);
    let sessions = project.provider().uploads();
    assert_eq!(sessions.len(), 5);
    for session in sessions {
        let object = std::fs::read(s3.folder.path().join(&storage.path(&session)[1..])).unwrap();
        let file = sealed.iter().find(|file| file.ends_with(&session.filename)).expect("it is sealed");
        assert!(object == std::fs::read(file).unwrap(), "{} arrived otherwise", session.filename);
        // The sandbox saw none of it.
        assert_eq!((session.puts, session.object), (0, None));
    }
}
