//! A conversation with an API that wants a token or a key: reads with retries, a new token where one is refused, and no
//! more calls than the provider takes.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use tokio::sync::Mutex;

use super::limits::{Call, Limits, Room};
use super::{Answer, Failure, Http, HttpError, Redactor, Reply, plain};
use crate::config::http::HttpConfig;
use crate::providers::error::unreadable;

/// A token is not used in its last minute; of a short life not in its last tenth.
const MARGIN: Duration = Duration::from_mins(1);

/// What a provider has granted.
#[derive(Debug, Clone)]
pub struct Token {
    pub value: SecretString,
    /// Not to be used from here on; none: until it is refused.
    pub stale_at: Option<Instant>,
}

impl Token {
    /// A token that the provider says to be good for so long, if it says.
    pub fn new(value: SecretString, asked_at: Instant, life: Option<Duration>) -> Self {
        let stale_at = life.map(|life| asked_at + life.saturating_sub(MARGIN.min(life / 10)));
        Self { value, stale_at }
    }
}

/// One attempt at something.
pub type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// How a provider lets us in.
pub trait Login: Debug + Send + Sync {
    /// Asks for a token: one attempt. Where a key is sent as it is, that is the token.
    fn grant<'a>(&'a self, http: &'a Http, redactor: &'a Redactor) -> Attempt<'a, Token>;

    /// What every request carries.
    fn header(&self, token: &SecretString) -> (HeaderName, HeaderValue) {
        (AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose_secret())))
    }

    /// Whether this status says that the token is no longer good, and another one may be.
    fn wants_new_token(&self, status: u16) -> bool {
        status == 401
    }

    /// `POST https://host/login`: what messages say was tried.
    fn call(&self) -> String;
}

/// A header value that the HTTP libraries keep out of their own debug output.
pub fn sensitive(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unusable"));
    value.set_sensitive(true);
    value
}

/// A reply that broke off where its length says it ends is asked for again, like one that was cut.
fn whole(reply: Reply) -> Result<Reply, Failure> {
    match serde_json::from_slice::<IgnoredAny>(&reply.body) {
        Ok(_) => Ok(reply),
        Err(error) => Err(Failure::unreadable(unreadable(&error))),
    }
}

/// A conversation.
#[derive(Debug)]
pub struct Session<L> {
    http: Http,
    login: L,
    redactor: Redactor,
    limits: Option<Arc<Limits>>,
    /// Held while asking, so that many calls at once ask once.
    token: Mutex<Option<Token>>,
    /// What the body of a refusal says, in the provider's own shape.
    words: fn(&str) -> Option<String>,
}

impl<L: Login> Session<L> {
    /// `secrets` are blotted out of all that is told. With `direct` no proxy is used (loopback addresses).
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        config: &HttpConfig,
        direct: bool,
        login: L,
        secrets: Vec<SecretString>,
        words: fn(&str) -> Option<String>,
    ) -> Result<Self, HttpError> {
        let http = Http::new(config, direct)?;
        Ok(Self { http, login, redactor: Redactor::new(secrets), limits: None, token: Mutex::default(), words })
    }

    /// No more calls than the provider's headers allow.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        let limits = Arc::new(limits);
        self.http = self.http.noting(Arc::clone(&limits));
        self.limits = Some(limits);
        self
    }

    /// The client underneath.
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// How this conversation lets itself in.
    pub const fn login(&self) -> &L {
        &self.login
    }

    /// Blots out the secrets that this conversation knows, but for its token.
    pub const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Reads something that changes nothing, with retries; what is answered is whole JSON.
    ///
    /// # Errors
    /// When there is no such reply with a 2xx status after all attempts, or the provider takes no more calls for too long.
    pub async fn get(&self, url: &Url, query: &[(&str, &str)]) -> Result<Reply, HttpError> {
        self.read(Method::GET, url, |request| request.query(query)).await
    }

    /// The same for a request of any method that changes nothing; `dress` adds query, headers and body to each attempt.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn read(
        &self,
        method: Method,
        url: &Url,
        dress: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Reply, HttpError> {
        self.read_as(method, url, dress, whole).await
    }

    /// The same for a reply that is taken apart at once: one that `take` cannot read counts as a failed attempt.
    ///
    /// # Errors
    /// As [`Self::get`], and as `take` says.
    pub async fn read_as<T>(
        &self,
        method: Method,
        url: &Url,
        dress: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
        take: impl Fn(Reply) -> Result<T, Failure>,
    ) -> Result<T, HttpError> {
        let call = format!("{method} {}", plain(url));
        let mut tries = self.http.tries(call.clone());
        let mut renewed = false;
        loop {
            let token = self.token().await?;
            let on_its_way = self.room(&call).await?;
            let (name, value) = self.login.header(&token.value);
            let request = dress(self.http.request(method.clone(), url.clone())).header(name, value).build();
            let redactor = self.redactor.and(&token.value);
            let reply = match request {
                Ok(request) => self.http.exchange(request, &redactor).await,
                Err(error) => Err(Failure::transport(error)),
            };
            drop(on_its_way);
            let failure = match reply.and_then(&take) {
                Ok(read) => return Ok(read),
                Err(failure) => self.told(failure, &redactor),
            };
            let refused = failure.code().is_some_and(|status| self.login.wants_new_token(status));
            if refused && !renewed {
                tracing::info!("the token was refused; asking for a new one");
                self.forget(&token).await;
                renewed = true;
                continue;
            }
            tries.after(failure).await?;
        }
    }

    /// Sends something that changes something, once. A refused token is forgotten; the caller decides whether to send
    /// again.
    ///
    /// # Errors
    /// When no token can be had, or the provider takes no more calls for too long. All else is an [`Answer`].
    pub async fn send_once(
        &self,
        method: Method,
        url: &Url,
        dress: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Answer, HttpError> {
        let token = self.token().await?;
        let _on_its_way = self.room(&format!("{method} {}", plain(url))).await?;
        let (name, value) = self.login.header(&token.value);
        let redactor = self.redactor.and(&token.value);
        let request = match dress(self.http.request(method, url.clone())).header(name, value).build() {
            Ok(request) => request,
            Err(error) => return Ok(Answer::NotSent { why: redactor.redact(&error.without_url().to_string()) }),
        };
        let answer = self.http.send_once(request, &redactor).await?;
        if matches!(answer, Answer::Reply { status, .. } if self.login.wants_new_token(status)) {
            self.forget(&token).await;
        }
        Ok(answer)
    }

    /// A token that is good as far as is known.
    ///
    /// # Errors
    /// When the provider does not grant one.
    pub async fn token(&self) -> Result<Token, HttpError> {
        let mut kept = self.token.lock().await;
        let good = |token: &&Token| token.stale_at.is_none_or(|stale_at| Instant::now() < stale_at);
        if let Some(token) = kept.as_ref().filter(good) {
            return Ok(token.clone());
        }
        let call = self.login.call();
        let mut tries = self.http.tries(call.clone());
        loop {
            let on_its_way = self.room(&call).await?;
            let granted = self.login.grant(&self.http, &self.redactor).await;
            drop(on_its_way);
            match granted {
                Ok(token) => return Ok(kept.insert(token).clone()),
                Err(failure) => tries.after(self.told(failure, &self.redactor)).await?,
            }
        }
    }

    /// The token, if there is one, and none from now on: for those who log out.
    pub async fn give_up_token(&self) -> Option<Token> {
        self.token.lock().await.take()
    }

    /// Drops a token that was refused, unless another call has replaced it already.
    async fn forget(&self, refused: &Token) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|token| token.value.expose_secret() == refused.value.expose_secret()) {
            *kept = None;
        }
    }

    /// Waits until a call may be made; it counts as on its way until what is handed on is dropped.
    async fn room(&self, call: &str) -> Result<Option<Call<'_>>, HttpError> {
        let Some(limits) = &self.limits else { return Ok(None) };
        loop {
            // Before asking: no answer in between is missed.
            let answered = limits.answered();
            match limits.take(Utc::now()) {
                Room::Go(call) => return Ok(Some(call)),
                Room::Wait(wait) => {
                    tracing::info!(wait_s = wait.as_secs(), "the provider takes no more calls now; going on then");
                    tokio::time::sleep(wait).await;
                }
                Room::Answer(wait) => {
                    // Either way it is asked again.
                    let _ = tokio::time::timeout(wait, answered).await;
                }
                Room::NotBefore(until) => return Err(HttpError::LimitReached { call: call.to_owned(), until }),
            }
        }
    }

    /// A refusal in the words of the provider's error shape, where the body has it.
    fn told(&self, failure: Failure, redactor: &Redactor) -> Failure {
        match failure.code().zip((self.words)(failure.body())) {
            // What a redirect means for us is ours to say.
            Some((300..=399, _)) | None => failure,
            Some((code, words)) => failure.told_as(format!("status {code}: {}", redactor.redact(&words))),
        }
    }
}
