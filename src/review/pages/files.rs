//! Downloads: the files of a run, and what it has read. What is asked for is looked up among what is there; no path is
//! ever made of it.

use std::ffi::OsString;
use std::path::{Path as FilePath, PathBuf};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::parts::{RunPath, run_of};
use crate::exit::{ExitCode, Failure};
use crate::review::access::{Act, Visitor};
use crate::review::desk::Desk;
use crate::review::frame::Refusal;

/// Bytes that are read at once.
const CHUNK: usize = 128 << 10;

/// A file of a run's folder.
pub(super) async fn of_run(
    State(desk): State<Desk>,
    Path((job, period, attempt, name)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let path: RunPath = (job, period, attempt);
    let run = run_of(&desk, &path).await?;
    let not_found = || Refusal::NotFound(format!("file {name} of run {}", run.id));
    let folder = run.artifacts.as_ref().ok_or_else(not_found)?;
    desk.kept().bring(&run.id).await?;
    let folder = desk.kept().here(FilePath::new(folder));
    let wanted = OsString::from(&name);
    let found = off_thread(move || listed(&folder, &wanted)).await?.ok_or_else(not_found)?;
    let digested = found.clone();
    let sha256 = off_thread(move || crate::digest::of_file(&digested)).await?;
    let saved_as = format!("{}-{name}", run.id.replace('/', "-"));
    sent(&found, &sha256, kind_of(&name), &saved_as, &headers).await
}

/// A file that a run has read, as it was received.
pub(super) async fn input(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt, sha256)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !visitor.may(Act::ReadInputs) {
        return Err(Refusal::Forbidden(Act::ReadInputs));
    }
    let path: RunPath = (job, period, attempt);
    let run = run_of(&desk, &path).await?;
    let not_found = || Refusal::NotFound(format!("input {sha256} of run {}", run.id));
    let inputs = desk.journal().inputs(&run.id).await?;
    let input = inputs.into_iter().find(|input| input.file.sha256 == sha256).ok_or_else(not_found)?;
    let stored = desk.kept().here(&input.file.stored);
    desk.kept().bring_file(&stored).await?;
    let looked = stored.clone();
    let is_file = off_thread(move || match std::fs::symlink_metadata(&looked) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    });
    if !is_file.await? {
        return Err(not_found());
    }
    let last = input.file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    sent(&stored, &sha256, "application/octet-stream", last, &headers).await
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))??)
}

/// The plain file of that name among those of a folder: no folder, and no link to elsewhere.
fn listed(folder: &FilePath, wanted: &OsString) -> std::io::Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == *wanted {
            return Ok(entry.file_type()?.is_file().then(|| entry.path()));
        }
    }
    Ok(None)
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "json" => "application/json",
        "jsonl" => "application/x-ndjson",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "parquet" => "application/vnd.apache.parquet",
        _ => "application/octet-stream",
    }
}

/// A name that is safe in a header and on every disk.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = name.chars().map(kept).take(150).collect();
    name.trim_start_matches('.').to_owned()
}

/// The bytes of a file, as they are read. It is always saved, never shown: a page of a report would else be one of ours.
async fn sent(
    path: &FilePath,
    sha256: &str,
    kind: &'static str,
    saved_as: &str,
    asked: &HeaderMap,
) -> Result<Response, Refusal> {
    let etag = format!("\"{sha256}\"");
    let known = asked.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let file = File::open(path).await?;
    let length = file.metadata().await?.len();
    let chunks = try_unfold(file, |mut file| async move {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
    });
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", plain(saved_as))),
        (CONTENT_LENGTH, length.to_string()),
        (ETAG, etag),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
