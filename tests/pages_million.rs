//! Pages over a run of a million breaks: how long until the first byte, and how much comes. For `benches/pages.sh`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use tieout::breaks::{Break, BreakKind, BreakStatus};
use tieout::exit::ExitCode;
use tieout::job::ReportFormat;
use tieout::journal::{Ending, Journal, NewRun, RunOutcome, Step};
use tieout::project::Project;
use tieout::report::facts::Facts;
use tieout::report::write;
use tieout::review::desk::Desk;
use tieout::review::port::Port;

use crate::support::project::TestProject;
use crate::support::utc;
use crate::support_facts::{clean, found};

const BREAKS: usize = 1_000_000;
const RUN: &str = "rewards-daily/2025-03-19/1";

fn a_break(number: usize) -> Break {
    let kinds =
        [BreakKind::MissingInFile, BreakKind::AmountMismatch, BreakKind::RewardMissing, BreakKind::StatusMismatch];
    let minor = i64::try_from(number.wrapping_mul(7_919) % 1_000_003).expect("a small number");
    let currency = ["USD", "EUR", "JPY"][number % 3];
    let mut one = found(kinds[number * kinds.len() / BREAKS], &format!("txn-20250319-{number:08}"), currency, minor);
    one.id = format!("{:016x}", (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    one.status = BreakStatus::ALL[number % 7];
    one.age_days = i64::try_from(number % 40).expect("a small number");
    one
}

/// Milliseconds to the first byte and to the last, and how many bytes.
fn timed(port: std::net::SocketAddr, path: &str) -> (u128, u128, usize) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(port).expect("the pages answer");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("the pages listen");
    let mut bytes = vec![0; 1];
    stream.read_exact(&mut bytes).expect("a first byte");
    let first = begun.elapsed().as_millis();
    stream.read_to_end(&mut bytes).expect("to the end");
    assert!(bytes.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&bytes[..200.min(bytes.len())]));
    (first, begun.elapsed().as_millis(), bytes.len())
}

/// Memory that this process takes now, in MB.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")).collect::<Vec<_>>().join(", ")
}

async fn register(project: &Project) {
    let journal = Journal::open(&project.state).await.expect("the journal opens");
    let new = NewRun {
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        note: None,
        job_sha256: "f".repeat(64),
        program_version: "0.1.0".to_owned(),
        started_at: utc("2025-03-20T10:00:00Z"),
        sandbox: true,
        started_by: "tester".to_owned(),
        lease_epoch: None,
    };
    let run = journal.start_run(new).await.expect("it begins");
    for step in
        [Step::Pulled, Step::Normalized, Step::Matched, Step::Classified, Step::Planned, Step::Sent, Step::Reported]
    {
        journal.mark(&run, step, serde_json::Value::Null).await.expect("a step that follows");
    }
    let outcome = RunOutcome {
        ending: Ending::Done,
        exit_code: ExitCode::Done,
        breaks: Some(BREAKS as u64),
        rows: Some(BREAKS as u64),
        ties_out: Some(true),
        message: None,
        finished_at: utc("2025-03-20T10:10:00Z"),
        artifacts: Some(project.artifacts.join(RUN)),
    };
    journal.finish(&run, outcome).await.expect("it ends");
    journal.close().await.expect("it closes");
}

#[test]
#[expect(clippy::print_stdout, reason = "its numbers are what it is run for")]
#[ignore = "takes minutes and a gigabyte: benches/pages.sh"]
fn pages_over_a_million_breaks_are_made_in_bounded_time() {
    let folder = TestProject::empty();
    let root = folder.path("").canonicalize().expect("the folder");
    let project = Project::load(&root).expect("the project file is right");
    std::fs::create_dir_all(project.artifacts.join(RUN)).expect("the run's folder");
    {
        let facts = Facts { breaks: (0..BREAKS).map(a_break).collect(), ..clean() };
        write(&facts, &[ReportFormat::Parquet], &project.artifacts.join(RUN)).expect("the report is written");
    }
    println!(
        "breaks.parquet: {} bytes",
        std::fs::metadata(project.artifacts.join(RUN).join("breaks.parquet")).expect("it is there").len()
    );
    println!("written: {}", resident());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(register(&project));
    let journal = Arc::new(runtime.block_on(Journal::open(&project.state)).expect("the journal opens"));
    let port = runtime.block_on(Port::bind("127.0.0.1:0".parse().expect("an address"))).expect("a free port");
    let address = port.address();
    runtime.spawn(port.serve(Desk::new(project, journal), std::future::pending()));
    let base = format!("/runs/{RUN}/breaks");
    let one = format!("{base}/{}", a_break(777_777).id);
    for (what, path) in [
        ("first page, nothing read before", base.clone()),
        ("first page, again", base.clone()),
        ("last page", format!("{base}?page=10000")),
        ("one break", one),
        ("filtered, the index is made", format!("{base}?kind=amount_mismatch&status=open&min=100")),
        ("filtered, again", format!("{base}?kind=amount_mismatch&status=open&min=100")),
        ("sorted by amount", format!("{base}?sort=at_risk&dir=desc")),
        ("sorted by amount, page 5000", format!("{base}?sort=at_risk&dir=desc&page=5000")),
        ("sorted by key, last page", format!("{base}?sort=key&dir=asc&page=10000")),
        ("one key", format!("{base}?q=txn-20250319-00777777")),
    ] {
        let (first, last, bytes) = timed(address, &path);
        println!("{what:40} {first:>6} ms to the first byte, {last:>6} ms in all, {bytes:>7} bytes");
        assert!(bytes < 200_000, "{what}: a page that grows");
    }
    println!("after the pages: {}", resident());
}
