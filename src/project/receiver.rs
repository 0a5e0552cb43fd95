//! The block `receiver:` of the project file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::load::folder;
use super::spec::{ProjectSpec, ReceiverLimitsSpec, ReceiverSpec};
use super::{ReceiverConfig, ReceiverLimits, s3};
use crate::config::http::waits;
use crate::config::{Checker, did_you_mean, quantity};

/// Where it listens unless it is told otherwise.
const BIND: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);
/// The two paths that are the receiver's own.
const OWN_PATHS: [&str; 2] = ["/healthz", "/readyz"];
/// A line of the log holds the body with every quote escaped: of this much it still is one that jobs read.
const MOST_BODY_BYTES: u64 = 1 << 20;
/// Of a smaller limit real notifications would fall foul.
const LEAST_BODY_BYTES: u64 = 16 << 10;

/// The block, or the defaults where there is none. `data` is the folder of the local inputs.
pub(super) fn receiver(
    root: &Path,
    data: Option<&Path>,
    spec: &ProjectSpec,
    checker: &mut Checker<'_>,
) -> Option<ReceiverConfig> {
    let none = ReceiverSpec::default();
    let written = spec.receiver.as_ref().unwrap_or(&none);
    let bind = match &written.bind {
        Some(text) => address(text, checker),
        None => Some(BIND),
    };
    let path = path(written.path.as_deref().unwrap_or("/"), checker);
    let folder = match &written.folder {
        Some(text) => folder(root, "receiver/folder", text, checker),
        None => data.map(Path::to_owned),
    };
    let mut known = true;
    if let Some(name) = written.provider.as_ref().filter(|name| !spec.providers.contains_key(*name)) {
        let names: Vec<&str> = spec.providers.keys().map(String::as_str).collect();
        let message = format!("no provider is called `{name}`");
        checker.problem_with_help("receiver/provider", message, did_you_mean(name, &names));
        known = false;
    }
    let limits = match &written.limits {
        Some(written) => limits(written, checker),
        None => Some(ReceiverLimits::default()),
    };
    let publish = s3::publish(written, checker);
    let provider = written.provider.clone().filter(|_| known);
    let (bind, path, folder, publish) = (bind?, path?, folder?, publish?);
    Some(ReceiverConfig { bind, path, folder, publish, provider, limits: limits? }).filter(|_| known)
}

fn address(text: &str, checker: &mut Checker<'_>) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let message = format!("`bind` is `{text}`; expected an IP address and a port, such as 127.0.0.1:8787");
        checker.problem("receiver/bind", message);
    }
    address
}

fn path(text: &str, checker: &mut Checker<'_>) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/');
    if !text.starts_with('/') || !text.bytes().all(good) {
        let message =
            format!("`path` is `{text}`; expected one such as /webhooks: a slash, then letters, digits and -_.~/");
        checker.problem("receiver/path", message);
        return None;
    }
    if OWN_PATHS.contains(&text) {
        checker.problem("receiver/path", format!("`path` is `{text}`, where the receiver tells how it is"));
        return None;
    }
    Some(text.to_owned())
}

fn limits(written: &ReceiverLimitsSpec, checker: &mut Checker<'_>) -> Option<ReceiverLimits> {
    let mut limits = ReceiverLimits::default();
    let slots: [(&str, &Option<String>, &mut Duration); 3] = [
        ("head_timeout", &written.head_timeout, &mut limits.head_timeout),
        ("body_timeout", &written.body_timeout, &mut limits.body_timeout),
        ("idle_timeout", &written.idle_timeout, &mut limits.idle_timeout),
    ];
    let mut complete = waits("receiver/limits", slots, checker);
    if let Some(text) = &written.body {
        match body_bytes(text, checker) {
            Some(bytes) => limits.body_bytes = bytes,
            None => complete = false,
        }
    }
    if let Some(text) = &written.rejected {
        match checker.keep("receiver/limits/rejected", quantity::bytes(text)) {
            Some(bytes) => limits.rejected_bytes = bytes,
            None => complete = false,
        }
    }
    limits.connections = written.connections.unwrap_or(limits.connections);
    limits.repeat_days = written.repeat_days.unwrap_or(limits.repeat_days);
    complete.then_some(limits)
}

fn body_bytes(text: &str, checker: &mut Checker<'_>) -> Option<usize> {
    let at = "receiver/limits/body";
    let bytes = checker.keep(at, quantity::bytes(text))?;
    if !(LEAST_BODY_BYTES..=MOST_BODY_BYTES).contains(&bytes) {
        checker.problem(at, format!("`body` is {text}; expected 16KiB to 1MiB, so that jobs can read each line"));
        return None;
    }
    usize::try_from(bytes).ok()
}
