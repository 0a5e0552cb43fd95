//! The parts of a report that need nothing but its summary: for `report.html`, and for the run's page.

use maud::{Markup, html};

use super::super::amount::{count, money};
use super::super::as_read::all_inputs;
use super::super::definitions::{run_lines_of_summary, terms_of_summary};
use super::super::json::Summary;
use super::super::text::{counted, visible};
use super::super::totals::{kind_words, measure_words};
use super::super::verdict::Tone;
use super::links::Links;
use super::seals;
pub use super::{
    effects::counts as effects,
    month::month,
    sent::sent,
    totals::{ages, gates, kinds, rows, tie_out},
};
use crate::breaks::BreakKind;

/// In the sandbox, sealed, and why it was run.
pub fn banners(summary: &Summary) -> Markup {
    html! {
        @if summary.run.sandbox {
            p.sandbox { strong { "Sandbox." } " The provider was simulated: these are not real transactions." }
        }
        (seals::seal(summary))
        @if let Some(note) = &summary.run.note { p.soft { "Note: " bdi { (visible(note)) } } }
    }
}

/// What the run found, in words.
pub fn verdict(summary: &Summary) -> Markup {
    let class = match summary.tone() {
        Tone::Clean => "verdict clean",
        Tone::Review | Tone::Incomplete | Tone::Unsent => "verdict review",
        Tone::Breached => "verdict breached",
        Tone::NeedsPerson => "verdict person",
        Tone::Broken => "verdict broken",
    };
    let (headline, sentences) = summary.verdict_words();
    html! {
        section class=(class) aria-labelledby="verdict" {
            h2 #verdict { (visible(headline)) }
            @for sentence in sentences { p { (visible(sentence)) } }
        }
    }
}

/// The run in six numbers.
pub fn figures(summary: &Summary) -> Markup {
    let sum =
        |read: fn(&crate::breaks::RowAccount) -> u64| summary.counted_rows().map(read).fold(0_u64, u64::saturating_add);
    let (read, matched, expected) = (sum(|rows| rows.read), sum(|rows| rows.matched), sum(|rows| rows.expected));
    let (breaks, quarantined) = (summary.breaks.count, summary.quarantine.count);
    let figures = if summary.is_sending() {
        let parcels = summary.sent.len() as u64;
        vec![
            ("Rows read", read),
            ("Rows accepted", matched),
            ("Rows waiting", expected),
            ("Parcels", parcels),
            ("Breaks", breaks),
            ("Quarantined", quarantined),
        ]
    } else {
        vec![
            ("Rows read", read),
            ("Rows matched", matched),
            ("Rows expected", expected),
            ("Breaks", breaks),
            ("Suggested", summary.suggestions),
            ("Quarantined", quarantined),
        ]
    };
    html! {
        dl.figures {
            @for (name, number) in figures { div { dt { (name) } dd { (count(number)) } } }
        }
    }
}

/// Warnings, and what has changed since the attempt before.
pub fn notes(summary: &Summary) -> Markup {
    html! {
        @if !summary.warnings.is_empty() {
            section aria-labelledby="warnings" {
                h2 #warnings { "Warnings" }
                ul { @for warning in &summary.warnings { li { bdi { (visible(&warning.message)) } } } }
            }
        }
        @if let Some(changes) = &summary.changes {
            section aria-labelledby="changes" {
                h2 #changes { "Since attempt " (changes.against_attempt) }
                p {
                    (counted(changes.new_breaks, "new break", "new breaks")) ", "
                    (counted(changes.gone_breaks, "is gone", "are gone")) "."
                    @if changes.inputs_unchanged { " The inputs and the job file are unchanged." }
                }
                @if !changes.changed_inputs.is_empty() {
                    p { "Changed inputs:" }
                    ul { @for name in &changes.changed_inputs { li { bdi { (visible(name)) } } } }
                }
            }
        }
    }
}

/// What was read, with digests and sums; the run and the parameters of its job.
pub fn evidence(summary: &Summary, links: &Links) -> Markup {
    html! {
        section aria-labelledby="evidence" {
            h2 #evidence { "Evidence" }
            p { "The same inputs, job file and program give the same breaks." }
            div.scroll tabindex="0" role="region" aria-label="Inputs" {
                table {
                    caption { "Inputs, as received" }
                    thead { tr {
                        th scope="col" { "Side" } th scope="col" { "Name" } th scope="col" { "Origin" }
                        th.n scope="col" { "Rows" } th.n scope="col" { "Bytes" } th scope="col" { "Sums" }
                        th scope="col" { "SHA-256" }
                    } }
                    tbody {
                        @for input in &all_inputs(summary) {
                            tr {
                                th scope="row" { (summary.rows_words(input.side)) }
                                td.id { bdi { (visible(&input.name)) } }
                                td { bdi { (visible(&input.origin)) } }
                                td.n { (count(input.rows)) }
                                td.n { (count(input.bytes)) }
                                td.n {
                                    @for (currency, measure, minor) in &input.sums {
                                        (measure_words(*measure)) " " (money(*minor, currency)) br;
                                    }
                                }
                                td.id { (links.input(&input.sha256)) }
                            }
                        }
                    }
                }
            }
            (pairs("The run", run_lines_of_summary(summary).iter().map(|(name, value)| (*name, value.as_str()))))
            (pairs("Parameters of the job", summary.job.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
        }
    }
}

fn pairs<'a>(caption: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                tbody {
                    @for (name, value) in pairs {
                        tr { th scope="row" { (visible(name)) } td.wide { bdi { (visible(value)) } } }
                    }
                }
            }
        }
    }
}

/// Terms and kinds.
pub fn definitions(summary: &Summary) -> Markup {
    html! {
        section aria-labelledby="definitions" {
            h2 #definitions { "Definitions" }
            dl.terms {
                @for (term, meaning) in terms_of_summary(summary) { dt { (term) } dd { (meaning) } }
                @for kind in BreakKind::ALL {
                    dt id={ "kind-" (kind.name()) } { (kind_words(*kind)) }
                    dd { (kind.words()) }
                }
            }
        }
    }
}
