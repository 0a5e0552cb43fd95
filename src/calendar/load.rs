//! Finding and loading calendar files: `calendars/NAME.yaml` below the project folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Calendar, Calendars, check, spec};
use crate::config::problem::Excerpts;
use crate::config::{self, Checker, Finding, Problems};
use crate::digest::sha256;

/// The folder of calendar files, relative to the project's.
pub const FOLDER: &str = "calendars";

/// The project's calendars, and what is wrong with those that cannot be used.
pub fn load_all(root: &Path) -> (Calendars, Problems) {
    let mut calendars = Calendars::default();
    let (files, mut problems) = config::yaml_files(root, FOLDER, "calendar");
    for path in files {
        let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
        match load_file(&path, &shown) {
            Ok(calendar) => {
                calendars.own.insert(calendar.name.clone(), Arc::new(calendar));
            }
            Err(found) => {
                let name = shown.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
                let first = found.iter().next().map(config::Problem::headline).unwrap_or_default();
                calendars.wrong.insert(name, first);
                problems.extend(found);
            }
        }
    }
    (calendars, problems)
}

impl Calendars {
    /// The files of the project's calendars that can be used, by name, relative to the project folder.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.own.keys().map(|name| Path::new(FOLDER).join(format!("{name}.yaml")))
    }
}

fn load_file(path: &Path, shown: &Path) -> Result<Calendar, Problems> {
    let bytes = config::read_file(path).map_err(|finding: Finding| Problems::one(shown, finding))?;
    let document = config::parse::<spec::CalendarSpec>(&bytes, &spec::schema())
        .map_err(|(text, findings)| Problems::of(shown, &text, findings, Excerpts::Full))?;
    let mut checker = Checker::new(&document);
    let calendar = check::calendar(&document.spec, shown, &sha256(&bytes), &mut checker);
    let findings = checker.finish();
    match calendar {
        Some(calendar) if findings.is_empty() => Ok(calendar),
        _ => {
            debug_assert!(!findings.is_empty(), "a calendar is refused only with a reason");
            Err(Problems::of(shown, &document.text, findings, Excerpts::Full))
        }
    }
}
