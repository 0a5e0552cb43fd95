//! The conversation: reads are sealed anew and tried again, orders are sent once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::ExposeSecret as _;
use serde_json::value::RawValue;

use super::clock::{OutOfWindow, out_of_window};
use super::config::{CardIssuingConfig, Fields, Paths};
use super::envelope::{Envelope, OpenError, SealError};
use super::judge::{Sent, ends_with, in_words, plain_in_words};
use super::key;
use super::reply::{self, ReplyError, Said};
use super::request::{self, API_KEY, IDEMPOTENCY_KEY, Mutation, PREFIX};
use super::slugs::{PlainError, Slug};
use super::timestamps::Timestamps;
use crate::exit::ExitCode;
use crate::providers::error::{is_loopback, read_secret};
use crate::providers::http::session::sensitive;
use crate::providers::http::{Answer, Failure, Http, Redactor, Whole, displayable, plain};
use crate::providers::masked;
use crate::providers::{Ask, Asked, Fetched, Probed, ProviderError, RowWriter};

/// What inputs of jobs may ask for.
pub const DATASETS: [(&str, OrderKind); 2] = [("card_orders", OrderKind::Card), ("topup_orders", OrderKind::TopUp)];
/// No order is called so.
const PROBE_ID: &str = "tieout-doctor";
/// Ids are shown up to so many characters.
const SHOWN: usize = 60;

/// What was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    Card,
    TopUp,
}

/// One client of the API.
#[derive(Debug)]
pub struct Client {
    http: Http,
    /// Up to and with `/api/v1`.
    base: String,
    api_key: HeaderValue,
    envelope: Envelope,
    redactor: Redactor,
    paths: Paths,
    fields: Fields,
    tolerance: Duration,
    concurrency: usize,
    /// What was said about the clock, so that it is said once.
    warned: Mutex<BTreeSet<&'static str>>,
}

/// One attempt that did not succeed.
enum Attempt {
    /// The next one may.
    Again(Failure),
    Final(ProviderError),
}

impl Client {
    /// Reads the secrets. Talks to nobody yet.
    ///
    /// # Errors
    /// When a secret is not where the project file says, or is no key.
    pub fn new(config: &CardIssuingConfig) -> Result<Self, ProviderError> {
        let api_key = read_secret("api_key", &config.api_key)?;
        if HeaderValue::from_str(api_key.expose_secret()).is_err() {
            return Err(unusable("api_key holds characters that no header can carry"));
        }
        let written = read_secret("encryption_key", &config.encryption_key)?;
        let key = key::parse(written.expose_secret()).map_err(|error| unusable(&error.to_string()))?;
        let http = Http::new(&config.http, is_loopback(&config.base_url));
        Ok(Self {
            http: http.map_err(|source| ProviderError::http("setting up the client", source))?,
            base: format!("{}{PREFIX}", config.base_url),
            api_key: sensitive(api_key.expose_secret()),
            envelope: Envelope::new(&key),
            redactor: Redactor::new(vec![api_key, written]),
            paths: config.paths.clone(),
            fields: config.fields.clone(),
            tolerance: config.clock_tolerance,
            concurrency: config.concurrency,
            warned: Mutex::default(),
        })
    }

    /// Asks for every order of a dataset, some at once; their rows come in the order of the ids.
    ///
    /// # Errors
    /// When an order cannot be had for another reason than that the provider does not know it.
    pub async fn fetch(&self, ask: &Ask<'_>, rows: &mut RowWriter) -> Result<Fetched, ProviderError> {
        let Some((_, kind)) = DATASETS.into_iter().find(|(name, _)| *name == ask.dataset) else {
            return Err(ProviderError::no_dataset(ask.dataset));
        };
        let answers = stream::iter(0..ask.ids.len()).map(|at| self.asked(kind, &ask.ids[at]));
        let mut answers = answers.buffered(self.concurrency);
        let mut fetched = Fetched::default();
        while let Some((asked, order)) = answers.next().await {
            match order? {
                Some(order) => {
                    let row = masked::row(&order);
                    let unstored = |source| ProviderError::Store { dataset: ask.dataset.to_owned(), source };
                    rows.row(Some(asked), &row).map_err(unstored)?;
                }
                None => fetched.not_found += 1,
            }
        }
        Ok(fetched)
    }

    async fn asked<'a>(
        &self,
        kind: OrderKind,
        asked: &'a Asked,
    ) -> (&'a Asked, Result<Option<Box<RawValue>>, ProviderError>) {
        (asked, self.order(kind, &asked.id).await)
    }

    /// One order as the provider shows it, numbers digit by digit; none where it knows none of this id.
    ///
    /// # Errors
    /// When there is no answer after all attempts, or the answer is another error.
    pub async fn order(&self, kind: OrderKind, id: &str) -> Result<Option<Box<RawValue>>, ProviderError> {
        let (path, what) = match kind {
            OrderKind::Card => (&self.paths.card_order, "card order"),
            OrderKind::TopUp => (&self.paths.topup_order, "top-up order"),
        };
        let doing = format!("asking for {what} {}", displayable(id, SHOWN));
        match self.read(&doing, path, &request::order(&self.fields, id)).await?.0 {
            Said::Object(row) => Ok(Some(row)),
            Said::Error { slug: Slug::OrderNotFound, .. } => Ok(None),
            said => Err(unexpected(doing, &said)),
        }
    }

    /// Asks for an order that there is not: an encrypted answer, whichever, shows that both keys are good.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn probe(&self) -> Result<Probed, ProviderError> {
        let doing = "asking for an order that there is not";
        let (_, date) = self.read(doing, &self.paths.card_order, &request::order(&self.fields, PROBE_ID)).await?;
        Ok(Probed { clock_skew: date.map(|date| date - Utc::now()) })
    }

    /// Sends an order once, under a key of ours (the effect's id): a second arrival is the first order again.
    ///
    /// # Errors
    /// For what happens before anything is sent. All else is told in [`Sent`].
    pub async fn send(&self, mutation: &Mutation, key: &str) -> Result<Sent, ProviderError> {
        let doing = || format!("sending an order to {}", mutation.path);
        let key = HeaderValue::from_str(key).map_err(|_| unusable("the idempotency key fits into no header"))?;
        let url = self.url(&mutation.path)?;
        let stamped_at = Utc::now();
        let mut request = self.request(url, &mutation.body, stamped_at).map_err(|reason| unsealed(doing(), &reason))?;
        request.headers_mut().insert(IDEMPOTENCY_KEY, key);
        let answer = self.http.whole_once(request).await.map_err(|source| ProviderError::http(doing(), source))?;
        Ok(match answer {
            Err(failure) => match Answer::without_reply(&failure, &self.redactor) {
                Answer::NotSent { why } => Sent::NotSent { why },
                Answer::Lost { why } => Sent::Lost { why },
                Answer::Reply { status, .. } => Sent::Lost { why: format!("status {status}") },
            },
            Ok(whole) => match self.said(&whole) {
                Ok(said) => Sent::Reply { status: whole.status, clock: self.clock(&said, &whole, stamped_at), said },
                Err(error) => Sent::Lost { why: format!("status {}: {}", whole.status, told(error)) },
            },
        })
    }

    /// What a read is answered, and the provider's clock; each attempt is sealed anew.
    async fn read(&self, doing: &str, path: &str, body: &str) -> Result<(Said, Option<DateTime<Utc>>), ProviderError> {
        let url = self.url(path)?;
        let mut tries = self.http.tries(format!("POST {}", plain(&url)));
        loop {
            match self.attempt(doing, &url, body).await {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(failure)) => {
                    tries.after(failure).await.map_err(|source| ProviderError::http(doing, source))?;
                }
            }
        }
    }

    async fn attempt(&self, doing: &str, url: &Url, body: &str) -> Result<(Said, Option<DateTime<Utc>>), Attempt> {
        let stamped_at = Utc::now();
        let request = self.request(url.clone(), body, stamped_at);
        let request = request.map_err(|reason| Attempt::Final(unsealed(doing.to_owned(), &reason)))?;
        let whole = self.http.whole(request).await.map_err(Attempt::Again)?;
        let said = self.said(&whole).map_err(|error| of_reply(doing, &whole, error))?;
        let clock = self.clock(&said, &whole, stamped_at);
        match said {
            Said::Plain(plain) => Err(of_plain(doing, plain, clock)),
            Said::Strange => Err(Attempt::Again(self.strange(&whole))),
            Said::Error { slug, words } if whole.status >= 500 || whole.status == 429 => {
                let failure = Failure::status(whole.status, whole.retry_after, String::new());
                let reason = format!("status {}: {}", whole.status, in_words(&slug, &words));
                Err(Attempt::Again(failure.told_as(reason)))
            }
            said => {
                self.watch_clock(whole.date);
                Ok((said, whole.date))
            }
        }
    }

    /// A sealed request under a time stamp of its own.
    fn request(&self, url: Url, body: &str, stamped_at: DateTime<Utc>) -> Result<Request, String> {
        let stamp = Timestamps::of_this_process().next(stamped_at.timestamp_micros());
        let sealed = self.envelope.seal_body(request::stamped(body, stamp).as_bytes());
        let sealed = sealed.map_err(|error| match error {
            SealError::Random(source) => format!("{}: {source}", SealError::Random(source)),
        })?;
        let request = self
            .http
            .request(Method::POST, url)
            .header(API_KEY, self.api_key.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(sealed);
        request.build().map_err(|error| error.without_url().to_string())
    }

    fn said(&self, whole: &Whole) -> Result<Said, ReplyError> {
        reply::read(whole.status, &whole.body, whole.web_page, &self.envelope, &self.redactor)
    }

    /// Why the time stamp was refused, if it was.
    fn clock(&self, said: &Said, whole: &Whole, stamped_at: DateTime<Utc>) -> Option<OutOfWindow> {
        let refused = matches!(said, Said::Plain(PlainError::OutOfWindow));
        refused.then(|| out_of_window(stamped_at, Utc::now(), whole.date, self.tolerance))
    }

    /// Half of the window is used up by the clocks alone: it is told while all is still well.
    fn watch_clock(&self, date: Option<DateTime<Utc>>) {
        let Some(ahead) = date.map(|date| Utc::now() - date) else { return };
        let half = chrono::TimeDelta::from_std(self.tolerance / 2).unwrap_or(chrono::TimeDelta::MAX);
        if ahead.abs() > half && self.warned.lock().is_ok_and(|mut warned| warned.insert("skew")) {
            let ahead_s = ahead.num_seconds();
            tracing::warn!(ahead_s, "this machine's clock is far from the provider's; set it by NTP");
        }
    }

    /// A status whose body is not the provider's.
    fn strange(&self, whole: &Whole) -> Failure {
        if whole.web_page {
            let failure = Failure::status(whole.status, whole.retry_after, String::new());
            return failure.told_as(ReplyError::WebPage { status: whole.status }.to_string());
        }
        let start = &whole.body[..whole.body.len().min(crate::providers::http::ERROR_BODY_BYTES)];
        let body = masked::text(&self.redactor.redact(&String::from_utf8_lossy(start)));
        Failure::status(whole.status, whole.retry_after, body)
    }

    fn url(&self, path: &str) -> Result<Url, ProviderError> {
        let wrong = |reason| ProviderError::Address { key: "base_url", reason };
        Url::parse(&format!("{}{path}", self.base)).map_err(|error| wrong(error.to_string()))
    }
}

/// A reply that breaks the document.
fn of_reply(doing: &str, whole: &Whole, error: ReplyError) -> Attempt {
    match error {
        ReplyError::Envelope(OpenError::OtherKey) => {
            Attempt::Final(refused(doing.to_owned(), told(error), ExitCode::CredentialsRefused))
        }
        ReplyError::WebPage { .. } => Attempt::Again(Failure::web_page()),
        error if (200..=299).contains(&whole.status) => Attempt::Again(Failure::unreadable(told(error))),
        error => {
            let failure = Failure::status(whole.status, whole.retry_after, String::new());
            Attempt::Again(failure.told_as(format!("status {}: {}", whole.status, told(error))))
        }
    }
}

fn of_plain(doing: &str, plain: PlainError, clock: Option<OutOfWindow>) -> Attempt {
    let reason = plain_in_words(plain, clock);
    match ends_with(plain, clock) {
        Some(code) => Attempt::Final(refused(doing.to_owned(), reason, code)),
        None => Attempt::Again(Failure::passing(reason)),
    }
}

/// An error of the reply, and what to do where there is something.
fn told(error: ReplyError) -> String {
    match error {
        ReplyError::Envelope(OpenError::OtherKey) => {
            format!("{error}; the encryption_key is not the one that the provider has for this api_key")
        }
        error => error.to_string(),
    }
}

/// A reply that fits no read of an order.
fn unexpected(doing: String, said: &Said) -> ProviderError {
    match said {
        Said::Error { slug, words } => refused(doing, in_words(slug, words), ExitCode::Configuration),
        _ => ProviderError::shape(doing, "the reply is no order"),
    }
}

fn refused(doing: String, reason: String, code: ExitCode) -> ProviderError {
    ProviderError::Refused { doing, reason, code }
}

fn unusable(reason: &str) -> ProviderError {
    refused("reading the provider's secrets".to_owned(), reason.to_owned(), ExitCode::Configuration)
}

fn unsealed(doing: String, reason: &str) -> ProviderError {
    refused(doing, reason.to_owned(), ExitCode::Unexpected)
}
