//! The port of `tieout serve` for probes and metrics, and `tieout health`.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use tieout::journal::Journal;
use tieout::ops::{MOST_SINCE_LOOK, Port, Pulse};

use crate::schedule_plan::job_text;
use crate::support::exposition::{names, read, value_of};
use crate::support::project::TestProject;

/// A scheduler under way, and where it answers.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    fn start(project: &TestProject) -> Self {
        let mut process = project.command(&["serve", "--ops-bind", "127.0.0.1:0"]).spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "{said}");
            said.push_str(&line);
            if let Some((_, address)) = line.split_once("probes and metrics on http://") {
                break address.trim().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Self { process, address }
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        get(&self.address, path)
    }

    /// The metrics, as soon as one of these values is another than before.
    #[track_caller]
    fn metrics_with(&self, text: &str) -> String {
        for _ in 0..600 {
            let (status, kind, metrics) = self.get("/metrics");
            assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
            if metrics.contains(text) {
                return metrics;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("no {text} in\n{}", self.get("/metrics").2);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Seconds.
fn unix(time: DateTime<Utc>) -> f64 {
    (time - DateTime::UNIX_EPOCH).as_seconds_f64()
}

/// Status, content type and body.
fn get(address: &str, path: &str) -> (u16, String, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(get_within(address, path))
}

async fn get_within(address: &str, path: &str) -> (u16, String, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = client.get(format!("http://{address}{path}")).send().await.unwrap();
    let kind = reply.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    (reply.status().as_u16(), kind, reply.text().await.unwrap())
}

#[test]
fn a_scheduler_that_works_is_well_and_ready_and_its_metrics_say_what_its_runs_found() {
    let project = TestProject::empty();
    project.write("jobs/first.yaml", job_text("first", "day", "{cron: \"* * * * *\"}"));
    project.write("jobs/waits.yaml", job_text("waits", "day", "{cron: \"* * * * *\"}"));
    let today = Utc::now().date_naive();
    for back in 0..3 {
        let day = today - Days::new(back);
        project.write(&format!("data/file-{day}.csv"), "id,amount\na,1.00\nb,2.00\n");
        project.write(&format!("data/ledger-{day}.csv"), "id,amount\na,1.50\n");
    }
    let job = job_text("waits", "day", "{cron: \"* * * * *\"}").replace("ledger-", "nothing-");
    project.write("jobs/waits.yaml", job);
    let served = Served::start(&project);
    assert_eq!(served.get("/healthz"), (200, "text/plain; charset=utf-8".to_owned(), "ok\n".to_owned()));
    assert_eq!(served.get("/readyz").0, 200);
    assert_eq!(served.get("/nothing").0, 404);
    served.metrics_with("tieout_run_last_exit_code{tieout_job=\"first\"} 0\n");
    let metrics = read(&served.metrics_with("tieout_run_last_exit_code{tieout_job=\"waits\"} 75\n"));
    let of = |name: &str, labels: &[&str]| value_of(&metrics, name, labels);
    assert_eq!(of("tieout_run_last_rows", &["tieout_job=first", "side=file"]).to_bits(), 2_f64.to_bits());
    assert_eq!(of("tieout_run_last_rows", &["tieout_job=first", "side=ledger"]).to_bits(), 1_f64.to_bits());
    assert_eq!(of("tieout_run_last_breaks", &["tieout_job=first", "kind=amount_mismatch"]).to_bits(), 1_f64.to_bits());
    assert!(of("tieout_run_last_at_risk_minor_units", &["tieout_job=first", "currency=USD"]) >= 50.0);
    assert_eq!(of("tieout_periods_due", &["tieout_job=first"]).to_bits(), 0_f64.to_bits());
    assert_eq!(of("tieout_periods_due", &["tieout_job=waits"]).to_bits(), 1_f64.to_bits());
    let end = of("tieout_last_finished_period_end_timestamp_seconds", &["tieout_job=first"]);
    let midnight = unix(today.and_hms_opt(0, 0, 0).unwrap().and_utc());
    assert!([midnight, midnight + 86_400.0].iter().any(|time| (time - end).abs() < 0.5), "{end}");
    let now = unix(Utc::now());
    let ended = of("tieout_run_last_end_timestamp_seconds", &["tieout_job=first"]);
    assert!((now - ended).abs() < 300.0 && of("tieout_run_last_duration_seconds", &["tieout_job=first"]) < 300.0);
    assert!((now - of("tieout_scheduler_last_look_timestamp_seconds", &[])).abs() < 120.0);
    assert!(names(&metrics).contains("tieout_build_info"));
    let health = project.run(&["health", "--ops-bind", &served.address]).ended_with(0);
    assert_eq!(health.stdout, "ok\n");
}

#[test]
fn health_says_when_nobody_answers_or_nobody_said_where() {
    let project = TestProject::empty();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let silent = project.run(&["health", "--ops-bind", &closed]).ended_with(1);
    assert!(silent.stdout.starts_with(&format!("nobody answers on {closed}: no connection")), "{}", silent.stdout);
    let unsaid = project.run(&["health"]).ended_with(78);
    assert!(unsaid.error().starts_with("tieout.yaml says nothing of `ops:"), "{}", unsaid.error());
}

#[test]
fn an_address_that_is_taken_is_told_at_once() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let project = TestProject::empty();
    let refused = project.run(&["serve", "--ops-bind", &address]).ended_with(78);
    assert!(refused.error().starts_with(&format!("cannot answer probes on {address} (`ops: bind:`)")), "{refused:?}");
}

#[tokio::test]
async fn a_scheduler_that_hangs_is_not_well_and_one_that_stops_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::open(&folder.path().join("state.db")).await.unwrap());
    let pulse = Arc::new(Pulse::default());
    let port = Port::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = port.address().to_string();
    tokio::spawn(port.serve(journal, pulse.clone(), std::future::pending()));
    pulse.looked(Utc::now() - MOST_SINCE_LOOK - TimeDelta::seconds(5), [].into());
    let (status, _, said) = get_within(&address, "/healthz").await;
    assert_eq!(status, 503);
    assert!(said.starts_with("the scheduler has not looked for 18"), "{said}");
    pulse.looked(Utc::now(), [].into());
    assert_eq!(get_within(&address, "/healthz").await.0, 200);
    pulse.stopping();
    assert_eq!((get_within(&address, "/healthz").await.0, get_within(&address, "/readyz").await.0), (200, 503));
}
