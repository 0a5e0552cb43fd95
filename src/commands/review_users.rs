//! `tieout review user` and `tieout review hash-password`: a password becomes a hash. It is shown nowhere.

use std::io::{BufRead, IsTerminal, Read, Write as _};
use std::process::{Command, Stdio};

use secrecy::{ExposeSecret, SecretString};

use super::{Context, stopped};
use crate::cli::UserArgs;
use crate::exit::{ExitCode, Failure};
use crate::output::{Cell, Format, Rows};
use crate::pipeline;
use crate::project::review::{MOST_NAME_CHARS, is_name};
use crate::review::passwords::{MOST_BYTES, PasswordError, PasswordHash};

/// There is no password that could be hashed. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(
        "the name is not fit for the journal; expected 1 to {MOST_NAME_CHARS} characters that can be seen, without a slash \
         and without blanks at its ends"
    )]
    Name,
    #[error("the two passwords differ; nothing was made, begin again")]
    Differ,
    #[error("stdin holds no password; write it as one line, or call this on a terminal")]
    Nothing,
    #[error("stdin holds more than one line; expected the password alone")]
    Lines,
    #[error("stdin is no text; expected the password in UTF-8")]
    NoText,
    #[error("this terminal does not stop showing what is typed (`stty -echo` fails); write the password to stdin")]
    Echo,
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let code = match error {
            AskError::Password(PasswordError::Machine) => ExitCode::Unexpected,
            _ => ExitCode::Usage,
        };
        Self::new(code, error)
    }
}

/// Prints the entry of somebody who may sign in.
///
/// # Errors
/// When the name or the password cannot be taken.
pub async fn user(context: Context, args: UserArgs) -> Result<ExitCode, Failure> {
    if !is_name(&args.name) {
        return Err(AskError::Name.into());
    }
    let hash = hash(args.name.clone()).await?;
    let (name, role) = (args.name, args.role.name());
    if context.output.format == Format::Table {
        // In YAML, nothing but a quotation mark means anything between these.
        let quoted = name.replace('\'', "''");
        context.output.text(&format!("'{quoted}': {{role: {role}, password: '{}'}}\n", hash.as_str()))?;
    } else {
        let mut rows = Rows::new(&["name", "role", "password"]);
        rows.push(vec![Cell::text(name), Cell::text(role), Cell::text(hash.as_str())]);
        context.output.rows(&rows)?;
    }
    Ok(ExitCode::Done)
}

/// Prints the hash of a password.
///
/// # Errors
/// When the password cannot be taken.
pub async fn hash_password(context: Context) -> Result<ExitCode, Failure> {
    let hash = hash(String::new()).await?;
    context.output.text(&format!("{}\n", hash.as_str()))?;
    Ok(ExitCode::Done)
}

/// Asks for the password of somebody, and hashes it.
async fn hash(name: String) -> Result<PasswordHash, Failure> {
    let stopped = stopped()?;
    let asking = tokio::task::spawn_blocking(move || {
        let password = ask()?;
        Ok::<_, Failure>(PasswordHash::of(&name, password.expose_secret()).map_err(AskError::Password)?)
    });
    tokio::select! {
        hash = asking => hash.map_err(|error| Failure::new(ExitCode::Unexpected, error))?,
        name = stopped => {
            // Whoever breaks off while typing gets the terminal back as it was.
            if std::io::stdin().is_terminal() {
                echo(true);
            }
            Err(pipeline::stopped(name))
        }
    }
}

fn ask() -> Result<SecretString, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(only_line(stdin.lock())?);
    }
    if !echo(false) {
        return Err(AskError::Echo.into());
    }
    let both = typed("Password: ").and_then(|first| Ok((first, typed("Once more: ")?)));
    echo(true);
    let (first, second) = both?;
    if first.expose_secret() != second.expose_secret() {
        return Err(AskError::Differ.into());
    }
    Ok(first)
}

/// One line from the terminal.
fn typed(prompt: &str) -> std::io::Result<SecretString> {
    let mut told = std::io::stderr();
    write!(told, "{prompt}")?;
    told.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    writeln!(told)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned().into())
}

/// The one line of a text.
///
/// # Errors
/// When there is none, or more.
pub fn only_line(input: impl Read) -> Result<SecretString, AskError> {
    let mut bytes = Vec::new();
    // More than this is refused as too long.
    let most = MOST_BYTES as u64 + 16;
    input.take(most).read_to_end(&mut bytes).map_err(|_| AskError::Nothing)?;
    let text = String::from_utf8(bytes).map_err(|_| AskError::NoText)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |cut| cut.strip_suffix('\r').unwrap_or(cut));
    if line.is_empty() {
        return Err(AskError::Nothing);
    }
    if line.contains('\n') {
        return Err(AskError::Lines);
    }
    Ok(line.to_owned().into())
}

/// Whether the terminal shows what is typed. False: it could not be told.
fn echo(shown: bool) -> bool {
    let mode = if shown { "echo" } else { "-echo" };
    let mut told = Command::new("stty");
    told.arg(mode).stdin(Stdio::inherit()).stdout(Stdio::null()).stderr(Stdio::null());
    told.status().is_ok_and(|status| status.success())
}
