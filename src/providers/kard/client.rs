//! The conversation with Kard: tokens, the file list page by page, and downloads.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use super::KardConfig;
use super::error::{Endpoint, KardError, in_kards_words};
use super::reply::{self, DOWNLOAD_URL_LIFE, FileMetadata, FilesPage, ShapeError};
use super::request::{self, FilesQuery, Page};
use super::request_transactions;
use super::token::{Token, Tokens, sensitive};
use crate::config::secret::Secret;
use crate::providers::http::{self, Failure, Http, HttpError, Redactor, displayable, is_html, plain, starts_as_markup};
use crate::sources::store::{RawStore, RawWriter};

/// More than this many pages of one list are a mistake: a hundred thousand files.
const MAX_PAGES: usize = 1_000;
/// How often one download asks for a fresh URL.
const MAX_FRESH_URLS: u32 = 2;
/// A URL is not used in its last minute.
const URL_MARGIN: Duration = Duration::from_mins(1);

/// A path is shown up to this many characters.
pub(super) const SHOWN_PATH: usize = 120;

/// One client of Kard. Every request with the token goes to `base_url`; nothing else ever sees it.
#[derive(Debug)]
pub struct Client {
    pub(super) http: Http,
    tokens: Tokens,
    base: Url,
    files_url: Url,
    target_issuer: Option<String>,
    redactor: Redactor,
}

/// A complete file list.
#[derive(Debug)]
pub struct Listing {
    /// Oldest first, each id once.
    pub files: Vec<FileMetadata>,
    /// How far the provider's clock is ahead of ours, to about a second; none when it does not say.
    pub clock_skew: Option<TimeDelta>,
}

/// What `doctor` wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// How long the token is good for.
    pub token_life: Duration,
    /// Files on the first page of the last month's list.
    pub files_listed: usize,
    /// How far the provider's clock is ahead of ours, to about a second; none when it does not say.
    pub clock_skew: Option<TimeDelta>,
}

/// A page and what came with it.
struct Answer {
    page: FilesPage,
    clock_skew: Option<TimeDelta>,
}

impl Client {
    /// Reads the secrets and the addresses; talks to nobody yet.
    ///
    /// # Errors
    /// When a secret is missing or an address cannot be used (exit 78).
    pub fn new(config: &KardConfig) -> Result<Self, KardError> {
        let base = address("base_url", &config.base_url)?;
        let token_url = address("token_url", &config.token_url)?;
        let client_id = secret("client_id", &config.client_id)?;
        let client_secret = secret("client_secret", &config.client_secret)?;
        let direct = request::is_loopback(&base) && request::is_loopback(&token_url);
        let http =
            Http::new(&config.http, direct).map_err(|source| KardError::Http { endpoint: Endpoint::Token, source })?;
        let files_url = request::files_url(&base, &config.organization).map_err(|source| KardError::Address {
            field: "base_url",
            text: config.base_url.clone(),
            source,
        })?;
        let tokens = Tokens::new(token_url, &client_id, &client_secret);
        let redactor = Redactor::new(vec![tokens.basic_credentials(), client_secret]);
        Ok(Self { http, tokens, base, files_url, target_issuer: config.target_issuer.clone(), redactor })
    }

    /// Lists every file that the query selects, page by page.
    ///
    /// # Errors
    /// When Kard cannot be reached, refuses, or its pages never end.
    pub async fn files(&self, query: &FilesQuery) -> Result<Listing, KardError> {
        let mut seen = HashSet::new();
        // A file that moves between pages while we read must not count twice.
        let mut by_id = BTreeMap::<String, FileMetadata>::new();
        let mut clock_skew = None;
        let mut cursor = None::<String>;
        for page in 1..=MAX_PAGES {
            let place = cursor.as_deref().map_or(Page::First, Page::After);
            let answer = self.page(query, place).await?;
            clock_skew = clock_skew.or(answer.clock_skew);
            for file in answer.page.files {
                by_id.insert(file.id.clone(), file);
            }
            let Some(next) = answer.page.next else {
                let mut files: Vec<_> = by_id.into_values().collect();
                files.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
                return Ok(Listing { files, clock_skew });
            };
            if !seen.insert(next.clone()) {
                return Err(KardError::RepeatedCursor { page: page + 1 });
            }
            cursor = Some(next);
        }
        Err(KardError::TooManyPages { pages: MAX_PAGES })
    }

    /// Fetches a token (or takes the cached one), lists one page, reads the provider's clock.
    ///
    /// # Errors
    /// As [`Self::files`].
    pub async fn probe(&self) -> Result<Probe, KardError> {
        let token = self.token().await?;
        let answer = self.page(&FilesQuery { page_size: 1, ..FilesQuery::default() }, Page::First).await?;
        let clock_skew = answer.clock_skew.or_else(|| token.date.map(|date| skew(date, Utc::now())));
        Ok(Probe { token_life: token.life, files_listed: answer.page.files.len(), clock_skew })
    }

    /// Downloads one file of a list. The bytes are complete when this returns; `finish` on the
    /// writer makes them durable, dropping it leaves nothing.
    ///
    /// A URL that is too old is replaced by a fresh one; then the metadata that came with it is returned.
    ///
    /// # Errors
    /// When the file cannot be had whole, or the disk refuses.
    pub async fn download(
        &self,
        file: &FileMetadata,
        store: &RawStore,
    ) -> Result<(FileMetadata, RawWriter), KardError> {
        let mut file = file.clone();
        let mut fresh_urls = 0;
        if file.listed_at.elapsed() + URL_MARGIN > DOWNLOAD_URL_LIFE {
            file = self.list_again(&file).await?;
            fresh_urls += 1;
        }
        let mut url = self.download_url(&file)?;
        let mut tries = self.http.tries(format!("GET {}", plain(&url)));
        loop {
            let failure = match self.transfer(&file, &url, store).await {
                Ok(writer) => return Ok((file, writer)),
                Err(Interrupted::Store(source)) => {
                    return Err(KardError::Store { id: file.shown_id(), name: file.shown_name(), source });
                }
                Err(Interrupted::Http(failure)) => failure,
            };
            let expired = failure.code().is_some_and(|code| reply::is_expired_url(code, failure.body()));
            if expired && fresh_urls < MAX_FRESH_URLS {
                tracing::info!(file_id = file.id, "the download URL has expired; asking for a fresh one");
                file = self.list_again(&file).await?;
                url = self.download_url(&file)?;
                fresh_urls += 1;
                continue;
            }
            tries.after(failure).await.map_err(|source| KardError::Http { endpoint: Endpoint::Download, source })?;
        }
    }

    /// Has a token at hand, so that the next call needs no other before it.
    ///
    /// # Errors
    /// When no token is to be had.
    pub async fn warm(&self) -> Result<(), KardError> {
        self.token().await.map(drop)
    }

    /// Sends a JSON body to a path below `base_url` (percent-encoded, beginning with `/`), exactly once and over a
    /// connection of its own. A token that is refused is forgotten: the next call asks for a new one.
    ///
    /// # Errors
    /// Only for what happens before anything is sent: no token is to be had, or the path cannot be asked for.
    pub async fn send_once(
        &self,
        method: request_transactions::Method,
        path: &str,
        body: &[u8],
    ) -> Result<http::Answer, KardError> {
        let method = match method {
            request_transactions::Method::Post => Method::POST,
            request_transactions::Method::Put => Method::PUT,
            request_transactions::Method::Patch => Method::PATCH,
        };
        let url = request::below(&self.base, path)
            .map_err(|source| KardError::Path { path: displayable(path, SHOWN_PATH), source })?;
        let token = self.token().await?;
        let redactor = self.redactor.and(&token.value);
        let bearer: SecretString = format!("Bearer {}", token.value.expose_secret()).into();
        let request = self
            .http
            .request(method, url)
            .header(AUTHORIZATION, sensitive(&bearer))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_vec())
            .build();
        let set_up = |source| KardError::Http { endpoint: Endpoint::Effects, source };
        let request = request.map_err(|source| set_up(HttpError::SetUp { source: source.without_url() }))?;
        let answer = self.http.send_once(request, &redactor).await.map_err(set_up)?;
        if matches!(answer, http::Answer::Reply { status: 401, .. }) {
            self.tokens.forget(self.target_issuer.as_deref(), &token).await;
        }
        Ok(answer)
    }

    /// Reads the document at a path below `base_url` (percent-encoded, beginning with `/`), as often as it takes; a
    /// token that is refused is replaced once.
    pub(super) async fn get<T>(
        &self,
        endpoint: Endpoint,
        path: &str,
        read: impl Fn(&[u8]) -> Result<T, ShapeError>,
    ) -> Result<T, KardError> {
        let url = request::below(&self.base, path)
            .map_err(|source| KardError::Path { path: displayable(path, SHOWN_PATH), source })?;
        let token = self.token().await?;
        let answer = self.get_with(&token, endpoint, &url, &read).await;
        if !matches!(&answer, Err(KardError::Http { source, .. }) if source.code() == Some(401)) {
            return answer;
        }
        tracing::info!("Kard refused the token; asking for a new one");
        self.tokens.forget(self.target_issuer.as_deref(), &token).await;
        let token = self.token().await?;
        self.get_with(&token, endpoint, &url, &read).await
    }

    async fn get_with<T>(
        &self,
        token: &Token,
        endpoint: Endpoint,
        url: &Url,
        read: impl Fn(&[u8]) -> Result<T, ShapeError>,
    ) -> Result<T, KardError> {
        let redactor = self.redactor.and(&token.value);
        let bearer: SecretString = format!("Bearer {}", token.value.expose_secret()).into();
        let mut tries = self.http.tries(format!("GET {}", plain(url)));
        loop {
            let attempt = async {
                let request = self.http.request(Method::GET, url.clone()).header(AUTHORIZATION, sensitive(&bearer));
                let answer = self.http.exchange(request.build().map_err(Failure::transport)?, &redactor).await?;
                read(&answer.body).map_err(|error| Failure::unreadable(error.to_string()))
            };
            match attempt.await {
                Ok(found) => return Ok(found),
                Err(failure) => tries
                    .after(in_kards_words(failure, &redactor))
                    .await
                    .map_err(|source| KardError::Http { endpoint, source })?,
            }
        }
    }

    /// Blots out the secrets that this client knows.
    pub(super) const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// One attempt at the bytes, always from the beginning, without any credentials of ours.
    async fn transfer(&self, file: &FileMetadata, url: &Url, store: &RawStore) -> Result<RawWriter, Interrupted> {
        let request = self.http.request(Method::GET, url.clone()).build().map_err(Failure::transport)?;
        let redactor = self.redactor.and(&file.download_url);
        let mut response = self.http.open(request, &redactor).await?;
        if is_html(response.headers()) {
            return Err(Failure::web_page().into());
        }
        // No content, or a part of it that was not asked for: not the file.
        if response.status() != reqwest::StatusCode::OK {
            return Err(Failure::unreadable(format!("{} where a whole file was expected", response.status())).into());
        }
        let announced = response.content_length();
        let mut writer = store.begin().map_err(Interrupted::Store)?;
        while let Some(chunk) = response.chunk().await.map_err(Failure::transport)? {
            if writer.bytes() == 0 && starts_as_markup(&chunk) {
                return Err(Failure::web_page().into());
            }
            writer.write(&chunk).map_err(Interrupted::Store)?;
        }
        match announced {
            Some(announced) if announced != writer.bytes() => Err(Failure::length(announced, writer.bytes()).into()),
            _ => Ok(writer),
        }
    }

    /// The same file with a fresh URL.
    async fn list_again(&self, file: &FileMetadata) -> Result<FileMetadata, KardError> {
        let query = FilesQuery {
            date_from: Some(file.sent_at - TimeDelta::days(1)),
            date_to: Some(file.sent_at + TimeDelta::days(1)),
            file_type: super::FileType::ALL.into_iter().find(|kind| kind.name() == file.file_type),
            ..FilesQuery::default()
        };
        let listing = self.files(&query).await?;
        let found = listing.files.into_iter().find(|listed| listed.id == file.id);
        found.ok_or_else(|| KardError::Vanished { id: file.shown_id(), name: file.shown_name() })
    }

    fn download_url(&self, file: &FileMetadata) -> Result<Url, KardError> {
        let refuse = |reason| KardError::DownloadUrl { id: file.shown_id(), name: file.shown_name(), reason };
        let url = Url::parse(file.download_url.expose_secret()).map_err(|_| refuse("it is no address"))?;
        match url.scheme() {
            "https" => Ok(url),
            // Only a provider that is spoken to in the clear (on this machine) may point to such an address.
            "http" if self.files_url.scheme() == "http" => Ok(url),
            _ => Err(refuse("it is not https")),
        }
    }

    async fn token(&self) -> Result<Token, KardError> {
        self.tokens.get(&self.http, self.target_issuer.as_deref(), &self.redactor).await
    }

    /// One page; a token that is refused is replaced once.
    async fn page(&self, query: &FilesQuery, page: Page<'_>) -> Result<Answer, KardError> {
        let token = self.token().await?;
        let answer = self.page_with(&token, query, page).await;
        if !matches!(&answer, Err(KardError::Http { source, .. }) if source.code() == Some(401)) {
            return answer;
        }
        tracing::info!("Kard refused the token; asking for a new one");
        self.tokens.forget(self.target_issuer.as_deref(), &token).await;
        let token = self.token().await?;
        self.page_with(&token, query, page).await
    }

    async fn page_with(&self, token: &Token, query: &FilesQuery, page: Page<'_>) -> Result<Answer, KardError> {
        let redactor = self.redactor.and(&token.value);
        let bearer: SecretString = format!("Bearer {}", token.value.expose_secret()).into();
        let mut tries = self.http.tries(format!("GET {}", plain(&self.files_url)));
        loop {
            match self.page_attempt(&bearer, &redactor, query, page).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => tries
                    .after(in_kards_words(failure, &redactor))
                    .await
                    .map_err(|source| KardError::Http { endpoint: Endpoint::Files, source })?,
            }
        }
    }

    async fn page_attempt(
        &self,
        bearer: &SecretString,
        redactor: &Redactor,
        query: &FilesQuery,
        page: Page<'_>,
    ) -> Result<Answer, Failure> {
        let request = self
            .http
            .request(Method::GET, self.files_url.clone())
            .query(&query.pairs(page))
            .header(AUTHORIZATION, sensitive(bearer))
            .build()
            .map_err(Failure::transport)?;
        let listed_at = Instant::now();
        let answer = self.http.exchange(request, redactor).await?;
        let clock_skew = answer.date.map(|date| skew(date, Utc::now()));
        let page = reply::files(&answer.body, listed_at).map_err(|error| Failure::unreadable(error.to_string()))?;
        Ok(Answer { page, clock_skew })
    }
}

/// Why a transfer stopped.
enum Interrupted {
    Http(Failure),
    Store(std::io::Error),
}

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Http(failure)
    }
}

/// `Date` has whole seconds, cut off: a difference below one second is none.
fn skew(server: DateTime<Utc>, ours: DateTime<Utc>) -> TimeDelta {
    let difference = server - ours;
    if difference.abs() <= TimeDelta::seconds(1) { TimeDelta::zero() } else { difference }
}

fn address(field: &'static str, text: &str) -> Result<Url, KardError> {
    // The text itself is shown: it stands in the project file, and user:password@ is refused below.
    let shown = text.split_once('@').map_or(text, |(_, host)| host);
    request::address(text).map_err(|source| KardError::Address { field, text: shown.to_owned(), source })
}

fn secret(field: &'static str, secret: &Secret) -> Result<SecretString, KardError> {
    secret.read().map_err(|source| KardError::Secret { field, source })
}
