//! Checks a file of evidence by itself: that nothing was damaged, and that its parts say the same.

mod journal;
mod sums;

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::archive::Archive;
use super::chain::Chain;
use super::{EVIDENCE_SCHEMA, INPUTS, JOB, RAW, README, REPORT, RUN, SUMS};
use crate::digest::hex;
use crate::report::json::Summary;
use crate::report::{report_digest, sums as sums_of};
use crate::seals::life::Standing as Seal;
use crate::text::visible;

/// How one check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Well,
    /// Nothing is wrong, and a reader should know.
    Note,
    /// It is not as it was written.
    Wrong,
}

impl Mark {
    /// The name in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Note => "note",
            Self::Wrong => "WRONG",
        }
    }
}

/// One line of what checking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub mark: Mark,
    /// What was checked: `digests`, `journal`.
    pub what: &'static str,
    pub words: String,
}

type Checked = Result<(Mark, String), String>;

/// `run.json`, as far as it is checked.
#[derive(Debug, Deserialize)]
struct RunDocument {
    schema: String,
    run: RunPart,
    report_digest: String,
    superseded_by: Option<String>,
    seal: Option<Seal>,
}

#[derive(Debug, Deserialize)]
struct RunPart {
    id: String,
    job: String,
    period: String,
    job_sha256: String,
}

/// What is known by now; what could not be read is told once, and checks that need it are left out.
struct Seen {
    /// Name → digest of every member but the list of digests.
    digests: BTreeMap<String, String>,
    run: RunDocument,
    summary: Summary,
    chain: Chain,
}

/// Checks an archive; every check that can be made is made.
pub fn verify(archive: &mut Archive) -> Vec<Told> {
    let mut told = Vec::new();
    let mut tell = |what, checked: Checked| {
        let (mark, words) = checked.unwrap_or_else(|words| (Mark::Wrong, words));
        told.push(Told { mark, what, words });
    };
    let (digests, checked) = digests(archive);
    tell("digests", checked);
    let run = match run_document(archive) {
        Ok(run) => run,
        Err(wrong) => {
            tell("run", Err(wrong));
            return told;
        }
    };
    let summary = match summary(archive) {
        Ok(summary) => summary,
        Err(wrong) => {
            tell("report", Err(wrong));
            return told;
        }
    };
    let mut seen = Seen { digests, run, summary, chain: Chain::new() };
    tell("report", report(&seen));
    tell("inputs", inputs(archive, &seen));
    tell("statement", sums::statement(&seen.summary));
    tell("breaks", sums::breaks(archive, &seen.summary));
    let followed = journal::journal(archive, &mut seen);
    let is_whole = followed.is_ok();
    tell("journal", followed);
    if is_whole {
        tell("effects", journal::effects(archive, &seen));
        tell("plan", journal::plan(archive, &seen));
        tell("seal", journal::seal(&seen));
        tell("sign-off", journal::sign_off(archive, &seen));
    }
    tell("job", job(archive, &seen));
    told
}

/// All members but the list of digests, held against it.
fn digests(archive: &mut Archive) -> (BTreeMap<String, String>, Checked) {
    let mut found = BTreeMap::new();
    let mut wrong = Vec::new();
    for name in archive.names().to_vec() {
        if name == SUMS {
            continue;
        }
        match digest_of(archive, &name) {
            Ok(digest) => {
                found.insert(name, digest);
            }
            Err(what) => wrong.push(what),
        }
    }
    let stated = match archive.whole(SUMS).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
        Ok(stated) => stated,
        Err(what) => return (found, Err(what)),
    };
    let expected = sums_of(&found);
    if wrong.is_empty() && stated == expected {
        let words = format!("{} files have the digests that {SUMS} states", found.len());
        return (found, Ok((Mark::Well, words)));
    }
    let lines: Vec<&str> = stated.lines().collect();
    let differs = expected.lines().find(|line| !lines.contains(line)).and_then(|line| line.split_once("  "));
    match differs {
        Some((digest, name)) => {
            wrong.push(format!("{} has the digest {digest}, and {SUMS} states another", visible(name)));
        }
        None if wrong.is_empty() => wrong.push(format!("{SUMS} is not the list of the files that are in it")),
        None => {}
    }
    (found, Err(wrong.join("; ")))
}

fn digest_of(archive: &mut Archive, name: &str) -> Result<String, String> {
    let mut member = archive.member(name)?;
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        match member.read(&mut piece) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(read) => hasher.update(&piece[..read]),
            Err(error) => return Err(format!("{name} is damaged: {error}")),
        }
    }
}

fn run_document(archive: &mut Archive) -> Result<RunDocument, String> {
    let document: RunDocument =
        serde_json::from_slice(&archive.whole(RUN)?).map_err(|error| format!("{RUN} cannot be read: {error}"))?;
    if document.schema != EVIDENCE_SCHEMA {
        let found = visible(&document.schema).into_owned();
        return Err(format!("{RUN} is of schema {found}; this program knows {EVIDENCE_SCHEMA}"));
    }
    Ok(document)
}

fn summary(archive: &mut Archive) -> Result<Summary, String> {
    let name = format!("{REPORT}summary.json");
    serde_json::from_slice(&archive.whole(&name)?).map_err(|error| format!("{name} cannot be read: {error}"))
}

/// The report is the one that the run's document names, and of that run.
fn report(seen: &Seen) -> Checked {
    let files = seen.digests.iter().filter_map(|(name, digest)| Some((name.strip_prefix(REPORT)?, digest)));
    let files: BTreeMap<String, String> = files.map(|(name, digest)| (name.to_owned(), digest.clone())).collect();
    let digest = report_digest(&files);
    if digest != seen.run.report_digest {
        let stated = visible(&seen.run.report_digest);
        return Err(format!("its digest is {digest}; {RUN} states {stated}"));
    }
    let (run, told) = (&seen.run.run, &seen.summary);
    let id = format!("{}/{}/{}", told.job.name, told.period.label, told.run.attempt);
    if id != run.id || run.id != format!("{}/{}/{}", run.job, run.period, told.run.attempt) {
        return Err(format!("it is of run {}; {RUN} is about {}", visible(&id), visible(&run.id)));
    }
    Ok((Mark::Well, format!("{} files of run {}, digest {digest}", files.len(), visible(&run.id))))
}

/// What was read is what the report says was read; what is in it has the bytes that its name says.
fn inputs(archive: &mut Archive, seen: &Seen) -> Checked {
    #[derive(Deserialize)]
    struct Row {
        side: String,
        sha256: String,
        bytes: u64,
        rows: u64,
    }
    let bytes = archive.whole(INPUTS)?;
    let rows: Result<Vec<Row>, _> = csv::Reader::from_reader(bytes.as_slice()).deserialize().collect();
    let rows = rows.map_err(|error| format!("{INPUTS} cannot be read: {error}"))?;
    let mut listed: Vec<_> =
        rows.iter().map(|row| (row.side.as_str(), row.sha256.as_str(), row.bytes, row.rows)).collect();
    let mut stated: Vec<_> = seen
        .summary
        .inputs
        .iter()
        .map(|input| (input.side.name(), input.sha256.as_str(), input.bytes, input.rows))
        .collect();
    listed.sort_unstable();
    stated.sort_unstable();
    if let Some(one) = stated.iter().find(|one| !listed.contains(one)) {
        return Err(format!("the report has read {} ({}), which {INPUTS} does not list so", visible(one.1), one.0));
    }
    let raw: Vec<(&str, &String)> =
        seen.digests.iter().filter_map(|(name, digest)| Some((name.strip_prefix(RAW)?, digest))).collect();
    if let Some((name, digest)) = raw.iter().find(|(name, digest)| name != digest) {
        return Err(format!("the input that is called {name} has the digest {digest}"));
    }
    if let Some((name, _)) = raw.iter().find(|(name, _)| !rows.iter().any(|row| row.sha256 == *name)) {
        return Err(format!("the input {name} is none that {INPUTS} lists"));
    }
    let words = match raw.len() {
        0 => format!("{} files that were read, by their digests alone", rows.len()),
        raw => format!("{} files that were read, {raw} of them in here", rows.len()),
    };
    Ok((Mark::Well, words))
}

fn job(archive: &Archive, seen: &Seen) -> Checked {
    if !archive.has(README) || !archive.has(JOB) {
        return Ok((Mark::Note, "its file had changed since the run, and is not in here".to_owned()));
    }
    match seen.digests.get(JOB) {
        Some(digest) if *digest == seen.run.run.job_sha256 => Ok((Mark::Well, "as it was run".to_owned())),
        _ => Err(format!("{JOB} is not the job that was run, by the digest in {RUN}")),
    }
}
