//! The providers that a job names, looked up in the project file.

use super::Request;
use crate::exit::{ExitCode, Failure};
use crate::providers::cards::Courier;
use crate::providers::kard::{Client, KardConfig};
use crate::providers::{CardProvider, Provider, ProviderConfig};

/// A provider, and where the job names it.
#[derive(Debug)]
pub(super) struct NamedProvider<'r> {
    job: &'r str,
    /// `inputs.file`, `effects`
    at: String,
    name: &'r str,
    config: &'r ProviderConfig,
}

/// The provider of that name.
///
/// # Errors
/// When the project file has none (78).
pub(super) fn provider<'r>(
    request: &'r Request,
    at: impl Into<String>,
    name: &'r str,
) -> Result<NamedProvider<'r>, Failure> {
    let (job, at) = (request.job.name.as_str(), at.into());
    match request.project.providers.get(name) {
        Some(config) => Ok(NamedProvider { job, at, name, config }),
        None => Err(refusal(job, &at, name, "is not in tieout.yaml")),
    }
}

fn refusal(job: &str, at: &str, name: &str, why: &str) -> Failure {
    Failure::new(ExitCode::Configuration, anyhow::anyhow!("job {job}, {at}: provider `{name}` {why}"))
}

impl<'r> NamedProvider<'r> {
    /// What every provider can do.
    pub(super) fn any(&self) -> &'r dyn Provider {
        self.config.any()
    }

    /// As one that publishes files, and takes audits, markers and transactions.
    pub(super) fn kard(&self) -> Result<&'r KardConfig, Failure> {
        self.config.as_kard().ok_or_else(|| self.other("`kard`"))
    }

    /// As one whose cards something can be done to.
    pub(super) fn cards(&self) -> Result<&'r dyn CardProvider, Failure> {
        self.any().cards().ok_or_else(|| self.other("one with cards that something can be done to"))
    }

    /// Who speaks with it, with its secrets at hand.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        Client::new(self.kard()?).map_err(|error| told(self.name, error))
    }

    /// Who carries orders for its cards, with its secrets at hand.
    pub(super) fn courier(&self) -> Result<Box<dyn Courier>, Failure> {
        self.cards()?.courier().map_err(|failure| told(self.name, failure))
    }

    /// What it lacks that the job wants of it: `has no webhook_key`.
    pub(super) fn refused(&self, why: &str) -> Failure {
        refusal(self.job, &self.at, self.name, why)
    }

    fn other(&self, expected: &str) -> Failure {
        self.refused(&format!("is of type `{}`; expected {expected}", self.config.kind()))
    }
}

/// What went wrong with a provider, told with its name.
pub(super) fn told(name: &str, error: impl Into<Failure>) -> Failure {
    error.into().context(format!("provider {name}"))
}
