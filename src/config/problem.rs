//! What is wrong with a configuration file: a message with its place, shown with the line it is about.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::closest;
use crate::exit::{ExitCode, Failure};

/// 1-based line and column (in characters).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    pub const START: Self = Self { line: 1, column: 1 };

    /// Where the next character after `text` would stand.
    pub fn end_of(text: &str) -> Self {
        let line = text.matches('\n').count() + 1;
        let column = text.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { line, column }
    }
}

/// A problem of one file before the file's name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// None: the file as a whole.
    pub place: Option<Place>,
    pub message: String,
    pub help: Option<String>,
}

impl Finding {
    pub fn at(place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), message: message.into(), help: None }
    }

    pub fn anywhere(message: impl Into<String>) -> Self {
        Self { place: None, message: message.into(), help: None }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// One thing that is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Relative to the project folder where possible.
    pub file: PathBuf,
    /// 1-based; none: the file as a whole.
    pub line: Option<usize>,
    /// 1-based, in characters.
    pub column: Option<usize>,
    /// A lowercase fragment: what was found, what was expected.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
    /// The offending line, secrets left out.
    #[serde(skip)]
    pub excerpt: Option<String>,
}

impl Problem {
    /// A problem of the file as a whole.
    pub fn of_file(file: impl Into<PathBuf>, finding: Finding) -> Self {
        Self {
            file: file.into(),
            line: finding.place.map(|place| place.line),
            column: finding.place.map(|place| place.column),
            message: finding.message,
            help: finding.help,
            excerpt: None,
        }
    }

    /// `FILE:LINE:COLUMN: message; help`
    pub fn headline(&self) -> String {
        let mut text = self.file.display().to_string();
        if let (Some(line), Some(column)) = (self.line, self.column) {
            let _ = write!(text, ":{line}:{column}");
        }
        let _ = write!(text, ": {}", self.message);
        if let Some(help) = &self.help {
            let _ = write!(text, "; {help}");
        }
        text
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.headline())?;
        let (Some(excerpt), Some(line), Some(column)) = (&self.excerpt, self.line, self.column) else {
            return Ok(());
        };
        let number = line.to_string();
        let indent = " ".repeat(number.len());
        write!(f, "\n  {number} | {excerpt}\n  {indent} | {}^", " ".repeat(column - 1))
    }
}

/// Whether an excerpt may show what stands behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excerpts {
    /// The whole line.
    Full,
    /// Somebody may have written a secret anywhere: lines of `values` are shown whole, of `keys`
    /// (and of words that look like one of either) the key alone, of others nothing.
    Guarded { values: &'static [&'static str], keys: &'static [&'static str] },
}

/// Everything that is wrong, in the order of files and lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Findings of one file, sorted by place, with excerpts of `text`.
    pub fn of(file: impl Into<PathBuf>, text: &str, mut findings: Vec<Finding>, excerpts: Excerpts) -> Self {
        let file = file.into();
        findings.sort_by_key(|finding| finding.place);
        let lines = text.lines().collect::<Vec<_>>();
        let problems = findings.into_iter().map(|finding| {
            let line = finding.place.and_then(|place| lines.get(place.line - 1).copied());
            let excerpt = line.filter(|line| line.len() <= 200).map(|line| show(line, excerpts));
            Problem { excerpt, ..Problem::of_file(file.clone(), finding) }
        });
        Self(problems.collect())
    }

    pub fn one(file: impl Into<PathBuf>, finding: Finding) -> Self {
        Self(vec![Problem::of_file(file, finding)])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

impl<'p> IntoIterator for &'p Problems {
    type Item = &'p Problem;
    type IntoIter = std::slice::Iter<'p, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::new(ExitCode::Configuration, problems)
    }
}

/// A line without control characters (tabs keep their width of one, so that the caret fits).
fn show(line: &str, excerpts: Excerpts) -> String {
    let shown = match excerpts {
        Excerpts::Full => line.to_owned(),
        Excerpts::Guarded { values, keys } => {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let word = key.trim();
            if values.contains(&word) {
                line.to_owned()
            } else if closest(word, values.iter().chain(keys).copied()).is_none() {
                format!("{}…", " ".repeat(line.len() - line.trim_start().len()))
            } else if value.trim().is_empty() {
                line.to_owned()
            } else {
                format!("{key}: …")
            }
        }
    };
    shown.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
