//! Cards are made, changed and closed at Kuggar: orders as calls, and what is answered. Nothing that is handed on holds
//! a card's number or code: a reply is read here, and goes no further.

use chrono::NaiveDate;
use reqwest::Url;

use super::reply::{self, Judged, Next};
use super::request::{self, Call, Doing, Limit, Seen, Terms};
use super::{Card, Client, KuggarConfig};
use crate::config::http::HttpConfig;
use crate::exit::{ExitCode, Failure};
use crate::providers::cards::{
    After, CardAnswer, CardCall, CardOperation, CardOrder, CardProvider, CardSent, Courier, Looked, Method,
};
use crate::providers::error::below;
use crate::providers::http::Answer;
use crate::providers::{ProviderError, Task};

const OPERATIONS: &[CardOperation] = &[CardOperation::Create, CardOperation::Modify, CardOperation::Delete];

impl CardProvider for KuggarConfig {
    fn operations(&self) -> &'static [CardOperation] {
        OPERATIONS
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn call(&self, order: &CardOrder<'_>) -> Result<CardCall, String> {
        let card = || order.card.ok_or("the ledger does not state which card".to_owned());
        let call = match order.operation {
            // A card that lies ready gets the order's values only later, in the background: one is asked for anew.
            CardOperation::Create => request::create(order.currency, &terms(order)?, Some(false)),
            CardOperation::Modify => request::modify(card()?, &terms(order)?),
            CardOperation::Delete => request::delete(card()?),
            CardOperation::TopUp => return Err("Kuggar's cards have a limit and no balance".to_owned()),
        };
        let (method, segments) = match call.doing {
            Doing::Create => (Method::Post, call.segments()),
            Doing::Modify => (Method::Put, call.segments()),
            Doing::Delete => (Method::Delete, call.segments()),
        };
        // Only the path counts.
        let url = below("base_url", "https://kuggar.example", &segments).map_err(|error| error.to_string())?;
        let body = String::from_utf8(call.body.clone()).map_err(|error| error.to_string())?;
        Ok(CardCall { method, path: url.path().to_owned(), body, keyed: false })
    }

    fn courier(&self) -> Result<Box<dyn Courier>, Failure> {
        Ok(Box::new(KuggarCourier { client: Client::new(self)? }))
    }
}

/// What an answer says of an order; `card` is the one that the order is about, none of a new one.
pub fn answered(operation: CardOperation, card: Option<&str>, answer: &Answer) -> CardSent {
    let wait = match answer {
        Answer::NotSent { why } => return CardSent::NotSent { why: why.clone() },
        Answer::Lost { why } => return CardSent::Lost { why: why.clone() },
        Answer::Reply { retry_after, .. } => *retry_after,
    };
    if let Answer::Reply { status: 400..=499, web_page: true, .. } = answer {
        let why = "a web page answers instead of Kuggar; check base_url and any proxy".to_owned();
        return CardSent::Told(CardAnswer::NotDone { why, next: After::End(ExitCode::Configuration) });
    }
    let failed = matches!(answer, Answer::Reply { status: 408 | 500.., .. });
    let kuggar_id = card.map(str::to_owned);
    let call = Call { doing: doing(operation), method: reqwest::Method::GET, kuggar_id, body: Vec::new() };
    CardSent::Told(match reply::judge(&call, answer) {
        Judged::Done(card) if card.has_failed() => {
            let reason = card.failure_reason.as_deref().unwrap_or("without a reason");
            CardAnswer::Refused { why: format!("the card's issuer refuses: {reason}") }
        }
        Judged::Done(card) => CardAnswer::Done { id: Some(card.kuggar_id), note: None },
        Judged::Deleted => CardAnswer::Done { id: None, note: None },
        Judged::InDoubt { why } => CardAnswer::Unclear { why, failed },
        Judged::NotDone { why, next } => match next {
            Next::Again => CardAnswer::NotDone { why, next: After::Slower { wait } },
            Next::NewToken => CardAnswer::NotDone { why, next: After::NewToken },
            Next::Refused | Next::NoSuchCard => CardAnswer::Refused { why },
            Next::NotOurs => CardAnswer::Refused { why: format!("{why}; the card is another client's") },
        },
    })
}

const fn doing(operation: CardOperation) -> Doing {
    match operation {
        CardOperation::Create | CardOperation::TopUp => Doing::Create,
        CardOperation::Modify => Doing::Modify,
        CardOperation::Delete => Doing::Delete,
    }
}

/// What the ledger says that the card shall be good for.
fn terms(order: &CardOrder<'_>) -> Result<Terms, String> {
    let day = |name: &str, text: Option<&str>| {
        let text = text.ok_or_else(|| format!("the ledger states no {name}"))?;
        text.parse::<NaiveDate>().map_err(|_| format!("the ledger's {name} `{text}` is no date"))
    };
    let minor = order.amount_minor.ok_or("the ledger states no limit")?;
    let limit = Limit::of_minor(minor, order.currency).map_err(|error| error.to_string())?;
    Ok(Terms {
        valid_from: day("valid_from", order.valid_from)?,
        valid_to: day("valid_to", order.valid_to)?,
        limit,
        max_authorisation_count: None,
        enhanced_data: Vec::new(),
    })
}

#[derive(Debug)]
struct KuggarCourier {
    client: Client,
}

impl KuggarCourier {
    async fn sent(&self, operation: CardOperation, call: &CardCall) -> Result<CardSent, ProviderError> {
        let url = self.url(&call.path)?;
        // A new card gets an id of its own; of the others it is the path's last part.
        let card = call.path.rsplit('/').next().filter(|_| call.method != Method::Post);
        let judge = |answer: &Answer| answered(operation, card, answer);
        self.client.send_once(call.method.into(), &url, call.body.as_bytes(), judge).await
    }

    fn url(&self, path: &str) -> Result<Url, ProviderError> {
        let address = format!("{}{path}", self.client.base_url());
        Url::parse(&address).map_err(|error| ProviderError::Address { key: "base_url", reason: error.to_string() })
    }
}

impl Courier for KuggarCourier {
    fn warm(&self) -> Task<'_, ()> {
        Box::pin(async { Ok(self.client.probe().await.map(drop)?) })
    }

    fn send<'a>(&'a self, operation: CardOperation, call: &'a CardCall, _key: &'a str) -> Task<'a, CardSent> {
        Box::pin(async move { Ok(self.sent(operation, call).await?) })
    }

    fn look<'a>(&'a self, operation: CardOperation, call: &'a CardCall, card: Option<&'a str>) -> Task<'a, Looked> {
        Box::pin(async move {
            let Some(id) = card else { return Ok(Looked::Unknown) };
            let now = self.client.card(id).await?;
            let terms = Terms::of_body(call.body.as_bytes());
            let asked = match operation {
                CardOperation::Create | CardOperation::TopUp => return Ok(Looked::Unknown),
                CardOperation::Modify => Call { doing: Doing::Modify, ..request::delete(id) },
                CardOperation::Delete => request::delete(id),
            };
            let what = now.as_ref().map_or_else(|| "Kuggar does not know the card".to_owned(), shown);
            Ok(match asked.seen(terms.as_ref(), now.as_ref()) {
                Seen::Done => Looked::Done { what },
                Seen::NotDone => Looked::NotDone { what },
                Seen::Unknown => Looked::Unknown,
            })
        })
    }
}

/// `Updated, limit 500.00 USD, valid from 2025-01-01 to 2025-12-31`
fn shown(card: &Card) -> String {
    let day = |text: &Option<String>| text.as_deref().and_then(|text| text.get(..10)).unwrap_or("nothing").to_owned();
    let limit = card.limit.as_deref().unwrap_or("none");
    let currency = card.currency.as_deref().unwrap_or_default();
    let (from, to) = (day(&card.valid_from), day(&card.valid_to));
    format!("{}, limit {limit} {currency}, valid from {from} to {to}", card.state)
}
