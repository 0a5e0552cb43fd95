//! Connecting to `PostgreSQL`, for the journal and for inputs alike, and what its errors mean to whoever has to act.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, PgConnection};

use crate::exit::ExitCode;
use crate::text::{cut, visible};

/// Of the server's own words at most so many characters are shown.
const SHOWN: usize = 300;

/// What may stand behind the `?` of an address.
const OPTIONS: [&str; 9] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "schema",
    "host",
    "application_name",
    "options",
    "statement-cache-capacity",
];

/// Options whose value is a path.
const CERTIFICATES: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];

/// The address of a database: `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=ca.pem`.
#[derive(Debug, Clone)]
pub struct Address {
    /// May hold a password.
    url: SecretString,
    /// Certificates are named relative to this folder.
    folder: PathBuf,
    shown: String,
    schema: Option<String>,
    has_password: bool,
}

/// An address that cannot be used. Exit code 78. None repeats the address: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "the address of the database is no URL; expected one such as postgres://tieout@db.internal:5432/tieout?sslmode=verify-full"
    )]
    NoUrl,
    #[error("the address of the database begins with `{0}:`; expected postgres://")]
    Scheme(String),
    #[error("the address names no host; expected postgres://USER@HOST/DATABASE, or ?host=/folder/of/the/socket")]
    NoHost,
    #[error("the address names no database; expected its name behind the host, as in postgres://USER@HOST/tieout")]
    NoDatabase,
    #[error("the address has an option `{0}`, which is not known; known are {known}", known = OPTIONS.join(", "))]
    UnknownOption(String),
    #[error(
        "`sslmode` of the address is `{0}`; expected disable, prefer, require, verify-ca or verify-full, the only one \
         that proves who answers"
    )]
    SslMode(String),
    #[error("`schema` of the address is `{0}`; expected small letters, digits and underscores, at most 63")]
    Schema(String),
    #[error("an option of the address cannot be used: {0}")]
    Option(&'static str),
    #[error(
        "`{option}` of the address names {path}, which cannot be read; it is relative to the folder of tieout.yaml"
    )]
    Unreadable { option: &'static str, path: PathBuf },
}

impl Address {
    /// Reads an address; no connection is made. Certificates are relative to `folder`.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn parse(url: &str, folder: &Path) -> Result<Self, AddressError> {
        let parsed = Url::parse(url).map_err(|_| AddressError::NoUrl)?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(AddressError::Scheme(cut(&visible(parsed.scheme()), 20).into_owned()));
        }
        let mut schema = None;
        let mut host = parsed.host_str().unwrap_or_default().to_owned();
        let mut has_password = parsed.password().is_some();
        for (key, value) in parsed.query_pairs() {
            match &*key {
                "password" => has_password = true,
                "schema" => schema = Some(schema_name(&value)?),
                "host" => value.as_ref().clone_into(&mut host),
                "sslmode" if !is_ssl_mode(&value) => {
                    return Err(AddressError::SslMode(cut(&visible(&value), 20).into_owned()));
                }
                known if OPTIONS.contains(&known) => {}
                other => return Err(AddressError::UnknownOption(cut(&visible(other), 40).into_owned())),
            }
        }
        if host.is_empty() {
            return Err(AddressError::NoHost);
        }
        let database = parsed.path().trim_start_matches('/');
        if database.is_empty() {
            return Err(AddressError::NoDatabase);
        }
        let shown = shown(&parsed, &host, database);
        let address = Self { url: url.to_owned().into(), folder: folder.to_owned(), shown, schema, has_password };
        address.options().map(|_| address)
    }

    /// `postgres://USER@HOST:PORT/DATABASE`, without password and options.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The schema that the tables stand in; none: the one that the server gives the user.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Whether it holds a password, which no text of a project file may.
    pub const fn has_password(&self) -> bool {
        self.has_password
    }

    /// Connects within `timeout`, as `application`; password and the rest may come from the environment, as for `psql`
    /// (`PGPASSWORD`, `PGPASSFILE`, `PGSSLMODE`, …). Does not try again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn connect(&self, application: &str, timeout: Duration) -> Result<PgConnection, Error> {
        let options = self.readable().and_then(|()| self.options()).map_err(|source| Error::Address { source })?;
        let options =
            if options.get_application_name().is_some() { options } else { options.application_name(application) };
        match tokio::time::timeout(timeout, options.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(source)) => Err(self.error(source)),
            Err(_) => Err(Error::Unreachable {
                database: self.shown.clone(),
                source: std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    format!("no connection within {} s", timeout.as_secs()),
                )
                .into(),
            }),
        }
    }

    /// What an error of a connection to this database means.
    pub fn error(&self, source: sqlx::Error) -> Error {
        Error::of(&self.shown, source)
    }

    /// A certificate that is not there would look like a server that is not.
    fn readable(&self) -> Result<(), AddressError> {
        let url = Url::parse(self.url.expose_secret()).map_err(|_| AddressError::NoUrl)?;
        for (key, value) in url.query_pairs() {
            if let Some(option) = CERTIFICATES.into_iter().find(|option| *option == key) {
                let path = self.folder.join(&*value);
                std::fs::File::open(&path).map_err(|_| AddressError::Unreadable { option, path })?;
            }
        }
        Ok(())
    }

    fn options(&self) -> Result<PgConnectOptions, AddressError> {
        let mut url = Url::parse(self.url.expose_secret()).map_err(|_| AddressError::NoUrl)?;
        let ours: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let theirs = ours.iter().filter(|(key, _)| key != "schema" && !CERTIFICATES.contains(&&**key));
        let theirs: Vec<_> = theirs.cloned().collect();
        url.set_query(None);
        if !theirs.is_empty() {
            url.query_pairs_mut().extend_pairs(theirs);
        }
        let mut options = PgConnectOptions::from_str(url.as_str())
            .map_err(|_| AddressError::Option("expected what psql takes: numbers and names"))?
            // A statement of ours that is slow is none to warn about; what it says stands in the program.
            .disable_statement_logging();
        for (key, value) in &ours {
            let path = self.folder.join(value);
            options = match key.as_str() {
                "sslrootcert" => options.ssl_root_cert(path),
                "sslcert" => options.ssl_client_cert(path),
                "sslkey" => options.ssl_client_key(path),
                _ => options,
            };
        }
        if let Some(schema) = &self.schema {
            options = options.options([("search_path", schema)]);
        }
        Ok(options)
    }
}

fn is_ssl_mode(mode: &str) -> bool {
    // `allow` is done by nobody: the driver takes it for `disable`.
    mode != "allow" && PgSslMode::from_str(mode).is_ok()
}

/// It stands in statements: plain names only.
fn schema_name(name: &str) -> Result<String, AddressError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && !name.starts_with("pg_");
    if begins && name.len() <= 63 && name.chars().all(good) {
        return Ok(name.to_owned());
    }
    Err(AddressError::Schema(cut(&visible(name), 70).into_owned()))
}

fn shown(url: &Url, host: &str, database: &str) -> String {
    let user = if url.username().is_empty() { String::new() } else { format!("{}@", url.username()) };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    visible(&format!("postgres://{user}{host}{port}/{database}")).into_owned()
}

/// What went wrong with a database, in the words of whoever has to act on it. Where the server's own words stand in the
/// text, the error that they come from is no source: it would only say them again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Exit code 78.
    #[error("cannot use the address of the database")]
    Address { source: AddressError },
    /// Exit code 77.
    #[error(
        "{database} refuses this user or password ({said}); check the user of the address and where its password comes \
         from: the address itself, PGPASSWORD or PGPASSFILE"
    )]
    Refused { database: String, said: String, cause: sqlx::Error },
    /// Exit code 77.
    #[error("{database} does not let this user do that ({said}); grant it, or name another user in the address")]
    NotAllowed { database: String, said: String, cause: sqlx::Error },
    /// Exit code 78.
    #[error("{database}: {said}; create the database, or name another in the address")]
    NoDatabase { database: String, said: String, cause: sqlx::Error },
    /// Exit code 78.
    #[error("{database}: {said}; check names and spelling, and `schema` or `search_path`")]
    NoTable { database: String, said: String, cause: sqlx::Error },
    /// Exit code 69.
    #[error("no connection to {database}; check host and port, the network and whether the server runs")]
    Unreachable { database: String, source: sqlx::Error },
    /// Exit code 69.
    #[error("{database} takes no connection now ({said}); run again when it does")]
    NotNow { database: String, said: String, cause: sqlx::Error },
    /// Exit code 69.
    #[error(
        "no trusted connection to {database} ({said}); check the server's certificate, its name and its date, and \
         `sslmode` and `sslrootcert` of the address"
    )]
    Tls { database: String, said: String, cause: sqlx::Error },
    /// Exit code 78.
    #[error(
        "{database} is read-only ({said}); name the primary server in the address, and see `default_transaction_read_only`"
    )]
    ReadOnly { database: String, said: String, cause: sqlx::Error },
    /// Exit code 75.
    #[error("{database}: {said}; another process holds a lock, try again when it has ended")]
    Locked { database: String, said: String, cause: sqlx::Error },
    /// Exit code 75.
    #[error(
        "{database} stopped a statement ({said}); see its `statement_timeout`, or run again when it has less to do"
    )]
    Cancelled { database: String, said: String, cause: sqlx::Error },
    /// Exit code 69.
    #[error("the disk of {database} is full; free some space and run again, nothing is half-written")]
    DiskFull { database: String, source: sqlx::Error },
    /// Exit code 1: the statement itself.
    #[error("{database}: {said}")]
    Statement { database: String, said: String, cause: sqlx::Error },
}

impl Error {
    /// What an error of a connection to `database`, as [`Address::shown`] names it, means.
    pub fn of(database: &str, source: sqlx::Error) -> Self {
        let database = database.to_owned();
        let code = code(&source).unwrap_or_default();
        let said = said(&source);
        match (&*code, &source) {
            ("28P01" | "28000", _) => Self::Refused { database, said, cause: source },
            ("42501", _) => Self::NotAllowed { database, said, cause: source },
            ("3D000", _) => Self::NoDatabase { database, said, cause: source },
            ("3F000" | "42P01", _) => Self::NoTable { database, said, cause: source },
            ("25006", _) => Self::ReadOnly { database, said, cause: source },
            ("55P03" | "40P01" | "40001", _) => Self::Locked { database, said, cause: source },
            ("57014", _) => Self::Cancelled { database, said, cause: source },
            ("53100", _) => Self::DiskFull { database, source },
            // Operator intervention, too many connections, out of memory, an idle session that was ended.
            ("57P01" | "57P02" | "57P03" | "57P05" | "53300" | "53200" | "25P03", _) => {
                Self::NotNow { database, said, cause: source }
            }
            (code, _) if code.starts_with("08") => Self::Unreachable { database, source },
            ("", sqlx::Error::Tls(_)) => Self::Tls { database, said, cause: source },
            ("", sqlx::Error::Io(error)) if is_tls(error) => Self::Tls { database, said, cause: source },
            ("", sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed) => {
                Self::Unreachable { database, source }
            }
            _ => Self::Statement { database, said, cause: source },
        }
    }

    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused { .. } | Self::NotAllowed { .. } => ExitCode::CredentialsRefused,
            Self::Address { .. } | Self::NoDatabase { .. } | Self::NoTable { .. } | Self::ReadOnly { .. } => {
                ExitCode::Configuration
            }
            Self::Unreachable { .. } | Self::NotNow { .. } | Self::Tls { .. } | Self::DiskFull { .. } => {
                ExitCode::ProviderUnavailable
            }
            Self::Locked { .. } | Self::Cancelled { .. } => ExitCode::TryAgainLater,
            Self::Statement { .. } => ExitCode::Unexpected,
        }
    }

    /// Whether the connection is gone, or never was, and another one may succeed by itself after a while.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NotNow { .. })
    }
}

/// SQLSTATE (`PostgreSQL`, appendix A), where the server said one.
fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// The server's own words, or those of what lies below.
fn said(error: &sqlx::Error) -> String {
    let words = match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Tls(error) => error.to_string(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    cut(&visible(&words), SHOWN).into_owned()
}

/// Certificates that are refused come as an error of reading or writing.
fn is_tls(error: &std::io::Error) -> bool {
    let mut inner = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(error) = inner {
        if error.is::<rustls::Error>() {
            return true;
        }
        inner = error.source();
    }
    false
}
