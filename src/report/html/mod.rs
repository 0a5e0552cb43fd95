//! `report.html`: one file that needs nothing else, no script and no network; for a browser, a
//! phone, a printer and a screen reader.

mod breaks;
mod carried;
mod charts;
mod effects;
mod lists;
mod month;
mod seals;
mod sent;
mod totals;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::amount::count;
use super::definitions::{period_in_words, run_lines, terms};
use super::facts::Facts;
use super::text::{counted, visible};
use super::totals::{kind_words, measure_words};
use super::verdict::{Tone, verdict};
use crate::breaks::BreakKind;

const STYLE: &str = include_str!("style.css");
/// The page asks for nothing, whatever stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page. Of each long list at most `page_rows` are shown; a note says where the rest is.
pub fn render(facts: &Facts, page_rows: usize) -> String {
    let title = format!("{} for {}", facts.job.name, facts.period.label);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "tieout " (visible(&facts.program.version)) };
                title { (visible(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(facts, &title))
                main {
                    (verdict_panel(facts))
                    (figures(facts))
                    @if let Some(parcels) = &facts.sent { (sent::sent(parcels, facts, page_rows)) }
                    @if let Some(found) = &facts.month { (month::month(found, page_rows)) }
                    (totals::tie_out(facts))
                    (totals::kinds(facts))
                    (breaks::breaks(facts, page_rows))
                    @if let Some(found) = &facts.carried { (carried::carried(found, facts, page_rows)) }
                    @if let Some(found) = &facts.sealed.adjustments { (seals::adjustments(found, facts, page_rows)) }
                    @if let Some(found) = &facts.effects { (effects::effects(found, facts, page_rows)) }
                    @if is_there(facts, "suggested") { (lists::suggestions(facts, page_rows)) }
                    (lists::quarantine(facts, page_rows))
                    (totals::rows(facts))
                    (totals::gates(facts))
                    (notes(facts))
                    (evidence(facts))
                    (definitions(facts))
                }
                footer { p.soft { "Written by tieout " (visible(&facts.program.version)) "." } }
            }
        }
    };
    page.into_string()
}

fn header(facts: &Facts, title: &str) -> Markup {
    html! {
        header {
            h1 { bdi { (visible(title)) } }
            @if let Some(description) = &facts.job.description { p { bdi { (visible(description)) } } }
            p.soft {
                "Period " (period_in_words(facts)) "; run " bdi { (visible(&facts.run.id)) } " of "
                (facts.run.run_time.format("%Y-%m-%d %H:%M:%S UTC"))
            }
            @if facts.run.sandbox {
                p.sandbox { strong { "Sandbox." } " The provider was simulated: these are not real transactions." }
            }
            (seals::seal(facts))
            @if let Some(note) = &facts.run.note { p.soft { "Note: " bdi { (visible(note)) } } }
            nav aria-label="Sections" {
                ul {
                    @for (id, name) in SECTIONS.iter().filter(|(id, _)| is_there(facts, id)) { li { a href={ "#" (id) } { (name) } } }
                }
            }
        }
    }
}

/// Effects only where the job has any; what cannot be suggested is not told by a job that sends.
fn is_there(facts: &Facts, section: &str) -> bool {
    match section {
        "effects" => facts.effects.is_some(),
        "sent" => facts.is_sending(),
        "month" => facts.month.is_some(),
        "carried" => facts.carried.is_some(),
        "adjustments" => facts.sealed.adjustments.is_some(),
        "suggested" => !facts.is_sending(),
        _ => true,
    }
}

const SECTIONS: [(&str, &str); 14] = [
    ("sent", "Sent"),
    ("month", "Month end"),
    ("tie-out", "Tie-out"),
    ("kinds", "Breaks by kind"),
    ("breaks", "All breaks"),
    ("carried", "Carried"),
    ("adjustments", "Adjustments"),
    ("effects", "Effects"),
    ("suggested", "Suggested"),
    ("quarantine", "Quarantine"),
    ("rows", "Rows"),
    ("gates", "Gates"),
    ("evidence", "Evidence"),
    ("definitions", "Definitions"),
];

fn verdict_panel(facts: &Facts) -> Markup {
    let verdict = verdict(facts);
    let class = match verdict.tone {
        Tone::Clean => "verdict clean",
        Tone::Review | Tone::Incomplete | Tone::Unsent => "verdict review",
        Tone::Breached => "verdict breached",
        Tone::NeedsPerson => "verdict person",
        Tone::Broken => "verdict broken",
    };
    html! {
        section class=(class) aria-labelledby="verdict" {
            h2 #verdict { (verdict.headline) }
            @for sentence in verdict.sentences.iter().chain(&verdict.to_review) { p { (sentence) } }
        }
    }
}

fn figures(facts: &Facts) -> Markup {
    let sum =
        |read: fn(&crate::breaks::RowAccount) -> u64| facts.counted_rows().map(read).fold(0_u64, u64::saturating_add);
    let (read, matched, expected) = (facts.rows_read(), sum(|rows| rows.matched), sum(|rows| rows.expected));
    let (breaks, quarantined) = (facts.breaks.len() as u64, facts.quarantine.len() as u64);
    let figures = if facts.is_sending() {
        let parcels = facts.parcels().len() as u64;
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
            ("Suggested", facts.suggestions.len() as u64),
            ("Quarantined", quarantined),
        ]
    };
    html! {
        dl.figures {
            @for (name, number) in figures { div { dt { (name) } dd { (count(number)) } } }
        }
    }
}

fn notes(facts: &Facts) -> Markup {
    html! {
        @if !facts.warnings.is_empty() {
            section aria-labelledby="warnings" {
                h2 #warnings { "Warnings" }
                ul { @for warning in &facts.warnings { li { bdi { (visible(&warning.message)) } } } }
            }
        }
        @if let Some(changes) = &facts.changes {
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

fn evidence(facts: &Facts) -> Markup {
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
                        @for input in facts.all_inputs() {
                            tr {
                                th scope="row" { (facts.rows_words(input.side)) }
                                td.id { bdi { (visible(&input.name)) } }
                                td { bdi { (visible(&input.origin)) } }
                                td.n { (count(input.rows)) }
                                td.n { (count(input.bytes)) }
                                td.n {
                                    @for (currency, measure, minor) in &input.sums {
                                        (measure_words(*measure)) " " (super::amount::money(*minor, currency)) br;
                                    }
                                }
                                td.id { (visible(&input.sha256)) }
                            }
                        }
                    }
                }
            }
            (pairs("The run", run_lines(facts).iter().map(|(name, value)| (*name, value.as_str()))))
            (pairs("Parameters of the job", facts.job.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
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

fn definitions(facts: &Facts) -> Markup {
    html! {
        section aria-labelledby="definitions" {
            h2 #definitions { "Definitions" }
            dl.terms {
                @for (term, meaning) in terms(facts) { dt { (term) } dd { (meaning) } }
                @for kind in BreakKind::ALL {
                    dt id={ "kind-" (kind.name()) } { (kind_words(*kind)) }
                    dd { (kind.words()) }
                }
            }
        }
    }
}
