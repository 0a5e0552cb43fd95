//! The conversation with Core API: log in, ask, log out, never more calls than its headers allow.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use secrecy::SecretString;
use tokio::runtime::Handle;

use super::{CUSTOMERS, CoreApiConfig, MOVEMENTS, MOVEMENTS_TO_DATE, reply, request};
use crate::providers::error::{is_loopback, read_secret};
use crate::providers::http::limits::{LimitHeaders, Limits};
use crate::providers::http::session::{Attempt, Login, Session, Token};
use crate::providers::http::{Failure, Http, HttpError, Redactor, Reply, displayable, plain};
use crate::providers::{Ask, Asked, Fetched, Probed, ProviderError, RowWriter};

/// Calls of every window that are kept for the log-out.
const FOR_LOGOUT: u64 = 1;
/// Ids are shown up to this many characters.
const SHOWN: usize = 60;

/// E-mail and password, exchanged for a token.
#[derive(Debug)]
struct Credentials {
    url: Url,
    /// Holds the password: never shown.
    body: SecretString,
}

impl Login for Credentials {
    fn grant<'a>(&'a self, http: &'a Http, redactor: &'a Redactor) -> Attempt<'a, Token> {
        use secrecy::ExposeSecret as _;
        Box::pin(async move {
            let asked_at = Instant::now();
            let request = http
                .request(Method::POST, self.url.clone())
                .header(CONTENT_TYPE, "application/json")
                .body(self.body.expose_secret().to_owned());
            let answer = http.exchange(request.build().map_err(Failure::transport)?, redactor).await?;
            let token =
                reply::token("logging in", &answer.body).map_err(|error| Failure::unreadable(reason(&error)))?;
            // The document states no life: a token is good until it is refused.
            Ok(Token::new(token, asked_at, None))
        })
    }

    /// "401: missing or invalid token. 403: token expired or insufficient permissions."
    fn wants_new_token(&self, status: u16) -> bool {
        matches!(status, 401 | 403)
    }

    fn call(&self) -> String {
        format!("POST {}", plain(&self.url))
    }
}

/// What is wrong with a reply, without what was being done.
fn reason(error: &ProviderError) -> String {
    match error {
        ProviderError::Shape { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

/// A card that was asked about, and what was answered.
type AboutCard<'a> = Result<(&'a Asked, Option<Reply>), ProviderError>;
type Answers<'a> = Pin<Box<dyn Stream<Item = AboutCard<'a>> + Send + 'a>>;

/// One conversation. Whatever ends it, its token is given back.
#[derive(Debug)]
pub struct Client {
    session: Arc<Session<Credentials>>,
    base: String,
    logout: Url,
    concurrency: usize,
}

impl Client {
    /// Reads the secrets and the address; talks to nobody yet.
    ///
    /// # Errors
    /// When a secret is missing or the address cannot be used (exit 78).
    pub fn new(config: &CoreApiConfig) -> Result<Self, ProviderError> {
        let base = config.base_url.clone();
        let email = read_secret("email", &config.email)?;
        let password = read_secret("password", &config.password)?;
        let login =
            Credentials { url: request::login_url(&base)?, body: request::login_body(&email, &password).into() };
        let session = Session::new(&config.http, is_loopback(&base), login, vec![password, email], reply::refusal)
            .map_err(|source| ProviderError::http("setting up Core API", source))?
            .limited(Limits::new(LimitHeaders::default(), config.wait).reserving(FOR_LOGOUT));
        let logout = request::logout_url(&base)?;
        Ok(Self { session: Arc::new(session), base, logout, concurrency: config.concurrency })
    }

    /// Logs in, and out again: the least that shows whether the credentials are good.
    ///
    /// # Errors
    /// When Core API does not let us in.
    pub async fn probe(&self) -> Result<Probed, ProviderError> {
        self.session.token().await.map_err(|source| ProviderError::http("logging in", source))?;
        let reply = log_out(&self.session, &self.logout).await;
        let reply = reply.map_err(|source| ProviderError::http("logging out", source))?;
        let date = reply.and_then(|reply| reply.date);
        Ok(Probed { clock_skew: date.map(|date| date - Utc::now()) })
    }

    /// Asks for a dataset, and logs out, also when asking failed.
    ///
    /// # Errors
    /// What went wrong first; a log-out that fails is only a warning.
    pub async fn fetch(&self, ask: &Ask<'_>, rows: &mut RowWriter) -> Result<Fetched, ProviderError> {
        let fetched = match ask.dataset {
            CUSTOMERS => self.customers(rows).await,
            MOVEMENTS => self.movements(ask, None, rows).await,
            MOVEMENTS_TO_DATE => self.movements(ask, Some(ask.period.end), rows).await,
            other => Err(ProviderError::no_dataset(other)),
        };
        if let Err(error) = log_out(&self.session, &self.logout).await {
            let error = anyhow::Error::new(error);
            tracing::warn!("Core API was not logged out of; its token stays good until it expires: {error:#}");
        }
        fetched
    }

    async fn customers(&self, rows: &mut RowWriter) -> Result<Fetched, ProviderError> {
        let doing = "asking Core API for its customers";
        let reply = self.session.get(&request::customers_url(&self.base)?, &[]).await;
        let reply = reply.map_err(|source| ProviderError::http(doing, source))?;
        for row in reply::customers(doing, &reply.body)? {
            rows.row(None, row).map_err(|source| unstored(CUSTOMERS, source))?;
        }
        Ok(Fetched::default())
    }

    /// The movements of each card that is asked about, in the order of the cards; `before`: only those.
    async fn movements(
        &self,
        ask: &Ask<'_>,
        before: Option<DateTime<Utc>>,
        rows: &mut RowWriter,
    ) -> Result<Fetched, ProviderError> {
        let mut fetched = Fetched::default();
        let mut answers = self.of_cards(ask.ids);
        while let Some(answer) = answers.next().await {
            let (asked, reply) = answer?;
            let Some(reply) = reply else {
                fetched.not_found += 1;
                continue;
            };
            let doing = doing(asked);
            for row in reply::movements(&doing, &reply.body)? {
                let wanted = match before {
                    Some(before) => reply::date(&doing, row)? < before,
                    None => true,
                };
                if wanted {
                    rows.row(Some(asked), row).map_err(|source| unstored(ask.dataset, source))?;
                }
            }
        }
        Ok(fetched)
    }

    /// The replies about these cards, in their order, so many asked for at a time.
    fn of_cards<'a>(&'a self, cards: &'a [Asked]) -> Answers<'a> {
        let calls = futures_util::stream::iter(cards.iter().map(|asked| self.of_card(asked)));
        Box::pin(calls.buffered(self.concurrency))
    }

    /// The reply about one card; none where Core API does not know it.
    async fn of_card<'a>(&self, asked: &'a Asked) -> AboutCard<'a> {
        let url = request::movements_url(&self.base, &asked.id)?;
        match self.session.get(&url, &[]).await {
            Ok(reply) => Ok((asked, Some(reply))),
            Err(error) if error.of_read().and_then(Failure::code) == Some(404) => Ok((asked, None)),
            Err(source) => Err(ProviderError::http(doing(asked), source)),
        }
    }
}

impl Drop for Client {
    /// A run that is stopped drops the conversation where it stands: the token is given back all the same, as far as the
    /// process still lives.
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        let (session, logout) = (Arc::clone(&self.session), self.logout.clone());
        runtime.spawn(async move {
            // Nobody is left to be told.
            let _ = log_out(&session, &logout).await;
        });
    }
}

fn doing(asked: &Asked) -> String {
    format!("asking Core API for the movements of card {}", displayable(&asked.id, SHOWN))
}

fn unstored(dataset: &str, source: std::io::Error) -> ProviderError {
    ProviderError::Store { dataset: dataset.to_owned(), source }
}

/// "Always call logout": gives the token back, where there is one. The reply, if one was needed.
async fn log_out(session: &Session<Credentials>, url: &Url) -> Result<Option<Reply>, HttpError> {
    let Some(token) = session.give_up_token().await else { return Ok(None) };
    let redactor = session.redactor().and(&token.value);
    let mut tries = session.http().tries(format!("POST {}", plain(url)));
    loop {
        let (name, value) = session.login().header(&token.value);
        let request = session.http().request(Method::POST, url.clone()).header(name, value).build();
        let failure = match request {
            Ok(request) => match session.http().exchange(request, &redactor).await {
                Ok(reply) => return Ok(Some(reply)),
                Err(failure) => failure,
            },
            Err(error) => Failure::transport(error),
        };
        // It is no longer good: nothing is left to be given back.
        if matches!(failure.code(), Some(401 | 403)) {
            return Ok(None);
        }
        tries.after(failure).await?;
    }
}
