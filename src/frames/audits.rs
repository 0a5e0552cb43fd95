//! `auditUpdate` notifications of a webhook log: what the provider says has become of an audit
//! (Kard, "`AuditUpdateAttributes`", "`AuditUpdateRelationships`").

use chrono::DateTime;
use serde_json::Value;

use super::mask;
use super::normalize::TimePlan;
use super::notices::{Notice, required, text};
use super::schema::AuditUpdate;
use crate::job::TimeFormat;

impl Notice for AuditUpdate {
    const KIND: &'static str = "auditUpdate";

    fn id(&self) -> &str {
        &self.notification
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn in_file(self, file: u32) -> Self {
        Self { file, ..self }
    }

    fn repeats(&self, first: &Self) -> bool {
        // A repeat comes later, from elsewhere in the logs.
        let there = Self { received_at: first.received_at, file: first.file, line: first.line, ..self.clone() };
        there == *first
    }
}

/// What a notification of this type says; when and where it was logged is left open.
///
/// # Errors
/// A lowercase fragment: what is missing, or cannot be read.
pub(super) fn read(notification: &Value) -> Result<AuditUpdate, String> {
    let resolved_at = text(notification, "/data/attributes/resolutionTimeStamp")?.map(|text| {
        let times = TimePlan::new(&TimeFormat::Iso { zone: None });
        let micros = times.micros(&text);
        micros.map_err(|reason| format!("`data.attributes.resolutionTimeStamp` `{}` {reason}", mask::shown(&text)))
    });
    let resolution_code = text(notification, "/data/attributes/resolutionCode")?.map(|text| {
        let code = text.parse::<i64>();
        code.map_err(|_| format!("`data.attributes.resolutionCode` `{}` is no whole number", mask::shown(&text)))
    });
    Ok(AuditUpdate {
        notification: required(notification, "/data/id", "the notification's id")?,
        audit: text(notification, "/data/relationships/audit/data/id")?,
        transaction: required(notification, "/data/attributes/transactionId", "the transaction's id")?,
        user: text(notification, "/data/relationships/user/data/id")?,
        status: required(notification, "/data/attributes/status", "NEW, IN_PROGRESS or CLOSED")?,
        resolution_code: resolution_code.transpose()?,
        resolution: text(notification, "/data/attributes/resolutionDescription")?,
        resolved_at: resolved_at.transpose()?.and_then(DateTime::from_timestamp_micros),
        received_at: None,
        file: 0,
        line: 0,
    })
}
