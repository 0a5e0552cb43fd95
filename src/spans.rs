//! What traces tell of the work: a span a run, one a stage, one a call. They have a target of their own, so that the log
//! does not show them and nothing else gets into a trace. Without a collector they cost next to nothing.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use reqwest::Request;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of all spans.
pub const TARGET: &str = "otel";

/// The words of published paths. Whatever else stands in one is a name or an id, and in no trace.
const PATH_WORDS: [&str; 17] = [
    "v1",
    "v2",
    "auth",
    "token",
    "issuers",
    "files",
    "metadata",
    "fraud",
    "users",
    "audits",
    "transactions",
    "uploads",
    "parts",
    "complete",
    "subscriptions",
    "oauth2",
    "historical",
];

/// One run of a job. Its parent is what `TRACEPARENT` of the environment names, as W3C Trace Context writes it: whoever
/// starts the process may have begun a trace.
pub fn run(job: &str, period: &str) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "run",
        "otel.name" = format!("run {job}"),
        "otel.status_code" = Empty,
        "tieout.job" = job,
        "tieout.period" = period,
        "tieout.attempt" = Empty,
        "tieout.exit_code" = Empty,
    );
    let variables = ["traceparent", "tracestate"];
    let known: HashMap<String, String> = variables
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name.to_uppercase()).ok()?)))
        .collect();
    if !span.is_disabled() && !known.is_empty() {
        // Refused only where nobody collects traces.
        _ = span.set_parent(TraceContextPropagator::new().extract(&known));
    }
    span
}

/// Ends a run's span with its exit code.
pub fn run_ended(span: &Span, exit_code: u8) {
    span.record("tieout.exit_code", exit_code);
    if exit_code != 0 {
        span.record("otel.status_code", "ERROR");
    }
}

/// One stage of the present run.
pub fn stage(name: &'static str) -> Span {
    tracing::info_span!(target: TARGET, "stage", "otel.name" = name, "tieout.stage" = name)
}

/// One call over HTTP: where to, by the words of its path; no query, no id, no name.
pub fn call(request: &Request) -> Span {
    let template = template(request.url().path());
    tracing::info_span!(
        target: TARGET,
        "call",
        "otel.name" = format!("{} {template}", request.method()),
        "otel.kind" = "client",
        "otel.status_code" = Empty,
        "http.request.method" = %request.method(),
        "http.response.status_code" = Empty,
        "server.address" = request.url().host_str().unwrap_or_default(),
        "server.port" = request.url().port_or_known_default(),
        "url.template" = template,
    )
}

/// Ends a call's span; no status: no reply came.
pub fn call_ended(span: &Span, status: Option<u16>) {
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if status.is_none_or(|status| status >= 400) {
        span.record("otel.status_code", "ERROR");
    }
}

/// `/v2/issuers/org-1/files` → `/v2/issuers/{}/files`
pub fn template(path: &str) -> String {
    let segments =
        path.split('/').map(|segment| if segment.is_empty() || PATH_WORDS.contains(&segment) { segment } else { "{}" });
    segments.collect::<Vec<_>>().join("/")
}
