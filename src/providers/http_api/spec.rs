//! An API of the project file, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::http::HttpSpec;
use crate::config::secret::Secret;

/// A JSON API that lists rows, by configuration alone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpApiSpec {
    /// What every path begins with, such as `https://api.example.com/v1`. Links of replies must stay on this host.
    pub base_url: String,
    /// How the API lets us in.
    pub auth: AuthSpec,
    /// What inputs can ask for: the name that `dataset:` says, and where it stands.
    pub datasets: BTreeMap<String, DatasetSpec>,
    /// The headers by which the API tells how many calls it still takes.
    #[serde(default)]
    pub rate_limit: Option<RateLimitSpec>,
    /// Time-outs and retries.
    #[serde(default)]
    pub http: Option<HttpSpec>,
}

/// One of `bearer`, `basic`, `api_key` and `oauth2`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub enum AuthSpec {
    /// A token that does not change, sent as `Authorization: Bearer`.
    #[serde(rename = "bearer")]
    Bearer(Secret),
    /// A user name and a password, sent with every request.
    #[serde(rename = "basic")]
    Basic(BasicSpec),
    /// A key in a header of its own.
    #[serde(rename = "api_key")]
    ApiKey(ApiKeySpec),
    /// A token that is asked for with the client's credentials (OAuth 2.0, RFC 6749, section 4.4).
    #[serde(rename = "oauth2")]
    OAuth2(OAuth2Spec),
}

/// HTTP Basic authentication.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicSpec {
    /// Where the user name stands.
    pub username: Secret,
    /// Where the password stands.
    pub password: Secret,
}

/// A key in a header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeySpec {
    /// Such as `X-Api-Key`.
    pub header: String,
    /// Where the key stands.
    pub value: Secret,
}

/// OAuth 2.0 with client credentials.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Spec {
    /// Where tokens are granted.
    pub token_url: String,
    /// Where the client id stands.
    pub client_id: Secret,
    /// Where the client secret stands.
    pub client_secret: Secret,
    /// What is asked for; nothing is said when left out.
    #[serde(default)]
    pub scope: Option<String>,
}

/// One thing that the API can be asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetSpec {
    /// After `base_url`. `{from}` and `{to}` stand for the period's start and end in UTC (the end is not part of it),
    /// `{from_date}` and `{to_date}` for its first and last day, `{period}` for its label, `{id}` for the id that is asked
    /// about.
    pub path: String,
    /// Dotted path to the array of rows; the document itself when left out. With `by_id` a single object is a row, too.
    #[serde(default)]
    pub rows: Option<String>,
    /// How pages follow each other; one page when left out.
    #[serde(default)]
    pub paging: Option<PagingSpec>,
    /// The API answers by the ids of a file, each put into the path as `{id}`.
    #[serde(default)]
    pub by_id: Option<bool>,
}

/// One of `cursor`, `page`, `link` and `link_header`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PagingSpec {
    /// Each reply says what the next page is asked for with.
    Cursor(CursorSpec),
    /// Pages have numbers.
    Page(PageSpec),
    /// Dotted path to the address of the next page in the reply.
    Link(String),
    /// The relation of the next page in the `Link` header, such as `next` (RFC 8288).
    LinkHeader(String),
}

/// Pages by cursor.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CursorSpec {
    /// Dotted path to the cursor in the reply; absent, null or empty on the last page.
    pub from: String,
    /// The query parameter that it is sent as.
    pub parameter: String,
}

/// Pages by number.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageSpec {
    /// The query parameter of the number.
    pub parameter: String,
    /// The first number; 1 when left out.
    #[serde(default)]
    pub first: Option<u64>,
    /// The query parameter of the number of rows on a page.
    #[serde(default)]
    pub size_parameter: Option<String>,
    /// What is sent as that; a page with fewer rows is the last one. Without, the first empty page is.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub size: Option<u64>,
}

/// Headers of replies.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSpec {
    /// How many calls a window has, such as `X-RateLimit-Limit`.
    pub limit: String,
    /// How many are left of it.
    pub remaining: String,
    /// When it ends, in seconds since 1970.
    pub reset: String,
}
