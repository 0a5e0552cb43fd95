//! What a reply holds: its rows, byte by byte as they came, and where the next page is. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, LINK};
use serde::Deserialize as _;
use serde_json::value::RawValue;

/// Keys that are shown of an object that lacks one.
const SHOWN: usize = 10;

type Object<'d> = BTreeMap<Cow<'d, str>, &'d RawValue>;

/// The document of a reply.
///
/// # Errors
/// A lowercase fragment: it is no JSON.
pub fn document(body: &[u8]) -> Result<&RawValue, String> {
    serde_json::from_slice(body).map_err(|error| format!("the reply is no JSON: {error}"))
}

/// What stands at a dotted path, nothing where a key is missing or null.
///
/// # Errors
/// A lowercase fragment: something on the way is no object.
pub fn at<'d>(document: &'d RawValue, path: &str) -> Result<Option<&'d RawValue>, String> {
    let mut found = document;
    for (depth, key) in path.split('.').filter(|key| !key.is_empty()).enumerate() {
        let object = object(found).ok_or_else(|| {
            let way: Vec<&str> = path.split('.').take(depth).collect();
            let place = if way.is_empty() { "the document".to_owned() } else { format!("`{}`", way.join(".")) };
            format!("{place} is no object, and `{path}` is looked for in it")
        })?;
        match object.get(key) {
            Some(value) => found = value,
            None => return Ok(None),
        }
    }
    Ok((found.get() != "null").then_some(found))
}

fn object(raw: &RawValue) -> Option<Object<'_>> {
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    Object::deserialize(&mut reader).ok()
}

/// The rows of a page; with `single` an object is one row.
///
/// # Errors
/// A lowercase fragment: nothing is there, or something that is no array of objects.
pub fn rows<'d>(document: &'d RawValue, path: &str, single: bool) -> Result<Vec<&'d RawValue>, String> {
    let shown = if path.is_empty() { "the document".to_owned() } else { format!("`{path}`") };
    let Some(found) = at(document, path)? else {
        return Err(format!("the reply has nothing at {shown}{}; correct `rows` of the dataset", keys(document)));
    };
    if single && found.get().starts_with('{') {
        return Ok(vec![found]);
    }
    let rows: Vec<&RawValue> =
        serde_json::from_str(found.get()).map_err(|_| format!("{shown} is no array of rows{}", keys(document)))?;
    if let Some(place) = rows.iter().position(|row| !row.get().starts_with('{')) {
        return Err(format!("row {} of {shown} is no object", place + 1));
    }
    Ok(rows)
}

/// The end of a message: which keys there are instead.
fn keys(document: &RawValue) -> String {
    let Some(object) = object(document) else { return String::new() };
    let names: Vec<String> = object.keys().take(SHOWN).map(|key| format!("`{}`", crate::text::cut(key, 40))).collect();
    if names.is_empty() { "; it is empty".to_owned() } else { format!("; it has {}", names.join(", ")) }
}

/// The text or number at a path; none where it is absent, null or empty.
///
/// # Errors
/// A lowercase fragment: something else stands there.
pub fn word(document: &RawValue, path: &str) -> Result<Option<String>, String> {
    let Some(found) = at(document, path)? else { return Ok(None) };
    let text = match serde_json::from_str::<serde_json::Value>(found.get()) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Number(_)) => found.get().to_owned(),
        _ => {
            return Err(format!(
                "`{path}` is neither text nor a number; expected what the next page is asked for with"
            ));
        }
    };
    Ok((!text.is_empty()).then_some(text))
}

/// The target of a relation in `Link` headers (RFC 8288): `<https://…>; rel="next"`.
pub fn link(headers: &HeaderMap, relation: &str) -> Option<String> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(links)
        .find(|(_, parameters)| has_relation(parameters, relation))
        .map(|(target, _)| target.to_owned())
}

/// Each link of a header and its parameters. A comma within angle brackets belongs to the address.
fn links(value: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, inner)| inner.split_once('>')) {
        let end = after.find(",<").or_else(|| after.find(", <")).unwrap_or(after.len());
        found.push((target, &after[..end]));
        rest = &after[end..];
    }
    found
}

fn has_relation(parameters: &str, relation: &str) -> bool {
    parameters.split(';').filter_map(|one| one.trim().split_once('=')).any(|(name, value)| {
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("rel")
            && value.split_whitespace().any(|one| one.eq_ignore_ascii_case(relation))
    })
}
