//! `/runs/RUN/evidence.zip`: what proves one run, made when it is asked for.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use crate::evidence::{Options, make};
use crate::exit::ExitCode;
use crate::journal::JournalError;
use crate::review::desk::Desk;
use crate::review::frame::Refusal;

/// So many are made at once; who comes later waits.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What is sent at once.
const PIECE: usize = 64 << 10;

pub(super) async fn evidence(
    State(desk): State<Desk>,
    Path((job, period, attempt)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let run = format!("{job}/{period}/{attempt}");
    let run = match desk.journal().run(&run).await {
        Err(JournalError::UnknownRun { .. }) => return Err(Refusal::NotFound(format!("run {run}"))),
        known => known?,
    };
    let made = {
        let _turn =
            AT_ONCE.acquire().await.map_err(|closed| crate::exit::Failure::new(ExitCode::Unexpected, closed))?;
        let folder = std::env::temp_dir();
        match make(desk.journal(), desk.project(), &run.id, Options::default(), &folder).await {
            Err(failure) if matches!(failure.code, ExitCode::Usage | ExitCode::InputData) => {
                return Err(Refusal::Conflict(failure.to_string()));
            }
            made => made?,
        }
    };
    let (file, path) = made.file.into_parts();
    let bytes = file.metadata()?.len();
    let mut file = File::from_std(file);
    tokio::io::AsyncSeekExt::rewind(&mut file).await?;
    let name = format!("evidence-{}-{}-{}.zip", run.job, run.period, run.attempt);
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (CONTENT_LENGTH, bytes.to_string()),
    ];
    Ok((headers, Body::from_stream(pieces(file, path))).into_response())
}

/// The file piece by piece; it goes when the last one is sent, or nobody waits for it any more.
fn pieces(file: File, path: TempPath) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    stream::unfold((file, path), |(mut file, path)| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(Bytes::from(piece)), (file, path)))
            }
            Err(error) => Some((Err(error), (file, path))),
        }
    })
}
