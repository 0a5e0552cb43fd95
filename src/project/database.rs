//! The block `databases:` of the project file.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::load::secret;
use super::spec::DatabaseSpec;
use super::{Secret, SecretError};
use crate::config::Checker;
use crate::postgres::{Address, AddressError};

/// A database that jobs read.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    written: Written,
    /// Certificates are relative to it.
    root: PathBuf,
}

#[derive(Debug, Clone)]
enum Written {
    Address(Address),
    Url(Secret),
}

/// A database whose address cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl DatabaseConfig {
    /// Its address; a secret one is read now.
    ///
    /// # Errors
    /// When the secret is not where the project file says, or is no address.
    pub fn address(&self) -> Result<Address, DatabaseError> {
        match &self.written {
            Written::Address(address) => Ok(address.clone()),
            Written::Url(secret) => Ok(Address::parse(secret.read()?.expose_secret(), &self.root)?),
        }
    }

    /// Where the secret stands, if there is one.
    pub const fn secret(&self) -> Option<&Secret> {
        match &self.written {
            Written::Address(_) => None,
            Written::Url(secret) => Some(secret),
        }
    }
}

/// None where something in it is wrong.
pub(super) fn database(
    root: &Path,
    name: &str,
    spec: &DatabaseSpec,
    checker: &mut Checker<'_>,
) -> Option<DatabaseConfig> {
    let at = format!("databases/{name}");
    let written = match (&spec.address, &spec.url) {
        (Some(text), None) => Written::Address(address(root, &format!("{at}/address"), text, checker)?),
        (None, Some(url)) => Written::Url(secret(root, &format!("{at}/url"), url, checker)?),
        (Some(_), Some(_)) => {
            checker.problem(&at, "both `address` and `url`; expected one of them");
            return None;
        }
        (None, None) => {
            checker.absent(&at, "neither `address` nor `url`", "expected one of them");
            return None;
        }
    };
    Some(DatabaseConfig { written, root: root.to_owned() })
}

fn address(root: &Path, at: &str, text: &str, checker: &mut Checker<'_>) -> Option<Address> {
    match Address::parse(text, root) {
        Ok(address) if address.has_password() => {
            checker.problem_with_help(
                at,
                "`address` holds a password; a secret never stands in this file",
                "leave it to PGPASSWORD or PGPASSFILE, or name the place of the whole address at `url`",
            );
            None
        }
        Ok(address) => Some(address),
        Err(error) => {
            checker.problem(at, error.to_string());
            None
        }
    }
}
