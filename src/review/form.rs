//! What is posted: read within bounds of size and time, and held against the token of its session.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body::Body as _;

/// No form of ours is near this.
pub const MOST_BYTES: usize = 256 << 10;
/// What is taken off the wire of a form that is too big, and forgotten.
const MOST_TAKEN: usize = 2 << 20;
/// Effects that are approved at once, each an id of 64 digits, and some fields more.
const MOST_FIELDS: usize = 4_096;
/// From the end of the head to the end of the body.
const WITHIN: Duration = Duration::from_secs(10);
/// What people write beside a decision.
pub const MOST_TEXT_CHARS: usize = 2_000;
/// The fields that people fill in by writing.
const WRITTEN: [&str; 6] = ["text", "comment", "reason", "statement", "to", "with"];

/// The fields of a form, in the order of the page. What stands in them is shown by nothing here: it may be a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Form of {} fields", self.0.len())
    }
}

/// What is wrong with a form, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadForm {
    pub status: StatusCode,
    pub words: String,
}

impl BadForm {
    fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into() }
    }
}

impl Form {
    /// The one value of a field; none where it is not there, or there twice.
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// Every value of a field.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What somebody has written into it, to be shown again where nothing was done.
    pub fn written(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        fields.filter(|(name, value)| WRITTEN.contains(name) && !value.trim().is_empty())
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// In words, when it is not there, empty or too long.
    pub fn text(&self, name: &str) -> Result<String, String> {
        self.text_if_any(name)?
            .ok_or_else(|| format!("The field {name} is empty. Nothing was done; say why, and try again."))
    }

    /// A text that may be left out.
    ///
    /// # Errors
    /// In words, when it is there twice or too long.
    pub fn text_if_any(&self, name: &str) -> Result<Option<String>, String> {
        if self.all(name).nth(1).is_some() {
            return Err(format!("The field {name} is there twice. Nothing was done."));
        }
        // Browsers send line ends of two characters.
        let text = self.one(name).unwrap_or_default().replace("\r\n", "\n");
        let text = text.trim();
        let chars = text.chars().count();
        if chars > MOST_TEXT_CHARS {
            return Err(format!(
                "The field {name} has {chars} characters, and {MOST_TEXT_CHARS} at most can be kept. Nothing was done."
            ));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

/// Reads a form, and gives the request back whole.
///
/// # Errors
/// When it is none, too big, or does not come.
pub async fn read(request: Request) -> Result<(Request, Form), BadForm> {
    let (parts, body) = request.into_parts();
    check_head(&parts.headers, &body)?;
    let bytes = match tokio::time::timeout(WITHIN, collect(body)).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let words = "The form is larger than 256 KiB, or was cut off. Nothing was done.";
            return Err(BadForm::new(StatusCode::PAYLOAD_TOO_LARGE, words));
        }
        Err(_) => return Err(BadForm::new(StatusCode::REQUEST_TIMEOUT, "The form did not come. Nothing was done.")),
    };
    let form = parse(&bytes)?;
    Ok((Request::from_parts(parts, Body::from(bytes)), form))
}

/// None where it is too big or does not end well. A browser that is answered while it still sends shows no answer, so a
/// good part of what is too much is taken off it.
async fn collect(mut body: Body) -> Option<Vec<u8>> {
    let (mut bytes, mut came) = (Vec::new(), 0);
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Some(data) = frame.ok()?.into_data().ok() else { continue };
        came += data.len();
        if came <= MOST_BYTES {
            bytes.extend_from_slice(&data);
        } else if came > MOST_TAKEN {
            break;
        }
    }
    (came <= MOST_BYTES).then_some(bytes)
}

fn check_head(headers: &HeaderMap, body: &Body) -> Result<(), BadForm> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let words = "This is no form: expected application/x-www-form-urlencoded. Nothing was done.";
        return Err(BadForm::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
    }
    let told = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if told.unwrap_or_default().max(body.size_hint().lower()) > MOST_TAKEN as u64 {
        let words = "The form is larger than 256 KiB. Nothing was done.";
        return Err(BadForm::new(StatusCode::PAYLOAD_TOO_LARGE, words));
    }
    Ok(())
}

fn parse(bytes: &[u8]) -> Result<Form, BadForm> {
    let bad = |words: &str| BadForm::new(StatusCode::BAD_REQUEST, words);
    if bytes.split(|byte| *byte == b'&').count() > MOST_FIELDS {
        return Err(bad("The form has more than 4,096 fields. Nothing was done."));
    }
    let fields: Vec<(String, String)> = reqwest::Url::parse("http://form/")
        .map(|mut url| {
            // The parser of addresses is the browsers' own, for forms too.
            url.set_query(Some(&String::from_utf8_lossy(bytes)));
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        })
        .unwrap_or_default();
    if fields.iter().any(|(_, value)| value.contains('\0')) {
        return Err(bad("A field holds a character that no text has. Nothing was done."));
    }
    Ok(Form(fields))
}
