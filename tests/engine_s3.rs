//! A cluster that reads the raw files in the bucket itself, held against runs that know of none (see `.ci/engine`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::support::pod::Pods;
use crate::support::project::{DAY, Output, TestProject, settled};
use crate::support::s3::{ACCESS_KEY, Act, Asked, Front, SECRET_KEY};

/// Enough for a file to be read in several pieces.
const ROWS: u32 = 200_000;

/// Rows of the small job; in the ledger every thousandth amount differs, and the last row is another.
fn day(is_ledger: bool) -> String {
    let mut text = "id,amount,currency,at\n".to_owned();
    for row in 0..ROWS {
        let cents = if is_ledger && row % 1_000 == 0 { 51 } else { 50 };
        let id = if is_ledger && row + 1 == ROWS { ROWS } else { row };
        let _ = writeln!(text, "transaction-of-that-day-{id:09},{}.{cents},USD,2025-03-19T10:00:00Z", row % 500);
    }
    text
}

/// What differs in the ledger, both of whose rows are left, and the last row of each side.
const LEFT: u32 = 2 * (ROWS / 1_000) + 2;

/// Sail (`TIEOUT_SAIL`), which finds the bucket at this address; it ends with this.
struct Sail {
    process: Child,
    port: u16,
}

impl Drop for Sail {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sail {
    fn start(store: SocketAddr) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = std::env::var("TIEOUT_SAIL").unwrap_or_else(|_| "sail".to_owned());
        let process = Command::new(&program)
            .args(["spark", "server", "--ip", "127.0.0.1", "--port", &port.to_string()])
            .envs([("SAIL_MODE", "local"), ("SAIL_OPTIMIZER__PREFER_HASH_JOIN", "false")])
            .envs([("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)])
            .envs([("AWS_REGION", "us-east-1"), ("AWS_ALLOW_HTTP", "true")])
            .env("AWS_ENDPOINT", format!("http://{store}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start ({error}): see .ci/engine"));
        let sail = Self { process, port };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return sail;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{program} does not listen on port {port}");
    }
}

/// A day whose artifacts are in a bucket, and what a run without a cluster makes of it.
struct Day {
    pods: Pods,
    alone: BTreeMap<String, Vec<u8>>,
    runtime: Runtime,
}

impl Day {
    fn new() -> Self {
        let project = TestProject::new(&[settled(day(false).as_bytes())], "");
        project.write("data/ledger-2025-03-19.csv", day(true));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut day = Self { pods: Pods::of(project), alone: BTreeMap::new(), runtime };
        day.run();
        day.alone = day.report();
        let names: Vec<&str> = day.alone.keys().map(String::as_str).collect();
        assert!(names.contains(&"breaks.csv") && names.contains(&"summary.json"), "{names:?}");
        day
    }

    fn run(&self) -> Output {
        let at = "2025-03-20T06:00:00Z";
        self.pods.run(&["run", "rewards", "--period", DAY, "--run-time", at]).ended_with(0)
    }

    /// The files of the first attempt.
    fn report(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = format!("kept/rewards/{DAY}/1/");
        let keys = self.pods.server.keys(&folder);
        keys.iter()
            .map(|key| (key[folder.len()..].to_owned(), std::fs::read(self.pods.server.path(key)).unwrap()))
            .collect()
    }

    /// The same period for the first time, with a cluster. `act`: what becomes of its requests to the bucket, of which it
    /// is told whose process they are.
    fn again(&self, act: impl Fn(&Asked, u32) -> Act + Send + Sync + 'static) -> (Output, Front, Sail) {
        std::fs::remove_dir_all(self.pods.project.path(".tieout")).unwrap();
        std::fs::remove_dir_all(self.pods.server.path("kept")).unwrap();
        let process = Arc::new(AtomicU32::new(0));
        let known = Arc::clone(&process);
        let act = move |asked: &Asked| act(asked, known.load(Ordering::SeqCst));
        let front = self.runtime.block_on(Front::start(Some(self.pods.server.address), act));
        let sail = Sail::start(front.address);
        process.store(sail.process.id(), Ordering::SeqCst);
        let text = String::from_utf8(self.pods.project.read("tieout.yaml")).unwrap();
        let engine = format!("engine: {{type: spark, address: \"sc://127.0.0.1:{}\", from: 1B}}\n", sail.port);
        self.pods.project.write("tieout.yaml", text + &engine);
        (self.run(), front, sail)
    }

    fn assert_same(&self) {
        let report = self.report();
        assert_eq!(self.alone.keys().collect::<Vec<_>>(), report.keys().collect::<Vec<_>>());
        for (name, bytes) in &self.alone {
            assert!(*bytes == report[name], "{name} is another one");
        }
    }
}

#[test]
#[ignore = "needs s3s-fs and Sail: .ci/engine"]
fn a_cluster_that_reads_the_bucket_itself_changes_no_byte_of_a_report() {
    let day = Day::new();
    let (told, front, _sail) = day.again(|_, _| Act::Pass);
    let words = format!("the cluster leaves {LEFT} rows to look at, {} need none", 2 * ROWS - LEFT);
    assert!(told.stderr.contains(&words), "{}", told.stderr);
    day.assert_same();
    let seen = front.seen();
    let raw = day.pods.server.keys(&format!("kept/rewards/{DAY}/raw"));
    assert_eq!(raw.len(), 2, "{raw:?}");
    for key in raw {
        let read = |asked: &&Asked| asked.method == "GET" && asked.target.contains(&key);
        assert!(seen.iter().any(|asked| read(&asked)), "nobody read {key}");
    }
}

#[test]
#[ignore = "needs s3s-fs and Sail: .ci/engine"]
fn a_cluster_that_may_not_read_the_bucket_leaves_the_comparison_to_this_machine() {
    let day = Day::new();
    let (told, front, _sail) = day.again(|_, _| Act::Refuse(403, "AccessDenied"));
    assert!(told.stderr.contains("compared here, since the cluster was no help"), "{}", told.stderr);
    assert!(!front.seen().is_empty());
    day.assert_same();
}

#[test]
#[ignore = "needs s3s-fs and Sail: .ci/engine"]
fn a_cluster_that_is_gone_in_the_middle_leaves_the_comparison_to_this_machine() {
    let day = Day::new();
    let (told, front, mut sail) = day.again(|_, sail| {
        assert!(Command::new("kill").args(["-KILL", &sail.to_string()]).status().unwrap().success());
        Act::Drop
    });
    assert!(told.stderr.contains("compared here, since the cluster was no help"), "{}", told.stderr);
    assert_eq!(front.seen().len(), 1);
    assert!(sail.process.wait().unwrap().code().is_none());
    day.assert_same();
}
