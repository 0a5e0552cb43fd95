//! The published fields of the four record types ("Create Incoming Transactions", schemas
//! `TransactionsAttributes`, `MatchedTransactionsAttributes`, `CoreTransactionAttributes`; "Add Upload
//! Part" for `historicalTransaction`), in published order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `type` of an item that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RecordType {
    /// Processed and matched by Kard.
    Transaction,
    /// Matched by the issuer, validated by Kard.
    MatchedTransaction,
    /// From a core banking system, with little about the card; the only one for bulk files.
    CoreTransaction,
    /// One user's past: the attributes of `transaction` under a type of its own.
    HistoricalTransaction,
}

impl RecordType {
    pub const ALL: [Self; 4] =
        [Self::Transaction, Self::MatchedTransaction, Self::CoreTransaction, Self::HistoricalTransaction];

    /// The published spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::MatchedTransaction => "matchedTransaction",
            Self::CoreTransaction => "coreTransaction",
            Self::HistoricalTransaction => "historicalTransaction",
        }
    }

    /// Every published attribute, in published order.
    pub const fn fields(self) -> &'static [Published] {
        match self {
            Self::Transaction | Self::HistoricalTransaction => TRANSACTION,
            Self::MatchedTransaction => MATCHED_TRANSACTION,
            Self::CoreTransaction => CORE_TRANSACTION,
        }
    }

    /// The field of a dotted published name.
    pub fn field(self, name: &str) -> Option<&'static Published> {
        self.fields().iter().find(|field| field.attribute.name() == name)
    }

    /// What a required field is where the mapping does not name it: a core transaction is always
    /// SETTLED, a transaction always paid by CARD, and only Visa's merchant ids are taken.
    pub const fn default_text(self, attribute: Attribute) -> Option<&'static str> {
        match (self, attribute) {
            (Self::CoreTransaction, Attribute::Status) => Some("SETTLED"),
            (Self::Transaction | Self::HistoricalTransaction, Attribute::PaymentType) => Some("CARD"),
            (_, Attribute::Processor) => Some("VISA"),
            _ => None,
        }
    }

    /// The fields whose values tell one event from another where the job does not say.
    ///
    /// All events of one purchase share its `transactionId`; several settlements of it share their
    /// status too and differ in `settledDate` ("Multiple Message pattern"). Of the three dates only
    /// that of the row's status counts ([`status_date`]).
    pub const fn event_key(self) -> &'static [Attribute] {
        use Attribute as A;
        match self {
            Self::MatchedTransaction => &[A::AuthorizationDate, A::TransactionId],
            Self::CoreTransaction => &[A::TransactionId, A::Status, A::SettledDate],
            Self::Transaction | Self::HistoricalTransaction => {
                &[A::Status, A::TransactionDate, A::AuthorizationDate, A::SettledDate, A::TransactionId]
            }
        }
    }
}

/// The date that an event of this status must state ("`TransactionsAttributes`").
pub fn status_date(status: &str) -> Attribute {
    match status {
        "APPROVED" => Attribute::AuthorizationDate,
        "SETTLED" => Attribute::SettledDate,
        _ => Attribute::TransactionDate,
    }
}

/// One field of a record type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    pub attribute: Attribute,
    pub kind: Kind,
    /// Published as required of every record; [`status_date`] and `rules.rs` say what else is.
    pub required: bool,
}

/// What a field's text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// An integer of minor units ("in cents").
    Minor,
    /// RFC 3339.
    Time,
    /// One word of a closed list.
    Word(&'static [&'static str]),
    /// ISO 4217, three letters.
    Currency,
    /// The first six digits of a card number.
    Bin,
    LastFour,
    /// A list of last fours.
    LastFours,
    /// Two letters of [`STATES`].
    State,
}

impl Kind {
    /// Whether the field takes words of a closed list, so that a job may translate its own.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Word(_) | Self::Currency | Self::State)
    }
}

/// Gives every attribute its published name once.
macro_rules! attributes {
    ($($variant:ident $name:literal,)+) => {
        /// A published attribute of any record type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Attribute {
            $($variant,)+
        }

        impl Attribute {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The published name; a dot leads into an object.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

attributes! {
    UserId "userId",
    TransactionId "transactionId",
    Amount "amount",
    Subtotal "subtotal",
    Status "status",
    Currency "currency",
    Description "description",
    Description2 "description2",
    Mcc "mcc",
    CoreProviderId "coreProviderId",
    TransactionDate "transactionDate",
    AuthorizationDate "authorizationDate",
    SettledDate "settledDate",
    MatchedOfferId "matchedOfferId",
    MatchedLocationId "matchedLocationId",
    MerchantId "merchant.id",
    MerchantName "merchant.name",
    MerchantStreet "merchant.addrStreet",
    MerchantCity "merchant.addrCity",
    MerchantState "merchant.addrState",
    MerchantZipcode "merchant.addrZipcode",
    MerchantCountry "merchant.addrCountry",
    MerchantLatitude "merchant.latitude",
    MerchantLongitude "merchant.longitude",
    MerchantStoreId "merchant.storeId",
    CardPresence "cardPresence",
    PanEntryMode "panEntryMode",
    CardBin "cardBIN",
    CardLastFour "cardLastFour",
    CardLastFours "cardLastFours",
    AuthorizationCode "authorizationCode",
    RetrievalReferenceNumber "retrievalReferenceNumber",
    SystemTraceAuditNumber "systemTraceAuditNumber",
    AcquirerReferenceNumber "acquirerReferenceNumber",
    Direction "direction",
    PaymentType "paymentType",
    CardNetwork "cardNetwork",
    CardProductId "cardProductId",
    UserZipCode "userZipCode",
    Processor "processorMids.processor",
    Vmid "processorMids.mids.vmid",
    Vsid "processorMids.mids.vsid",
    OrderId "orderId",
    ReceiptMedium "receiptMedium",
    FinancialInstitutionName "financialInstitutionName",
    FinancialInstitutionId "financialInstitutionId",
}

/// "`TransactionStatus`"
pub const STATUSES: &[&str] = &["APPROVED", "SETTLED", "REVERSED", "RETURNED", "DECLINED"];
/// "`DirectionType`"
pub const DIRECTIONS: &[&str] = &["DEBIT", "CREDIT"];
/// "`CardNetwork`"
pub const NETWORKS: &[&str] = &["VISA", "MASTERCARD", "AMERICANEXPRESS", "DISCOVER"];
/// "States"
pub const STATES: &[&str] = &[
    "AL", "AK", "AS", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FM", "FL", "GA", "GU", "HI", "ID", "IL", "IN", "IA",
    "KS", "KY", "LA", "ME", "MH", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC",
    "ND", "MP", "OH", "OK", "OR", "PW", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VI", "VA", "WA", "WV",
    "WI", "WY",
];

const fn required(attribute: Attribute, kind: Kind) -> Published {
    Published { attribute, kind, required: true }
}

const fn optional(attribute: Attribute, kind: Kind) -> Published {
    Published { attribute, kind, required: false }
}

/// "`TransactionsAttributes`"
const TRANSACTION: &[Published] = &[
    required(Attribute::UserId, Kind::Text),
    required(Attribute::Amount, Kind::Minor),
    optional(Attribute::Subtotal, Kind::Minor),
    required(Attribute::Status, Kind::Word(STATUSES)),
    required(Attribute::Currency, Kind::Currency),
    required(Attribute::Description, Kind::Text),
    optional(Attribute::Description2, Kind::Text),
    optional(Attribute::Mcc, Kind::Text),
    optional(Attribute::CoreProviderId, Kind::Text),
    optional(Attribute::TransactionDate, Kind::Time),
    optional(Attribute::AuthorizationDate, Kind::Time),
    optional(Attribute::SettledDate, Kind::Time),
    optional(Attribute::MerchantId, Kind::Text),
    optional(Attribute::MerchantName, Kind::Text),
    optional(Attribute::MerchantStreet, Kind::Text),
    optional(Attribute::MerchantCity, Kind::Text),
    optional(Attribute::MerchantState, Kind::State),
    optional(Attribute::MerchantZipcode, Kind::Text),
    optional(Attribute::MerchantCountry, Kind::Text),
    optional(Attribute::MerchantLatitude, Kind::Text),
    optional(Attribute::MerchantLongitude, Kind::Text),
    optional(Attribute::MerchantStoreId, Kind::Text),
    optional(Attribute::CardPresence, Kind::Text),
    optional(Attribute::PanEntryMode, Kind::Text),
    required(Attribute::CardBin, Kind::Bin),
    required(Attribute::CardLastFour, Kind::LastFour),
    optional(Attribute::AuthorizationCode, Kind::Text),
    optional(Attribute::RetrievalReferenceNumber, Kind::Text),
    optional(Attribute::SystemTraceAuditNumber, Kind::Text),
    optional(Attribute::AcquirerReferenceNumber, Kind::Text),
    required(Attribute::Direction, Kind::Word(DIRECTIONS)),
    required(Attribute::PaymentType, Kind::Word(&["CARD"])),
    optional(Attribute::CardNetwork, Kind::Word(NETWORKS)),
    required(Attribute::TransactionId, Kind::Text),
    optional(Attribute::CardProductId, Kind::Text),
    optional(Attribute::UserZipCode, Kind::Text),
    optional(Attribute::Processor, Kind::Word(&["VISA"])),
    optional(Attribute::Vmid, Kind::Text),
    optional(Attribute::Vsid, Kind::Text),
];

/// "`MatchedTransactionsAttributes`". It states no currency: its amounts are "in cents", so US dollars.
const MATCHED_TRANSACTION: &[Published] = &[
    required(Attribute::UserId, Kind::Text),
    required(Attribute::Amount, Kind::Minor),
    optional(Attribute::Subtotal, Kind::Minor),
    required(Attribute::Description, Kind::Text),
    required(Attribute::AuthorizationDate, Kind::Time),
    optional(Attribute::MatchedOfferId, Kind::Text),
    optional(Attribute::MatchedLocationId, Kind::Text),
    optional(Attribute::MerchantId, Kind::Text),
    optional(Attribute::MerchantName, Kind::Text),
    optional(Attribute::MerchantStreet, Kind::Text),
    optional(Attribute::MerchantCity, Kind::Text),
    optional(Attribute::MerchantState, Kind::State),
    optional(Attribute::MerchantZipcode, Kind::Text),
    optional(Attribute::MerchantCountry, Kind::Text),
    optional(Attribute::MerchantLatitude, Kind::Text),
    optional(Attribute::MerchantLongitude, Kind::Text),
    optional(Attribute::MerchantStoreId, Kind::Text),
    required(Attribute::PaymentType, Kind::Word(&["CARD", "CASH", "UNKNOWN"])),
    optional(Attribute::CardBin, Kind::Bin),
    optional(Attribute::CardLastFour, Kind::LastFour),
    optional(Attribute::AuthorizationCode, Kind::Text),
    optional(Attribute::RetrievalReferenceNumber, Kind::Text),
    optional(Attribute::SystemTraceAuditNumber, Kind::Text),
    optional(Attribute::AcquirerReferenceNumber, Kind::Text),
    required(Attribute::Direction, Kind::Word(DIRECTIONS)),
    optional(Attribute::CardNetwork, Kind::Word(NETWORKS)),
    required(Attribute::TransactionId, Kind::Text),
    optional(Attribute::CardProductId, Kind::Text),
    optional(Attribute::OrderId, Kind::Text),
    optional(Attribute::ReceiptMedium, Kind::Word(&["ELECTRONIC", "PHYSICAL"])),
];

/// "`CoreTransactionAttributes`"
const CORE_TRANSACTION: &[Published] = &[
    required(Attribute::UserId, Kind::Text),
    required(Attribute::TransactionId, Kind::Text),
    required(Attribute::Amount, Kind::Minor),
    required(Attribute::Currency, Kind::Currency),
    required(Attribute::Description, Kind::Text),
    required(Attribute::Direction, Kind::Word(DIRECTIONS)),
    required(Attribute::Status, Kind::Word(&["SETTLED"])),
    required(Attribute::SettledDate, Kind::Time),
    required(Attribute::AuthorizationDate, Kind::Time),
    optional(Attribute::FinancialInstitutionName, Kind::Text),
    optional(Attribute::FinancialInstitutionId, Kind::Text),
    optional(Attribute::CardLastFours, Kind::LastFours),
];
