//! What becomes of an object: its lines are judged and taken, and a notification tells the result.
//!
//! One object at a time, in the order in which they came whole. A line whose transaction id begins with `refuse-`, or
//! whose user id begins with `unknown-`, is rejected. What stands before a place where the object cannot be read is
//! taken, as by anyone who reads as it comes.

use std::fs::File;
use std::io::{self, BufReader};
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;
use tempfile::NamedTempFile;

use super::errors::{At, error};
use super::ingest::Arrival;
use super::items::{REFUSED, REFUSED_DETAIL, UNKNOWN_DETAIL};
use super::lines::{Core, Line, Lines, Piece, judge};
use super::state::State;
use super::uploads::{FileResult, StoredObject};
use super::{UNKNOWN_USER, notification};

const BUFFER_BYTES: usize = 256 << 10;
/// A notification tells no more errors than these.
const MOST_ERRORS: usize = 20_000;

/// What was made of an object, and what is wrong with its lines.
#[derive(Debug)]
pub(super) struct Processed {
    pub(super) result: FileResult,
    /// Each an `ErrorObject`, in the order of the lines; at most [`MOST_ERRORS`].
    pub(super) errors: Vec<Value>,
}

/// Makes the temporary file the object of its session, and processes it when its turn comes.
///
/// # Errors
/// When the file cannot take its place.
pub(super) fn begin(
    state: &Arc<State>,
    place: usize,
    temporary: NamedTempFile,
    mut object: StoredObject,
) -> io::Result<()> {
    // Opened before it has its name: a second PUT takes that name away.
    let file = temporary.reopen()?;
    let id = state.uploads.change(place, |_| {}).id;
    object.path = state.objects.path().join(id);
    temporary.persist(&object.path).map_err(|error| error.error)?;
    let session = state.uploads.change(place, |session| {
        session.puts += 1;
        session.object = Some(object.clone());
    });
    let (state, busy) = (Arc::clone(state), state.busy());
    tokio::spawn(async move {
        let turn = state.processing.lock().await;
        let reader = Arc::clone(&state);
        let done = tokio::task::spawn_blocking(move || process(&reader, file)).await;
        match done {
            Ok(processed) => {
                state.uploads.change(place, |session| session.results.push(processed.result.clone()));
                drop(turn);
                notification::tell(&state, &session, &object, processed.errors).await;
            }
            Err(error) => tracing::error!(%error, "an upload was not processed"),
        }
        drop(busy);
    });
    Ok(())
}

fn process(state: &State, file: File) -> Processed {
    let mut processed = Processed { result: FileResult::default(), errors: Vec::new() };
    if let Err(error) = lines(state, file, &mut processed) {
        let words = format!("The file cannot be read past line {}: {error}.", processed.result.lines);
        processed.result.unreadable = Some(error.to_string());
        processed.errors.push(super::errors::error(StatusCode::BAD_REQUEST, &words, At::Nowhere));
    }
    processed
}

fn lines(state: &State, file: File, processed: &mut Processed) -> io::Result<()> {
    let source = state.ledger.source();
    let mut lines = Lines::new(BufReader::with_capacity(BUFFER_BYTES, file))?;
    loop {
        let read = lines.next();
        let Some(piece) = read? else { break };
        processed.result.lines += 1;
        match piece {
            Piece::Line(line) => match judge(line) {
                Line::Fits(core) => take(state, source, &core, processed),
                Line::Wrong { id, mistake: (at, words) } => {
                    processed.reject(StatusCode::BAD_REQUEST, &words, &at, id.as_deref());
                }
            },
            Piece::TooLong => processed.reject(StatusCode::BAD_REQUEST, "Must not be longer than 1 MiB.", "", None),
        }
        processed.result.gzip_members = lines.members();
    }
    Ok(())
}

fn take(state: &State, source: u32, core: &Core<'_>, processed: &mut Processed) {
    processed.result.unknown_fields += core.unknown_fields;
    if core.transaction.starts_with(REFUSED) {
        let at = "/attributes/transactionId";
        return processed.reject(StatusCode::BAD_REQUEST, REFUSED_DETAIL, at, Some(&core.id));
    }
    if core.user.starts_with(UNKNOWN_USER) {
        return processed.reject(StatusCode::NOT_FOUND, UNKNOWN_DETAIL, "/attributes/userId", Some(&core.id));
    }
    match state.ledger.arrive(source, &core.id, core.content) {
        Arrival::New => processed.result.accepted += 1,
        Arrival::Repeated { here } => {
            processed.result.duplicates += 1;
            processed.result.duplicates_within += u64::from(here);
        }
        Arrival::Conflicting => {
            processed.result.conflicting += 1;
            let words = "An event with this id exists, and says something else.";
            processed.reject(StatusCode::CONFLICT, words, "/id", Some(&core.id));
        }
    }
}

impl Processed {
    /// Rejects the line that was read last. Its pointer begins with its index: the first line is `/0`.
    fn reject(&mut self, status: StatusCode, words: &str, at: &str, id: Option<&str>) {
        self.result.rejected += 1;
        if self.errors.len() < MOST_ERRORS {
            let pointer = format!("/{}{at}", self.result.lines - 1);
            let mut rejection = error(status, words, At::Pointer(&pointer));
            if let Some(id) = id {
                rejection["id"] = id.into();
            }
            self.errors.push(rejection);
        }
    }
}
