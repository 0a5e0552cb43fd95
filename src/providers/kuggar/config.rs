//! Kuggar in the project file, as written and as checked.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Client;
use crate::config::Checker;
use crate::config::http::{HttpConfig, HttpSpec, http, identifier, url};
use crate::config::secret::{Secret, secret};
use crate::providers::{Ask, CardProvider, Dataset, Fetched, Probed, Provider, RowWriter, Task};

/// So many cards are asked for at once where nothing else is said.
const CONCURRENCY: u32 = 4;
/// More at once is no reconciliation any more.
const MOST_AT_ONCE: u32 = 64;

/// What it is to be asked for in a job: cards by the ids of a file.
pub(super) const CARDS: &str = "cards";

/// Good for every sandbox; they protect nothing.
pub(crate) const SANDBOX_CLIENT_ID: &str = "sandbox-kuggar@tieout.example";
pub(crate) const SANDBOX_CLIENT_SECRET: &str = "sandbox-kuggar-secret";

/// A client of Kuggar, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KuggarSpec {
    /// `https://api.kuggar.io`, or `https://staging.kuggar.io`.
    pub base_url: String,
    /// Where the client id stands.
    pub client_id: Secret,
    /// Where the client secret stands.
    pub client_secret: Secret,
    /// How many cards are asked for at once; 4 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<u32>,
    /// Where the token stands in the reply of the login, names with dots between them such as `data.token`. When left
    /// out the reply may be the token itself, or an object with `token`, `accessToken` or `jwt`.
    #[serde(default)]
    pub token_path: Option<String>,
    /// A word before the token in the header `Authorization`, such as `Bearer`; none when left out.
    #[serde(default)]
    pub token_prefix: Option<String>,
    /// Time-outs and retries.
    #[serde(default)]
    pub http: Option<HttpSpec>,
}

/// One client of Kuggar of `tieout.yaml`.
#[derive(Debug, Clone)]
pub struct KuggarConfig {
    /// `https://api.kuggar.io`; no trailing slash.
    pub base_url: String,
    pub client_id: Secret,
    pub client_secret: Secret,
    /// Calls at once: 1 to 64.
    pub concurrency: usize,
    /// Names with dots between them.
    pub token_path: Option<String>,
    pub token_prefix: Option<String>,
    pub http: HttpConfig,
}

impl KuggarSpec {
    /// What is written at `at` (`providers/NAME`) of the project file in `root`, checked.
    pub fn check(&self, root: &Path, at: &str, checker: &mut Checker<'_>) -> Option<KuggarConfig> {
        let base_url = url(&format!("{at}/base_url"), "base_url", &self.base_url, checker);
        let client_id = secret(root, &format!("{at}/client_id"), &self.client_id, checker);
        let client_secret = secret(root, &format!("{at}/client_secret"), &self.client_secret, checker);
        let concurrency = at_once(&format!("{at}/concurrency"), self.concurrency, checker);
        let optional = |key: &str, written: Option<&String>, checker: &mut Checker<'_>| match written {
            Some(written) => identifier(&format!("{at}/{key}"), key, written, checker).map(Some),
            None => Some(None),
        };
        let token_path = optional("token_path", self.token_path.as_ref(), checker);
        let token_prefix = optional("token_prefix", self.token_prefix.as_ref(), checker);
        let http = http(&format!("{at}/http"), self.http.as_ref(), checker);
        Some(KuggarConfig {
            base_url: base_url?,
            client_id: client_id?,
            client_secret: client_secret?,
            concurrency: concurrency?,
            token_path: token_path?,
            token_prefix: token_prefix?,
            http: http?,
        })
    }
}

fn at_once(path: &str, written: Option<u32>, checker: &mut Checker<'_>) -> Option<usize> {
    let wanted = written.unwrap_or(CONCURRENCY);
    if !(1..=MOST_AT_ONCE).contains(&wanted) {
        checker.problem(path, format!("`concurrency` is {wanted}; expected 1 to {MOST_AT_ONCE}"));
        return None;
    }
    usize::try_from(wanted).ok()
}

impl Provider for KuggarConfig {
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("client_id", &self.client_id), ("client_secret", &self.client_secret)]
    }

    fn addresses(&self) -> Vec<&str> {
        vec![&self.base_url]
    }

    fn move_to_sandbox(&mut self, address: &str) {
        self.base_url = format!("{}/kuggar", address.trim_end_matches('/'));
        self.client_id = Secret::Sandbox(SANDBOX_CLIENT_ID.to_owned());
        self.client_secret = Secret::Sandbox(SANDBOX_CLIENT_SECRET.to_owned());
        (self.token_path, self.token_prefix) = (None, None);
    }

    fn datasets(&self) -> Vec<Dataset> {
        vec![Dataset::by_id(CARDS)]
    }

    fn cards(&self) -> Option<&dyn CardProvider> {
        Some(self)
    }

    fn probe(&self) -> Task<'_, Probed> {
        Box::pin(async { Ok(Client::new(self)?.probe().await?) })
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, rows: &'a mut RowWriter) -> Task<'a, Fetched> {
        Box::pin(async move { Ok(Client::new(self)?.cards(ask.ids, rows).await?) })
    }
}
