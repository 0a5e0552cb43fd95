//! Objects at a real S3-speaking server (see `.ci/s3`).

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tieout::exit::ExitCode;
use tieout::objects::{ObjectError, Place, Put, S3};

use crate::support::s3::{Act, Front, Server, keys, place, s3, settings};

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n * 31 % 251).unwrap()).collect()
}

async fn read(s3: &S3, key: &str) -> Result<Vec<u8>, ObjectError> {
    let mut read = Vec::new();
    let mut sink = |chunk: &[u8]| {
        read.extend_from_slice(chunk);
        Ok(())
    };
    s3.get(&place(key), Path::new("sink"), &mut sink).await?;
    Ok(read)
}

#[tokio::test]
#[ignore = "needs s3s-fs: .ci/s3"]
async fn a_bucket_of_more_objects_than_a_page_holds_is_listed_whole_and_in_order() {
    let server = Server::start();
    for number in 0..1_203 {
        server.lay(&format!("in/{number:04}.csv"), format!("{number}"));
    }
    server.lay("in2/other.csv", "not below the prefix");
    let front = Front::start(Some(server.address), |_| Act::Pass).await;
    let found = s3(front.address).list(&place("in/")).await.unwrap();
    let keys: Vec<String> = found.iter().map(|found| found.place.key().to_owned()).collect();
    assert_eq!(keys, (0..1_203).map(|number| format!("in/{number:04}.csv")).collect::<Vec<_>>());
    assert_eq!(found[1_202].bytes, 4);
    assert_eq!(front.seen().len(), 2, "one question a page");
    assert_eq!(s3(front.address).list(&place("none/")).await.unwrap(), []);
}

#[tokio::test]
#[ignore = "needs s3s-fs: .ci/s3"]
async fn an_object_is_written_once_read_back_and_removed() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let s3 = server.s3();
    for (key, length) in [("empty", 0), ("a/small file+\u{e9}.csv", 1_000), ("a/big", 3_000_000)] {
        let content = bytes(length);
        let put = Put::of(place(key), &file(&folder, "file", &content)).unwrap();
        s3.put(&put).await.unwrap();
        assert!(read(&s3, key).await.unwrap() == content, "{key} arrived otherwise");
        let found = s3.head(&place(key)).await.unwrap();
        assert_eq!((found.bytes, found.sha256.as_deref()), (length as u64, Some(put.sha256.as_str())), "{key}");

        let other = Put::of(place(key), &file(&folder, "other", b"other bytes")).unwrap();
        assert!(s3.put(&other).await.unwrap_err().is_there_already(), "{key}");
        assert!(read(&s3, key).await.unwrap() == content, "{key} was replaced");
        s3.delete(&place(key)).await.unwrap();
        assert!(read(&s3, key).await.unwrap_err().is_not_there());
        s3.delete(&place(key)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs s3s-fs: .ci/s3"]
async fn of_two_writers_at_once_exactly_one_wins_fifty_times() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let front = Front::start(Some(server.address), |_| Act::Pass).await;
    let mut won = [0, 0];
    for round in 0..50 {
        let key = format!("race/{round}");
        let writers = [0, 1].map(|writer| {
            let path = file(&folder, &format!("{writer}-{round}"), &bytes(500 + writer));
            let (s3, put) = (s3(front.address), Put::of(place(&key), &path).unwrap());
            tokio::spawn(async move { s3.put(&put).await })
        });
        let mut winner = None;
        for (number, writer) in writers.into_iter().enumerate() {
            match writer.await.unwrap() {
                Ok(()) => assert_eq!(winner.replace(number), None, "both won {key}"),
                Err(error) => assert!(error.is_there_already(), "{error:?}"),
            }
        }
        let winner = winner.expect("one of them wins");
        won[winner] += 1;
        assert_eq!(std::fs::read(server.path(&key)).unwrap(), bytes(500 + winner));
    }
    assert_eq!(won[0] + won[1], 50);
}

const PART: u64 = 5 << 20;

#[tokio::test]
#[ignore = "needs s3s-fs: .ci/s3"]
async fn a_big_file_goes_in_parts_and_is_written_once_too() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let front = Front::start(Some(server.address), |_| Act::Pass).await;
    let s3 = s3(front.address);
    let content = bytes(12_000_000);
    let put = Put { part_bytes: PART, ..Put::of(place("big"), &file(&folder, "big", &content)).unwrap() };
    s3.put(&put).await.unwrap();
    assert!(std::fs::read(server.path("big")).unwrap() == content, "it arrived otherwise");
    assert_eq!(s3.head(&place("big")).await.unwrap().sha256, Some(put.sha256.clone()));
    let parts = front.seen().iter().filter(|asked| asked.target.contains("partNumber=")).count();
    assert_eq!(parts, 3);
    let last =
        front.seen().into_iter().find(|asked| asked.method == "POST" && asked.target.contains("uploadId=")).unwrap();
    assert_eq!(last.header("if-none-match"), Some("*"));
    assert!(s3.put(&put).await.unwrap_err().is_there_already());
    // Somebody has been quicker between the first look and the end.
    server.lay("late", "the other's");
    let hidden = Front::start(Some(server.address), |asked| match asked.method.as_str() {
        "HEAD" => Act::Refuse(404, "NotFound"),
        _ => Act::Pass,
    });
    let hidden = hidden.await;
    let late = Put { place: place("late"), ..put };
    let error = crate::support::s3::s3(hidden.address).put(&late).await.unwrap_err();
    assert!(error.is_there_already(), "{error:?}");
    assert_eq!(std::fs::read(server.path("late")).unwrap(), b"the other's");
}

#[tokio::test]
#[ignore = "needs s3s-fs: .ci/s3"]
async fn a_big_file_that_does_not_arrive_whole_leaves_nothing() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let content = bytes(12_000_000);
    let put = Put { part_bytes: PART, ..Put::of(place("big"), &file(&folder, "big", &content)).unwrap() };
    let front = Front::start(Some(server.address), |asked| {
        if asked.target.contains("partNumber=2") { Act::Refuse(503, "SlowDown") } else { Act::Pass }
    });
    let front = front.await;
    let error = s3(front.address).put(&put).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::ProviderUnavailable, "{error}");
    assert!(read(&server.s3(), "big").await.unwrap_err().is_not_there());
    let given_up =
        front.seen().iter().filter(|asked| asked.method == "DELETE" && asked.target.contains("uploadId=")).count();
    assert_eq!(given_up, 1);

    // A file that changes while it is sent is not what it was said to be.
    let wrong = Put { sha256: "0".repeat(64), ..put.clone() };
    let error = server.s3().put(&wrong).await.unwrap_err();
    assert!(matches!(error, ObjectError::Damaged { .. }), "{error:?}");
    assert!(read(&server.s3(), "big").await.unwrap_err().is_not_there());
    server.s3().put(&put).await.unwrap();
    assert!(read(&server.s3(), "big").await.unwrap() == content);
}

#[tokio::test]
#[ignore = "needs s3s-fs: .ci/s3"]
async fn a_cut_connection_is_gone_on_with_and_the_bytes_are_whole() {
    let server = Server::start();
    let content = bytes(2_000_000);
    server.lay("a/b", &content);
    let front = Front::start(Some(server.address), |asked| match asked.number {
        1 => Act::Cut(700_001),
        2 => Act::Refuse(503, "SlowDown"),
        3 => Act::Cut(1),
        _ => Act::Pass,
    });
    let front = front.await;
    assert!(read(&s3(front.address), "a/b").await.unwrap() == content);
    let ranges: Vec<_> = front.seen().iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges.last().unwrap().as_deref(), Some("bytes=700002-"), "{ranges:?}");
}

#[tokio::test]
#[ignore = "needs s3s-fs: .ci/s3"]
async fn a_wrong_bucket_and_wrong_keys_are_told_apart() {
    let server = Server::start();
    let elsewhere = Place { bucket: "elsewhere".to_owned(), prefix: "a/".to_owned() };
    let error = server.s3().list(&elsewhere).await.unwrap_err();
    assert!(matches!(error, ObjectError::NoBucket { .. }), "{error:?}");
    assert_eq!(error.exit_code(), ExitCode::Configuration);
    let stranger = S3::with_keys(settings(server.address), keys("AKIASTRANGER"));
    let error = stranger.list(&place("a/")).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CredentialsRefused, "{error:?}");
    let expired = Front::start(Some(server.address), |_| Act::Refuse(400, "ExpiredToken")).await;
    let error = s3(expired.address).head(&place("a")).await.unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::CredentialsRefused, "{error:?}");
}
