//! What can be asked of a provider: one closed list, with its names and words.

use serde::{Deserialize, Serialize};

use crate::providers::cards::CardOperation;

/// What is asked for. One effect of a kind for a transaction or a parcel, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// The dispute that Kard calls an audit ("Create Audits").
    ProviderAudit,
    /// "Flag Fraudulent Transactions".
    FraudMarker,
    /// A file for a presigned URL ("Create Bulk Transactions Upload URL").
    BulkFile,
    /// Transactions of one call ("Create Incoming Transactions").
    IncomingPart,
    /// An upload session of one user is opened ("Create Upload").
    HistoricalStart,
    /// Transactions of one call into such a session ("Add Upload Part").
    HistoricalPart,
    /// Such a session is completed ("Update Upload").
    HistoricalComplete,
    /// A card is made, as the ledger has it.
    CardCreate,
    /// Limit and validity of a card become those of the ledger.
    CardModify,
    /// A card is closed.
    CardDelete,
    /// Money is put on a card.
    CardTopUp,
}

impl EffectKind {
    pub const ALL: [Self; 11] = [
        Self::ProviderAudit,
        Self::FraudMarker,
        Self::BulkFile,
        Self::IncomingPart,
        Self::HistoricalStart,
        Self::HistoricalPart,
        Self::HistoricalComplete,
        Self::CardCreate,
        Self::CardModify,
        Self::CardDelete,
        Self::CardTopUp,
    ];

    /// `audit`, `fraud markers`: for sentences with a number.
    pub const fn words(self, count: u64) -> &'static str {
        match (self, count) {
            (Self::ProviderAudit, 1) => "audit",
            (Self::ProviderAudit, _) => "audits",
            (Self::FraudMarker, 1) => "fraud marker",
            (Self::FraudMarker, _) => "fraud markers",
            (Self::BulkFile, 1) => "bulk file",
            (Self::BulkFile, _) => "bulk files",
            (Self::IncomingPart, 1) => "incoming part",
            (Self::IncomingPart, _) => "incoming parts",
            (Self::HistoricalStart, 1) => "upload session",
            (Self::HistoricalStart, _) => "upload sessions",
            (Self::HistoricalPart, 1) => "historical part",
            (Self::HistoricalPart, _) => "historical parts",
            (Self::HistoricalComplete, 1) => "completion",
            (Self::HistoricalComplete, _) => "completions",
            (Self::CardCreate, 1) => "new card",
            (Self::CardCreate, _) => "new cards",
            (Self::CardModify, 1) => "card change",
            (Self::CardModify, _) => "card changes",
            (Self::CardDelete, 1) => "card closure",
            (Self::CardDelete, _) => "card closures",
            (Self::CardTopUp, 1) => "card top-up",
            (Self::CardTopUp, _) => "card top-ups",
        }
    }

    /// The name in job files, in the journal and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProviderAudit => "provider_audit",
            Self::FraudMarker => "fraud_marker",
            Self::BulkFile => "bulk_file",
            Self::IncomingPart => "incoming_part",
            Self::HistoricalStart => "historical_start",
            Self::HistoricalPart => "historical_part",
            Self::HistoricalComplete => "historical_complete",
            Self::CardCreate => CardOperation::Create.name(),
            Self::CardModify => CardOperation::Modify.name(),
            Self::CardDelete => CardOperation::Delete.name(),
            Self::CardTopUp => CardOperation::TopUp.name(),
        }
    }

    /// Whether a second arrival does no harm: every row has an event id of its own, a session without parts holds
    /// nothing, and a session is complete however often it is told so.
    pub const fn repeats_safely(self) -> bool {
        match self {
            // Of cards only where the provider takes a key: see `Effect::repeats_safely`.
            Self::ProviderAudit
            | Self::FraudMarker
            | Self::CardCreate
            | Self::CardModify
            | Self::CardDelete
            | Self::CardTopUp => false,
            Self::BulkFile
            | Self::IncomingPart
            | Self::HistoricalStart
            | Self::HistoricalPart
            | Self::HistoricalComplete => true,
        }
    }

    /// What it does to a card; none where it is about something else.
    pub const fn operation(self) -> Option<CardOperation> {
        match self {
            Self::CardCreate => Some(CardOperation::Create),
            Self::CardModify => Some(CardOperation::Modify),
            Self::CardDelete => Some(CardOperation::Delete),
            Self::CardTopUp => Some(CardOperation::TopUp),
            _ => None,
        }
    }

    /// The kind that does this to a card.
    pub const fn of_card(operation: CardOperation) -> Self {
        match operation {
            CardOperation::Create => Self::CardCreate,
            CardOperation::Modify => Self::CardModify,
            CardOperation::Delete => Self::CardDelete,
            CardOperation::TopUp => Self::CardTopUp,
        }
    }

    /// A call of rows of which each may be refused by itself.
    pub const fn is_part(self) -> bool {
        matches!(self, Self::IncomingPart | Self::HistoricalPart)
    }
}

impl std::fmt::Display for EffectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
