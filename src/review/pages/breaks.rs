//! The breaks of a run, found by what they are, in any order, a page at a time.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query as Parameters, State};
use axum::response::Response;
use maud::{Markup, html};

use super::breaks_asked::{self, Wish};
use super::parts::{Asked, Place, RunPath, choice, counted, crumbs, field, pager, run_of, said, time};
use crate::breaks::BreakStatus;
use crate::breaks::life::Standing;
use crate::report::money;
use crate::review::access::Visitor;
use crate::review::address;
use crate::review::desk::Desk;
use crate::review::frame::{Page, Refusal, Section, page};
use crate::review::store::{self, BreakRow, Breaks, Direction, Outline, Query, Sort, StoreError, Sums};
use crate::text::visible;

/// Breaks of one page.
pub(super) const A_PAGE: usize = 100;

/// The columns that have an order.
const HEADERS: [(&str, Sort); 7] = [
    ("Key", Sort::Key),
    ("Kind", Sort::Kind),
    ("At risk", Sort::AtRisk),
    ("Age in days", Sort::Age),
    ("Occurred (UTC)", Sort::OccurredAt),
    ("Status", Sort::Status),
    ("Owner", Sort::Owner),
];

/// What stands on one page, and what the filter found in all.
struct Found {
    rows: Vec<BreakRow>,
    sums: Sums,
    place: Place,
}

pub(super) async fn breaks(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path(path): Path<RunPath>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, Refusal> {
    let run = run_of(&desk, &path).await?;
    let wish = breaks_asked::read(&asked)?;
    let title = format!("Breaks of {}", run.id);
    let shown = |body| Page { title: title.clone(), section: Section::Overview, crumbs: crumbs(&run), body };
    let breaks = match desk.store().breaks(desk.kept(), &run).await {
        Err(error @ StoreError::Gone { .. }) => {
            let body = html! {
                p.note { (visible(&format!("{error}."))) " What the journal knows of its breaks stands on their own pages." }
            };
            return Ok(page(&visitor, shown(body)));
        }
        found => found?,
    };
    let outline = desk.store().outline(&breaks).await?;
    let found = find(&desk, &breaks, &outline, &wish).await?;
    let ids: Vec<&str> = found.rows.iter().map(|row| row.said("id")).collect();
    let lives = desk.journal().lives(&ids).await?;
    let base = format!("{}/breaks", address::run(&run.id));
    let body = html! {
        (filters(&base, &wish, &outline))
        (totals(&found.sums, outline.sums.breaks, &wish))
        (pager(found.place, "Pages, above the list", |page| wish.href(&base, page)))
        @if found.rows.is_empty() { p.empty { "No break of this run is like that." } }
        @else { (table(&base, &wish, &found.rows, &lives)) }
        (pager(found.place, "Pages", |page| wish.href(&base, page)))
    };
    Ok(page(&visitor, shown(body)))
}

/// The page that is wished for. All breaks as the report lists them need no index.
async fn find(desk: &Desk, breaks: &Breaks, outline: &Arc<Outline>, wish: &Wish) -> Result<Found, Refusal> {
    let everything = outline.sums.breaks;
    if wish.is_plain() {
        let place = Place::of(wish.page, everything, A_PAGE);
        let rows = (place.skip..everything).take(A_PAGE).filter_map(|row| u32::try_from(row).ok()).collect();
        let rows = breaks.listed(rows).await?;
        return Ok(Found { rows, sums: outline.sums.clone(), place });
    }
    let index = desk.store().index(breaks).await?;
    let wish = wish.clone();
    let looking = tokio::task::spawn_blocking(move || {
        let asked = Place::of(wish.page, usize::MAX, A_PAGE);
        let query = |skip| Query {
            filter: wish.filter.clone(),
            sort: wish.sort,
            direction: wish.direction,
            skip,
            take: A_PAGE,
        };
        let found = store::query::page(&index, &query(asked.skip));
        let place = Place::of(wish.page, found.sums.breaks, A_PAGE);
        // Behind the end stands the last page.
        if place.skip == asked.skip { (found, place) } else { (store::query::page(&index, &query(place.skip)), place) }
    });
    let (found, place) =
        looking.await.map_err(|panic| crate::exit::Failure::new(crate::exit::ExitCode::Unexpected, panic))?;
    let rows = breaks.listed(found.rows).await?;
    Ok(Found { rows, sums: found.sums, place })
}

fn filters(base: &str, wish: &Wish, outline: &Outline) -> Markup {
    let kinds: Vec<_> = outline
        .kinds
        .iter()
        .map(|(kind, count)| {
            (kind.as_str(), format!("{} ({})", kind.replace('_', " "), crate::report::count(*count as u64)))
        })
        .collect();
    let mut statuses = vec![(breaks_asked::WAITING, "not closed".to_owned())];
    statuses.extend(BreakStatus::ALL.map(|status| (status.name(), status.words().to_owned())));
    let currencies: Vec<_> = outline.currencies().into_iter().map(|code| (code, code.to_owned())).collect();
    let mut owners = vec![(breaks_asked::NOBODY, "nobody".to_owned())];
    owners.extend(outline.owners.iter().map(|owner| (owner.as_str(), owner.clone())));
    let text = |name: &str| wish.text(name);
    html! {
        form.filters method="get" action=(base) role="search" aria-label="Which breaks" {
            (field("Key or id begins with", "q", text("q"), None))
            (choice("Kind", "kind", text("kind"), &kinds))
            (choice("Status", "status", text("status"), &statuses))
            (choice("Currency", "currency", text("currency"), &currencies))
            (choice("Owner", "owner", text("owner"), &owners))
            (field("At risk, at least", "min", text("min"), Some("decimal")))
            (field("Age from, days", "age_from", text("age_from"), Some("numeric")))
            (field("to", "age_to", text("age_to"), Some("numeric")))
            @if wish.is_sorted() {
                input type="hidden" name="sort" value=(wish.sort.name());
                input type="hidden" name="dir" value=(breaks_asked::direction_name(wish.direction));
            }
            button { "Filter" }
            @if !wish.is_plain() { a href=(base) { "Show all" } }
        }
    }
}

fn totals(sums: &Sums, all: usize, wish: &Wish) -> Markup {
    html! {
        p {
            @if wish.is_filtered() {
                strong { (counted(sums.breaks, "break", "breaks")) } " of " (crate::report::count(all as u64))
            } @else { strong { (counted(sums.breaks, "break", "breaks")) } }
            @if sums.without_amount > 0 {
                ", " (crate::report::count(sums.without_amount as u64)) " of them about whole files, without an amount"
            }
            "."
        }
        @if !sums.at_risk.is_empty() {
            div.scroll role="region" aria-label="At risk, in all" tabindex="0" {
                table.sums {
                    caption { "At risk, of all that is found: by currency and measure" }
                    thead { tr { th scope="col" { "Currency" } th scope="col" { "Measure" } th.n scope="col" { "Breaks" } th.n scope="col" { "At risk" } } }
                    tbody {
                        @for ((currency, measure), (count, minor)) in &sums.at_risk {
                            tr {
                                th scope="row" { (said(currency)) }
                                td { (visible(&measure.replace('_', " "))) }
                                td.n { (crate::report::count(*count as u64)) }
                                td.n { (money(*minor, currency)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn table(base: &str, wish: &Wish, rows: &[BreakRow], lives: &HashMap<String, Standing>) -> Markup {
    html! {
        div.scroll role="region" aria-label="Breaks" tabindex="0" {
            table.list {
                caption { "Breaks, as the run found them" @if wish.is_sorted() { ", " (order_words(wish)) } }
                thead {
                    tr {
                        @for (words, sort) in HEADERS { (header(base, wish, words, sort)) }
                        th scope="col" { "What differs" }
                    }
                }
                tbody { @for row in rows { (line(base, row, lives.get(row.said("id")))) } }
            }
        }
    }
}

fn order_words(wish: &Wish) -> String {
    let words = HEADERS.iter().find(|(_, sort)| *sort == wish.sort).map_or("report", |(words, _)| *words);
    let end = match wish.direction {
        Direction::Ascending => "lowest first",
        Direction::Descending => "highest first",
    };
    format!("by {}, {end}", words.to_lowercase())
}

fn header(base: &str, wish: &Wish, words: &str, sort: Sort) -> Markup {
    let now = (wish.sort == sort).then_some(match wish.direction {
        Direction::Ascending => "ascending",
        Direction::Descending => "descending",
    });
    // What is largest is looked for first; names from the beginning.
    let first = match sort {
        Sort::AtRisk | Sort::Age | Sort::OccurredAt => Direction::Descending,
        _ => Direction::Ascending,
    };
    let next = if wish.sort == sort { breaks_asked::other(wish.direction) } else { first };
    let mark = match now {
        Some("ascending") => " ↑",
        Some(_) => " ↓",
        None => "",
    };
    let class = matches!(sort, Sort::AtRisk | Sort::Age).then_some("n");
    html! {
        th class=[class] scope="col" aria-sort=[now] {
            a href=(wish.sorted(base, sort, next)) { (words) span aria-hidden="true" { (mark) } }
        }
    }
}

fn line(base: &str, row: &BreakRow, life: Option<&Standing>) -> Markup {
    let currency = row.said("currency");
    let status = row.said("status");
    let now = life.map(|life| life.status).filter(|now| now.name() != status);
    let owner = row.text("owner");
    let owner_now = life.map(|life| life.owner.as_deref()).filter(|now| *now != owner);
    let href = format!("{base}/{}", address::segment(row.said("id")));
    html! {
        tr {
            th.id scope="row" { a href=(href) { bdi { (visible(row.said("key"))) } } }
            td { (visible(&row.said("kind").replace('_', " "))) }
            td.n { @if let Some(minor) = row.whole("at_risk_minor") { (amount(minor, currency)) } }
            td.n { @if let Some(days) = row.whole("age_days") { (days) } }
            td { @if let Some(at) = row.time("occurred_at") { (time(at)) } }
            td {
                (status_words(status))
                @if let Some(now) = now { br; strong.now { "now " (now.words()) } }
            }
            td {
                @if let Some(owner) = owner { (said(owner)) }
                @if let Some(now) = owner_now { br; strong.now { "now " @if let Some(name) = now { (said(name)) } @else { "nobody" } } }
            }
            td.wide { (said(row.said("detail"))) }
        }
    }
}

/// An amount in its currency's decimals.
pub(super) fn amount(minor: i64, currency: &str) -> Markup {
    html! { (money(minor.into(), currency).trim_start()) }
}

/// What the run called it, for people; as it stands where this program does not know the word.
pub(super) fn status_words(name: &str) -> Markup {
    html! { @match BreakStatus::from_name(name) { Some(status) => (status.words()), None => (said(name)) } }
}
