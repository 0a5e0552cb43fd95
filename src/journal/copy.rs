//! The whole journal from one database into another: every row as it is, in one transaction, proved before it is
//! committed.

use super::chain::last_entry;
use super::entries::verify_all;
use super::link::{Connection, Mode};
use super::rows::{self, time_text};
use super::statement::{Row, Statement, Value, query};
use super::tables::{TABLES, Table};
use super::turn::Done;
use super::verify::{Verdict, Verifier};
use super::{Journal, JournalError};
use crate::exit::ExitCode;

/// Rows of one statement: of up to 20 values each, of which `SQLite` binds 32,766 at most.
const PAGE: usize = 500;

/// What is told when a statement of these fails.
const DOING: &str = "copying the journal";

/// A copy that was not made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Exit code 75.
    #[error("{lease} is held ({holder}); copy when no run works on the journal, nor a scheduler")]
    Held { lease: String, holder: String },
    /// Exit code 78.
    #[error("{target} holds {rows} rows in `{table}` already; a journal is copied into an empty one only")]
    NotEmpty { target: String, table: &'static str, rows: u64 },
    /// Exit code 70.
    #[error("`{table}` has {found} rows after the copy; expected {expected}, nothing was kept")]
    Count { table: &'static str, found: u64, expected: u64 },
    /// Exit code 70.
    #[error("{place} does not verify ({first}); nothing was copied, `tieout journal verify` tells it all")]
    Broken { place: String, first: String },
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl CopyError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Held { .. } => ExitCode::TryAgainLater,
            Self::NotEmpty { .. } => ExitCode::Configuration,
            Self::Count { .. } | Self::Broken { .. } => ExitCode::InvariantFailed,
            Self::Journal(error) => error.exit_code(),
        }
    }
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Table → rows, in the order in which they were copied.
    pub tables: Vec<(&'static str, u64)>,
    /// Of the copy.
    pub verdict: Verdict,
}

impl Journal {
    /// Copies this journal into another, which must be empty: every row, with its numbers and hashes. Nobody can write
    /// into either meanwhile. The copy is proved as [`Journal::verify`] does it, and kept only then; with `keep` false
    /// not even then.
    ///
    /// # Errors
    /// [`CopyError::Held`] while somebody holds a lease of this journal, [`CopyError::NotEmpty`], or what went wrong in
    /// between. The other journal is as before then.
    pub async fn copy_into(&self, target: &Self, keep: bool) -> Result<Copied, CopyError> {
        let mut from = self.begin(Mode::Write, DOING).await?;
        let mut to = target.begin(Mode::Write, DOING).await?;
        let told = |source| self.told(DOING, source);
        from.connection().may_be_slow().await.map_err(told)?;
        self.refuse_held(from.connection()).await?;
        loop {
            let copied = match self.copy_in(from.connection(), target, to.connection()).await {
                Ok(copied) if keep => Ok(Done::Written(copied)),
                Ok(copied) => Ok(Done::Nothing(copied)),
                Err(CopyError::Journal(error)) => Err(error),
                Err(error) => {
                    to.give_up().await;
                    from.give_up().await;
                    return Err(error);
                }
            };
            if let Some(copied) = to.settle(copied).await? {
                // Nothing was written there.
                from.settle(Ok(Done::Nothing(()))).await?;
                return Ok(copied);
            }
        }
    }

    async fn copy_in(&self, from: &mut Connection, target: &Self, to: &mut Connection) -> Result<Copied, CopyError> {
        let here = |source| CopyError::from(self.told(DOING, source));
        let there = |source| CopyError::from(target.told(DOING, source));
        for table in TABLES {
            let rows = count(to, table).await.map_err(there)?;
            if rows > 0 {
                return Err(CopyError::NotEmpty { target: target.state.to_string(), table: table.name, rows });
            }
        }
        let mut tables = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            let mut after = None;
            loop {
                let page = page(table, after.as_deref()).fetch_all(from).await.map_err(here)?;
                let values =
                    page.iter().map(|row| table.values(row)).collect::<sqlx::Result<Vec<_>>>().map_err(here)?;
                let Some(last) = values.last() else { break };
                after = Some(key(table, last));
                insert(table, &values).execute(to).await.map_err(there)?;
            }
            let (expected, found) = (count(from, table).await.map_err(here)?, count(to, table).await.map_err(there)?);
            if expected != found {
                return Err(CopyError::Count { table: table.name, found, expected });
            }
            number_on(table, to).await.map_err(there)?;
            tables.push((table.name, found));
        }
        let verdict = verified(to).await.map_err(there)?;
        if let Some(first) = verdict.findings.first() {
            return Err(CopyError::Broken { place: self.state.to_string(), first: first.to_string() });
        }
        // Whoever still has its lock has kept everybody else from writing all the while.
        last_entry(from).await.map_err(here)?;
        Ok(Copied { tables, verdict })
    }

    async fn refuse_held(&self, connection: &mut Connection) -> Result<(), CopyError> {
        let told = |source| self.told(DOING, source);
        let now = connection.now().await.map_err(told)?;
        // Times are written in one width: they sort as texts.
        let held =
            query("SELECT name, holder FROM leases WHERE NOT released AND expires_at > $1 ORDER BY name LIMIT 1");
        let held = held.bind(time_text(now)).fetch_optional(connection).await.map_err(told)?;
        held.map_or(Ok(()), |row: Row| Err(CopyError::Held { lease: row.get("name"), holder: row.get("holder") }))
    }
}

async fn count(connection: &mut Connection, table: &Table) -> sqlx::Result<u64> {
    let row = Statement::new(format!("SELECT count(*) FROM {}", table.name)).fetch_one(connection).await?;
    Ok(row.get::<i64, _>(0).unsigned_abs())
}

/// The rows behind that key, as many as fit into one statement.
fn page(table: &Table, after: Option<&[Value]>) -> Statement {
    let key = table.key.join(", ");
    let mut page = Statement::new(format!("SELECT {} FROM {}", table.names(), table.name));
    if let Some(after) = after {
        page.push(&format!(" WHERE ({key}) > (")).push_list(after.iter().cloned()).push(")");
    }
    page.push(&format!(" ORDER BY {key} LIMIT ")).push_bind(rows::count(PAGE as u64));
    page
}

fn key(table: &Table, row: &[Value]) -> Vec<Value> {
    let place = |name: &&str| table.columns.iter().position(|(column, _)| column == name);
    table.key.iter().filter_map(place).map(|place| row[place].clone()).collect()
}

fn insert(table: &Table, values: &[Vec<Value>]) -> Statement {
    let mut insert = Statement::new(format!("INSERT INTO {} ({}) ", table.name, table.names()));
    insert.push_values(values, |row, values| {
        for value in values {
            row.push_bind(value.clone());
        }
    });
    insert
}

/// New rows are numbered behind those that were copied. A file does so by itself.
async fn number_on(table: &Table, connection: &mut Connection) -> sqlx::Result<()> {
    let Some(column) = table.numbered.filter(|_| connection.is_postgres()) else { return Ok(()) };
    let name = table.name;
    let next = format!(
        "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), coalesce(max({column}), 1), max({column}) IS NOT NULL)
         FROM {name}"
    );
    Statement::new(next).fetch_one(connection).await?;
    Ok(())
}

async fn verified(connection: &mut Connection) -> sqlx::Result<Verdict> {
    let mut verifier = Verifier::new(&[]);
    verify_all(connection, &mut verifier).await?;
    Ok(verifier.finish())
}
