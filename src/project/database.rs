//! The address of a `PostgreSQL` database as the project file tells it: in plain text, or where it stands.

use std::path::{Path, PathBuf};

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer};

use super::{Secret, SecretError};
use crate::config::Checker;
use crate::config::secret::secret;
use crate::postgres::{Address, AddressError};

/// An address as written: the text itself, without a password, or where the text stands.
#[derive(Debug, Clone)]
pub enum DatabaseSpec {
    Text(String),
    At(AddressAt),
}

/// Where an address with a password stands.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AddressAt {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file; one trailing newline is cut off.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for DatabaseSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::Text(text)),
            at => serde_json::from_value(at).map(Self::At).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for DatabaseSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Database".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let at = generator.subschema_for::<AddressAt>();
        json_schema!({ "anyOf": [{ "type": "string" }, at] })
    }
}

/// A database of the project file.
#[derive(Debug, Clone)]
pub enum Database {
    Known(Address),
    /// Read when it is needed; certificates are named relative to `folder`.
    Kept {
        at: Secret,
        folder: PathBuf,
        shown: String,
    },
}

/// An address that cannot be had or used. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("the address of the database")]
    Secret(#[from] SecretError),
    #[error("the address of the database that stands {place}")]
    Address { place: String, source: AddressError },
}

impl Database {
    /// Reads the address.
    ///
    /// # Errors
    /// When it is not where the project file says, or is none.
    pub fn address(&self) -> Result<Address, DatabaseError> {
        match self {
            Self::Known(address) => Ok(address.clone()),
            Self::Kept { at, folder, shown } => Address::parse(at.read()?.expose_secret(), folder)
                .map_err(|source| DatabaseError::Address { place: shown.clone(), source }),
        }
    }

    /// The address without password and options, or where it stands.
    pub fn shown(&self) -> &str {
        match self {
            Self::Known(address) => address.shown(),
            Self::Kept { shown, .. } => shown,
        }
    }

    /// Where the secret stands, where it is one.
    pub const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Known(_) => None,
            Self::Kept { at, .. } => Some(at),
        }
    }

    /// Where it stands; a path is taken relative to `folder`.
    pub fn kept(at: Secret, folder: &Path) -> Self {
        let shown = match &at {
            Secret::Env(name) => format!("in environment variable {name}"),
            Secret::File(path) => format!("in {}", path.display()),
            Secret::Sandbox(_) => "in the sandbox".to_owned(),
        };
        Self::Kept { at, folder: folder.to_owned(), shown }
    }

    /// As written at `key`, whose place in the file is `path`. Nothing is connected to, and no secret is read.
    pub(super) fn check(
        root: &Path,
        path: &str,
        key: &str,
        written: &DatabaseSpec,
        checker: &mut Checker<'_>,
    ) -> Option<Self> {
        let text = match written {
            DatabaseSpec::Text(text) => text,
            DatabaseSpec::At(at) => {
                let at = match at {
                    AddressAt::Env(name) => Secret::Env(name.clone()),
                    AddressAt::File(file) => Secret::File(file.clone()),
                };
                return secret(root, path, &at, checker).map(|at| Self::kept(at, root));
            }
        };
        match Address::parse(text, root) {
            Ok(address) if address.has_password() => {
                checker.problem_with_help(
                    path,
                    format!("`{key}` holds a password; a secret never stands in this file"),
                    "write {env: NAME} or {file: PATH} for the whole address, or take the password out of it: PGPASSWORD and PGPASSFILE are read",
                );
                None
            }
            Ok(address) => Some(Self::Known(address)),
            Err(error) => {
                checker.problem(path, format!("`{key}`: {error}"));
                None
            }
        }
    }
}
