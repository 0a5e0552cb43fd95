//! The journal while its server goes away: restarted in the middle of writes, cut off before a commit is heard and
//! after, and away for longer than anybody waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use tieout::effects::EffectKind;
use tieout::exit::ExitCode;
use tieout::journal::{Journal, Writer};
use tieout::project::State;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::journal::{effect, proposed};
use crate::support::postgres::{Server, shared};

fn state(url: &str) -> State {
    State::parse(url, Path::new("/project")).unwrap()
}

fn marker(number: usize) -> (String, tieout::effects::Event) {
    proposed(&effect(EffectKind::FraudMarker, &format!("t-{number}"), 1))
}

/// What the proxy does to the next commit.
const PASS: u8 = 0;
/// The server never hears of it.
const CUT_BEFORE: u8 = 1;
/// The server has done it, and its answer is lost.
const CUT_AFTER: u8 = 2;

/// Stands between the journal and its server, and cuts the connection where it is told to.
struct Proxy {
    port: u16,
    next: Arc<AtomicU8>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            next: Arc::new(AtomicU8::new(PASS)),
            cuts: Arc::new(AtomicUsize::new(0)),
        };
        let (next, cuts) = (proxy.next.clone(), proxy.cuts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(passed(client, server, next.clone(), cuts.clone()));
            }
        });
        proxy
    }

    fn arm(&self, cut: u8) {
        self.next.store(cut, Ordering::SeqCst);
    }
}

/// Hands everything on until the connection is to be cut.
async fn passed(mut client: TcpStream, mut server: TcpStream, next: Arc<AtomicU8>, cuts: Arc<AtomicUsize>) {
    let (mut from_client, mut from_server) = ([0; 16_384], [0; 16_384]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return };
                let said = &from_client[..length];
                let is_commit = said.windows(7).any(|window| window == b"COMMIT\0");
                let cut = if is_commit { next.swap(PASS, Ordering::SeqCst) } else { PASS };
                if cut == CUT_BEFORE {
                    cuts.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                server.write_all(said).await.unwrap();
                if cut == CUT_AFTER {
                    // Its answer: it is committed. Nobody else hears of it.
                    assert!(server.read(&mut from_server).await.unwrap() > 0);
                    cuts.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&from_server[..length]).await.is_err() { return }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_commit_whose_answer_is_lost_is_neither_done_twice_nor_lost() {
    let server = shared();
    let database = server.database().await;
    let proxy = Proxy::start(server.port).await;
    let through = server.address(&database).replace(&format!(":{}/", server.port), &format!(":{}/", proxy.port));
    let journal = Journal::open(state(&through)).await.unwrap();
    let cuts = [CUT_AFTER, CUT_BEFORE, PASS, CUT_AFTER, CUT_AFTER, CUT_BEFORE, CUT_BEFORE, PASS];
    for (number, cut) in cuts.into_iter().cycle().take(40).enumerate() {
        proxy.arm(cut);
        let after = journal.append(Writer::Person, &[marker(number)]).await.unwrap();
        assert_eq!(after.len(), 1);
        assert_eq!(journal.anchor().await.unwrap().sequence, number as u64 + 1, "cut {cut} of write {number}");
    }
    assert_eq!(proxy.cuts.load(Ordering::SeqCst), 30, "every cut was made");
    assert_eq!(journal.commits(), 40);
    let verdict = journal.verify(&[]).await.unwrap();
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    assert_eq!((verdict.entries, verdict.effects), (40, 40));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn writes_and_reads_outlive_restarts_of_the_server_and_each_is_done_once() {
    let server = Arc::new(Server::start(&[]));
    let database = server.database().await;
    let state = state(&server.address(&database));
    let stop = Arc::new(AtomicBool::new(false));
    // Two processes' worth of writers: each has a connection of its own.
    let written = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let writers: Vec<_> = written
        .iter()
        .enumerate()
        .map(|(writer, written)| {
            let (state, stop, written) = (state.clone(), stop.clone(), written.clone());
            tokio::spawn(async move {
                let journal = Journal::open(&state).await.unwrap();
                while !stop.load(Ordering::SeqCst) {
                    let number = written.load(Ordering::SeqCst);
                    let after = journal.append(Writer::Person, &[marker(writer * 1_000_000 + number)]).await;
                    after.unwrap_or_else(|error| panic!("write {number} of {writer}: {error:?}"));
                    assert!(journal.anchor().await.unwrap().sequence > number as u64);
                    written.store(number + 1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    // Both are in the middle of it, before each restart and after the last.
    let both_go_on = async || {
        let before = written.each_ref().map(|count| count.load(Ordering::SeqCst));
        while written.iter().zip(before).any(|(count, before)| count.load(Ordering::SeqCst) < before + 5) {
            assert!(writers.iter().all(|writer| !writer.is_finished()), "a writer has failed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for mode in ["immediate", "fast", "immediate", "fast"] {
        both_go_on().await;
        let server = server.clone();
        tokio::task::spawn_blocking(move || server.control(&["restart", "-m", mode])).await.unwrap();
    }
    both_go_on().await;
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let written: usize = written.iter().map(|count| count.load(Ordering::SeqCst)).sum();
    let journal = Journal::open_read_only(&state).await.unwrap().unwrap();
    let verdict = journal.verify(&[]).await.unwrap();
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    assert_eq!((verdict.entries, verdict.effects), (written as u64, written as u64));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_server_that_stays_away_is_told_and_one_that_comes_back_is_used_again() {
    let server = Server::start(&[]);
    let database = server.database().await;
    let state = state(&server.address(&database));
    let journal = Journal::open(&state).await.unwrap().with_patience(Duration::from_secs(1));
    journal.append(Writer::Person, &[marker(1)]).await.unwrap();
    server.control(&["stop", "-m", "fast"]);
    for error in [
        journal.append(Writer::Person, &[marker(2)]).await.unwrap_err(),
        journal.anchor().await.unwrap_err(),
        Journal::open(&state).await.unwrap_err(),
    ] {
        assert_eq!(error.exit_code(), ExitCode::ProviderUnavailable, "{error:?}");
        let behind = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(
            behind,
            format!(
                "no connection to postgres://postgres@127.0.0.1:{}/{database}; check host and port, the network and \
                 whether the server runs",
                server.port
            )
        );
    }
    server.control(&["start"]);
    journal.append(Writer::Person, &[marker(2)]).await.unwrap();
    assert_eq!(journal.anchor().await.unwrap().sequence, 2);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_writer_that_is_kept_waiting_for_too_long_is_told_to_come_again() {
    let server = shared();
    let database = server.database().await;
    let state = state(&server.address(&database));
    let journal = Journal::open(&state).await.unwrap();
    let mut other = server.connect(&database).await;
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('tieout journal ' || current_schema(), 0))";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let refused = journal.append(Writer::Person, &[marker(1)]).await.unwrap_err();
    assert_eq!(refused.exit_code(), ExitCode::TryAgainLater, "{refused:?}");
    let behind = std::error::Error::source(&refused).unwrap().to_string();
    assert!(behind.contains("another process holds a lock, try again when it has ended"), "{behind}");
    // Readers wait for nobody.
    assert_eq!(journal.anchor().await.unwrap().sequence, 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    journal.append(Writer::Person, &[marker(1)]).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres"]
async fn a_write_that_is_stopped_in_the_middle_leaves_nothing_and_keeps_nobody_out() {
    let server = shared();
    let database = server.database().await;
    let state = state(&server.address(&database));
    let (journal, other) = (Journal::open(&state).await.unwrap(), Journal::open(&state).await.unwrap());
    let many: Vec<_> = (0..3_000).map(marker).collect();
    for wait in [1, 5, 20, 60] {
        let stopped = tokio::time::timeout(Duration::from_millis(wait), journal.append(Writer::Person, &many)).await;
        assert!(stopped.is_err(), "it was done within {wait} ms");
        let start = std::time::Instant::now();
        other.anchor().await.unwrap();
        other.try_writing().await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(journal.anchor().await.unwrap().sequence, 0);
    }
}
