//! The answer of a `PostgreSQL` database for a period, kept as a CSV file of the raw store: what was read stays what was
//! read, as of a file that somebody exported.
//!
//! The answer is read in one read-only snapshot, row by row, every value in the exact text that the server gives it.
//! Rows are put in an order of their own, so that the same rows are the same bytes, whatever order they come in.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgRow, PgTypeInfo};
use sqlx::{AssertSqlSafe, Column, Connection, Either, Executor, Postgres, Row, SqlSafeStr, Statement, Type, TypeInfo};

use super::store::{RawStore, RawWriter};
use super::{Origin, RawFile};
use crate::digest::sha256;
use crate::exit::ExitCode;
use crate::period::Period;
use crate::postgres::{self, Address};

/// A database that does not take a connection for so long is told.
const CONNECT: Duration = Duration::from_secs(10);
/// Handed to the store at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// `$1` and `$2`, the ends of the period, and `$3`, its label.
const PARAMETERS: usize = 3;

/// A query, as its file holds it.
#[derive(Debug, Clone)]
pub struct Query {
    /// As `tieout.yaml` calls it.
    database: String,
    /// Relative to the project folder.
    file: String,
    text: String,
}

/// Why a query gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("cannot read the query {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the query {path} is empty; expected one SELECT")]
    Empty { path: PathBuf },
    #[error("the query {file}")]
    Postgres { file: String, source: Box<postgres::Error> },
    #[error(
        "the query {file} has {found} parameters; there are three: $1 and $2, the period's start and end, and $3, its label"
    )]
    Parameters { file: String, found: usize },
    #[error("the query {file} gives two columns called `{column}`; name each once, with AS")]
    Twice { file: String, column: String },
    #[error(
        "the query {file}: column `{column}` is of type {kind}, which holds no decimals exactly; cast it where it is \
         still exact, such as {column}::numeric(18, 2)"
    )]
    Inexact { file: String, column: String, kind: String },
    #[error("the query {file} gives no columns; expected one SELECT")]
    NoColumns { file: String },
    #[error("cannot store the answer of {file}")]
    Store { file: String, source: std::io::Error },
}

impl QueryError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Postgres { source, .. } => match **source {
                // It is the job's own.
                postgres::Error::Statement { .. } => ExitCode::Configuration,
                ref source => source.exit_code(),
            },
            Self::Read { .. }
            | Self::Empty { .. }
            | Self::Parameters { .. }
            | Self::Twice { .. }
            | Self::Inexact { .. }
            | Self::NoColumns { .. } => ExitCode::Configuration,
            Self::Store { .. } => ExitCode::Unexpected,
        }
    }
}

impl Query {
    /// Reads the file of a query; `file` is relative to `root`.
    ///
    /// # Errors
    /// When it cannot be read or is empty.
    pub fn read(root: &Path, database: &str, file: &str) -> Result<Self, QueryError> {
        let path = root.join(file);
        let text = std::fs::read_to_string(&path).map_err(|source| QueryError::Read { path: path.clone(), source })?;
        if text.trim().is_empty() {
            return Err(QueryError::Empty { path });
        }
        Ok(Self { database: database.to_owned(), file: file.to_owned(), text })
    }

    /// Asks for a period, into the store. None where there are no rows, unless an answer without rows is fine.
    ///
    /// Dates and times without a zone mean those of the period's zone.
    ///
    /// # Errors
    /// When the database does not answer, or not so that the rows can be kept exactly.
    pub async fn pull(
        &self,
        address: &Address,
        period: &Period,
        allow_empty: bool,
        store: &RawStore,
    ) -> Result<Option<RawFile>, QueryError> {
        let mut connection = address.connect("tieout", CONNECT).await.map_err(|source| self.refused(source))?;
        let answered = self.answer(&mut connection, address, period, store).await;
        // Whatever it came to, nothing was changed; a connection that does not close by itself is dropped.
        let _ = connection.close().await;
        let (writer, rows) = answered?;
        if rows == 0 && !allow_empty {
            return Ok(None);
        }
        let origin = Origin::Query {
            database: self.database.clone(),
            query: self.file.clone(),
            query_sha256: sha256(self.text.as_bytes()),
        };
        writer.finish(self.file.clone(), origin).map(Some).map_err(|source| self.unstored(source))
    }

    async fn answer(
        &self,
        connection: &mut PgConnection,
        address: &Address,
        period: &Period,
        store: &RawStore,
    ) -> Result<(RawWriter, u64), QueryError> {
        let told = |source| self.refused(address.error(source));
        connection.execute(AssertSqlSafe(snapshot(period))).await.map_err(told)?;
        let columns = self.columns(connection, address).await?;
        let mut writer = store.begin().map_err(|source| self.unstored(source))?;
        let mut lines = csv::Writer::from_writer(Vec::with_capacity(CHUNK_BYTES));
        let unwritten = |error: csv::Error| self.unstored(error.into());
        lines.write_record(columns.iter().map(|(name, _)| name)).map_err(unwritten)?;
        let mut rows = 0;
        {
            let asked = sqlx::query::<Postgres>(AssertSqlSafe(self.ordered(&columns)))
                .bind(period.start)
                .bind(period.end)
                .bind(&*period.label)
                .persistent(false);
            let mut answer = asked.fetch(connection);
            while let Some(row) = answer.try_next().await.map_err(told)? {
                lines.write_record(cells(&row, columns.len()).map_err(told)?).map_err(unwritten)?;
                rows += 1;
                if lines.get_ref().len() >= CHUNK_BYTES {
                    lines = self.hand_over(lines, &mut writer)?;
                }
            }
        }
        self.hand_over(lines, &mut writer)?;
        Ok((writer, rows))
    }

    /// Writes what has gathered, and begins anew in the same memory.
    fn hand_over(&self, lines: csv::Writer<Vec<u8>>, to: &mut RawWriter) -> Result<csv::Writer<Vec<u8>>, QueryError> {
        let mut bytes = lines.into_inner().map_err(|error| self.unstored(error.into_error()))?;
        to.write(&bytes).map_err(|source| self.unstored(source))?;
        bytes.clear();
        Ok(csv::Writer::from_writer(bytes))
    }

    /// Names and how each is written as text.
    async fn columns(
        &self,
        connection: &mut PgConnection,
        address: &Address,
    ) -> Result<Vec<(String, String)>, QueryError> {
        let instant = <DateTime<Utc> as Type<Postgres>>::type_info();
        let parameters: [PgTypeInfo; PARAMETERS] = [instant.clone(), instant, <str as Type<Postgres>>::type_info()];
        let prepared = connection.prepare_with(AssertSqlSafe(self.bare().to_owned()).into_sql_str(), &parameters).await;
        let prepared = prepared.map_err(|source| self.refused(address.error(source)))?;
        let found = match prepared.parameters() {
            Some(Either::Left(types)) => types.len(),
            Some(Either::Right(count)) => count,
            None => 0,
        };
        if found > PARAMETERS {
            return Err(QueryError::Parameters { file: self.file.clone(), found });
        }
        let mut columns: Vec<(String, String)> = Vec::new();
        for column in prepared.columns() {
            let (name, kind) = (column.name().to_owned(), column.type_info().name().to_owned());
            if columns.iter().any(|(known, _)| *known == name) {
                return Err(QueryError::Twice { file: self.file.clone(), column: name });
            }
            if matches!(&*kind, "FLOAT4" | "FLOAT8") {
                return Err(QueryError::Inexact { file: self.file.clone(), column: name, kind: kind.to_lowercase() });
            }
            let text = as_text(&quoted(&name), &kind);
            columns.push((name, text));
        }
        if columns.is_empty() {
            return Err(QueryError::NoColumns { file: self.file.clone() });
        }
        Ok(columns)
    }

    /// The query without the semicolon that ends it.
    fn bare(&self) -> &str {
        self.text.trim().trim_end_matches(';')
    }

    /// The query's rows, as text, ordered by all their columns byte by byte.
    fn ordered(&self, columns: &[(String, String)]) -> String {
        let mut texts = String::new();
        let mut order = String::new();
        for (place, (name, text)) in (1..).zip(columns) {
            let comma = if place == 1 { "" } else { ", " };
            let _ = write!(texts, "{comma}{text} COLLATE \"C\" AS {}", quoted(name));
            let _ = write!(order, "{comma}{place} NULLS FIRST");
        }
        // What ends in a comment ends with its line.
        format!("SELECT {texts} FROM (\n{}\n) AS asked ORDER BY {order}", self.bare())
    }

    fn refused(&self, source: postgres::Error) -> QueryError {
        QueryError::Postgres { file: self.file.clone(), source: Box::new(source) }
    }

    fn unstored(&self, source: std::io::Error) -> QueryError {
        QueryError::Store { file: self.file.clone(), source }
    }
}

/// One view of the data for the whole answer, in which nothing can be changed and texts do not depend on how the server
/// is set up.
fn snapshot(period: &Period) -> String {
    format!(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TIME ZONE '{}'; \
         SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'",
        period.zone.name()
    )
}

/// Instants in UTC, as inputs write them; all else as the server does.
fn as_text(column: &str, kind: &str) -> String {
    match kind {
        "TIMESTAMPTZ" => format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        "TIMESTAMP" => format!("to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"),
        _ => format!("{column}::text"),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// NULL and the empty text are both an empty cell.
fn cells(row: &PgRow, columns: usize) -> sqlx::Result<Vec<&str>> {
    (0..columns).map(|place| Ok(row.try_get::<Option<&str>, _>(place)?.unwrap_or_default())).collect()
}
