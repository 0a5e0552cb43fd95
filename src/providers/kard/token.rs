//! Access tokens: asked for with the client's credentials, kept per issuer until shortly before they expire.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::error::{Endpoint, KardError, in_kards_words};
use super::{reply, request};
use crate::providers::http::{Failure, Http, Redactor, plain};

/// A token is not used in its last minute.
const MARGIN: Duration = Duration::from_mins(1);

/// A token and when it was got.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) value: SecretString,
    /// Whole life as granted.
    pub(super) life: Duration,
    /// Not to be used from here on.
    stale_at: Instant,
    /// The server's clock when it was granted.
    pub(super) date: Option<DateTime<Utc>>,
}

/// The source of tokens of one client; `None` is the token without a target issuer.
#[derive(Debug)]
pub(super) struct Tokens {
    url: Url,
    basic: SecretString,
    /// Held while asking, so that many calls at once ask once.
    cache: Mutex<HashMap<Option<String>, Token>>,
}

impl Tokens {
    pub(super) fn new(url: Url, client_id: &SecretString, client_secret: &SecretString) -> Self {
        Self { url, basic: request::basic(client_id, client_secret), cache: Mutex::default() }
    }

    /// The secrets that an error could echo.
    pub(super) fn basic_credentials(&self) -> SecretString {
        self.basic.expose_secret().trim_start_matches("Basic ").to_owned().into()
    }

    /// A token good for at least a minute (or the one just granted).
    pub(super) async fn get(&self, http: &Http, issuer: Option<&str>, redactor: &Redactor) -> Result<Token, KardError> {
        let mut cache = self.cache.lock().await;
        let key = issuer.map(str::to_owned);
        if let Some(token) = cache.get(&key).filter(|token| Instant::now() < token.stale_at) {
            return Ok(token.clone());
        }
        let token = self.ask(http, issuer, redactor).await?;
        cache.insert(key, token.clone());
        Ok(token)
    }

    /// Drops a token that was refused, unless another call has replaced it already.
    pub(super) async fn forget(&self, issuer: Option<&str>, refused: &Token) {
        let mut cache = self.cache.lock().await;
        let key = issuer.map(str::to_owned);
        let same = |token: &Token| token.value.expose_secret() == refused.value.expose_secret();
        if cache.get(&key).is_some_and(same) {
            cache.remove(&key);
        }
    }

    async fn ask(&self, http: &Http, issuer: Option<&str>, redactor: &Redactor) -> Result<Token, KardError> {
        let mut tries = http.tries(format!("POST {}", plain(&self.url)));
        loop {
            match self.attempt(http, issuer, redactor).await {
                Ok(token) => return Ok(token),
                Err(failure) => tries
                    .after(in_kards_words(failure, redactor))
                    .await
                    .map_err(|source| KardError::Http { endpoint: Endpoint::Token, source })?,
            }
        }
    }

    async fn attempt(&self, http: &Http, issuer: Option<&str>, redactor: &Redactor) -> Result<Token, Failure> {
        let mut builder = http
            .request(Method::POST, self.url.clone())
            .header(AUTHORIZATION, sensitive(&self.basic))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(request::TOKEN_BODY);
        if let Some(issuer) = issuer {
            builder = builder.header(request::TARGET_ISSUER, issuer);
        }
        let asked_at = Instant::now();
        let answer = http.exchange(builder.build().map_err(Failure::transport)?, redactor).await?;
        let granted = reply::token(&answer.body).map_err(|error| Failure::unreadable(error.to_string()))?;
        Ok(Token {
            value: granted.access_token,
            life: granted.expires_in,
            stale_at: asked_at + granted.expires_in.saturating_sub(MARGIN),
            date: answer.date,
        })
    }
}

/// A header value that the HTTP libraries keep out of their own debug output.
pub(super) fn sensitive(secret: &SecretString) -> HeaderValue {
    let mut value = HeaderValue::from_str(secret.expose_secret()).unwrap_or(HeaderValue::from_static("unusable"));
    value.set_sensitive(true);
    value
}
