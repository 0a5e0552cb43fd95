//! A project whose runs are told to a webhook of the test's own.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::http_listener::{HttpListener, Post, Reaction};
use super::project::TestProject;

/// What signs, as a file of the project.
pub(crate) const KEY: &str = "a key of the test's own";

/// Adds to the project file as it is written now.
pub(crate) fn add(project: &TestProject, block: &str) {
    let mut text = project.read("tieout.yaml");
    text.extend_from_slice(block.as_bytes());
    project.write("tieout.yaml", text);
    project.write("keys/hook", format!("{KEY}\n"));
}

/// One channel, `hook`, to this listener; `more` is said of the channel.
pub(crate) fn hook(listener: &HttpListener, more: &str) -> String {
    format!(
        "notify:\n  link: \"https://r.example/{{job}}/{{period}}/{{attempt}}/\"\n  channels:\n    hook:\n      \
         webhook: {{url: \"{}\", secret: {{file: keys/hook}}}}\n{more}",
        listener.url("/tell")
    )
}

/// Checks the signature as the Standard Webhooks specification says, and gives the notice.
#[track_caller]
pub(crate) fn verified(post: &Post, key: &[u8]) -> Value {
    assert_eq!((post.method.as_str(), post.path.as_str()), ("POST", "/tell"));
    assert_eq!(post.header("content-type"), "application/json");
    let (id, time) = (post.header("webhook-id"), post.header("webhook-timestamp"));
    let seconds: i64 = time.parse().unwrap();
    assert!((chrono::Utc::now().timestamp() - seconds).abs() < 300, "{seconds}");
    let mut signed = format!("{id}.{time}.").into_bytes();
    signed.extend_from_slice(&post.body);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(&signed);
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(post.header("webhook-signature"), expected);
    let notice = post.json();
    assert_eq!(notice["id"], id);
    notice
}

/// The events of what was received since this was asked last, each with its period.
#[track_caller]
pub(crate) fn told(listener: &HttpListener) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let notices = listener.take().into_iter().map(|post| verified(&post, KEY.as_bytes()));
    notices.map(|notice| (text(&notice["event"]), text(&notice["period"]))).collect()
}

/// An answer that refuses.
pub(crate) const REFUSED: Reaction = Reaction::Answer(500);
