//! The journal from its end: every entry, who wrote it, and the hashes that hold them together.

use axum::Extension;
use axum::extract::{Query as Parameters, State};
use axum::response::Response;
use maud::{Markup, html};

use super::parts::{Asked, link, number, said, time};
use crate::breaks;
use crate::effects;
use crate::journal::{AccessEvent, EntryLine, Recorded};
use crate::review::access::Visitor;
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::frame::{Page, Refusal, Section, page};
use crate::seals::life::Event as SealEvent;
use crate::sign_off;
use crate::text::{cut, visible};

/// Entries of one page.
const A_PAGE: u32 = 100;
/// Characters of an entry in words.
const MOST_WORDS: usize = 1_000;

pub(super) async fn journal(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let before = number(&from, "before")?;
    let head = desk.journal().anchor().await?;
    let lines = desk.journal().entries_before(before, A_PAGE).await?;
    let earlier = lines.last().map(|line| line.sequence).filter(|first| *first > 1);
    // The page of what is later ends a page further on.
    let later = before.filter(|before| *before <= head.sequence).map(|before| before.saturating_add(A_PAGE.into()));
    let way = html! {
        nav.pager aria-label="Pages" {
            @if before.is_some() { a href="/journal" { "Latest" } }
            @if let Some(later) = later { a href={ "/journal?before=" (later) } rel="prev" { "Later" } }
            @if let Some(earlier) = earlier { a href={ "/journal?before=" (earlier) } rel="next" { "Earlier" } }
        }
    };
    let body = html! {
        p { "Each entry holds the hash of the one before it, so that none can be changed or left out unseen. " code { "tieout journal verify" } " proves it, from the first entry to the last." }
        p { "The journal ends with entry " strong { (head.sequence) } ", whose hash is " span.id { (visible(&head.hash)) } "." }
        (way)
        @if lines.is_empty() { p.empty { "Nothing is recorded here." } } @else { (table(&lines)) }
        (way)
    };
    Ok(page(&visitor, Page { title: "Journal".to_owned(), section: Section::Journal, crumbs: Vec::new(), body }))
}

fn table(lines: &[EntryLine]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Entries" tabindex="0" {
            table.list {
                caption { "Entries, the latest first" }
                thead { tr {
                    th.n scope="col" { "Entry" } th scope="col" { "Time" } th scope="col" { "About" } th scope="col" { "What" } th scope="col" { "By" } th scope="col" { "Hash" }
                } }
                tbody { @for entry in lines { (row(entry)) } }
            }
        }
    }
}

fn row(entry: &EntryLine) -> Markup {
    let short: String = entry.hash.chars().take(12).collect();
    let words = |text: &str| html! { (said(&cut(text, MOST_WORDS))) };
    let by = |person: Option<&str>, run: Option<&String>| {
        html! {
            @if let Some(person) = person { (said(person)) }
            @else if let Some(run) = run { (link(&address::run(run), run)) }
        }
    };
    let (at, about, what, who) = match &entry.recorded {
        Recorded::Effect(one) => (
            Some(one.at),
            html! { "effect " (link(&format!("/effects/{}", address::segment(&entry.id)), &entry.id)) },
            words(&effects::words::what(&one.event)),
            by(effects::words::person_of(&one.event), one.run.as_ref()),
        ),
        Recorded::Break(one) => (
            Some(one.at),
            html! { "break " (link(&format!("/breaks/{}", address::segment(&entry.id)), &entry.id)) },
            words(&breaks::words::what(&one.event)),
            by(one.event.person(), one.run.as_ref()),
        ),
        Recorded::Seal(one) => {
            let (what, by_person) = match &one.event {
                SealEvent::Sealed { run, reason, by, .. } => (format!("sealed at {run}: {reason}"), by),
                SealEvent::Unsealed { reason, by } => (format!("opened again: {reason}"), by),
            };
            let about = html! { "period " (link(&address::run(&entry.id), &entry.id)) };
            (Some(one.at), about, words(&what), by(Some(by_person), None))
        }
        Recorded::SignOff(one) => {
            let about = html! { "report of " (link(&address::run(&entry.id), &entry.id)) };
            let by_person = sign_off::words::person_of(&one.event);
            (Some(one.at), about, words(&sign_off::words::what(&one.event)), by(Some(by_person), None))
        }
        Recorded::Access(one) => {
            // Whose a refused name is, nobody knows.
            let who = Some(&*entry.id).filter(|_| !matches!(one.event, AccessEvent::SignInFailed { .. }));
            (Some(one.at), html! { "sign-in as " (said(&entry.id)) }, words(&one.event.words()), by(who, None))
        }
        Recorded::Other { subject, text } => {
            (None, html! { (said(subject)) " " (said(&entry.id)) }, html! { code { (words(text)) } }, html! {})
        }
    };
    html! {
        tr id={ "entry-" (entry.sequence) } {
            th.n scope="row" { (entry.sequence) }
            td { @if let Some(at) = at { (time(at)) } }
            td { (about) }
            td.wide { (what) }
            td { (who) }
            td.id title=(entry.hash) { (visible(&short)) }
        }
    }
}
