//! An input that a database is asked for.

use super::super::Source;
use super::super::spec::InputSpec;
use super::Context;
use crate::config::{Checker, did_you_mean};

/// What else an input may say that has no meaning for the answer of a database.
fn foreign(spec: &InputSpec) -> [(&'static str, bool); 8] {
    [
        ("path", spec.path.is_some()),
        ("provider", spec.provider.is_some()),
        ("file_type", spec.file_type.is_some()),
        ("dataset", spec.dataset.is_some()),
        ("ids", spec.ids.is_some()),
        ("name", spec.name.is_some()),
        ("format", spec.format.is_some()),
        ("preset", spec.preset.is_some()),
    ]
}

pub(super) fn query(
    at: &str,
    database: &str,
    spec: &InputSpec,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<Source> {
    let mut good = true;
    for (key, written) in foreign(spec) {
        if written {
            let message =
                format!("`{key}` has no meaning beside `postgres`, whose rows have names and text of their own");
            checker.problem(&format!("{at}/{key}"), message);
            good = false;
        }
    }
    if let Some(known) = context.databases.filter(|known| !known.contains_key(database)) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let help =
            if names.is_empty() { "tieout.yaml has no `databases`".to_owned() } else { did_you_mean(database, &names) };
        checker.problem_with_help(&format!("{at}/postgres"), format!("no database is called `{database}`"), help);
        good = false;
    }
    let Some(file) = &spec.query else {
        let help = "it names the file of the query, such as queries/ledger.sql";
        checker.absent(&format!("{at}/postgres"), "missing key `query`", help);
        return None;
    };
    let outside = file.starts_with(['/', '~']) || file.split(['/', '\\']).any(|part| part == "..");
    if outside || file.trim().is_empty() {
        let message = format!("`{file}` is not below the project folder; expected a file such as queries/ledger.sql");
        checker.problem(&format!("{at}/query"), message);
        return None;
    }
    good.then(|| Source::Query { database: database.to_owned(), file: file.clone() })
}
