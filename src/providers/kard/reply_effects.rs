//! What Kard answers to audits ("Create Audits") and fraud markers ("Flag Fraudulent Transactions"): which items it
//! has taken and which it has not. Pure. As everywhere, unknown fields are accepted.

use serde::Deserialize;
use serde_json::Value;

use super::reply::{ShapeError, WrittenError, error_in_words, parse};

/// A reply item by item: 200 or 201 in full, 207 in part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EffectReply {
    pub done: Vec<Done>,
    pub errors: Vec<ItemError>,
}

/// One item that the provider has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub transaction: String,
    /// The id of the audit; a marker has none of its own.
    pub id: Option<String>,
}

/// One `ErrorObject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError {
    /// "The id of the resource which caused the error. Always returned for multi-status errors."
    pub id: Option<String>,
    /// A JSON pointer into the request: `/data/3/attributes/auditCode`.
    pub pointer: Option<String>,
    /// None when it is missing or no number.
    pub status: Option<u16>,
    /// Title, detail and place; cut, not redacted.
    pub words: String,
}

impl ItemError {
    /// The index in `data` of the item that the pointer leads into.
    pub fn index(&self) -> Option<usize> {
        let number = self.pointer.as_deref()?.trim_start_matches('#').strip_prefix("/data/")?.split('/').next()?;
        // No sign and no leading zeros (RFC 6901, section 4).
        let plain = number == "0" || (!number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit()));
        number.parse().ok().filter(|_| plain)
    }
}

#[derive(Deserialize)]
struct Written<T> {
    data: Option<Vec<T>>,
    errors: Option<Vec<WrittenError>>,
}

/// `CreateAuditResponseDataUnion`
#[derive(Deserialize)]
struct WrittenAudit {
    id: String,
    attributes: WrittenAuditAttributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenAuditAttributes {
    transaction_id: String,
}

/// `FraudulentTransactionData`
#[derive(Deserialize)]
struct WrittenMarker {
    id: String,
}

/// The reply to audits: `multi` for status 207, where `data` may be missing.
///
/// # Errors
/// When a required field is missing or of another type, or the reply names nothing at all.
pub fn audits(body: &[u8], multi: bool) -> Result<EffectReply, ShapeError> {
    read(body, multi, |WrittenAudit { id, attributes }| Done { transaction: attributes.transaction_id, id: Some(id) })
}

/// The reply to fraud markers.
///
/// # Errors
/// As [`audits`].
pub fn markers(body: &[u8], multi: bool) -> Result<EffectReply, ShapeError> {
    read(body, multi, |WrittenMarker { id }| Done { transaction: id, id: None })
}

/// The errors of a refusal (`ErrorResponse`); none if the body has another shape.
pub fn refusal(body: &[u8]) -> Option<Vec<ItemError>> {
    let written: Written<Value> = parse(body).ok()?;
    let errors: Vec<ItemError> = written.errors?.into_iter().map(item_error).collect();
    (!errors.is_empty()).then_some(errors)
}

fn read<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    multi: bool,
    done: impl Fn(T) -> Done,
) -> Result<EffectReply, ShapeError> {
    let written: Written<T> = parse(body)?;
    if written.data.is_none() && !multi {
        return Err(ShapeError::NoList("data"));
    }
    let done: Vec<Done> = written.data.unwrap_or_default().into_iter().map(done).collect();
    let errors: Vec<ItemError> = written.errors.unwrap_or_default().into_iter().map(item_error).collect();
    if done.is_empty() && errors.is_empty() {
        return Err(ShapeError::Empty);
    }
    Ok(EffectReply { done, errors })
}

pub(super) fn item_error(error: WrittenError) -> ItemError {
    let words = error_in_words(&error);
    let status = match error.status {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        _ => None,
    };
    ItemError { id: error.id, pointer: error.source.and_then(|source| source.pointer), status, words }
}
