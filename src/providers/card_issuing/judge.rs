//! What an answer to an order means: one table, pure. Nothing is called done that the reply does not say, and nothing
//! refused that may have been done.

use serde_json::Value;

use super::clock::OutOfWindow;
use super::reply::Said;
use super::slugs::{PlainError, Slug, Standing};
use crate::exit::ExitCode;
use crate::providers::http::displayable;

/// What came of an order that was sent once.
#[derive(Debug)]
pub enum Sent {
    /// A complete reply that could be opened, or is one of the plain errors.
    Reply {
        status: u16,
        said: Said,
        /// Why the time stamp was refused, where it was.
        clock: Option<OutOfWindow>,
    },
    /// Not one byte went out.
    NotSent { why: String },
    /// It went out, at least in part, and no reply came that can be believed.
    Lost { why: String },
}

/// What an order has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It is taken. Sent again under the same key it is this one that is returned, and charged once.
    Done {
        /// The provider's id of the order, where the reply states one.
        order: Option<String>,
    },
    /// This order is never taken as it is.
    Refused { why: String },
    /// Surely nothing was done. With a code no other order fares better before a person has changed something.
    NotDone { why: String, ends_run: Option<ExitCode> },
    /// It may have been done: the same order goes again under the same key, and gives the first one if there is one.
    Unclear { why: String },
}

/// Judges an answer. `order_field` is what the provider calls an order's id.
pub fn judge(sent: &Sent, order_field: &str) -> Judged {
    match sent {
        Sent::NotSent { why } => Judged::NotDone { why: why.clone(), ends_run: None },
        Sent::Lost { why } => Judged::Unclear { why: why.clone() },
        Sent::Reply { status, said, clock } => match said {
            Said::Object(row) => Judged::Done { order: order_id(row.get(), order_field) },
            Said::Error { slug, words } => of_slug(*status, slug, words),
            Said::Plain(plain) => of_plain(*plain, *clock),
            Said::Strange => strange(*status),
        },
    }
}

/// The slug, the provider's words, what it means and what to do.
pub fn in_words(slug: &Slug, words: &str) -> String {
    let said = if words.is_empty() { String::new() } else { format!(" \"{words}\"") };
    format!("{slug}{said}: {}; {}", slug.meaning(), slug.to_do())
}

/// A plain error, what it means and what to do.
pub fn plain_in_words(plain: PlainError, clock: Option<OutOfWindow>) -> String {
    let to_do = clock.map_or_else(|| plain.to_do().to_owned(), OutOfWindow::words);
    format!("\"{}\": {to_do}", plain.sentence().trim_end_matches('.'))
}

/// How a run ends on a plain error; none where another attempt may fare better.
pub const fn ends_with(plain: PlainError, clock: Option<OutOfWindow>) -> Option<ExitCode> {
    match plain {
        PlainError::KeyNotFound | PlainError::NoAccess | PlainError::InvalidEnvelope => {
            Some(ExitCode::CredentialsRefused)
        }
        PlainError::OutOfWindow => match clock {
            Some(OutOfWindow::Slow(_)) => None,
            _ => Some(ExitCode::Configuration),
        },
        PlainError::EnvelopeNotFound | PlainError::TimestampNotFound | PlainError::InvalidTimestamp => {
            Some(ExitCode::Configuration)
        }
        PlainError::Duplicate => None,
    }
}

fn of_slug(status: u16, slug: &Slug, words: &str) -> Judged {
    let why = format!("status {status}: {}", in_words(slug, words));
    match slug.standing(status) {
        Standing::Refused => Judged::Refused { why },
        Standing::NotDone => {
            let ends_run = match slug {
                // No other order is paid for either.
                Slug::InsufficientFunds => Some(ExitCode::PersonNeeded),
                Slug::IdempotencyKeyRequired => Some(ExitCode::Configuration),
                _ => None,
            };
            Judged::NotDone { why, ends_run }
        }
        Standing::Unclear => Judged::Unclear { why },
    }
}

fn of_plain(plain: PlainError, clock: Option<OutOfWindow>) -> Judged {
    let why = plain_in_words(plain, clock);
    match plain.standing() {
        Standing::Unclear => Judged::Unclear { why },
        _ => Judged::NotDone { why, ends_run: ends_with(plain, clock) },
    }
}

/// A status whose body is not the provider's.
fn strange(status: u16) -> Judged {
    let why = format!("status {status}, and the reply is neither encrypted nor a plain error of the document");
    match status {
        429 => Judged::NotDone { why, ends_run: None },
        300..=399 | 405 | 407 | 404 => {
            let why = format!("{why}; check base_url, the path and any proxy");
            Judged::NotDone { why, ends_run: Some(ExitCode::Configuration) }
        }
        401 => Judged::NotDone { why, ends_run: Some(ExitCode::CredentialsRefused) },
        _ => Judged::Unclear { why },
    }
}

/// The order's id: at the root of the reply, or in an object at its root.
fn order_id(row: &str, field: &str) -> Option<String> {
    let row: Value = serde_json::from_str(row).ok()?;
    let text = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(displayable(text, 128)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let found = row.get(field).and_then(text);
    let deeper = || row.as_object()?.values().find_map(|value| value.get(field).and_then(text));
    found.or_else(deeper)
}
