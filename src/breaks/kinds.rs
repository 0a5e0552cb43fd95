//! The break kinds: one closed list, with the words people read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! break_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $rule:ident, $words:literal;)*) => {
        /// What kind of discrepancy a break is. The names are those of reports, filters and files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum BreakKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl BreakKind {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in files and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The rule that finds it: what stays the same when facts change the kind.
            pub const fn rule(self) -> Rule {
                match self { $(Self::$variant => Rule::$rule,)* }
            }

            /// The kind in one plain sentence, for the report's definitions.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

break_kinds! {
    MissingInFile = "missing_in_file", Presence, "Booked or notified, but not in the provider's file.";
    MissingInLedger = "missing_in_ledger", Presence, "The provider reports it, but it is not booked.";
    MissingWebhook = "missing_webhook", Presence, "In the file or booked, but no notification was logged.";
    FileOnly = "file_only", Presence, "Only the provider's file knows it.";
    WebhookOnly = "webhook_only", Presence, "Only the notification log knows it.";
    RewardMissing = "reward_missing", Presence, "Booked as settled and eligible, but the provider gave no reward.";
    AuthorizedUnsettled = "authorized_unsettled", Presence, "Booked as authorised, and for too long neither settled nor voided.";
    AmountMismatch = "amount_mismatch", Amount, "The transaction amounts differ by more than the tolerance.";
    BalanceMismatch = "balance_mismatch", Amount, "The sums of all rows of an account differ by more than the tolerance.";
    RewardMismatch = "reward_mismatch", Reward, "The rewards or commissions differ by more than the tolerance.";
    CurrencyMismatch = "currency_mismatch", Currency, "The sides state different currencies.";
    StatusMismatch = "status_mismatch", Status, "The sides state different statuses.";
    ProviderFailed = "provider_failed", Status, "The provider states that it has failed.";
    StatusChanged = "status_changed", StatusChange, "The provider states another status than in the run before, and not one that was to be expected.";
    RowVanished = "row_vanished", StatusChange, "It stood in the provider's file of the run before, and is gone from this one.";
    ValidityMismatch = "validity_mismatch", Validity, "The sides state different days of validity.";
    OpenAfterEnd = "open_after_end", Expiry, "The provider has it open, though its validity is over.";
    IdentityMismatch = "identity_mismatch", Identity, "The same key belongs to another user, merchant, card or account.";
    PeriodMismatch = "period_mismatch", Period, "The sides put it in different periods, or too far apart in time.";
    DuplicateRow = "duplicate_row", Duplicate, "The same row stands more than once on one side.";
    ConflictingRows = "conflicting_rows", Multiplicity, "Rows of one key contradict each other on one side.";
    AmbiguousMatch = "ambiguous_match", Presence, "Several candidates fit; a person must choose.";
    SplitIncomplete = "split_incomplete", Split, "The settled parts add up to less than was authorised.";
    SplitExcess = "split_excess", Split, "The settled parts add up to more than was authorised.";
    ReturnsExceedPurchase = "returns_exceed_purchase", Returns, "More was returned than was bought.";
    ClawbackUnbooked = "clawback_unbooked", Clawback, "The provider takes a reward back that the ledger still holds.";
    ReversedAfterPayout = "reversed_after_payout", Payout, "Reversed or returned, though the provider has paid it out.";
    DroppedPending = "dropped_pending", Receivable, "Pending in an earlier monthly file, and gone from the later one without being paid.";
    PaidTwice = "paid_twice", Receivable, "Paid in an earlier monthly file, and stated again in this one.";
    SettledUnpaid = "settled_unpaid", Receivable, "Still pending at the month's end, past the merchant's terms.";
    MissingInMonth = "missing_in_month", RollForward, "Settled in a daily file, but not in the month's file.";
    MissingInDailies = "missing_in_dailies", RollForward, "Newly settled in the month's file, but in no daily file.";
    Restated = "restated", Restatement, "The month's file states other amounts than the files before it.";
    PaidAmountMismatch = "paid_amount_mismatch", Restatement, "Paid with other amounts than those it had when it settled.";
    FileMissing = "file_missing", FileLevel, "The provider's file for the period is not there.";
    FileLate = "file_late", FileLevel, "The provider's file came after it was due.";
    FileDuplicate = "file_duplicate", FileLevel, "A file repeats another one of this or an earlier period byte for byte; it is counted once.";
    FileChanged = "file_changed", FileLevel, "A file of this name had other bytes in the first run of this period.";
    ControlTotal = "control_total", FileLevel, "The file's own totals differ from its rows.";
    SchemaDrift = "schema_drift", FileLevel, "The file has columns that are not known.";
    RowRejected = "row_rejected", Sending, "It was sent to the provider, and the provider has refused it.";
    Unacknowledged = "unacknowledged", Sending, "A file was sent, and in the time that the job allows nothing was heard of it.";
}

/// What finds a break: part of its id, unlike the kind, so that history survives a reclassification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    Presence,
    Amount,
    Reward,
    Currency,
    Status,
    Identity,
    Period,
    Validity,
    /// What is still open though it should have ended.
    Expiry,
    /// The file held against that of the run before.
    StatusChange,
    Duplicate,
    Multiplicity,
    Split,
    Returns,
    Clawback,
    Payout,
    /// What is owed from month to month; a transaction is one of its kinds at a time.
    Receivable,
    /// The days held against the month.
    RollForward,
    /// Amounts of the month's file held against the files before it.
    Restatement,
    FileLevel,
    /// Only a job that sends finds it.
    Sending,
}

impl Rule {
    /// The stable name that goes into a break's id.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Amount => "amount",
            Self::Reward => "reward",
            Self::Currency => "currency",
            Self::Status => "status",
            Self::Identity => "identity",
            Self::Period => "period",
            Self::Validity => "validity",
            Self::Expiry => "expiry",
            Self::StatusChange => "status_change",
            Self::Duplicate => "duplicate",
            Self::Multiplicity => "multiplicity",
            Self::Split => "split",
            Self::Returns => "returns",
            Self::Clawback => "clawback",
            Self::Payout => "payout",
            Self::Receivable => "receivable",
            Self::RollForward => "roll_forward",
            Self::Restatement => "restatement",
            Self::FileLevel => "file_level",
            Self::Sending => "sending",
        }
    }
}

impl std::fmt::Display for BreakKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
