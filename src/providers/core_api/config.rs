//! Core API in the project file, as written and as checked.

use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Checker;
use crate::config::http::{HttpConfig, HttpSpec, http, url};
use crate::config::secret::{Secret, secret};
use crate::providers::{Ask, Dataset, Fetched, Probed, Provider, RowWriter, Task};

use super::{CUSTOMERS, Client, MOVEMENTS, MOVEMENTS_TO_DATE, SANDBOX_EMAIL, SANDBOX_PASSWORD, SANDBOX_PATH};

/// Calls that are on their way at a time, where the project file does not say.
const CONCURRENCY: u32 = 8;
/// The document's limit is one of calls an hour.
const WAIT: Duration = Duration::from_hours(1);

/// An account of Core API, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoreApiSpec {
    /// The live system or the provider's sandbox; the document names no real host.
    pub base_url: String,
    /// Where the e-mail address stands that logs in.
    pub email: Secret,
    /// Where its password stands.
    pub password: Secret,
    /// Calls that are on their way at a time; 8 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<u32>,
    /// The longest wait for the reset of the provider's limit of calls; `1h` when left out. A reset that is further away
    /// ends the run with 75.
    #[serde(default)]
    pub wait: Option<String>,
    /// Time-outs and retries.
    #[serde(default)]
    pub http: Option<HttpSpec>,
}

/// One account of Core API of `tieout.yaml`.
#[derive(Debug, Clone)]
pub struct CoreApiConfig {
    /// No trailing slash.
    pub base_url: String,
    pub email: Secret,
    pub password: Secret,
    /// Calls that are on their way at a time; at least 1.
    pub concurrency: usize,
    /// The longest wait for the reset of the limit.
    pub wait: Duration,
    pub http: HttpConfig,
}

impl CoreApiSpec {
    /// What is written at `at` (`providers/NAME`) of the project file in `root`, checked.
    pub fn check(&self, root: &Path, at: &str, checker: &mut Checker<'_>) -> Option<CoreApiConfig> {
        let base_url = url(&format!("{at}/base_url"), "base_url", &self.base_url, checker);
        let email = secret(root, &format!("{at}/email"), &self.email, checker);
        let password = secret(root, &format!("{at}/password"), &self.password, checker);
        let wait = match &self.wait {
            Some(written) => checker.duration(&format!("{at}/wait"), written),
            None => Some(WAIT),
        };
        let http = http(&format!("{at}/http"), self.http.as_ref(), checker);
        Some(CoreApiConfig {
            base_url: base_url?,
            email: email?,
            password: password?,
            concurrency: self.concurrency.unwrap_or(CONCURRENCY).max(1) as usize,
            wait: wait?,
            http: http?,
        })
    }
}

impl Provider for CoreApiConfig {
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("email", &self.email), ("password", &self.password)]
    }

    fn addresses(&self) -> Vec<&str> {
        vec![&self.base_url]
    }

    fn move_to_sandbox(&mut self, address: &str) {
        self.base_url = format!("{}/{SANDBOX_PATH}", address.trim_end_matches('/'));
        self.email = Secret::Sandbox(SANDBOX_EMAIL.to_owned());
        self.password = Secret::Sandbox(SANDBOX_PASSWORD.to_owned());
    }

    fn datasets(&self) -> Vec<Dataset> {
        vec![Dataset::by_id(MOVEMENTS), Dataset::by_id(MOVEMENTS_TO_DATE), Dataset::listed(CUSTOMERS)]
    }

    fn probe(&self) -> Task<'_, Probed> {
        Box::pin(async { Ok(Client::new(self)?.probe().await?) })
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, rows: &'a mut RowWriter) -> Task<'a, Fetched> {
        Box::pin(async move { Ok(Client::new(self)?.fetch(ask, rows).await?) })
    }
}
