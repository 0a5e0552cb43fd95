//! What the lists have in common: addresses, times, amounts, and the way from page to page.

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};

use crate::effects::words::minutes;
use crate::journal::{JournalError, RunRecord};
use crate::review::access::{Act, Visitor};
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::done::Done;
use crate::review::frame::{Crumb, Refusal};
use crate::text::visible;

/// The parameters behind `?`, each name once.
pub(super) type Asked = std::collections::BTreeMap<String, String>;

/// A value of an address; nothing where it is left empty, as forms do.
pub(super) fn asked<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// A number of an address.
pub(super) fn number(from: &Asked, name: &str) -> Result<Option<u64>, Refusal> {
    let refused = |text: &str| Refusal::Bad(format!("`{name}` is `{text}`, which is no whole number from 0 on."));
    asked(from, name).map(|text| text.parse().map_err(|_| refused(text))).transpose()
}

/// `?name=value&…`; nothing where there are none.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&address::segment(value));
    }
    text
}

/// `JOB/PERIOD/ATTEMPT` of an address, as three texts.
pub(super) type RunPath = (String, String, String);

/// The run of an address. It is looked up, and nothing is made of what was sent.
pub(super) async fn run_of(desk: &Desk, (job, period, attempt): &RunPath) -> Result<RunRecord, Refusal> {
    let id = format!("{job}/{period}/{attempt}");
    match desk.journal().run(&id).await {
        Err(JournalError::UnknownRun { id, .. }) => Err(Refusal::NotFound(format!("run {id}"))),
        found => Ok(found?),
    }
}

/// The way from the overview to the pages of a run.
pub(super) fn crumbs(run: &RunRecord) -> Vec<Crumb> {
    vec![
        Crumb { name: "Periods".to_owned(), href: "/".to_owned() },
        Crumb { name: run.id.clone(), href: address::run(&run.id) },
    ]
}

/// Text of others.
pub(super) fn said(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// A link whose words are text of others.
pub(super) fn link(href: &str, text: &str) -> Markup {
    html! { a href=(href) { bdi { (visible(text)) } } }
}

/// The digest of an input; a way to the input itself for those who may have it.
pub(super) fn input_link(visitor: &Visitor, run: &RunRecord, sha256: &str) -> Markup {
    let href = format!("{}/inputs/{}", address::run(&run.id), address::segment(sha256));
    html! {
        @if visitor.may(Act::ReadInputs) { a.id href=(href) download { (visible(sha256)) } } @else { span.id { (visible(sha256)) } }
    }
}

/// `2025-03-20 10:00 UTC`
pub(in crate::review) fn time(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)) { (minutes(at)) } }
}

/// The beginning of a title.
pub(super) fn capital(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// What was done, where a post leads here with `?done=WORD`; nothing for any other word.
pub(super) fn notice(from: &Asked) -> Markup {
    let done = asked(from, "done").and_then(Done::from_name);
    html! { @if let Some(done) = done { p.flash role="status" { (done.words()) } } }
}

/// `1 break`, `1,234 breaks`
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", crate::report::count(number as u64), if number == 1 { one } else { many })
}

/// Where a page stands among the pages of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub(super) page: usize,
    pub(super) pages: usize,
    /// How many stand before the page.
    pub(super) skip: usize,
}

impl Place {
    /// The page that is asked for, or the last one where there are not so many.
    pub(super) fn of(asked: Option<u64>, all: usize, a_page: usize) -> Self {
        let pages = all.div_ceil(a_page).max(1);
        let page = asked.map_or(1, |page| usize::try_from(page).unwrap_or(usize::MAX)).clamp(1, pages);
        Self { page, pages, skip: (page - 1) * a_page }
    }
}

/// First, previous, next and last; nothing where all stands on one page.
pub(super) fn pager(place: Place, label: &str, href: impl Fn(usize) -> String) -> Markup {
    let step = |words: &str, rel: Option<&str>, page: usize, leads: bool| {
        html! {
            @if leads { a href=(href(page)) rel=[rel] { (words) } }
            @else { span.soft aria-disabled="true" { (words) } }
        }
    };
    let Place { page, pages, .. } = place;
    let count = |number: usize| crate::report::count(number as u64);
    html! {
        @if pages > 1 {
            nav.pager aria-label=(label) {
                (step("First", None, 1, page > 1))
                (step("Previous", Some("prev"), page - 1, page > 1))
                p aria-current="page" { "Page " (count(page)) " of " (count(pages)) }
                (step("Next", Some("next"), page + 1, page < pages))
                (step("Last", None, pages, page < pages))
            }
        }
    }
}

/// A choice of a form, with its label.
pub(super) fn choice(label: &str, name: &str, chosen: Option<&str>, all: &[(&str, String)]) -> Markup {
    let missing = chosen.filter(|chosen| all.iter().all(|(value, _)| value != chosen));
    html! {
        label {
            (label)
            select name=(name) {
                option value="" { "all" }
                @for (value, words) in all {
                    option value=(value) selected[chosen == Some(*value)] { (visible(words)) }
                }
                // What was asked for by hand stays chosen.
                @if let Some(missing) = missing { option value=(missing) selected { (visible(missing)) } }
            }
        }
    }
}

/// A text of a form, with its label.
pub(super) fn field(label: &str, name: &str, value: Option<&str>, mode: Option<&str>) -> Markup {
    html! {
        label { (label) input name=(name) value=(value.unwrap_or_default()) inputmode=[mode] autocomplete="off" maxlength="200"; }
    }
}
