//! An API of the project file, checked.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::header::HeaderName;

use super::Client;
use super::request::Template;
use super::spec::{AuthSpec, DatasetSpec, HttpApiSpec, PageSpec, PagingSpec, RateLimitSpec};
use crate::config::Checker;
use crate::config::http::{HttpConfig, http, url};
use crate::config::secret::{Secret, secret};
use crate::providers::http::limits::LimitHeaders;
use crate::providers::{Ask, Dataset, Fetched, Probed, Provider, RowWriter, Task};
use crate::sandbox;

/// An API of `tieout.yaml`.
#[derive(Debug, Clone)]
pub struct HttpApiConfig {
    /// No trailing slash.
    pub base_url: String,
    pub auth: Auth,
    pub datasets: BTreeMap<String, HttpDataset>,
    pub rate_limit: Option<LimitHeaders>,
    pub http: HttpConfig,
}

/// How the API lets us in.
#[derive(Debug, Clone)]
pub enum Auth {
    Bearer(Secret),
    Basic { username: Secret, password: Secret },
    ApiKey { header: String, value: Secret },
    OAuth2 { token_url: String, client_id: Secret, client_secret: Secret, scope: Option<String> },
}

/// Something that the API can be asked for.
#[derive(Debug, Clone)]
pub struct HttpDataset {
    pub path: Template,
    /// Dotted; empty: the document itself.
    pub rows: String,
    pub paging: Paging,
    pub by_id: bool,
}

/// How pages follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    Once,
    Cursor { from: String, parameter: String },
    Page { parameter: String, first: u64, size: Option<(String, u64)> },
    Link { from: String },
    LinkHeader { relation: String },
}

impl HttpApiSpec {
    /// What is written at `at` (`providers/NAME`) of the project file in `root`, checked.
    pub fn check(&self, root: &Path, at: &str, checker: &mut Checker<'_>) -> Option<HttpApiConfig> {
        let base_url = url(&format!("{at}/base_url"), "base_url", &self.base_url, checker);
        let auth = auth(root, &format!("{at}/auth"), &self.auth, checker);
        if self.datasets.is_empty() {
            checker.problem(&format!("{at}/datasets"), "no dataset is written, so nothing could be asked for");
        }
        let datasets: BTreeMap<String, HttpDataset> = self
            .datasets
            .iter()
            .filter_map(|(name, written)| {
                Some((name.clone(), dataset(&format!("{at}/datasets/{name}"), written, checker)?))
            })
            .collect();
        let rate_limit = match &self.rate_limit {
            Some(written) => Some(limits(&format!("{at}/rate_limit"), written, checker)?),
            None => None,
        };
        let http = http(&format!("{at}/http"), self.http.as_ref(), checker);
        let complete = !datasets.is_empty() && datasets.len() == self.datasets.len();
        let (base_url, auth, http) = (base_url?, auth?, http?);
        complete.then_some(HttpApiConfig { base_url, auth, datasets, rate_limit, http })
    }
}

fn auth(root: &Path, at: &str, written: &AuthSpec, checker: &mut Checker<'_>) -> Option<Auth> {
    match written {
        AuthSpec::Bearer(token) => secret(root, &format!("{at}/bearer"), token, checker).map(Auth::Bearer),
        AuthSpec::Basic(basic) => {
            let username = secret(root, &format!("{at}/basic/username"), &basic.username, checker);
            let password = secret(root, &format!("{at}/basic/password"), &basic.password, checker);
            Some(Auth::Basic { username: username?, password: password? })
        }
        AuthSpec::ApiKey(key) => {
            let header = header(&format!("{at}/api_key/header"), &key.header, checker);
            let value = secret(root, &format!("{at}/api_key/value"), &key.value, checker);
            Some(Auth::ApiKey { header: header?, value: value? })
        }
        AuthSpec::OAuth2(oauth2) => {
            let at = format!("{at}/oauth2");
            let token_url = url(&format!("{at}/token_url"), "token_url", &oauth2.token_url, checker);
            let client_id = secret(root, &format!("{at}/client_id"), &oauth2.client_id, checker);
            let client_secret = secret(root, &format!("{at}/client_secret"), &oauth2.client_secret, checker);
            Some(Auth::OAuth2 {
                token_url: token_url?,
                client_id: client_id?,
                client_secret: client_secret?,
                scope: oauth2.scope.clone(),
            })
        }
    }
}

/// A header's name, in small letters as HTTP compares it.
fn header(path: &str, written: &str, checker: &mut Checker<'_>) -> Option<String> {
    if let Ok(name) = written.parse::<HeaderName>() {
        return Some(name.as_str().to_owned());
    }
    checker.problem(path, format!("`{written}` is no name of a header; expected one such as X-Api-Key"));
    None
}

fn limits(at: &str, written: &RateLimitSpec, checker: &mut Checker<'_>) -> Option<LimitHeaders> {
    let limit = header(&format!("{at}/limit"), &written.limit, checker);
    let remaining = header(&format!("{at}/remaining"), &written.remaining, checker);
    let reset = header(&format!("{at}/reset"), &written.reset, checker);
    Some(LimitHeaders { limit: limit?, remaining: remaining?, reset: reset? })
}

fn dataset(at: &str, written: &DatasetSpec, checker: &mut Checker<'_>) -> Option<HttpDataset> {
    let by_id = written.by_id.unwrap_or(false);
    let path = checker.keep(&format!("{at}/path"), Template::parse(&written.path));
    if let Some(path) = &path
        && path.asks_by_id() != by_id
    {
        let message = if by_id {
            "`by_id` is set, and the path has no `{id}` to put the ids into"
        } else {
            "the path has an `{id}`; expected `by_id: true` beside it"
        };
        checker.problem(&format!("{at}/path"), message);
        return None;
    }
    let paging = paging(&format!("{at}/paging"), written.paging.as_ref(), checker);
    Some(HttpDataset { path: path?, rows: written.rows.clone().unwrap_or_default(), paging: paging?, by_id })
}

fn paging(at: &str, written: Option<&PagingSpec>, checker: &mut Checker<'_>) -> Option<Paging> {
    let mut named = |path: String, text: &str| {
        if text.trim().is_empty() {
            checker.problem(&path, "nothing is written here; expected a name");
            return None;
        }
        Some(text.to_owned())
    };
    match written {
        None => Some(Paging::Once),
        Some(PagingSpec::Cursor(cursor)) => {
            let from = named(format!("{at}/cursor/from"), &cursor.from);
            let parameter = named(format!("{at}/cursor/parameter"), &cursor.parameter);
            Some(Paging::Cursor { from: from?, parameter: parameter? })
        }
        Some(PagingSpec::Link(from)) => Some(Paging::Link { from: named(format!("{at}/link"), from)? }),
        Some(PagingSpec::LinkHeader(relation)) => {
            Some(Paging::LinkHeader { relation: named(format!("{at}/link_header"), relation)? })
        }
        Some(PagingSpec::Page(page)) => {
            let parameter = named(format!("{at}/page/parameter"), &page.parameter)?;
            let size = size(&format!("{at}/page"), page, checker)?;
            Some(Paging::Page { parameter, first: page.first.unwrap_or(1), size })
        }
    }
}

/// Both or neither; the inner value is none for neither.
#[expect(clippy::option_option, reason = "wrong, left out and written are three things here")]
fn size(at: &str, page: &PageSpec, checker: &mut Checker<'_>) -> Option<Option<(String, u64)>> {
    match (&page.size_parameter, page.size) {
        (None, None) => Some(None),
        (Some(parameter), Some(size)) if !parameter.trim().is_empty() => Some(Some((parameter.clone(), size))),
        _ => {
            checker.problem(at, "`size_parameter` and `size` belong together; expected both or neither");
            None
        }
    }
}

impl Provider for HttpApiConfig {
    fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        match &self.auth {
            Auth::Bearer(token) => vec![("auth.bearer", token)],
            Auth::Basic { username, password } => {
                vec![("auth.basic.username", username), ("auth.basic.password", password)]
            }
            Auth::ApiKey { value, .. } => vec![("auth.api_key.value", value)],
            Auth::OAuth2 { client_id, client_secret, .. } => {
                vec![("auth.oauth2.client_id", client_id), ("auth.oauth2.client_secret", client_secret)]
            }
        }
    }

    fn addresses(&self) -> Vec<&str> {
        let token = match &self.auth {
            Auth::OAuth2 { token_url, .. } => Some(token_url.as_str()),
            _ => None,
        };
        std::iter::once(self.base_url.as_str()).chain(token).collect()
    }

    fn move_to_sandbox(&mut self, address: &str) {
        let played = format!("{}/{}", address.trim_end_matches('/'), sandbox::HTTP_API);
        // The sandbox has every way in and every way of paging below paths of their own; the path says which.
        let path = reqwest::Url::parse(&self.base_url).map(|url| url.path().trim_end_matches('/').to_owned());
        let path = path.unwrap_or_default();
        // Whoever has moved once may move again.
        let path = path.strip_prefix(&format!("/{}", sandbox::HTTP_API)).unwrap_or(&path);
        self.base_url = format!("{played}{path}");
        let made_up = |text: &str| Secret::Sandbox(text.to_owned());
        match &mut self.auth {
            Auth::Bearer(token) => *token = made_up(sandbox::HTTP_API_KEY),
            Auth::Basic { username, password } => {
                *username = made_up(sandbox::CLIENT_ID);
                *password = made_up(sandbox::CLIENT_SECRET);
            }
            Auth::ApiKey { value, .. } => *value = made_up(sandbox::HTTP_API_KEY),
            Auth::OAuth2 { token_url, client_id, client_secret, .. } => {
                *token_url = format!("{played}/token");
                *client_id = made_up(sandbox::CLIENT_ID);
                *client_secret = made_up(sandbox::CLIENT_SECRET);
            }
        }
    }

    fn datasets(&self) -> Vec<Dataset> {
        let listed = |(name, dataset): (&String, &HttpDataset)| Dataset { name: name.clone(), by_id: dataset.by_id };
        self.datasets.iter().map(listed).collect()
    }

    fn probe(&self) -> Task<'_, Probed> {
        Box::pin(async { Ok(Client::new(self)?.probe().await?) })
    }

    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, rows: &'a mut RowWriter) -> Task<'a, Fetched> {
        Box::pin(async move { Ok(Client::new(self)?.fetch(ask, rows).await?) })
    }
}
