//! The conversation with Bongloy: lists page by page, and what belongs to each account.

use std::collections::HashSet;
use std::pin::Pin;

use chrono::Utc;
use futures_util::{Stream, StreamExt as _};
use reqwest::header::ACCEPT;
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::reply::{self, Cursor, Page, Resource};
use super::request::{self, List, MEDIA_TYPE};
use super::{ACCOUNTS, BALANCE_TRANSACTIONS, BALANCES, BongloyConfig, CARDHOLDERS, CARDS};
use crate::providers::error::{is_loopback, read_secret};
use crate::providers::http::session::{Attempt, Login, Session, Token};
use crate::providers::http::{Http, Redactor, Reply, displayable};
use crate::providers::{Ask, Fetched, Probed, ProviderError, RowWriter};

/// More pages of one list are a mistake.
const MAX_PAGES: usize = 10_000;
/// Ids are shown up to this many characters.
const SHOWN: usize = 60;

/// A key that is sent as it is.
#[derive(Debug)]
struct Key(SecretString);

impl Login for Key {
    fn grant<'a>(&'a self, _: &'a Http, _: &'a Redactor) -> Attempt<'a, Token> {
        Box::pin(async { Ok(Token::new(self.0.clone(), std::time::Instant::now(), None)) })
    }

    /// There is only the one.
    fn wants_new_token(&self, _: u16) -> bool {
        false
    }

    fn call(&self) -> String {
        "taking the key".to_owned()
    }
}

/// What is answered about each account.
type Answers<'a, T> = Pin<Box<dyn Stream<Item = Result<Vec<T>, ProviderError>> + Send + 'a>>;

/// One conversation.
#[derive(Debug)]
pub struct Client {
    session: Session<Key>,
    base: String,
    concurrency: usize,
    /// At most so many of one list.
    pages: usize,
}

impl Client {
    /// Reads the secret and the address; talks to nobody yet.
    ///
    /// # Errors
    /// When the secret is missing or the address cannot be used (exit 78).
    pub fn new(config: &BongloyConfig) -> Result<Self, ProviderError> {
        let base = config.base_url.clone();
        let key = read_secret("api_key", &config.api_key)?;
        let session = Session::new(&config.http, is_loopback(&base), Key(key.clone()), vec![key], reply::refusal)
            .map_err(|source| ProviderError::http("setting up Bongloy", source))?;
        Ok(Self { session, base, concurrency: config.concurrency, pages: MAX_PAGES })
    }

    /// The same with other bounds on the pages of one list.
    #[must_use]
    pub fn with_at_most(self, pages: usize) -> Self {
        Self { pages, ..self }
    }

    /// Asks for the first page of the accounts.
    ///
    /// # Errors
    /// When Bongloy does not answer so.
    pub async fn probe(&self) -> Result<Probed, ProviderError> {
        let doing = "asking Bongloy for its accounts";
        let list = List::of(&self.base, ACCOUNTS)?;
        let reply = self.ask(doing, &list.url, &[]).await?;
        reply::page(doing, &reply.body, &list.query)?;
        Ok(Probed { clock_skew: reply.date.map(|date| date - Utc::now()) })
    }

    /// Asks for a dataset.
    ///
    /// # Errors
    /// When Bongloy does not answer so that every row is known, or the disk refuses.
    pub async fn fetch(&self, ask: &Ask<'_>, rows: &mut RowWriter) -> Result<Fetched, ProviderError> {
        let unstored = |source| ProviderError::Store { dataset: ask.dataset.to_owned(), source };
        match ask.dataset {
            ACCOUNTS | CARDS | CARDHOLDERS => {
                let doing = format!("asking Bongloy for its {}", ask.dataset);
                let list = List::of(&self.base, ask.dataset)?;
                self.walk(&doing, &list, |row| rows.row(None, &row.json).map_err(unstored)).await?;
            }
            BALANCES => {
                let accounts = self.accounts().await?;
                let mut balances = self.balances(&accounts);
                while let Some(balance) = balances.next().await {
                    balance?.iter().try_for_each(|row| rows.row(None, row).map_err(unstored))?;
                }
            }
            BALANCE_TRANSACTIONS => {
                let accounts = self.accounts().await?;
                let mut lists = self.transaction_lists(&accounts);
                while let Some(transactions) = lists.next().await {
                    transactions?.iter().try_for_each(|row| rows.row(None, &row.json).map_err(unstored))?;
                }
            }
            other => return Err(ProviderError::no_dataset(other)),
        }
        Ok(Fetched::default())
    }

    /// The id of every account.
    async fn accounts(&self) -> Result<Vec<String>, ProviderError> {
        let mut ids = Vec::new();
        let list = List::of(&self.base, ACCOUNTS)?;
        let keep = |account: Resource| {
            ids.push(account.id);
            Ok(())
        };
        self.walk("asking Bongloy for its accounts", &list, keep).await?;
        Ok(ids)
    }

    /// The balances of these accounts, in their order, so many asked for at a time.
    fn balances<'a>(&'a self, accounts: &'a [String]) -> Answers<'a, Box<RawValue>> {
        let calls = futures_util::stream::iter(accounts.iter().map(|account| self.balance(account)));
        Box::pin(calls.buffered(self.concurrency))
    }

    async fn balance(&self, account: &str) -> Result<Vec<Box<RawValue>>, ProviderError> {
        let doing = format!("asking Bongloy for the balance of account {}", displayable(account, SHOWN));
        let reply = self.ask(&doing, &request::balance_url(&self.base, account)?, &[]).await?;
        reply::balance(&doing, &reply.body, account)
    }

    /// The transactions of these accounts, likewise.
    fn transaction_lists<'a>(&'a self, accounts: &'a [String]) -> Answers<'a, Resource> {
        let calls = futures_util::stream::iter(accounts.iter().map(|account| self.transactions(account)));
        Box::pin(calls.buffered(self.concurrency))
    }

    async fn transactions(&self, account: &str) -> Result<Vec<Resource>, ProviderError> {
        let doing = format!("asking Bongloy for the transactions of account {}", displayable(account, SHOWN));
        let mut found = Vec::new();
        let keep = |transaction| {
            found.push(transaction);
            Ok(())
        };
        self.walk(&doing, &List::of_account(&self.base, account)?, keep).await?;
        Ok(found)
    }

    /// Hands on every resource of a list once. The document's lists begin at an end and lead on by `prev`, with `next`
    /// null; one that begins at the other end leads on by `next`. From the first page both ways are walked, each to where
    /// it ends.
    async fn walk(
        &self,
        doing: &str,
        list: &List,
        mut keep: impl FnMut(Resource) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        let mut walk = Walk { doing, pages: 0, most: self.pages, cursors: HashSet::new(), ids: HashSet::new() };
        let first = self.page(&mut walk, list, &[]).await?;
        let ways: [(Way, Option<Cursor>); 2] =
            [(|page| page.next.clone(), first.next.clone()), (|page| page.prev.clone(), first.prev.clone())];
        walk.take(first, &mut keep)?;
        for (way, from) in ways {
            let mut cursor = from;
            while let Some(Cursor(query)) = cursor {
                walk.check(&query)?;
                let page = self.page(&mut walk, list, &query).await?;
                // Behind the last resource the document's lists still lead on.
                cursor = if page.resources.is_empty() { None } else { way(&page) };
                walk.take(page, &mut keep)?;
            }
        }
        Ok(())
    }

    async fn page(&self, walk: &mut Walk<'_>, list: &List, at: &[(String, String)]) -> Result<Page, ProviderError> {
        walk.pages += 1;
        if walk.pages > walk.most {
            let reason = format!("the list has more than {} pages", walk.most);
            return Err(ProviderError::shape(walk.doing, reason));
        }
        let query = if at.is_empty() { list.query.as_slice() } else { at };
        let reply = self.ask(walk.doing, &list.url, query).await?;
        reply::page(walk.doing, &reply.body, &list.query)
    }

    async fn ask(&self, doing: &str, url: &Url, query: &[(String, String)]) -> Result<Reply, ProviderError> {
        let reply = self.session.read(Method::GET, url, |request| request.query(query).header(ACCEPT, MEDIA_TYPE));
        reply.await.map_err(|source| ProviderError::http(doing, source))
    }
}

/// Which link of a page leads on.
type Way = fn(&Page) -> Option<Cursor>;

/// What is known on the way through a list.
struct Walk<'a> {
    doing: &'a str,
    pages: usize,
    most: usize,
    cursors: HashSet<Vec<(String, String)>>,
    ids: HashSet<String>,
}

impl Walk<'_> {
    /// A page that was read before would be read for ever.
    fn check(&mut self, cursor: &[(String, String)]) -> Result<(), ProviderError> {
        if self.cursors.insert(cursor.to_vec()) {
            return Ok(());
        }
        Err(ProviderError::Endless { doing: self.doing.to_owned(), page: self.pages + 1 })
    }

    /// A resource that moves between pages while they are read counts once.
    fn take(
        &mut self,
        page: Page,
        keep: &mut impl FnMut(Resource) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        for resource in page.resources {
            if self.ids.insert(resource.id.clone()) {
                keep(resource)?;
            }
        }
        Ok(())
    }
}
