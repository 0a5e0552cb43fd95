//! The secrets that the project file names, as references: no value ever comes here.

use std::path::Path;

use super::node::{Node, map};
use super::storage::in_pod;
use crate::project::{Database, EngineConfig, Project, Secret, State};
use crate::providers::ProviderConfig;

/// The Secret of the cluster that holds them all; made by a person, or by what brings secrets into the cluster.
pub(super) const SECRET: &str = "tieout-secrets";

/// Where a pod finds one secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reference {
    /// The key of the Secret, which is the variable's name.
    Variable(String),
    /// The key of the Secret, and the file that the pod has it in.
    File { key: String, path: String },
}

impl Reference {
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Variable(name) => name,
            Self::File { key, .. } => key,
        }
    }

    fn of(root: &Path, secret: &Secret) -> Option<Self> {
        match secret {
            Secret::Env(name) => Some(Self::Variable(name.clone())),
            Secret::File(path) => {
                let path = in_pod(root, path);
                // Letters, digits, `-`, `_` and `.` are what a key may have; the whole path keeps two files apart.
                let good = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
                let key = path.trim_start_matches('/').chars().map(good).collect();
                Some(Self::File { key, path })
            }
            Secret::Sandbox(_) => None,
        }
    }
}

/// References to these, each once.
fn references<'p>(project: &Project, secrets: impl Iterator<Item = &'p Secret>) -> Vec<Reference> {
    let mut found: Vec<Reference> = secrets.filter_map(|secret| Reference::of(&project.root, secret)).collect();
    found.sort();
    found.dedup();
    found
}

/// What runs need.
pub(super) fn of_runs(project: &Project) -> Vec<Reference> {
    let of_providers = project.providers.values().flat_map(|provider| provider.any().secrets());
    let of_providers = of_providers.map(|(_, secret)| secret);
    let databases = project.databases.values().filter_map(Database::secret);
    let channels = project.notify.channels.values().flat_map(|channel| channel.secrets());
    let channels = channels.map(|(_, secret)| secret);
    let engine = project.engine.iter().filter_map(EngineConfig::secret);
    references(project, of_providers.chain(state(project)).chain(databases).chain(channels).chain(engine))
}

/// What the pages need: the journal's, and what people sign in with; nothing that speaks to a provider.
pub(super) fn of_review(project: &Project) -> Vec<Reference> {
    let users: Vec<Secret> = project.review.iter().flat_map(|review| review.users.secrets()).collect();
    references(project, state(project).into_iter().chain(&users))
}

fn state(project: &Project) -> Option<&Secret> {
    match &project.state {
        State::Postgres(database) => database.secret(),
        State::Sqlite(_) => None,
    }
}

/// What the receiver needs: keys of signatures, nothing that speaks to a provider. Empty: there is nothing to receive.
pub(super) fn of_receiver(project: &Project) -> Vec<Reference> {
    let kards = project.providers.values().filter_map(ProviderConfig::as_kard);
    references(project, kards.flat_map(|kard| kard.webhook_key.iter().chain(&kard.webhook_key_previous)))
}

/// The environment that brings the secrets which stand in variables.
pub(super) fn environment(references: &[Reference]) -> Vec<Node> {
    let variables = references.iter().filter_map(|reference| match reference {
        Reference::Variable(name) => Some(name),
        Reference::File { .. } => None,
    });
    variables
        .map(|name| {
            let key = map! { "name" => SECRET, "key" => name.as_str() };
            map! { "name" => name.as_str(), "valueFrom" => map! { "secretKeyRef" => key } }
        })
        .collect()
}

/// The secrets that stand in files: the volume that holds them, and where each is mounted.
pub(super) fn files(references: &[Reference]) -> Option<(Node, Vec<Node>)> {
    let files: Vec<(&String, &String)> = references
        .iter()
        .filter_map(|reference| match reference {
            Reference::File { key, path } => Some((key, path)),
            Reference::Variable(_) => None,
        })
        .collect();
    if files.is_empty() {
        return None;
    }
    let items: Vec<Node> =
        files.iter().map(|(key, _)| map! { "key" => key.as_str(), "path" => key.as_str() }).collect();
    let secret = map! { "secretName" => SECRET, "defaultMode" => 0o440, "items" => items };
    let mount = |(key, path): &(&String, &String)| map! { "name" => "secrets", "mountPath" => path.as_str(), "subPath" => key.as_str(), "readOnly" => true };
    Some((map! { "name" => "secrets", "secret" => secret }, files.iter().map(mount).collect()))
}
