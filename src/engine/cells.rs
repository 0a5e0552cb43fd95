//! The raw cells of a line in SQL: the same text that the readers of `frames` find, or a line that counts as doubtful.

use super::head::Head;
use super::plan::Unfit;
use super::text::{any_of, literal};
use crate::job::{Format, Input};

/// A name that stands in a pattern for itself.
const PLAIN_NAME: fn(char) -> bool = |c| c.is_ascii_alphanumeric() || c == '_' || c == '-';
/// Text without quotes, escapes and control characters, and what follows it. No `$`: the line ends where it ends.
const JSON_MEMBER: &str =
    r#""[A-Za-z0-9_-]+": ?("[^"\\\p{Cc}]*"|-?(0|[1-9][0-9]*)([.][0-9]+)?|true|false|null)(, ?|[}]\z)"#;

/// How the lines of one file are taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lines {
    Csv { names: Vec<String>, delimiter: char, quote: char, returns: bool, header: bool },
    Jsonl { returns: bool },
}

impl Lines {
    pub(super) fn of(input: &Input, head: Head) -> Result<Self, Unfit> {
        match &input.format {
            Format::Csv { delimiter, quote, header } => Ok(Self::Csv {
                names: head.names,
                delimiter: char::from(*delimiter),
                quote: char::from(*quote),
                returns: head.returns,
                header: *header,
            }),
            Format::Jsonl => Ok(Self::Jsonl { returns: head.returns }),
            _ => Err(Unfit::job("a format that is read here alone")),
        }
    }

    /// The line without its carriage return, of the column `value`.
    pub(super) fn line(&self) -> String {
        let (Self::Csv { returns, .. } | Self::Jsonl { returns }) = self;
        if *returns {
            "CASE WHEN RIGHT(value, 1) = '\\r' THEN SUBSTRING(value, 1, LENGTH(value) - 1) ELSE value END".to_owned()
        } else {
            "value".to_owned()
        }
    }

    /// Lines that are rows; `id` counts a file's lines from 0.
    /// Each condition asks for the number, so that none is moved to where lines are not numbered yet.
    pub(super) fn is_row(&self) -> String {
        match self {
            Self::Csv { header: true, .. } => "(line <> '' OR id < 0) AND id <> 0".to_owned(),
            Self::Csv { header: false, .. } => "(line <> '' OR id < 0)".to_owned(),
            Self::Jsonl { .. } => format!("(line RLIKE {} OR id < 0)", literal(r"[^ \t\r\f]")),
        }
    }

    /// The columns that cells are taken from, besides `id` and `line`.
    pub(super) fn parts(&self) -> String {
        match self {
            Self::Csv { delimiter, .. } => {
                format!("SPLIT(line, {}, -1) AS c", literal(&format!("[{delimiter}]")))
            }
            Self::Jsonl { .. } => {
                format!("(line LIKE '{{%' AND REGEXP_REPLACE(line, {}, '') = '{{') AS flat", literal(JSON_MEMBER))
            }
        }
    }

    /// A line of which nobody can say what its key is: the file is no plain one.
    pub(super) fn odd(&self, keys: &[String]) -> String {
        match self {
            Self::Csv { quote, .. } => any_of(&[
                format!("INSTR(line, {}) > 0", literal(&quote.to_string())),
                "INSTR(line, '\\r') > 0".to_owned(),
            ]),
            // A name may be written with escapes, or stand in another object. Without a backslash, and as the only one
            // of its name, it is the key's or there is none.
            Self::Jsonl { .. } => {
                let once = |name: &String| {
                    let sought = literal(&format!("\"{name}\":"));
                    format!("LENGTH(line) - LENGTH(REPLACE(line, {sought}, '')) = LENGTH({sought})")
                };
                let simple =
                    |name: &String| format!("line RLIKE {}", literal(&format!("\"{name}\": ?(\"[^\"\\\\]*\"|[^\" ])")));
                let never = |name: &String| format!("INSTR(line, {}) = 0", literal(&format!("\"{name}\":")));
                let told = match keys {
                    [name] => format!(
                        "(({} AND {}) OR ({} AND INSTR(line, '\\\\') = 0))",
                        once(name),
                        simple(name),
                        never(name)
                    ),
                    _ => "FALSE".to_owned(),
                };
                format!("(NOT flat AND NOT {told})")
            }
        }
    }

    /// A line that may be no row at all, or not of as many values as there are columns.
    pub(super) fn doubtful(&self, max_row_bytes: usize) -> String {
        // What is not UTF-8 shows as the replacement character, whose own lines are only read once more.
        let mut doubts =
            vec!["line RLIKE '[\\\\x00\u{fffd}]'".to_owned(), format!("OCTET_LENGTH(line) > {max_row_bytes}")];
        match self {
            Self::Csv { names, .. } => doubts.push(format!("SIZE(c) <> {}", names.len())),
            Self::Jsonl { .. } => doubts.push("NOT flat".to_owned()),
        }
        any_of(&doubts)
    }

    /// The text of the first of these columns that says something; null where none does.
    pub(super) fn cell(&self, names: &[String]) -> Result<String, Unfit> {
        let mut found = Vec::new();
        for name in names {
            if let Some(one) = self.one_cell(name)? {
                found.push(one);
            }
        }
        match found.len() {
            0 => Err(Unfit::job(format!("no column `{}`", names.join("` or `")))),
            1 => Ok(found.remove(0)),
            _ => Ok(format!("COALESCE({})", found.join(", "))),
        }
    }

    fn one_cell(&self, name: &str) -> Result<Option<String>, Unfit> {
        match self {
            Self::Csv { names, .. } => {
                let place = names.iter().position(|known| known == name);
                Ok(place.map(|place| format!("NULLIF(TRIM(BOTH ' ' FROM GET(c, {place})), '')")))
            }
            Self::Jsonl { .. } if name.is_empty() || !name.chars().all(PLAIN_NAME) => {
                Err(Unfit::job(format!("`{name}` is below another key of its line")))
            }
            Self::Jsonl { .. } => {
                let found =
                    format!("REGEXP_EXTRACT(line, {}, 1)", literal(&format!("\"{name}\": ?(\"[^\"]*\"|[^\",}} ]+)")));
                Ok(Some(format!(
                    "CASE WHEN {found} IN ('', 'null') THEN NULL WHEN {found} LIKE '\"%' \
                     THEN NULLIF(TRIM(BOTH ' ' FROM SUBSTRING({found}, 2, LENGTH({found}) - 2)), '') ELSE {found} END"
                )))
            }
        }
    }

    /// That none of these names stands twice in a line; of CSV that is known from its header.
    pub(super) fn stands_twice(&self, names: &[String]) -> Option<String> {
        let Self::Jsonl { .. } = self else { return None };
        let twice = |name: &String| {
            let sought = literal(&format!("\"{name}\":"));
            format!("LENGTH(line) - LENGTH(REPLACE(line, {sought}, '')) > LENGTH({sought})")
        };
        Some(any_of(&names.iter().map(twice).collect::<Vec<_>>()))
    }
}
