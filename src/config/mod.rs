//! How a YAML file of the project becomes a typed value: read with places, checked against the
//! schema of its written form, every problem kept with file, line and column.

pub mod check;
pub mod http;
pub mod problem;
pub mod quantity;
pub mod secret;
pub mod shape;
pub mod yaml;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

pub use check::Checker;
pub use problem::{Finding, Place, Problem, Problems};

/// A file of more bytes than this is no configuration.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A file that could be read: its tree with places, and the written form if the shape is right.
#[derive(Debug)]
pub struct Document<T> {
    pub text: String,
    pub root: yaml::Node,
    pub spec: T,
    /// What is wrong with the shape, in the order of the file; `spec` is then what could be kept.
    pub findings: Vec<Finding>,
}

/// Reads the bytes of a configuration file.
///
/// # Errors
/// When it is not there, cannot be read, or is too big to be one; told without a place.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Finding> {
    let too_big = |bytes: u64| Finding::anywhere(format!("the file has {bytes} bytes; expected at most 1 MiB"));
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Finding::anywhere("there is no such file"),
        _ => Finding::anywhere(format!("cannot read the file: {error}")),
    };
    let bytes = std::fs::metadata(path).map_err(cannot)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(too_big(bytes));
    }
    std::fs::read(path).map_err(cannot)
}

/// The `.yaml` files of a folder of the project, sorted; another ending is told, since what is `of` them (a job)
/// would be overlooked. A folder that is not there has none.
pub fn yaml_files(root: &Path, folder: &str, of: &str) -> (Vec<PathBuf>, Problems) {
    let mut files = Vec::new();
    let mut problems = Problems::default();
    let entries = match std::fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (files, problems),
        Err(error) => {
            let finding = Finding::anywhere(format!("cannot read the folder: {error}"));
            return (files, Problems::one(folder, finding));
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml") => files.push(path),
            Some("yml") => {
                let shown = path.strip_prefix(root).unwrap_or(&path).to_owned();
                let finding = Finding::anywhere(format!("{of} files end in `.yaml`")).help("rename the file");
                problems.0.push(Problem::of_file(shown, finding));
            }
            _ => {}
        }
    }
    files.sort();
    problems.0.sort_by(|one, other| one.file.cmp(&other.file));
    (files, problems)
}

/// Parses `bytes`, checks them against `schema` and gives the written form.
///
/// # Errors
/// When it cannot be parsed, or so much is wrong with the shape that nothing is left to check: all
/// that, and the text for excerpts.
pub fn parse<T: DeserializeOwned>(
    bytes: &[u8],
    schema: &serde_json::Value,
) -> Result<Document<T>, (String, Vec<Finding>)> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
            let place = Place::end_of(&valid);
            return Err((valid, vec![Finding::at(place, "a byte that is not UTF-8; save the file as UTF-8")]));
        }
    };
    let (root, mut findings) = yaml::parse(&text);
    let Some(mut root) = root else { return Err((text, findings)) };
    let (value, shape) = shape::check(schema, &mut root);
    findings.extend(shape);
    findings.sort_by_key(|finding| finding.place);
    match value.map(serde_json::from_value) {
        Some(Ok(spec)) => Ok(Document { text, root, spec, findings }),
        Some(Err(error)) if findings.is_empty() => {
            Err((text, vec![Finding::anywhere(format!("does not have the expected shape: {error}"))]))
        }
        Some(Err(_)) | None => Err((text, findings)),
    }
}

/// The candidate that was probably meant, if one is close enough.
pub fn closest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded = written.to_lowercase();
    let bound = (written.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= bound && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean `x`?`, or the list of what is known.
pub fn did_you_mean(written: &str, known: &[&str]) -> String {
    match closest(written, known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None if known.is_empty() => "there are none here".to_owned(),
        None => format!("expected one of {}", quoted(known)),
    }
}

/// `` `a`, `b`, `c` ``
pub fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
