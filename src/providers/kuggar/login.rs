//! "00. Authentication": client id and secret for a JSON web token, which every other call carries as `Authorization`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::{reply, request};
use crate::providers::http::session::{Attempt, Login, Token, sensitive};
use crate::providers::http::{Failure, Http, Redactor, plain};

/// How Kuggar lets us in.
#[derive(Debug)]
pub(super) struct KuggarLogin {
    pub(super) url: Url,
    pub(super) client_id: SecretString,
    pub(super) client_secret: SecretString,
    /// Where the token stands in the reply: names with dots between them; none: where it is looked for by itself.
    pub(super) token_path: Option<String>,
    /// What stands before the token, with a blank between them; the document shows nothing.
    pub(super) token_prefix: Option<String>,
    /// How far Kuggar's clock is ahead of ours, as the first login told it.
    pub(super) ahead: OnceLock<TimeDelta>,
}

impl KuggarLogin {
    async fn ask(&self, http: &Http, redactor: &Redactor) -> Result<Token, Failure> {
        let body = request::auth(&self.client_id, &self.client_secret);
        let request = http.request(Method::POST, self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.body(body.expose_secret().as_bytes().to_vec()).build().map_err(Failure::transport)?;
        let asked_at = Instant::now();
        let reply = http.exchange(request, redactor).await?;
        let now = reply.date.unwrap_or_else(Utc::now);
        if let Some(date) = reply.date {
            _ = self.ahead.set(date - Utc::now());
        }
        let body = Zeroizing::new(reply.body);
        let value = reply::token(&body, self.token_path.as_deref()).map_err(Failure::unreadable)?;
        // By Kuggar's own clock: the claim is of that clock, too. A token that is over already is tried all the same.
        let life = reply::expiry(value.expose_secret()).map(|at| (at - now).num_seconds());
        let life = life.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
        Ok(Token::new(value, asked_at, life.map(Duration::from_secs)))
    }
}

impl Login for KuggarLogin {
    fn grant<'a>(&'a self, http: &'a Http, redactor: &'a Redactor) -> Attempt<'a, Token> {
        Box::pin(self.ask(http, redactor))
    }

    fn header(&self, token: &SecretString) -> (HeaderName, HeaderValue) {
        let value = match &self.token_prefix {
            Some(prefix) => sensitive(&format!("{prefix} {}", token.expose_secret())),
            None => sensitive(token.expose_secret()),
        };
        (AUTHORIZATION, value)
    }

    fn call(&self) -> String {
        format!("POST {}", plain(&self.url))
    }
}
