//! What Bongloy answers, judged: pure. Resources stay as they were received, numbers digit by digit.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::providers::ProviderError;
use crate::providers::http::displayable;

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    pub resources: Vec<Resource>,
    pub prev: Option<Cursor>,
    pub next: Option<Cursor>,
}

/// One resource, and what it is called.
#[derive(Debug)]
pub struct Resource {
    pub id: String,
    pub json: Box<RawValue>,
}

/// The parameters of a link that lead to another page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cursor(pub Vec<(String, String)>);

#[derive(Deserialize)]
struct WrittenPage<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default)]
    links: WrittenLinks,
}

#[derive(Deserialize, Default)]
struct WrittenLinks {
    #[serde(default)]
    prev: Option<String>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct WrittenId {
    id: String,
}

/// A page of the list that is asked with `own` parameters. Of its links only the query is used: where they lead to is not
/// ours to trust (the document itself shows `http://example.org`).
///
/// # Errors
/// When it is no such page, or a link leads to another list.
pub fn page(doing: &str, body: &[u8], own: &[(String, String)]) -> Result<Page, ProviderError> {
    let written: WrittenPage = serde_json::from_slice(body).map_err(|error| ProviderError::json(doing, &error))?;
    let resources = written.data.into_iter().enumerate();
    let resources: Result<Vec<Resource>, ProviderError> = resources
        .map(|(at, json)| {
            let read = serde_json::from_str(json.get()).ok().filter(|WrittenId { id }| !id.is_empty());
            let WrittenId { id } = read.ok_or_else(|| ProviderError::shape(doing, format!("data[{at}] has no id")))?;
            Ok(Resource { id, json: json.to_owned() })
        })
        .collect();
    let link = |name: &str, written: Option<String>| {
        written.map(|text| {
            cursor(&text, own).map_err(|reason| ProviderError::shape(doing, format!("links.{name} {reason}")))
        })
    };
    Ok(Page {
        resources: resources?,
        prev: link("prev", written.links.prev).transpose()?,
        next: link("next", written.links.next).transpose()?,
    })
}

/// The query of a link, which must be the list's own and say which page.
fn cursor(link: &str, own: &[(String, String)]) -> Result<Cursor, String> {
    // The base only makes relative links readable.
    let base = Url::parse("http://link.invalid/").map_err(|_| "cannot be read".to_owned())?;
    let url = base.join(link).map_err(|_| "is no address".to_owned())?;
    let query: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let pages = |(name, _): &&(String, String)| matches!(name.as_str(), "page[before]" | "page[after]");
    if query.iter().filter(pages).count() != 1 {
        return Err("states no one page; expected page[before] or page[after]".to_owned());
    }
    match own.iter().find(|pair| !query.contains(pair)) {
        Some((name, _)) => Err(format!("leads to another list: its {name} is not the one that was asked for")),
        None => Ok(Cursor(query)),
    }
}

#[derive(Deserialize)]
struct WrittenBalance<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct BalanceResource<'a> {
    id: String,
    #[serde(borrow)]
    attributes: BalanceAttributes<'a>,
}

#[derive(Deserialize)]
struct BalanceAttributes<'a> {
    #[serde(borrow)]
    available: Vec<Entry<'a>>,
    #[serde(borrow)]
    pending: Vec<Entry<'a>>,
}

/// Minor units of a currency, as they were sent.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    currency: &'a RawValue,
}

/// One entry of a balance, as a row.
#[derive(Serialize)]
struct BalanceRow<'a> {
    account: &'a str,
    status: &'a str,
    amount: &'a RawValue,
    currency: &'a RawValue,
    resource: &'a RawValue,
}

/// A row for each entry of `available` and `pending`, beside the resource as received; "Retrieve an account balance".
///
/// # Errors
/// When it is anything else, or another account's.
pub fn balance(doing: &str, body: &[u8], account: &str) -> Result<Vec<Box<RawValue>>, ProviderError> {
    let unread = |error: serde_json::Error| ProviderError::json(doing, &error);
    let WrittenBalance { data } = serde_json::from_slice(body).map_err(unread)?;
    let resource: BalanceResource = serde_json::from_str(data.get()).map_err(unread)?;
    if resource.id != account {
        let found = displayable(&resource.id, 60);
        return Err(ProviderError::shape(doing, format!("the balance is that of account {found:?}")));
    }
    let BalanceAttributes { available, pending } = &resource.attributes;
    let available = available.iter().map(|entry| ("available", entry));
    let entries = available.chain(pending.iter().map(|entry| ("pending", entry)));
    entries
        .map(|(status, Entry { amount, currency })| {
            let row = BalanceRow { account, status, amount, currency, resource: data };
            serde_json::value::to_raw_value(&row).map_err(unread)
        })
        .collect()
}

/// What a JSON:API error says. The document publishes no error body; JSON:API does: `{"errors": [{title, detail}]}`.
pub fn refusal(body: &str) -> Option<String> {
    let written: Value = serde_json::from_str(body).ok()?;
    let told = |error: &Value| {
        let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (text("title"), text("detail")) {
            (Some(title), Some(detail)) => Some(format!("{title}: {detail}")),
            (one, other) => one.or(other).map(str::to_owned),
        }
    };
    let told: Vec<String> = written.get("errors")?.as_array()?.iter().filter_map(told).take(3).collect();
    (!told.is_empty()).then(|| displayable(&told.join("; "), 200))
}
