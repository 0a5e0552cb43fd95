//! Faults on request: a plan file says which request goes wrong, and how.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

/// What goes wrong, in the order of its rules: the first that fits a request is done to it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    pub rules: Vec<FaultRule>,
}

/// `{on: files, nth: 2, do: {status: 503, retry_after: 1}}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    pub on: On,
    pub nth: Nth,
    #[serde(rename = "do")]
    pub fault: Fault,
}

/// The endpoint that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    Token,
    Files,
    Download,
}

/// Which of the endpoint's requests, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nth {
    Only(u64),
    Every,
}

/// What is done to a request. The request's own work is done first, but for `Status` and `ResetBefore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `{status: 503, retry_after: 1}`; `retry_after_date` writes the same as a date, in seconds from now.
    Status { code: u16, retry_after: Option<u64>, retry_after_date: Option<u64> },
    /// The connection is reset before the request is looked at.
    ResetBefore,
    /// The request is done, and the connection reset in the middle of the reply.
    ResetAfter,
    /// `{slow: 5s}`: the reply waits.
    Slow(Duration),
    /// `{truncate: 100}`: the connection closes after that many bytes of the body; the length announced is the whole one.
    Truncate(u64),
    /// The body ends in the middle, and so says its length.
    MalformedJson,
    /// 200 with a web page.
    HtmlPage,
    /// `download`: the URL is refused as expired. `files`: the URLs in this list have expired already.
    ExpiredUrl,
    /// `files`: the token that came with the request is revoked before it is looked at.
    RevokeToken,
    /// `files`: the next page has the cursor of this one.
    RepeatCursor,
    /// As many bytes as there should be, but others (in reverse).
    WrongBytes,
}

impl Fault {
    /// As the plan file calls it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Slow(_) => "slow",
            Self::Truncate(_) => "truncate",
            Self::MalformedJson => "malformed_json",
            Self::HtmlPage => "html_page",
            Self::ExpiredUrl => "expired_url",
            Self::RevokeToken => "revoke_token",
            Self::RepeatCursor => "repeat_cursor",
            Self::WrongBytes => "wrong_bytes",
        }
    }

    const fn fits(&self, on: On) -> bool {
        match self {
            Self::ExpiredUrl => matches!(on, On::Files | On::Download),
            Self::RevokeToken | Self::RepeatCursor => matches!(on, On::Files),
            _ => true,
        }
    }
}

/// A plan that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FaultPlanError {
    #[error("cannot read the fault plan {path}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the fault plan {path} is wrong")]
    Malformed { path: PathBuf, source: Box<serde_saphyr::Error> },
    #[error("the fault plan {path}: rule {rule}: {problem}")]
    Rule { path: PathBuf, rule: usize, problem: String },
}

impl FaultPlan {
    /// Reads a plan file, YAML or JSON.
    ///
    /// # Errors
    /// When it cannot be read, has an unknown key, or a rule that makes no sense.
    pub fn read(path: &Path) -> Result<Self, FaultPlanError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| FaultPlanError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// The same from text; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, FaultPlanError> {
        let plan: Self = serde_saphyr::from_str(text)
            .map_err(|source| FaultPlanError::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        for (index, rule) in plan.rules.iter().enumerate() {
            let wrong = |problem| FaultPlanError::Rule { path: path.to_owned(), rule: index + 1, problem };
            if !rule.fault.fits(rule.on) {
                return Err(wrong(format!("{} makes no sense on {:?}", rule.fault.name(), rule.on).to_lowercase()));
            }
            if rule.nth == Nth::Only(0) {
                return Err(wrong("nth counts from 1".to_owned()));
            }
            if matches!(rule.fault, Fault::Status { code, .. } if !(200..=599).contains(&code)) {
                return Err(wrong("status must be from 200 to 599".to_owned()));
            }
        }
        Ok(plan)
    }
}

/// The plan at work: counts the requests of each endpoint.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
    counts: Mutex<[u64; 3]>,
}

impl Faults {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self { rules: plan.rules, counts: Mutex::default() }
    }

    /// Counts one request, and says what is to be done to it.
    pub(super) fn next(&self, on: On) -> Option<Fault> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = &mut counts[on as usize];
        *count += 1;
        let fits = |rule: &&FaultRule| rule.on == on && (rule.nth == Nth::Every || rule.nth == Nth::Only(*count));
        self.rules.iter().find(fits).map(|rule| rule.fault.clone())
    }
}

impl<'de> Deserialize<'de> for Nth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Nth;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the number of a request, from 1, or `every`")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Nth, E> {
                Ok(Nth::Only(number))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Nth, E> {
                u64::try_from(number).map(Nth::Only).map_err(|_| E::custom("expected a number from 1"))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Nth, E> {
                match text {
                    "every" => Ok(Nth::Every),
                    other => Err(E::custom(format!("expected a number or `every`, found {other:?}"))),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// The keys of a fault that is written as a map.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFault {
    status: Option<u16>,
    retry_after: Option<u64>,
    retry_after_date: Option<u64>,
    slow: Option<String>,
    truncate: Option<u64>,
}

impl WrittenFault {
    fn read(self) -> Result<Fault, String> {
        let Self { status, retry_after, retry_after_date, slow, truncate } = self;
        if status.is_none() && (retry_after.is_some() || retry_after_date.is_some()) {
            return Err("retry_after needs a status".to_owned());
        }
        match (status, slow, truncate) {
            (Some(code), None, None) => Ok(Fault::Status { code, retry_after, retry_after_date }),
            (None, Some(wait), None) => duration(&wait)
                .map(Fault::Slow)
                .ok_or_else(|| format!("expected a duration such as 5s or 300ms, found {wait:?}")),
            (None, None, Some(bytes)) => Ok(Fault::Truncate(bytes)),
            _ => Err("expected one of status, slow, truncate".to_owned()),
        }
    }
}

/// `300ms`, `5s`, `1m`.
fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let number = text[..split].parse().ok()?;
    match &text[split..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fault;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a fault: its name, or a map with status, slow or truncate")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Fault, E> {
                const PLAIN: [Fault; 8] = [
                    Fault::ResetBefore,
                    Fault::ResetAfter,
                    Fault::MalformedJson,
                    Fault::HtmlPage,
                    Fault::ExpiredUrl,
                    Fault::RevokeToken,
                    Fault::RepeatCursor,
                    Fault::WrongBytes,
                ];
                PLAIN.into_iter().find(|fault| fault.name() == name).ok_or_else(|| {
                    E::custom(format!("unknown fault {name:?}; status, slow and truncate are written as maps"))
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fault, A::Error> {
                WrittenFault::deserialize(MapAccessDeserializer::new(map))?.read().map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
