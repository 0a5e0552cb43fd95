//! What stands in each member. Pure: the same run and journal give the same bytes.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};

use super::{EVIDENCE_SCHEMA, RAW};
use crate::journal::{EffectHistory, Extract, InputRecord, RunRecord, Step, StepRecord};
use crate::report::gather::origin;
use crate::sign_off::{Standing as SignOff, validity};
use crate::text::csv_cell;

/// One file of the evidence.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(Vec<u8>),
    /// Packed as it lies there.
    File(PathBuf),
}

impl Member {
    pub(super) fn text(name: &str, text: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), content: Content::Text(text.into()) }
    }

    pub(super) fn file(name: impl Into<String>, path: PathBuf) -> Self {
        Self { name: name.into(), content: Content::File(path) }
    }
}

/// What is known of the run beside the journal's chain.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) run: RunRecord,
    pub(super) steps: Vec<StepRecord>,
    pub(super) inputs: Vec<InputRecord>,
    pub(super) last_finished: Option<String>,
    pub(super) report_digest: String,
    pub(super) extract: Extract,
}

fn pretty(document: &Value) -> Vec<u8> {
    format!("{document:#}\n").into_bytes()
}

/// A value of ours as JSON.
fn value(of: impl Serialize) -> Value {
    serde_json::to_value(of).expect("it is plain data with text keys")
}

/// `run.json`: how the run went, without where this machine keeps it.
pub(super) fn run(known: &Known) -> Vec<u8> {
    let mut run = value(&known.run);
    if let Value::Object(fields) = &mut run {
        fields.remove("artifacts");
    }
    let mut steps = value(&known.steps);
    without_places(&mut steps);
    let superseded_by = known.last_finished.as_ref().filter(|last| **last != known.run.id);
    pretty(&json!({
        "schema": EVIDENCE_SCHEMA,
        "run": run,
        "report_digest": known.report_digest,
        "superseded_by": superseded_by,
        "seal": known.extract.seal,
        "steps": steps,
    }))
}

/// Where this machine keeps files is nobody's business: their digests say which they are.
fn without_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("stored");
            fields.values_mut().for_each(without_places);
        }
        Value::Array(values) => values.iter_mut().for_each(without_places),
        _ => {}
    }
}

/// `inputs.csv`: what the run read, in its order.
pub(super) fn inputs(known: &Known, with_inputs: bool) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let header = ["side", "name", "origin", "sha256", "bytes", "rows", "member"];
    out.write_record(header).expect("memory takes every row");
    for input in &known.inputs {
        let file = &input.file;
        let member = if with_inputs { format!("{RAW}{}", file.sha256) } else { String::new() };
        let (bytes, rows, origin) = (file.bytes.to_string(), input.rows.to_string(), origin(file));
        let row = [input.side.name(), &csv_cell(&file.name), &csv_cell(&origin), &file.sha256, &bytes, &rows, &member];
        out.write_record(row).expect("memory takes every row");
    }
    out.into_inner().expect("memory takes every row")
}

/// `plan.json`: what the run wanted of the provider, and who has approved it.
pub(super) fn plan(known: &Known) -> Vec<u8> {
    let planned = known.steps.iter().find(|step| step.step == Step::Planned);
    let digest = planned.and_then(|step| step.detail["plan"].as_str()).filter(|digest| !digest.is_empty());
    let effects: Vec<Value> = match digest {
        Some(digest) => known.extract.effects.iter().filter_map(|effect| of_plan(effect, digest)).collect(),
        None => Vec::new(),
    };
    pretty(&json!({
        "plan": digest,
        "planned_at": planned.map(|step| step.at),
        "detail": planned.map(|step| &step.detail),
        "effects": effects,
    }))
}

/// An effect that this plan has proposed or kept, with the steps that name the plan.
fn of_plan(effect: &EffectHistory, plan: &str) -> Option<Value> {
    let events = effect.steps.iter().map(|step| (step, serde_json::from_str::<Value>(step.event.get())));
    let named: Vec<_> = events
        .filter_map(|(step, event)| Some((step, event.ok()?)))
        .filter(|(_, event)| event["plan"].as_str() == Some(plan))
        .map(|(step, event)| json!({ "sequence": step.sequence, "at": step.at, "event": event["event"], "by": event["by"] }))
        .collect();
    if named.is_empty() && effect.standing.plan != plan {
        return None;
    }
    let wanted = &effect.standing.effect;
    Some(json!({
        "effect": wanted.id,
        "kind": wanted.kind().name(),
        "transaction": wanted.transaction(),
        "steps": named,
    }))
}

/// `effects.jsonl`: each effect, where it stands, and every step of it with receipts: calls, digests of bodies, the
/// provider's ids and answers.
pub(super) fn effects(known: &Known) -> Vec<u8> {
    let mut lines = Vec::new();
    for effect in &known.extract.effects {
        #[derive(Serialize)]
        struct Line<'a> {
            effect: &'a str,
            standing: &'a crate::effects::Standing,
            steps: &'a [crate::journal::EffectStep],
        }
        let line = Line { effect: &effect.standing.effect.id, standing: &effect.standing, steps: &effect.steps };
        serde_json::to_writer(&mut lines, &line).expect("it is plain data with text keys");
        lines.push(b'\n');
    }
    lines
}

/// `sign-off.json`: the signatures under this report, and those under other attempts of the period.
pub(super) fn sign_off(known: &Known) -> Vec<u8> {
    let (own, others): (Vec<&SignOff>, Vec<&SignOff>) =
        known.extract.sign_offs.iter().partition(|standing| standing.run == known.run.id);
    let own = own.first().copied();
    let now = own.map(|own| validity(own, known.last_finished.as_deref(), Some(&known.report_digest)).words());
    pretty(&json!({
        "run": known.run.id,
        "report_digest": known.report_digest,
        "standing": own,
        "now": now,
        "other_attempts": others,
    }))
}

/// `anchor.json`: where the journal ended when the evidence was taken.
pub(super) fn anchor(known: &Known) -> Vec<u8> {
    pretty(&value(&known.extract.anchor))
}

/// `README.txt`, for an auditor.
pub(super) fn readme(known: &Known, whole_journal: bool) -> Vec<u8> {
    let anchor = &known.extract.anchor;
    let part = if whole_journal { WHOLE } else { PART };
    let signed = known.extract.sign_offs.iter().find(|standing| standing.run == known.run.id);
    let digest_signed = signed.map_or("nothing is signed", |standing| standing.digest.as_str());
    let text = include_str!("readme.txt")
        .replace("{run}", &known.run.id)
        .replace("{program}", &known.run.program_version)
        .replace("{report_digest}", &known.report_digest)
        .replace("{digest_signed}", digest_signed)
        .replace("{anchor}", &format!("{}:{}", anchor.sequence, anchor.hash))
        .replace("{journal_part}", part);
    text.into_bytes()
}

const PART: &str = "\
Entries about this period stand there in full: {\"hash\":H,\"entry\":{...}}. Of
every other entry there is only {\"sequence\":N,\"hash\":H}, because it is about
other periods. An entry in full proves the hash of the entry before it, whether
that one is in full or not. It does not prove what lies between two entries
that are not neighbours: who wants that proved asks for the evidence with
--whole-journal, or has `tieout evidence verify --against-journal` run.";

const WHOLE: &str = "\
All entries stand there in full: {\"hash\":H,\"entry\":{...}}. The chain is
proved from the first entry to the last.";
