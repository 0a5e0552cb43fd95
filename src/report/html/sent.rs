//! The section on what was sent: sums by fate, then every parcel.

use maud::{Markup, html};

use super::super::amount::{count, money};
use super::super::as_read::parcels;
use super::super::facts::{Fate, ParcelFacts};
use super::super::json::Summary;
use super::super::sent::{FateTotal, by_fate, not_accepted};
use super::super::text::{counted, visible};
use super::lists::rest_note;
use crate::text::size_in_words;

/// Digits of a digest that tell parcels apart.
const DIGEST: usize = 12;

pub fn sent(summary: &Summary, page_rows: usize) -> Markup {
    let parcels = parcels(summary);
    let others = not_accepted(&parcels);
    let accepted = parcels.iter().filter(|parcel| parcel.fate == Fate::Accepted);
    let shown: Vec<&ParcelFacts> = others.into_iter().chain(accepted).take(page_rows).collect();
    html! {
        section aria-labelledby="sent" {
            h2 #sent { "Sent" }
            @if parcels.is_empty() {
                p { "The source holds nothing to send." }
            } @else {
                p {
                    "What " bdi { (visible(&summary.job.name)) } " has made of its source for Kard. Every row carries an event "
                    "id: a row that arrives twice is known by it."
                }
                (totals(&by_fate(&parcels)))
                div.scroll tabindex="0" role="region" aria-label="All parcels" {
                    table {
                        caption { (counted(parcels.len() as u64, "parcel", "parcels")) ", what is not accepted first" }
                        thead { tr {
                            th scope="col" { "Parcel" } th.n scope="col" { "Rows" } th.n scope="col" { "Sums" }
                            th.n scope="col" { "Size" } th scope="col" { "SHA-256" } th scope="col" { "What became of it" }
                            th scope="col" { "Kard's id" }
                        } }
                        tbody { @for parcel in &shown { (row(parcel)) } }
                    }
                }
                (rest_note(parcels.len(), shown.len(), "sent.csv or report.xlsx, as far as the job asks for them"))
            }
        }
    }
}

fn totals(totals: &[FateTotal]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Parcels by kind and fate" {
            table {
                caption { "Parcels by kind, and what became of them" }
                thead { tr {
                    th scope="col" { "Kind" } th scope="col" { "What became of them" } th.n scope="col" { "Parcels" }
                    th.n scope="col" { "Rows" } th.n scope="col" { "Rows refused" } th.n scope="col" { "Sums" }
                    th.n scope="col" { "Size" }
                } }
                tbody {
                    @for total in totals {
                        tr {
                            th scope="row" { (total.kind.words(2)) }
                            td class=[urgent(total.fate)] { (total.fate.words()) }
                            td.n { (count(total.parcels)) }
                            td.n { (count(total.rows)) }
                            td.n { (count(total.rejected_rows)) }
                            td.n { @for (currency, minor) in &total.totals_minor { bdi { (money(*minor, currency)) } br; } }
                            td.n { (size_in_words(total.bytes)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(parcel: &ParcelFacts) -> Markup {
    let digest: String = parcel.sha256.chars().take(DIGEST).collect();
    html! {
        tr {
            th.id scope="row" {
                bdi { (visible(&parcel.name)) }
                @if let Some(user) = &parcel.user { br; "user " bdi { (visible(user)) } }
            }
            td.n { (count(parcel.rows)) }
            td.n { @for (currency, minor) in &parcel.totals_minor { bdi { (money(*minor, currency)) } br; } }
            td.n title={ (count(parcel.bytes)) " bytes" } { (size_in_words(parcel.bytes)) }
            td.id title=(visible(&parcel.sha256)) { (visible(&digest)) "…" }
            td {
                div class=[urgent(parcel.fate)] { (parcel.fate.words()) }
                @if parcel.rejected_rows > 0 { div.urgent { (counted(parcel.rejected_rows, "row", "rows")) " refused" } }
            }
            td.id { bdi { (visible(parcel.provider_id.as_deref().unwrap_or(""))) } }
        }
    }
}

const fn urgent(fate: Fate) -> Option<&'static str> {
    match fate {
        Fate::InDoubt | Fate::Refused | Fate::Overdue => Some("urgent"),
        _ => None,
    }
}
