//! Where the journal is: `state:` of the project file.

use std::path::{Path, PathBuf};

use super::database::{Database, DatabaseSpec};
use super::load::joined;
use crate::config::Checker;

/// Where it is unless the file says otherwise.
const DEFAULT: &str = "sqlite:.tieout/state.db";

/// Where the journal is kept.
#[derive(Debug, Clone)]
pub enum State {
    /// The `SQLite` file; absolute in a project.
    Sqlite(PathBuf),
    /// The `PostgreSQL` database.
    Postgres(Database),
}

impl State {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// The folder of the file, where the locks of its machine lie; `other` where there is none.
    pub fn folder_or<'a>(&'a self, other: &'a Path) -> &'a Path {
        self.file().and_then(Path::parent).unwrap_or(other)
    }

    /// As given on the command line, `sqlite:PATH` or `postgres://…`; relative to `root`. The error says what was
    /// expected and does not repeat the text.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str, root: &Path) -> Result<Self, String> {
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.trim().is_empty() => Ok(Self::Sqlite(joined(root, path))),
            _ if is_database(text) => crate::postgres::Address::parse(text, root)
                .map(|address| Self::Postgres(Database::Known(address)))
                .map_err(|error| error.to_string()),
            _ => Err(unknown(text)),
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(database) => f.write_str(database.shown()),
        }
    }
}

impl From<&Path> for State {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

impl From<PathBuf> for State {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

impl From<&PathBuf> for State {
    fn from(path: &PathBuf) -> Self {
        Self::Sqlite(path.clone())
    }
}

impl From<&Self> for State {
    fn from(state: &Self) -> Self {
        state.clone()
    }
}

fn is_database(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// A database's address may hold a password: it is not repeated.
fn unknown(text: &str) -> String {
    let kind = text.split(':').next().unwrap_or_default();
    let found = if text.contains(':') { format!("`{kind}:…`") } else { format!("`{text}`") };
    format!("{found}; expected sqlite:PATH, such as {DEFAULT}, or postgres://USER@HOST/DATABASE")
}

/// `state:` as written.
pub(super) fn state(root: &Path, written: Option<&DatabaseSpec>, checker: &mut Checker<'_>) -> Option<State> {
    let default = DatabaseSpec::Text(DEFAULT.to_owned());
    let written = written.unwrap_or(&default);
    match written {
        DatabaseSpec::Text(text) if !is_database(text) => match State::parse(text, root) {
            Ok(state) => Some(state),
            Err(expected) => {
                checker.problem("state", format!("`state` is {expected}"));
                None
            }
        },
        _ => Database::check(root, "state", "state", written, checker).map(State::Postgres),
    }
}
