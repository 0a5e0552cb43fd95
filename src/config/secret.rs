//! Secrets of the project file: told by where they stand, never written out.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Checker;

/// Where a secret stands. The value itself is read when it is needed and never kept in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Secret {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file; one trailing newline is cut off.
    File(PathBuf),
    /// Only the sandbox makes these: they protect nothing and stand in no file.
    #[serde(skip)]
    Sandbox(String),
}

/// A secret that is not where the project file says.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("environment variable {0} is not set")]
    NotSet(String),
    #[error("environment variable {0} is set, but empty or not text")]
    Unusable(String),
    #[error("cannot read secret file {path}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("secret file {0} is empty")]
    Empty(PathBuf),
}

impl Secret {
    /// Reads the value.
    ///
    /// # Errors
    /// When the variable is not set or the file cannot be read; never names the value.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(value.into()),
                Err(std::env::VarError::NotPresent) => Err(SecretError::NotSet(name.clone())),
                Ok(_) | Err(_) => Err(SecretError::Unusable(name.clone())),
            },
            Self::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?;
                let value = text.strip_suffix('\n').map_or(text.as_str(), |cut| cut.strip_suffix('\r').unwrap_or(cut));
                if value.is_empty() {
                    return Err(SecretError::Empty(path.clone()));
                }
                Ok(value.to_owned().into())
            }
            Self::Sandbox(value) => Ok(value.clone().into()),
        }
    }
}

/// A secret's place as written, below `path`; a relative file is one of the project.
pub fn secret(root: &Path, path: &str, written: &Secret, checker: &mut Checker<'_>) -> Option<Secret> {
    match written {
        Secret::Env(name) => {
            let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(good) || name.starts_with(|c: char| c.is_ascii_digit()) {
                // Somebody may have put the secret itself here.
                let message = "`env` is no name of an environment variable; expected one such as KARD_CLIENT_SECRET";
                checker.problem(&format!("{path}/env"), message);
                return None;
            }
            Some(Secret::Env(name.clone()))
        }
        Secret::File(file) if file.as_os_str().is_empty() => {
            checker.problem(&format!("{path}/file"), "`file` is empty; expected the path of a file");
            None
        }
        Secret::File(file) => Some(Secret::File(root.join(file))),
        Secret::Sandbox(_) => {
            checker.problem(path, "only the sandbox has such a secret");
            None
        }
    }
}
