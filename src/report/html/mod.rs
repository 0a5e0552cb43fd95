//! `report.html`: one file that needs nothing else, no script and no network; for a browser, a
//! phone, a printer and a screen reader.

mod breaks;
mod carried;
mod charts;
mod effects;
pub mod links;
mod lists;
mod month;
pub mod parts;
mod seals;
mod sent;
mod totals;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::definitions::interval_in_words;
use super::facts::Facts;
use super::json::{Summary, summary};
use super::text::visible;
use links::Links;

const STYLE: &str = include_str!("style.css");
/// The page asks for nothing, whatever stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page. Of each long list at most `page_rows` are shown; a note says where the rest is.
pub fn render(facts: &Facts, page_rows: usize) -> String {
    let summary = &summary(facts);
    let links = Links::Here;
    let title = format!("{} for {}", summary.job.name, summary.period.label);
    let sections = sections(facts, summary);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "tieout " (visible(&summary.program.version)) };
                title { (visible(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(summary, &title, &sections))
                main {
                    (parts::verdict(summary))
                    (parts::figures(summary))
                    @if summary.is_sending() { (sent::sent(summary, page_rows)) }
                    @if let Some(found) = &summary.month { (month::month(found, page_rows)) }
                    (totals::tie_out(summary))
                    (totals::kinds(summary, &links))
                    (totals::ages(summary, &links))
                    (breaks::breaks(facts, page_rows))
                    @if let Some(found) = &facts.carried { (carried::carried(found, facts, page_rows)) }
                    @if let Some(found) = &facts.sealed.adjustments { (seals::adjustments(found, facts, page_rows)) }
                    @if let Some(found) = &facts.effects { (effects::effects(found, summary.effects.as_ref(), facts, page_rows)) }
                    @if !summary.is_sending() { (lists::suggestions(facts, page_rows)) }
                    (lists::quarantine(facts, page_rows))
                    (totals::rows(summary))
                    (totals::gates(summary))
                    (parts::notes(summary))
                    (parts::evidence(summary, &links))
                    (parts::definitions(summary))
                }
                footer { p.soft { "Written by tieout " (visible(&summary.program.version)) "." } }
            }
        }
    };
    page.into_string()
}

fn header(summary: &Summary, title: &str, sections: &[(&str, &str)]) -> Markup {
    html! {
        header {
            h1 { bdi { (visible(title)) } }
            @if let Some(description) = &summary.job.description { p { bdi { (visible(description)) } } }
            p.soft {
                "Period " (interval_in_words(&summary.period)) "; run " bdi { (visible(&summary.run.id)) } " of "
                (summary.run.run_time.format("%Y-%m-%d %H:%M:%S UTC"))
            }
            (parts::banners(summary))
            nav aria-label="Sections" {
                ul { @for (id, name) in sections { li { a href={ "#" (id) } { (name) } } } }
            }
        }
    }
}

/// The sections that the page has: effects only where the job has any; what cannot be suggested is not told by a job
/// that sends.
fn sections(facts: &Facts, summary: &Summary) -> Vec<(&'static str, &'static str)> {
    let is_there = |section: &str| match section {
        "effects" => summary.effects.is_some(),
        "sent" => summary.is_sending(),
        "month" => summary.month.is_some(),
        "ages" => !summary.breaks.by_age.is_empty(),
        "carried" => facts.carried.is_some(),
        "adjustments" => summary.adjustments.is_some(),
        "suggested" => !summary.is_sending(),
        _ => true,
    };
    SECTIONS.into_iter().filter(|(id, _)| is_there(id)).collect()
}

const SECTIONS: [(&str, &str); 15] = [
    ("sent", "Sent"),
    ("month", "Month end"),
    ("tie-out", "Tie-out"),
    ("kinds", "Breaks by kind"),
    ("ages", "By age"),
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
