//! The files of a run: its report, its inputs, what was removed of them.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::journal::{InputRecord, RunRecord};
use crate::report::count;
use crate::review::access::Visitor;
use crate::review::address;
use crate::review::pages::parts::input_link;
use crate::sources::removed::Removed;
use crate::text::{size_in_words, visible};

/// Removed files that are named.
const FIRST: usize = 20;

/// What each file is, for people.
const WORDS: [(&str, &str); 10] = [
    ("report.xlsx", "The workbook: review in it, and hand it back"),
    ("report.html", "The report as one page, for e-mail and archives"),
    ("breaks.csv", "Every break, for spreadsheets"),
    ("breaks.parquet", "Every break, for notebooks and warehouses"),
    ("effects.csv", "Every effect"),
    ("sent.csv", "Every parcel"),
    ("receivable.csv", "The transactions behind each line of the receivable"),
    ("summary.json", "The result without single breaks, for programs"),
    ("open-items.jsonl", "What the run hands on to other periods"),
    ("adjustments.jsonl", "What sealed periods leave to this one"),
];

pub(super) fn files(run: &RunRecord, files: &BTreeMap<String, u64>, removed: &Removed) -> Markup {
    let folder = format!("{}/", run.attempt);
    let gone: Vec<_> = removed.removed.iter().filter(|one| one.name.starts_with(&folder)).collect();
    let address = address::run(&run.id);
    let words = |name: &str| WORDS.iter().find(|(known, _)| *known == name).map_or("", |(_, words)| *words);
    html! {
        section aria-labelledby="files" {
            h2 #files { "Files" }
            @if files.is_empty() {
                p.empty { "None." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Table: Files of this run" {
                    table {
                        caption { "As this run has written them" }
                        thead { tr { th scope="col" { "File" } th.n scope="col" { "Size" } th scope="col" { "What it is" } } }
                        tbody {
                            @for (name, bytes) in files {
                                tr {
                                    th scope="row" { a href={ (address) "/files/" (address::segment(name)) } download { bdi { (visible(name)) } } }
                                    td.n { (size_in_words(*bytes)) }
                                    td.wide { (words(name)) }
                                }
                            }
                        }
                    }
                }
                p {
                    a href={ (address) "/evidence.zip" } download { "evidence.zip" }
                    ": report, digests, plan, effects with receipts and the journal's entries, for an auditor."
                }
            }
            @if !gone.is_empty() {
                p { "Removed when their time was over:" }
                ul {
                    @for one in gone.iter().take(FIRST) {
                        li {
                            bdi { (visible(one.name.trim_start_matches(folder.as_str()))) } ", " (size_in_words(one.bytes)) ", on "
                            (one.removed_at.format("%Y-%m-%d")) " by " bdi { (visible(&one.removed_by)) } "; SHA-256 "
                            span.id { (visible(&one.sha256)) }
                        }
                    }
                    @if gone.len() > FIRST { li.soft { "and " (count((gone.len() - FIRST) as u64)) " more" } }
                }
            }
        }
    }
}

/// The inputs as the journal has recorded them: for a run without a report.
pub(super) fn inputs(visitor: &Visitor, run: &RunRecord, inputs: &[InputRecord]) -> Markup {
    html! {
        @if !inputs.is_empty() {
            section aria-labelledby="inputs" {
                h2 #inputs { "Inputs" }
                div.scroll tabindex="0" role="region" aria-label="Table: Inputs" {
                    table {
                        caption { "What the run has read, as received" }
                        thead { tr {
                            th scope="col" { "Side" } th scope="col" { "Name" } th.n scope="col" { "Rows" }
                            th.n scope="col" { "Bytes" } th scope="col" { "SHA-256" }
                        } }
                        tbody {
                            @for input in inputs {
                                tr {
                                    th scope="row" { (input.side.name()) }
                                    td.id { bdi { (visible(&input.file.name)) } }
                                    td.n { (count(input.rows)) }
                                    td.n { (count(input.file.bytes)) }
                                    td.id { (input_link(visitor, run, &input.file.sha256)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
