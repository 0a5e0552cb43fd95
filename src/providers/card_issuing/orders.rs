//! Cards and top-ups are ordered: orders as calls, sealed when they are sent, each under the key of its effect.

use super::client::Client;
use super::config::CardIssuingConfig;
use super::judge::{Judged, Sent, judge};
use super::request::{self, Mutation, NewCard, PREFIX, TopUp};
use crate::config::http::HttpConfig;
use crate::exit::Failure;
use crate::providers::Task;
use crate::providers::cards::{
    After, CardAnswer, CardCall, CardOperation, CardOrder, CardProvider, CardSent, Courier, Looked, Method,
};

const OPERATIONS: &[CardOperation] = &[CardOperation::Create, CardOperation::TopUp];

impl CardProvider for CardIssuingConfig {
    fn operations(&self) -> &'static [CardOperation] {
        OPERATIONS
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn call(&self, order: &CardOrder<'_>) -> Result<CardCall, String> {
        let user = order.user.ok_or("the ledger does not state the user")?;
        let mutation = match order.operation {
            CardOperation::Create => request::create(&self.paths.card_create, &self.fields, NewCard { user }),
            CardOperation::TopUp => {
                let card = order.card.ok_or("the ledger does not state the card (`account`)")?;
                let amount_minor = order.amount_minor.ok_or("the ledger states no amount")?;
                let top_up = TopUp { user, card, amount_minor, currency: order.currency };
                request::top_up(&self.paths.card_topup, &self.fields, top_up)
            }
            CardOperation::Modify | CardOperation::Delete => {
                return Err("the document publishes no such call".to_owned());
            }
        };
        let Mutation { path, body } = mutation.map_err(|error| error.to_string())?;
        Ok(CardCall { method: Method::Post, path: format!("{PREFIX}{path}"), body, keyed: true })
    }

    fn courier(&self) -> Result<Box<dyn Courier>, Failure> {
        Ok(Box::new(IssuingCourier { client: Client::new(self)?, order_field: self.fields.order.clone() }))
    }
}

#[derive(Debug)]
struct IssuingCourier {
    client: Client,
    order_field: String,
}

/// What an answer says of an order.
fn answered(sent: &Sent, order_field: &str) -> CardSent {
    let failed = matches!(sent, Sent::Reply { status: 500.., .. });
    match sent {
        Sent::NotSent { why } => return CardSent::NotSent { why: why.clone() },
        Sent::Lost { why } => return CardSent::Lost { why: why.clone() },
        Sent::Reply { .. } => {}
    }
    CardSent::Told(match judge(sent, order_field) {
        Judged::Done { order } => CardAnswer::Done { id: order, note: None },
        Judged::Refused { why } => CardAnswer::Refused { why },
        Judged::NotDone { why, ends_run: Some(code) } => CardAnswer::NotDone { why, next: After::End(code) },
        Judged::NotDone { why, ends_run: None } => CardAnswer::NotDone { why, next: After::Slower { wait: None } },
        Judged::Unclear { why } => CardAnswer::Unclear { why, failed },
    })
}

impl Courier for IssuingCourier {
    // The key is at hand, and the envelope is sealed with the time at which it leaves.
    fn warm(&self) -> Task<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn send<'a>(&'a self, _operation: CardOperation, call: &'a CardCall, key: &'a str) -> Task<'a, CardSent> {
        Box::pin(async move {
            let path = call.path.strip_prefix(PREFIX).unwrap_or(&call.path).to_owned();
            let sent = self.client.send(&Mutation { path, body: call.body.clone() }, key).await?;
            Ok(answered(&sent, &self.order_field))
        })
    }

    /// What may have arrived goes again under its key: nothing has to be looked at.
    fn look<'a>(&'a self, _: CardOperation, _: &'a CardCall, _: Option<&'a str>) -> Task<'a, Looked> {
        Box::pin(async { Ok(Looked::Unknown) })
    }
}
