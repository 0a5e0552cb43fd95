//! The story of one transaction: every row about it, its breaks, what was sent of it and what was asked because of it.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Query as Parameters, State};
use axum::response::Response;
use maud::{Markup, html};

use super::parts::{Asked, asked, counted, field, link, said, time};
use crate::breaks;
use crate::effects::words::{ask_words, state_words};
use crate::exit::{ExitCode, Failure};
use crate::report::money;
use crate::review::access::Visitor;
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::frame::{Page, Refusal, Section, page};
use crate::text::visible;
use crate::trace::{Search, Story, trace};

/// How long somebody waits for a search.
const PATIENCE: Duration = Duration::from_mins(1);
/// Of each kind of thing, so many are shown.
const MOST: usize = 200;
/// Characters of an id.
const MOST_ID: usize = 200;

pub(super) async fn transactions(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Parameters(from): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let text = |name: &str| asked(&from, name).map(str::to_owned);
    let (job, period) = (text("job"), text("period"));
    let told = match text("id") {
        None => {
            html! { p.soft { "An id is looked for whole, as the files write it, in every file that any run has read." } }
        }
        Some(id) if id.chars().count() > MOST_ID => {
            return Err(Refusal::Bad(format!("The id is longer than {MOST_ID} characters.")));
        }
        Some(transaction) => {
            let search = Search { transaction, job: job.clone(), period: period.clone() };
            told(&search, &looked_for(&desk, search.clone()).await?)
        }
    };
    let body = html! {
        form.filters method="get" action="/transactions" role="search" aria-label="Which transaction" {
            label { "Transaction" input name="id" value=(text("id").unwrap_or_default()) required autocomplete="off" maxlength=(MOST_ID); }
            (field("Job (all, if left empty)", "job", job.as_deref(), None))
            (field("Period (all, if left empty)", "period", period.as_deref(), None))
            button { "Search" }
        }
        (told)
    };
    Ok(page(
        &visitor,
        Page { title: "Transactions".to_owned(), section: Section::Transactions, crumbs: Vec::new(), body },
    ))
}

/// Searches, one search at a time: each reads every file. One that takes too long goes on, and whoever asked is told.
async fn looked_for(desk: &Desk, search: Search) -> Result<Story, Refusal> {
    let (jobs, _) = desk.jobs().await?;
    let busy = || {
        let seconds = PATIENCE.as_secs();
        Refusal::Conflict(format!(
            "The search takes longer than {seconds} seconds, or others are under way. Name the job or the period, or ask \
             `tieout trace` on the command line."
        ))
    };
    let looking = async {
        let one = desk.store().one_search().await;
        let desk = desk.clone();
        // Whoever waits no longer does not end it; the next begins when it has ended.
        tokio::spawn(async move {
            let _one = one;
            trace(desk.journal(), desk.kept(), &jobs, &search).await
        })
        .await
    };
    let found = tokio::time::timeout(PATIENCE, looking).await.map_err(|_| busy())?;
    Ok(found.map_err(|panic| Failure::new(ExitCode::Unexpected, panic))??)
}

fn told(search: &Search, story: &Story) -> Markup {
    let only = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(", of {name} {value} only"));
    html! {
        p {
            "Looked for " strong { (said(&search.transaction)) } " in " (counted(story.files, "file", "files"))
            @for words in [only("job", &search.job), only("period", &search.period)].into_iter().flatten() { (said(&words)) }
            "."
        }
        @for unread in story.unread.iter().take(MOST) { p.note { "Not looked into, the story may be longer: " (said(unread)) } }
        (more(story.unread.len()))
        @if story.is_empty() { p.empty { "Nothing that runs have kept knows this transaction." } }
        (rows(story))
        (found(story))
        (lives(story))
        (carried(story))
        (sent(story))
        (effects(story))
    }
}

fn more(all: usize) -> Markup {
    html! { @if all > MOST { p.soft { (crate::report::count((all - MOST) as u64)) " more." } } }
}

/// A section with a table; nothing where there is nothing.
fn section(title: &str, all: usize, header: &[&str], lines: &Markup) -> Markup {
    html! {
        @if all > 0 {
            h2 { (title) }
            div.scroll role="region" aria-label=(title) tabindex="0" {
                table.list {
                    caption { (crate::report::count(all as u64)) }
                    thead { tr { @for name in header { th scope="col" { (name) } } } }
                    tbody { (lines) }
                }
            }
            (more(all))
        }
    }
}

fn rows(story: &Story) -> Markup {
    let lines = html! {
        @for row in story.rows.iter().take(MOST) {
            tr {
                th scope="row" { (said(&row.period)) }
                td { (row.side.name()) }
                td.id { (said(&row.file)) " line " (row.line) }
                td.wide { dl.values { @for (name, value) in &row.values { div { dt { (said(name)) } dd { (said(value)) } } } } }
                td { @if let Some(run) = row.runs.last() { (link(&address::run(run), run)) } }
            }
        }
    };
    section("Rows", story.rows.len(), &["Period", "Side", "File and line", "Says", "Last read by"], &lines)
}

fn found(story: &Story) -> Markup {
    let lines = html! {
        @for one in story.breaks.iter().take(MOST) {
            tr {
                th scope="row" { a href={ (address::run(&one.run)) "/breaks/" (address::segment(&one.id)) } { (said(&one.kind.replace('_', " "))) } }
                td { (said(&one.status.replace('_', " "))) }
                td.wide { (said(&one.detail)) }
                td { (link(&address::run(&one.run), &one.run)) }
            }
        }
    };
    section("Breaks, as runs found them", story.breaks.len(), &["Kind", "Status then", "What differs", "Run"], &lines)
}

fn lives(story: &Story) -> Markup {
    let lines = html! {
        @for life in story.lives.iter().take(MOST) {
            tr {
                th.id scope="row" { (link(&format!("/breaks/{}", address::segment(&life.standing.id)), &life.standing.id)) }
                td { (life.standing.status.words()) }
                td { (time(life.standing.since)) }
                td { @if let Some(owner) = &life.standing.owner { (said(owner)) } }
                td.wide { @if let Some(last) = life.history.last() { (said(&breaks::words::what(&last.event))) } }
            }
        }
    };
    section("Where its breaks stand now", story.lives.len(), &["Break", "Stands", "Since", "Owner", "Last"], &lines)
}

fn carried(story: &Story) -> Markup {
    let lines = html! {
        @for one in story.carried.iter().take(MOST) {
            tr { th scope="row" { (said(&one.period)) } td { (time(one.at)) } td.wide { (said(&one.says)) } td { (link(&address::run(&one.run), &one.run)) } }
        }
    };
    section("From period to period", story.carried.len(), &["Left by", "At", "What", "Run"], &lines)
}

fn sent(story: &Story) -> Markup {
    let lines = html! {
        @for row in story.sent.iter().take(MOST) {
            tr {
                th.id scope="row" { (said(&row.parcel)) " line " (row.line) }
                td.id { (said(&row.event_id)) }
                td.n { (money(row.amount_minor.into(), &row.currency)) }
                td { @match &row.state { Some(state) => (visible(&state.replace('_', " "))), None => "not planned" } }
                td { (link(&address::run(&row.run), &row.run)) }
            }
        }
    };
    section("Sent", story.sent.len(), &["In", "Event", "Amount", "Stands", "Run"], &lines)
}

fn effects(story: &Story) -> Markup {
    let lines = html! {
        @for one in story.effects.iter().take(MOST) {
            tr {
                th scope="row" { (link(&format!("/effects/{}", address::segment(&one.standing.effect.id)), &ask_words(&one.standing.effect))) }
                td.wide { (said(&state_words(&one.standing))) }
                td { (said(&one.standing.effect.period)) }
            }
        }
    };
    section("Asked of the provider", story.effects.len(), &["Asks", "Stands", "Period"], &lines)
}
