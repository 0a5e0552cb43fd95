//! Bongloy in the project file, as written and as checked.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Checker;
use crate::config::http::{HttpConfig, HttpSpec, http, url};
use crate::config::secret::{Secret, secret};
use crate::providers::{Ask, Dataset, Fetched, Probed, Provider, RowWriter, Task};

use super::{ACCOUNTS, BALANCE_TRANSACTIONS, BALANCES, CARDHOLDERS, CARDS, Client, SANDBOX_API_KEY, SANDBOX_PATH};

/// Calls that are on their way at a time, where the project file does not say.
const CONCURRENCY: u32 = 4;

/// A client of Bongloy's card management, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BongloySpec {
    /// `https://cms-sandbox.bongloy.com`, or the live system; the `/v1` of the paths is not part of it.
    pub base_url: String,
    /// Where the key stands that is sent as `Authorization: Bearer`.
    pub api_key: Secret,
    /// Calls that are on their way at a time; 4 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<u32>,
    /// Time-outs and retries.
    #[serde(default)]
    pub http: Option<HttpSpec>,
}

/// One client of Bongloy of `tieout.yaml`.
#[derive(Debug, Clone)]
pub struct BongloyConfig {
    /// No trailing slash.
    pub base_url: String,
    pub api_key: Secret,
    /// Calls that are on their way at a time; at least 1.
    pub concurrency: usize,
    pub http: HttpConfig,
}

impl BongloySpec {
    /// What is written at `at` (`providers/NAME`) of the project file in `root`, checked.
    pub fn check(&self, root: &Path, at: &str, checker: &mut Checker<'_>) -> Option<BongloyConfig> {
        let base_url = url(&format!("{at}/base_url"), "base_url", &self.base_url, checker);
        let api_key = secret(root, &format!("{at}/api_key"), &self.api_key, checker);
        let http = http(&format!("{at}/http"), self.http.as_ref(), checker);
        Some(BongloyConfig {
            base_url: base_url?,
            api_key: api_key?,
            concurrency: self.concurrency.unwrap_or(CONCURRENCY).max(1) as usize,
            http: http?,
        })
    }
}

impl Provider for BongloyConfig {
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("api_key", &self.api_key)]
    }

    fn addresses(&self) -> Vec<&str> {
        vec![&self.base_url]
    }

    fn move_to_sandbox(&mut self, address: &str) {
        self.base_url = format!("{}/{SANDBOX_PATH}", address.trim_end_matches('/'));
        self.api_key = Secret::Sandbox(SANDBOX_API_KEY.to_owned());
    }

    fn datasets(&self) -> Vec<Dataset> {
        [ACCOUNTS, BALANCES, BALANCE_TRANSACTIONS, CARDS, CARDHOLDERS].map(Dataset::listed).to_vec()
    }

    fn probe(&self) -> Task<'_, Probed> {
        Box::pin(async { Ok(Client::new(self)?.probe().await?) })
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, rows: &'a mut RowWriter) -> Task<'a, Fetched> {
        Box::pin(async move { Ok(Client::new(self)?.fetch(ask, rows).await?) })
    }
}
