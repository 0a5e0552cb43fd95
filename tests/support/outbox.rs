//! A project whose job sends, its source, and what of it stands at the provider.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;
use tieout::sandbox::{Received, UploadSession};

use super::Sample;
use super::project::{DAY, Output, TestProject};
use super::write_samples;

/// The log to which the provider writes what became of bulk files.
pub(crate) const LOG: &str = "data/notifications.jsonl";

/// What all three ways have: the source, and where most of the fields come from.
const SOURCE: &str = "  source: {path: \"core-{period}.csv\", known_columns: []}\n  columns:\n    userId: user\n    \
                      transactionId: txn\n    amount: {column: amount, unit: major}\n    currency: {constant: USD}\n    \
                      description: text\n    direction: {constant: DEBIT}\n    status: {constant: SETTLED}\n    \
                      authorizationDate: at\n    settledDate: at\n";
/// What events of cards state besides.
const CARD: &str =
    "    transactionDate: at\n    cardBIN: {constant: \"411111\"}\n    cardLastFour: {constant: \"4321\"}\n";

/// `confirm:` that looks into [`LOG`] once.
pub(crate) const CONFIRM: &str = "  confirm: {path: \"notifications*.jsonl*\", verify: kard, within: 24h}\n";

fn job(block: &str, card: &str, more: &str) -> String {
    let report = "report: [csv, json]\n";
    format!("job: core\nperiod: {{grain: day, timezone: UTC}}\n{block}{SOURCE}{card}{more}{report}")
}

/// Bulk files of core-banking rows; `more` is indented by two.
pub(crate) fn upload(more: &str) -> String {
    let block = "upload:\n  provider: kard\n  file_type: incomingTransactionsFile\n";
    job(block, "", more)
}

/// Calls of card events, as fast as the machine.
pub(crate) fn incoming(more: &str) -> String {
    job("incoming:\n  provider: kard\n  record: transaction\n  rate: 1000/s\n", CARD, more)
}

/// The past of users, as fast as the machine.
pub(crate) fn historical(more: &str) -> String {
    job("historical:\n  provider: kard\n  rate: 1000/s\n", CARD, more)
}

/// The header of every source here.
const HEADER: &str = "txn,user,amount,text,at\n";

/// A row of the source: `row("t-1", "user-1")` is of 1.25 at 10:00.
pub(crate) fn row(transaction: &str, user: &str) -> String {
    format!("{transaction},{user},1.25,SHOP 12,{DAY}T10:00:00Z\n")
}

/// A source of these rows.
pub(crate) fn source(rows: &[String]) -> String {
    format!("{HEADER}{}", rows.concat())
}

/// A source of so many rows of one user, `t-1` on line 2.
pub(crate) fn many(count: usize) -> String {
    source(&(1..=count).map(|number| row(&format!("t-{number}"), "user-1")).collect::<Vec<_>>())
}

/// A project with this job and this source, and a provider that does this wrong.
pub(crate) fn project(job: &str, rows: &str, faults: &str) -> TestProject {
    let mut project = TestProject::empty();
    serve(&mut project, faults, 5_000_000_000);
    project.write("jobs/core.yaml", job);
    project.write(&format!("data/core-{DAY}.csv"), rows);
    project
}

/// A new provider that knows nothing yet, takes no larger file than this, and writes to [`LOG`].
pub(crate) fn serve(project: &mut TestProject, faults: &str, most_bytes: u64) {
    let folder = project.path("provider");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(project.path("data")).unwrap();
    let nothing: [Sample; 0] = [];
    write_samples(&folder, &nothing);
    let log = project.path(LOG);
    project.serve_as(&folder, faults, |options| {
        options.notifications = Some(log);
        options.object_limit = most_bytes;
    });
}

/// `tieout run core --period DAY` and more; everything that it sent is processed when this returns.
pub(crate) fn run(project: &TestProject, more: &[&str]) -> Output {
    let ended = project.run(&[&["run", "core", "--period", DAY], more].concat());
    project.provider_idle();
    ended
}

/// One effect as `tieout effects` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
}

/// Every effect in the journal.
pub(crate) fn effects(project: &TestProject) -> Vec<Listed> {
    let listed = project.run(&["effects", "core", "--format", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap_or_else(|error| panic!("{error}: {listed:?}"));
    let text = |effect: &Value, field: &str| effect[field].as_str().unwrap_or_default().to_owned();
    let effect = |effect: &Value| Listed {
        id: text(effect, "effect"),
        name: text(effect, "transaction"),
        kind: text(effect, "kind"),
        state: text(effect, "state"),
    };
    listed.iter().map(effect).collect()
}

/// How many effects are in which state.
pub(crate) fn states(project: &TestProject) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for effect in effects(project) {
        *states.entry(effect.state).or_default() += 1;
    }
    states
}

/// The same, written down: `acknowledged 2, approved 1`.
pub(crate) fn stand(project: &TestProject) -> String {
    let states = states(project);
    states.iter().map(|(state, count)| format!("{state} {count}")).collect::<Vec<_>>().join(", ")
}

/// `approve --all` for an attempt.
pub(crate) fn approve(project: &TestProject, attempt: u32) -> Output {
    let run = format!("core/{DAY}/{attempt}");
    project.run(&["approve", "--all", "--run", &run, "--comment", "seen", "--by", "Mara Lind"])
}

/// The sessions of bulk files at the provider, in their order.
pub(crate) fn uploads(project: &TestProject) -> Vec<UploadSession> {
    project.provider().uploads()
}

/// The lines of a bulk file as it lies at the provider: one gzip stream of one member.
pub(crate) fn lines(session: &UploadSession) -> Vec<Value> {
    let stored = session.object.as_ref().unwrap_or_else(|| panic!("nothing came: {session:?}"));
    let bytes = std::fs::read(&stored.path).unwrap();
    // A decoder of one member: what stood behind it would be left over.
    let mut decoder = GzDecoder::new(&bytes[..]);
    let mut text = String::new();
    decoder.read_to_string(&mut text).unwrap();
    assert!(decoder.into_inner().is_empty(), "more than one gzip member");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Of some lines: the text of an attribute.
pub(crate) fn attributes(lines: &[Value], name: &str) -> Vec<String> {
    let text = |line: &Value| match &line["attributes"][name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    lines.iter().map(text).collect()
}

/// Event ids.
pub(crate) fn ids(lines: &[Value]) -> Vec<String> {
    lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

/// The requests to the provider whose path holds this.
pub(crate) fn requests(project: &TestProject, part: &str) -> Vec<Received> {
    project.received().into_iter().filter(|request| request.path.contains(part)).collect()
}

/// The rows in the body of a call.
pub(crate) fn rows_of(request: &Received) -> Vec<Value> {
    let body: Value = serde_json::from_str(request.body.as_deref().expect("the body is kept")).unwrap();
    body["data"].as_array().unwrap().clone()
}

/// What the provider took: how many events, and how often the one that came most often came.
pub(crate) fn taken(project: &TestProject) -> (usize, u32) {
    let ingested = project.provider().ingested();
    assert!(ingested.events().all(|event| event.other_content == 0), "an id came with another content");
    (ingested.len(), ingested.events().map(|event| event.times).max().unwrap_or(0))
}

/// The amount that a run's statement ends with, and the labels and amounts of its lines.
pub(crate) fn bridge(project: &TestProject, attempt: u32) -> (i64, Vec<(String, i64)>, i64) {
    let summary = project.summary(&format!("core/{DAY}/{attempt}"));
    assert_eq!(summary["verdict"]["ties_out"], true, "{summary:#}");
    let bridges = summary["statement"]["bridges"].as_array().unwrap();
    assert_eq!(bridges.len(), 1, "{bridges:?}");
    let minor = |value: &Value| value.as_str().unwrap().parse::<i64>().unwrap();
    let line = |line: &Value| (line["label"].as_str().unwrap().to_owned(), minor(&line["amount_minor"]));
    let bridge = &bridges[0];
    assert_eq!(bridge["residual_minor"], "0");
    let lines = bridge["lines"].as_array().unwrap().iter().map(line).collect();
    (minor(&bridge["left_total_minor"]), lines, minor(&bridge["right_total_minor"]))
}

/// What a run's summary says: why it sent no more, and what it holds back.
pub(crate) fn ended(project: &TestProject, attempt: u32) -> String {
    let effects = &project.summary(&format!("core/{DAY}/{attempt}"))["effects"];
    format!("stopped: {}; held: {}", effects["stopped"], effects["held"])
}

/// These columns of a run's `breaks.csv`, sorted.
pub(crate) fn cells(project: &TestProject, attempt: u32, columns: &[&str]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(project.path(&format!("runs/core/{DAY}/{attempt}/breaks.csv"))).unwrap();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let mut cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect();
    cells.sort();
    cells
}

/// Key and kind of a run's breaks.
pub(crate) fn breaks(project: &TestProject, attempt: u32) -> Vec<(String, String)> {
    let rows = project.breaks(&format!("core/{DAY}/{attempt}"));
    rows.into_iter().map(|[key, kind, ..]| (key, kind)).collect()
}
