//! The rows of the three inputs, and how each is written.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::world::{MINUTE, Moment, Purchase};

/// The sandbox's webhook key: it protects nothing.
const WEBHOOK_KEY: &str = "sandbox-webhook-key";
const ISSUER: &str = "org-sandbox";

/// One `rewardedTransaction` of a Kard file ("Get Earned Rewards").
#[derive(Debug, Clone)]
pub(crate) struct FileRow {
    pub(crate) purchase: Purchase,
    /// Parts of one transaction carry ids of their own.
    pub(crate) part: u64,
    pub(crate) paid: bool,
    /// A category code that Kard's published shape does not have.
    pub(crate) new_key: bool,
}

/// What the issuer's ledger calls a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Posted,
    Authorized,
    Refunded,
    Voided,
    Declined,
}

/// One line of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct LedgerRow {
    pub(crate) purchase: Purchase,
    pub(crate) state: State,
    pub(crate) currency: &'static str,
    pub(crate) booked_at: Moment,
    /// Commission and cashback are left empty on a purchase without an offer.
    pub(crate) rewarded: bool,
    /// Written with a thousands separator, as no program should.
    pub(crate) grouped_amount: bool,
    pub(crate) note: &'static str,
}

/// The notifications of Kard that stand in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    Approved,
    Settled,
    Failed { reason: &'static str },
    Clawback { reason: &'static str },
    AuditUpdate(AuditNews),
    FileProcessingResult,
}

/// What an `auditUpdate` says ("`AuditUpdateAttributes`").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditNews {
    pub(crate) status: &'static str,
    pub(crate) code: u16,
    pub(crate) description: &'static str,
    /// Code and words, when it is closed.
    pub(crate) resolution: Option<(u16, &'static str)>,
    pub(crate) resolved_at: Option<Moment>,
}

impl AuditNews {
    pub(crate) const fn closed(self, code: u16, words: &'static str) -> Self {
        Self { status: "CLOSED", resolution: Some((code, words)), ..self }
    }

    /// `CLOSED with 5004`
    pub(crate) fn words(&self) -> String {
        self.resolution.map_or_else(|| self.status.to_owned(), |(code, _)| format!("{} with {code}", self.status))
    }
}

/// One line of the webhook log.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) purchase: Purchase,
    pub(crate) kind: NoticeKind,
    pub(crate) event_id: String,
    pub(crate) received_at: Moment,
    pub(crate) forged: bool,
}

impl Purchase {
    pub(crate) fn file_row(&self) -> FileRow {
        FileRow { purchase: self.clone(), part: 0, paid: false, new_key: false }
    }

    pub(crate) fn ledger_row(&self) -> LedgerRow {
        LedgerRow {
            purchase: self.clone(),
            state: State::Posted,
            currency: self.currency(),
            booked_at: self.at.plus(self.delay(0)),
            rewarded: true,
            grouped_amount: false,
            note: "",
        }
    }

    /// The authorisation that precedes the posting.
    pub(crate) fn authorization(&self) -> LedgerRow {
        LedgerRow {
            state: State::Authorized,
            booked_at: self.at.plus(-12 * MINUTE),
            rewarded: false,
            ..self.ledger_row()
        }
    }

    /// Notice number `n` of this purchase.
    pub(crate) fn notice(&self, kind: NoticeKind, n: u64) -> Notice {
        let received_at = self.at.plus(self.delay(n + 1));
        Notice { purchase: self.clone(), kind, event_id: self.event_id(n), received_at, forged: false }
    }
}

impl FileRow {
    /// One object, on one line, without a line end.
    pub(crate) fn json(&self) -> String {
        let Purchase { key, user, merchant, bin, last_four, amount, issuer_commission, user_reward, at, .. } =
            &self.purchase;
        let id = self.purchase.event_id(100 + self.part);
        let (paid, payout) =
            if self.paid { ("PAID_IN_FULL", r#","payoutTimestamp":"2025-03-01T00:00:00Z""#) } else { ("UNPAID", "") };
        let new_key = if self.new_key { r#","merchantCategoryCode":"5812""# } else { "" };
        let currency = currency_text(&self.purchase);
        let (merchant, offer) = (merchant.id, merchant.offer);
        format!(
            concat!(
                r#"{{"type":"rewardedTransaction","id":"{id}","attributes":{{"status":"SETTLED","transactionId":"{key}","#,
                r#""transactionAmountInCents":{amount},"transactionTimestamp":"{at}","paidToIssuer":"{paid}","#,
                r#""commissionEarned":{{"issuer":{{"type":"cents","value":{issuer_commission}}},"#,
                r#""user":{{"type":"cents","value":{user_reward}}}}}{payout},"cardBIN":"{bin}","#,
                r#""cardLastFour":"{last_four}"{currency}{new_key}}},"relationships":{{"user":{{"data":{{"type":"user","id":"{user}"}}}},"#,
                r#""merchant":{{"data":{{"type":"merchant","id":"{merchant}"}}}},"#,
                r#""offer":{{"data":{{"type":"offer","id":"{offer}"}}}}}}}}"#
            ),
            id = id,
            key = key,
            amount = amount,
            at = at,
            paid = paid,
            issuer_commission = issuer_commission,
            user_reward = user_reward,
            payout = payout,
            bin = bin,
            last_four = last_four,
            currency = currency,
            new_key = new_key,
            user = user,
            merchant = merchant,
            offer = offer,
        )
    }
}

impl LedgerRow {
    pub(crate) const HEADER: [&str; 13] = [
        "txn_id",
        "user_id",
        "merchant",
        "bin",
        "last4",
        "amount",
        "currency",
        "direction",
        "state",
        "booked_at",
        "commission",
        "cashback",
        "note",
    ];

    pub(crate) fn record(&self) -> [String; 13] {
        let Purchase { key, user, merchant, bin, last_four, amount, issuer_commission, user_reward, .. } =
            &self.purchase;
        let (state, direction) = match self.state {
            State::Posted => ("posted", "DEBIT"),
            State::Authorized => ("authorized", "DEBIT"),
            State::Refunded => ("refunded", "CREDIT"),
            State::Voided => ("voided", "CREDIT"),
            State::Declined => ("declined", "DEBIT"),
        };
        let written = if self.grouped_amount { grouped(*amount) } else { major(*amount) };
        let reward = |minor: i64| if self.rewarded { major(minor) } else { String::new() };
        [
            key.clone(),
            user.clone(),
            merchant.name.to_owned(),
            (*bin).to_owned(),
            last_four.clone(),
            written,
            self.currency.to_owned(),
            direction.to_owned(),
            state.to_owned(),
            self.booked_at.to_string(),
            reward(*issuer_commission),
            reward(*user_reward),
            self.note.to_owned(),
        ]
    }
}

impl Notice {
    /// One envelope, without a line end. `key` is the ready HMAC of [`signer`].
    pub(crate) fn line(&self, key: &Hmac<Sha256>) -> String {
        let body = self.body();
        let mut mac = key.clone();
        mac.update(body.as_bytes());
        if self.forged {
            mac.update(b"forged");
        }
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        let body = json_text(&body);
        format!(r#"{{"received_at":"{}","signature":"{signature}","body":{body}}}"#, self.received_at)
    }

    fn body(&self) -> String {
        let (id, kind) = (&self.event_id, self.kind.name());
        let (mut attributes, relationships) = (self.attributes(), self.relationships());
        attributes.insert_str(attributes.len() - 1, &currency_text(&self.purchase));
        format!(
            concat!(
                r#"{{"data":{{"type":"{kind}","id":"{id}","attributes":{attributes},"relationships":{relationships}}},"#,
                r#""meta":{{"issuerId":"{issuer}","issuerName":"Sandbox Issuer"}}}}"#
            ),
            kind = kind,
            id = id,
            attributes = attributes,
            relationships = relationships,
            issuer = ISSUER,
        )
    }

    fn attributes(&self) -> String {
        let name = self.purchase.merchant.name;
        let shown = json_text(name);
        let link = format!("https://attribution.example/{}", self.event_id);
        match self.kind {
            NoticeKind::Approved => {
                let message = json_text(&format!("You will earn a reward at {name}."));
                format!(r#"{{"message":{message},"name":{shown},"attributionUrl":"{link}"}}"#)
            }
            NoticeKind::Settled => {
                let reward = self.purchase.user_reward;
                let message = json_text(&format!("You earned ${} at {name}.", major(reward)));
                format!(
                    r#"{{"message":{message},"name":{shown},"attributionUrl":"{link}","commissionEarned":{{"type":"cents","value":{reward}}}}}"#
                )
            }
            NoticeKind::Failed { reason } | NoticeKind::Clawback { reason } => {
                let message = json_text(&format!("About your purchase at {name}: {reason}"));
                format!(r#"{{"message":{message},"reason":{},"name":{shown}}}"#, json_text(reason))
            }
            NoticeKind::AuditUpdate(AuditNews { status, code, description, resolution, resolved_at }) => {
                let key = &self.purchase.key;
                let resolution = resolution.zip(resolved_at).map_or_else(String::new, |((code, words), at)| {
                    format!(
                        r#","resolutionCode":{code},"resolutionDescription":"{words}","resolutionTimeStamp":"{at}""#
                    )
                });
                format!(
                    r#"{{"status":"{status}","auditCode":{code},"merchantName":{shown},"auditDescription":"{description}","transactionId":"{key}"{resolution}}}"#
                )
            }
            NoticeKind::FileProcessingResult => concat!(
                r#"{"fileName":"transactions-250318.jsonl.gz","sentAt":"2025-03-18T22:00:00Z","#,
                r#""lastModified":"2025-03-18T22:00:00Z","downloadUrl":"https://files.example/result"}"#
            )
            .to_owned(),
        }
    }

    fn relationships(&self) -> String {
        let Purchase { key, user, merchant, .. } = &self.purchase;
        let user = format!(r#""user":{{"data":{{"type":"user","id":"{user}"}}}}"#);
        let transaction = format!(r#""transaction":{{"data":{{"type":"transaction","id":"{key}"}}}}"#);
        match self.kind {
            NoticeKind::Approved | NoticeKind::Settled => format!("{{{user},{transaction}}}"),
            NoticeKind::AuditUpdate(_) => {
                let audit = self.purchase.event_id(99);
                format!(r#"{{{user},"audit":{{"data":{{"type":"audit","id":"{audit}"}}}}}}"#)
            }
            NoticeKind::Failed { .. } | NoticeKind::Clawback { .. } => {
                let offer = format!(r#""offer":{{"data":{{"type":"offer","id":"{}"}}}}"#, merchant.offer);
                format!("{{{user},{offer},{transaction}}}")
            }
            NoticeKind::FileProcessingResult => "{}".to_owned(),
        }
    }
}

impl NoticeKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Approved => "earnedRewardApproved",
            Self::Settled => "earnedRewardSettled",
            Self::Failed { .. } => "failedTransaction",
            Self::Clawback { .. } => "clawback",
            Self::AuditUpdate(_) => "auditUpdate",
            Self::FileProcessingResult => "fileProcessingResult",
        }
    }
}

/// One more attribute, where a currency is stated at all.
fn currency_text(purchase: &Purchase) -> String {
    purchase.stated_currency.map_or_else(String::new, |code| format!(r#","currencyCode":"{code}""#))
}

/// The HMAC with its key set, to be cloned for each body.
pub(crate) fn signer() -> Hmac<Sha256> {
    Hmac::new_from_slice(WEBHOOK_KEY.as_bytes()).expect("an HMAC takes a key of any length")
}

/// Cents as a decimal: `1234` is `12.34`.
pub(crate) fn major(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

fn grouped(minor: i64) -> String {
    format!("{},{:03}.{:02}", minor / 100_000, minor / 100 % 1_000, minor % 100)
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
