//! What became of notifications that are missing: never received, or received and rejected.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{BreakKind, Breaks, Head};
use crate::frames::{Frame, RejectedNotification, without_cards};
use crate::text;

/// Times and reasons of a log are shown up to this many characters.
const SHOWN: usize = 160;

/// Adds to each `missing_webhook` what the log of rejected notifications says about its transaction.
pub fn tell(breaks: &mut Breaks, webhooks: &Frame) {
    let mut rejected: HashMap<&str, Vec<&RejectedNotification>> = HashMap::new();
    for one in &webhooks.rejected {
        rejected.entry(&one.transaction).or_default().push(one);
    }
    let is_meant = |one: &Head<'_>| one.kind == BreakKind::MissingWebhook;
    breaks.change(is_meant, |one| {
        let told = match rejected.get(one.key.as_str()).map(Vec::as_slice) {
            Some([first, others @ ..]) => words(webhooks, first, others.len()),
            Some([]) | None => "never received".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = write!(one.detail, "; {told}");
    });
}

fn words(webhooks: &Frame, first: &RejectedNotification, others: usize) -> String {
    let shown = |words: &str| without_cards(&text::cut(&text::visible(words), SHOWN));
    let at = first.received_at.as_deref().map_or_else(String::new, |at| format!(" at {}", shown(at)));
    let file = webhooks.files.get(first.file as usize).map_or("", |file| &file.name);
    let more = if others == 0 { String::new() } else { format!(", and {others} more") };
    format!("received{at} and rejected: it {} ({} line {}{more})", shown(&first.reason), shown(file), first.line)
}
