//! `tieout doctor`: whether the journal can be written, and if not, what to do about it.

use super::doctor::{Check, chain};
use crate::exit::ExitCode;
use crate::journal::{Journal, JournalError};
use crate::postgres::Error;
use crate::project::State;

/// Opens the journal and begins a write, which is taken back.
pub(super) async fn check(state: &State) -> Check {
    let what = if state.file().is_some() { "state file" } else { "state database" };
    match tried(state).await {
        Ok(server) => Check::ok(what, format!("{state} can be written{server}")),
        Err(error) if state.file().is_some() => Check::fail(
            what,
            ExitCode::Configuration,
            chain(&error),
            "put `state` of tieout.yaml where it can be written",
        ),
        Err(error) => Check::fail(what, error.exit_code(), chain(&error), to_do(&error)),
    }
}

async fn tried(state: &State) -> Result<String, JournalError> {
    let journal = Journal::open(state).await?;
    let server = journal.try_writing().await?;
    journal.close().await?;
    Ok(server.map_or_else(String::new, |version| format!(" (PostgreSQL {version})")))
}

const fn to_do(error: &JournalError) -> &'static str {
    match error {
        JournalError::Address(_) => "set the secret that `state` of tieout.yaml names to an address of a database",
        JournalError::NewerTables { .. } => "install the tieout that wrote them",
        JournalError::ForeignTables { .. } => "name a schema of tieout's own: ?schema=tieout behind the address",
        JournalError::OldServer { .. } | JournalError::Encoding { .. } => "point `state` at another database",
        JournalError::Database { source, .. } => of_server(source),
        _ => "see the message",
    }
}

/// What to do about an error of a server.
pub(super) const fn of_server(error: &Error) -> &'static str {
    match error {
        Error::Refused { .. } => "set the right password, in the address, PGPASSWORD or PGPASSFILE",
        Error::NotAllowed { .. } => {
            "let the database's owner grant this user USAGE and CREATE on the schema, and all on its tables"
        }
        Error::NoDatabase { .. } => "create the database, or correct its name in the address",
        Error::NoTable { .. } => "correct `schema` in the address",
        Error::Unreachable { .. } => "check host, port, DNS and firewall, and that the server runs and listens there",
        Error::NotNow { .. } => "wait until the server has started, or raise its max_connections",
        Error::Tls { .. } => "check sslmode and sslrootcert of the address, and the server's certificate",
        Error::ReadOnly { .. } => "name the primary server in the address, not a standby",
        Error::Locked { .. } | Error::Cancelled { .. } => "see in pg_stat_activity who keeps it from answering",
        Error::DiskFull { .. } => "free some space on the server's disk",
        Error::Address { .. } | Error::Statement { .. } => "see the message",
    }
}
