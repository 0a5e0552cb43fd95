//! What Core API answers, judged: pure. Rows stay as they were received, numbers digit by digit.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::providers::ProviderError;
use crate::providers::http::displayable;

/// Texts of others are shown up to this many characters.
const SHOWN: usize = 60;

#[derive(Deserialize)]
struct WrittenLogin {
    token: String,
}

#[derive(Deserialize)]
struct WrittenMovements<'a> {
    #[serde(borrow)]
    movements: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct WrittenCustomers<'a> {
    #[serde(borrow)]
    customers: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct WrittenDate {
    date: String,
}

/// `{"token": …, "userId": …}`; "Login".
///
/// # Errors
/// When there is no token, or one that no header can carry.
pub fn token(doing: &str, body: &[u8]) -> Result<SecretString, ProviderError> {
    let WrittenLogin { token } = serde_json::from_slice(body).map_err(|error| ProviderError::json(doing, &error))?;
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ProviderError::shape(doing, "the token is empty or holds characters that no header can carry"));
    }
    Ok(token.into())
}

/// `{"movements": [{…}]}`, the newest first; "List Movements".
///
/// # Errors
/// When it is anything else.
pub fn movements<'a>(doing: &str, body: &'a [u8]) -> Result<Vec<&'a RawValue>, ProviderError> {
    let written: WrittenMovements = serde_json::from_slice(body).map_err(|error| ProviderError::json(doing, &error))?;
    objects(doing, "movements", written.movements)
}

/// `{"customers": [{…}]}`; "List Customers".
///
/// # Errors
/// When it is anything else.
pub fn customers<'a>(doing: &str, body: &'a [u8]) -> Result<Vec<&'a RawValue>, ProviderError> {
    let written: WrittenCustomers = serde_json::from_slice(body).map_err(|error| ProviderError::json(doing, &error))?;
    objects(doing, "customers", written.customers)
}

fn objects<'a>(doing: &str, list: &str, rows: Vec<&'a RawValue>) -> Result<Vec<&'a RawValue>, ProviderError> {
    match rows.iter().position(|row| !row.get().starts_with('{')) {
        Some(at) => Err(ProviderError::shape(doing, format!("{list}[{at}] is no object"))),
        None => Ok(rows),
    }
}

/// When a movement took place: its `date`, "ISO 8601 timestamp", UTC.
///
/// # Errors
/// When it states none that can be read: whether it lies before a period's end cannot be told then.
pub fn date(doing: &str, movement: &RawValue) -> Result<DateTime<Utc>, ProviderError> {
    let written: WrittenDate = serde_json::from_str(movement.get()).map_err(|_| {
        ProviderError::shape(doing, "a movement states no `date`; expected an ISO 8601 timestamp".to_owned())
    })?;
    DateTime::parse_from_rfc3339(&written.date).map(|date| date.to_utc()).map_err(|_| {
        let found = displayable(&written.date, SHOWN);
        ProviderError::shape(doing, format!("the `date` of a movement is {found:?}; expected an ISO 8601 timestamp"))
    })
}

/// What an error's body says. The document publishes no such body: the usual names are tried.
pub fn refusal(body: &str) -> Option<String> {
    let written: Value = serde_json::from_str(body).ok()?;
    let text = ["message", "error"].iter().find_map(|name| written.get(name)?.as_str())?;
    Some(displayable(text, 200))
}
