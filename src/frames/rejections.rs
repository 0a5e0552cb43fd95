//! Notifications that a receiver rejected, logged beside those that it took: no rows, but they tell why one is missing.

use serde_json::Value;

use super::schema::RejectedNotification;
use super::signature::Notification;

/// More of one file are counted, not kept: anybody can make a receiver reject something.
const MOST: usize = 100_000;
/// Where a notification names its transaction ("Notifications").
const TRANSACTION: &str = "/data/relationships/transaction/data/id";

/// The rejected notifications of one file.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    pub(super) lines: u64,
    /// Those that name a transaction.
    pub(super) kept: Vec<RejectedNotification>,
}

impl Rejections {
    /// Takes the one on a line. Whatever it says is only said, since its signature is wrong, or it has none.
    pub(super) fn take(&mut self, line: u64, notification: Notification<'_>) {
        self.lines += 1;
        if self.kept.len() == MOST {
            return;
        }
        let Some(reason) = notification.rejected else { return };
        let body: Value = serde_json::from_str(&notification.body).unwrap_or_default();
        if let Some(transaction) = body.pointer(TRANSACTION).and_then(Value::as_str) {
            let (transaction, received_at) = (transaction.trim_matches(' ').to_owned(), notification.received_at);
            self.kept.push(RejectedNotification { transaction, file: 0, line, received_at, reason });
        }
    }
}
