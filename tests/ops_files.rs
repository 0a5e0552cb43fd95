//! The dashboard and the alerts that ship: they ask for metrics that there are.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tieout::ops::metrics::METRICS;

fn shipped(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)).unwrap()
}

/// The words that look like metrics of ours, but for the label.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    words.filter(|word| word.starts_with("tieout_") && *word != "tieout_job").collect()
}

fn known() -> BTreeSet<&'static str> {
    METRICS.iter().map(|(name, _)| *name).collect()
}

#[test]
fn every_metric_of_the_dashboard_and_the_alerts_is_one_that_is_exported() {
    for path in ["grafana/tieout.json", "prometheus/alerts.yaml"] {
        let text = shipped(path);
        let unknown: Vec<_> = named(&text).difference(&known()).map(|name| (*name).to_owned()).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
    let shown = shipped("grafana/tieout.json");
    assert_eq!(named(&shown), known(), "the dashboard shows every one");
    assert!(named("rate(tieout_nothing_total{tieout_job=\"a\"}[5m])").contains("tieout_nothing_total"));
}

#[test]
fn the_dashboard_is_one_and_its_panels_ask_for_something() {
    let dashboard: Value = serde_json::from_str(&shipped("grafana/tieout.json")).unwrap();
    assert_eq!((&dashboard["uid"], &dashboard["title"]), (&"tieout".into(), &"tieout".into()));
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels {
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()));
        let place = &panel["gridPos"];
        assert!(place["x"].as_i64().unwrap() + place["w"].as_i64().unwrap() <= 24, "{place}");
        for target in panel["targets"].as_array().unwrap() {
            assert!(target["expr"].as_str().is_some_and(|asked| asked.contains("tieout_")), "{target}");
        }
    }
}

#[test]
fn every_alert_says_how_serious_it_is_and_what_to_do() {
    let (root, findings) = tieout::config::yaml::parse(&shipped("prometheus/alerts.yaml"));
    assert!(root.is_some() && findings.is_empty(), "{findings:?}");
    let text = shipped("prometheus/alerts.yaml");
    let alerts: Vec<&str> = text.split("      - alert: ").skip(1).collect();
    assert_eq!(alerts.len(), 8);
    for alert in alerts {
        for key in ["        expr: ", "        labels: {severity: ", "          summary: ", "          description: "] {
            assert_eq!(alert.matches(key).count(), 1, "{key}in {alert}");
        }
    }
}
