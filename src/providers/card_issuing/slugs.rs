//! What the provider says when it says no: the slugs of its encrypted errors ("Common error slugs") and its plain errors
//! ("Unencrypted auth and encryption errors"), each with what it means and what an operator does about it.

use std::fmt;

/// What a refusal means for an order that was sent under an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This order is never taken as it is.
    Refused,
    /// Surely nothing was done; the same order may go again once what stands in its way is gone.
    NotDone,
    /// It may have been done. The same order under the same key tells: it gives the first order, if there is one.
    Unclear,
}

macro_rules! slugs {
    ($($name:literal, $status:literal => $variant:ident, $standing:ident, $meaning:literal, $to_do:literal;)*) => {
        /// `error_slug` of an encrypted error.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Slug {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// Not in the document.
            Other(String),
        }

        impl Slug {
            /// Every one of the document, in its order.
            pub const PUBLISHED: &'static [Self] = &[$(Self::$variant),*];

            /// The slug of a name.
            pub fn of(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }

            /// As the provider writes it.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// The HTTP status that it is published with; none where it is not published.
            pub const fn status(&self) -> Option<u16> {
                match self {
                    $(Self::$variant => Some($status),)*
                    Self::Other(_) => None,
                }
            }

            /// What it means, a lowercase fragment.
            pub const fn meaning(&self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                    Self::Other(_) => "an error that the document does not list",
                }
            }

            /// What to do about it, a lowercase fragment.
            pub const fn to_do(&self) -> &'static str {
                match self {
                    $(Self::$variant => $to_do,)*
                    Self::Other(_) => "ask the provider what it means",
                }
            }

            const fn published_standing(&self) -> Standing {
                match self {
                    $(Self::$variant => Standing::$standing,)*
                    Self::Other(_) => Standing::Unclear,
                }
            }
        }
    };
}

slugs! {
    "invalid_request", 400 => InvalidRequest, Refused,
        "the request failed the provider's validation",
        "check the paths and field names of this provider in tieout.yaml against its document";
    "invalid_amount", 400 => InvalidAmount, Refused,
        "the amount is invalid or negative",
        "check the amount in the ledger, and whether the provider wants major or minor units (amounts)";
    "idempotency_key_required", 400 => IdempotencyKeyRequired, NotDone,
        "the Idempotency-Key header did not arrive",
        "it is always sent: see whether a proxy takes headers away";
    "insufficient_funds", 403 => InsufficientFunds, NotDone,
        "the master balance is too low",
        "top up the master wallet; the order goes again then";
    "user_not_found", 404 => UserNotFound, Refused,
        "the provider has no user with this external_user_id",
        "check the user in the ledger, or create the user at the provider first";
    "card_not_found", 404 => CardNotFound, Refused,
        "the provider has no card with this card_id",
        "check the card in the ledger";
    "cardholder_not_found", 404 => CardholderNotFound, Refused,
        "the user has no cardholder yet",
        "have the user's cardholder created (KYC) first";
    "order_not_found", 404 => OrderNotFound, Refused,
        "the provider has no order with this order_id",
        "check the order in the ledger";
    "external_user_id_exists", 409 => ExternalUserIdExists, Refused,
        "a user with this external_user_id exists already",
        "check the user in the ledger";
    "cardholder_already_exists", 409 => CardholderAlreadyExists, Refused,
        "the user has a cardholder already",
        "check the user in the ledger";
    "card_not_active", 422 => CardNotActive, Refused,
        "the card is not active",
        "unfreeze the card, or take another one; then order again";
    "card_user_mismatch", 422 => CardUserMismatch, Refused,
        "the card does not belong to this user",
        "correct the card or the user in the ledger";
    "internal_error", 500 => InternalError, Unclear,
        "the provider failed",
        "try again later; tell the provider if it stays so";
    "provider_error", 502 => ProviderError, Unclear,
        "the card company behind the provider failed",
        "try again later; tell the provider if it stays so";
    "topup_attempts_exceeded", 503 => TopupAttemptsExceeded, Unclear,
        "the provider has given up trying the top-up",
        "try again later";
}

impl Slug {
    /// What an error with this slug and this status means for an order. A status of another class than the published
    /// one makes it unclear: nobody knows then who speaks.
    pub fn standing(&self, status: u16) -> Standing {
        match self.status() {
            Some(published) if published / 100 == status / 100 => self.published_standing(),
            _ => Standing::Unclear,
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error of authentication or encryption, which is not encrypted itself. The document gives the sentences and the
/// statuses, but no shape: a sentence counts wherever it stands in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainError {
    KeyNotFound,
    NoAccess,
    EnvelopeNotFound,
    InvalidEnvelope,
    TimestampNotFound,
    InvalidTimestamp,
    OutOfWindow,
    Duplicate,
}

impl PlainError {
    /// In the order of the document.
    pub const ALL: [Self; 8] = [
        Self::KeyNotFound,
        Self::NoAccess,
        Self::EnvelopeNotFound,
        Self::InvalidEnvelope,
        Self::TimestampNotFound,
        Self::InvalidTimestamp,
        Self::OutOfWindow,
        Self::Duplicate,
    ];

    /// The published sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::KeyNotFound => "API key not found",
            Self::NoAccess => "You do not have access to this API.",
            Self::EnvelopeNotFound => "Encrypted payload not found",
            Self::InvalidEnvelope => "Invalid encrypted payload format",
            Self::TimestampNotFound => "Request timestamp not found in encrypted payload",
            Self::InvalidTimestamp => "Invalid timestamp format",
            Self::OutOfWindow => "Request timestamp outside allowed window",
            Self::Duplicate => "Duplicate request detected",
        }
    }

    /// The published status.
    pub const fn status(self) -> u16 {
        match self {
            Self::KeyNotFound => 404,
            Self::NoAccess => 403,
            _ => 400,
        }
    }

    /// The error that a body with this status tells, if it tells one.
    pub fn of(status: u16, body: &[u8]) -> Option<Self> {
        let holds = |sentence: &str| body.windows(sentence.len()).any(|window| window == sentence.as_bytes());
        Self::ALL.into_iter().find(|error| error.status() == status && holds(error.sentence()))
    }

    /// What it means and what to do, a lowercase fragment. Of the clock `clock::OutOfWindow` says more.
    pub const fn to_do(self) -> &'static str {
        match self {
            Self::KeyNotFound => {
                "the provider does not know the api_key; check it, and that base_url is the system that it is for"
            }
            Self::NoAccess => "the provider knows the api_key and lets it do nothing here; ask the provider for access",
            Self::EnvelopeNotFound => "the body did not arrive; see whether a proxy changes it",
            Self::InvalidEnvelope => {
                "the provider cannot open what was sealed: the encryption_key is not the one that it has for this api_key"
            }
            Self::TimestampNotFound | Self::InvalidTimestamp => {
                "the provider wants its time stamp otherwise than its document says; tell the maintainers of tieout"
            }
            Self::OutOfWindow => "the time stamp is more than 30 s from the provider's clock",
            Self::Duplicate => "the provider has seen this time stamp before",
        }
    }

    /// What it means for an order. All of these are said before an order is looked at. But a duplicate may be the second
    /// arrival of one request that something on the way has sent twice, and the first one may have been done.
    pub const fn standing(self) -> Standing {
        match self {
            Self::Duplicate => Standing::Unclear,
            _ => Standing::NotDone,
        }
    }
}
