//! The conversation with Kuggar: cards by their ids, several at once, and calls that change a card, sent once.

use std::sync::OnceLock;

use futures_util::stream::{self, StreamExt as _};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use secrecy::zeroize::{Zeroize as _, Zeroizing};

use super::config::{CARDS, KuggarConfig};
use super::login::KuggarLogin;
use super::reply::{self, Judged};
use super::request::{self, Call};
use super::{Card, mask};
use crate::exit::ExitCode;
use crate::providers::error::{below, is_loopback, read_secret};
use crate::providers::http::session::Session;
use crate::providers::http::{Answer, Failure, HttpError, Reply, displayable};
use crate::providers::{Asked, Fetched, Probed, ProviderError, RowWriter};

/// Ids are shown up to this many characters.
const SHOWN: usize = 60;

/// One client of Kuggar.
#[derive(Debug)]
pub struct Client {
    session: Session<KuggarLogin>,
    base_url: String,
    concurrency: usize,
}

impl Client {
    /// Reads the secrets and the address; talks to nobody yet.
    ///
    /// # Errors
    /// When a secret is missing or the address cannot be used (exit 78).
    pub fn new(config: &KuggarConfig) -> Result<Self, ProviderError> {
        let login = KuggarLogin {
            url: below("base_url", &config.base_url, &request::AUTH)?,
            client_id: read_secret("client_id", &config.client_id)?,
            client_secret: read_secret("client_secret", &config.client_secret)?,
            token_path: config.token_path.clone(),
            token_prefix: config.token_prefix.clone(),
            ahead: OnceLock::new(),
        };
        let secrets = vec![login.client_secret.clone()];
        let words = |body: &str| Some(reply::words(body));
        let session = Session::new(&config.http, is_loopback(&config.base_url), login, secrets, words);
        let session = session.map_err(|source| ProviderError::http("setting up", source))?;
        Ok(Self { session, base_url: config.base_url.clone(), concurrency: config.concurrency })
    }

    /// No trailing slash.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Logs in. There is no list and no other call that needs no card.
    ///
    /// # Errors
    /// When Kuggar cannot be reached or refuses.
    pub async fn probe(&self) -> Result<Probed, ProviderError> {
        self.log_in().await?;
        Ok(Probed { clock_skew: self.session.login().ahead.get().copied() })
    }

    /// Asks for every card, several at once, and writes those that are there in the order of the ids.
    ///
    /// # Errors
    /// When one of them cannot be had; a card that Kuggar does not know is no error.
    pub async fn cards(&self, ids: &[Asked], rows: &mut RowWriter) -> Result<Fetched, ProviderError> {
        // Also where there is nothing to ask: wrong credentials are told.
        self.log_in().await?;
        // Over places, not over the ids themselves: a closure over borrowed ids would not be general enough to be sent.
        let calls = stream::iter(0..ids.len()).map(|place| self.card(&ids[place].id));
        let mut answers = calls.buffered(self.concurrency).zip(stream::iter(ids));
        let mut fetched = Fetched::default();
        while let Some((card, asked)) = answers.next().await {
            match card? {
                Some(card) => rows
                    .row(Some(asked), card.row())
                    .map_err(|source| ProviderError::Store { dataset: CARDS.to_owned(), source })?,
                None => fetched.not_found += 1,
            }
        }
        Ok(fetched)
    }

    /// "04. Card View": the card, or none where Kuggar does not know it.
    ///
    /// # Errors
    /// When it cannot be had, or the reply is no card, or another one.
    pub async fn card(&self, id: &str) -> Result<Option<Card>, ProviderError> {
        let doing = || format!("asking for card {}", shown(id));
        if mask::is_card_number(id) {
            let reason = "the id is as long as a card number, and none is sent; expected the kuggarId of the card";
            return Err(ProviderError::Shape { doing: doing(), reason: reason.to_owned() });
        }
        let url = self.url(&[&request::CARDS[..], &[id]].concat())?;
        let take = |reply: Reply| {
            let body = Zeroizing::new(reply.body);
            let card = Card::read(&body).map_err(|error| Failure::unreadable(error.to_string()))?;
            if card.kuggar_id.eq_ignore_ascii_case(id) {
                return Ok(card);
            }
            Err(Failure::unreadable(format!("the reply is about another card, {}", shown(&card.kuggar_id))))
        };
        match self.session.read_as(Method::GET, &url, |request| request, take).await {
            Ok(card) => Ok(Some(card)),
            Err(error) => unread(&doing(), error),
        }
    }

    /// Sends a call that changes something, exactly once, and says what came of it. The reply is judged and wiped.
    ///
    /// # Errors
    /// Only for what happens before anything is sent: no token is to be had, or the id cannot stand in a path.
    pub async fn send(&self, call: &Call) -> Result<Judged, ProviderError> {
        let url = self.url(&call.segments())?;
        self.send_once(call.method.clone(), &url, &call.body, |answer| reply::judge(call, answer)).await
    }

    /// Sends a body once (none where it is empty); the reply is wiped when it is judged.
    pub(super) async fn send_once<T>(
        &self,
        method: Method,
        url: &Url,
        body: &[u8],
        judge: impl FnOnce(&Answer) -> T,
    ) -> Result<T, ProviderError> {
        let dress = |request: reqwest::RequestBuilder| match body {
            [] => request,
            body => request.header(CONTENT_TYPE, "application/json").body(body.to_vec()),
        };
        let answer = self.session.send_once(method, url, dress).await;
        let mut answer = answer.map_err(|source| ProviderError::http("sending an order for a card", source))?;
        let judged = judge(&answer);
        if let Answer::Reply { body, .. } = &mut answer {
            body.zeroize();
        }
        Ok(judged)
    }

    async fn log_in(&self) -> Result<(), ProviderError> {
        match self.session.token().await {
            Ok(_) => Ok(()),
            Err(source) => {
                let hint = match source.code() {
                    Some(400 | 401 | 403) => "logging in (check client_id and client_secret)",
                    Some(404) => "logging in (check base_url)",
                    Some(503) => {
                        "logging in (Kuggar is not accessible now, as while it is maintained; run again later)"
                    }
                    _ => "logging in",
                };
                Err(ProviderError::http(hint, source))
            }
        }
    }

    fn url(&self, segments: &[&str]) -> Result<Url, ProviderError> {
        below("base_url", &self.base_url, segments)
    }
}

/// What a view that failed says: 404 of the card itself is an answer, all else an error with what to do.
fn unread(doing: &str, error: HttpError) -> Result<Option<Card>, ProviderError> {
    // A login that fails in the middle says nothing of the card.
    let view = error.of_read();
    let status = view.and_then(Failure::code);
    let page = view.is_some_and(|failure| failure.body().trim_start().starts_with('<'));
    let refused = |reason: &str, code: ExitCode| {
        let why = view.map(ToString::to_string).unwrap_or_default();
        Err(ProviderError::Refused { doing: doing.to_owned(), reason: format!("{reason} ({why})"), code })
    };
    match status {
        Some(404) if page => {
            refused("a web page answers instead of Kuggar; check base_url and any proxy", ExitCode::ProviderUnavailable)
        }
        Some(404) => Ok(None),
        Some(400) => refused("Kuggar takes no such id; expected the kuggarId of the card", ExitCode::InputData),
        Some(401) => refused("a new token is refused, too; check client_id", ExitCode::CredentialsRefused),
        Some(403) => refused(
            "the token is good, and not for this card: it is another client's; check which client the card belongs to",
            ExitCode::CredentialsRefused,
        ),
        Some(500) => Err(ProviderError::http(format!("{doing} (Kuggar's server failed; run again)"), error)),
        Some(503) => {
            let hint = "Kuggar is not accessible now, as while it is maintained; run again later";
            Err(ProviderError::http(format!("{doing} ({hint})"), error))
        }
        _ => Err(ProviderError::http(doing, error)),
    }
}

/// An id for messages.
fn shown(id: &str) -> String {
    displayable(&mask::without_numbers(id), SHOWN)
}
