//! `tieout doctor`: whether the databases that jobs read answer, and if not, what to do about it.

use std::time::Duration;

use sqlx::Connection;

use super::doctor::{Check, chain};
use super::doctor_state::of_server;
use crate::exit::ExitCode;
use crate::project::{Database, Project};

/// A database that says nothing for so long does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One check a database of `databases:`.
pub(super) async fn checks(project: &Project) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, database) in &project.databases {
        checks.push(check(format!("database {name}"), database).await);
    }
    checks
}

async fn check(what: String, database: &Database) -> Check {
    let address = match database.address() {
        Ok(address) => address,
        Err(error) => {
            let to_do = "set the secret that `databases` of tieout.yaml names to an address of a database";
            return Check::fail(what, ExitCode::Configuration, chain(&error), to_do);
        }
    };
    match address.connect("tieout", PATIENCE).await {
        Ok(connection) => {
            // Nothing was begun: how it closes says nothing.
            let _ = connection.close().await;
            Check::ok(what, format!("{} answers", address.shown()))
        }
        Err(error) => Check::fail(what, error.exit_code(), chain(&error), of_server(&error)),
    }
}
