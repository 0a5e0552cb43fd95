//! An input that a provider is asked for.

use super::super::spec::InputSpec;
use super::super::spec_dataset::IdsSpec;
use super::super::{Ids, IdsFrom, Source};
use super::Context;
use super::input::{path_pattern, provider_of};
use crate::config::{Checker, did_you_mean};
use crate::frames::Side;
use crate::providers::ProviderConfig;

pub(super) fn dataset(
    at: &str,
    provider: &str,
    spec: &InputSpec,
    context: Context<'_>,
    checker: &mut Checker<'_>,
) -> Option<Source> {
    let mut good = true;
    for (key, written) in [("file_type", spec.file_type.is_some()), ("name", spec.name.is_some())] {
        if written {
            let message = format!("`{key}` says which file, and this input is what the provider answers");
            checker.problem(&format!("{at}/{key}"), message);
            good = false;
        }
    }
    let dataset = spec.dataset.as_deref()?;
    let ids = match &spec.ids {
        Some(written) => Some(ids(&format!("{at}/ids"), at, written, checker)?),
        None => None,
    };
    if let Some(found) = provider_of(&format!("{at}/provider"), provider, context, checker) {
        good &= fits(at, dataset, ids.is_some(), found, checker);
    }
    good.then(|| Source::Dataset { provider: provider.to_owned(), dataset: dataset.to_owned(), ids })
}

/// Whether the provider has such a dataset, and is asked about ids where it answers so.
fn fits(at: &str, name: &str, by_id: bool, provider: &ProviderConfig, checker: &mut Checker<'_>) -> bool {
    let datasets = provider.any().datasets();
    let Some(dataset) = datasets.iter().find(|dataset| dataset.name == name) else {
        let names: Vec<&str> = datasets.iter().map(|dataset| dataset.name.as_str()).collect();
        let help = if names.is_empty() { known(provider) } else { did_you_mean(name, &names) };
        let message = format!("a `{}` has no dataset `{name}`", provider.kind());
        checker.problem_with_help(&format!("{at}/dataset"), message, help);
        return false;
    };
    match (dataset.by_id, by_id) {
        (true, false) => {
            let help = "write ids: {path: …, column: …}, or ids: {input: ledger, column: …}";
            checker.absent(
                &format!("{at}/dataset"),
                format!("`{name}` is answered by id, and there are no `ids`"),
                help,
            );
            false
        }
        (false, true) => {
            checker.problem(&format!("{at}/ids"), format!("`{name}` is listed by the provider; it takes no ids"));
            false
        }
        _ => true,
    }
}

/// What a provider can be asked for, in words.
pub(super) fn known(provider: &ProviderConfig) -> String {
    let names: Vec<String> = provider.any().datasets().iter().map(|dataset| format!("`{}`", dataset.name)).collect();
    if names.is_empty() {
        return "it publishes files: name a `file_type`".to_owned();
    }
    format!("it has the datasets {}", names.join(", "))
}

fn ids(path: &str, input: &str, spec: &IdsSpec, checker: &mut Checker<'_>) -> Option<Ids> {
    if spec.column.trim().is_empty() {
        checker.problem(&format!("{path}/column"), "`column` is empty; expected the name of a column");
        return None;
    }
    if spec.with.contains_key("id") {
        checker.problem(&format!("{path}/with"), "`id` is the id itself; expected another name");
        return None;
    }
    let from = match (spec.path.as_deref(), spec.input) {
        (Some(pattern), None) => {
            path_pattern(&format!("{path}/path"), pattern, checker)?;
            IdsFrom::Path(pattern.to_owned())
        }
        (None, Some(side)) if input == format!("inputs/{side}") => {
            checker.problem(&format!("{path}/input"), "an input cannot bring its own ids");
            return None;
        }
        (None, Some(side)) => IdsFrom::Input(side),
        (Some(_), Some(_)) => {
            checker.problem(path, "both `path` and `input`; expected one of them");
            return None;
        }
        (None, None) => {
            checker.absent(path, "neither `path` nor `input`", "expected one of them");
            return None;
        }
    };
    Some(Ids { from, column: spec.column.clone(), with: spec.with.clone() })
}

/// The inputs that bring ids to others must be there, and be told by themselves.
pub(super) fn brought(sources: &[(Side, &Source)], checker: &mut Checker<'_>) {
    for (side, source) in sources {
        let Source::Dataset { ids: Some(Ids { from: IdsFrom::Input(from), .. }), .. } = source else { continue };
        let path = format!("inputs/{side}/ids/input");
        match sources.iter().find(|(other, _)| other == from) {
            None => {
                checker.problem(&path, format!("the job has no input `{from}` to take ids from"));
            }
            Some((_, Source::Dataset { .. })) => {
                checker.problem(&path, format!("the input `{from}` is asked of a provider itself; expected a file"));
            }
            Some(_) => {}
        }
    }
}
