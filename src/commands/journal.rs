//! `tieout journal verify`, `export` and `anchor`: the journal of effects, breaks, seals and sign-offs, proved and handed
//! out.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::Context;
use crate::effects::Anchor;
use crate::exit::{ExitCode, Failure};
use crate::job::ReportFormat;
use crate::journal::{ExportError, GENESIS, Journal, RunFilter, Verdict};
use crate::objects::Artifacts;
use crate::output::{Cell, Format, Rows};
use crate::report::file_name;

/// The export could not be written where it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the export to {path}; its folder must be there and writable")]
struct OutError {
    path: PathBuf,
    source: std::io::Error,
}

/// What of a `summary.json` is read here.
#[derive(Debug, Deserialize)]
struct Summary {
    effects: Option<SummaryEffects>,
}

#[derive(Debug, Deserialize)]
struct SummaryEffects {
    anchor: Option<Anchor>,
}

/// Holds the journal against itself, against these anchors and against those of its runs' reports.
///
/// # Errors
/// When there is no project or the journal cannot be read.
pub async fn verify(mut context: Context, mut anchors: Vec<Anchor>) -> Result<ExitCode, Failure> {
    let given = anchors.len();
    let kept = context.load_project()?.kept();
    let verdict = match context.read_journal().await? {
        Some(journal) => {
            anchors.extend(report_anchors(&journal, &kept).await?);
            journal.verify(&anchors).await?
        }
        // Nothing was ever run: an anchor of something is proof that there was.
        None => crate::journal::verify::Verifier::new(&anchors).finish(),
    };
    tracing::debug!(given, from_reports = anchors.len() - given, "anchors");
    match context.output.format {
        Format::Table => context.output.text(&in_words(&verdict))?,
        Format::Json => context.output.text(&format!("{:#}\n", document(&verdict)))?,
        Format::Jsonl => context.output.text(&format!("{}\n", document(&verdict)))?,
        Format::Csv => context.output.rows(&findings(&verdict))?,
    }
    Ok(if verdict.is_whole() { ExitCode::Done } else { ExitCode::InvariantFailed })
}

/// Hands out every entry, one JSON object a line, whatever `--format` says.
///
/// # Errors
/// When there is no project, the journal cannot be read or the file cannot be written.
pub async fn export(mut context: Context, out: Option<PathBuf>) -> Result<ExitCode, Failure> {
    let journal = context.read_journal().await?;
    let failure = |error: ExportError| Failure::new(error.exit_code(), error);
    let Some(path) = out else {
        if let Some(journal) = journal {
            journal.export(|lines| context.output.bytes(lines)).await.map_err(failure)?;
        }
        return Ok(ExitCode::Done);
    };
    let told = |source| Failure::new(ExitCode::Unexpected, OutError { path: path.clone(), source });
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Under its name it is whole or not at all.
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder).map_err(told)?;
    let exported = match journal {
        Some(journal) => match journal.export(|lines| file.write_all(lines)).await {
            Err(ExportError::Write(source)) => return Err(told(source)),
            exported => exported.map_err(failure)?,
        },
        None => 0,
    };
    file.as_file().sync_all().map_err(told)?;
    file.persist(&path).map_err(|error| told(error.error))?;
    tracing::info!("{} written to {}", counted(exported, "entry", "entries"), path.display());
    Ok(ExitCode::Done)
}

/// Prints where the journal ends.
///
/// # Errors
/// When there is no project or the journal cannot be read.
pub async fn anchor(mut context: Context) -> Result<ExitCode, Failure> {
    let anchor = match context.read_journal().await? {
        Some(journal) => journal.anchor().await?,
        None => Anchor { sequence: 0, hash: GENESIS.to_owned() },
    };
    if context.output.format == Format::Table {
        context.output.text(&format!("{}\n", line(&anchor)))?;
    } else {
        let mut rows = Rows::new(&["sequence", "hash"]);
        rows.push(vec![Cell::integer(anchor.sequence), Cell::text(anchor.hash)]);
        context.output.rows(&rows)?;
    }
    Ok(ExitCode::Done)
}

/// The anchors in the reports of the journal's runs, as far as these are still there.
async fn report_anchors(journal: &Journal, kept: &Artifacts) -> Result<Vec<Anchor>, Failure> {
    let mut anchors = Vec::new();
    for run in journal.runs(&RunFilter::default()).await? {
        let Some(folder) = run.artifacts else { continue };
        let path = kept.here(Path::new(&folder)).join(file_name(ReportFormat::Json));
        kept.bring_file(&path).await?;
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            // Reports may be kept for a shorter time than the journal.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                tracing::warn!("the anchor in {} is not used: {error}", path.display());
                continue;
            }
        };
        match serde_json::from_slice::<Summary>(&bytes) {
            Ok(summary) => anchors.extend(summary.effects.and_then(|effects| effects.anchor)),
            Err(error) => tracing::warn!("the anchor in {} is not used: {error}", path.display()),
        }
    }
    Ok(anchors)
}

fn in_words(verdict: &Verdict) -> String {
    let mut about = vec![counted(verdict.effects, "effect", "effects")];
    let more = [
        (verdict.breaks, "break", "breaks"),
        (verdict.seals, "seal", "seals"),
        (verdict.sign_offs, "signed report", "signed reports"),
    ];
    about.extend(more.iter().filter(|(count, ..)| *count > 0).map(|(count, one, more)| counted(*count, one, more)));
    let about = match about.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        about => about.concat(),
    };
    let read = format!(
        "{} about {about}, held against {}",
        counted(verdict.entries, "entry", "entries"),
        counted(verdict.anchors, "anchor", "anchors"),
    );
    if verdict.is_whole() {
        let caveat = if verdict.anchors == 0 {
            "Without an anchor nothing shows whether entries were cut off at its end.\n"
        } else {
            ""
        };
        return format!("The journal is whole: {read}.\n{caveat}Keep this anchor elsewhere: {}\n", line(&verdict.end));
    }
    let mut text =
        format!("THE EFFECT JOURNAL IS NOT WHOLE: {} in {read}.\n", counted(verdict.found, "finding", "findings"));
    let mut lines: Vec<String> = verdict.findings.iter().map(ToString::to_string).collect();
    let more = verdict.found - lines.len() as u64;
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    for line in lines {
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn document(verdict: &Verdict) -> serde_json::Value {
    json!({
        "whole": verdict.is_whole(),
        "entries": verdict.entries,
        "effects": verdict.effects,
        "breaks": verdict.breaks,
        "seals": verdict.seals,
        "sign_offs": verdict.sign_offs,
        "anchors": verdict.anchors,
        "end": verdict.end,
        "found": verdict.found,
        "findings": verdict.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn findings(verdict: &Verdict) -> Rows {
    let mut rows = Rows::new(&["finding"]);
    for finding in &verdict.findings {
        rows.push(vec![Cell::text(finding.to_string())]);
    }
    rows
}

/// As `--anchor` takes it.
fn line(anchor: &Anchor) -> String {
    format!("{}:{}", anchor.sequence, anchor.hash)
}

fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
