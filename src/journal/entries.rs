//! The journal of effects, breaks, seals and sign-offs from its first entry to its last: verified, or handed out. Read a page at a
//! time, all pages of one moment: what is appended meanwhile is not looked at.

use serde::Serialize;
use serde_json::value::RawValue;

use super::link::{Connection, Mode};
use super::statement::Statement;
use super::turn::Done;
use super::verify::{EFFECT_COLUMNS, EffectRow, EntryRow, Verdict, Verifier};
use super::verify_access::{SESSION_COLUMNS, SessionRow};
use super::verify_breaks::{BREAK_COLUMNS, LifeRow, SightingRow};
use super::verify_seals::{SEAL_COLUMNS, SealRow};
use super::verify_sign_offs::{SIGN_OFF_COLUMNS, SignOffRow};
use super::{Journal, JournalError};
use crate::effects::Anchor;
use crate::exit::ExitCode;

/// Rows in memory at once.
const PAGE: i64 = 1_000;

/// The journal could not be handed out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Exit code 70.
    #[error("entry {sequence} of the journal is no JSON text; `tieout journal verify` tells what else is wrong")]
    NoJson { sequence: i64 },
    #[error("cannot write the entries")]
    Write(#[from] std::io::Error),
}

impl ExportError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Journal(error) => error.exit_code(),
            Self::NoJson { .. } => ExitCode::InvariantFailed,
            Self::Write(_) => ExitCode::Unexpected,
        }
    }
}

/// One line of an export: the text stands in it exactly as it was hashed.
#[derive(Serialize)]
struct ExportLine<'a> {
    hash: &'a str,
    entry: &'a RawValue,
}

impl Journal {
    /// Reads every entry and every standing and says what is not as it was written; see [`super::verify`].
    ///
    /// # Errors
    /// When the state file cannot be read. What is wrong with the entries is no error but a finding.
    pub async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, JournalError> {
        const DOING: &str = "reading the journal";
        let mut turn = self.begin(Mode::Snapshot, DOING).await?;
        loop {
            let mut verifier = Verifier::new(anchors);
            let done = verify_all(turn.connection(), &mut verifier).await.map_err(|source| self.told(DOING, source));
            if turn.settle(done.map(Done::Nothing)).await?.is_some() {
                return Ok(verifier.finish());
            }
        }
    }

    /// Hands out every entry, in order, as lines `{"hash":…,"entry":…}`, some at a time. The SHA-256 of the text
    /// that stands for `entry` is `hash`.
    ///
    /// # Errors
    /// When the state file cannot be read, `out` fails, or an entry is no JSON text.
    pub async fn export(&self, mut out: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, ExportError> {
        const DOING: &str = "reading the journal";
        let mut turn = self.begin(Mode::Snapshot, DOING).await?;
        let (mut next, mut handed_out) = (Some(i64::MIN), 0);
        while let Some(from) = next {
            // What was handed out cannot be taken back: this is not begun again.
            let page = entries_from(turn.connection(), from).await.map_err(|source| self.told(DOING, source))?;
            let mut lines = Vec::new();
            for row in &page {
                export_line(row, &mut lines).ok_or(ExportError::NoJson { sequence: row.sequence })?;
            }
            out(&lines)?;
            handed_out += page.len() as u64;
            next = following(&page);
        }
        turn.settle(Ok(Done::Nothing(()))).await?;
        Ok(handed_out)
    }
}

pub(super) async fn verify_all(connection: &mut Connection, verifier: &mut Verifier) -> sqlx::Result<()> {
    let mut next = Some(i64::MIN);
    while let Some(from) = next {
        let page = entries_from(connection, from).await?;
        for row in &page {
            verifier.entry(row);
        }
        next = following(&page);
    }
    let mut next = Some(i64::MIN);
    while let Some(from) = next {
        let page = effects_from(connection, from).await?;
        for (_, row) in &page {
            verifier.effect(row);
        }
        next = page.last().and_then(|(rowid, _)| rowid.checked_add(1));
    }
    verify_breaks(connection, verifier).await?;
    verify_seals(connection, verifier).await?;
    verify_sign_offs(connection, verifier).await?;
    verify_sessions(connection, verifier).await
}

/// The bytes of these columns, by name.
fn bytes(connection: &Connection, columns: &[&str]) -> String {
    let columns = columns.iter().map(|column| format!("{} AS {column}", connection.bytes_of(column)));
    columns.collect::<Vec<_>>().join(", ")
}

/// A page of a table whose rows have a number: the number, the id, then the columns, as bytes.
fn page_of(connection: &Connection, table: &str, id: &str, columns: &[&str]) -> Statement {
    let (id, columns) = (bytes(connection, &[id]), bytes(connection, columns));
    Statement::new(format!(
        "SELECT rowid, {id}, {columns} FROM {table} WHERE {table}.rowid >= $1 ORDER BY {table}.rowid LIMIT $2"
    ))
}

pub(super) fn export_line(row: &EntryRow, lines: &mut Vec<u8>) -> Option<()> {
    let entry: &RawValue = serde_json::from_slice(&row.entry).ok()?;
    // Blanks around the text would be lost, and with them the hash; no entry has any.
    if entry.get().len() != row.entry.len() {
        return None;
    }
    let hash = std::str::from_utf8(&row.hash).ok()?;
    serde_json::to_writer(&mut *lines, &ExportLine { hash, entry }).ok()?;
    lines.push(b'\n');
    Some(())
}

pub(super) fn following(page: &[EntryRow]) -> Option<i64> {
    page.last().and_then(|row| row.sequence.checked_add(1))
}

/// As blobs: what somebody has written into the file by hand may be no text.
pub(super) async fn entries_from(connection: &mut Connection, from: i64) -> sqlx::Result<Vec<EntryRow>> {
    let columns = bytes(connection, &["subject", "effect", "entry", "hash"]);
    let text = format!("SELECT sequence, {columns} FROM entries WHERE sequence >= $1 ORDER BY sequence LIMIT $2");
    let rows = Statement::new(text).bind(from).bind(PAGE).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            Ok(EntryRow {
                sequence: row.try_get("sequence")?,
                subject: row.try_get("subject")?,
                effect: row.try_get("effect")?,
                entry: row.try_get("entry")?,
                hash: row.try_get("hash")?,
            })
        })
        .collect()
}

async fn effects_from(connection: &mut Connection, from: i64) -> sqlx::Result<Vec<(i64, EffectRow)>> {
    let page = page_of(connection, "effects", "id", &EFFECT_COLUMNS);
    let rows = page.bind(from).bind(PAGE).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            // The row's number, the id, then the columns.
            let columns = (2..EFFECT_COLUMNS.len() + 2).map(|place| row.try_get(place)).collect::<Result<_, _>>()?;
            Ok((row.try_get(0)?, EffectRow { id: row.try_get(1)?, columns }))
        })
        .collect()
}

/// Every row about breaks, a page at a time.
async fn verify_breaks(connection: &mut Connection, verifier: &mut Verifier) -> sqlx::Result<()> {
    let breaks = page_of(connection, "breaks", "id", &BREAK_COLUMNS);
    let mut next = Some(i64::MIN);
    while let Some(from) = next {
        let page = breaks.clone().bind(from).bind(PAGE).fetch_all(connection).await?;
        for row in &page {
            // The row's number, the id, then the columns.
            let columns = (2..BREAK_COLUMNS.len() + 2).map(|place| row.try_get(place)).collect::<Result<_, _>>()?;
            verifier.life(&LifeRow { id: row.try_get(1)?, columns });
        }
        let last = page.last().map(|row| row.try_get::<i64, _>(0)).transpose()?;
        next = last.and_then(|rowid| rowid.checked_add(1));
    }
    let [job, period, id] = ["job", "period", "break_id"].map(|column| connection.bytes_of(column));
    let sightings = Statement::new(format!(
        "SELECT {job}, {period}, {id}, present, job, period, break_id FROM sightings
         WHERE (job, period, break_id) > ($1, $2, $3) ORDER BY job, period, break_id LIMIT $4"
    ));
    let mut after: Option<[String; 3]> = Some([String::new(), String::new(), String::new()]);
    while let Some([job, period, id]) = after {
        let page = sightings.clone().bind(job).bind(period).bind(id).bind(PAGE);
        let page = page.fetch_all(connection).await?;
        for row in &page {
            let (job, period, id) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            verifier.sighting(&SightingRow { job, period, id, present: row.try_get(3)? });
        }
        let last = page.last().map(|row| Ok::<_, sqlx::Error>([row.try_get(4)?, row.try_get(5)?, row.try_get(6)?]));
        after = last.transpose()?;
    }
    Ok(())
}

/// Every row of `seals`, a page at a time.
async fn verify_seals(connection: &mut Connection, verifier: &mut Verifier) -> sqlx::Result<()> {
    let seals = page_of(connection, "seals", "id", &SEAL_COLUMNS);
    let mut next = Some(i64::MIN);
    while let Some(from) = next {
        let page = seals.clone().bind(from).bind(PAGE).fetch_all(connection).await?;
        for row in &page {
            // The row's number, the id, then the columns.
            let columns = (2..SEAL_COLUMNS.len() + 2).map(|place| row.try_get(place)).collect::<Result<_, _>>()?;
            verifier.seal(&SealRow { id: row.try_get(1)?, columns });
        }
        let last = page.last().map(|row| row.try_get::<i64, _>(0)).transpose()?;
        next = last.and_then(|rowid| rowid.checked_add(1));
    }
    Ok(())
}

/// Every row of `sign_offs`, a page at a time.
async fn verify_sign_offs(connection: &mut Connection, verifier: &mut Verifier) -> sqlx::Result<()> {
    let signed = page_of(connection, "sign_offs", "run", &SIGN_OFF_COLUMNS);
    let mut next = Some(i64::MIN);
    while let Some(from) = next {
        let page = signed.clone().bind(from).bind(PAGE).fetch_all(connection).await?;
        for row in &page {
            // The row's number, the run, then the columns.
            let columns = (2..SIGN_OFF_COLUMNS.len() + 2).map(|place| row.try_get(place)).collect::<Result<_, _>>()?;
            verifier.sign_off(&SignOffRow { run: row.try_get(1)?, columns });
        }
        let last = page.last().map(|row| row.try_get::<i64, _>(0)).transpose()?;
        next = last.and_then(|rowid| rowid.checked_add(1));
    }
    Ok(())
}

/// Every row of `sessions`, a page at a time.
async fn verify_sessions(connection: &mut Connection, verifier: &mut Verifier) -> sqlx::Result<()> {
    let id = connection.bytes_of("id");
    let columns = SESSION_COLUMNS.map(|column| connection.bytes_of(&format!("coalesce({column}, '')")));
    let page = Statement::new(format!(
        "SELECT id, {id}, {} FROM sessions WHERE id > $1 ORDER BY id LIMIT $2",
        columns.join(", ")
    ));
    let mut after = Some(String::new());
    while let Some(from) = after {
        let rows = page.clone().bind(from).bind(PAGE).fetch_all(connection).await?;
        for row in &rows {
            // The id twice, then the columns.
            let columns = (2..SESSION_COLUMNS.len() + 2).map(|place| row.try_get(place)).collect::<Result<_, _>>()?;
            verifier.session(&SessionRow { id: row.try_get(1)?, columns });
        }
        after = rows.last().map(|row| row.try_get(0)).transpose()?;
    }
    Ok(())
}
