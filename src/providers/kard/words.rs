//! Kard's own words for what jobs name: kinds of files, and codes of audits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kard's `fileType` (published list; "Get Files", `FileType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FileType {
    #[serde(rename = "earnedRewardApprovedDailyReconciliationFile")]
    EarnedRewardApprovedDaily,
    #[serde(rename = "earnedRewardSettledDailyReconciliationFile")]
    EarnedRewardSettledDaily,
    #[serde(rename = "validatedTransactionDailyReconciliationFile")]
    ValidatedTransactionDaily,
    #[serde(rename = "monthlyReconciliationFile")]
    Monthly,
}

impl FileType {
    pub const ALL: [Self; 4] = [
        Self::EarnedRewardApprovedDaily,
        Self::EarnedRewardSettledDaily,
        Self::ValidatedTransactionDaily,
        Self::Monthly,
    ];

    /// The published spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EarnedRewardApprovedDaily => "earnedRewardApprovedDailyReconciliationFile",
            Self::EarnedRewardSettledDaily => "earnedRewardSettledDailyReconciliationFile",
            Self::ValidatedTransactionDaily => "validatedTransactionDailyReconciliationFile",
            Self::Monthly => "monthlyReconciliationFile",
        }
    }
}

/// Why an audit is asked for ("Create Audits", `auditCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
pub enum AuditCode {
    /// 3005: the customer is claiming that the cashback is incorrect.
    CashbackIncorrect = 3005,
    /// 3006: the transaction is missing the cashback award.
    CashbackMissing = 3006,
    /// 8001: other; the description says what.
    Other = 8001,
}

impl AuditCode {
    pub const ALL: [Self; 3] = [Self::CashbackIncorrect, Self::CashbackMissing, Self::Other];

    /// The published number.
    pub const fn number(self) -> u16 {
        self as u16
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::CashbackIncorrect => "reward wrong",
            Self::CashbackMissing => "reward missing",
            Self::Other => "other",
        }
    }
}

impl From<AuditCode> for u16 {
    fn from(code: AuditCode) -> Self {
        code.number()
    }
}

impl TryFrom<u16> for AuditCode {
    type Error = String;

    fn try_from(number: u16) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|code| code.number() == number);
        found.ok_or_else(|| format!("{number} is no audit code; expected 3005, 3006 or 8001"))
    }
}
