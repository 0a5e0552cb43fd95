//! Who is at the command line: the name that the journal keeps beside a decision.

use crate::exit::{ExitCode, Failure};

/// Where a name is looked for when `--by` is not given, the first one first.
const VARIABLES: [&str; 3] = ["TIEOUT_BY", "USER", "LOGNAME"];

/// Nobody can be named. Exit code 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    #[error("--by is empty; give the name of the person who decides, such as --by \"Mara Lind\"")]
    Empty,
    #[error("nobody is named who decides: no --by, and neither TIEOUT_BY nor the login name says; give --by NAME")]
    Nobody,
}

impl From<PersonError> for Failure {
    fn from(error: PersonError) -> Self {
        Self::new(ExitCode::Usage, error)
    }
}

/// The name as given with `--by`, else `TIEOUT_BY`, else the login name.
///
/// # Errors
/// When there is none.
pub fn person(by: Option<&str>) -> Result<String, PersonError> {
    match named(by, |variable| std::env::var(variable).ok()) {
        Err(PersonError::Nobody) => account().ok_or(PersonError::Nobody),
        named => named,
    }
}

/// Who this process belongs to: containers and schedulers often set no variable that says so.
fn account() -> Option<String> {
    let told = std::process::Command::new("id").arg("-un").output().ok().filter(|told| told.status.success())?;
    let name = String::from_utf8(told.stdout).ok()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// As [`person`]; where the environment of a scheduler names nobody, that is what is recorded.
///
/// # Errors
/// When a name is given and empty.
pub fn person_or_unknown(by: Option<&str>) -> Result<String, PersonError> {
    match person(by) {
        Err(PersonError::Nobody) => Ok("unknown".to_owned()),
        named => named,
    }
}

/// [`person`] over any environment.
///
/// # Errors
/// When there is none.
pub fn named(by: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Result<String, PersonError> {
    if let Some(name) = by {
        return if name.trim().is_empty() { Err(PersonError::Empty) } else { Ok(name.to_owned()) };
    }
    VARIABLES.iter().filter_map(|name| variable(name)).find(|name| !name.trim().is_empty()).ok_or(PersonError::Nobody)
}
