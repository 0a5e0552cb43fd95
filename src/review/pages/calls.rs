//! The exact calls that would be made: packed by the same function that sends them.

use maud::{Markup, html};
use reqwest::Url;

use super::parts::{counted, said};
use crate::digest::sha256;
use crate::effects::call::calls;
use crate::effects::doubt::path;
use crate::effects::{Ask, Body, Call, Effect, Standing, State, Target};
use crate::project::Project;
use crate::providers::kard::request::below;
use crate::review::address;
use crate::text::{cut, size_in_words, visible};

/// Characters of a body that are shown; the bytes can be had whole.
const MOST_SHOWN: usize = 20_000;

/// The calls that would send these, were all of them approved: what waits, and what is approved already.
pub(super) fn planned(standings: &[Standing]) -> Vec<Call> {
    let approved: Vec<Standing> = standings
        .iter()
        .filter(|standing| matches!(standing.state, State::Proposed | State::Approved))
        .map(|standing| Standing { state: State::Approved, ..standing.clone() })
        .collect();
    calls(&approved)
}

/// The URL that a path of a provider is asked for at; the path alone where the project does not know the provider.
fn url(project: &Project, provider: &str, path: &str) -> String {
    let addresses = project.providers.get(provider).map(|provider| provider.any().addresses()).unwrap_or_default();
    let base = addresses.first().and_then(|address| Url::parse(address).ok());
    base.and_then(|base| below(&base, path).ok()).map_or_else(|| path.to_owned(), String::from)
}

/// One call: method, address, headers, and the bytes of its body.
pub(super) fn shown(project: &Project, effect: &Effect, call: &Call, exact: Option<&str>) -> Markup {
    let (method, address) = match &call.target {
        Target::Api { method, path } => (method.name(), url(project, &effect.key.provider, path)),
        Target::Storage { session } => ("PUT", format!("the presigned URL of upload session {session}")),
    };
    html! {
        pre.wrap.call { bdi {
            (method) " " (visible(&address)) "\n"
            @if call.kind.operation().is_none() {
                "Authorization: Bearer (a token of this provider, never shown)\n"
                "Content-Type: application/json\n"
            }
        } }
        @if call.kind.operation().is_some() {
            p.soft {
                "When it is sent, this provider's credentials are put beside it, which are never shown"
                @if call.keyed { ", and the effect's id, by which the provider knows a second arrival" }
                ". A time stamp or an encryption that it asks for is put around the body then."
            }
        }
        @match &call.body {
            Body::Bytes(bytes) if bytes.is_empty() => p.soft { "Nothing is sent but the address." },
            Body::Bytes(bytes) => {
                p.soft { (counted(bytes.len(), "byte", "bytes")) ", sha256 " span.id { (sha256(bytes)) } "; here with line breaks and spaces added, for reading:" }
                pre.wrap.body { bdi { (pretty(bytes)) } }
                @if let Some(exact) = exact { p { a href=(exact) { "The exact bytes" } } }
            }
            Body::File { bytes, sha256, .. } => p.soft { "The sealed file, " (size_in_words(*bytes)) ", sha256 " span.id { (sha256) } "." },
        }
    }
}

/// What an effect of a sending job stands for: its bytes lie sealed, and are sent as they are.
pub(super) fn parcel(project: &Project, effect: &Effect) -> Markup {
    let address = url(project, &effect.key.provider, &path(effect));
    html! {
        pre.wrap.call { bdi { "POST " (visible(&address)) "\nAuthorization: Bearer (a token of this provider, never shown)\nContent-Type: application/json\n" } }
        @if let Ask::Parcel(parcel) = &effect.ask {
            p.soft {
                "What is sealed: " (said(effect.transaction())) ", " (counted(usize::try_from(parcel.rows).unwrap_or(usize::MAX), "row", "rows")) ", "
                (size_in_words(parcel.bytes)) ", sha256 " span.id { (visible(&parcel.sha256)) } "."
                @if effect.kind() == crate::effects::EffectKind::BulkFile { " The call asks for a presigned URL; the file goes there by PUT, byte for byte." }
            }
        }
    }
}

/// JSON for reading: line breaks and spaces are added, and nothing else is changed, the order least of all.
fn pretty(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for char in text.chars() {
        if quoted {
            shown.push(char);
            (quoted, escaped) = (escaped || char != '"', char == '\\' && !escaped);
            continue;
        }
        match char {
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                next_line(&mut shown, depth);
            }
            '"' => quoted = true,
            _ => {}
        }
        shown.push(char);
        match char {
            '{' | '[' | ',' => next_line(&mut shown, depth),
            ':' => shown.push(' '),
            _ => {}
        }
    }
    let shown: Vec<_> = shown.lines().map(visible).collect();
    cut(&shown.join("\n"), MOST_SHOWN).into_owned()
}

fn next_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

/// Where the exact bytes of a call are to be had.
pub(super) fn exact_href(base: &str, call: &Call) -> String {
    format!("{base}/calls/{}", address::segment(&call.id()))
}
