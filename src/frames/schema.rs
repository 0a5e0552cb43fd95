//! The canonical columns: the one shape that every input has after `normalize`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::Rows;
use super::sifted::Sure;
use super::totals::ControlTotals;
use crate::sources::RawFile;

/// The three kinds of named inputs a job compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The provider's file.
    File,
    /// The issuer's ledger.
    Ledger,
    /// The log of the provider's notifications.
    Webhooks,
}

impl Side {
    pub const ALL: [Self; 3] = [Self::File, Self::Ledger, Self::Webhooks];

    /// The name in job files, reports and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Ledger => "ledger",
            Self::Webhooks => "webhooks",
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// The measures that are tied out. All are signed integers of minor units: purchases and
/// rewards earned are positive, returns and clawbacks negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    TransactionAmount,
    IssuerCommission,
    UserReward,
}

impl Measure {
    pub const ALL: [Self; 3] = [Self::TransactionAmount, Self::IssuerCommission, Self::UserReward];

    /// The canonical column that holds the measure.
    pub const fn field(self) -> Field {
        match self {
            Self::TransactionAmount => Field::Amount,
            Self::IssuerCommission => Field::IssuerCommission,
            Self::UserReward => Field::UserReward,
        }
    }

    /// The name in reports: `transaction_amount`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::TransactionAmount => "transaction_amount",
            Self::IssuerCommission => "issuer_commission",
            Self::UserReward => "user_reward",
        }
    }
}

/// A canonical column that a job file can map. The serialized name is the key in `columns:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Text; the usual key.
    TransactionId,
    /// Text: the user as the issuer names them.
    User,
    /// Text: merchant name or id.
    Merchant,
    /// Transaction amount; becomes signed minor units.
    Amount,
    /// ISO 4217 code, upper case.
    Currency,
    /// `DEBIT` or `CREDIT`, upper case.
    Direction,
    /// `APPROVED`, `SETTLED`, `REVERSED`, `RETURNED`, `DECLINED` or, carried as it is, anything else.
    Status,
    /// Time of authorisation, UTC.
    AuthorizedAt,
    /// Time of settlement, UTC.
    SettledAt,
    /// The time that puts the row into a period, UTC.
    OccurredAt,
    /// First six digits of the card at most.
    CardFirstSix,
    /// Last four digits of the card at most.
    CardLastFour,
    /// What the provider owes the issuer; signed minor units.
    IssuerCommission,
    /// What the user earns; signed minor units.
    UserReward,
    /// `UNPAID` (`PENDING` is folded into it), `PAID_IN_FULL`, or as it is.
    PaymentStatus,
    /// `YYYY-MM` of the payout.
    PayoutMonth,
    /// The notification's type, as sent.
    EventKind,
    /// The notification's id: its idempotency key.
    EventId,
    /// The notification's `reason` (failed transactions, clawbacks), or why the provider has failed.
    Reason,
    /// Text: the card or the account that the row belongs to.
    Account,
    /// The first day on which it may be used, `YYYY-MM-DD`.
    ValidFrom,
    /// The last such day, `YYYY-MM-DD`.
    ValidTo,
}

/// What a canonical column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Any text.
    Text,
    /// 64 bits: minor units of the row's currency.
    Minor,
    /// 64 bits: microseconds since the epoch, UTC.
    Micros,
    /// `YYYY-MM-DD`, so that the order of the texts is the order of the days.
    Date,
}

impl Field {
    pub const ALL: [Self; 22] = [
        Self::TransactionId,
        Self::User,
        Self::Merchant,
        Self::Amount,
        Self::Currency,
        Self::Direction,
        Self::Status,
        Self::AuthorizedAt,
        Self::SettledAt,
        Self::OccurredAt,
        Self::CardFirstSix,
        Self::CardLastFour,
        Self::IssuerCommission,
        Self::UserReward,
        Self::PaymentStatus,
        Self::PayoutMonth,
        Self::EventKind,
        Self::EventId,
        Self::Reason,
        Self::Account,
        Self::ValidFrom,
        Self::ValidTo,
    ];

    /// The key in a job file's `columns:` and the column's name in every `Frame`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TransactionId => "transaction_id",
            Self::User => "user",
            Self::Merchant => "merchant",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Direction => "direction",
            Self::Status => "status",
            Self::AuthorizedAt => "authorized_at",
            Self::SettledAt => "settled_at",
            Self::OccurredAt => "occurred_at",
            Self::CardFirstSix => "card_first_six",
            Self::CardLastFour => "card_last_four",
            Self::IssuerCommission => "issuer_commission",
            Self::UserReward => "user_reward",
            Self::PaymentStatus => "payment_status",
            Self::PayoutMonth => "payout_month",
            Self::EventKind => "event_kind",
            Self::EventId => "event_id",
            Self::Reason => "reason",
            Self::Account => "account",
            Self::ValidFrom => "valid_from",
            Self::ValidTo => "valid_to",
        }
    }

    pub const fn kind(self) -> FieldType {
        match self {
            Self::Amount | Self::IssuerCommission | Self::UserReward => FieldType::Minor,
            Self::AuthorizedAt | Self::SettledAt | Self::OccurredAt => FieldType::Micros,
            Self::ValidFrom | Self::ValidTo => FieldType::Date,
            _ => FieldType::Text,
        }
    }
}

/// Where a row begins in its file. CSV and JSONL: the line, from 1; JSON array and Parquet: the row, from 1.
pub type Line = u64;

/// Why a readable row takes no part in the comparison. Never silent: each is a line of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u32)]
pub enum Exclusion {
    /// The job's `where` does not select it.
    Filtered = 1,
    /// A notification that is not about a transaction (`auditUpdate`, `fileProcessingResult`, an unknown type).
    NotATransaction = 2,
    /// A repeat of a notification id that was already read, with the same content.
    RepeatedNotification = 3,
    /// The whole file repeats another one of this or an earlier period byte for byte (`file_duplicate`).
    RepeatedFile = 4,
    /// Belongs to another period, and its key to nothing in this one.
    OutsidePeriod = 5,
    /// Declined, or reversed before it settled, on the one side that knows it: no money, no reward.
    NoMoneyMoved = 6,
    /// Booked without a reward, and the provider reports none: nothing is due.
    NothingDue = 7,
    /// Of a revision of a report that a higher one replaces.
    Superseded = 8,
}

impl Exclusion {
    pub const ALL: [Self; 8] = [
        Self::Filtered,
        Self::NotATransaction,
        Self::RepeatedNotification,
        Self::RepeatedFile,
        Self::OutsidePeriod,
        Self::NoMoneyMoved,
        Self::NothingDue,
        Self::Superseded,
    ];

    /// In words, for reports.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Filtered => "not selected by the job's `where`",
            Self::NotATransaction => "not about a transaction",
            Self::RepeatedNotification => "repeat of a notification already read",
            Self::RepeatedFile => "in a file that repeats another one",
            Self::OutsidePeriod => "belongs to another period",
            Self::NoMoneyMoved => "declined or reversed before settling",
            Self::NothingDue => "no reward booked and none reported",
            Self::Superseded => "of a revision that a higher one replaces",
        }
    }
}

/// One input after `normalize`: every readable row in canonical columns, every other row in quarantine.
#[derive(Debug, Clone)]
pub struct Frame {
    pub side: Side,
    /// The mapped canonical columns (named and typed by [`Field`]), the place of each row and what excludes it.
    /// `transaction_id` and `currency` are always there in rows that are not excluded.
    pub rows: Rows,
    /// What the rows of each file add up to, summed while they were read.
    pub totals: ControlTotals,
    /// The fields that the job maps for this side (by column, path or constant).
    pub mapped: BTreeSet<Field>,
    pub quarantine: Vec<Quarantined>,
    /// The raw files; rows name them by their index.
    pub files: Vec<RawFile>,
    /// Files that hold what a file of an earlier period holds already: their rows take no part. Files without rows are
    /// none of these.
    pub repeats: Vec<Repeat>,
    /// Rows counted by the reader, file by file, before anything else looked at them.
    /// The sum equals `rows.height() + quarantine.len()`.
    pub rows_read: Vec<u64>,
    /// Things worth telling that are no error: new columns, an empty file, ...
    pub warnings: Vec<Warning>,
    /// Files whose own totals differ from their rows.
    pub control_mismatches: Vec<ControlMismatch>,
    /// What the notifications of a webhook log say about audits, in the order of the log.
    pub audit_updates: Vec<AuditUpdate>,
    /// What they say about bulk files, likewise.
    pub file_results: Vec<FileResult>,
    /// What a receiver rejected, in the order of the log. No rows of it stand anywhere else.
    pub rejected: Vec<RejectedNotification>,
    /// Of each file what a cluster has told of rows that stand nowhere else here; empty where none was asked. These rows
    /// are among [`Self::rows_read`].
    pub sifted: Vec<Sure>,
}

impl Frame {
    /// Whether any file is left when those are taken away that repeat an earlier period's.
    pub fn is_there(&self) -> bool {
        self.files.len() > self.repeats.len()
    }
}

/// A file that holds what a file of an earlier period holds already, under another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// Index into the side's files; each file is at most one repeat.
    pub file: u32,
    /// The name of the earlier file.
    pub name: String,
    /// The label of its period.
    pub period: String,
}

/// A notification that a receiver rejected. Nobody knows whether it came from the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedNotification {
    /// The transaction that it names.
    pub transaction: String,
    /// Index into [`Frame::files`].
    pub file: u32,
    /// See [`Line`].
    pub line: u64,
    /// As the receiver wrote it.
    pub received_at: Option<String>,
    /// As the receiver wrote it: a fragment that goes on from "the notification".
    pub reason: String,
}

/// One `auditUpdate` notification ("`AuditUpdateAttributes`").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditUpdate {
    /// The notification's id: its idempotency key.
    pub notification: String,
    /// The provider's id of the audit (`relationships.audit.data.id`).
    pub audit: Option<String>,
    /// The issuer's transaction id.
    pub transaction: String,
    pub user: Option<String>,
    /// `NEW`, `IN_PROGRESS`, `CLOSED`, or as sent.
    pub status: String,
    pub resolution_code: Option<i64>,
    pub resolution: Option<String>,
    /// `resolutionTimeStamp`, UTC.
    pub resolved_at: Option<DateTime<Utc>>,
    /// When the notification was received, UTC; only envelopes say.
    pub received_at: Option<DateTime<Utc>>,
    /// Index into [`Frame::files`].
    pub file: u32,
    /// See [`Line`].
    pub line: u64,
}

/// One `fileProcessingResult` notification ("`FileMetadataAttribute`", "`NotificationPayload`").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileResult {
    /// The notification's id: its idempotency key.
    pub notification: String,
    /// `fileName`, as sent.
    pub file_name: String,
    /// `sentAt`, UTC.
    pub sent_at: Option<DateTime<Utc>>,
    /// `lastModified`, UTC.
    pub last_modified: Option<DateTime<Utc>>,
    /// When the notification was received, UTC; only envelopes say.
    pub received_at: Option<DateTime<Utc>>,
    /// The first of its errors, in their order: at most 10,000, and fewer where a log holds very many.
    pub errors: Vec<RowError>,
    /// How many more there are.
    pub errors_left_out: u64,
    /// Index into [`Frame::files`].
    pub file: u32,
    /// See [`Line`].
    pub line: u64,
}

/// What the provider says is wrong with one row of a bulk file ("`ErrorObject`"), or with all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// The row's event id ("The id of the resource which caused the error").
    pub id: Option<String>,
    /// The row's line in the sent file, from 1. The provider's JSON pointer counts from 0: `/4/attributes/amount`
    /// and `/data/4/attributes/amount` are both line 5.
    pub line: Option<u64>,
    /// None when it is missing or no number.
    pub status: Option<u16>,
    /// Title, detail and the field; cut, and without card numbers. Empty where nothing is said.
    pub words: String,
}

/// A total that a file states about itself and its rows do not bear out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlMismatch {
    pub side: Side,
    /// Index into [`Frame::files`].
    pub file: u32,
    pub what: ControlKind,
    /// Rows, or minor units of the file's currency.
    pub stated: i128,
    pub found: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    Rows,
    Amount,
}

/// A row that could not be read, kept with its place and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    pub side: Side,
    /// Index into [`Frame::files`].
    pub file: u32,
    /// The file's name as shown to people.
    pub file_name: String,
    /// See [`Line`].
    pub line: u64,
    /// The field that could not be read, by its canonical or published name; none when the whole row could not.
    pub field: Option<String>,
    /// What stood there: cut to 60 characters, digits beyond the last four of long numbers masked.
    pub value: String,
    /// What was expected, as a lowercase fragment.
    pub reason: String,
    /// The row's currency and measures (in the order of [`Measure::ALL`]) where these could be read:
    /// they are part of the control total and leave it again on a line of their own.
    pub currency: Option<String>,
    pub amounts_minor: [Option<i64>; 3],
}

/// Something a person should know that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub side: Option<Side>,
    pub kind: WarningKind,
    /// The file it is about, by its name for people.
    pub file: Option<String>,
    /// A sentence with file and column names.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A column or key that the preset or `known_columns` does not list.
    SchemaDrift,
    /// A header and no rows, or an empty list.
    NoRows,
    /// Amounts with a minus that the job's `sign` takes no notice of.
    Sign,
    /// A notification is not what its type says, and is left aside.
    Notification,
    /// A provider's metadata and its bytes disagree in a way that does not change the data.
    Metadata,
    /// Rows of another period's input cannot be read, and are missed.
    Unread,
}
