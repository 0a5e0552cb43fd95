//! Telling people that something is wrong, each thing once: what is to be told (`judge`) and in which words (`words`)
//! is pure; `desk` keeps what was told in the journal and hands it to those who send (`send`, `send_mail`).

pub mod desk;
pub mod judge;
pub mod send;
mod send_mail;
pub mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use crate::project::NoticeEvent;

/// The version of the JSON of a notice; a reader refuses a newer major number.
pub const NOTICE_SCHEMA: &str = "tieout.notice/1";

/// Something that is told: numbers and words of ours. It holds no row, no id of a customer and no word of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same, however often and by whichever channel it is sent.
    pub id: String,
    /// When it was written down, UTC.
    pub at: DateTime<Utc>,
    pub job: String,
    /// The label; of a backfill `FIRST..LAST`.
    pub period: String,
    /// None where there was no attempt, or several periods are meant.
    pub attempt: Option<u32>,
    pub exit_code: Option<u8>,
    /// At least one; the most serious first.
    pub matters: Vec<Matter>,
    pub figures: Counts,
    /// The report.
    pub link: Option<String>,
    /// Nothing is the matter: somebody tries whether the channel works.
    pub test: bool,
}

impl Notice {
    pub fn events(&self) -> Vec<NoticeEvent> {
        self.matters.iter().map(|matter| matter.event).collect()
    }
}

/// One thing that is the matter, or is well again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    pub event: NoticeEvent,
    /// Sentences, harmless as text.
    pub lines: Vec<String>,
}

/// The numbers beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Open ones; none where no run has found any number.
    pub breaks: Option<u64>,
    /// Rows read.
    pub rows: Option<u64>,
    /// Currency (ISO 4217) → what is at risk, in minor units.
    pub at_risk_minor: BTreeMap<String, i64>,
    /// Effects; so is the next.
    pub in_doubt: u64,
    pub awaiting_approval: u64,
}
