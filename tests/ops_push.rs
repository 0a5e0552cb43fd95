//! The metrics of a run that has ended: pushed, and left in a file.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tieout::ops::metrics::METRICS;

use crate::support::exposition::{names, read, value_of};
use crate::support::http_listener::{HttpListener, Reaction};
use crate::support::project::TestProject;
use crate::support::watched::add;

#[test]
fn the_metrics_are_pushed_to_the_gateway_and_written_for_the_collector() {
    let gateway = HttpListener::start(&[]);
    let project = TestProject::small();
    let push = gateway.url("");
    add(&project, &format!("metrics: {{push: \"{push}\", textfile: \"metrics/tieout-{{job}}.prom\"}}\n"));
    project.run_day(&[]).ended_with(0);
    let posts = gateway.take();
    assert_eq!(posts.len(), 1, "{posts:?}");
    assert_eq!((posts[0].method.as_str(), posts[0].path.as_str()), ("PUT", "/metrics/job/tieout/tieout_job/rewards"));
    assert_eq!(posts[0].header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let pushed = String::from_utf8(posts[0].body.clone()).unwrap();
    let metrics = read(&pushed);
    assert!((value_of(&metrics, "tieout_run_last_exit_code", &["tieout_job=rewards"])).abs() < 0.5);
    let breaks = value_of(&metrics, "tieout_run_last_breaks", &["tieout_job=rewards", "kind=amount_mismatch"]);
    assert!((breaks - 1.0).abs() < 0.5);
    assert!(metrics.keys().all(|(_, labels)| !labels.contains_key("job")), "`job` is the gateway's");
    let known: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
    assert!(names(&metrics).iter().all(|name| known.contains(name)));
    let written = String::from_utf8(project.read("metrics/tieout-rewards.prom")).unwrap();
    assert_eq!(read(&written), metrics);
    let mode = std::fs::metadata(project.path("metrics/tieout-rewards.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "the collector is another user");
    assert_eq!(project.listing("metrics"), ["metrics/tieout-rewards.prom"], "nothing half-written is left");
}

#[test]
fn a_failed_run_pushes_its_code_and_a_gateway_that_fails_changes_nothing() {
    let gateway = HttpListener::start(&[Reaction::Answer(400), Reaction::Silence(Duration::ZERO)]);
    let mut project = TestProject::small();
    project.stop_provider();
    let push = gateway.url("");
    add(&project, &format!("metrics: {{push: \"{push}\", textfile: \"tieout.yaml/x.prom\"}}\n"));
    let refused = project.run_day(&[]).ended_with(69);
    assert!(refused.stderr.contains("the metrics are not pushed: status 400: ok"), "{}", refused.stderr);
    assert!(refused.stderr.contains("no metrics in "), "{}", refused.stderr);
    let broken = project.run_day(&[]).ended_with(69);
    assert!(broken.stderr.contains("the metrics are not pushed: "), "{}", broken.stderr);
    let metrics = read(std::str::from_utf8(&gateway.take()[1].body).unwrap());
    assert!((value_of(&metrics, "tieout_run_last_exit_code", &["tieout_job=rewards"]) - 69.0).abs() < 0.5);
    assert!(!names(&metrics).contains("tieout_run_last_breaks"), "no run has found any number of them");
}
