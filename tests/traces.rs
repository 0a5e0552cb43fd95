//! Traces to a collector: the tree of spans of a run, what is in none of them, and nothing at all without a collector.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tieout::spans::template;

use crate::support::effect_project::{self, AUDITS, FAST};
use crate::support::http_listener::{HttpListener, Post, Reaction};
use crate::support::project::{DAY, Output, TestProject};

/// The variables that could be set where the tests run.
const VARIABLES: [&str; 10] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "TRACEPARENT",
    "TRACESTATE",
];

fn run(project: &TestProject, variables: &[(&str, &str)]) -> Output {
    let mut command = project.command(&["run", "rewards", "--period", DAY]);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.envs(variables.iter().copied());
    project.ended(command.spawn().unwrap())
}

/// What the collector was sent: attributes of the resource, and all spans.
#[track_caller]
fn collected(posts: &[Post]) -> (BTreeMap<String, String>, Vec<Span>) {
    let (mut resource, mut spans) = (BTreeMap::new(), Vec::new());
    for post in posts {
        assert_eq!((post.method.as_str(), post.path.as_str()), ("POST", "/v1/traces"));
        assert_eq!(post.header("content-type"), "application/x-protobuf");
        for of_resource in ExportTraceServiceRequest::decode(post.body.as_slice()).unwrap().resource_spans {
            for pair in of_resource.resource.unwrap().attributes {
                resource.insert(pair.key, words(pair.value.unwrap().value.unwrap()));
            }
            spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    (resource, spans)
}

fn words(value: Value) -> String {
    match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    }
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let pairs = span.attributes.clone().into_iter();
    pairs.map(|pair| (pair.key, words(pair.value.unwrap().value.unwrap()))).collect()
}

#[track_caller]
fn only<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} in {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    found[0]
}

/// The names of the spans directly below one.
fn below<'s>(spans: &'s [Span], parent: &Span) -> BTreeSet<&'s str> {
    spans.iter().filter(|span| span.parent_span_id == parent.span_id).map(|span| span.name.as_str()).collect()
}

#[test]
fn a_run_is_a_span_with_its_stages_and_each_call_stands_below_its_stage() {
    let collector = HttpListener::start(&[]);
    let project = effect_project::project(&[FAST, AUDITS].concat(), "");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url("")),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=acme".to_owned()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test".to_owned()),
        ("TRACEPARENT", parent.to_owned()),
    ];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    run(&project, &variables).ended_with(0);
    let posts = collector.take();
    assert!(posts.iter().all(|post| post.header("x-tenant") == "acme"));
    let (resource, spans) = collected(&posts);
    assert_eq!((&*resource["service.name"], &*resource["deployment.environment"]), ("tieout", "test"));
    let root = only(&spans, "run rewards");
    assert_eq!(
        u128::from_be_bytes(root.trace_id.clone().try_into().unwrap()),
        0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736
    );
    assert_eq!(u64::from_be_bytes(root.parent_span_id.clone().try_into().unwrap()), 0x00f0_67aa_0ba9_02b7);
    assert!(spans.iter().all(|span| span.trace_id == root.trace_id), "one trace");
    let told = attributes(root);
    for (name, value) in
        [("tieout.job", "rewards"), ("tieout.period", DAY), ("tieout.attempt", "1"), ("tieout.exit_code", "0")]
    {
        assert_eq!(told[name], value, "{name}");
    }
    let stages = ["classify", "match", "plan", "pull", "read", "report", "send"];
    assert_eq!(below(&spans, root), stages.into(), "and nothing else");
    let list = "GET /v2/issuers/{}/files/metadata";
    assert_eq!(below(&spans, only(&spans, "pull")), ["GET /{}/{}", "POST /v2/auth/token", list].into());
    let audit = "POST /v2/issuers/{}/users/{}/audits";
    assert!(below(&spans, only(&spans, "send")).contains(audit), "{:?}", below(&spans, only(&spans, "send")));
    let call = attributes(only(&spans, list));
    assert_eq!((&*call["http.request.method"], &*call["http.response.status_code"]), ("GET", "200"));
    assert_eq!((&*call["server.address"], &*call["url.template"]), ("127.0.0.1", "/v2/issuers/{}/files/metadata"));
    let all = format!("{spans:?}");
    for id in ["u-1", "u-2", "t-2", "org-", "settled-", "pageSize", "TEST_", "Bearer"] {
        assert!(!all.contains(id), "{id} in a trace");
    }
    let status = |span: &Span| span.status.clone().map_or(0, |status| status.code);
    assert!(spans.iter().all(|span| status(span) == 0), "no error");
}

#[test]
fn a_run_that_fails_is_sent_as_well_with_its_code() {
    let collector = HttpListener::start(&[]);
    let mut project = TestProject::small();
    project.stop_provider();
    let traces = collector.url("/v1/traces");
    let named = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str()), ("OTEL_SERVICE_NAME", "nightly")];
    run(&project, &named).ended_with(69);
    let (resource, spans) = collected(&collector.take());
    assert_eq!(resource["service.name"], "nightly");
    let root = only(&spans, "run rewards");
    assert_eq!(attributes(root)["tieout.exit_code"], "69");
    assert_eq!(root.status.clone().unwrap().code, 2, "an error");
    assert!(root.parent_span_id.is_empty());
    let calls: Vec<&Span> = spans.iter().filter(|span| span.name == "POST /v2/auth/token").collect();
    assert_eq!(calls.len(), 3, "a span an attempt");
    assert!(calls.iter().all(|call| call.status.clone().unwrap().code == 2));
    assert!(calls.iter().all(|call| !attributes(call).contains_key("http.response.status_code")));
}

#[test]
fn nothing_is_sent_without_a_collector_or_when_it_is_switched_off() {
    let collector = HttpListener::start(&[]);
    let project = TestProject::small();
    let plain = run(&project, &[]).ended_with(0);
    run(&project, &[("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]).ended_with(0);
    let url = collector.url("");
    run(&project, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_SDK_DISABLED", "true")]).ended_with(0);
    run(&project, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "  ")]).ended_with(0);
    assert!(collector.received().is_empty());
    assert!(!plain.stderr.contains("trace"), "{}", plain.stderr);
}

#[test]
fn a_collector_that_fails_or_says_nothing_delays_no_run_by_more_than_a_bound() {
    let project = TestProject::small();
    let silence = Reaction::Silence(Duration::from_mins(1));
    for reactions in [vec![silence; 20], vec![Reaction::Answer(500); 20]] {
        let collector = HttpListener::start(&reactions);
        let url = collector.url("");
        let begun = Instant::now();
        run(&project, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).ended_with(0);
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        assert!(!collector.received().is_empty());
    }
}

#[test]
fn the_log_shows_no_span() {
    let collector = HttpListener::start(&[]);
    let project = TestProject::small();
    let url = collector.url("");
    for more in [&["-vv"][..], &["--log-format", "json"]] {
        let mut command = project.command(&[&["run", "rewards", "--period", DAY], more].concat());
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
        let ended = project.ended(command.spawn().unwrap()).ended_with(0);
        assert!(!ended.stderr.contains("otel.name") && !ended.stderr.contains("tieout.stage"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("\"span\""), "{}", ended.stderr);
    }
    let (_, spans) = collected(&collector.take());
    assert!(spans.iter().all(|span| !span.name.contains("v1/traces")), "the exporter does not trace itself");
}

#[test]
fn a_path_is_told_by_the_words_that_are_published() {
    let table = [
        ("/v2/issuers/org-1/files/metadata", "/v2/issuers/{}/files/metadata"),
        ("/v2/issuers/org-1/users/Mara/audits", "/v2/issuers/{}/users/{}/audits"),
        ("/services/T1/B2/s3cret", "/{}/{}/{}/{}"),
        ("/", "/"),
        ("", ""),
    ];
    for (path, told) in table {
        assert_eq!(template(path), told, "{path}");
    }
}
