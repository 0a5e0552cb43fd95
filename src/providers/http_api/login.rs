//! How an API lets us in: a key that is sent as it is, or a token that is asked for.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::config::Auth;
use crate::providers::error::{ProviderError, read_secret};
use crate::providers::http::session::{Attempt, Login, Token, sensitive};
use crate::providers::http::{Failure, Http, Redactor, plain};

/// What is sent, or what a token is asked for with.
#[derive(Debug)]
pub(super) enum Key {
    /// The whole value of a header.
    Header { name: HeaderName, value: SecretString },
    /// Tokens of an hour or so.
    Granted { token_url: Url, basic: SecretString, body: String },
}

/// The body of a token's grant (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Grant {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    /// Seconds.
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Key {
    /// Reads the secrets of a way in; they, and what is made of them, are told so that they can be blotted out.
    pub(super) fn read(auth: &Auth) -> Result<(Self, Vec<SecretString>), ProviderError> {
        match auth {
            Auth::Bearer(token) => {
                let token = read_secret("auth.bearer", token)?;
                let value = format!("Bearer {}", token.expose_secret()).into();
                Ok((Self::Header { name: AUTHORIZATION, value }, vec![token]))
            }
            Auth::ApiKey { header, value } => {
                let value = read_secret("auth.api_key.value", value)?;
                let name = header.parse().map_err(|_| ProviderError::Address {
                    key: "auth.api_key.header",
                    reason: "it is no name of a header".to_owned(),
                })?;
                Ok((Self::Header { name, value: value.clone() }, vec![value]))
            }
            Auth::Basic { username, password } => {
                let username = read_secret("auth.basic.username", username)?;
                let password = read_secret("auth.basic.password", password)?;
                let both = basic(&username, &password);
                let value = format!("Basic {}", both.expose_secret()).into();
                Ok((Self::Header { name: AUTHORIZATION, value }, vec![username, password, both]))
            }
            Auth::OAuth2 { token_url, client_id, client_secret, scope } => {
                let id = read_secret("auth.oauth2.client_id", client_id)?;
                let secret = read_secret("auth.oauth2.client_secret", client_secret)?;
                let token_url = Url::parse(token_url).map_err(|error| ProviderError::Address {
                    key: "auth.oauth2.token_url",
                    reason: error.to_string(),
                })?;
                let both = basic(&id, &secret);
                let mut form = Url::parse("form:")
                    .map_err(|error| ProviderError::Address { key: "auth.oauth2.scope", reason: error.to_string() })?;
                form.query_pairs_mut().append_pair("grant_type", "client_credentials");
                if let Some(scope) = scope {
                    form.query_pairs_mut().append_pair("scope", scope);
                }
                let body = form.query().unwrap_or_default().to_owned();
                Ok((Self::Granted { token_url, basic: both.clone(), body }, vec![id, secret, both]))
            }
        }
    }
}

fn basic(user: &SecretString, password: &SecretString) -> SecretString {
    STANDARD.encode(format!("{}:{}", user.expose_secret(), password.expose_secret())).into()
}

impl Login for Key {
    fn grant<'a>(&'a self, http: &'a Http, redactor: &'a Redactor) -> Attempt<'a, Token> {
        Box::pin(async move {
            let (url, basic, body) = match self {
                Self::Header { value, .. } => return Ok(Token::new(value.clone(), Instant::now(), None)),
                Self::Granted { token_url, basic, body } => (token_url, basic, body),
            };
            let request = http
                .request(Method::POST, url.clone())
                .header(AUTHORIZATION, sensitive(&format!("Basic {}", basic.expose_secret())))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(ACCEPT, "application/json")
                .body(body.clone())
                .build()
                .map_err(Failure::transport)?;
            let asked_at = Instant::now();
            let reply = http.exchange(request, redactor).await?;
            // What cannot be read is not told: it may hold the token.
            let granted: Grant = serde_json::from_slice(&reply.body)
                .map_err(|_| Failure::unreadable("the grant of a token has no `access_token` as text"))?;
            if granted.access_token.is_empty() {
                return Err(Failure::unreadable("the grant of a token has an empty `access_token`"));
            }
            if granted.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
                return Err(Failure::unreadable("the granted token is no bearer token; expected token_type `Bearer`"));
            }
            Ok(Token::new(granted.access_token.into(), asked_at, granted.expires_in.map(Duration::from_secs)))
        })
    }

    fn header(&self, token: &SecretString) -> (HeaderName, HeaderValue) {
        match self {
            Self::Header { name, value } => (name.clone(), sensitive(value.expose_secret())),
            Self::Granted { .. } => (AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose_secret()))),
        }
    }

    fn wants_new_token(&self, status: u16) -> bool {
        matches!(self, Self::Granted { .. }) && status == 401
    }

    fn call(&self) -> String {
        match self {
            Self::Header { .. } => "reading the key".to_owned(),
            Self::Granted { token_url, .. } => format!("POST {}", plain(token_url)),
        }
    }
}
