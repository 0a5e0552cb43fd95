//! The address of a dataset: a path with places for the period and the id. Pure.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use reqwest::Url;

use crate::config::did_you_mean;
use crate::period::Period;

/// A path with places to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    From,
    To,
    FromDate,
    ToDate,
    Period,
    Id,
}

const PLACES: [(&str, Place); 6] = [
    ("from", Place::From),
    ("to", Place::To),
    ("from_date", Place::FromDate),
    ("to_date", Place::ToDate),
    ("period", Place::Period),
    ("id", Place::Id),
];

impl Template {
    /// Reads `/v1/things?from={from}`.
    ///
    /// # Errors
    /// A lowercase fragment that names what is wrong.
    pub fn parse(written: &str) -> Result<Self, String> {
        if !written.starts_with('/') || written.starts_with("//") {
            return Err(format!("`{written}` is no path below `base_url`; expected one such as /things?from={{from}}"));
        }
        if written.contains('#') || written.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(format!("`{written}` has a `#` or a blank; expected a path and a query"));
        }
        let path = written.split('?').next().unwrap_or_default();
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(format!("`{written}` steps out of its folder; expected a path without `.` and `..`"));
        }
        let mut parts = Vec::new();
        let mut rest = written;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, from_brace) = rest.split_at(open);
            let word = from_brace.strip_prefix('{').and_then(|after| after.split_once('}'));
            let Some((word, after)) = word else { return Err(format!("a brace without its partner in `{written}`")) };
            let Some((_, place)) = PLACES.iter().find(|(name, _)| *name == word) else {
                let names = PLACES.map(|(name, _)| name);
                return Err(format!("unknown placeholder `{{{word}}}`; {}", did_you_mean(word, &names)));
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Place(*place));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// Whether an id is put into it.
    pub fn asks_by_id(&self) -> bool {
        self.parts.contains(&Part::Place(Place::Id))
    }

    /// The address below `base_url` for a period and, where one is asked about, an id. What is filled in is encoded, so
    /// that it never becomes more than one value or segment.
    ///
    /// # Errors
    /// A lowercase fragment: the id cannot stand in an address, or there is no such address.
    pub fn address(&self, base_url: &str, period: &Period, id: Option<&str>) -> Result<Url, String> {
        let mut text = base_url.to_owned();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Place(place) => encode(&filled(*place, period, id)?, &mut text),
            }
        }
        Url::parse(&text).map_err(|error| format!("`base_url` and `path` make no address: {error}"))
    }
}

fn filled(place: Place, period: &Period, id: Option<&str>) -> Result<String, String> {
    let last_day = || (period.end - chrono::TimeDelta::microseconds(1)).with_timezone(&period.zone).date_naive();
    Ok(match place {
        Place::From => period.start.to_rfc3339_opts(SecondsFormat::Secs, true),
        Place::To => period.end.to_rfc3339_opts(SecondsFormat::Secs, true),
        Place::FromDate => period.first_day.to_string(),
        Place::ToDate => last_day().to_string(),
        Place::Period => period.label.clone(),
        Place::Id => match id {
            Some(id) if !matches!(id, "" | "." | "..") => id.to_owned(),
            _ => return Err("an id that is empty or a step in a path (`.`, `..`) cannot be asked about".to_owned()),
        },
    })
}

/// Everything but the unreserved characters of RFC 3986 (section 2.3).
fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            to.push(char::from(byte));
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

/// `url` with one parameter of its query set, whatever it was before.
pub fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
    url
}

/// The address that a reply calls the next page, which must be on the same host and port as the page that names it.
///
/// # Errors
/// A lowercase fragment.
pub fn next_link(page: &Url, link: &str) -> Result<Url, String> {
    let next = page.join(link).map_err(|error| format!("the link to the next page is no address: {error}"))?;
    if next.origin() != page.origin() || !next.username().is_empty() || next.password().is_some() {
        return Err("the link to the next page leads to another host, where credentials must not go".to_owned());
    }
    Ok(next)
}
