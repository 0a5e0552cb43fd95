//! HTTP to providers: one client with strict limits, and one place where an attempt that failed
//! is either made again or becomes an error.
//!
//! The library's own retries and redirects are off: what is sent twice is decided here (reads)
//! or by the journal (effects), and credentials never follow a redirect.

mod error;
pub mod limits;
mod reason;
mod redact;
mod retry;
pub mod session;
mod upload;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Request, Response, Url};
use tracing::Instrument as _;

pub use error::{Failure, HttpError};
pub use reason::{NoConnection, no_connection};
pub use redact::{Redactor, displayable};
pub use retry::{Decision, Outcome, decide, http_date, retry_after};
pub use upload::{FileError, PutError};

use crate::config::http::HttpConfig;
use crate::spans;
use limits::Limits;

/// Of an error's body no more than this is read.
pub const ERROR_BODY_BYTES: usize = 8 << 10;
/// An API reply (not a download) beyond this is refused: a full page of file metadata is about 100 KiB.
pub const REPLY_BYTES: usize = 16 << 20;
/// Why there is no reply is told in so many characters.
const WHY: usize = 300;

/// A client for one provider.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    /// Made when it is first needed: most runs send nothing.
    once: OnceLock<reqwest::Client>,
    config: HttpConfig,
    direct: bool,
    /// Told of every reply's headers.
    limits: Option<Arc<Limits>>,
}

/// A complete reply with a 2xx status.
#[derive(Debug)]
pub struct Reply {
    /// The server's clock: the `Date` header.
    pub date: Option<DateTime<Utc>>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A complete reply, whatever its status.
#[derive(Debug)]
pub struct Whole {
    pub status: u16,
    /// The server's clock: the `Date` header.
    pub date: Option<DateTime<Utc>>,
    /// What `Retry-After` asks for.
    pub retry_after: Option<Duration>,
    /// At most [`REPLY_BYTES`]; not redacted.
    pub body: Vec<u8>,
    /// It calls itself a web page or begins as one: a proxy or a maintenance page speaks.
    pub web_page: bool,
}

/// What came of one call that changes something at the provider. Such a call is never repeated here: what may
/// be sent again is decided by the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A complete reply, whatever its status.
    Reply {
        status: u16,
        /// What `Retry-After` asks for.
        retry_after: Option<Duration>,
        /// At most [`REPLY_BYTES`]; not redacted.
        body: Vec<u8>,
        /// It calls itself a web page or begins as one: a proxy or a maintenance page speaks.
        web_page: bool,
    },
    /// No connection was made: not one byte of the request went out. Redacted words.
    NotSent { why: String },
    /// The request went out, at least in part, and no complete reply came. Redacted words.
    Lost { why: String },
}

impl Answer {
    /// What a call without a complete reply has come to.
    pub fn without_reply(failure: &Failure, redactor: &Redactor) -> Self {
        let why = displayable(&redactor.redact(&failure.with_causes()), WHY);
        match failure.outcome() {
            // The request cannot have been begun either where it could not even be made.
            Outcome::NotConnected | Outcome::Invalid => Self::NotSent { why },
            _ => Self::Lost { why },
        }
    }
}

impl Http {
    /// Makes the client. With `direct` no proxy of the environment is used (loopback addresses).
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &HttpConfig, direct: bool) -> Result<Self, HttpError> {
        // An error says that a provider is installed already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = builder(config, direct).build().map_err(|source| HttpError::SetUp { source })?;
        Ok(Self { client, once: OnceLock::new(), config: config.clone(), direct, limits: None })
    }

    /// Tells these of the headers of every reply.
    #[must_use]
    pub(super) fn noting(mut self, limits: Arc<Limits>) -> Self {
        self.limits = Some(limits);
        self
    }

    fn note(&self, response: &Response) {
        note(self.limits.as_deref(), response);
    }

    /// The request builder of the client underneath.
    pub fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// The attempts of one call; `call` is what messages say was tried: `GET https://host/path`.
    pub fn tries(&self, call: impl Into<String>) -> Tries<'_> {
        Tries { call: call.into(), config: &self.config, made: 1 }
    }

    /// Sends once. Only a 2xx reply is a success; its body is not read yet.
    ///
    /// # Errors
    /// Any other status (with the start of its body, redacted), or no reply.
    pub async fn open(&self, request: Request, redactor: &Redactor) -> Result<Response, Failure> {
        let response = told(&self.client, request).await?;
        self.note(&response);
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let wait = wait_asked_for(response.headers());
        let body = read_start(response, ERROR_BODY_BYTES).await;
        Err(Failure::status(status, wait, redactor.redact(&String::from_utf8_lossy(&body))))
    }

    /// Sends a request that changes something, once, over a connection of its own.
    ///
    /// A connection from the pool may have been closed by the server in the meantime: the request would die on
    /// the way, and nobody could tell that from a reply that was lost.
    ///
    /// # Errors
    /// When the client for such requests cannot be made. All else is an [`Answer`].
    pub async fn send_once(&self, request: Request, redactor: &Redactor) -> Result<Answer, HttpError> {
        Ok(match whole(self.once()?, self.limits.as_deref(), request).await {
            Ok(Whole { status, retry_after, body, web_page, .. }) => {
                Answer::Reply { status, retry_after, body, web_page }
            }
            Err(failure) => Answer::without_reply(&failure, redactor),
        })
    }

    /// As [`Self::send_once`], for a provider whose replies mean something only when they have been opened.
    ///
    /// # Errors
    /// When the client for such requests cannot be made. That there is no complete reply is told inside.
    pub async fn whole_once(&self, request: Request) -> Result<Result<Whole, Failure>, HttpError> {
        Ok(whole(self.once()?, self.limits.as_deref(), request).await)
    }

    /// Sends a request that changes nothing, once, and reads the whole reply whatever its status.
    ///
    /// # Errors
    /// When there is no complete reply.
    pub async fn whole(&self, request: Request) -> Result<Whole, Failure> {
        whole(&self.client, self.limits.as_deref(), request).await
    }

    /// The client for requests that are sent once.
    fn once(&self) -> Result<&reqwest::Client, HttpError> {
        if let Some(client) = self.once.get() {
            return Ok(client);
        }
        let client = builder(&self.config, self.direct).pool_max_idle_per_host(0).build();
        let client = client.map_err(|source| HttpError::SetUp { source })?;
        Ok(self.once.get_or_init(|| client))
    }

    /// Sends once and reads the whole reply, at most [`REPLY_BYTES`].
    ///
    /// # Errors
    /// As [`Self::open`]; also a body that breaks off, is too long, or is a web page.
    pub async fn exchange(&self, request: Request, redactor: &Redactor) -> Result<Reply, Failure> {
        let mut response = self.open(request, redactor).await?;
        let date = server_date(response.headers());
        let declared_html = is_html(response.headers());
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Failure::transport)? {
            if body.len() + chunk.len() > REPLY_BYTES {
                return Err(Failure::unreadable(format!("the reply is longer than {REPLY_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if declared_html || starts_as_markup(&body) {
            return Err(Failure::web_page());
        }
        Ok(Reply { date, headers, body })
    }
}

fn note(limits: Option<&Limits>, response: &Response) {
    if let Some(limits) = limits {
        limits.note(response.headers(), Utc::now());
    }
}

/// Sends once, and reads the complete reply.
async fn whole(client: &reqwest::Client, limits: Option<&Limits>, request: Request) -> Result<Whole, Failure> {
    let mut response = told(client, request).await?;
    note(limits, &response);
    let status = response.status().as_u16();
    let date = server_date(response.headers());
    let retry_after = wait_asked_for(response.headers());
    let declared_html = is_html(response.headers());
    let announced = response.content_length();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::transport)? {
        if body.len() + chunk.len() > REPLY_BYTES {
            let reason = format!("status {status}, and the reply is longer than {REPLY_BYTES} bytes");
            return Err(Failure::unreadable(reason));
        }
        body.extend_from_slice(&chunk);
    }
    if let Some(announced) = announced.filter(|announced| *announced != body.len() as u64) {
        return Err(Failure::length(announced, body.len() as u64));
    }
    let web_page = declared_html || starts_as_markup(&body);
    Ok(Whole { status, date, retry_after, body, web_page })
}

fn builder(config: &HttpConfig, direct: bool) -> reqwest::ClientBuilder {
    patient_builder(config, direct).read_timeout(config.idle_timeout).timeout(config.total_timeout)
}

/// A client that ends nothing by the clock once it is connected.
fn patient_builder(config: &HttpConfig, direct: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("tieout/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(config.connect_timeout);
    if direct { builder.no_proxy() } else { builder }
}

/// Sends a request, and tells traces of it, as far as the head of the reply.
async fn told(client: &reqwest::Client, request: Request) -> Result<Response, Failure> {
    let span = spans::call(&request);
    let response = client.execute(request).instrument(span.clone()).await;
    spans::call_ended(&span, response.as_ref().ok().map(|response| response.status().as_u16()));
    response.map_err(Failure::transport)
}

/// Counts the attempts of one call and waits between them.
#[derive(Debug)]
pub struct Tries<'a> {
    call: String,
    config: &'a HttpConfig,
    made: u32,
}

impl Tries<'_> {
    /// After a failed attempt: returns once the next one may be made.
    ///
    /// # Errors
    /// When there shall be no next one.
    pub async fn after(&mut self, failure: Failure) -> Result<(), HttpError> {
        match decide(failure.outcome(), self.made, self.config, random()) {
            Decision::GiveUp => Err(HttpError::Failed { call: self.call.clone(), attempts: self.made, failure }),
            Decision::Retry { wait } => {
                tracing::warn!(
                    call = self.call, attempt = self.made, of = self.config.attempts,
                    delay_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), reason = %failure, "trying again"
                );
                tokio::time::sleep(wait).await;
                self.made += 1;
                Ok(())
            }
        }
    }
}

/// The server's clock, if it tells.
pub fn server_date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// Whether the reply calls itself a web page.
pub fn is_html(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.trim_start().to_ascii_lowercase().starts_with("text/html")
}

/// Whether the bytes begin as HTML or XML do: no published file or reply begins with `<`.
pub fn starts_as_markup(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The address for messages: no query (it may be signed), no user.
pub fn plain(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = displayable(url.path(), 120);
    format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or_default())
}

fn wait_asked_for(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    retry_after(value, server_date(headers).unwrap_or_else(Utc::now))
}

/// What can be read of a body up to `limit`; a body that breaks off is told as far as it came.
async fn read_start(mut response: Response, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == limit {
            break;
        }
    }
    body
}

/// Good enough for jitter: the seed of a hash map.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
