//! Kard in the project file, as written and as checked.

use std::path::Path;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::config::Checker;
use crate::config::http::{HttpConfig, HttpSpec, http, identifier, url};
use crate::config::secret::{Secret, SecretError, secret};
use crate::providers::{Probed, Provider, Task};
use crate::sandbox;

use super::Client;

/// A client of Kard, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KardSpec {
    /// `https://rewards-api.getkard.com`, or the test system.
    pub base_url: String,
    /// `https://{client}.getkard.com/v2/auth/token`.
    pub token_url: String,
    /// The organization id of the paths.
    pub organization: String,
    /// Sent as `X-Kard-Target-Issuer` where one client serves several issuers.
    #[serde(default)]
    pub target_issuer: Option<String>,
    /// Where the client id stands.
    pub client_id: Secret,
    /// Where the client secret stands.
    pub client_secret: Secret,
    /// Where the key of the notifications' signatures stands.
    #[serde(default)]
    pub webhook_key: Option<Secret>,
    /// Where the key before it stands, while the key is rotated: signatures by either are good.
    #[serde(default)]
    pub webhook_key_previous: Option<Secret>,
    /// Time-outs and retries.
    #[serde(default)]
    pub http: Option<HttpSpec>,
}

/// One Kard client of `tieout.yaml`.
#[derive(Debug, Clone)]
pub struct KardConfig {
    /// `https://rewards-api.getkard.com`; no trailing slash.
    pub base_url: String,
    /// `https://{client}.getkard.com/v2/auth/token`
    pub token_url: String,
    /// The `organizationId` of the paths.
    pub organization: String,
    /// Sent as `X-Kard-Target-Issuer` on the token request where one client serves several issuers.
    pub target_issuer: Option<String>,
    pub client_id: Secret,
    pub client_secret: Secret,
    /// Key of the HMAC in `notify-signature`.
    pub webhook_key: Option<Secret>,
    /// The key before it, good as well while the key is rotated.
    pub webhook_key_previous: Option<Secret>,
    pub http: HttpConfig,
}

impl KardConfig {
    /// The keys that notifications may be signed with: the present one, and the one before it while it is rotated.
    /// Empty where the project file names none.
    ///
    /// # Errors
    /// When one of them is not where the project file says.
    pub fn webhook_keys(&self) -> Result<Vec<SecretString>, SecretError> {
        self.webhook_key.iter().chain(&self.webhook_key_previous).map(Secret::read).collect()
    }
}

impl KardSpec {
    /// What is written at `at` (`providers/NAME`) of the project file in `root`, checked.
    pub fn check(&self, root: &Path, at: &str, checker: &mut Checker<'_>) -> Option<KardConfig> {
        let base_url = url(&format!("{at}/base_url"), "base_url", &self.base_url, checker);
        let token_url = url(&format!("{at}/token_url"), "token_url", &self.token_url, checker);
        let organization = identifier(&format!("{at}/organization"), "organization", &self.organization, checker);
        let target_issuer = self
            .target_issuer
            .as_ref()
            .and_then(|written| identifier(&format!("{at}/target_issuer"), "target_issuer", written, checker));
        let client_id = secret(root, &format!("{at}/client_id"), &self.client_id, checker);
        let client_secret = secret(root, &format!("{at}/client_secret"), &self.client_secret, checker);
        let webhook_key =
            self.webhook_key.as_ref().and_then(|written| secret(root, &format!("{at}/webhook_key"), written, checker));
        let webhook_key_previous = self
            .webhook_key_previous
            .as_ref()
            .and_then(|written| secret(root, &format!("{at}/webhook_key_previous"), written, checker));
        if webhook_key_previous.is_some() && self.webhook_key.is_none() {
            checker.problem_with_help(
                &format!("{at}/webhook_key_previous"),
                "there is a `webhook_key_previous` and no `webhook_key`",
                "name the present key at `webhook_key`",
            );
            return None;
        }
        let http = http(&format!("{at}/http"), self.http.as_ref(), checker);
        Some(KardConfig {
            base_url: base_url?,
            token_url: token_url?,
            organization: organization?,
            target_issuer,
            client_id: client_id?,
            client_secret: client_secret?,
            webhook_key,
            webhook_key_previous,
            http: http?,
        })
    }
}

impl Provider for KardConfig {
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let keys = [("webhook_key", &self.webhook_key), ("webhook_key_previous", &self.webhook_key_previous)];
        let keys = keys.into_iter().filter_map(|(name, key)| Some((name, key.as_ref()?)));
        [("client_id", &self.client_id), ("client_secret", &self.client_secret)].into_iter().chain(keys).collect()
    }

    fn addresses(&self) -> Vec<&str> {
        vec![&self.base_url, &self.token_url]
    }

    fn move_to_sandbox(&mut self, address: &str) {
        address.trim_end_matches('/').clone_into(&mut self.base_url);
        self.token_url = sandbox::token_url(&self.base_url);
        sandbox::ORGANIZATION.clone_into(&mut self.organization);
        self.target_issuer = None;
        self.client_id = Secret::Sandbox(sandbox::CLIENT_ID.to_owned());
        self.client_secret = Secret::Sandbox(sandbox::CLIENT_SECRET.to_owned());
        self.webhook_key = Some(Secret::Sandbox(sandbox::WEBHOOK_KEY.to_owned()));
        self.webhook_key_previous = None;
    }

    fn probe(&self) -> Task<'_, Probed> {
        Box::pin(async {
            let answer = Client::new(self)?.probe().await?;
            Ok(Probed { clock_skew: answer.clock_skew })
        })
    }
}
