//! Corporate card issuing in the project file, as written and as checked.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{self, Client};
use super::request::{CARD_CREATE, CARD_TOPUP, PREFIX};
use crate::config::Checker;
use crate::config::http::{HttpConfig, HttpSpec, http, url};
use crate::config::secret::{Secret, secret};
use crate::exit::Failure;
use crate::providers::{Ask, CardProvider, Dataset, Fetched, Probed, Provider, RowWriter, Task};
use crate::sandbox;

/// Calls at once when the file says nothing.
const CONCURRENCY: usize = 4;
/// "The server enforces a 30 second window".
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// Where the nonce stands in the ciphertext, which the document does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoncePlace {
    /// The first 24 bytes, as `SecretBox` of `PyNaCl` puts it.
    #[default]
    Prepended,
}

/// What amounts are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 25.00
    #[default]
    Major,
    /// 2500
    Minor,
}

/// A client of the corporate card issuing API, as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardIssuingSpec {
    /// The address before `/api/v1`.
    pub base_url: String,
    /// Where the API key stands.
    pub api_key: Secret,
    /// Where the key of the envelopes stands: 32 bytes as 64 hex digits or as base64.
    pub encryption_key: Secret,
    /// Where the nonce stands in the ciphertext; `prepended` when left out.
    #[serde(default)]
    pub nonce: NoncePlace,
    /// The endpoints, below `/api/v1`.
    pub paths: PathsSpec,
    /// What the provider calls the fields of its endpoints.
    #[serde(default)]
    pub fields: FieldsSpec,
    /// How far a time stamp may lie from the provider's clock; `30s` when left out.
    #[serde(default)]
    pub clock_tolerance: Option<String>,
    /// Calls at once; 4 when left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<usize>,
    /// Time-outs and retries.
    #[serde(default)]
    pub http: Option<HttpSpec>,
}

/// Endpoints. The document publishes two of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathsSpec {
    /// Shows a card order by its id, such as `/orders/card`; not published.
    pub card_order: String,
    /// Shows a top-up order by its id, such as `/orders/topup`; not published.
    pub topup_order: String,
    /// Orders a card; `/cards/create` when left out.
    #[serde(default)]
    pub card_create: Option<String>,
    /// Orders a top-up; `/cards/topup` when left out.
    #[serde(default)]
    pub card_topup: Option<String>,
}

/// Names that the document does not publish, but hints at in the descriptions of its errors.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldsSpec {
    /// An order's id; `order_id` when left out.
    #[serde(default)]
    pub order: Option<String>,
    /// Our id of the user; `external_user_id` when left out.
    #[serde(default)]
    pub user: Option<String>,
    /// A card's id; `card_id` when left out.
    #[serde(default)]
    pub card: Option<String>,
    /// A top-up's amount; `amount` when left out.
    #[serde(default)]
    pub amount: Option<String>,
    /// A top-up's currency; `currency` when left out.
    #[serde(default)]
    pub currency: Option<String>,
    /// Whether a top-up's amount is sent as 25.00 (`major`, also when left out) or as 2500 (`minor`).
    #[serde(default)]
    pub amounts: Unit,
    /// Sent with every order of a card: name and text, such as the card product.
    #[serde(default)]
    pub create: BTreeMap<String, String>,
}

/// Endpoints, each beginning with `/`, below `/api/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub card_order: String,
    pub topup_order: String,
    pub card_create: String,
    pub card_topup: String,
}

/// What the provider calls the fields of its endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    pub order: String,
    pub user: String,
    pub card: String,
    pub amount: String,
    pub currency: String,
    pub amounts: Unit,
    /// Sent with every order of a card.
    pub create: BTreeMap<String, String>,
}

impl Default for Fields {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            order: text("order_id"),
            user: text("external_user_id"),
            card: text("card_id"),
            amount: text("amount"),
            currency: text("currency"),
            amounts: Unit::Major,
            create: BTreeMap::new(),
        }
    }
}

/// One client of `tieout.yaml`.
#[derive(Debug, Clone)]
pub struct CardIssuingConfig {
    /// The address before `/api/v1`; no trailing slash.
    pub base_url: String,
    pub api_key: Secret,
    pub encryption_key: Secret,
    pub nonce: NoncePlace,
    pub paths: Paths,
    pub fields: Fields,
    /// How far a time stamp may lie from the provider's clock.
    pub clock_tolerance: Duration,
    /// Calls at once.
    pub concurrency: usize,
    pub http: HttpConfig,
}

impl CardIssuingSpec {
    /// What is written at `at` (`providers/NAME`) of the project file in `root`, checked.
    pub fn check(&self, root: &Path, at: &str, checker: &mut Checker<'_>) -> Option<CardIssuingConfig> {
        let base_url = base_url(&format!("{at}/base_url"), &self.base_url, checker);
        let api_key = secret(root, &format!("{at}/api_key"), &self.api_key, checker);
        let encryption_key = secret(root, &format!("{at}/encryption_key"), &self.encryption_key, checker);
        let paths = self.paths.check(&format!("{at}/paths"), checker);
        let fields = self.fields.check(&format!("{at}/fields"), checker);
        let clock_tolerance = match &self.clock_tolerance {
            None => Some(CLOCK_TOLERANCE),
            Some(text) => tolerance(&format!("{at}/clock_tolerance"), text, checker),
        };
        let http = http(&format!("{at}/http"), self.http.as_ref(), checker);
        Some(CardIssuingConfig {
            base_url: base_url?,
            api_key: api_key?,
            encryption_key: encryption_key?,
            nonce: self.nonce,
            paths: paths?,
            fields: fields?,
            clock_tolerance: clock_tolerance?,
            concurrency: self.concurrency.unwrap_or(CONCURRENCY),
            http: http?,
        })
    }
}

fn base_url(at: &str, written: &str, checker: &mut Checker<'_>) -> Option<String> {
    let found = url(at, "base_url", written, checker)?;
    if found.ends_with(PREFIX) {
        checker.problem_with_help(
            at,
            format!("`base_url` ends with {PREFIX}, which is put there by itself"),
            "leave it out",
        );
        return None;
    }
    Some(found)
}

/// Shorter, and `Date`, which has whole seconds, could not tell.
const LEAST_TOLERANCE: Duration = Duration::from_secs(5);

fn tolerance(at: &str, written: &str, checker: &mut Checker<'_>) -> Option<Duration> {
    let found = checker.duration(at, written)?;
    if found < LEAST_TOLERANCE {
        checker
            .problem(at, format!("`clock_tolerance` is {written}; expected at least {}s", LEAST_TOLERANCE.as_secs()));
        return None;
    }
    Some(found)
}

impl PathsSpec {
    fn check(&self, at: &str, checker: &mut Checker<'_>) -> Option<Paths> {
        let mut path = |key: &str, written: &str| {
            let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
            let steps = written.split('/').skip(1).all(|segment| !matches!(segment, "" | "." | ".."));
            if written.starts_with('/') && written.len() > 1 && written.chars().all(good) && steps {
                return Some(written.to_owned());
            }
            let message = format!("`{key}` is no path; expected one below {PREFIX}, such as /orders/card");
            checker.problem(&format!("{at}/{key}"), message);
            None
        };
        let card_order = path("card_order", &self.card_order);
        let topup_order = path("topup_order", &self.topup_order);
        let card_create = path("card_create", self.card_create.as_deref().unwrap_or(CARD_CREATE));
        let card_topup = path("card_topup", self.card_topup.as_deref().unwrap_or(CARD_TOPUP));
        Some(Paths {
            card_order: card_order?,
            topup_order: topup_order?,
            card_create: card_create?,
            card_topup: card_topup?,
        })
    }
}

/// Stands in every payload beside the endpoint's own fields.
const TIMESTAMP: &str = "request_timestamp";

impl FieldsSpec {
    fn check(&self, at: &str, checker: &mut Checker<'_>) -> Option<Fields> {
        let mut fields = Fields { amounts: self.amounts, create: self.create.clone(), ..Fields::default() };
        let slots: [(&str, &Option<String>, &mut String); 5] = [
            ("order", &self.order, &mut fields.order),
            ("user", &self.user, &mut fields.user),
            ("card", &self.card, &mut fields.card),
            ("amount", &self.amount, &mut fields.amount),
            ("currency", &self.currency, &mut fields.currency),
        ];
        for (_, written, slot) in slots {
            if let Some(written) = written {
                slot.clone_from(written);
            }
        }
        let of_topup = [
            ("user", &fields.user),
            ("card", &fields.card),
            ("amount", &fields.amount),
            ("currency", &fields.currency),
        ];
        let named = of_topup.iter().map(|(key, name)| (format!("{at}/{key}"), *name));
        let ordered = std::iter::once((format!("{at}/order"), &fields.order));
        let created = fields.create.keys().map(|name| (format!("{at}/create"), name));
        let mut good = true;
        for (path, name) in named.chain(ordered).chain(created) {
            if name.trim().is_empty() || name == TIMESTAMP {
                let message =
                    format!("`{name}` is no name of a field of its own; `{TIMESTAMP}` stands there by itself");
                checker.problem(&path, message);
                good = false;
            }
        }
        for (index, (key, name)) in of_topup.iter().enumerate() {
            if of_topup[..index].iter().any(|(_, before)| before == name) {
                checker.problem(&format!("{at}/{key}"), format!("two fields of a top-up are called `{name}`"));
                good = false;
            }
        }
        if fields.create.contains_key(&fields.user) {
            checker.problem(&format!("{at}/create"), format!("`{}` is the user of each order", fields.user));
            good = false;
        }
        good.then_some(fields)
    }
}

impl Provider for CardIssuingConfig {
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        vec![("api_key", &self.api_key), ("encryption_key", &self.encryption_key)]
    }

    fn addresses(&self) -> Vec<&str> {
        vec![&self.base_url]
    }

    fn move_to_sandbox(&mut self, address: &str) {
        self.base_url = format!("{}/{}", address.trim_end_matches('/'), sandbox::card_issuing::NAME);
        self.api_key = Secret::Sandbox(sandbox::card_issuing::API_KEY.to_owned());
        self.encryption_key = Secret::Sandbox(sandbox::card_issuing::ENCRYPTION_KEY.to_owned());
        self.paths = Paths {
            card_order: sandbox::card_issuing::CARD_ORDER.to_owned(),
            topup_order: sandbox::card_issuing::TOPUP_ORDER.to_owned(),
            card_create: CARD_CREATE.to_owned(),
            card_topup: CARD_TOPUP.to_owned(),
        };
        self.fields = Fields::default();
        self.clock_tolerance = CLOCK_TOLERANCE;
    }

    fn cards(&self) -> Option<&dyn CardProvider> {
        Some(self)
    }

    fn datasets(&self) -> Vec<Dataset> {
        client::DATASETS.iter().map(|(name, _)| Dataset::by_id(*name)).collect()
    }

    fn probe(&self) -> Task<'_, Probed> {
        Box::pin(async { Ok(Client::new(self)?.probe().await?) })
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, rows: &'a mut RowWriter) -> Task<'a, Fetched> {
        Box::pin(async move { Client::new(self)?.fetch(ask, rows).await.map_err(Failure::from) })
    }
}
