//! The conversation with an API that is configured: page by page, id by id.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::{Method, Url};
use serde_json::value::RawValue;

use super::config::{HttpApiConfig, HttpDataset, Paging};
use super::login::Key;
use super::{reply, request};
use crate::digest::sha256;
use crate::providers::error::{ProviderError, is_loopback};
use crate::providers::http::limits::Limits;
use crate::providers::http::session::Session;
use crate::providers::http::{Failure, displayable};
use crate::providers::{Ask, Asked, Fetched, Probed, RowWriter};

/// A list of more pages than this is none that ends.
const MOST_PAGES: usize = 10_000;
/// A window of calls that ends later than this is not waited for.
const PATIENCE: Duration = Duration::from_mins(15);

/// A client of one API of the project.
#[derive(Debug)]
pub struct Client<'c> {
    config: &'c HttpApiConfig,
    session: Session<Key>,
}

/// What the next page is asked for with.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Next {
    Address(Url),
    End,
}

impl<'c> Client<'c> {
    /// # Errors
    /// When a secret is not where the project file says, or TLS cannot be set up.
    pub fn new(config: &'c HttpApiConfig) -> Result<Self, ProviderError> {
        let (key, secrets) = Key::read(&config.auth)?;
        let direct = is_loopback(&config.base_url);
        let session = Session::new(&config.http, direct, key, secrets, |_| None)
            .map_err(|source| ProviderError::http("setting up", source))?;
        let session = match &config.rate_limit {
            Some(headers) => session.limited(Limits::new(headers.clone(), PATIENCE)),
            None => session,
        };
        Ok(Self { config, session })
    }

    /// Asks for a token, where one is granted. A key that is sent as it is is tried by a dataset's own call alone.
    pub(super) async fn probe(&self) -> Result<Probed, ProviderError> {
        self.session.token().await.map_err(|source| ProviderError::http("asking for a token", source))?;
        Ok(Probed::default())
    }

    pub(super) async fn fetch(&self, ask: &Ask<'_>, rows: &mut RowWriter) -> Result<Fetched, ProviderError> {
        let Some(dataset) = self.config.datasets.get(ask.dataset) else {
            return Err(ProviderError::no_dataset(ask.dataset));
        };
        let mut fetched = Fetched::default();
        if !dataset.by_id {
            self.list(dataset, ask, None, rows).await?;
            return Ok(fetched);
        }
        for asked in ask.ids {
            if !self.list(dataset, ask, Some(asked), rows).await? {
                fetched.not_found += 1;
            }
        }
        Ok(fetched)
    }

    /// Reads all pages of one list, or of what is said about one id. False where the id is unknown.
    async fn list(
        &self,
        dataset: &HttpDataset,
        ask: &Ask<'_>,
        asked: Option<&Asked>,
        rows: &mut RowWriter,
    ) -> Result<bool, ProviderError> {
        let about = asked.map_or_else(String::new, |asked| format!(" of {}", displayable(&asked.id, 60)));
        let doing = format!("asking for {}{about}", ask.dataset);
        let shape = |reason: String| ProviderError::shape(doing.clone(), reason);
        let id = asked.map(|asked| asked.id.as_str());
        let first = dataset.path.address(&self.config.base_url, ask.period, id).map_err(shape)?;
        let mut url = dataset.paging.first(&first);
        let mut seen = Seen::default();
        for page in 1..=MOST_PAGES {
            if !seen.addresses.insert(url.clone()) {
                return Err(ProviderError::Endless { doing, page });
            }
            let got = self.session.read(Method::GET, &url, |request| request.header(ACCEPT, "application/json"));
            let got = match got.await {
                Ok(got) => got,
                // Of a list a 404 is a wrong address; of an id it is an answer, but not once there was a page of it.
                Err(source)
                    if asked.is_some() && page == 1 && source.of_read().and_then(Failure::code) == Some(404) =>
                {
                    return Ok(false);
                }
                Err(source) if page == 1 => return Err(ProviderError::http(doing, source)),
                Err(source) => return Err(ProviderError::http(format!("{doing}, page {page}"), source)),
            };
            let document = reply::document(&got.body).map_err(shape)?;
            let found = reply::rows(document, &dataset.rows, dataset.by_id).map_err(shape)?;
            if !found.is_empty() && dataset.paging != Paging::Once && !seen.pages.insert(digest(&found)) {
                return Err(ProviderError::Endless { doing, page });
            }
            for row in &found {
                rows.row(asked, row)
                    .map_err(|source| ProviderError::Store { dataset: ask.dataset.to_owned(), source })?;
            }
            match dataset.paging.next(&url, page, found.len(), document, &got.headers).map_err(shape)? {
                Next::Address(next) => url = next,
                Next::End => return Ok(true),
            }
        }
        Err(shape(format!("more than {MOST_PAGES} pages; ask for less at once, or for larger pages")))
    }
}

/// What was read already of one list.
#[derive(Debug, Default)]
struct Seen {
    addresses: HashSet<Url>,
    /// Of the rows of each page.
    pages: HashSet<String>,
}

fn digest(rows: &[&RawValue]) -> String {
    let text: Vec<&str> = rows.iter().map(|row| row.get()).collect();
    sha256(text.join("\n").as_bytes())
}

impl Paging {
    fn first(&self, url: &Url) -> Url {
        match self {
            Self::Page { parameter, first, size } => {
                let url = size
                    .as_ref()
                    .map_or_else(|| url.clone(), |(name, size)| request::with_parameter(url, name, &size.to_string()));
                request::with_parameter(&url, parameter, &first.to_string())
            }
            _ => url.clone(),
        }
    }

    /// Where the page after the `page`th one (from 1), which had so many rows, is.
    fn next(
        &self,
        url: &Url,
        page: usize,
        rows: usize,
        document: &RawValue,
        headers: &HeaderMap,
    ) -> Result<Next, String> {
        let to = |link: Option<String>| match link {
            Some(link) => request::next_link(url, &link).map(Next::Address),
            None => Ok(Next::End),
        };
        match self {
            Self::Once => Ok(Next::End),
            Self::Cursor { from, parameter } => Ok(match reply::word(document, from)? {
                Some(cursor) => Next::Address(request::with_parameter(url, parameter, &cursor)),
                None => Next::End,
            }),
            Self::Page { parameter, first, size } => {
                let short = size.as_ref().is_some_and(|(_, size)| (rows as u64) < *size);
                if rows == 0 || short {
                    return Ok(Next::End);
                }
                let number = first + page as u64;
                Ok(Next::Address(request::with_parameter(url, parameter, &number.to_string())))
            }
            Self::Link { from } => to(reply::word(document, from)?),
            Self::LinkHeader { relation } => to(reply::link(headers, relation)),
        }
    }
}
