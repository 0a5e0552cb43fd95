//! Who carries calls to a provider, and a call on its way.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use super::send::Goods;
use crate::effects::{Body, Call, Method, Target};
use crate::exit::Failure;
use crate::progress::Stage;
use crate::providers::cards::{CardCall, CardOperation, CardSent, Courier};
use crate::providers::http::Answer;
use crate::providers::kard::Client;

/// Who carries calls.
#[derive(Clone)]
pub(super) enum Carrier {
    /// Audits, markers, transactions, files.
    Kard(Arc<Client>),
    /// Orders for cards.
    Orders(Arc<dyn Courier>),
}

impl Carrier {
    /// Gets a token where one is needed.
    pub(super) async fn warm(&self) -> Result<(), Failure> {
        match self {
            Self::Kard(client) => client.warm().await.map_err(Failure::from),
            Self::Orders(courier) => courier.warm().await,
        }
    }

    /// Sends once.
    pub(super) async fn send(&self, letter: Letter) -> Result<Landed, Failure> {
        let lost = |why: &str| Ok(Answer::NotSent { why: why.to_owned() });
        let answer = match (letter, self) {
            (Letter::Order { operation, call, key }, Self::Orders(courier)) => {
                return courier.send(operation, &call, &key).await.map(Landed::Order);
            }
            (Letter::Api { method, path, body }, Self::Kard(client)) => {
                client.send_once(method, &path, &body).await.map_err(Failure::from)
            }
            (Letter::Storage { url, file, bytes, progress }, Self::Kard(client)) => {
                client.put_file(&url, &file, bytes, move |sent| progress.set(sent)).await.map_err(Failure::from)
            }
            (Letter::Lost, _) => lost("its URL is not at hand"),
            _ => lost("it is for another kind of provider"),
        };
        answer.map(Landed::Answer)
    }
}

/// What came of a call.
#[derive(Debug)]
pub(super) enum Landed {
    Answer(Answer),
    Order(CardSent),
}

impl Landed {
    /// No reply came.
    pub(super) fn lost(goods: Goods<'_>, why: &str) -> Self {
        let why = why.to_owned();
        match goods {
            Goods::Orders => Self::Order(CardSent::Lost { why }),
            Goods::Items | Goods::Parcels(_) => Self::Answer(Answer::Lost { why }),
        }
    }
}

/// A call on its way: where it goes and what is in it.
pub(super) enum Letter {
    Api {
        method: Method,
        path: String,
        body: Vec<u8>,
    },
    Order {
        operation: CardOperation,
        call: CardCall,
        /// The effect's id.
        key: String,
    },
    Storage {
        url: SecretString,
        file: PathBuf,
        bytes: u64,
        progress: Stage,
    },
    /// Its URL is not known any more.
    Lost,
}

impl Letter {
    pub(super) fn new(call: &Call, goods: Goods<'_>) -> Self {
        match (&call.target, &call.body, goods) {
            (Target::Api { method, path }, Body::Bytes(body), Goods::Orders) => {
                let Some(operation) = call.kind.operation() else { return Self::Lost };
                let body = String::from_utf8_lossy(body).into_owned();
                let key = call.members.first().cloned().unwrap_or_default();
                Self::Order {
                    operation,
                    call: CardCall { method: *method, path: path.clone(), body, keyed: call.keyed },
                    key,
                }
            }
            (Target::Api { method, path }, Body::Bytes(body), _) => {
                Self::Api { method: *method, path: path.clone(), body: body.clone() }
            }
            (Target::Storage { session }, Body::File { path, bytes, .. }, Goods::Parcels(shelf)) => {
                match shelf.url(session) {
                    Some(url) => {
                        let (file, bytes) = (path.clone(), *bytes);
                        Self::Storage { url, progress: shelf.progress(&file, bytes), file, bytes }
                    }
                    None => Self::Lost,
                }
            }
            _ => Self::Lost,
        }
    }

    pub(super) const fn needs_token(&self) -> bool {
        matches!(self, Self::Api { .. } | Self::Order { .. })
    }
}
